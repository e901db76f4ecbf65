package webhook_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tallydock/tallydock/hub/connect/webhook"
	"github.com/tallydock/tallydock/hub/connect/webhook/webhooktest"
	"github.com/tallydock/tallydock/hub/event"
)

// sent is one attempt as a test's sender saw it.
type sent struct {
	endpoint, message string
	at                time.Time
}

// sender is a webhook.Sender that asks answer, and notes who was asked and how many at once.
type sender struct {
	answer func(ctx context.Context, e webhook.Endpoint, m webhook.Message) webhook.Outcome

	mu   sync.Mutex
	sent []sent
	now  map[string]int // under way, by endpoint; "" = all
	most map[string]int // the most of now
}

func newSender(answer func(context.Context, webhook.Endpoint, webhook.Message) webhook.Outcome) *sender {
	return &sender{answer: answer, now: map[string]int{}, most: map[string]int{}}
}

// always answers with a status.
func always(n int) *sender {
	return newSender(func(context.Context, webhook.Endpoint, webhook.Message) webhook.Outcome { return status(n) })
}

func (s *sender) Send(ctx context.Context, e webhook.Endpoint, m webhook.Message, at time.Time) webhook.Outcome {
	s.count(e.ID, 1)
	defer s.count(e.ID, -1)
	s.mu.Lock()
	s.sent = append(s.sent, sent{e.ID, m.ID, at})
	s.mu.Unlock()
	return s.answer(ctx, e, m)
}

func (s *sender) count(endpoint string, by int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, key := range []string{endpoint, ""} {
		s.now[key] += by
		s.most[key] = max(s.most[key], s.now[key])
	}
}

// all gives the attempts so far; to one endpoint, or "" for all.
func (s *sender) all(endpoint string) (all []sent) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.sent {
		if endpoint == "" || a.endpoint == endpoint {
			all = append(all, a)
		}
	}
	return all
}

// hangs answers nothing for 20 seconds.
func hangs(ctx context.Context) webhook.Outcome {
	select {
	case <-time.After(webhook.SendWithin):
		return webhook.Outcome{Cause: webhook.TimedOut, Detail: "no answer in time"}
	case <-ctx.Done():
		return webhook.Outcome{Cause: webhook.Stopped, Detail: "stopped"}
	}
}

// hub is a store with endpoints, on the bubble's clock.
type hub struct {
	t *testing.T
	*webhooktest.Memory
	id func() string
}

func newHub(t *testing.T) *hub { return &hub{t, webhooktest.NewMemory(), counter()} }

func (h *hub) endpoint(id string) webhook.Endpoint {
	h.t.Helper()
	e := webhook.Endpoint{ID: id, URL: "https://" + id + ".example.com/", Events: []event.Type{event.Stock}, State: webhook.Enabled, Secrets: webhook.Secrets{Current: newSecret(h.t)}, Revision: 1}
	if err := h.AddEndpoint(h.t.Context(), e); err != nil {
		h.t.Fatal(err)
	}
	return e
}

func (h *hub) find(id string) webhook.Endpoint {
	h.t.Helper()
	all, err := h.Endpoints(h.t.Context())
	if err != nil {
		h.t.Fatal(err)
	}
	return all[slices.IndexFunc(all, func(e webhook.Endpoint) bool { return e.ID == id })]
}

// happen lets something happen that all endpoints hear of.
func (h *hub) happen(at time.Time) []webhook.Delivery {
	h.t.Helper()
	all, err := h.Endpoints(h.t.Context())
	if err != nil {
		h.t.Fatal(err)
	}
	out := source.Fan(all, webhook.Occurrence{Event: event.Event{Seq: 1, At: at, Type: event.Stock, Data: json.RawMessage(`{}`)}}, at, h.id)
	if err := h.Enqueue(h.t.Context(), out); err != nil {
		h.t.Fatal(err)
	}
	if len(out) == 0 {
		return nil
	}
	return out[0].Deliveries
}

func (h *hub) entry(id string) webhook.Entry {
	h.t.Helper()
	e, _, err := h.Delivery(h.t.Context(), id)
	if err != nil {
		h.t.Fatal(err)
	}
	return e
}

// run starts a dispatcher, and gives what stops it and waits.
func run(t *testing.T, c webhook.Config, q webhook.Queue, s webhook.Sender) (d *webhook.Dispatcher, stop func()) {
	t.Helper()
	if c.Jitter == nil {
		c.Jitter = func() float64 { return 0.5 }
	}
	d = webhook.NewDispatcher(c, q, s)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx) }()
	return d, func() {
		t.Helper()
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	}
}

func TestAttemptsFollowTheSchedule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, s := newHub(t), always(500)
		h.endpoint("a")
		start := time.Now()
		d := h.happen(start)[0]
		_, stop := run(t, webhook.Config{Poll: 5 * time.Second}, h, s)
		time.Sleep(100 * time.Hour)
		stop()
		got := s.all("a")
		if len(got) != len(webhook.Schedule) {
			t.Fatalf("%d attempts, want %d", len(got), len(webhook.Schedule))
		}
		for i, a := range got {
			if want := webhook.Schedule[i]; i > 0 && (a.at.Sub(got[i-1].at) < want || a.at.Sub(got[i-1].at) > want+5*time.Second) {
				t.Errorf("attempt %d came %v after the one before, want %v", i+1, a.at.Sub(got[i-1].at), want)
			}
			if a.message != got[0].message {
				t.Errorf("attempt %d has the id %s, the first had %s", i+1, a.message, got[0].message)
			}
		}
		if e := h.entry(d.ID); e.State != webhook.Failed || len(e.Attempts) != len(webhook.Schedule) || e.Note != "10 attempts failed" {
			t.Errorf("it is %s, %q, with %d attempts", e.State, e.Note, len(e.Attempts))
		}
		if e := h.find("a"); e.State != webhook.Enabled {
			t.Error("one message disabled the endpoint")
		}
	})
}

func TestAnEndpointThatFailsForFiveDaysIsDisabled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, s := newHub(t), always(502)
		h.endpoint("a")
		start := time.Now()
		_, stop := run(t, webhook.Config{Poll: 10 * time.Second}, h, s)
		for range 20 {
			h.happen(time.Now())
			time.Sleep(12 * time.Hour)
		}
		stop()
		e := h.find("a")
		if after := e.Turned.At.Sub(start); e.State != webhook.Disabled || after < webhook.GiveUpAfter || after > webhook.GiveUpAfter+13*time.Hour {
			t.Errorf("it is %s after %v: %s", e.State, e.Turned.At.Sub(start), e.Turned.Why)
		}
		if last := s.all("a"); last[len(last)-1].at.After(e.Turned.At) {
			t.Error("it was sent to after that")
		}
	})
}

func TestGoneDisablesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, s := newHub(t), always(410)
		h.endpoint("a")
		first := h.happen(time.Now())[0]
		_, stop := run(t, webhook.Config{}, h, s)
		time.Sleep(time.Minute)
		if got := h.happen(time.Now()); len(got) != 0 {
			t.Error("more was enqueued for it")
		}
		time.Sleep(time.Hour)
		stop()
		if e := h.find("a"); e.State != webhook.Disabled || e.Turned.By != webhook.ByHub || len(s.all("a")) != 1 || h.entry(first.ID).State != webhook.Failed {
			t.Errorf("%s by %s after %d attempts", e.State, e.Turned.By, len(s.all("a")))
		}
	})
}

func TestARestIsForTheWholeEndpoint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		busy := true
		h := newHub(t)
		s := newSender(func(context.Context, webhook.Endpoint, webhook.Message) webhook.Outcome {
			if busy {
				busy = false
				return webhook.Outcome{Status: 429, RetryAfter: time.Hour}
			}
			return status(200)
		})
		h.endpoint("a")
		h.happen(time.Now())
		_, stop := run(t, webhook.Config{}, h, s)
		time.Sleep(time.Minute)
		h.happen(time.Now())
		time.Sleep(2 * time.Hour)
		stop()
		got := s.all("a")
		if len(got) != 3 || got[1].at.Sub(got[0].at) < time.Hour || got[2].at.Sub(got[0].at) < time.Hour {
			t.Errorf("attempts %v", got)
		}
	})
}

func TestASlowEndpointDoesNotHoldUpOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t)
		s := newSender(func(ctx context.Context, e webhook.Endpoint, _ webhook.Message) webhook.Outcome {
			if e.ID == "slow" {
				return hangs(ctx)
			}
			return status(200)
		})
		h.endpoint("slow")
		h.endpoint("quick")
		start := time.Now()
		for range 200 {
			h.happen(start)
		}
		_, stop := run(t, webhook.Config{Concurrency: 10, PerEndpoint: 4}, h, s)
		time.Sleep(time.Second)
		if got := len(s.all("quick")); got != 200 {
			t.Errorf("%d of 200 went to the quick one in a second", got)
		}
		time.Sleep(time.Hour)
		stop()
		if s.most["slow"] != 4 || s.most["quick"] > 4 || s.most[""] > 10 {
			t.Errorf("under way at once: %v", s.most)
		}
	})
}

// More endpoints hang than there is room for attempts; one that works still hears soon.
func TestDeadEndpointsDoNotStarveOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t)
		s := newSender(func(ctx context.Context, e webhook.Endpoint, _ webhook.Message) webhook.Outcome {
			if e.ID == "alive" {
				return status(200)
			}
			return hangs(ctx)
		})
		for i := range 20 {
			h.endpoint(fmt.Sprintf("dead%d", i))
		}
		for range 30 {
			h.happen(time.Now())
		}
		h.endpoint("alive")
		_, stop := run(t, webhook.Config{Concurrency: 16, PerEndpoint: 4}, h, s)
		time.Sleep(time.Minute)
		for range 20 {
			began := time.Now()
			d := h.happen(began)
			time.Sleep(webhook.SendWithin + 2*time.Second)
			i := slices.IndexFunc(d, func(d webhook.Delivery) bool { return d.Endpoint == "alive" })
			if e := h.entry(d[i].ID); e.State != webhook.Delivered {
				t.Errorf("after %v it is %s", time.Since(began), e.State)
			}
		}
		stop()
	})
}

func TestTwoDispatchersSendEachMessageOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t)
		s := newSender(func(ctx context.Context, _ webhook.Endpoint, _ webhook.Message) webhook.Outcome {
			time.Sleep(30 * time.Millisecond)
			return status(200)
		})
		for i := range 3 {
			h.endpoint(fmt.Sprint(i))
		}
		_, stop1 := run(t, webhook.Config{Worker: "1"}, h, s)
		_, stop2 := run(t, webhook.Config{Worker: "2"}, h, s)
		for range 100 {
			h.happen(time.Now())
			time.Sleep(17 * time.Millisecond)
		}
		time.Sleep(time.Minute)
		stop1()
		stop2()
		times := map[string]int{}
		for _, a := range s.all("") {
			times[a.endpoint+a.message]++
		}
		for key, n := range times {
			if n != 1 {
				t.Errorf("%s was sent %d times", key, n)
			}
		}
		if len(times) != 300 {
			t.Errorf("%d of 300 were sent", len(times))
		}
	})
}

func TestWake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, s := newHub(t), always(200)
		h.endpoint("a")
		d, stop := run(t, webhook.Config{Poll: time.Hour}, h, s)
		synctest.Wait()
		start := time.Now()
		h.happen(start)
		d.Wake()
		d.Wake()
		synctest.Wait()
		if got := s.all("a"); len(got) != 1 || !got[0].at.Equal(start) {
			t.Errorf("attempts %v", got)
		}
		stop()
	})
}

func TestAStopLetsAttemptsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t)
		s := newSender(func(ctx context.Context, _ webhook.Endpoint, _ webhook.Message) webhook.Outcome {
			time.Sleep(3 * time.Second)
			return status(200)
		})
		h.endpoint("a")
		d := h.happen(time.Now())[0]
		_, stop := run(t, webhook.Config{Grace: 5 * time.Second}, h, s)
		time.Sleep(time.Second)
		h.happen(time.Now())
		stop()
		if e := h.entry(d.ID); e.State != webhook.Delivered || len(s.all("a")) != 1 {
			t.Errorf("it is %s after %d attempts", e.State, len(s.all("a")))
		}
	})
}

func TestAStopGivesBackWhatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t)
		hung := newSender(func(ctx context.Context, _ webhook.Endpoint, _ webhook.Message) webhook.Outcome { return hangs(ctx) })
		h.endpoint("a")
		d := h.happen(time.Now())[0]
		_, stop := run(t, webhook.Config{Worker: "1", Grace: 5 * time.Second}, h, hung)
		time.Sleep(time.Second)
		began := time.Now()
		stop()
		if took := time.Since(began); took != 5*time.Second {
			t.Errorf("the stop took %v", took)
		}
		if e := h.entry(d.ID); e.State != webhook.Pending || e.Tries != 0 || len(e.Attempts) != 0 || e.Lease.Held() || h.find("a").Health.Failing != (time.Time{}) {
			t.Errorf("%+v", e)
		}
		s := always(200)
		_, stop = run(t, webhook.Config{Worker: "2"}, h, s)
		synctest.Wait()
		stop()
		if got := s.all("a"); len(got) != 1 || got[0].message != hung.all("a")[0].message {
			t.Errorf("the next one sent %v", got)
		}
	})
}

// flaky is a Queue whose Settle, and Claim, fail for as long as broken says.
type flaky struct {
	webhook.Queue
	broken func(operation string) bool
}

var errBroken = errors.New("the database is away")

func (f *flaky) Claim(ctx context.Context, c webhook.Claim) ([]webhook.Claimed, error) {
	if f.broken("claim") {
		return nil, errBroken
	}
	return f.Queue.Claim(ctx, c)
}

func (f *flaky) Settle(ctx context.Context, s webhook.Settlement) (webhook.Endpoint, error) {
	if f.broken("settle") {
		return webhook.Endpoint{}, errBroken
	}
	return f.Queue.Settle(ctx, s)
}

func TestAnOutcomeWaitsForTheDatabase(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, s := newHub(t), always(200)
		h.endpoint("a")
		d := h.happen(time.Now())[0]
		back := time.Now().Add(20 * time.Second)
		_, stop := run(t, webhook.Config{}, &flaky{h, func(op string) bool { return op == "settle" && time.Now().Before(back) }}, s)
		time.Sleep(time.Minute)
		stop()
		if e := h.entry(d.ID); e.State != webhook.Delivered || len(s.all("a")) != 1 {
			t.Errorf("it is %s after %d attempts", e.State, len(s.all("a")))
		}
	})
}

func TestADatabaseThatIsAwayForLongMakesItGoTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, s := newHub(t), always(200)
		h.endpoint("a")
		d := h.happen(time.Now())[0]
		start := time.Now()
		_, stop := run(t, webhook.Config{}, &flaky{h, func(op string) bool { // a claim at the start goes well
			return (op == "settle" || time.Since(start) > 0) && time.Since(start) < 90*time.Second
		}}, s)
		time.Sleep(5 * time.Minute)
		stop()
		got := s.all("a")
		if e := h.entry(d.ID); e.State != webhook.Delivered || len(got) != 2 || got[0].message != got[1].message || len(e.Attempts) != 1 {
			t.Errorf("it is %s after %v", e.State, got)
		}
	})
}

func TestAnOutcomeThatIsNeverTakenHoldsItsPlaceNoLongerThanItsLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, s := newHub(t), always(200)
		h.endpoint("a")
		h.happen(time.Now())
		_, stop := run(t, webhook.Config{Concurrency: 1, Lease: time.Minute}, &flaky{h, func(op string) bool { return op == "settle" }}, s)
		time.Sleep(5*time.Minute + 30*time.Second)
		stop()
		if n := len(s.all("a")); n < 5 || n > 6 {
			t.Errorf("%d attempts with leases of a minute, want 5 or 6", n)
		}
	})
}

// The process dies after it has sent and before it could write that down: another sends the message again, with the same id.
func TestACrashBetweenSendingAndSettlingSendsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, s := newHub(t), always(200)
		h.endpoint("a")
		d := h.happen(time.Now())[0]
		dead := func(op string) bool { return op == "settle" }
		_, stop := run(t, webhook.Config{Worker: "1"}, &flaky{h, dead}, s)
		synctest.Wait()
		stop()
		if len(s.all("a")) != 1 || h.entry(d.ID).State != webhook.Pending {
			t.Fatalf("before: %d attempts, %s", len(s.all("a")), h.entry(d.ID).State)
		}
		_, stop = run(t, webhook.Config{Worker: "2"}, h, s)
		time.Sleep(50 * time.Second)
		if len(s.all("a")) != 1 {
			t.Error("sent again before the lease had ended")
		}
		time.Sleep(15 * time.Second)
		stop()
		got := s.all("a")
		if e := h.entry(d.ID); len(got) != 2 || got[0].message != got[1].message || e.State != webhook.Delivered || e.Attempts[0].Worker != "2" {
			t.Errorf("%v: %+v", got, e)
		}
	})
}

// A sender that does not come back in time is cut off before its lease ends, so that nobody sends at the same time.
func TestAnAttemptEndsBeforeItsLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t)
		s := newSender(func(ctx context.Context, _ webhook.Endpoint, _ webhook.Message) webhook.Outcome {
			<-ctx.Done()
			return webhook.Outcome{Cause: webhook.TimedOut, Detail: "no answer in time"}
		})
		h.endpoint("a")
		d := h.happen(time.Now())[0]
		_, stop := run(t, webhook.Config{Lease: time.Minute}, h, s)
		time.Sleep(46 * time.Second)
		if e := h.entry(d.ID); e.Tries != 1 || len(e.Attempts) != 1 {
			t.Errorf("%+v", e)
		}
		stop()
	})
}

func TestRedeliveredMessagesGoOutAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answer := 500
		h := newHub(t)
		s := newSender(func(context.Context, webhook.Endpoint, webhook.Message) webhook.Outcome { return status(answer) })
		h.endpoint("a")
		start := time.Now()
		for range 5 {
			h.happen(time.Now())
			time.Sleep(time.Minute)
		}
		_, stop := run(t, webhook.Config{Poll: 10 * time.Second}, h, s)
		time.Sleep(4 * 24 * time.Hour)
		answer = 200
		if n, err := h.RedeliverSince(t.Context(), "a", start.Add(2*time.Minute), time.Now()); n != 3 || err != nil {
			t.Errorf("%d are due again, %v", n, err)
		}
		time.Sleep(time.Minute)
		stop()
		page, err := h.Log(t.Context(), webhook.LogQuery{Endpoint: "a", State: webhook.Delivered, Limit: 10})
		if err != nil || len(page) != 3 {
			t.Errorf("%d delivered, %v", len(page), err)
		}
	})
}

func TestMetrics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub(t)
		s := newSender(func(_ context.Context, e webhook.Endpoint, _ webhook.Message) webhook.Outcome {
			switch e.ID {
			case "good":
				return status(201)
			case "gone":
				return status(410)
			}
			return webhook.Outcome{Cause: webhook.TimedOut}
		})
		for _, id := range []string{"good", "gone", "late"} {
			h.endpoint(id)
		}
		h.happen(time.Now())
		reg := prometheus.NewPedanticRegistry()
		_, stop := run(t, webhook.Config{Metrics: reg}, h, s)
		time.Sleep(2 * time.Second)
		stop()
		got := gathered(t, reg)
		for _, want := range []string{
			`attempts_total{2xx} 1`, `attempts_total{4xx} 1`, `attempts_total{timeout} 1`, `deliveries_total{delivered} 1`, `deliveries_total{failed} 1`,
			`disabled_total{} 1`, `in_hand{} 0`, `attempt_seconds{} 3`, `delay_seconds{} 3`, `stale_total{} 0`,
		} {
			if !slices.Contains(got, want) {
				t.Errorf("no %s in\n%s", want, strings.Join(got, "\n"))
			}
		}
	})
}

// gathered gives the metrics as name{labels} value; a histogram's value is its count.
func gathered(t *testing.T, reg prometheus.Gatherer) (all []string) {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			var labels []string
			for _, l := range m.GetLabel() {
				labels = append(labels, l.GetValue())
			}
			value := m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
			all = append(all, fmt.Sprintf("%s{%s} %v", strings.TrimPrefix(f.GetName(), "tallydock_webhook_"), strings.Join(labels, ","), value))
		}
	}
	return all
}
