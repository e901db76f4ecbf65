package webhook

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/tallydock/tallydock/hub/fault"
)

// block is a range of addresses with what it is for.
type block struct {
	netip.Prefix
	use string
}

func blocks(use string, prefixes ...string) []block {
	all := make([]block, len(prefixes))
	for i, p := range prefixes {
		all[i] = block{netip.MustParsePrefix(p), use}
	}
	return all
}

// metadata are the addresses by which clouds tell their machines secrets, as far as they are not link-local. A network
// that is allowed does not allow them, unless it is that one address.
var metadata = blocks("cloud metadata",
	"169.254.169.254/32", "169.254.170.2/32", "169.254.170.23/32", "100.100.100.200/32", "168.63.129.16/32", "192.0.0.192/32",
	"fd00:ec2::254/128", "fd00:ec2::23/128", "fd20:ce::254/128", "fd00:c1::a9fe:a9fe/128")

// special are the ranges of IPv4 that lead to no public host, and those of IPv6 within global, by the registries of
// special-purpose addresses that IANA keeps (RFC 6890), and those that carry an IPv4 address for a translator.
var special = slices.Concat(
	blocks("unspecified or of this network", "0.0.0.0/8", "::/128"),
	blocks("loopback", "127.0.0.0/8", "::1/128"),
	blocks("private", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"),
	blocks("shared by a carrier's customers", "100.64.0.0/10"),
	blocks("link-local", "169.254.0.0/16", "fe80::/10"),
	blocks("multicast", "224.0.0.0/4", "ff00::/8"),
	blocks("translated IPv4 (NAT64)", "64:ff9b::/96", "64:ff9b:1::/48"),
	blocks("translated IPv4 (6to4)", "2002::/16", "192.88.99.0/24"),
	blocks("translated IPv4 (Teredo)", "2001::/32"),
	blocks("reserved for protocols", "192.0.0.0/24", "2001::/23"),
	blocks("for documentation", "192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32", "3fff::/20"),
	blocks("for measurements", "198.18.0.0/15"),
	blocks("reserved", "240.0.0.0/4"),
)

// global is where the public hosts of IPv6 are.
var global = netip.MustParsePrefix("2000::/3")

// AddressError is why an address may not be connected to. It is a fault.Invalid.
type AddressError struct {
	Address netip.AddrPort
	Use     string
}

// Error says what kind of address it is; not which, because who reads it may not know the network's names.
func (e *AddressError) Error() string {
	return fmt.Sprintf("the address is %s: webhooks go to public addresses, and to networks that the configuration allows", e.Use)
}

// Unwrap gives its kind.
func (e *AddressError) Unwrap() error { return fault.Invalid }

// CheckAddress fails with an AddressError where no connection may be made to a.
func (p Policy) CheckAddress(a netip.AddrPort) error {
	use := p.refused(a.Addr().Unmap())
	if use == "" && !slices.Contains(p.ports(), a.Port()) {
		use = fmt.Sprintf("at port %d, which is not among the allowed", a.Port())
	}
	if use == "" {
		return nil
	}
	return &AddressError{a, use}
}

// refused tells what an address is for that may not be connected to; "" = it may.
func (p Policy) refused(a netip.Addr) string {
	if !a.IsValid() || a.Zone() != "" {
		return "no address, or one of a zone"
	}
	within := func(b block) bool { return b.Contains(a) }
	secret := slices.ContainsFunc(metadata, within)
	for _, allowed := range p.AllowPrivate {
		if allowed.Contains(a) && (!secret || allowed.IsSingleIP()) {
			return ""
		}
	}
	if secret {
		return metadata[0].use
	}
	if i := slices.IndexFunc(special, within); i >= 0 {
		return special[i].use
	}
	if a.Is6() && !global.Contains(a) {
		return "not a public one"
	}
	return ""
}
