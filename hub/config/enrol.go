package config

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Enrol is how edges get certificates of this hub, by which the broker then knows them. Without URL they get none, and sign in
// by passwords.
type Enrol struct {
	// URL is the https address at which edges reach Listen, directly or through what passes TCP on; its path is below which
	// they ask. It stands in every token.
	URL     string        `yaml:"url"`
	Listen  string        `yaml:"listen"`  // host:port
	Names   []string      `yaml:"names"`   // hosts and addresses of the listener's certificate; none = the host of URL
	Brokers []string      `yaml:"brokers"` // what edges are told, ssl://host:port; none = mqtt.broker, or the host of URL with the port of mqtt.listen
	Life    time.Duration `yaml:"life"`    // of a certificate
	Grace   time.Duration `yaml:"grace"`   // how long after its end a certificate may be renewed; 0 = not at all
}

// On tells whether edges are enrolled.
func (e Enrol) On() bool { return e.URL != "" }

// Path is the path of URL, "" for none.
func (e Enrol) Path() string {
	u, err := url.Parse(e.URL)
	if err != nil { // Validate has told it
		return ""
	}
	return strings.TrimSuffix(u.Path, "/")
}

// shortestLife of a certificate is for tests; in earnest it should outlast a holiday.
const shortestLife = 10 * time.Second

// BrokerURLs is where edges are told to find the broker.
func (c Config) BrokerURLs() []string {
	if len(c.Enrol.Brokers) > 0 || !c.Enrol.On() {
		return c.Enrol.Brokers
	}
	if c.MQTT.Broker != "" {
		return []string{c.MQTT.Broker}
	}
	_, port, _ := net.SplitHostPort(c.MQTT.Listen)
	return []string{"ssl://" + net.JoinHostPort(hostOf(c.Enrol.URL), port)}
}

// BrokerNames are those of the own broker's certificate.
func (c Config) BrokerNames() []string {
	if len(c.MQTT.Names) > 0 {
		return c.MQTT.Names
	}
	var names []string
	for _, b := range c.BrokerURLs() {
		if h := hostOf(b); !slices.Contains(names, h) {
			names = append(names, h)
		}
	}
	return names
}

// DoorNames are those of the certificate of Enrol.Listen.
func (c Config) DoorNames() []string {
	if len(c.Enrol.Names) > 0 || !c.Enrol.On() {
		return c.Enrol.Names
	}
	return []string{hostOf(c.Enrol.URL)}
}

// PlainNetworks are those of MQTT.Plain.
func (c Config) PlainNetworks() (list []netip.Prefix) {
	for _, text := range c.MQTT.Plain {
		if p, err := netip.ParsePrefix(text); err == nil { // else Validate has told it
			list = append(list, p)
		}
	}
	return list
}

func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

func (f *findings) enrol(c Config) {
	e := c.Enrol
	if !e.On() {
		f.notEnrolling(c)
		return
	}
	u, err := url.Parse(e.URL)
	if err != nil || u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || len(e.URL) > 255 {
		f.add("enrol.url", "%q is not https://HOST:PORT/PATH", e.URL)
	}
	f.hostPort("enrol.listen", e.Listen)
	for path, other := range map[string]string{"listen": c.Listen, "mqtt.listen": c.MQTT.Listen} {
		if other == e.Listen && !dynamic(other) {
			f.add("enrol.listen", "is the same as %s: %s; use two ports", path, other)
		}
	}
	f.names("enrol.names", e.Names)
	f.names("mqtt.names", c.MQTT.Names)
	f.brokers(c)
	f.plain(c.MQTT.Plain)
	if e.Life < shortestLife {
		f.add("enrol.life", "is %v; use %v or more, in earnest some weeks", e.Life, shortestLife)
	}
	if e.Grace < 0 {
		f.add("enrol.grace", "is %v; use 0 or more", e.Grace)
	}
}

// notEnrolling finds what means nothing without enrolment, and might be taken for more.
func (f *findings) notEnrolling(c Config) {
	for _, v := range []struct {
		path string
		list []string
	}{{"enrol.names", c.Enrol.Names}, {"enrol.brokers", c.Enrol.Brokers}, {"mqtt.names", c.MQTT.Names}} {
		if len(v.list) > 0 {
			f.add(v.path, "is for a hub that enrols edges; set enrol.url")
		}
	}
	if len(c.MQTT.Plain) > 0 {
		f.add("mqtt.plain", "is for a hub that enrols edges: without enrol.url there is no TLS, and passwords are taken from everywhere")
	}
}

func (f *findings) brokers(c Config) {
	if len(c.Enrol.Brokers) == 0 && c.MQTT.Broker == "" && dynamic(c.MQTT.Listen) {
		f.add("enrol.brokers", "is empty, and mqtt.listen does not say on which port the broker is; write ssl://HOST:PORT")
	}
	for i, b := range c.Enrol.Brokers {
		u, err := url.Parse(b)
		if err != nil || u.Scheme != "ssl" || u.Hostname() == "" || u.Port() == "" || b != "ssl://"+u.Host {
			f.add(fmt.Sprintf("enrol.brokers[%d]", i), "%q is not ssl://HOST:PORT", b)
		}
	}
}

func (f *findings) plain(networks []string) {
	for i, text := range networks {
		p, err := netip.ParsePrefix(text)
		if err != nil || p != p.Masked() {
			f.add(fmt.Sprintf("mqtt.plain[%d]", i), "%q is not a network such as 192.0.2.0/24", text)
		}
	}
}

// A host's name as certificates have it; a first * stands for one label.
var hostName = regexp.MustCompile(`^(\*\.)?[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*$`)

func (f *findings) names(path string, names []string) {
	for i, n := range names {
		if net.ParseIP(n) == nil && !hostName.MatchString(n) {
			f.add(fmt.Sprintf("%s[%d]", path, i), "%q is not a host's name or address, without a port", n)
		}
	}
}
