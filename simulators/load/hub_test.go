package load_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"github.com/tallydock/tallydock/devices/wire"
)

// broker is a Mosquitto of its own on a free port.
type broker struct {
	t    *testing.T
	addr string
	conf string
	cmd  *exec.Cmd
}

// startBroker starts one; extra are lines of its configuration.
func startBroker(t *testing.T, extra ...string) *broker {
	t.Helper()
	if _, err := exec.LookPath("mosquitto"); err != nil {
		t.Skip("mosquitto is not installed: apt-get install mosquitto")
	}
	addr := freeAddress(t)
	_, port, _ := net.SplitHostPort(addr)
	b := &broker{t: t, addr: addr, conf: filepath.Join(t.TempDir(), "mosquitto.conf")}
	lines := append([]string{"listener " + port + " 127.0.0.1", "max_queued_messages 0", "persistence false"}, extra...)
	if os.Geteuid() == 0 {
		lines = append([]string{"user root"}, lines...) // else it becomes another user, who cannot read the test's files
	}
	if len(extra) == 0 {
		lines = append(lines, "allow_anonymous true")
	}
	if err := os.WriteFile(b.conf, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	b.start()
	t.Cleanup(b.kill)
	return b
}

// freeAddress is one on which nobody listens.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func (b *broker) url() string { return "tcp://" + b.addr }

func (b *broker) start() {
	b.t.Helper()
	b.cmd = exec.Command("mosquitto", "-c", b.conf)
	if err := b.cmd.Start(); err != nil {
		b.t.Fatal(err)
	}
	for range 500 {
		if c, err := net.Dial("tcp", b.addr); err == nil {
			c.Close()
			return
		}
		time.Sleep(10 * time.Millisecond) // another process: there is nothing to wait on
	}
	b.t.Fatal("the broker does not come up")
}

func (b *broker) kill() {
	_ = b.cmd.Process.Kill()
	_ = b.cmd.Wait()
}

// hub takes what edges send by the rules of package wire, and can be made unreliable. Its books can be set back.
type hub struct {
	t     *testing.T
	codec *wire.Codec
	rng   *rand.Rand
	in    chan mqtt.Message
	drop  chan struct{} // breaks the connection

	mu      sync.Mutex
	client  mqtt.Client
	unruly  bool // doubles, holds back and swaps envelopes, and leaves acks out
	deaf    bool
	held    []wire.Envelope
	books   books
	offline map[string]int // Statuses of edges that were cut off, by edge
	online  int
	most    int // records in an envelope
	errs    []error
}

// books are what the hub has committed.
type books struct {
	acks      map[string]wire.Ack
	at        map[string]string // location by tag
	movements int
	others    int // other records of the main stream
	samples   int
}

func (b books) clone() books {
	b.acks, b.at = maps.Clone(b.acks), maps.Clone(b.at)
	return b
}

func startHub(t *testing.T, urls ...string) *hub {
	t.Helper()
	codec, err := wire.NewCodec()
	if err != nil {
		t.Fatal(err)
	}
	h := &hub{
		t: t, codec: codec, rng: rand.New(rand.NewPCG(7, 7)), in: make(chan mqtt.Message, 100_000), drop: make(chan struct{}),
		books: books{acks: map[string]wire.Ack{}, at: map[string]string{}}, offline: map[string]int{},
	}
	stop, up := make(chan struct{}), make(chan struct{}, len(urls))
	var running sync.WaitGroup
	for _, url := range urls {
		running.Go(func() { h.stayConnected(url, up, stop) })
	}
	running.Go(func() {
		for {
			select {
			case m := <-h.in:
				h.hear(m)
			case <-stop:
				return
			}
		}
	})
	t.Cleanup(func() {
		close(stop)
		running.Wait()
	})
	select {
	case <-up:
	case <-time.After(20 * time.Second):
		t.Fatal("the hub finds no broker")
	}
	return h
}

// stayConnected makes a new client whenever the last one lost its connection.
func (h *hub) stayConnected(url string, up chan<- struct{}, stop <-chan struct{}) {
	for {
		lost := make(chan struct{})
		c := mqtt.NewClient(mqtt.NewClientOptions().AddBroker(url).SetClientID("hub").SetAutoReconnect(false).
			SetConnectionLostHandler(func(mqtt.Client, error) { close(lost) }))
		again := time.After(50 * time.Millisecond)
		if token := c.Connect(); token.Wait() && token.Error() == nil {
			h.set(func() { h.client = c })
			c.Subscribe(wire.HubFilter, 1, func(_ mqtt.Client, m mqtt.Message) { h.in <- m }).Wait()
			again = nil
			select {
			case up <- struct{}{}:
			default:
			}
		}
		select {
		case <-stop:
			c.Disconnect(100)
			return
		case <-h.drop:
			c.Disconnect(0)
		case <-lost:
		case <-again:
		}
	}
}

// restart breaks the hub's own connection; what comes meanwhile is lost to it.
func (h *hub) restart() { h.drop <- struct{}{} }

func (h *hub) hear(m mqtt.Message) {
	h.mu.Lock()
	defer h.mu.Unlock()
	edge, leaf, err := wire.ParseTopic(m.Topic())
	if err != nil || h.deaf {
		h.note(err)
		return
	}
	if leaf == wire.UpStatus {
		h.hearStatus(edge, m.Payload())
		return
	}
	e, err := h.codec.Decode(m.Payload())
	if err != nil || e.Edge != edge {
		h.note(fmt.Errorf("%s of %q: %w", m.Topic(), e.Edge, err))
		return
	}
	h.most = max(h.most, len(e.Records))
	h.deliver(e, leaf)
	if !h.unruly || h.rng.IntN(4) > 0 {
		h.say(edge)
	}
}

func (h *hub) hearStatus(edge string, payload []byte) {
	st, err := wire.DecodeStatus(payload)
	if err != nil || st.Edge != edge {
		h.note(fmt.Errorf("status of %q on the topic of %s: %w", st.Edge, edge, err))
		return
	}
	if !st.Online {
		h.offline[edge]++
		return
	}
	h.online++
	h.say(edge)
}

func (h *hub) note(err error) {
	if err != nil {
		h.errs = append(h.errs, err)
	}
}

// deliver takes an envelope, or, while unruly, twice, late, or behind the next.
func (h *hub) deliver(e wire.Envelope, leaf string) {
	if !h.unruly {
		h.take(e, leaf)
		return
	}
	switch h.rng.IntN(4) {
	case 0:
		h.held = append(h.held, e)
	case 1:
		h.take(e, leaf)
		h.take(e, leaf)
	default:
		h.take(e, leaf)
	}
	if len(h.held) > 3 {
		h.rng.Shuffle(len(h.held), func(i, j int) { h.held[i], h.held[j] = h.held[j], h.held[i] })
		for _, e := range h.held {
			h.take(e, "")
		}
		h.held = nil
	}
}

// take takes the records that are next, each once; leaf "" = not known.
func (h *hub) take(e wire.Envelope, leaf string) {
	a := h.books.acks[e.Edge]
	before := e.Before
	for i, b := range e.Records {
		r, err := wire.DecodeRecord(b)
		if err != nil || leaf != "" && leaf != leafOf(r) {
			h.note(fmt.Errorf("record %d of %s on %s: %w", r.Seq, e.Edge, leaf, err))
			return
		}
		if e.Stream == wire.SampleStream {
			if r.Seq > a.SamplesUpto {
				a.SamplesUpto = r.Seq
				h.books.samples++
			}
			continue
		}
		seq := e.FirstSeq + uint64(i)
		hash := wire.Chain(before, e.Epoch, seq, b)
		follows := e.Epoch == a.Epoch && seq == a.Upto+1 && before == a.Hash
		begins := e.Epoch > a.Epoch && seq == e.EpochStart && before == wire.Hash{}
		if follows || begins {
			if r.Seq != seq {
				h.note(fmt.Errorf("record %d of %s says it is %d", seq, e.Edge, r.Seq))
			}
			if begins {
				a.SamplesUpto = 0
			}
			a.Epoch, a.Upto, a.Hash = e.Epoch, seq, hash
			h.apply(r)
		}
		before = hash
	}
	h.books.acks[e.Edge] = a
}

func leafOf(r wire.Record) string {
	switch {
	case r.Sample != nil:
		return wire.UpSamples
	case r.Alarm != nil, r.Answer != nil:
		return wire.UpAlarms
	default:
		return wire.UpMovements
	}
}

// apply moves a tag. That it comes from where the edge says shows that nothing is missing before.
func (h *hub) apply(r wire.Record) {
	m := r.Movement
	if m == nil {
		h.books.others++
		return
	}
	tag := m.Tag.String()
	if was := h.books.at[tag]; m.From != "" && was != m.From {
		h.note(fmt.Errorf("%s comes from %q and is at %q", tag, m.From, was))
	}
	h.books.at[tag] = m.To
	h.books.movements++
}

func (h *hub) say(edge string) {
	a := h.books.acks[edge]
	a.Edge, a.Hub, a.At = edge, "test", time.Now()
	b, err := wire.EncodeAck(a)
	if err != nil {
		h.note(err)
		return
	}
	h.client.Publish(wire.Topic(edge, wire.DownAck), 1, true, b)
}

// command has an edge told to do something.
func (h *hub) command(edge string, c wire.Command) {
	b, err := wire.EncodeCommand(c)
	if err != nil {
		h.t.Fatal(err)
	}
	h.set(func() { h.client.Publish(wire.Topic(edge, wire.DownCommand), 1, false, b) })
}

// backup copies the books; what it gives sets them back and tells the edges.
func (h *hub) backup() (restore func()) {
	var kept books
	h.set(func() { kept = h.books.clone() })
	return func() {
		h.set(func() {
			h.books, h.held = kept.clone(), nil
			for edge := range kept.acks {
				h.say(edge)
			}
		})
	}
}

func (h *hub) set(change func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	change()
}

// await waits until the books are as wanted.
func (h *hub) await(what string, holds func(books) bool) {
	h.t.Helper()
	for range 3000 {
		ok := false
		h.set(func() { ok = holds(h.books) })
		if ok {
			return
		}
		time.Sleep(20 * time.Millisecond) // other processes: there is nothing to wait on
	}
	h.t.Fatalf("%s never comes", what)
}
