package webhook_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tallydock/tallydock/hub/connect/webhook"
)

// request is what a receiver got.
type request struct {
	id   string
	body string
}

// receiver is an HTTPS server that checks signatures as a receiver does, and answers as the test says.
type receiver struct {
	*httptest.Server
	requests chan request
	forged   atomic.Int64
}

func startReceiver(t *testing.T, cert tls.Certificate, now func() time.Time, secret webhook.Secret, answer func(n int64, w http.ResponseWriter)) *receiver {
	t.Helper()
	r := &receiver{requests: make(chan request, 100)}
	var n atomic.Int64
	r.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body, err := io.ReadAll(q.Body)
		if err != nil || webhook.Verify(q.Header, body, []webhook.Secret{secret}, now()) != nil {
			r.forged.Add(1)
		}
		answer(n.Add(1), w)
		r.requests <- request{q.Header.Get("webhook-id"), string(body)}
	}))
	r.TLS = &tls.Config{Certificates: []tls.Certificate{cert}}
	r.Config.ErrorLog = quiet
	r.StartTLS()
	t.Cleanup(r.Close)
	return r
}

// clock is the machine's, set forward by a test.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }

func (c *clock) forward(d time.Duration) { c.ahead.Add(int64(d)) }

func (r *receiver) next(t *testing.T) request {
	t.Helper()
	select {
	case q := <-r.requests:
		return q
	case <-time.After(30 * time.Second):
		t.Fatal("no request comes")
		return request{}
	}
}

// told is a Queue that tells when an outcome was written down.
type told struct {
	webhook.Queue
	settled chan struct{}
}

func (q *told) Settle(ctx context.Context, s webhook.Settlement) (webhook.Endpoint, error) {
	e, err := q.Queue.Settle(ctx, s)
	q.settled <- struct{}{}
	return e, err
}

func (q *told) next(t *testing.T) {
	t.Helper()
	select {
	case <-q.settled:
	case <-time.After(30 * time.Second):
		t.Fatal("no outcome is written down")
	}
}

// The whole road, over HTTPS: one receiver takes all, one fails first, one is cut off and one hangs.
func TestMessagesReachTheirReceivers(t *testing.T) {
	var c clock
	cert, roots := certificate(t, time.Now().Add(-time.Hour), time.Now().Add(1000*time.Hour))
	h := newHub(t)
	policy := webhook.Policy{AllowPrivate: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}}
	open := make(chan struct{})
	var once sync.Once
	t.Cleanup(func() { once.Do(func() { close(open) }) })
	add := func(id string, answer func(int64, http.ResponseWriter)) *receiver {
		e := h.endpoint(id)
		r := startReceiver(t, cert, c.now, e.Secrets.Current, answer)
		addr := netip.MustParseAddrPort(r.Listener.Addr().String())
		policy.Ports = append(policy.Ports, addr.Port())
		if _, err := h.ChangeEndpoint(t.Context(), id, func(e webhook.Endpoint) (webhook.Endpoint, error) {
			e.URL = r.URL + "/hook"
			return e, nil
		}); err != nil {
			t.Fatal(err)
		}
		return r
	}
	good := add("good", func(int64, http.ResponseWriter) {})
	fails := add("fails", func(n int64, w http.ResponseWriter) {
		if n == 1 {
			http.Error(w, "not today", http.StatusInternalServerError)
		}
	})
	cut := add("cut", func(n int64, w http.ResponseWriter) {
		if n == 1 {
			panic(http.ErrAbortHandler)
		}
	})
	hung := add("hung", func(n int64, w http.ResponseWriter) {
		if n == 1 {
			<-open
		}
	})

	client := webhook.NewClient(policy, webhook.ClientConfig{Roots: roots, Within: time.Second})
	t.Cleanup(client.Close)
	q := &told{h, make(chan struct{}, 100)}
	d, stop := run(t, webhook.Config{Now: c.now, Poll: 10 * time.Millisecond}, q, client)
	deliveries := map[string]string{} // by endpoint
	for _, d := range h.happen(c.now()) {
		deliveries[d.Endpoint] = d.ID
	}
	d.Wake()

	first := good.next(t)
	var event struct{ SpecVersion, ID, Source, Type string }
	if err := json.Unmarshal([]byte(first.body), &event); err != nil || event.SpecVersion != "1.0" || event.ID != first.id || event.Type != "com.tallydock.stock.v1" {
		t.Errorf("%s: %v", first.body, err)
	}
	if again := fails.next(t); again != first {
		t.Errorf("the second receiver got %+v", again)
	}
	for range deliveries {
		q.next(t)
	}
	once.Do(func() { close(open) })
	hung.next(t)
	c.forward(6 * time.Second)
	for range 3 {
		q.next(t)
	}
	stop()
	for _, r := range []*receiver{fails, cut, hung} {
		if again := r.next(t); again != first {
			t.Errorf("at the second attempt came %+v, want %+v", again, first)
		}
	}
	for endpoint, want := range map[string][]string{
		"good":  {"200"},
		"fails": {"500 it answered 500 Internal Server Error | not today", "200"},
		"cut":   {"0 the connection ended, or made no sense, before there was an answer", "200"},
		"hung":  {"0 no answer in time", "200"},
	} {
		e := h.entry(deliveries[endpoint])
		if e.State != webhook.Delivered || len(e.Attempts) != len(want) {
			t.Errorf("%s: %s after %+v", e.Endpoint, e.State, e.Attempts)
			continue
		}
		for j, a := range e.Attempts {
			if got := attemptText(a); got != want[j] || a.Took <= 0 || a.Worker == "" {
				t.Errorf("%s, attempt %d: %s, want %s", e.Endpoint, j+1, got, want[j])
			}
		}
	}
	for _, r := range []*receiver{good, fails, cut, hung} {
		if n := r.forged.Load(); n != 0 {
			t.Errorf("%d requests were not signed as they should", n)
		}
	}
}

func attemptText(a webhook.Attempt) string {
	text := strings.TrimSpace(http.StatusText(a.Status))
	if text == "OK" {
		return "200"
	}
	text = "0 "
	if a.Status != 0 {
		text = "500 "
	}
	text += a.Error
	if a.Excerpt != "" {
		text += " | " + a.Excerpt
	}
	return text
}

// Over a real connection: the receiver has taken the message, the process dies before it is written down, and the next one
// sends it again with the same id and body, signed anew.
func TestACrashOverARealConnection(t *testing.T) {
	var c clock
	cert, roots := certificate(t, time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
	h := newHub(t)
	e := h.endpoint("a")
	r := startReceiver(t, cert, c.now, e.Secrets.Current, func(int64, http.ResponseWriter) {})
	if _, err := h.ChangeEndpoint(t.Context(), "a", func(e webhook.Endpoint) (webhook.Endpoint, error) {
		e.URL = r.URL
		return e, nil
	}); err != nil {
		t.Fatal(err)
	}
	client := webhook.NewClient(loopback(t, r.URL), webhook.ClientConfig{Roots: roots})
	t.Cleanup(client.Close)
	d := h.happen(c.now())[0]
	_, stop := run(t, webhook.Config{Now: c.now, Worker: "1", Grace: time.Millisecond}, &flaky{h, func(op string) bool { return op == "settle" }}, client)
	first := r.next(t)
	stop()
	c.forward(2 * time.Minute)
	_, stop = run(t, webhook.Config{Now: c.now, Worker: "2"}, h, client)
	second := r.next(t)
	stop()
	if first != second || r.forged.Load() != 0 || h.entry(d.ID).State != webhook.Delivered {
		t.Errorf("first %+v, then %+v; %d forged, %s", first, second, r.forged.Load(), h.entry(d.ID).State)
	}
}
