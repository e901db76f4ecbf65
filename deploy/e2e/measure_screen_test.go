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
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
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
	h := openBench(t, programs(t), []string{"SZ1-E1"}, []benchReader{{id: "uhf-a1", driver: "uhf", bays: []int{screenBay}}})
	line := newFeeder(t, filepath.Join(h.Dir, "tty-uhf-a1"))
	go line.answer()
	h.start("hub", "edge")
	line.awaitPolling()
	w := newWitness(t, h)
	password, err := h.AdminPassword(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s := openScreen(t, "http://"+h.Listen, password)
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
	changed, painted := s.end(screenTags)
	frame, sync := frameTime.Seconds()*1000, 1000/rawSyncs(t, h.Dir)
	plainChanged, plainPainted := plainPage(t)
	for _, step := range []struct {
		what  string
		at    []time.Time
		peer  string
		limit float64 // ms
	}{
		{"read to the edge's record on the hub's broker", w.uplink, "a frame on the line, an fdatasync", frame + sync},
		{"read to the hub's ack", w.acks(), "a frame, two fdatasyncs", frame + 2*sync},
		{"read to the event in another SSE client", w.event, "a frame, two fdatasyncs", frame + 2*sync},
		{"read to the changed number in the page", changed, "these and a bare page's event to change", frame + 2*sync + plainChanged},
		{"read to screen: painted", painted, "these and a bare page's event to paint", frame + 2*sync + plainPainted},
	} {
		ms := elapsed(t, step.what, sent, step.at)
		f.add(step.what+", median", percentile(ms, 0.5), "ms", step.peer, step.limit)
		f.add("  99 of 100", percentile(ms, 0.99), "ms", "", 0)
		f.add("  the slowest", percentile(ms, 1), "ms", "", 0)
	}
}

// elapsed gives the milliseconds from sent to reached.
func elapsed(t *testing.T, what string, sent, reached []time.Time) (ms []float64) {
	t.Helper()
	for n, at := range reached {
		if at.Before(sent[n].Add(-time.Millisecond)) { // the browser's clock shows whole milliseconds; never = zero
			t.Errorf("%s: number %d was sent at %v and came at %v", what, n+1, sent[n], at)
			continue
		}
		ms = append(ms, float64(at.Sub(sent[n]))/1e6)
	}
	return ms
}

// plainPage takes the medians in ms of what Chromium itself needs: from an event written by a bare server of events to
// the number that a page without anything else changes, and to its being painted.
func plainPage(t *testing.T) (change, paint float64) {
	t.Helper()
	const events = 60
	numbers := make(chan int)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/shelves":
			fmt.Fprintf(w, plainHTML, bayCode(screenBay))
		case "/events":
			w.Header().Set("Content-Type", "text/event-stream")
			http.NewResponseController(w).Flush()
			for n := range numbers {
				fmt.Fprintf(w, "data: %d\n\n", n)
				http.NewResponseController(w).Flush()
			}
		}
	}))
	defer server.Close()
	defer close(numbers)
	s := openScreen(t, server.URL, "")
	r := rand.New(rand.NewPCG(60, 60))
	sent := make([]time.Time, events)
	for n := range sent {
		time.Sleep(50*time.Millisecond + time.Duration(r.Int64N(int64(200*time.Millisecond))))
		sent[n] = time.Now()
		numbers <- n + 1
	}
	time.Sleep(200 * time.Millisecond)
	changed, painted := s.end(events)
	return percentile(elapsed(t, "bare page, change", sent, changed), 0.5), percentile(elapsed(t, "bare page, paint", sent, painted), 0.5)
}

// plainHTML looks to the watching script like the page of shelf states.
const plainHTML = `<!doctype html><p data-testid=live>Live</p><div data-testid=stockgrid>
<div role=row><div role=columnheader>Bay</div><div role=columnheader>On hand</div></div>
<div role=row><div role=gridcell>%s</div><div role=gridcell id=n>0</div></div></div>
<script>new EventSource('/events').onmessage = (e) => { document.getElementById('n').textContent = e.data }</script>`

// witness notes when each tag's movement passes the hub's broker, when the hub acks it, and when its event comes.
type witness struct {
	mu            sync.Mutex
	uplink, event []time.Time
	seq           []uint64 // of each tag's record
	acked         []heardAck
	told          int
}

type heardAck struct {
	upto uint64
	at   time.Time
}

func newWitness(t *testing.T, h *benchHouse) *witness {
	w := &witness{
		uplink: make([]time.Time, screenTags), event: make([]time.Time, screenTags), seq: make([]uint64, screenTags),
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
	for _, s := range []struct{ user, password, filter string }{
		{hub.User, string(hub.Password), wire.HubFilter},
		{edge.User, string(edge.Password), wire.Topic("SZ1-E1", wire.DownAck)},
	} {
		c, err := e2e.DialMQTT(h.MQTT, s.user, s.password, 1, heard)
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
			w.uplink[n], w.seq[n] = now, r.Seq
		}
	}
}

func (w *witness) sawAck(now time.Time, upto uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.acked = append(w.acked, heardAck{upto, now})
}

// acks gives when the record of each tag was acked first.
func (w *witness) acks() []time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	at := make([]time.Time, screenTags)
	for n, seq := range w.seq {
		if i := slices.IndexFunc(w.acked, func(a heardAck) bool { return seq > 0 && a.upto >= seq }); i >= 0 {
			at[n] = w.acked[i].at
		}
	}
	return at
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
	password, err := h.AdminPassword(t.Context())
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
func openScreen(t *testing.T, url, password string) *screen {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "node", "testdata/screen.mjs")
	cmd.Env = append(os.Environ(), "SCREEN_URL="+url, "SCREEN_USER=admin", "SCREEN_PASSWORD="+password,
		"SCREEN_ITEM="+itemID(screenItem), "SCREEN_BAY="+bayCode(screenBay))
	cmd.Stderr = t.Output()
	s := &screen{t: t, cmd: cmd}
	var err error
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

// end closes the page and gives when it showed each number from 1 to most, or a later one: in its document, and painted.
func (s *screen) end(most int) (changed, painted []time.Time) {
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
	changed, painted = make([]time.Time, most), make([]time.Time, most)
	n := 0
	for _, v := range seen {
		for ; n < v.Value && n < most; n++ {
			changed[n], painted[n] = time.UnixMilli(v.Changed), time.UnixMilli(v.Painted)
		}
	}
	return changed, painted
}
