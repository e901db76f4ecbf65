package api

import (
	"net/http"
	"net/netip"
	"time"

	"github.com/tallydock/tallydock/hub/tenant"
)

// TableRow is a route as tests see it.
type TableRow struct {
	Method, Path, Access, ID string
	Need                     tenant.Permission
	Public, Anybody, Whole   bool // anybody at all; whoever is signed in; only who has Need at all sites
	InPerson                 bool // no API tokens
}

// Table lists the routes.
func Table() []TableRow {
	var rows []TableRow
	for _, r := range (&server{}).routes() {
		k := r.access.kind
		rows = append(rows, TableRow{
			r.method, r.fullPath(), r.access.String(), r.id, r.access.need, k == open, k != open && r.access.need == "", r.access.whole,
			k == inPerson,
		})
	}
	return rows
}

// Limiter is a limiter as tests see it.
type Limiter struct{ l *limiter }

// NewLimiter makes one.
func NewLimiter(rate, burst float64) Limiter { return Limiter{newLimiter(rate, burst)} }

// Take takes a token.
func (l Limiter) Take(key string, now time.Time) time.Duration { return l.l.take(key, now) }

// Len is how many keys it remembers.
func (l Limiter) Len() int { return len(l.l.buckets) }

// MostBuckets is how many there may be.
const MostBuckets = mostBuckets

// ToldOnce are the changes whose answers have a secret.
var ToldOnce = toldOnce

// SafeNext is what it is called.
var SafeNext = safeNext

// Client gives the address that a request came from where networks are trusted.
func Client(trusted []netip.Prefix, r *http.Request) string { return proxies(trusted).client(r) }
