package app

import (
	"strings"
	"time"

	"github.com/tallydock/tallydock/hub/api"
	"github.com/tallydock/tallydock/hub/config"
	"github.com/tallydock/tallydock/hub/store"
	"github.com/tallydock/tallydock/hub/tenant"
	"github.com/tallydock/tallydock/hub/tenant/oidc"
)

// users are those who may come in, and how.
func (h *house) users() (*tenant.Service, error) {
	keys, err := config.EnsureSecretKey(h.cfg)
	if err != nil {
		return nil, err
	}
	opt := tenant.Options{Idle: h.cfg.Sessions.Idle, Life: h.cfg.Sessions.Life, Sealer: keys}
	for _, name := range h.cfg.TOTPRequiredRoles {
		role, err := tenant.ParseRole(name)
		if err != nil {
			return nil, err
		}
		opt.FactorRoles = append(opt.FactorRoles, role)
	}
	for _, e := range h.cfg.Edges {
		opt.Sites = append(opt.Sites, e.Site)
	}
	return tenant.NewWith(store.Tenant{DB: h.db}, time.Now, opt)
}

// provider is where people sign in by OIDC; nil where there is none.
func (h *house) provider() (api.Provider, error) {
	c := h.cfg.OIDC
	if c.Issuer == "" {
		return nil, nil
	}
	key, err := c.ReadClientSecret()
	if err != nil {
		return nil, err
	}
	home := strings.TrimSuffix(h.cfg.PublicURL, "/")
	own := oidc.Config{
		Issuer: c.Issuer, Label: c.Label, ClientID: c.ClientID, ClientSecret: key, Redirect: home + "/api/v1/oidc/callback", Home: home,
		Scopes: c.Scopes, NameClaim: c.NameClaim, GroupClaim: c.GroupClaim, Now: time.Now,
	}
	for _, g := range c.Grants {
		role, err := tenant.ParseRole(g.Role)
		if err != nil {
			return nil, err
		}
		own.Grants = append(own.Grants, oidc.Mapping{Group: g.Group, Grant: tenant.Grant{Role: role, Site: g.Site}})
	}
	return oidc.New(own), nil
}
