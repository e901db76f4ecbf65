package enrol

import (
	"net/netip"
	"sync"
	"time"
)

const (
	burst        = 30          // requests that an address may send at once
	refill       = time.Second // and one more for each of these
	mostVisitors = 10_000      // addresses that are remembered
)

// limiter bounds how often an address may ask. When it knows too many addresses it forgets them all: it keeps a flood from
// costing much, and is no defence by itself.
type limiter struct {
	mu       sync.Mutex
	visitors map[netip.Prefix]visitor
}

type visitor struct {
	left float64
	at   time.Time
}

// allow takes one request of an address ("host:port") into account. One whose address cannot be read shares its allowance
// with all others like it.
func (l *limiter) allow(address string, now time.Time) bool {
	who := network(address)
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.visitors) >= mostVisitors {
		clear(l.visitors)
	}
	v, known := l.visitors[who]
	if !known {
		v = visitor{burst, now}
	}
	v.left, v.at = min(burst, v.left+max(0, now.Sub(v.at).Seconds()/refill.Seconds())), now
	may := v.left >= 1
	if may {
		v.left--
	}
	l.visitors[who] = v
	return may
}

// network is whom an address is counted as: an IPv4 address, or the half of an IPv6 address that a site is given.
func network(address string) netip.Prefix {
	a, err := netip.ParseAddrPort(address)
	if err != nil {
		return netip.Prefix{}
	}
	bits := 64
	ip := a.Addr().Unmap()
	if ip.Is4() {
		bits = 32
	}
	p, _ := ip.Prefix(bits)
	return p
}
