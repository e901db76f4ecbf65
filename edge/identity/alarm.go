package identity

import (
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Kind is what an alarm is about.
type Kind string

// The kinds. Of those about the certificate's end only the one that counts is given.
const (
	NotThere Kind = "not_enrolled"
	Unusable Kind = "identity_unusable" // what is in the folder, so that the gateway is not enrolled after its next start at least
	NotYet   Kind = "certificate_not_yet_valid"
	Expiring Kind = "certificate_expiring"     // a quarter of its life is left: its renewal should have been by now
	Soon     Kind = "certificate_expires_soon" // seven days are left, or an eighth of its life where that is less
	Expired  Kind = "certificate_expired"      // the brokers let nobody in with it
	Refused  Kind = "renewal_refused"          // a person must get a new token
	Clock    Kind = "clock_wrong"              // the hub's is another, or its certificate says so
)

const (
	mostSkew    = 2 * time.Minute
	soonAtLeast = 8 // parts of a life
	soonAtMost  = 7 * 24 * time.Hour
)

// Alarm is something that stops the gateway's connection to its hub, or will.
type Alarm struct {
	Kind   Kind
	Reason string    // for people
	Until  time.Time // end of the certificate; zero = it is not about that
}

// Kinds lists all kinds.
func Kinds() []Kind {
	return []Kind{NotThere, Unusable, NotYet, Expiring, Soon, Expired, Refused, Clock}
}

// Alarms are those that stand now.
func (i *Identity) Alarms() []Alarm {
	i.seen.Lock()
	o := i.seen.observed
	i.seen.Unlock()
	return alarms(i.has.Load(), o, i.cfg.Now())
}

func alarms(m *material, o observed, now time.Time) (list []Alarm) {
	if o.broken != nil {
		list = append(list, Alarm{Kind: Unusable, Reason: o.broken.Error()})
	}
	if m == nil && o.broken != nil {
		return list
	}
	if m == nil {
		return []Alarm{{Kind: NotThere, Reason: "this gateway is not enrolled: get a token from the hub and give it by edge enrol TOKEN"}}
	}
	if a, ok := m.aging(now); ok {
		list = append(list, a)
	}
	if o.refusal != nil {
		list = append(list, Alarm{Kind: Refused, Reason: o.refusal.Message, Until: m.leaf().NotAfter})
	}
	switch {
	case o.date != nil:
		list = append(list, Alarm{Kind: Clock, Reason: o.date.Error()})
	case o.skew.Abs() > mostSkew:
		list = append(list, Alarm{Kind: Clock, Reason: fmt.Sprintf("the hub's clock differs by %v: set this gateway's, or the hub's", o.skew.Round(time.Second))})
	}
	return list
}

// aging is the alarm about the certificate's end, or its beginning.
func (m *material) aging(now time.Time) (Alarm, bool) {
	begin, end := m.leaf().NotBefore, m.leaf().NotAfter
	left := end.Sub(now)
	text := func(what string) string {
		return fmt.Sprintf("this gateway's certificate %s at %s; it is renewed by itself when the hub answers", what, end.UTC().Format(time.RFC3339))
	}
	switch {
	case now.Before(begin):
		return Alarm{NotYet, fmt.Sprintf("this gateway's certificate is valid from %s: its clock is late", begin.UTC().Format(time.RFC3339)), end}, true
	case left <= 0:
		return Alarm{Expired, text("expired"), end}, true
	case left <= min(soonAtMost, m.life()/soonAtLeast):
		return Alarm{Soon, text("expires"), end}, true
	case left <= m.life()/4:
		return Alarm{Expiring, text("expires"), end}, true
	}
	return Alarm{}, false
}

func (i *Identity) register(r prometheus.Registerer) {
	if r == nil {
		return
	}
	r.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "edge_identity_certificate_expiry_timestamp_seconds", Help: "When this gateway's certificate ends, in Unix time; 0 = it has none.",
	}, func() float64 {
		if m := i.has.Load(); m != nil {
			return float64(m.leaf().NotAfter.Unix())
		}
		return 0
	}), prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "edge_identity_hub_clock_ahead_seconds", Help: "By how much the hub's clock is ahead of this machine's, as last seen.",
	}, func() float64 {
		i.seen.Lock()
		defer i.seen.Unlock()
		return i.seen.skew.Seconds()
	}))
}
