package api

import (
	"fmt"
	"math"
	"strconv"
	"sync"
	"time"

	"github.com/tallydock/tallydock/hub/tenant"
)

// RateLimits are how many requests may come of one user or API token; 0 = the default.
type RateLimits struct {
	ReadsPerSecond, ChangesPerSecond   float64 // 100 and 20
	SignInsPerMinute, ExportsPerMinute float64 // 60, of one address; 6
}

const (
	// shareOfAddress is how many users' worth of requests one address may send: offices share theirs.
	shareOfAddress = 8
	// mostBuckets bounds what a limiter remembers: a few megabytes.
	mostBuckets = 50_000
)

// class is a kind of request that is limited by itself.
type class uint8

const (
	reads class = iota
	changes
	signIns
	exports
	classes
)

// classOf are the routes whose class their method does not tell.
var classOf = map[string]class{
	"signIn": signIns, "changePassword": signIns, "confirmFactor": signIns, "removeFactor": signIns, "startLogin": signIns,
	"finishLogin": signIns, "exportAudit": exports, "verifyAudit": exports, "exportMovements": exports, "exportBalances": exports,
}

func (r route) class() class {
	if c, ok := classOf[r.id]; ok {
		return c
	}
	if r.changes() {
		return changes
	}
	return reads
}

// limits are the limiters of the API, for addresses and for principals.
type limits struct{ address, principal [classes]*limiter }

func newLimits(c RateLimits) *limits {
	or := func(v, otherwise float64) float64 {
		if v == 0 {
			return otherwise
		}
		return v
	}
	read, change := or(c.ReadsPerSecond, 100), or(c.ChangesPerSecond, 20)
	signIn, export := or(c.SignInsPerMinute, 60)/60, or(c.ExportsPerMinute, 6)/60
	l := &limits{}
	for c, of := range [classes]struct{ rate, burst, share float64 }{
		reads: {read, 3 * read, shareOfAddress}, changes: {change, 3 * change, shareOfAddress}, signIns: {signIn, 60 * signIn, 1},
		exports: {export, 30 * export, shareOfAddress},
	} {
		burst := max(1, of.burst)
		l.principal[c], l.address[c] = newLimiter(of.rate, burst), newLimiter(of.share*of.rate, of.share*burst)
	}
	return l
}

func (l *limits) ofAddress(r route, address string, now time.Time) time.Duration {
	return l.address[r.class()].take(tenant.Network(address), now)
}

func (l *limits) ofPrincipal(r route, p tenant.Principal, now time.Time) time.Duration {
	return l.principal[r.class()].take(p.Actor(), now)
}

// limiter is a token bucket for each of many keys. What is full again is forgotten; with too many keys at once others are
// too, which lets some through rather than use more memory.
type limiter struct {
	rate, burst float64 // per second, and at once

	mu      sync.Mutex
	buckets map[string]bucket
}

type bucket struct {
	tokens float64
	at     time.Time
}

func newLimiter(rate, burst float64) *limiter {
	return &limiter{rate: rate, burst: burst, buckets: map[string]bucket{}}
}

// take takes one of a key's tokens; where there is none it tells how long until there is.
func (l *limiter) take(key string, now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	b, known := l.buckets[key]
	if !known {
		if len(l.buckets) >= mostBuckets {
			l.forget(now)
		}
		b = bucket{l.burst, now}
	}
	b.tokens = l.filled(b, now)
	b.at = now
	if b.tokens < 1 {
		l.buckets[key] = b
		return time.Duration((1 - b.tokens) / l.rate * float64(time.Second))
	}
	b.tokens--
	l.buckets[key] = b
	return 0
}

func (l *limiter) filled(b bucket, now time.Time) float64 {
	return min(l.burst, b.tokens+max(0, now.Sub(b.at).Seconds())*l.rate)
}

func (l *limiter) forget(now time.Time) {
	for key, b := range l.buckets {
		if l.filled(b, now) >= l.burst {
			delete(l.buckets, key)
		}
	}
	for key := range l.buckets {
		if len(l.buckets) < mostBuckets*7/8 {
			return
		}
		delete(l.buckets, key)
	}
}

// limited refuses a request that came too soon.
type limited struct{ wait time.Duration }

// Error says when to come again.
func (l limited) Error() string { return fmt.Sprintf("too many requests; wait %s s", seconds(l.wait)) }

// seconds gives a wait as headers have it, at least 1.
func seconds(d time.Duration) string { return strconv.Itoa(max(1, int(math.Ceil(d.Seconds())))) }
