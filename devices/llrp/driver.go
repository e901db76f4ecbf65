package llrp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/unit"
)

// Port is a stream of bytes to a reader. Read answers (0, nil) when nothing came for a moment; after Close, or when the
// reader went away, Read and Write fail.
type Port interface {
	io.ReadWriteCloser
}

// The sockets at which readers listen.
const (
	PortNumber    = 5084
	TLSPortNumber = 5085
)

// Times that the driver keeps to, machine time.
const (
	welcomeTime = 10 * time.Second // for the reader's first word
	answerTime  = 5 * time.Second  // for the answer to a command; an ADD_ROSPEC takes some readers more than one second
	stopTime    = 800 * time.Millisecond
	pollTime    = 100 * time.Millisecond
	lookTime    = time.Second // between two looks at how the reader does
	againTime   = time.Second // between two times that the ROSpec is given
	keepAlive   = 10 * time.Second
	missed      = 3 // keep-alives, after which the reader counts as gone
)

// unanswered is how many questions for reports a reader may leave unanswered.
const unanswered = 50

// reportTags is how many tags make the reader report before it is asked.
const reportTags = 100

// usualPopulation is how many tags a reader is told to expect where nothing else is said.
const usualPopulation = 32

// Config of a Driver. What is zero leaves the choice to the driver or to the reader.
type Config struct {
	ID        string // the reader's id in the gateway's configuration
	Dial      func(ctx context.Context) (Port, error)
	Now       func() time.Time // the gateway's clock, for HostTime
	Poll      time.Duration    // time between two requests for what the reader saw; 0 = 100 ms
	KeepAlive time.Duration    // time between two of the reader's signs of life; 0 = 10 s
	Version   Version          // the best to try; 0 = 1.0.1, which every reader knows
	Antennas  []uint16         // those that are used; none = all
	Inputs    []uint16         // the general purpose inputs whose changes are told; none = as the reader is set up

	// Power is what is sent to the antennas; 0 leaves it as the reader is set up.
	Power unit.DBm
	// Session is the memory in which tags keep that they were read, 0 to 3. In session 0 a tag that stays is read again
	// and again, on which direction and position live; 2 suits hundreds of tags that stand still.
	Session    uint8
	Population uint16  // how many tags are expected before an antenna; 0 = 32
	Mode       *uint16 // ID of the reader's table of radio modes; nil = the reader's choice
	Tari       uint16  // ns, with Mode; 0 = the reader's choice
	Search     ImpinjSearch
}

// Driver reads tags without pause. It implements devices.Driver.
//
// The reader is given one ROSpec that never ends, which sends a report when 100 tags wait; what is there before that the
// driver fetches every 100 ms by GET_REPORT. So a read is told 0.1 to 0.2 s late at most, whole pallets come in few
// messages, and the reader's own turn through its antennas is never cut off, as it is where the end of a short AISpec
// makes the report. A reader that refuses GET_REPORT, or has not even an empty report to say to 50 of them, is told to report
// each tag at once.
//
// While there is no connection a reader that can do so keeps what it sees, and gives it when the driver is back.
//
// Reads have what the reader says: antenna, RSSI (in hundredths of dBm and with phase where it is an Impinj), channel,
// count, and when the tag was seen last. The times of a reader without a clock are its uptime, put onto the gateway's clock
// once per connection; of either only differences mean something.
type Driver struct{ conf Config }

// New makes a Driver; Run opens the port.
func New(c Config) *Driver {
	if c.Poll <= 0 {
		c.Poll = pollTime
	}
	if c.KeepAlive <= 0 {
		c.KeepAlive = keepAlive
	}
	if c.Population == 0 {
		c.Population = usualPopulation
	}
	return &Driver{conf: c}
}

// run is the state of one Run.
type run struct {
	Config
	port    Port
	in      *stream
	sink    devices.Sink
	out     []byte // for messages to the reader
	id      uint32 // of the last message to the reader
	version Version
	caps    *GetReaderCapabilitiesResponse
	impinj  bool // its extensions are on
	terms   terms
	tags    TagScanner
	quality quality
	up      bool
	spec    uint32    // the ID of our ROSpec; 0 before there is one
	since   time.Time // when the reader was given it, machine time
	single  bool      // the reader knows no GET_REPORT: it reports each tag at once
	asked   int       // GET_REPORTs since the last report
	lapsed  bool      // our ROSpec has to be given, or started, once more
}

// Run implements devices.Driver.
func (d *Driver) Run(ctx context.Context, sink devices.Sink) error {
	port, err := d.conf.Dial(ctx)
	if err != nil {
		return d.end(ctx, fmt.Errorf("cannot connect: %w", err))
	}
	defer port.Close()
	r := &run{Config: d.conf, port: port, in: newStream(port), sink: sink, version: Version101}
	if err = r.work(ctx); ctx.Err() != nil {
		r.leave(ctx)
	}
	return d.end(ctx, err)
}

func (d *Driver) end(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return fmt.Errorf("reader %s: %w", d.conf.ID, err)
}

func (r *run) work(ctx context.Context) error {
	if err := r.welcome(ctx); err != nil {
		return err
	}
	if err := r.setUp(ctx); err != nil {
		return err
	}
	r.up = true
	r.quality.since = time.Now()
	r.sink.Health(devices.Health{Device: r.ID, State: devices.Up, At: r.Now()})
	return r.listen(ctx)
}

// listen hands on what the reader says, asks it for what it saw, and gives it up when it falls silent.
func (r *run) listen(ctx context.Context) error {
	ask := time.Now()
	for {
		if !time.Now().Before(ask) {
			if err := r.poll(); err != nil {
				return err
			}
			ask = time.Now().Add(r.Poll)
		}
		h, payload, err := r.in.next(ctx, min(time.Until(ask), lookTime))
		if err == nil {
			err = r.hear(h, payload)
		}
		if err != nil && !errors.Is(err, errQuiet) {
			return err
		}
		if silence := missed * r.KeepAlive; r.in.quiet > silence {
			return fmt.Errorf("it has said nothing for %s, though it should every %s; check the network", silence, r.KeepAlive)
		}
		if r.lapsed && time.Since(r.since) >= againTime {
			if err := r.place(ctx); err != nil {
				return err
			}
		}
		r.judge()
	}
}

// poll asks for what the reader saw. One that never answers may know no such question, or nothing to say; it is asked no more.
func (r *run) poll() error {
	if r.asked++; r.asked > unanswered && !r.single {
		r.single, r.lapsed = true, true
	}
	if r.single {
		return nil
	}
	_, err := r.send(&Bare{Type: GetReportType})
	return err
}

func (r *run) judge() {
	if n := r.in.garbage(); n > 0 {
		r.quality.trouble("it sends bytes that are no LLRP message: check what is connected, and its firmware", 0)
	}
	h, tell := r.quality.judge(time.Now())
	if !tell {
		return
	}
	h.Device, h.At = r.ID, r.Now()
	r.sink.Health(h)
}

// leave makes the reader quiet and says goodbye, within a second. Reads that come meanwhile are handed on.
func (r *run) leave(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTime)
	defer cancel()
	hurry := time.AfterFunc(stopTime, func() { _ = r.port.Close() }) // a Write may hang
	defer hurry.Stop()
	if r.spec != 0 {
		if _, err := r.ask(ctx, &SpecCommand{Type: DeleteROSpecType, Spec: r.spec}); err != nil && !refused(err) {
			return
		}
	}
	_, _ = r.ask(ctx, &Bare{Type: CloseConnectionType})
}

// send sends a message and gives its id.
func (r *run) send(b Body) (uint32, error) {
	r.id++
	return r.id, r.write(Message{Version: r.version, ID: r.id, Body: b})
}

func (r *run) write(m Message) error {
	out, err := m.Append(r.out[:0])
	if err != nil {
		return err
	}
	r.out = out[:0]
	if _, err := r.port.Write(out); err != nil {
		return fmt.Errorf("cannot write to it: %w", err)
	}
	return nil
}

// ask sends a command and gives its answer. What else the reader says meanwhile is heard. A refusal is an error.
func (r *run) ask(ctx context.Context, b Body) (Body, error) {
	id, err := r.send(b)
	if err != nil {
		return nil, err
	}
	deadline := time.Now().Add(answerTime)
	for {
		h, payload, err := r.in.next(ctx, time.Until(deadline))
		if errors.Is(err, errQuiet) {
			return nil, fmt.Errorf("it does not answer %s within %s: %w", b.Kind(), answerTime, errQuiet)
		}
		if err != nil {
			return nil, err
		}
		if h.ID == id && (h.Type == b.Kind().Answer() || h.Type == ErrorMessageType) {
			return answer(b, h.Type, payload)
		}
		if err := r.hear(h, payload); err != nil {
			return nil, err
		}
	}
}

// answer reads the answer to b.
func answer(b Body, t MessageType, payload []byte) (Body, error) {
	a, err := ParseBody(t, payload)
	if err != nil {
		return nil, fmt.Errorf("its answer to %s makes no sense: %w", b.Kind(), err)
	}
	if s := statusOf(a); s != nil && (s.Code != Success || t == ErrorMessageType) {
		return a, refusal{b.Kind(), *s}
	}
	return a, nil
}

func statusOf(b Body) *Status {
	switch m := b.(type) {
	case *Response:
		return &m.Status
	case *GetReaderCapabilitiesResponse:
		return &m.Status
	case *GetReaderConfigResponse:
		return &m.Status
	case *GetSupportedVersionResponse:
		return &m.Status
	case *GetROSpecsResponse:
		return &m.Status
	case *GetAccessSpecsResponse:
		return &m.Status
	}
	return nil
}

// refusal is a reader's answer that a command failed.
type refusal struct {
	command MessageType
	status  Status
}

func (e refusal) Error() string { return fmt.Sprintf("it refuses %s: %s", e.command, e.status) }

func refused(err error) bool {
	var r refusal
	return errors.As(err, &r)
}
