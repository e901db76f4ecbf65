// Package config reads a hub's configuration: strict YAML, then TALLYDOCK_HUB_* from the environment, then a check that
// tells all that is wrong at once, each with its path.
package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/tallydock/tallydock/hub/series"
)

// Config is a checked configuration of a hub.
type Config struct {
	// Data is the folder that holds all the hub remembers. A relative one counts from the configuration file's folder.
	Data string `yaml:"data"`
	// Database is where the ledger and all else is kept that several hubs may share.
	Database Database `yaml:"database"`
	Listen   string   `yaml:"listen"` // host:port of console and API
	TLS      TLS      `yaml:"tls"`    // empty = plain HTTP
	// PublicURL is where people reach the console, such as https://hub.example.com, where a proxy stands before it or
	// OIDC sends them back. With https, cookies are Secure although the hub itself speaks plain HTTP.
	PublicURL string `yaml:"public_url"`
	// TrustedProxies are networks, as 10.1.0.0/16, of proxies that set X-Forwarded-For: from there it says where a request
	// came from, for rate limits, failed sign-ins and the log of changes. From elsewhere it does not count.
	TrustedProxies []string `yaml:"trusted_proxies"`
	MQTT           MQTT     `yaml:"mqtt"`
	Enrol          Enrol    `yaml:"enrol"`
	// Replica is the hub's name among those that work on the same database; "" = the machine's with something random, kept
	// in Data.
	Replica string `yaml:"replica"`
	Edges   []Edge `yaml:"edges"`
	// DeviceSites are the sites whose devices (readers and nodes) may publish to the hub's broker.
	DeviceSites []string  `yaml:"device_sites"`
	Plan        Plan      `yaml:"plan"`
	Valuation   Valuation `yaml:"valuation"`
	Series      Series    `yaml:"series"`
	Influx      Influx    `yaml:"influx"`
	Counts      Counts    `yaml:"counts"`
	// ConfidenceThreshold is how sure an edge must be of a movement for it to be booked by itself, in permille; the
	// others wait for an operator.
	ConfidenceThreshold int      `yaml:"confidence_threshold"`
	Webhooks            Webhooks `yaml:"webhooks"`
	Clock               string   `yaml:"clock"` // devices/clock spec; "" = the machine's
	Log                 Log      `yaml:"log"`
	// OIDC, Sessions, TOTPRequiredRoles and RateLimits are how people and programs get in.
	OIDC              OIDC       `yaml:"oidc"`
	Sessions          Sessions   `yaml:"sessions"`
	TOTPRequiredRoles []string   `yaml:"totp_required_roles"` // roles that do not get in by a password alone
	RateLimits        RateLimits `yaml:"rate_limits"`
	// SecretKeyFile has the keys that seal secrets in the database; "" = secret.key in the data folder. SecretKey, which only
	// the environment can bring, counts more.
	SecretKeyFile string `yaml:"secret_key_file"`
	SecretKey     Secret `yaml:"-"`
}

// Database names a PostgreSQL database; empty = an SQLite file in the data folder.
type Database struct {
	URL     Secret `yaml:"url"`      // postgres://user:password@host:5432/name?sslmode=verify-full
	URLFile string `yaml:"url_file"` // a file whose first line is the URL, so that no password stands in the configuration
}

// TLS names the certificate and key files (PEM) of console and API; both or none.
type TLS struct {
	Cert string `yaml:"cert"`
	Key  string `yaml:"key"`
}

// MQTT is the broker of the edges: the hub's own, which listens at an address, or one outside of it, which several hubs on
// one PostgreSQL database may serve together.
type MQTT struct {
	Listen string `yaml:"listen"` // host:port of the hub's own broker; means nothing where Broker is set
	// Names are those of its certificate, by which edges reach it; none = the hosts of Enrol.Brokers.
	Names []string `yaml:"names"`
	// Plain are networks from where passwords are taken without TLS although there is TLS; from this machine they always are.
	Plain []string `yaml:"plain"`

	Broker       string `yaml:"broker"` // tcp://host:port or ssl://host:port of one outside; "" = the hub's own
	CA           string `yaml:"ca"`     // certificates (PEM) that vouch for it; "" = the system's
	Cert         string `yaml:"cert"`   // the hub's certificate (PEM) for it, with its key; both or none
	Key          string `yaml:"key"`
	User         string `yaml:"user"`          // "" = none
	PasswordFile string `yaml:"password_file"` // whose first line is the password
}

// Edge is an edge gateway that may connect.
type Edge struct {
	ID   string `yaml:"id"`
	Site string `yaml:"site"`
}

// Plan is how the planner works.
type Plan struct {
	ServiceLevel float64       `yaml:"service_level"` // probability of no stock-out in a replenishment cycle, 0.5 to 0.9999
	ReviewDays   float64       `yaml:"review_days"`   // days between two reviews
	Every        time.Duration `yaml:"every"`         // business time between two runs
}

// Valuation is how what stock is worth is found.
type Valuation struct {
	Method string `yaml:"method"` // of items of which nobody says another: average or fifo; of those that are valued already it stays
}

// Series is how long the hub keeps measured values, in business time; 0 = for ever.
type Series struct {
	Raw     time.Duration `yaml:"raw"`     // as they came
	Minute  time.Duration `yaml:"minute"`  // what each minute came to
	Quarter time.Duration `yaml:"quarter"` // each quarter of an hour
	Hour    time.Duration `yaml:"hour"`    // each hour
}

// Retention is the same in the words of series.
func (s Series) Retention() series.Retention {
	return series.Retention{Raw: s.Raw, Minute: s.Minute, QuarterHour: s.Quarter, Hour: s.Hour}
}

// Influx names an InfluxDB that keeps measured values in place of the hub's own database; without a URL there is none.
type Influx struct {
	URL       string        `yaml:"url"`        // e.g. https://influx.example:8086
	Org       string        `yaml:"org"`        // "" for InfluxDB 1.8
	Bucket    string        `yaml:"bucket"`     // in 1.8 DATABASE/RETENTION-POLICY
	TokenFile string        `yaml:"token_file"` // its first line is the token, in 1.8 USER:PASSWORD; "" = none
	Timeout   time.Duration `yaml:"timeout"`    // of one request
	Spool     int64         `yaml:"spool"`      // how many samples may wait for it; beyond that they are thinned, the oldest first
}

// Webhooks is where events may be sent, and how long what was sent is kept.
type Webhooks struct {
	AllowPlain   []string  `yaml:"allow_plain"`   // hosts to which http may go, besides https
	AllowPrivate []string  `yaml:"allow_private"` // networks, as 10.1.0.0/16, that may be sent to though they are not public
	Ports        []int     `yaml:"ports"`         // that may be sent to; none = 80, 443, 8080, 8443
	Proxy        Secret    `yaml:"proxy"`         // http://user:password@host:port; it must refuse private networks itself
	Retention    Retention `yaml:"retention"`
}

// Retention is how long messages of webhooks are kept.
type Retention struct {
	Delivered time.Duration `yaml:"delivered"` // after they were delivered
	Failed    time.Duration `yaml:"failed"`    // after they were given up
	Waiting   time.Duration `yaml:"waiting"`   // after what they tell of; then they are given up
	Backlog   int           `yaml:"backlog"`   // that wait for one endpoint; older ones are given up
}

// Proxies gives the networks of TrustedProxies.
func (c Config) Proxies() ([]netip.Prefix, error) { return networks(c.TrustedProxies) }

// Private gives the networks of AllowPrivate.
func (w Webhooks) Private() ([]netip.Prefix, error) { return networks(w.AllowPrivate) }

func networks(texts []string) (all []netip.Prefix, err error) {
	for _, text := range texts {
		p, wrong := netip.ParsePrefix(text)
		all, err = append(all, p), errors.Join(err, wrong)
	}
	return all, err
}

// ProxyURL gives the proxy; nil for none.
func (w Webhooks) ProxyURL() (*url.URL, error) {
	if w.Proxy == "" {
		return nil, nil
	}
	u, err := url.Parse(string(w.Proxy))
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, errors.New("is no address as http://host:port") // without its text, which may have a password
	}
	return u, nil
}

// Counts is how counts of stock are approved.
type Counts struct {
	// Alone is the worth of a count's differences, in the currency, up to which who submitted it may approve it too.
	Alone int `yaml:"alone"`
}

// Log is what the hub logs.
type Log struct {
	Level  string `yaml:"level"`  // debug, info, warn or error
	Format string `yaml:"format"` // text, or json: an object a line
}

// SlogLevel is the level as slog counts it.
func (l Log) SlogLevel() slog.Level {
	var level slog.Level
	if level.UnmarshalText([]byte(l.Level)) != nil {
		return slog.LevelInfo
	}
	return level
}

// Default is the configuration where the file says nothing.
func Default() Config {
	keep := series.DefaultRetention()
	return Config{
		Data:                "var/hub",
		Listen:              "127.0.0.1:8080",
		MQTT:                MQTT{Listen: "127.0.0.1:1883"},
		Enrol:               Enrol{Listen: "127.0.0.1:8443", Life: 90 * 24 * time.Hour, Grace: 30 * 24 * time.Hour},
		Plan:                Plan{ServiceLevel: 0.95, ReviewDays: 7, Every: 24 * time.Hour},
		Valuation:           Valuation{Method: "average"},
		Series:              Series{Raw: keep.Raw, Minute: keep.Minute, Quarter: keep.QuarterHour, Hour: keep.Hour},
		Influx:              Influx{Timeout: 30 * time.Second, Spool: 5_000_000},
		ConfidenceThreshold: 600,
		Webhooks: Webhooks{Retention: Retention{
			Delivered: 14 * 24 * time.Hour, Failed: 30 * 24 * time.Hour, Waiting: 14 * 24 * time.Hour, Backlog: 100_000,
		}},
		Log: Log{Level: "info", Format: "text"},
	}
}

// Load reads file, applies the overrides that environ ("NAME=value") has, and checks the result. The error lists all
// that is wrong.
func Load(file string, environ []string) (Config, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return Config{}, fmt.Errorf("cannot read configuration: %w", err)
	}
	c, err := Parse(text, environ)
	if err != nil {
		return Config{}, fmt.Errorf("configuration %s: %w", file, err)
	}
	dir := filepath.Dir(file)
	for _, path := range []*string{
		&c.Data, &c.Database.URLFile, &c.TLS.Cert, &c.TLS.Key, &c.OIDC.ClientSecretFile, &c.SecretKeyFile, &c.Influx.TokenFile,
		&c.MQTT.CA, &c.MQTT.Cert, &c.MQTT.Key, &c.MQTT.PasswordFile,
	} {
		if *path != "" && !filepath.IsAbs(*path) {
			*path = filepath.Join(dir, *path)
		}
	}
	return c, nil
}

// Parse reads a configuration's text like Load; it leaves relative paths as they are.
func Parse(text []byte, environ []string) (Config, error) {
	c := Default()
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(&c); err != nil && !errors.Is(err, io.EOF) {
		return Config{}, err
	}
	if err := d.Decode(new(any)); !errors.Is(err, io.EOF) {
		return Config{}, errors.New("the file has more than one YAML document; keep one")
	}
	if err := errors.Join(c.override(environ), c.Validate()); err != nil {
		return Config{}, err
	}
	return c, nil
}
