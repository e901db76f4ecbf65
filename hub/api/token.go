package api

import (
	"context"
	"time"

	"github.com/tallydock/tallydock/hub/tenant"
)

// Token is an API token; what programs send is shown only when it is made.
type Token struct {
	ID        string     `json:"id"`
	User      string     `json:"user"`
	Name      string     `json:"name"`
	Scopes    []string   `json:"scopes" doc:"of these, those that the user may do when the token is used"`
	Sites     []string   `json:"sites" doc:"empty = all of the user's"`
	MadeAt    time.Time  `json:"made_at"`
	ExpiresAt time.Time  `json:"expires_at"`
	UsedAt    *time.Time `json:"used_at" doc:"to the minute"`
	RevokedAt *time.Time `json:"revoked_at"`
}

func tokenBody(t tenant.Token) Token {
	out := Token{
		ID: t.ID, User: t.User, Name: t.Name, Scopes: []string{}, Sites: listOf(t.Sites, "").Items, MadeAt: t.Made.UTC(),
		ExpiresAt: t.Expires.UTC(), UsedAt: timeOrNull(t.Used), RevokedAt: timeOrNull(t.Revoked),
	}
	for _, s := range t.Scopes {
		out.Scopes = append(out.Scopes, string(s))
	}
	return out
}

func (s *server) tokens(ctx context.Context, _ *empty) (list[Token], error) {
	return s.tokensOf(ctx, sessionFrom(ctx).User)
}

func (s *server) userTokens(ctx context.Context, in *ByID) (list[Token], error) {
	return s.tokensOf(ctx, tenant.CleanName(in.ID))
}

func (s *server) tokensOf(ctx context.Context, user string) (list[Token], error) {
	all, err := s.Tenant.Tokens(ctx, user)
	out := make([]Token, 0, len(all))
	for _, t := range all {
		out = append(out, tokenBody(t))
	}
	return listOf(out, ""), err
}

type makeTokenInput struct {
	Body struct {
		Name   string   `json:"name" minLength:"1" maxLength:"100"`
		Scopes []string `json:"scopes" minItems:"1" maxItems:"100" doc:"permissions, such as stock:read"`
		Sites  []string `json:"sites,omitempty" maxItems:"200" doc:"left out = all of the user's"`
		Days   int      `json:"days" minimum:"1" maximum:"400"`
	}
}

// MadeToken is a new token with what programs send, shown this once.
type MadeToken struct {
	Token
	Secret string `json:"secret" doc:"to be sent as Authorization: Bearer …"`
}

func (s *server) makeToken(ctx context.Context, in *makeTokenInput) (MadeToken, error) {
	w := tenant.TokenWish{Name: in.Body.Name, Sites: in.Body.Sites, Life: time.Duration(in.Body.Days) * 24 * time.Hour}
	for _, scope := range in.Body.Scopes {
		w.Scopes = append(w.Scopes, tenant.Permission(scope))
	}
	secret, t, err := s.Tenant.MakeToken(ctx, sessionFrom(ctx).Principal, w)
	return MadeToken{tokenBody(t), secret}, err
}

func (s *server) revokeToken(ctx context.Context, in *ByID) error {
	me := sessionFrom(ctx)
	return s.Tenant.RevokeToken(ctx, me.Principal, in.ID, me.User)
}

type userTokenInput struct {
	ByID
	Token string `path:"token" maxLength:"64"`
}

func (s *server) revokeUserToken(ctx context.Context, in *userTokenInput) error {
	return s.Tenant.RevokeToken(ctx, sessionFrom(ctx).Principal, in.Token, tenant.CleanName(in.ID))
}
