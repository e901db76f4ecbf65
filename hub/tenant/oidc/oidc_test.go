package oidc_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/tenant"
	"github.com/tallydock/tallydock/hub/tenant/oidc"
)

var b64 = base64.RawURLEncoding

// signer is a key of a provider.
type signer struct {
	alg, kid string
	key      crypto.Signer
}

func newSigner(t testing.TB, alg, kid string) signer {
	t.Helper()
	var key crypto.Signer
	var err error
	switch alg {
	case "RS256", "PS256":
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	case "ES256":
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	default:
		_, key, err = ed25519.GenerateKey(rand.Reader)
	}
	if err != nil {
		t.Fatal(err)
	}
	return signer{alg, kid, key}
}

func (s signer) jwk() map[string]string {
	out := map[string]string{"kid": s.kid, "alg": s.alg, "use": "sig"}
	switch k := s.key.Public().(type) {
	case *rsa.PublicKey:
		out["kty"], out["n"], out["e"] = "RSA", b64.EncodeToString(k.N.Bytes()), b64.EncodeToString(big.NewInt(int64(k.E)).Bytes())
	case *ecdsa.PublicKey:
		raw, _ := k.Bytes()
		out["kty"], out["crv"], out["x"], out["y"] = "EC", "P-256", b64.EncodeToString(raw[1:33]), b64.EncodeToString(raw[33:])
	case ed25519.PublicKey:
		out["kty"], out["crv"], out["x"] = "OKP", "Ed25519", b64.EncodeToString(k)
	}
	return out
}

func (s signer) sign(t testing.TB, claims map[string]any) string {
	t.Helper()
	head, _ := json.Marshal(map[string]string{"alg": s.alg, "kid": s.kid, "typ": "JWT"})
	body, _ := json.Marshal(claims)
	text := b64.EncodeToString(head) + "." + b64.EncodeToString(body)
	var sig []byte
	var err error
	sum := sha256.Sum256([]byte(text))
	switch k := s.key.(type) {
	case *rsa.PrivateKey:
		sig, err = rsa.SignPKCS1v15(rand.Reader, k, crypto.SHA256, sum[:])
	case *ecdsa.PrivateKey:
		var r, v *big.Int
		r, v, err = ecdsa.Sign(rand.Reader, k, sum[:])
		if err == nil {
			sig = append(r.FillBytes(make([]byte, 32)), v.FillBytes(make([]byte, 32))...)
		}
	case ed25519.PrivateKey:
		sig = ed25519.Sign(k, []byte(text))
	}
	if err != nil {
		t.Fatal(err)
	}
	return text + "." + b64.EncodeToString(sig)
}

// provider is one that says what a test wants.
type provider struct {
	t      testing.TB
	server *httptest.Server
	keys   []signer
	claims map[string]any // beside or in place of the right ones
	forge  func(claims map[string]any) string
	info   map[string]any
	down   bool

	codes map[string]url.Values // code -> what the browser was sent with
	asked int                   // for keys
}

func startProvider(t testing.TB) *provider {
	p := &provider{t: t, keys: []signer{newSigner(t, "RS256", "k1")}, codes: map[string]url.Values{}, claims: map[string]any{}}
	mux := http.NewServeMux()
	answer := func(w http.ResponseWriter, v any) {
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(v)
	}
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		if p.down {
			http.Error(w, "no", http.StatusServiceUnavailable)
			return
		}
		u := p.server.URL
		d := map[string]any{
			"issuer": u, "authorization_endpoint": u + "/auth", "token_endpoint": u + "/token", "jwks_uri": u + "/keys",
			"end_session_endpoint": u + "/bye?x=1", "id_token_signing_alg_values_supported": []string{"RS256", "ES256", "EdDSA", "HS256", "none"},
		}
		if p.info != nil {
			d["userinfo_endpoint"] = u + "/info"
		}
		answer(w, d)
	})
	mux.HandleFunc("/keys", func(w http.ResponseWriter, _ *http.Request) {
		p.asked++
		var all []map[string]string
		for _, k := range p.keys {
			all = append(all, k.jwk())
		}
		answer(w, map[string]any{"keys": all})
	})
	mux.HandleFunc("/info", func(w http.ResponseWriter, _ *http.Request) { answer(w, p.info) })
	mux.HandleFunc("POST /token", p.token(answer))
	p.server = httptest.NewServer(mux)
	t.Cleanup(p.server.Close)
	return p
}

// token gives an id token for a code, once, to who knows the verifier.
func (p *provider) token(answer func(http.ResponseWriter, any)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		sent, known := p.codes[r.FormValue("code")]
		delete(p.codes, r.FormValue("code"))
		sum := sha256.Sum256([]byte(r.FormValue("code_verifier")))
		user, secret, _ := r.BasicAuth()
		if !known || b64.EncodeToString(sum[:]) != sent.Get("code_challenge") || user != "hub" || secret != "s3cret" || r.FormValue("redirect_uri") != sent.Get("redirect_uri") {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusBadRequest)
			json.NewEncoder(w).Encode(map[string]string{"error": "invalid_grant", "error_description": "<b>secret words</b>"})
			return
		}
		now := time.Now()
		claims := map[string]any{
			"iss": p.server.URL, "sub": "42", "aud": "hub", "exp": now.Add(time.Hour).Unix(), "iat": now.Unix(), "nonce": sent.Get("nonce"),
			"preferred_username": "zoe", "groups": []string{"docks", "others"},
		}
		maps.Copy(claims, p.claims)
		maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
		text := ""
		if p.forge != nil {
			text = p.forge(claims)
		} else {
			text = p.keys[0].sign(p.t, claims)
		}
		answer(w, map[string]any{"access_token": "at", "token_type": "Bearer", "expires_in": 60, "id_token": text})
	}
}

func (p *provider) hub() *oidc.Provider {
	return oidc.New(oidc.Config{
		Issuer: p.server.URL, ClientID: "hub", ClientSecret: "s3cret", Redirect: "https://hub.example.com/api/v1/oidc/callback",
		Home: "https://hub.example.com/", Now: time.Now,
		Grants: []oidc.Mapping{{"docks", tenant.Grant{Role: tenant.Operator, Site: "SZ1"}}, {"bosses", tenant.Grant{Role: tenant.Admin}}},
	})
}

// visit does what a browser with a secret does, and gives what it comes back with.
func (p *provider) visit(hub *oidc.Provider, browser string) url.Values {
	p.t.Helper()
	place, state, err := hub.Begin(context.Background(), browser)
	if err != nil {
		p.t.Fatal(err)
	}
	u, err := url.Parse(place)
	if err != nil || !strings.HasPrefix(place, p.server.URL+"/auth?") {
		p.t.Fatalf("sent to %s: %v", place, err)
	}
	q := u.Query()
	if q.Get("state") != state || q.Get("nonce") == "" || q.Get("code_challenge_method") != "S256" || len(q.Get("code_challenge")) != 43 ||
		q.Get("response_type") != "code" || !strings.Contains(q.Get("scope"), "openid") || strings.Contains(place, browser) {
		p.t.Fatalf("sent to %s", place)
	}
	code := fmt.Sprint("code", len(p.codes), browser[:4])
	p.codes[code] = q
	return url.Values{"state": {state}, "code": {code}}
}

const (
	browser = "a secret of the browser that began it"
	another = "b secret of another browser"
)

func TestSignInByAProvider(t *testing.T) {
	for _, alg := range []string{"RS256", "ES256", "EdDSA"} {
		p := startProvider(t)
		p.keys = []signer{newSigner(t, alg, "k1")}
		hub := p.hub()
		id, err := hub.Finish(t.Context(), browser, p.visit(hub, browser))
		if err != nil || id.Subject != p.server.URL+"|42" || id.Name != "zoe" || len(id.Grants) != 1 || id.Grants[0] != (tenant.Grant{Role: tenant.Operator, Site: "SZ1"}) {
			t.Errorf("%s: %+v, %v", alg, id, err)
		}
		if got := hub.Logout(); got != p.server.URL+"/bye?client_id=hub&post_logout_redirect_uri=https%3A%2F%2Fhub.example.com%2F&x=1" {
			t.Errorf("logout %s", got)
		}
	}
}

func TestKeysOfTheProviderMayChange(t *testing.T) {
	p := startProvider(t)
	hub := p.hub()
	for i := range 3 {
		p.keys = []signer{newSigner(t, "ES256", fmt.Sprint("key", i))}
		for range 2 {
			if _, err := hub.Finish(t.Context(), browser, p.visit(hub, browser)); err != nil {
				t.Fatalf("key %d: %v", i, err)
			}
		}
	}
	if p.asked != 3 {
		t.Errorf("asked %d times for three keys", p.asked)
	}
}

// What comes back and does not hold lets nobody in.
func TestReturnsThatDoNotHold(t *testing.T) {
	sign := func(s signer) func(*provider) {
		return func(p *provider) { p.forge = func(c map[string]any) string { return s.sign(p.t, c) } }
	}
	claim := func(name string, v any) func(*provider) { return func(p *provider) { p.claims[name] = v } }
	foreign := newSigner(t, "RS256", "k1")
	tries := 0
	for name, c := range map[string]struct {
		spoil func(*provider)
		came  func(p *provider, hub *oidc.Provider, came url.Values) url.Values
	}{
		"no state":   {came: func(_ *provider, _ *oidc.Provider, v url.Values) url.Values { v.Del("state"); return v }},
		"two states": {came: func(_ *provider, _ *oidc.Provider, v url.Values) url.Values { v.Add("state", "x"); return v }},
		"another browser's state": {came: func(p *provider, hub *oidc.Provider, v url.Values) url.Values {
			v.Set("state", p.visit(hub, another).Get("state"))
			return v
		}},
		"another browser's code": {came: func(p *provider, hub *oidc.Provider, v url.Values) url.Values {
			v.Set("code", p.visit(hub, another).Get("code"))
			return v
		}},
		"all of another browser's": {came: func(p *provider, hub *oidc.Provider, _ url.Values) url.Values { return p.visit(hub, another) }},
		"a code again": {came: func(_ *provider, hub *oidc.Provider, v url.Values) url.Values {
			hub.Finish(context.Background(), browser, v)
			return v
		}},
		"a code of nobody": {came: func(_ *provider, _ *oidc.Provider, v url.Values) url.Values { v.Set("code", "guess"); return v }},
		"no code":          {came: func(_ *provider, _ *oidc.Provider, v url.Values) url.Values { v.Del("code"); return v }},
		"an error": {came: func(_ *provider, _ *oidc.Provider, v url.Values) url.Values {
			v.Set("error", "access_denied")
			return v
		}},
		"mix-up: another issuer named": {came: func(_ *provider, _ *oidc.Provider, v url.Values) url.Values {
			v.Set("iss", "https://evil.example")
			return v
		}},
		"mix-up: two issuers named": {came: func(p *provider, _ *oidc.Provider, v url.Values) url.Values {
			v["iss"] = []string{p.server.URL, "https://evil.example"}
			return v
		}},
		"mix-up: an id token of another": {spoil: claim("iss", "https://evil.example")},
		"another nonce":                  {spoil: claim("nonce", "replayed")},
		"no nonce":                       {spoil: claim("nonce", nil)},
		"another audience":               {spoil: claim("aud", "other")},
		"many audiences, no party":       {spoil: claim("aud", []string{"hub", "other"})},
		"another party":                  {spoil: claim("azp", "other")},
		"expired":                        {spoil: claim("exp", time.Now().Add(-2*time.Minute).Unix())},
		"no end":                         {spoil: claim("exp", nil)},
		"of the future":                  {spoil: claim("iat", time.Now().Add(time.Hour).Unix())},
		"not valid yet":                  {spoil: claim("nbf", time.Now().Add(time.Hour).Unix())},
		"no subject":                     {spoil: claim("sub", "")},
		"of another access token":        {spoil: claim("at_hash", "AAAAAAAAAAAAAAAAAAAAAA")},
		"a foreign key":                  {spoil: sign(foreign)},
		"a foreign key of another name":  {spoil: sign(newSigner(t, "RS256", "k2"))},
		"an algorithm not in the list":   {spoil: func(p *provider) { s := p.keys[0]; s.alg = "PS256"; sign(s)(p) }},
		"no signature": {spoil: func(p *provider) {
			p.forge = func(c map[string]any) string {
				body, _ := json.Marshal(c)
				return b64.EncodeToString([]byte(`{"alg":"none"}`)) + "." + b64.EncodeToString(body) + "."
			}
		}},
		"a public key as a secret": {spoil: func(p *provider) {
			p.forge = func(c map[string]any) string {
				body, _ := json.Marshal(c)
				text := b64.EncodeToString([]byte(`{"alg":"HS256","kid":"k1"}`)) + "." + b64.EncodeToString(body)
				mac := hmac.New(sha256.New, []byte(p.keys[0].jwk()["n"]))
				mac.Write([]byte(text))
				return text + "." + b64.EncodeToString(mac.Sum(nil))
			}
		}},
		"changed after it was signed": {spoil: func(p *provider) {
			p.forge = func(c map[string]any) string {
				part := strings.Split(p.keys[0].sign(p.t, c), ".")
				c["groups"] = []string{"bosses"}
				body, _ := json.Marshal(c)
				return part[0] + "." + b64.EncodeToString(body) + "." + part[2]
			}
		}},
		"no id token":               {spoil: func(p *provider) { p.forge = func(map[string]any) string { return "" } }},
		"what is no id token":       {spoil: func(p *provider) { p.forge = func(map[string]any) string { return "a.b.c" } }},
		"information about another": {spoil: func(p *provider) { p.info = map[string]any{"sub": "43", "groups": "bosses"}; p.claims["groups"] = nil }},
	} {
		t.Run(name, func(t *testing.T) {
			p := startProvider(t)
			if c.spoil != nil {
				c.spoil(p)
			}
			hub := p.hub()
			came := p.visit(hub, browser)
			if c.came != nil {
				came = c.came(p, hub, came)
			}
			tries++
			id, err := hub.Finish(t.Context(), browser, came)
			if !errors.Is(err, oidc.ErrRefused) || id.Subject != "" || strings.Contains(err.Error(), "secret words") {
				t.Errorf("got %+v, %v", id, err)
			}
		})
	}
	t.Logf("%d returns, 0 got in", tries)
}

func TestClockOfTheProviderMayBeALittleOff(t *testing.T) {
	for name, claims := range map[string]map[string]any{
		"expired a moment ago": {"exp": time.Now().Add(-20 * time.Second).Unix()}, "made in a moment": {"iat": time.Now().Add(20 * time.Second).Unix()},
		"one audience of a list": {"aud": []string{"hub"}}, "two audiences and the party": {"aud": []string{"hub", "other"}, "azp": "hub"},
	} {
		p := startProvider(t)
		maps.Copy(p.claims, claims)
		hub := p.hub()
		if _, err := hub.Finish(t.Context(), browser, p.visit(hub, browser)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestGroupsThatTheProviderTellsWhenAsked(t *testing.T) {
	p := startProvider(t)
	p.claims["groups"], p.claims["preferred_username"] = nil, nil
	p.info = map[string]any{"sub": "42", "groups": "bosses", "email": "zoe@example.com", "admin": true}
	hub := p.hub()
	id, err := hub.Finish(t.Context(), browser, p.visit(hub, browser))
	if err != nil || id.Name != "zoe@example.com" || len(id.Grants) != 1 || id.Grants[0].Role != tenant.Admin {
		t.Errorf("%+v, %v", id, err)
	}
}

func TestAProviderThatIsAway(t *testing.T) {
	p := startProvider(t)
	p.down = true
	now := time.Now()
	hub := oidc.New(oidc.Config{Issuer: p.server.URL, ClientID: "hub", Now: func() time.Time { return now }})
	for range 3 {
		if _, _, err := hub.Begin(t.Context(), browser); !errors.Is(err, fault.Unavailable) {
			t.Errorf("got %v", err)
		}
	}
	p.down = false
	if _, _, err := hub.Begin(t.Context(), browser); !errors.Is(err, fault.Unavailable) {
		t.Errorf("at once: %v; it was to be left in peace", err)
	}
	now = now.Add(6 * time.Second)
	if _, _, err := hub.Begin(t.Context(), browser); err != nil {
		t.Errorf("later: %v", err)
	}
}

func FuzzReturn(f *testing.F) {
	p := startProvider(f)
	hub := p.hub()
	came := p.visit(hub, another)
	f.Add(came.Encode())
	f.Add("state=" + came.Get("state") + "&code=b&iss=x&error=y")
	f.Add("state=%00")
	f.Fuzz(func(t *testing.T, query string) {
		v, _ := url.ParseQuery(query)
		if id, err := hub.Finish(t.Context(), browser, v); !errors.Is(err, oidc.ErrRefused) {
			t.Errorf("%q: %+v, %v", query, id, err)
		}
	})
}
