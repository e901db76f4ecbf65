package webhook

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/tallydock/tallydock/hub/event"
	"github.com/tallydock/tallydock/hub/fault"
)

const (
	maxURL         = 2048 // bytes
	maxDescription = 200  // characters
	maxSites       = 256
)

// defaultPorts are allowed where a Policy names none.
var defaultPorts = []uint16{80, 443, 8080, 8443}

// Names of hosts in lower case, without the dot at the end that means the same. A name whose last label is a number would
// be read as an IPv4 address by some, in decimal, octal or hexadecimal.
var (
	hostName   = regexp.MustCompile(`^([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)
	endsNumber = regexp.MustCompile(`(^|\.)([0-9]+|0x[0-9a-f]*)$`)
	siteCode   = regexp.MustCompile(`^[A-Za-z0-9_-]{1,32}$`)
)

// Policy is what endpoints may be. It is configuration: who sets up endpoints does not change it.
type Policy struct {
	Types        []event.Type   // that may be heard
	AllowPlain   []string       // hosts to which http may go, besides https: names or addresses, in lower case
	AllowPrivate []netip.Prefix // networks that may be connected to though they are not public
	Ports        []uint16       // that may be connected to; none = 80, 443, 8080, 8443
}

func (p Policy) ports() []uint16 {
	if len(p.Ports) == 0 {
		return defaultPorts
	}
	return p.Ports
}

// CheckURL fails with fault.Invalid where text cannot be an endpoint's. What a name resolves to is not
// looked at: it may change, so that is Client's, at every connection.
func (p Policy) CheckURL(text string) error {
	if len(text) > maxURL {
		return invalidURL("is longer than %d bytes", maxURL)
	}
	if strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' || r == '\\' }) {
		return invalidURL("has a space, a backslash or a character outside ASCII; write other hosts in their xn-- form")
	}
	u, err := url.Parse(text)
	if err != nil {
		return invalidURL("cannot be read") // err has all of it, and so what may be secret in it
	}
	switch {
	case u.Scheme != "https" && u.Scheme != "http":
		return invalidURL("does not begin with https://")
	case u.Opaque != "" || u.Host == "":
		return invalidURL("has no host")
	case u.User != nil || strings.Contains(u.Host, "@"):
		return invalidURL("has a user or password; put what the receiver asks for into the path or query")
	case strings.Contains(text, "#"):
		return invalidURL("has a fragment (#), which is never sent")
	}
	host := strings.ToLower(u.Hostname())
	if u.Scheme == "http" && !slices.Contains(p.AllowPlain, host) {
		return invalidURL("does not begin with https://; http is only for hosts that the configuration allows")
	}
	return p.checkHost(u, host)
}

func invalidURL(format string, args ...any) error {
	return fmt.Errorf("%w: webhook url "+format, append([]any{fault.Invalid}, args...)...)
}

func (p Policy) checkHost(u *url.URL, host string) error {
	port, err := portOf(u)
	if err != nil {
		return err
	}
	if addr, err := netip.ParseAddr(host); err == nil {
		return p.CheckAddress(netip.AddrPortFrom(addr, port))
	}
	switch {
	case len(host) > 253 || !hostName.MatchString(host):
		return invalidURL("has a host that is neither a name nor an address; write a name without a dot at its end")
	case endsNumber.MatchString(host):
		return invalidURL("has a host that ends in a number and is no address; write an address as four decimal numbers")
	case !slices.Contains(p.ports(), port):
		return invalidURL("has port %d; the configuration allows %v", port, p.ports())
	}
	return nil
}

func portOf(u *url.URL) (uint16, error) {
	text := u.Port()
	if text == "" {
		text = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil || strings.HasSuffix(u.Host, ":") {
		return 0, invalidURL("has a port that is not a number from 1 to 65535")
	}
	return uint16(port), nil
}

// Check tells all that is wrong with what a person set of an endpoint.
func (p Policy) Check(e Endpoint) error {
	errs := []error{p.CheckURL(e.URL)}
	if !utf8.ValidString(e.Description) || utf8.RuneCountInString(e.Description) > maxDescription ||
		strings.ContainsFunc(e.Description, unicode.IsControl) {
		errs = append(errs, fmt.Errorf("%w: description is longer than %d characters, or has more than one line", fault.Invalid, maxDescription))
	}
	return errors.Join(append(errs, p.checkEvents(e.Events), checkSites(e.Sites))...)
}

func (p Policy) checkEvents(events []event.Type) error {
	if len(events) == 0 {
		return fmt.Errorf("%w: no events; name at least one of %v", fault.Invalid, p.Types)
	}
	for i, t := range events {
		if !slices.Contains(p.Types, t) {
			return fmt.Errorf("%w: there is no event %q; there are %v", fault.Invalid, t, p.Types)
		}
		if slices.Contains(events[:i], t) {
			return fmt.Errorf("%w: event %q is there twice", fault.Invalid, t)
		}
	}
	return nil
}

func checkSites(sites []string) error {
	if len(sites) > maxSites {
		return fmt.Errorf("%w: more than %d sites; name none to hear of all", fault.Invalid, maxSites)
	}
	for i, s := range sites {
		if !siteCode.MatchString(s) || slices.Contains(sites[:i], s) {
			return fmt.Errorf("%w: site %.40q is no site's code, or is there twice", fault.Invalid, s)
		}
	}
	return nil
}
