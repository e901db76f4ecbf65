package app

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"github.com/tallydock/tallydock/hub/api"
	"github.com/tallydock/tallydock/hub/store"
	"github.com/tallydock/tallydock/hub/tenant"
	"github.com/tallydock/tallydock/hub/tenant/oidc"
)

// users are those who may come in, and how.
func (h *house) users() (*tenant.Service, error) {
	opt := tenant.Options{Idle: h.cfg.Sessions.Idle, Life: h.cfg.Sessions.Life, Sealer: h.keys, ChangeMade: true}
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

// people is the door of the API. The file with the first user's password goes when it is changed there.
type people struct {
	*tenant.Service
	data string
	log  *slog.Logger
}

// ChangePassword gives who is signed in a new password.
func (p people) ChangePassword(ctx context.Context, c tenant.Credentials, fresh string, v tenant.Visitor) (string, tenant.Session, error) {
	token, session, err := p.Service.ChangePassword(ctx, c, fresh, v)
	if err == nil && session.User == tenant.AdminName {
		if wrong := ForgetAdminPassword(p.data); wrong != nil { // it opens nothing any more
			p.log.Warn("password is changed", "err", wrong)
		}
	}
	return token, session, err
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
