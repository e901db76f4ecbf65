package api_test

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tallydock/tallydock/hub/event"
	"github.com/tallydock/tallydock/hub/store"
)

// message is one server-sent event.
type message struct{ id, event, data string }

// listen opens a stream and gives its messages; it ends with the test.
func (c *client) listen(query, lastID string) (*http.Response, <-chan message) {
	c.t.Helper()
	ctx, cancel := context.WithCancel(c.t.Context())
	c.t.Cleanup(cancel)
	r := c.request(ctx, "GET", "/api/v1/events"+query, "")
	r.Header.Set("Accept-Encoding", "gzip")
	if lastID != "" {
		r.Header.Set("Last-Event-ID", lastID)
	}
	res, err := c.server.Client().Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	out := make(chan message, 10_000)
	go func() {
		defer close(out)
		defer res.Body.Close()
		var m message
		for lines := bufio.NewScanner(res.Body); lines.Scan(); {
			name, value, _ := strings.Cut(lines.Text(), ": ")
			switch name {
			case "id":
				m.id = value
			case "event":
				m.event = value
			case "data":
				m.data = value
			case "":
				if m.event != "" {
					out <- m
				}
				m = message{}
			}
		}
	}()
	return res, out
}

// next gives the next message that is no heartbeat.
func next(t *testing.T, messages <-chan message) message {
	t.Helper()
	timeout := time.After(10 * time.Second)
	for {
		select {
		case m, open := <-messages:
			if !open {
				t.Fatal("stream ended")
			}
			if m.event != "hb" {
				return m
			}
		case <-timeout:
			t.Fatal("nothing came for 10 s")
		}
	}
}

func (h *hub) emit(n int) {
	h.t.Helper()
	for i := range n {
		err := h.db.Write(h.t.Context(), func(tx *store.Tx) error {
			return tx.Emit(event.Quarantine, map[string]int{"open": i})
		})
		if err != nil {
			h.t.Fatal(err)
		}
	}
}

func TestStreamTellsWhatHappens(t *testing.T) {
	h := start(t)
	res, messages := h.signIn("vera").listen("", "")
	if res.StatusCode != 200 || res.Header.Get("Content-Type") != "text/event-stream" || res.Header.Get("X-Accel-Buffering") != "no" ||
		res.Header.Get("Content-Encoding") != "" {
		t.Fatalf("%d %v", res.StatusCode, res.Header)
	}
	if m := next(t, messages); m.event != "hello" || m.id != "" || !strings.HasPrefix(m.data, `{"seq":0,"resync":false,"now_ms":`) {
		t.Errorf("first %+v", m)
	}
	h.emit(2)
	for i := range 2 {
		if m := next(t, messages); m != (message{fmt.Sprint(i + 1), "quarantine", fmt.Sprintf(`{"open":%d}`, i)}) {
			t.Errorf("got %+v", m)
		}
	}
}

func TestStreamBeats(t *testing.T) {
	h := start(t)
	_, messages := h.signIn("vera").listen("", "")
	next(t, messages) // hello
	select {
	case m := <-messages:
		if m.event != "hb" || m.id != "" || !strings.HasPrefix(m.data, `{"now_ms":1`) {
			t.Errorf("got %+v", m)
		}
	case <-time.After(5 * time.Second):
		t.Error("no heartbeat for 5 s")
	}
}

func TestStreamReplaysWhatWasMissed(t *testing.T) {
	for name, c := range map[string]struct{ query, lastID string }{
		"from the ring, by query":                  {"?since=8", ""},
		"from the database, by query":              {"?since=2", ""},
		"by the browser's header":                  {"", "3"},
		"by the header rather than by the query":   {"?since=1", "7"},
		"from the start":                           {"?since=0", ""},
		"nothing, because nothing has been missed": {"?since=10", ""},
	} {
		t.Run(name, func(t *testing.T) {
			h := start(t)
			h.emit(10)
			_, messages := h.signIn("vera").listen(c.query, c.lastID)
			if m := next(t, messages); !strings.HasPrefix(m.data, `{"seq":10,"resync":false`) {
				t.Errorf("hello %+v", m)
			}
			h.emit(1)
			from := 0
			fmt.Sscanf(c.query, "?since=%d", &from)
			if c.lastID != "" {
				fmt.Sscan(c.lastID, &from)
			}
			for seq := from + 1; seq <= 11; seq++ {
				if m := next(t, messages); m.id != fmt.Sprint(seq) {
					t.Fatalf("got %+v, want %d", m, seq)
				}
			}
		})
	}
}

func TestStreamAsksForAResyncWhenItCannotReplay(t *testing.T) {
	h := start(t)
	h.emit(20)
	events := store.Events{DB: h.db}
	if err := events.Trim(t.Context(), 3, time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	c := h.signIn("vera")
	for name, query := range map[string]string{"too old": "?since=1", "of another database": "?since=5000"} {
		_, messages := c.listen(query, "")
		if m := next(t, messages); m.event != "hello" || !strings.HasPrefix(m.data, `{"seq":20,"resync":true`) {
			t.Errorf("%s: %+v", name, m)
		}
	}
}

func TestSnapshotAndStreamLeaveNoGap(t *testing.T) {
	h := start(t)
	h.catalogue()
	h.receive("epc:30340000000000000000000a", "SZ1-A-01")
	c := h.signIn("vera")
	snapshot := c.do("GET", "/api/v1/stock/snapshot", "")
	h.receive("epc:30340000000000000000000b", "SZ1-A-01")
	_, messages := c.listen(fmt.Sprintf("?since=%.0f", snapshot.at("seq")), "")
	next(t, messages) // hello
	m := next(t, messages)
	if m.event != "stock" || !strings.HasPrefix(m.data, `[["SKU-1","SZ1-A-01",2,0,`) {
		t.Errorf("got %+v", m)
	}
}

func TestStreamNeedsASession(t *testing.T) {
	h := start(t)
	refused(t, (&client{hub: h}).do("GET", "/api/v1/events", ""), 401, "login_required")
}

func TestStreamEndsWithItsSession(t *testing.T) {
	h := start(t)
	c := h.signIn("vera")
	_, messages := c.listen("", "")
	next(t, messages) // hello
	if r := c.do("DELETE", "/api/v1/session", ""); r.status != 204 {
		t.Fatalf("sign-out: %d", r.status)
	}
	timeout := time.After(10 * time.Second)
	for {
		select {
		case _, open := <-messages:
			if !open {
				return
			}
		case <-timeout:
			t.Fatal("the stream goes on 10 s after the sign-out")
		}
	}
}
