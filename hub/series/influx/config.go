// Package influx keeps samples in InfluxDB: in 2.x by its own interface, in 1.8 by the part of that interface which it has.
//
// A sample is a point of the measurement of its quantity, with the tags channel, device, edge and location, and the
// fields milli (the exact value in thousandths), value (the same in the quantity's unit, for dashboards) and, where it is
// not good, quality and reason. In names the characters that line protocol cannot hold, and "%", stand as %XX.
//
// Roll-ups are made here of what Readings gives, exactly and always of all that was written: of a month of half minutes
// InfluxDB 1.8 gives every point in 0.1 s, but needs 0.3 s for the minima of its hours alone. How long samples are kept is
// what the bucket's retention says. A sensor that was moved has a series for each of its locations; a moment that is in both
// is one reading.
//
// A Drainer brings samples from the hub's spool. While InfluxDB is away they stay there; what was written twice is there
// once, because a point is told by its measurement, its tags and its time.
package influx

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"time"

	influxdb2 "github.com/influxdata/influxdb-client-go/v2"

	"github.com/tallydock/tallydock/hub/fault"
)

// Config says which InfluxDB, and how.
type Config struct {
	URL     string        // e.g. https://influx.example:8086
	Org     string        // "" for 1.8
	Bucket  string        // in 1.8 DATABASE/RETENTION-POLICY, e.g. tallydock/autogen
	Token   Secret        // in 1.8 USER:PASSWORD; "" = none
	Timeout time.Duration // of one request; 0 = 30 s
	// Transport carries the requests; nil = one of its own, with the system's certificates.
	Transport http.RoundTripper
}

// Secret is text that logs do not show.
type Secret string

// String hides the secret.
func (Secret) String() string { return "(secret)" }

// GoString hides the secret.
func (Secret) GoString() string { return "(secret)" }

// LogValue hides the secret.
func (Secret) LogValue() slog.Value { return slog.StringValue("(secret)") }

// MarshalText hides the secret in JSON and YAML.
func (Secret) MarshalText() ([]byte, error) { return []byte("(secret)"), nil }

// Validate tells all that is wrong with c.
func (c Config) Validate() error {
	var all []error
	u, err := url.Parse(c.URL)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		all = append(all, errors.New("url must be like http://127.0.0.1:8086 or https://influx.example"))
	case u.User != nil:
		all = append(all, errors.New("url has a user or a password in it; put USER:PASSWORD into token"))
	case u.RawQuery != "" || u.Fragment != "":
		all = append(all, errors.New("url must end before ? and #"))
	}
	if c.Bucket == "" {
		all = append(all, errors.New("bucket is missing; in InfluxDB 1.8 it is DATABASE/RETENTION-POLICY, e.g. tallydock/autogen"))
	}
	if c.Timeout < 0 {
		all = append(all, fmt.Errorf("timeout is %v; use 1s or more", c.Timeout))
	}
	if len(all) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %w", fault.Invalid, errors.Join(all...))
}

// DB is a bucket of an InfluxDB. It is a series.Sink and a series.Source; its methods are safe for concurrent use.
type DB struct {
	idle      func()
	client    influxdb2.Client
	org       string
	bucket    string
	url       string // as messages show it
	timeout   time.Duration
	directory Directory
}

// New makes a DB. It does not speak with InfluxDB yet. The directory is for Sensors alone. Whoever made it closes it.
func New(c Config, directory Directory) (*DB, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if c.Timeout == 0 {
		c.Timeout = 30 * time.Second
	}
	idle := func() {}
	if c.Transport == nil {
		own := &http.Transport{
			Proxy: http.ProxyFromEnvironment, DialContext: (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
			TLSHandshakeTimeout: 5 * time.Second, MaxIdleConnsPerHost: 8, IdleConnTimeout: 90 * time.Second,
		}
		c.Transport, idle = own, own.CloseIdleConnections
	}
	options := influxdb2.DefaultOptions().SetPrecision(time.Microsecond).SetApplicationName("tallydock").
		SetHTTPClient(&http.Client{Transport: shortErrors{c.Transport}})
	return &DB{
		idle: idle, client: influxdb2.NewClientWithOptions(c.URL, string(c.Token), options), org: c.Org, bucket: c.Bucket, url: c.URL,
		timeout: c.Timeout, directory: directory,
	}, nil
}

// Close closes the connections that nobody uses.
func (db *DB) Close() { db.idle() }
