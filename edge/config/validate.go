package config

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/tallydock/tallydock/devices/all"
	"github.com/tallydock/tallydock/devices/clock"
	"github.com/tallydock/tallydock/devices/wire"
)

var (
	// A site's code is a level of an MQTT topic and the start of location codes.
	siteCode = regexp.MustCompile(`^[A-Za-z0-9_-]{1,32}$`)
	// Ids of devices, doors and rules are parts of keys and of alarm sources.
	plainID = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)
)

// findings gathers what is wrong, a line each: the path of the value, what is wrong, and what is possible.
type findings []error

func (f *findings) add(path, format string, args ...any) {
	*f = append(*f, fmt.Errorf("%s: "+format, append([]any{path}, args...)...))
}

// Validate tells all that is wrong, a line each.
func (c *Config) Validate() error {
	var f findings
	if c.Edge == "" {
		f.add("edge", "is missing; give the gateway the id that the hub's configuration has for it")
	} else if err := wire.ValidEdgeID(c.Edge); err != nil {
		f.add("edge", "%v", err)
	}
	if !siteCode.MatchString(c.Site) {
		f.add("site", "%q is not a site code; use 1 to 32 of A-Z a-z 0-9 _ -", c.Site)
	}
	if c.Data == "" {
		f.add("data", "is empty; name a folder")
	}
	f.hub(c)
	f.configKey(c.Hub)
	if c.MQTT != nil {
		f.broker("mqtt", c.MQTT.Broker)
		f.siteIdentity(c)
	}
	f.api(c.API)
	if _, err := clock.Parse(c.Clock); err != nil {
		f.add("clock", "%v", err)
	}
	if !slices.Contains([]string{"debug", "info", "warn", "error"}, c.Log.Level) {
		f.add("log.level", "is %q; use debug, info, warn or error", c.Log.Level)
	}
	c.checkDevices(&f)
	c.checkPlaces(&f)
	c.checkRules(&f)
	c.checkBounds(&f)
	return errors.Join(f...)
}

func (f *findings) broker(path string, b Broker) {
	schemes := []string{"tcp", "mqtt", "ssl", "tls", "mqtts"}
	u, err := url.Parse(b.URL)
	switch {
	case b.URL == "":
		f.add(path+".broker", "is missing; write tcp://HOST:PORT or ssl://HOST:PORT")
	case strings.Contains(b.URL, "@"):
		f.add(path+".broker", "holds a user; write it as %s.user and the password into %s.password_file", path, path)
	case err != nil || u.Hostname() == "" || !portNumber(u.Port(), 1) || !slices.Contains(schemes, u.Scheme):
		f.add(path+".broker", "%q is not tcp://HOST:PORT or ssl://HOST:PORT", b.URL)
	case u.Path != "" || u.RawQuery != "" || u.Fragment != "":
		f.add(path+".broker", "%q has more than tcp://HOST:PORT", b.URL)
	}
	if b.User == "" && b.PasswordFile != "" {
		f.add(path+".user", "is missing; MQTT knows no password without a user")
	}
}

func portNumber(s string, lowest int) bool {
	n, err := strconv.Atoi(s)
	return err == nil && n >= lowest && n <= 65535
}

func (f *findings) api(a API) {
	host, port, err := net.SplitHostPort(a.Listen)
	switch {
	case err != nil:
		f.add("api.listen", "%q is not host:port", a.Listen)
	case !portNumber(port, 0):
		f.add("api.listen", "port %q is not 0 to 65535", port)
	case !Loopback(host) && a.TokenFile == "":
		f.add("api.listen", "%q can be reached from other machines; set api.token_file, or listen on 127.0.0.1", a.Listen)
	}
}

// Loopback tells whether a host of a listening address can be reached from this machine only.
func Loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// id checks an id and that it is new among seen, and notes it there.
func (f *findings) id(path, id string, seen map[string]string) {
	switch first, twice := seen[id]; {
	case id == "":
		f.add(path+".id", "is missing")
		return
	case !plainID.MatchString(id):
		f.add(path+".id", "%q is not possible; use 1 to 64 of A-Z a-z 0-9 . _ -", id)
	case twice:
		f.add(path+".id", "%q is the id of %s already", id, first)
		return
	}
	seen[id] = path
}

func (c *Config) checkDevices(f *findings) {
	ids, addresses := map[string]string{}, map[string]string{}
	if len(c.Devices) > wire.MaxDevices {
		f.add("devices", "are %d; at most %d are possible", len(c.Devices), wire.MaxDevices)
	}
	for i, d := range c.Devices {
		path := fmt.Sprintf("devices[%d]", i)
		f.id(path, d.ID, ids)
		if d.ID != "" {
			if err := all.Check(d.Settings()); err != nil {
				f.add(path, "%v", err)
			}
		}
		if d.Location != "" {
			f.location(path+".location", d.Location)
		}
		if c.MQTT == nil && strings.HasPrefix(d.Address, "mqtt:") {
			f.add(path+".address", "needs the section mqtt, which says where the site's MQTT devices publish")
		}
		f.address(path, d, addresses)
	}
}

// address finds two devices on one line. Only Modbus devices share theirs.
func (f *findings) address(path string, d Device, seen map[string]string) {
	where, _, _ := strings.Cut(d.Address, "?")
	if where == "" {
		return
	}
	first, twice := seen[where]
	if !twice {
		seen[where] = path
		if d.Driver == "modbus" {
			seen[where] += " (modbus)"
		}
		return
	}
	if d.Driver != "modbus" || !strings.HasSuffix(first, " (modbus)") {
		f.add(path+".address", "%q is the address of %s already; only modbus devices share a line", d.Address, first)
	}
}

func (c *Config) checkBounds(f *findings) {
	if c.Samples.Every <= 0 {
		f.add("samples.every", "is %s; use more than 0", c.Samples.Every)
	}
	if c.Samples.Change.Milli < 0 {
		f.add("samples.change", "is %s; use 0 or more", c.Samples.Change)
	}
	if c.Retention.Acked <= 0 {
		f.add("retention.acked", "is %s; use more than 0", c.Retention.Acked)
	}
	if c.Retention.AckedBytes <= 0 {
		f.add("retention.acked_bytes", "is %d; use more than 0", c.Retention.AckedBytes)
	}
	if c.Space.MinFree < 0 {
		f.add("space.min_free", "is %d; use 0 or more", c.Space.MinFree)
	}
	if c.Stop <= 0 {
		f.add("stop", "is %s; use more than 0", c.Stop)
	}
}
