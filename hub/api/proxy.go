package api

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// forwardedHeader is where proxies say whom they speak for: each adds the address that its request came from at the end.
const forwardedHeader = "X-Forwarded-For"

// proxies are networks whose word about addresses is taken.
type proxies []netip.Prefix

func (p proxies) trust(a netip.Addr) bool {
	return slices.ContainsFunc(p, func(n netip.Prefix) bool { return n.Contains(a) })
}

// client is the address that a request came from, before the proxies that are trusted: the header is read from its end,
// where the nearest proxy wrote, up to the first address that is not a trusted proxy's. What stands before that anybody can
// have written. From where nothing is trusted the header does not count.
func (p proxies) client(r *http.Request) string {
	direct := connected(r)
	from, err := address(direct)
	if err != nil || !p.trust(from) {
		return direct
	}
	said := strings.Split(strings.Join(r.Header.Values(forwardedHeader), ","), ",")
	for _, text := range slices.Backward(said) {
		before, err := address(strings.TrimSpace(text))
		if err != nil { // of whom it speaks nobody knows: of the proxy then
			break
		}
		if from = before; !p.trust(from) {
			break
		}
	}
	return from.String()
}

// address reads an address with or without a port, as proxies write it.
func address(text string) (netip.Addr, error) {
	a, err := netip.ParseAddr(strings.Trim(text, "[]"))
	if err != nil {
		var with netip.AddrPort
		with, err = netip.ParseAddrPort(text)
		a = with.Addr()
	}
	return a.Unmap().WithZone(""), err
}

// connected is the address at the other end of a request's connection.
func connected(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// from gives a request that knows where it came from.
func (p proxies) from(r *http.Request) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), keyPeer, p.client(r)))
}

// peer is the address that a request came from: of its connection, or what proxies that are trusted say.
func peer(r *http.Request) string {
	if a, ok := r.Context().Value(keyPeer).(string); ok {
		return a
	}
	return connected(r)
}
