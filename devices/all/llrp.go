package all

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/catalog"
	"github.com/tallydock/tallydock/devices/llrp"
	"github.com/tallydock/tallydock/devices/port"
)

// llrpOptions are the options of driver llrp:
//
//	antennas     those that are used, e.g. 1,2,4; all where it is left out
//	power        dBm that are sent to the antennas: the nearest step of the reader that is not more
//	session      0 to 3: where tags keep that they were read; 0 reads a tag that stays again and again
//	population   how many tags are expected before an antenna
//	mode, tari   a radio mode of the reader's table, and its Tari in ns
//	search       how an Impinj looks for tags: single, dual or focus
//	gpi          the inputs whose changes are told, e.g. 1,2
//	version      the best version of the protocol to try: 1.0.1 or 1.1
//	tls          on: the connection is secret, and the usual port is 5085 instead of 5084
//	ca_file      the certificates against which the reader's is checked, in PEM form
//	server_name  the name in the reader's certificate, where that is not its address
//	insecure     yes: any certificate is believed
var llrpOptions = []string{
	"antennas", "power", "session", "population", "mode", "tari", "search", "gpi", "version",
	"tls", "ca_file", "server_name", "insecure",
}

// portalReads is how long a Read of a portal reader's socket waits: less than the time between two of its questions.
const portalReads = 25 * time.Millisecond

// searches are the ways of an Impinj reader to look for tags.
var searches = map[string]llrp.ImpinjSearch{
	"": 0, "single": llrp.SearchSingle, "dual": llrp.SearchDual, "focus": llrp.SearchFocus,
}

func parseLLRP(s devices.Settings, _ *catalog.Catalog) (build, error) {
	secure, open, err := parseTLS(s.Options)
	if err != nil {
		return nil, err
	}
	address, err := llrpAddress(s.Address, secure)
	if err != nil {
		return nil, err
	}
	c, err := llrpConfig(s)
	if err != nil {
		return nil, err
	}
	return func(env Env) (devices.Driver, error) {
		c := c
		c.Now = env.Clock.Now
		c.Dial = func(ctx context.Context) (llrp.Port, error) {
			return env.dialLLRP(ctx, address, secure, open)
		}
		return llrp.New(c), nil
	}, nil
}

// llrpAddress reads "tcp:HOST" or "tcp:HOST:PORT".
func llrpAddress(s string, secure bool) (port.Address, error) {
	number := llrp.PortNumber
	if secure {
		number = llrp.TLSPortNumber
	}
	host, ok := strings.CutPrefix(s, "tcp:")
	if _, _, err := net.SplitHostPort(host); ok && host != "" && err != nil {
		s = "tcp:" + net.JoinHostPort(strings.Trim(host, "[]"), strconv.Itoa(number))
	}
	a, err := port.ParseAddress(s)
	if err == nil && a.Kind != port.TCP {
		err = fmt.Errorf("address %q is no network address: write tcp:HOST or tcp:HOST:PORT", s)
	}
	return a, err
}

// parseTLS reads the options of a secure connection.
func parseTLS(options map[string]string) (secure bool, t port.TLS, err error) {
	switch options["tls"] {
	case "on":
		secure = true
	case "", "off":
	default:
		return false, t, fmt.Errorf("option tls %q is not on or off", options["tls"])
	}
	t = port.TLS{CAFile: options["ca_file"], ServerName: options["server_name"]}
	switch options["insecure"] {
	case "yes":
		t.Insecure = true
	case "", "no":
	default:
		return false, t, fmt.Errorf("option insecure %q is not yes or no", options["insecure"])
	}
	if !secure && t != (port.TLS{}) {
		return false, t, fmt.Errorf("options ca_file, server_name and insecure want option tls to be on")
	}
	return secure, t, nil
}

func (e Env) dialLLRP(ctx context.Context, a port.Address, secure bool, t port.TLS) (port.Port, error) {
	o := port.Options{ReadTimeout: portalReads}
	if !secure {
		return e.Ports.Open(ctx, a, o)
	}
	var c *tls.Config
	c, err := t.Config(a)
	if err != nil {
		return nil, err
	}
	return port.OpenTLS(ctx, a, o, c)
}

func llrpConfig(s devices.Settings) (llrp.Config, error) {
	c := llrp.Config{ID: s.ID, Poll: s.Poll}
	var err error
	number := func(name string, most uint64) uint64 {
		v, bad := strconv.ParseUint(s.Options[name], 10, 32)
		if s.Options[name] != "" && err == nil && (bad != nil || v > most) {
			err = fmt.Errorf("option %s %q is no number from 0 to %d", name, s.Options[name], most)
		}
		return v
	}
	c.Session = uint8(number("session", 3))
	c.Population = uint16(number("population", 65535))
	c.Tari = uint16(number("tari", 25000))
	if mode := uint16(number("mode", 65535)); s.Options["mode"] != "" {
		c.Mode = &mode
	}
	if err != nil {
		return c, err
	}
	if c.Tari != 0 && c.Mode == nil {
		return c, fmt.Errorf("option tari wants option mode")
	}
	if c.Power, err = parsePower(s.Options["power"]); err != nil {
		return c, err
	}
	if c.Antennas, err = numbers("antennas", s.Options["antennas"]); err != nil {
		return c, err
	}
	if c.Inputs, err = numbers("gpi", s.Options["gpi"]); err != nil {
		return c, err
	}
	return c, llrpWords(&c, s.Options)
}

// llrpWords reads the options that are words.
func llrpWords(c *llrp.Config, options map[string]string) error {
	var ok bool
	if c.Search, ok = searches[options["search"]]; !ok {
		return fmt.Errorf("option search %q is not known; known are dual, focus, single", options["search"])
	}
	switch options["version"] {
	case "", "1.0.1":
		c.Version = llrp.Version101
	case "1.1":
		c.Version = llrp.Version11
	default:
		return fmt.Errorf("option version %q is not known; known are 1.0.1, 1.1", options["version"])
	}
	return nil
}

// numbers reads a list such as "1,2,4"; "" is none.
func numbers(name, list string) ([]uint16, error) {
	if list == "" {
		return nil, nil
	}
	var all []uint16
	for text := range strings.SplitSeq(list, ",") {
		n, err := strconv.ParseUint(strings.TrimSpace(text), 10, 8)
		if err != nil || n == 0 {
			return nil, fmt.Errorf("option %s %q is no list of numbers from 1 to 255 such as 1,2,4", name, list)
		}
		all = append(all, uint16(n))
	}
	return all, nil
}
