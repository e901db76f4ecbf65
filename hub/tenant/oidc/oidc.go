// Package oidc signs people in by an OpenID provider: authorization code with PKCE, nonce and state.
//
// A sign-in belongs to the browser that began it: the browser keeps one secret, in a cookie, from which state, nonce and
// PKCE verifier are derived, so the hub keeps nothing of it that could be stolen, and what comes back fits only there. The
// hub talks to the one provider of its configuration: an answer that names another issuer is refused (RFC 9207).
package oidc

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/tenant"
)

const (
	// leeway is how far the provider's clock may be off.
	leeway = time.Minute
	// within is how long the provider may take to answer.
	within = 15 * time.Second
	// mostAnswer bounds what is read of one answer.
	mostAnswer = 1 << 20
	// again is how long a provider that does not answer is left in peace.
	again = 5 * time.Second
)

// algorithms are those that an id token may be signed by.
var algorithms = []string{oidc.RS256, oidc.ES256, oidc.EdDSA}

// ErrRefused: the provider let nobody in, or what it said does not hold.
var ErrRefused = fault.New(fault.Forbidden, "the sign-in at the provider did not hold")

// Mapping gives a role to the members of a group.
type Mapping struct {
	Group string
	Grant tenant.Grant
}

// Config is how the provider is reached, and what its groups may do.
type Config struct {
	Issuer, Label          string
	ClientID, ClientSecret string
	Redirect               string   // where the provider sends browsers back: https://hub.example.com/api/v1/oidc/callback
	Home                   string   // where it sends them after signing out
	Scopes                 []string // besides openid; nil = profile, email, groups
	NameClaim, GroupClaim  string   // "" = preferred_username, groups
	Grants                 []Mapping
	Now                    func() time.Time
	HTTP                   *http.Client // nil = one with limits
}

// Provider is an OpenID provider. Its description is fetched when it is first needed, so that the hub starts without it.
type Provider struct {
	c     Config
	found atomic.Pointer[found] // nil = not yet

	mu   sync.Mutex // of who asks
	next time.Time  // when it may be asked again
	last error
}

// found is what the provider says of itself.
type found struct {
	provider *oidc.Provider
	oauth    oauth2.Config
	verifier *oidc.IDTokenVerifier
	logout   string
}

// New makes a Provider. Nothing is fetched.
func New(c Config) *Provider {
	if c.Scopes == nil {
		c.Scopes = []string{"profile", "email", "groups"}
	}
	if c.NameClaim == "" {
		c.NameClaim = "preferred_username"
	}
	if c.GroupClaim == "" {
		c.GroupClaim = "groups"
	}
	if c.HTTP == nil {
		c.HTTP = &http.Client{Timeout: within, Transport: bounded{http.DefaultTransport}}
	}
	if u, err := url.Parse(c.Issuer); c.Label == "" && err == nil {
		c.Label = u.Host
	}
	return &Provider{c: c}
}

// bounded reads no more of an answer than there should be.
type bounded struct{ next http.RoundTripper }

// RoundTrip asks.
func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := b.next.RoundTrip(r)
	if err == nil {
		res.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(res.Body, mostAnswer), res.Body}
	}
	return res, err
}

// Label is the provider's name for people.
func (p *Provider) Label() string { return p.c.Label }

// Logout is where the provider signs people out; "" where it has not said yet.
func (p *Provider) Logout() string {
	f := p.found.Load()
	if f == nil || f.logout == "" {
		return ""
	}
	u, err := url.Parse(f.logout)
	if err != nil {
		return ""
	}
	q := u.Query()
	q.Set("client_id", p.c.ClientID)
	if p.c.Home != "" {
		q.Set("post_logout_redirect_uri", p.c.Home)
	}
	u.RawQuery = q.Encode()
	return u.String()
}

// discover gives what the provider says of itself, and asks at most every few seconds while it does not answer.
func (p *Provider) discover(ctx context.Context) (*found, error) {
	if f := p.found.Load(); f != nil {
		return f, nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if f := p.found.Load(); f != nil {
		return f, nil
	}
	if now := p.c.Now(); now.Before(p.next) {
		return nil, p.last
	}
	f, err := p.ask(ctx)
	if err != nil {
		p.next, p.last = p.c.Now().Add(again), fmt.Errorf("%w: the OIDC provider %s does not answer: %w", fault.Unavailable, p.c.Issuer, err)
		return nil, p.last
	}
	p.found.Store(f)
	return f, nil
}

// ask fetches the description. The keys' fetcher goes on with the context's client, so the context must outlive the request.
func (p *Provider) ask(ctx context.Context) (*found, error) {
	provider, err := oidc.NewProvider(oidc.ClientContext(context.WithoutCancel(ctx), p.c.HTTP), p.c.Issuer)
	if err != nil {
		return nil, err
	}
	var more struct {
		EndSession string `json:"end_session_endpoint"`
	}
	if err := provider.Claims(&more); err != nil {
		return nil, err
	}
	return &found{
		provider: provider,
		oauth: oauth2.Config{
			ClientID: p.c.ClientID, ClientSecret: p.c.ClientSecret, Endpoint: provider.Endpoint(), RedirectURL: p.c.Redirect,
			Scopes: append([]string{oidc.ScopeOpenID}, p.c.Scopes...),
		},
		verifier: provider.Verifier(&oidc.Config{
			ClientID: p.c.ClientID, SupportedSigningAlgs: algorithms, Now: func() time.Time { return p.c.Now().Add(-leeway) },
		}),
		logout: more.EndSession,
	}, nil
}

// derive gives what the browser's secret stands for.
func derive(browser, what string) string {
	mac := hmac.New(sha256.New, []byte(browser))
	mac.Write([]byte("tallydock oidc " + what))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// Begin gives where to send a browser that holds a secret, and the state that it will come back with. Error:
// fault.Unavailable while the provider does not answer.
func (p *Provider) Begin(ctx context.Context, browser string) (place, state string, err error) {
	f, err := p.discover(ctx)
	if err != nil {
		return "", "", err
	}
	state = derive(browser, "state")
	return f.oauth.AuthCodeURL(state, oidc.Nonce(derive(browser, "nonce")), oauth2.S256ChallengeOption(derive(browser, "verifier"))), state, nil
}

// Finish checks what a browser came back with, and gives whom the provider knows. Errors: ErrRefused; fault.Unavailable while
// the provider does not answer.
func (p *Provider) Finish(ctx context.Context, browser string, came url.Values) (tenant.Identity, error) {
	f, err := p.discover(ctx)
	if err != nil {
		return tenant.Identity{}, err
	}
	if err := p.checkReturn(browser, came); err != nil {
		return tenant.Identity{}, err
	}
	ctx, done := context.WithTimeout(oidc.ClientContext(ctx, p.c.HTTP), within)
	defer done()
	token, err := f.oauth.Exchange(ctx, came.Get("code"), oauth2.VerifierOption(derive(browser, "verifier")))
	if err != nil {
		return tenant.Identity{}, exchangeError(err)
	}
	raw, ok := token.Extra("id_token").(string)
	if !ok {
		return tenant.Identity{}, refused("it sent no id token")
	}
	id, err := f.verifier.Verify(ctx, raw)
	if err != nil {
		return tenant.Identity{}, refused("its id token: %v", err)
	}
	if err := p.checkToken(id, derive(browser, "nonce"), token.AccessToken); err != nil {
		return tenant.Identity{}, err
	}
	claims, err := p.claims(ctx, f, id, token)
	if err != nil {
		return tenant.Identity{}, err
	}
	return p.identity(id, claims), nil
}

func refused(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrRefused, fmt.Sprintf(format, args...))
}

// exchangeError does not repeat what the provider wrote: it may have the code in it.
func exchangeError(err error) error {
	var answer *oauth2.RetrieveError
	if errors.As(err, &answer) {
		return refused("it refused the code (%s)", plain(answer.ErrorCode))
	}
	return fmt.Errorf("%w: the OIDC provider does not answer: %w", fault.Unavailable, err)
}

// plain gives an error code of OAuth, or nothing of anything else.
func plain(code string) string {
	for _, c := range code {
		if (c < 'a' || c > 'z') && c != '_' {
			return "…"
		}
	}
	return code[:min(len(code), 40)]
}

func (p *Provider) checkReturn(browser string, came url.Values) error {
	one := func(name string) string {
		if len(came[name]) != 1 {
			return ""
		}
		return came[name][0]
	}
	iss, named := came["iss"]
	switch {
	case subtle.ConstantTimeCompare([]byte(one("state")), []byte(derive(browser, "state"))) != 1:
		return refused("the state is not that of this browser")
	case named && (len(iss) != 1 || iss[0] != p.c.Issuer):
		return refused("the answer is another provider's")
	case came.Has("error"):
		return refused("it said %s", plain(one("error")))
	case one("code") == "":
		return refused("it sent no code")
	}
	return nil
}

// checkToken checks what the verifier leaves open.
func (p *Provider) checkToken(id *oidc.IDToken, nonce, access string) error {
	var claims struct {
		Party string `json:"azp"`
	}
	if err := id.Claims(&claims); err != nil {
		return refused("its id token: %v", err)
	}
	switch {
	case subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(nonce)) != 1:
		return refused("its id token was not made for this sign-in")
	case claims.Party != "" && claims.Party != p.c.ClientID, claims.Party == "" && len(id.Audience) > 1:
		return refused("its id token was made for another client")
	case id.IssuedAt.After(p.c.Now().Add(leeway)):
		return refused("its id token is of the future")
	case id.Subject == "" || len(id.Subject) > 255:
		return refused("its id token names nobody")
	}
	if id.AccessTokenHash != "" {
		if err := id.VerifyAccessToken(access); err != nil {
			return refused("its id token: %v", err)
		}
	}
	return nil
}

// claims gives what the id token says of the user, and where that is too little, what the provider adds when it is asked.
func (p *Provider) claims(ctx context.Context, f *found, id *oidc.IDToken, token *oauth2.Token) (map[string]any, error) {
	var claims map[string]any
	if err := id.Claims(&claims); err != nil {
		return nil, refused("its id token: %v", err)
	}
	if claims[p.c.NameClaim] != nil && claims[p.c.GroupClaim] != nil || f.provider.UserInfoEndpoint() == "" {
		return claims, nil
	}
	more, err := f.provider.UserInfo(ctx, oauth2.StaticTokenSource(token))
	if err != nil {
		return nil, fmt.Errorf("%w: the OIDC provider does not tell about the user: %w", fault.Unavailable, err)
	}
	var added map[string]any
	if err := more.Claims(&added); err != nil || more.Subject != id.Subject {
		return nil, refused("it told about another user")
	}
	for _, name := range []string{p.c.NameClaim, p.c.GroupClaim, "email"} {
		if claims[name] == nil {
			claims[name] = added[name]
		}
	}
	return claims, nil
}

func (p *Provider) identity(id *oidc.IDToken, claims map[string]any) tenant.Identity {
	name, _ := claims[p.c.NameClaim].(string)
	if name == "" {
		name, _ = claims["email"].(string)
	}
	if name == "" {
		name = id.Subject
	}
	out := tenant.Identity{Subject: id.Issuer + "|" + id.Subject, Name: name}
	groups := texts(claims[p.c.GroupClaim])
	for _, m := range p.c.Grants {
		if slices.Contains(groups, m.Group) && !slices.Contains(out.Grants, m.Grant) {
			out.Grants = append(out.Grants, m.Grant)
		}
	}
	return out
}

// texts reads a claim that is one text or a list of them.
func texts(claim any) (all []string) {
	switch v := claim.(type) {
	case string:
		return []string{v}
	case []any:
		for _, one := range v {
			if s, ok := one.(string); ok {
				all = append(all, s)
			}
		}
	}
	return all
}
