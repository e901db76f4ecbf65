package output

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tallydock/tallydock/devices"
)

// Times of the switching, machine time.
const (
	Patience   = 15 * time.Second // of failures in a row, after which an output is failing
	setWithin  = 10 * time.Second // for one attempt
	firstPause = 200 * time.Millisecond
	mostPause  = 5 * time.Second
)

// Spec is one output.
type Spec struct {
	Name string
	// Set brings the output to a state and returns once it is there, or why not. It is called from one goroutine; nil is an
	// output that is only shown.
	Set    func(ctx context.Context, on bool) error
	Device string        // of which the output is a part: it is set anew when that comes back; "" = none
	Again  time.Duration // it is set anew after so long; 0 = never
}

// Outputs are the gateway's outputs.
type Outputs struct {
	lamps  []*lamp
	byName map[string]*lamp
	log    *slog.Logger

	mu sync.Mutex
	up map[string]bool // by device: it is not down
}

// State is how one output is.
type State struct {
	Name    string
	On      bool   // what is wanted
	Why     string // who wants it on, in words; "" where nobody does
	Known   bool   // it was set to that; false for one that is only shown
	Err     error  // why the last attempt failed; nil where it did not
	Failing bool   // for longer than Patience
}

// New makes Outputs of names that differ. r may be nil.
func New(specs []Spec, log *slog.Logger, r prometheus.Registerer) *Outputs {
	o := &Outputs{byName: map[string]*lamp{}, log: log, up: map[string]bool{}}
	for _, s := range specs {
		l := &lamp{Spec: s, log: log.With("output", s.Name), wants: map[string]string{}, version: 1, wake: make(chan struct{}, 1)}
		o.lamps = append(o.lamps, l)
		o.byName[s.Name] = l
	}
	if r != nil {
		r.MustRegister(collector{o})
	}
	return o
}

// Run works until ctx ends; it returns nil. The outputs stay as they are then. Call it once.
func (o *Outputs) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	for _, l := range o.lamps {
		if l.Set != nil {
			wg.Go(func() { l.run(ctx) })
		}
	}
	<-ctx.Done()
	wg.Wait()
	return nil
}

// Want says that somebody wants an output on, and why, or wants that no more. It does not block, and may be called before
// Run. A name that is none of the outputs is passed over.
func (o *Outputs) Want(by, name string, on bool, why string) {
	if l := o.byName[name]; l != nil {
		l.want(by, on, why)
		return
	}
	o.log.Debug("no such output; it is only shown", "output", name, "on", on, "reason", why)
}

// Health hears how a device is, to set its outputs anew when it comes back.
func (o *Outputs) Health(h devices.Health) {
	up := h.State != devices.Down
	o.mu.Lock()
	back := up && !o.up[h.Device]
	o.up[h.Device] = up
	o.mu.Unlock()
	if !back {
		return
	}
	for _, l := range o.lamps {
		if l.Device == h.Device && l.Device != "" {
			l.renew()
		}
	}
}

// Renew sets anew every output that belongs to no device: their common connection is a new one.
func (o *Outputs) Renew() {
	for _, l := range o.lamps {
		if l.Device == "" {
			l.renew()
		}
	}
}

// States tells how each output is, in the order of the configuration.
func (o *Outputs) States() []State {
	out := make([]State, len(o.lamps))
	for i, l := range o.lamps {
		out[i] = l.state(time.Now())
	}
	return out
}
