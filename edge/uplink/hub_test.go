package uplink_test

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
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

func startBroker(t *testing.T) *broker {
	t.Helper()
	if _, err := exec.LookPath("mosquitto"); err != nil {
		t.Skip("mosquitto is not installed: apt-get install mosquitto")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	_, port, _ := net.SplitHostPort(addr)
	b := &broker{t: t, addr: addr, conf: filepath.Join(t.TempDir(), "mosquitto.conf")}
	conf := "listener " + port + " 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\npersistence false\n"
	if err := os.WriteFile(b.conf, []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	b.start()
	t.Cleanup(b.kill)
	return b
}

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

// proxy forwards TCP connections and cuts them.
type proxy struct {
	net.Listener
	to string
	mu sync.Mutex
	on []net.Conn
}

func startProxy(t *testing.T, to string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{Listener: l, to: to}
	go p.run()
	t.Cleanup(func() {
		l.Close()
		p.cut()
	})
	return p
}

func (p *proxy) run() {
	for {
		in, err := p.Accept()
		if err != nil {
			return
		}
		out, err := net.Dial("tcp", p.to)
		if err != nil {
			in.Close()
			continue
		}
		p.mu.Lock()
		p.on = append(p.on, in, out)
		p.mu.Unlock()
		go forward(in, out)
		go forward(out, in)
	}
}

func forward(from, to net.Conn) {
	defer from.Close()
	defer to.Close()
	b := make([]byte, 4096)
	for {
		n, err := from.Read(b)
		if n > 0 {
			if _, err := to.Write(b[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// cut cuts all connections, in the middle of whatever is on its way.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.on {
		if tcp, ok := c.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		c.Close()
	}
	p.on = nil
}

// testHub follows the rules of package wire, with a store of its own that can be set back.
type testHub struct {
	t     *testing.T
	codec *wire.Codec
	rng   *rand.Rand
	in    chan mqtt.Message

	mu      sync.Mutex
	client  mqtt.Client
	unruly  bool // doubles, delays and swaps messages
	deaf    bool
	held    []wire.Envelope
	acks    map[string]wire.Ack
	taken   []wire.Record
	samples []wire.Record
	topics  map[string]int // records by topic leaf
	status  []wire.Status
	errs    []error
	changed chan struct{}
}

func startHub(t *testing.T, addr string) *testHub {
	t.Helper()
	codec, err := wire.NewCodec()
	if err != nil {
		t.Fatal(err)
	}
	h := &testHub{
		t: t, codec: codec, rng: rand.New(rand.NewPCG(7, 7)), acks: map[string]wire.Ack{}, topics: map[string]int{},
		changed: make(chan struct{}, 1),
	}
	h.in = make(chan mqtt.Message, 10_000)
	stop := make(chan struct{})
	var running sync.WaitGroup
	running.Go(func() { h.stayConnected(addr, stop) })
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
	return h
}

// stayConnected makes a new client whenever the last one lost its connection.
func (h *testHub) stayConnected(addr string, stop <-chan struct{}) {
	for {
		lost := make(chan struct{})
		c := mqtt.NewClient(mqtt.NewClientOptions().AddBroker("tcp://" + addr).SetClientID("hub").SetAutoReconnect(false).
			SetConnectionLostHandler(func(mqtt.Client, error) { close(lost) }))
		wait := time.After(50 * time.Millisecond)
		if token := c.Connect(); token.Wait() && token.Error() == nil {
			h.set(func(h *testHub) { h.client = c })
			c.Subscribe(wire.HubFilter, 1, func(_ mqtt.Client, m mqtt.Message) { h.in <- m }).Wait()
			wait = nil
		}
		select {
		case <-stop:
			c.Disconnect(100)
			return
		case <-lost:
		case <-wait:
		}
	}
}

func (h *testHub) hear(m mqtt.Message) {
	h.mu.Lock()
	defer h.mu.Unlock()
	edge, leaf, err := wire.ParseTopic(m.Topic())
	if err != nil {
		h.errs = append(h.errs, err)
		return
	}
	if h.deaf {
		return
	}
	if leaf == wire.UpStatus {
		st, err := wire.DecodeStatus(m.Payload())
		if err != nil {
			h.errs = append(h.errs, err)
			return
		}
		h.status = append(h.status, st)
		if st.Online {
			h.say(edge)
		}
		h.wake()
		return
	}
	e, err := h.codec.Decode(m.Payload())
	if err != nil || e.Edge != edge {
		h.errs = append(h.errs, fmt.Errorf("%s: %w", m.Topic(), err))
		return
	}
	h.topics[leaf] += len(e.Records)
	h.deliver(e)
	h.say(edge)
	h.wake()
}

// deliver takes an envelope, or, while unruly, twice, late, or after the next.
func (h *testHub) deliver(e wire.Envelope) {
	if !h.unruly {
		h.take(e)
		return
	}
	switch h.rng.IntN(4) {
	case 0:
		h.held = append(h.held, e)
	case 1:
		h.take(e)
		h.take(e)
	default:
		h.take(e)
	}
	if len(h.held) > 3 {
		h.rng.Shuffle(len(h.held), func(i, j int) { h.held[i], h.held[j] = h.held[j], h.held[i] })
		for _, e := range h.held {
			h.take(e)
		}
		h.held = nil
	}
}

func (h *testHub) take(e wire.Envelope) {
	a := h.acks[e.Edge]
	a.Edge, a.Hub = e.Edge, "test"
	before := e.Before
	for i, b := range e.Records {
		r, err := wire.DecodeRecord(b)
		if err != nil {
			h.errs = append(h.errs, err)
			return
		}
		if e.Stream == wire.SampleStream {
			if r.Seq > a.SamplesUpto {
				a.SamplesUpto = r.Seq
				h.samples = append(h.samples, r)
			}
			continue
		}
		seq := e.FirstSeq + uint64(i)
		hash := wire.Chain(before, e.Epoch, seq, b)
		follows := e.Epoch == a.Epoch && seq == a.Upto+1 && before == a.Hash
		begins := e.Epoch > a.Epoch && seq == e.EpochStart && before == wire.Hash{}
		if follows || begins {
			if r.Seq != seq {
				h.errs = append(h.errs, fmt.Errorf("record %d says it is %d", seq, r.Seq))
			}
			a.Epoch, a.Upto, a.Hash = e.Epoch, seq, hash
			h.taken = append(h.taken, r)
		}
		before = hash
	}
	h.acks[e.Edge] = a
}

func (h *testHub) say(edge string) {
	a := h.acks[edge]
	a.Edge, a.Hub, a.At = edge, "test", time.Now()
	b, err := wire.EncodeAck(a)
	if err != nil {
		h.errs = append(h.errs, err)
		return
	}
	h.client.Publish(wire.Topic(edge, wire.DownAck), 1, true, b)
}

func (h *testHub) wake() {
	select {
	case h.changed <- struct{}{}:
	default:
	}
}

func (h *testHub) command(edge string, c wire.Command) {
	b, err := wire.EncodeCommand(c)
	if err != nil {
		h.t.Fatal(err)
	}
	h.set(func(h *testHub) { h.client.Publish(wire.Topic(edge, wire.DownCommand), 1, false, b) })
}

// backup and restore are of the hub's database.
func (h *testHub) backup() func() {
	h.mu.Lock()
	defer h.mu.Unlock()
	taken, samples, acks := len(h.taken), len(h.samples), map[string]wire.Ack{}
	for k, v := range h.acks {
		acks[k] = v
	}
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.taken, h.samples, h.acks = h.taken[:taken], h.samples[:samples], acks
		for edge := range acks {
			h.say(edge)
		}
	}
}

func (h *testHub) set(change func(*testHub)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	change(h)
}

// await waits until a condition of the hub holds.
func (h *testHub) await(what string, holds func(*testHub) bool) {
	h.t.Helper()
	limit := time.After(60 * time.Second)
	for {
		h.mu.Lock()
		ok := holds(h)
		h.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-h.changed:
		case <-time.After(100 * time.Millisecond):
		case <-limit:
			h.mu.Lock()
			defer h.mu.Unlock()
			h.t.Fatalf("%s never comes: %d records, %d samples, acks %+v, errors %v",
				what, len(h.taken), len(h.samples), h.acks, h.errs)
		}
	}
}
