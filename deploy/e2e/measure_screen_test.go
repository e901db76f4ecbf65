package e2e_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/cookiejar"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tallydock/tallydock/deploy/e2e"
	"github.com/tallydock/tallydock/devices/wire"
)

const (
	screenTags = 200
	screenBay  = 0
	screenItem = 7
	// frameTime is how long a frame takes on a line of 115200 baud, 8N1.
	frameTime = frameBytes * 10 * time.Second / 115200
)

// measureReadToScreen takes the time from the first byte of a new tag's reads to the number that it changes, painted by
// Chromium on the page of shelf states, with what of it each part of the road takes.
func measureReadToScreen(t *testing.T, f *figures) {
	if _, err := exec.LookPath("chromium"); err != nil {
		t.Skip("chromium is not installed: make debian")
	}
	if _, err := exec.LookPath("node"); err != nil {
		t.Skip("node is not installed")
	}
	h := openBench(t, programs(t), []string{"SZ1-E1"}, []benchReader{{"uhf-a1", "uhf", []int{screenBay}}})
	line := newFeeder(t, filepath.Join(h.Dir, "tty-uhf-a1"))
	go line.answer()
	h.start("hub", "edge")
	line.awaitPolling()
	w := newWitness(t, h)
	s := openScreen(t, h)
	r := rand.New(rand.NewPCG(200, 400))
	sent := make([]time.Time, screenTags)
	for n := range sent {
		time.Sleep(50*time.Millisecond + time.Duration(r.Int64N(int64(350*time.Millisecond))))
		epc := sgtin(t, n*benchItems+screenItem).Bytes() // all of one item, each a unit of its own
		sent[n] = time.Now()
		line.say(sighting(t, nil, epc, -50))
		time.Sleep(frameTime)
		line.say(sighting(t, nil, epc, -50))
	}
	h.eventually(10*time.Second, "the event of the last tag", func() (bool, string) {
		n := w.count()
		return n == screenTags, fmt.Sprintf("%d tags were told", n)
	})
	time.Sleep(500 * time.Millisecond)
	changed, painted := s.end()
	for _, step := range []struct {
		what string
		at   []time.Time
	}{
		{"read to the edge's record on the hub's broker (committed, then sent)", w.uplink},
		{"read to the hub's ack (committed)", w.acked},
		{"read to the event in another SSE client", w.event},
		{"read to the changed number in the page", changed},
		{"read to screen: painted", painted},
	} {
		report(t, f, step.what, sent, step.at)
	}
}

// report adds the median, the 99th percentile and the worst of the times from sent to reached.
func report(t *testing.T, f *figures, what string, sent, reached []time.Time) {
	t.Helper()
	var ms []float64
	for n, at := range reached {
		if at.IsZero() || at.Before(sent[n].Add(-time.Millisecond)) { // the browser's clock shows whole milliseconds
			t.Errorf("%s: tag %d was sent at %v and came at %v", what, n, sent[n], at)
			continue
		}
		ms = append(ms, float64(at.Sub(sent[n]))/1e6)
	}
	if len(ms) == 0 {
		return
	}
	half, most := percentile(ms, 0.5), percentile(ms, 0.99)
	f.add(what+", median", half, "ms", "", 0)
	f.add("  99 of 100", most, "ms", "", 0)
	t.Logf("%s: median %.1f ms, p90 %.1f ms, p99 %.1f ms, most %.1f ms, of %d", what, half, percentile(ms, 0.9), most, ms[len(ms)-1], len(ms))
}

// witness notes when each tag's movement passes the hub's broker, when the hub acks it, and when its event comes.
type witness struct {
	mu                   sync.Mutex
	uplink, acked, event []time.Time
	seqs                 map[uint64]int // of a main record: the tag's number
	told                 int
}

func newWitness(t *testing.T, h *benchHouse) *witness {
	w := &witness{
		uplink: make([]time.Time, screenTags), acked: make([]time.Time, screenTags), event: make([]time.Time, screenTags),
		seqs: map[uint64]int{},
	}
	codec, err := wire.NewCodec()
	if err != nil {
		t.Fatal(err)
	}
	numbers := map[string]int{}
	for n := range screenTags {
		numbers[sgtin(t, n*benchItems+screenItem).String()] = n
	}
	heard := func(topic string, payload []byte) {
		now := time.Now()
		if strings.HasSuffix(topic, wire.UpMovements) {
			w.sawEnvelope(now, codec, payload, numbers)
		} else if a, err := wire.DecodeAck(payload); err == nil {
			w.sawAck(now, a.Upto)
		}
	}
	hub, edge := h.logins.Hub, h.logins.Edges["SZ1-E1"]
	for _, s := range []struct{ id, user, password, filter string }{
		{"bench-up", hub.User, string(hub.Password), wire.HubFilter},
		{"bench-down", edge.User, string(edge.Password), wire.Topic("SZ1-E1", wire.DownAck)},
	} {
		c, err := e2e.DialMQTT(h.MQTT, s.id, s.user, s.password, 1, heard)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		if err := c.Subscribe(s.filter); err != nil {
			t.Fatal(err)
		}
	}
	w.listen(t, h)
	return w
}

func (w *witness) sawEnvelope(now time.Time, codec *wire.Codec, payload []byte, numbers map[string]int) {
	e, err := codec.Decode(payload)
	if err != nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, raw := range e.Records {
		r, err := wire.DecodeRecord(raw)
		if err != nil || r.Movement == nil {
			continue
		}
		if n, ok := numbers[r.Movement.Tag.String()]; ok && w.uplink[n].IsZero() {
			w.uplink[n], w.seqs[r.Seq] = now, n
		}
	}
}

// sawAck may come before sawEnvelope of the same record, from another connection; then the record's seq is not known yet
// and the ack after it counts, which makes the figure no better.
func (w *witness) sawAck(now time.Time, upto uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for seq, n := range w.seqs {
		if seq <= upto && w.acked[n].IsZero() {
			w.acked[n] = now
		}
	}
}

func (w *witness) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.told
}

// listen takes the hub's events as a console does. Number n of the item's stock is the event of tag n-1.
func (w *witness) listen(t *testing.T, h *benchHouse) {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	password, err := h.AdminPassword()
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Jar: jar}
	login, err := json.Marshal(map[string]string{"user": "admin", "password": password})
	if err != nil {
		t.Fatal(err)
	}
	res, err := client.Post("http://"+h.Listen+"/api/v1/session", "application/json", bytes.NewReader(login))
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res, err = client.Get("http://" + h.Listen + "/api/v1/events"); err != nil || res.StatusCode != http.StatusOK {
		t.Fatal(res, err)
	}
	t.Cleanup(func() { res.Body.Close() })
	go func() {
		kind := ""
		for lines := bufio.NewScanner(res.Body); lines.Scan(); {
			if k, ok := strings.CutPrefix(lines.Text(), "event: "); ok {
				kind = k
			} else if text, ok := strings.CutPrefix(lines.Text(), "data: "); ok && kind == "stock" {
				w.sawStock(time.Now(), text)
			}
		}
	}()
}

func (w *witness) sawStock(now time.Time, text string) {
	var rows [][]any
	if json.Unmarshal([]byte(text), &rows) != nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, r := range rows {
		if n, ok := r[2].(float64); ok && r[0] == itemID(screenItem) && r[1] == bayCode(screenBay) {
			for ; w.told < int(n) && w.told < screenTags; w.told++ {
				w.event[w.told] = now
			}
		}
	}
}

// screen is a page of shelf states in Chromium.
type screen struct {
	t     *testing.T
	cmd   *exec.Cmd
	stdin io.WriteCloser
	out   *bufio.Scanner
}

// openScreen opens the page and returns once it shows live stock.
func openScreen(t *testing.T, h *benchHouse) *screen {
	t.Helper()
	password, err := h.AdminPassword()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "node", "testdata/screen.mjs")
	cmd.Env = append(os.Environ(), "SCREEN_URL=http://"+h.Listen, "SCREEN_USER=admin", "SCREEN_PASSWORD="+password,
		"SCREEN_ITEM="+itemID(screenItem), "SCREEN_BAY="+bayCode(screenBay))
	cmd.Stderr = t.Output()
	s := &screen{t: t, cmd: cmd}
	if s.stdin, err = cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s.out = bufio.NewScanner(out)
	s.out.Buffer(nil, 1<<20)
	if !s.out.Scan() || s.out.Text() != "ready" {
		t.Fatalf("the page is not ready: %q, %v", s.out.Text(), cmd.Wait())
	}
	return s
}

// end closes the page and gives when it showed the number of each tag: in its document, and painted.
func (s *screen) end() (changed, painted []time.Time) {
	s.t.Helper()
	s.stdin.Close()
	if !s.out.Scan() {
		s.t.Fatalf("the page gave no answer: %v, %v", s.out.Err(), s.cmd.Wait())
	}
	var seen []struct {
		Value            int
		Changed, Painted int64 // unix milliseconds
	}
	if err := json.Unmarshal(s.out.Bytes(), &seen); err != nil {
		s.t.Fatal(err)
	}
	if err := s.cmd.Wait(); err != nil {
		s.t.Error(err)
	}
	changed, painted = make([]time.Time, screenTags), make([]time.Time, screenTags)
	n := 0
	for _, v := range seen {
		for ; n < v.Value && n < screenTags; n++ {
			changed[n], painted[n] = time.UnixMilli(v.Changed), time.UnixMilli(v.Painted)
		}
	}
	return changed, painted
}
