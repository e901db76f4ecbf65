package tenant

import (
	"net/netip"
	"time"
)

// Limit is how many sign-ins may fail, within Window, before there is a wait; each further one doubles it.
type Limit struct {
	Free        int
	First, Most time.Duration
}

// Limits are those of a sign-in.
type Limits struct {
	Window  time.Duration // failures before it are forgotten
	Pair    Limit         // of one user from one address
	Address Limit         // of all users from one address
	User    Limit         // of one user from all addresses, but for those that the user has a session from
}

// DefaultLimits let a person slip a few times, and a guesser try about twenty passwords an hour.
func DefaultLimits() Limits {
	return Limits{
		Window: time.Hour, Pair: Limit{5, time.Minute, 15 * time.Minute}, Address: Limit{30, time.Minute, 15 * time.Minute},
		User: Limit{50, time.Minute, 15 * time.Minute},
	}
}

// Failures are how many sign-ins failed, and when the last one did.
type Failures struct {
	Count int
	Last  time.Time
}

// wait is how long there is to wait after these failures.
func (l Limit) wait(f Failures, now time.Time) time.Duration {
	if f.Count < l.Free {
		return 0
	}
	d := l.First
	for n := f.Count - l.Free; n > 0 && d < l.Most; n-- {
		d *= 2
	}
	return max(0, f.Last.Add(min(d, l.Most)).Sub(now))
}

// Tally is what a store counted within the Window.
type Tally struct {
	Pair, Address, User Failures
	Known               bool // the user has a session from this address
}

// Wait is how long there is to wait until another attempt counts; 0 = none.
func (l Limits) Wait(t Tally, now time.Time) time.Duration {
	wait := max(l.Pair.wait(t.Pair, now), l.Address.wait(t.Address, now))
	if t.Known {
		return wait
	}
	return max(wait, l.User.wait(t.User, now))
}

// Network is what one subscriber has of addresses: an IPv4 address, or an IPv6 network of 64 bits.
func Network(address string) string {
	a, err := netip.ParseAddr(address)
	if err != nil || a.Unmap().Is4() {
		return address
	}
	p, err := a.WithZone("").Prefix(64)
	if err != nil {
		return address
	}
	return p.String()
}
