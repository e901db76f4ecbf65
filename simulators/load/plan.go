package load

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/url"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/tallydock/tallydock/devices/wire"
)

// Plan says what load to make, and where. Durations are the machine's time.
type Plan struct {
	World World `yaml:"world"`

	// Rate is how many movements an edge decides in a second, in the mean; Total the same of all edges, instead. FlatOut
	// instead of both has every edge send as fast as its window allows.
	Rate    float64 `yaml:"rate"`
	Total   float64 `yaml:"total"`
	FlatOut bool    `yaml:"flat_out"`

	Passes      Passes        `yaml:"passes"`
	Alarms      float64       `yaml:"alarms"`       // transitions of alarms in a minute, of an edge
	Sensors     int           `yaml:"sensors"`      // of an edge
	SampleEvery time.Duration `yaml:"sample_every"` // of a sensor
	Devices     int           `yaml:"devices"`      // that a Status tells of

	Flapping  Flapping `yaml:"flapping"`
	Duplicate float64  `yaml:"duplicate"` // share of envelopes that the hub gets twice

	Ramp     time.Duration `yaml:"ramp"`     // in which the edges join, evenly
	Settle   time.Duration `yaml:"settle"`   // how long after the ramp all may take to be there and acked
	Duration time.Duration `yaml:"duration"` // of the load
	Drain    time.Duration `yaml:"drain"`    // how long after the load the hub may take to ack the rest
	Preload  bool          `yaml:"preload"`  // edges begin by saying where all their tags are
	Seed     uint64        `yaml:"seed"`
	Epoch    uint64        `yaml:"epoch"` // of all edges; it must be above those of earlier runs; 0 = the time in seconds

	Uplink Uplink `yaml:"uplink"`

	Brokers     []string `yaml:"brokers"`     // tcp:// or ssl://host:port, for the edges in turn
	Credentials string   `yaml:"credentials"` // the hub's credentials.yaml; "" = no logins
	Certs       string   `yaml:"certs"`       // folder with EDGE.crt and EDGE.key, and ca.crt where the system does not know it
}

// Passes is how much goes through doors.
type Passes struct {
	Share float64 `yaml:"share"` // of the movements
	Tags  int     `yaml:"tags"`  // in one pass
}

// Flapping is how connections break: cut without a word, so that the will is published.
type Flapping struct {
	Share float64       `yaml:"share"` // of the edges
	Up    time.Duration `yaml:"up"`    // mean time to the cut
	Down  time.Duration `yaml:"down"`  // mean time to the next try
}

// Uplink is how an edge sends; the defaults are those of the real one.
type Uplink struct {
	Window     int           `yaml:"window"`      // envelopes on their way
	MaxRecords int           `yaml:"max_records"` // in an envelope
	Resend     time.Duration `yaml:"resend"`      // how long the hub may leave an envelope without an ack
	Beat       time.Duration `yaml:"beat"`        // between two Statuses
	RetryFirst time.Duration `yaml:"retry_first"` // before connecting again, doubled each time
	RetryMost  time.Duration `yaml:"retry_most"`
	Keep       int           `yaml:"keep"`     // acked records kept for a hub that was restored from a copy
	DownQoS    int           `yaml:"down_qos"` // of what the hub says: 0 or 1
}

// Default is the plan where nothing is said: a modest load on a hub of this machine.
func Default() Plan {
	return Plan{
		World: World{Edges: 100, EdgesPerSite: 10, Bays: 32, Tags: 50, Items: 200},
		Rate:  1, Passes: Passes{Share: 0.2, Tags: 16}, Alarms: 0.05, Sensors: 4, SampleEvery: 5 * time.Minute, Devices: 4,
		Flapping: Flapping{Up: 30 * time.Second, Down: 5 * time.Second},
		Ramp:     10 * time.Second, Settle: 5 * time.Minute, Duration: time.Minute, Drain: time.Minute, Preload: true, Seed: 1,
		Uplink: Uplink{
			Window: 16, MaxRecords: 500, Resend: 5 * time.Second, Beat: 30 * time.Second, RetryFirst: 200 * time.Millisecond,
			RetryMost: 30 * time.Second, Keep: 64, DownQoS: 0,
		},
		Brokers: []string{"tcp://127.0.0.1:1883"},
	}
}

// Parse reads a plan's YAML over the defaults. It is not checked yet: flags may still change it.
func Parse(text []byte) (Plan, error) {
	p := Default()
	usual := p.Rate
	p.Rate = 0
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(&p); err != nil && !errors.Is(err, io.EOF) {
		return Plan{}, fmt.Errorf("plan: %w", err)
	}
	if p.Rate == 0 && p.Total == 0 && !p.FlatOut {
		p.Rate = usual
	}
	return p, nil
}

// Check tells all that is wrong with a plan, a line each.
func (p Plan) Check() error {
	f := findings{p.World.Check()}
	p.checkLoad(&f)
	share(&f, "passes.share", p.Passes.Share)
	whole(&f, "passes.tags", p.Passes.Tags, 1, p.World.Tags)
	share(&f, "flapping.share", p.Flapping.Share)
	share(&f, "duplicate", p.Duplicate)
	whole(&f, "sensors", p.Sensors, 0, 1000)
	whole(&f, "devices", p.Devices, 0, wire.MaxDevices)
	whole(&f, "uplink.window", p.Uplink.Window, 1, 1000)
	whole(&f, "uplink.max_records", p.Uplink.MaxRecords, 1, wire.MaxRecords)
	whole(&f, "uplink.keep", p.Uplink.Keep, 0, 1<<20)
	whole(&f, "uplink.down_qos", p.Uplink.DownQoS, 0, 1)
	for _, d := range []struct {
		path      string
		is, least time.Duration
	}{
		{"sample_every", p.SampleEvery, time.Millisecond},
		{"flapping.up", p.Flapping.Up, time.Millisecond},
		{"flapping.down", p.Flapping.Down, time.Millisecond},
		{"ramp", p.Ramp, 0},
		{"settle", p.Settle, time.Second},
		{"duration", p.Duration, time.Millisecond},
		{"drain", p.Drain, time.Second},
		{"uplink.resend", p.Uplink.Resend, 10 * time.Millisecond},
		{"uplink.beat", p.Uplink.Beat, 10 * time.Millisecond},
		{"uplink.retry_first", p.Uplink.RetryFirst, time.Millisecond},
		{"uplink.retry_most", p.Uplink.RetryMost, p.Uplink.RetryFirst},
	} {
		if d.is < d.least {
			f.add(d.path, "is %v; use %v or more", d.is, d.least)
		}
	}
	p.checkBrokers(&f)
	return errors.Join(f...)
}

func (p Plan) checkLoad(f *findings) {
	ways := 0
	for _, given := range []bool{p.Rate > 0, p.Total > 0, p.FlatOut} {
		if given {
			ways++
		}
	}
	if ways != 1 || p.Rate < 0 || p.Total < 0 {
		f.add("rate", "is %v, total %v, flat_out %v; use one of them", p.Rate, p.Total, p.FlatOut)
	}
	if p.Alarms < 0 {
		f.add("alarms", "is %v; use 0 or more in a minute", p.Alarms)
	}
}

func (p Plan) checkBrokers(f *findings) {
	if len(p.Brokers) == 0 {
		f.add("brokers", "is empty; name one, such as tcp://127.0.0.1:1883")
	}
	for i, b := range p.Brokers {
		u, err := url.Parse(b)
		if err != nil || (u.Scheme != "tcp" && u.Scheme != "ssl") || u.Port() == "" {
			f.add(fmt.Sprintf("brokers[%d]", i), "%q is not tcp://host:port or ssl://host:port", b)
		}
	}
}

// ratePerEdge is the movements a second of one edge.
func (p Plan) ratePerEdge() float64 {
	if p.Total > 0 {
		return p.Total / float64(p.World.Edges)
	}
	return p.Rate
}

// flaps reports whether edge i is one of those whose connection breaks; they are spread over all.
func (p Plan) flaps(i int) bool {
	before, after := float64(i)*p.Flapping.Share, float64(i+1)*p.Flapping.Share
	return int(after+1e-9) > int(before+1e-9)
}

type findings []error

func (f *findings) add(path, format string, args ...any) {
	*f = append(*f, fmt.Errorf("%s: "+format, append([]any{path}, args...)...))
}

func share(f *findings, path string, v float64) {
	if !(v >= 0 && v <= 1) {
		f.add(path, "is %v; use 0 to 1", v)
	}
}

func whole(f *findings, path string, v, least, most int) {
	if v < least || v > most {
		f.add(path, "is %d; use %d to %d", v, least, most)
	}
}
