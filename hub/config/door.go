package config

import (
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/tallydock/tallydock/hub/tenant"
)

// OIDC is a provider that people sign in by; without an issuer there is none.
type OIDC struct {
	Issuer           string    `yaml:"issuer"` // https://login.example.com
	Label            string    `yaml:"label"`  // on the button of the sign-in page; "" = the issuer's host
	ClientID         string    `yaml:"client_id"`
	ClientSecret     Secret    `yaml:"client_secret"`
	ClientSecretFile string    `yaml:"client_secret_file"` // a file whose first line it is
	Scopes           []string  `yaml:"scopes"`             // besides openid; default profile, email and groups
	NameClaim        string    `yaml:"name_claim"`         // the user's name; default preferred_username
	GroupClaim       string    `yaml:"group_claim"`        // the user's groups; default groups
	Grants           []Mapping `yaml:"grants"`
}

// Mapping gives a role to the members of a group, at one site or ("") at all.
type Mapping struct {
	Group string `yaml:"group"`
	Role  string `yaml:"role"`
	Site  string `yaml:"site"`
}

// RateLimits are how many requests one user, or one API token, may make; 0 = the default.
type RateLimits struct {
	ReadsPerSecond   float64 `yaml:"reads_per_second"`    // 100
	ChangesPerSecond float64 `yaml:"changes_per_second"`  // 20
	SignInsPerMinute float64 `yaml:"sign_ins_per_minute"` // 60, of one address
	ExportsPerMinute float64 `yaml:"exports_per_minute"`  // 6
}

// ReadClientSecret gives the secret, from its file where it is in one.
func (o OIDC) ReadClientSecret() (string, error) {
	if o.ClientSecretFile == "" {
		return string(o.ClientSecret), nil
	}
	text, err := os.ReadFile(o.ClientSecretFile)
	if err != nil {
		return "", fmt.Errorf("cannot read the OIDC client secret: %w", err)
	}
	line, _, _ := strings.Cut(string(text), "\n")
	return strings.TrimSpace(line), nil
}

func (f *findings) publicURL(text string) {
	if text == "" {
		return
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.User != nil {
		f.add("public_url", "is %q; use https://host or https://host:port", text)
	}
}

func (f *findings) oidc(o OIDC, public string) {
	if o.Issuer == "" {
		if o.ClientID != "" || len(o.Grants) > 0 {
			f.add("oidc.issuer", "is empty; name the provider, or leave oidc out")
		}
		return
	}
	u, err := url.Parse(o.Issuer)
	if err != nil || u.Host == "" || u.Scheme != "https" && !(u.Scheme == "http" && loopback(u.Hostname())) {
		f.add("oidc.issuer", "is %q; use https://… (http is for this machine only)", o.Issuer)
	}
	if public == "" {
		f.add("public_url", "is empty; oidc needs it, because the provider sends people back there")
	}
	if o.ClientID == "" {
		f.add("oidc.client_id", "is empty; name the client that the provider knows this hub by")
	}
	if o.ClientSecret != "" && o.ClientSecretFile != "" {
		f.add("oidc", "has client_secret and client_secret_file; keep one")
	}
	if len(o.Grants) == 0 {
		f.add("oidc.grants", "is empty; give a group a role, or nobody gets in")
	}
	for i, g := range o.Grants {
		path := fmt.Sprintf("oidc.grants[%d]", i)
		if g.Group == "" {
			f.add(path+".group", "is empty")
		}
		if _, err := tenant.ParseRole(g.Role); err != nil {
			f.add(path+".role", "%v", err)
		}
		if g.Site != "" && !siteCode.MatchString(g.Site) {
			f.add(path+".site", "%q is not a site code; use 1 to 32 of A-Z a-z 0-9 _ -", g.Site)
		}
	}
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func (f *findings) rateLimits(r RateLimits) {
	for _, l := range []struct {
		name  string
		value float64
		most  float64
	}{
		{"reads_per_second", r.ReadsPerSecond, 1e6},
		{"changes_per_second", r.ChangesPerSecond, 1e6},
		{"sign_ins_per_minute", r.SignInsPerMinute, 1e6},
		{"exports_per_minute", r.ExportsPerMinute, 1e6},
	} {
		if !(l.value >= 0 && l.value <= l.most) {
			f.add("rate_limits."+l.name, "is %v; use 0 (the default) to %v", l.value, l.most)
		}
	}
}

func (f *findings) totpRoles(roles []string) {
	for i, r := range roles {
		if _, err := tenant.ParseRole(r); err != nil {
			f.add(fmt.Sprintf("totp_required_roles[%d]", i), "%v", err)
		}
	}
}

func (f *findings) sessions(s Sessions) {
	if s.Idle != 0 && (s.Idle < time.Minute || s.Idle > 7*24*time.Hour) {
		f.add("sessions.idle", "is %v; use 1m to 168h", s.Idle)
	}
	if s.Life != 0 && (s.Life < 5*time.Minute || s.Life > 90*24*time.Hour) {
		f.add("sessions.life", "is %v; use 5m to 2160h", s.Life)
	}
}

// Sessions are how long people stay signed in.
type Sessions struct {
	Idle time.Duration `yaml:"idle"` // without a request; 0 = 12h
	Life time.Duration `yaml:"life"` // in all; 0 = 168h
}
