package load

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"
)

// Report is what a run came to.
type Report struct {
	Phase   string  `json:"phase"`   // joining, settling, load, draining or done
	Seconds float64 `json:"seconds"` // since the run began

	Edges     int64 `json:"edges"`
	Connected int64 `json:"connected"`

	Made        uint64 `json:"movements_made"`
	Acked       uint64 `json:"movements_acked"`
	Records     uint64 `json:"records"` // of the main stream: movements, passes, alarms, answers
	Outstanding int64  `json:"records_outstanding"`
	Most        int64  `json:"records_outstanding_most"`
	Gone        uint64 `json:"records_gone"` // asked for by the hub when they were no longer kept

	SamplesAcked       uint64 `json:"samples_acked"`
	SamplesOutstanding int64  `json:"samples_outstanding"`
	SamplesThinned     uint64 `json:"samples_thinned"`

	Envelopes  uint64 `json:"envelopes"`
	Resent     uint64 `json:"records_resent"`
	Doubled    uint64 `json:"envelopes_doubled"`
	Statuses   uint64 `json:"statuses"`
	Acks       uint64 `json:"acks"`
	Reconnects uint64 `json:"reconnects"`
	Cuts       uint64 `json:"cuts"` // on purpose
	Rewinds    uint64 `json:"rewinds"`
	NewEpochs  uint64 `json:"new_epochs"`
	Commands   uint64 `json:"commands"`

	Errors uint64            `json:"errors"`
	Causes map[string]uint64 `json:"causes,omitempty"`

	Load   *Figures `json:"load,omitempty"` // of the load up to now, from its beginning to the last ack
	Breaks *Latency `json:"breaks,omitempty"`
	Parts  []Part   `json:"parts,omitempty"`

	Self    *Process `json:"self,omitempty"`
	Watched *Process `json:"watched,omitempty"`
}

// Latency is of movements, from when they were due to the hub's ack, in milliseconds.
type Latency struct {
	Movements uint64  `json:"movements"`
	P50       float64 `json:"p50_ms"`
	P90       float64 `json:"p90_ms"`
	P99       float64 `json:"p99_ms"`
	P999      float64 `json:"p999_ms"`
	Max       float64 `json:"max_ms"`
}

func latencyOf(c *counted) Latency {
	return Latency{
		Movements: c.total, P50: ms(c.quantile(0.5)), P90: ms(c.quantile(0.9)), P99: ms(c.quantile(0.99)),
		P999: ms(c.quantile(0.999)), Max: ms(c.most()),
	}
}

// String is the latency as a part of a line.
func (l Latency) String() string {
	return fmt.Sprintf("p50 %.1f  p90 %.1f  p99 %.1f  p99.9 %.1f  max %.1f ms", l.P50, l.P90, l.P99, l.P999, l.Max)
}

// Figures are of a stretch of time. Their Latency is of movements that were due and acked in one connection.
type Figures struct {
	Seconds   float64 `json:"seconds"`
	PerSecond float64 `json:"per_second"` // of all movements acked
	Latency
	LateP99 float64 `json:"late_p99_ms"` // how late the load itself was in making what was due
}

// Part is one line of the report while it goes on.
type Part struct {
	Phase       string  `json:"phase"`
	At          float64 `json:"at"` // seconds since the run began
	Connected   int64   `json:"connected"`
	Outstanding int64   `json:"records_outstanding"`
	Figures
	Watched *Process `json:"watched,omitempty"`
}

// Process is what a process used in a stretch of time.
type Process struct {
	Cores float64 `json:"cores"` // mean
	RSS   int64   `json:"rss"`   // bytes, at its end
	Most  int64   `json:"rss_most"`
}

// stretch measures from its beginning to any later moment.
type stretch struct {
	l       *Load
	began   time.Duration
	acked   uint64
	latency *counted
	late    *counted
	self    usage
	watched usage
}

func (l *Load) stretch() *stretch {
	s := &stretch{l: l, began: l.now(), acked: l.acked.Load(), latency: l.latency.counted(), late: l.late.counted()}
	s.self, _ = usageOf("self")
	s.watched, _ = usageOf(l.watch)
	return s
}

func (s *stretch) figures() Figures {
	f := Figures{
		Seconds: (s.l.now() - s.began).Seconds(), Latency: latencyOf(s.l.latency.counted().since(s.latency)),
		LateP99: ms(s.l.late.counted().since(s.late).quantile(0.99)),
	}
	f.PerSecond = float64(s.l.acked.Load()-s.acked) / max(f.Seconds, 1e-9)
	return f
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// process is what a process used since the stretch began; nil where nobody can tell.
func (s *stretch) process(pid string, before usage) *Process {
	u, err := usageOf(pid)
	if err != nil {
		return nil
	}
	return &Process{Cores: (u.cpu - before.cpu).Seconds() / max((s.l.now()-s.began).Seconds(), 1e-9), RSS: u.rss, Most: u.most}
}

func (s *stretch) part() Part {
	return Part{
		Phase: s.l.phase(), At: s.l.now().Seconds(), Connected: s.l.connected.Load(), Outstanding: s.l.waiting.Load(), Figures: s.figures(),
		Watched: s.process(s.l.watch, s.watched),
	}
}

// report sums up the run until now.
func (l *Load) report() Report {
	c := l.counts
	r := Report{
		Phase: l.phase(), Seconds: l.now().Seconds(), Edges: int64(len(l.edges)), Connected: c.connected.Load(),
		Made: c.made.Load(), Acked: c.acked.Load(), Records: c.records.Load(), Outstanding: c.waiting.Load(),
		Most: c.mostWaiting.Load(), Gone: c.gone.Load(), SamplesAcked: c.samplesAcked.Load(),
		SamplesOutstanding: c.samplesWaiting.Load(), SamplesThinned: c.samplesThinned.Load(), Envelopes: c.envelopes.Load(),
		Resent: c.resent.Load(), Doubled: c.doubled.Load(), Statuses: c.statuses.Load(), Acks: c.acks.Load(),
		Reconnects: c.sessions.Load() - uint64(c.joined.Load()), Cuts: c.cuts.Load(), Rewinds: c.rewinds.Load(),
		NewEpochs: c.epochs.Load(), Commands: c.commands.Load(), Parts: l.parts,
	}
	r.Errors, r.Causes = c.problems.list()
	if l.load != nil {
		f := l.load.figures()
		broken := latencyOf(c.broken.counted())
		r.Load, r.Breaks = &f, &broken
		r.Self, r.Watched = l.load.process("self", l.load.self), l.load.process(l.watch, l.load.watched)
	}
	return r
}

// String is the part as a line.
func (p Part) String() string {
	s := fmt.Sprintf("%6.0fs %-8s %5d connected %8.0f movements/s, %d outstanding; due to ack %v",
		p.At, p.Phase, p.Connected, p.PerSecond, p.Outstanding, p.Latency)
	if p.Watched != nil {
		s += fmt.Sprintf("; hub %.2f cores %.0f MiB", p.Watched.Cores, mib(p.Watched.RSS))
	}
	return s
}

func mib(n int64) float64 { return float64(n) / (1 << 20) }

// String is the report for people.
func (r Report) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "edges          %d, %d connected; %d reconnects, %d cuts on purpose\n", r.Edges, r.Connected, r.Reconnects, r.Cuts)
	fmt.Fprintf(&b, "movements      %d made, %d acked\n", r.Made, r.Acked)
	fmt.Fprintf(&b, "records        %d, %d outstanding (most %d), %d gone; %d resent, %d envelopes, %d of them doubled\n",
		r.Records, r.Outstanding, r.Most, r.Gone, r.Resent, r.Envelopes, r.Doubled)
	fmt.Fprintf(&b, "samples        %d acked, %d outstanding, %d thinned\n", r.SamplesAcked, r.SamplesOutstanding, r.SamplesThinned)
	fmt.Fprintf(&b, "protocol       %d acks, %d statuses, %d rewinds, %d new epochs, %d commands\n",
		r.Acks, r.Statuses, r.Rewinds, r.NewEpochs, r.Commands)
	if f := r.Load; f != nil {
		fmt.Fprintf(&b, "load           %.1f movements/s for %.1f s; made late by %.1f ms (p99)\n", f.PerSecond, f.Seconds, f.LateP99)
		fmt.Fprintf(&b, "due to ack     %d in one connection: %v\n", f.Movements, f.Latency)
		fmt.Fprintf(&b, "after a break  %d: %v\n", r.Breaks.Movements, *r.Breaks)
	}
	r.Self.tell(&b, "this process")
	r.Watched.tell(&b, "hub")
	fmt.Fprintf(&b, "errors         %d\n", r.Errors)
	for text, n := range r.Causes {
		fmt.Fprintf(&b, "  %d × %s\n", n, text)
	}
	return b.String()
}

func (p *Process) tell(b *strings.Builder, name string) {
	if p != nil {
		fmt.Fprintf(b, "%-14s %.2f cores in the load, %.1f MiB resident (most %.1f)\n", name, p.Cores, mib(p.RSS), mib(p.Most))
	}
}

// Write writes the report as JSON to a file.
func (r Report) Write(file string) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err == nil {
		err = os.WriteFile(file, append(text, '\n'), 0o644)
	}
	if err != nil {
		return fmt.Errorf("cannot write the report: %w", err)
	}
	return nil
}
