package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/tallydock/tallydock/devices/clock"
	"github.com/tallydock/tallydock/devices/wire"
)

// A site's code is a level of an MQTT topic and the start of location codes.
var siteCode = regexp.MustCompile(`^[A-Za-z0-9_-]{1,32}$`)

// Validate tells all that is wrong, a line each: the path of the value, what is wrong, and what is possible.
func (c Config) Validate() error {
	var f findings
	if c.Data == "" {
		f.add("data", "is empty; name a folder")
	}
	if c.Database.URL != "" && c.Database.URLFile != "" {
		f.add("database", "has url and url_file; keep one")
	}
	if u := string(c.Database.URL); u != "" && !postgresURL(u) {
		f.add("database.url", "does not begin with postgres:// or postgresql://")
	}
	f.hostPort("listen", c.Listen)
	f.mqtt(c.MQTT, c.Listen)
	if c.Replica != "" && !replicaName.MatchString(c.Replica) {
		f.add("replica", "%q is not a name; use 1 to 32 of A-Z a-z 0-9 _ -", c.Replica)
	}
	if (c.TLS.Cert == "") != (c.TLS.Key == "") {
		f.add("tls", "needs cert and key, or neither")
	}
	f.enrol(c)
	f.publicURL(c.PublicURL)
	f.proxies(c.TrustedProxies)
	f.oidc(c.OIDC, c.PublicURL)
	f.sessions(c.Sessions)
	f.totpRoles(c.TOTPRequiredRoles)
	f.rateLimits(c.RateLimits)
	if _, err := secretKeys(c.SecretKey); err != nil {
		f.add("secret key", "%v", err)
	}
	f.edges(c.Edges)
	f.sites(c.DeviceSites)
	f.plan(c.Plan)
	if m := c.Valuation.Method; m != "average" && m != "fifo" {
		f.add("valuation.method", "is %q; use average or fifo", m)
	}
	if err := c.Series.Retention().Validate(); err != nil {
		f.add("series", "%v", err)
	}
	f.influx(c.Influx)
	if c.ConfidenceThreshold < 0 || c.ConfidenceThreshold > 1000 {
		f.add("confidence_threshold", "is %d; use 0 to 1000 permille", c.ConfidenceThreshold)
	}
	f.webhooks(c.Webhooks)
	if c.Counts.Alone < 0 || c.Counts.Alone > 1_000_000_000 {
		f.add("counts.alone", "is %d; use 0 to 1000000000 of the currency", c.Counts.Alone)
	}
	if _, err := clock.Parse(c.Clock); err != nil {
		f.add("clock", "%v", err)
	}
	switch c.Log.Level {
	case "debug", "info", "warn", "error":
	default:
		f.add("log.level", "is %q; use debug, info, warn or error", c.Log.Level)
	}
	if c.Log.Format != "text" && c.Log.Format != "json" {
		f.add("log.format", "is %q; use text or json", c.Log.Format)
	}
	return errors.Join(f...)
}

func postgresURL(u string) bool {
	return strings.HasPrefix(u, "postgres://") || strings.HasPrefix(u, "postgresql://")
}

// A replica's name is a part of its client id at the broker.
var replicaName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,32}$`)

type findings []error

func (f *findings) add(path, format string, args ...any) {
	*f = append(*f, fmt.Errorf("%s: "+format, append([]any{path}, args...)...))
}

func (f *findings) hostPort(path, address string) {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		f.add(path, "%q is not host:port", address)
		return
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		f.add(path, "port %q is not 0 to 65535", port)
	}
}

func (f *findings) mqtt(m MQTT, listen string) {
	if (m.Cert == "") != (m.Key == "") {
		f.add("mqtt", "needs cert and key, or neither")
	}
	if (m.User == "") != (m.PasswordFile == "") {
		f.add("mqtt", "needs user and password_file, or neither")
	}
	if m.Broker == "" {
		f.ownBroker(m, listen)
		return
	}
	u, err := url.Parse(m.Broker)
	if err != nil || u.Scheme != "tcp" && u.Scheme != "ssl" || u.Port() == "" || u.User != nil {
		f.add("mqtt.broker", "is not tcp://host:port or ssl://host:port, without a user")
	} else if u.Scheme == "tcp" && (m.CA != "" || m.Cert != "") {
		f.add("mqtt.broker", "has certificates and is tcp://, which uses none: use ssl://")
	}
}

func (f *findings) ownBroker(m MQTT, listen string) {
	for name, v := range map[string]string{"ca": m.CA, "cert": m.Cert, "user": m.User} {
		if v != "" {
			f.add("mqtt."+name, "is for a broker outside of the hub: set mqtt.broker, too")
		}
	}
	f.hostPort("mqtt.listen", m.Listen)
	if listen == m.Listen && listen != "" && !dynamic(listen) {
		f.add("mqtt.listen", "is the same as listen: %s; use two ports", listen)
	}
}

func dynamic(address string) bool {
	_, port, _ := net.SplitHostPort(address)
	return port == "0"
}

func (f *findings) edges(edges []Edge) {
	seen := map[string]bool{}
	for i, e := range edges {
		path := fmt.Sprintf("edges[%d]", i)
		if err := wire.ValidEdgeID(e.ID); err != nil {
			f.add(path+".id", "%v", err)
		}
		if seen[e.ID] {
			f.add(path+".id", "%q is there twice", e.ID)
		}
		if e.ID == HubUser {
			f.add(path+".id", "%q is the hub's own name at the broker; use another", e.ID)
		}
		seen[e.ID] = true
		if !siteCode.MatchString(e.Site) {
			f.add(path+".site", "%q is not a site code; use 1 to 32 of A-Z a-z 0-9 _ -", e.Site)
		}
	}
}

func (f *findings) sites(sites []string) {
	seen := map[string]bool{}
	for i, s := range sites {
		path := fmt.Sprintf("device_sites[%d]", i)
		if !siteCode.MatchString(s) {
			f.add(path, "%q is not a site code; use 1 to 32 of A-Z a-z 0-9 _ -", s)
		}
		if seen[s] {
			f.add(path, "%q is there twice", s)
		}
		seen[s] = true
	}
}

func (f *findings) influx(x Influx) {
	if x == Default().Influx {
		return
	}
	u, err := url.Parse(x.URL)
	switch {
	case x.URL == "":
		f.add("influx.url", "is missing; without it there is no InfluxDB")
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		f.add("influx.url", "must be like http://127.0.0.1:8086 or https://influx.example") // not repeated: it may have a password
	case u.User != nil:
		f.add("influx.url", "has a user or a password in it; put USER:PASSWORD into the file of influx.token_file")
	case u.RawQuery != "" || u.Fragment != "":
		f.add("influx.url", "must end before ? and #")
	}
	if x.Bucket == "" {
		f.add("influx.bucket", "is missing; in InfluxDB 1.8 it is DATABASE/RETENTION-POLICY, e.g. tallydock/autogen")
	}
	if x.Timeout < time.Second {
		f.add("influx.timeout", "is %v; use 1s or more", x.Timeout)
	}
	if x.Spool < 10_000 {
		f.add("influx.spool", "is %d; use 10000 samples or more", x.Spool)
	}
}

func (f *findings) plan(p Plan) {
	if !(p.ServiceLevel >= 0.5 && p.ServiceLevel <= 0.9999) {
		f.add("plan.service_level", "is %v; use 0.5 to 0.9999", p.ServiceLevel)
	}
	if !(p.ReviewDays > 0 && p.ReviewDays <= 365) {
		f.add("plan.review_days", "is %v; use more than 0, up to 365", p.ReviewDays)
	}
	if p.Every < 0 || p.Every > 0 && p.Every.Minutes() < 1 {
		f.add("plan.every", "is %v; use 1m or more, or 0 to plan by hand only", p.Every)
	}
}

func (f *findings) proxies(networks []string) {
	for i, text := range networks {
		p, err := netip.ParsePrefix(text)
		switch {
		case err != nil || p != p.Masked() || p.Addr().Is4In6():
			f.add(fmt.Sprintf("trusted_proxies[%d]", i), "%q is no network; use 10.1.0.0/16, or 10.1.2.3/32 for one address", text)
		case p.Bits() == 0:
			f.add(fmt.Sprintf("trusted_proxies[%d]", i), "%q is everybody: whoever asks could say to be anybody; name the proxies alone", text)
		}
	}
}

func (f *findings) webhooks(w Webhooks) {
	for i, h := range w.AllowPlain {
		if h == "" || h != strings.ToLower(h) || strings.ContainsAny(h, "/ :@") && net.ParseIP(h) == nil {
			f.add(fmt.Sprintf("webhooks.allow_plain[%d]", i), "%q is no host; use a name or an address in lower case, without port", h)
		}
	}
	for i, n := range w.AllowPrivate {
		if _, err := netip.ParsePrefix(n); err != nil {
			f.add(fmt.Sprintf("webhooks.allow_private[%d]", i), "%q is no network; use 10.1.0.0/16, or 10.1.2.3/32 for one address", n)
		}
	}
	for i, p := range w.Ports {
		if p < 1 || p > 65535 {
			f.add(fmt.Sprintf("webhooks.ports[%d]", i), "%d is not 1 to 65535", p)
		}
	}
	if _, err := w.ProxyURL(); err != nil {
		f.add("webhooks.proxy", "%v", err)
	}
	r := w.Retention
	for _, d := range []struct {
		path string
		d    time.Duration
	}{{"delivered", r.Delivered}, {"failed", r.Failed}, {"waiting", r.Waiting}} {
		if d.d < time.Hour {
			f.add("webhooks.retention."+d.path, "is %v; use 1h or more", d.d)
		}
	}
	if r.Backlog < 1 {
		f.add("webhooks.retention.backlog", "is %d; use 1 or more", r.Backlog)
	}
}
