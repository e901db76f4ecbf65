package load_test

import (
	"bytes"
	"context"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/simulators/load"
)

// small is a plan of few seconds: 50 edges that have much to tell.
func small(brokers ...string) load.Plan {
	p := load.Default()
	p.World = load.World{Edges: 50, EdgesPerSite: 5, Bays: 8, Tags: 20, Items: 10, HotItem: 0.5}
	p.Rate, p.Passes = 10, load.Passes{Share: 0.3, Tags: 4}
	p.Alarms, p.Sensors, p.SampleEvery, p.Devices = 30, 2, time.Second, 2
	p.Ramp, p.Duration, p.Settle, p.Drain = 200*time.Millisecond, 2*time.Second, 40*time.Second, 40*time.Second
	p.Uplink.Resend, p.Uplink.Beat, p.Uplink.RetryFirst, p.Uplink.RetryMost = 500*time.Millisecond, time.Second, 20*time.Millisecond, 200*time.Millisecond
	p.Uplink.Keep, p.Epoch, p.Brokers = 10_000, 5, brokers
	return p
}

// play runs a plan to its end, beside what else is to happen.
func play(t *testing.T, p load.Plan, beside func(*load.Load)) (*load.Load, load.Report, error) {
	t.Helper()
	l, err := load.New(p, load.Options{})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if beside != nil {
			beside(l)
		}
	}()
	report, err := l.Run(t.Context())
	<-done
	return l, report, err
}

// agree checks that the hub's books are the truth, and that the load knows it.
func agree(t *testing.T, h *hub, l *load.Load, r load.Report) {
	t.Helper()
	truth := l.Truth()
	h.mu.Lock()
	defer h.mu.Unlock()
	if !maps.Equal(truth.Tags, h.books.at) {
		wrong := 0
		for tag, at := range truth.Tags {
			if h.books.at[tag] != at {
				wrong++
			}
		}
		t.Errorf("the hub has %d tags, %d of %d where they are not", len(h.books.at), wrong, len(truth.Tags))
	}
	if n := h.books.movements; uint64(n) != r.Made || r.Made != truth.Movements || r.Acked != r.Made || r.Made == 0 {
		t.Errorf("the hub has %d movements; %d were made and %d acked", n, r.Made, r.Acked)
	}
	if n := h.books.movements + h.books.others; uint64(n) != r.Records || r.Outstanding != 0 || r.SamplesOutstanding != 0 {
		t.Errorf("the hub has %d records of %d; %d and %d samples outstanding", n, r.Records, r.Outstanding, r.SamplesOutstanding)
	}
	for _, err := range h.errs {
		t.Error(err)
	}
}

func TestTheHubHasTheTruth(t *testing.T) {
	t.Parallel()
	b := startBroker(t)
	h := startHub(t, b.url())
	l, r, err := play(t, small(b.url()), nil)
	if err != nil {
		t.Fatal(err)
	}
	agree(t, h, l, r)
	units := int64(0)
	for _, c := range l.Truth().Stock {
		units += c.Quantity
	}
	if r.Connected != 50 || r.Reconnects != 0 || r.Errors != 0 || r.Rewinds != 0 || units == 0 || units > 1000 {
		t.Errorf("%d units, report\n%v", units, r)
	}
	if r.Load.Movements == 0 || r.Load.P50 <= 0 || r.Load.P99 < r.Load.P50 || r.Load.Max < r.Load.P999 || r.SamplesAcked == 0 {
		t.Errorf("report\n%v", r)
	}
	h.await("every edge's good-bye", func(books) bool { return len(h.offline) == 50 })
	if h.most < 20 {
		t.Errorf("the largest envelope has %d records", h.most)
	}
}

func TestNothingIsLostThroughFaults(t *testing.T) {
	t.Parallel()
	b := startBroker(t)
	h := startHub(t, b.url())
	h.unruly = true
	p := small(b.url())
	p.Duration = 4 * time.Second
	p.Flapping = load.Flapping{Share: 0.5, Up: 300 * time.Millisecond, Down: 100 * time.Millisecond}
	p.Duplicate = 0.2
	l, r, err := play(t, p, func(*load.Load) {
		for n := range 3 {
			h.await("more movements", func(b books) bool { return b.movements > 800*(n+1) })
			h.restart()
		}
		h.await("the most of it", func(b books) bool { return b.movements > 2600 })
		b.kill()
		b.start()
		h.await("more of it", func(b books) bool { return b.movements > 2800 })
		h.set(func() { h.unruly = false })
	})
	if err != nil {
		t.Fatalf("%v\n%v", err, r)
	}
	agree(t, h, l, r)
	if r.Resent == 0 || r.Cuts == 0 || r.Doubled == 0 || r.Reconnects < r.Cuts || r.Breaks.Movements == 0 || r.NewEpochs != 0 {
		t.Errorf("report\n%v", r)
	}
	h.await("every edge's will or good-bye", func(books) bool { return len(h.offline) == 50 })
}

func TestAHubRestoredFromACopyGetsWhatItMisses(t *testing.T) {
	t.Parallel()
	b := startBroker(t)
	h := startHub(t, b.url())
	l, r, err := play(t, small(b.url()), func(*load.Load) {
		h.await("a beginning", func(b books) bool { return b.movements > 1200 })
		restore := h.backup()
		h.await("more", func(b books) bool { return b.movements > 1600 })
		restore()
	})
	if err != nil {
		t.Fatalf("%v\n%v", err, r)
	}
	agree(t, h, l, r)
	if r.Rewinds == 0 || r.Resent == 0 || r.NewEpochs != 0 {
		t.Errorf("report\n%v", r)
	}
}

func TestWhatIsNoLongerKeptIsTold(t *testing.T) {
	t.Parallel()
	b := startBroker(t)
	h := startHub(t, b.url())
	p := small(b.url())
	p.World.Edges, p.Uplink.Keep = 3, 5
	_, r, err := play(t, p, func(*load.Load) {
		h.await("all tags", func(b books) bool { return b.movements >= 60 })
		restore := h.backup()
		h.await("more", func(b books) bool { return b.movements > 100 })
		restore()
	})
	if err == nil || !strings.Contains(err.Error(), "no longer kept") || r.Gone == 0 || r.NewEpochs == 0 || r.Outstanding != 0 {
		t.Errorf("%v\n%v", err, r)
	}
}

func TestEdgesWithoutTheirHistoryBeginANewEpoch(t *testing.T) {
	t.Parallel()
	b := startBroker(t)
	h := startHub(t, b.url())
	p := small(b.url())
	p.World.Edges = 5
	if _, _, err := play(t, p, nil); err != nil {
		t.Fatal(err)
	}
	had := 0
	h.set(func() { had = h.books.movements + h.books.others })
	l, r, err := play(t, p, nil) // the same epoch again, with nothing in the outbox
	if err != nil {
		t.Fatalf("%v\n%v", err, r)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if r.NewEpochs != 5 || uint64(h.books.movements+h.books.others-had) != r.Records {
		t.Errorf("the hub has %d records, and had %d; report\n%v", h.books.movements+h.books.others, had, r)
	}
	if !maps.Equal(l.Truth().Tags, h.books.at) {
		t.Error("the hub does not have the truth of the second run")
	}
}

func TestTheSameSeedGivesTheSameTruth(t *testing.T) {
	t.Parallel()
	b := startBroker(t)
	h := startHub(t, b.url())
	p := small(b.url())
	p.World.Edges, p.Duration = 10, time.Second
	first, r, err := play(t, p, nil)
	if err != nil {
		t.Fatal(err)
	}
	h.set(func() { h.books = books{acks: map[string]wire.Ack{}, at: map[string]string{}} })
	p.Epoch++
	p.Flapping = load.Flapping{Share: 1, Up: 200 * time.Millisecond, Down: 50 * time.Millisecond}
	second, again, err := play(t, p, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !maps.Equal(first.Truth().Tags, second.Truth().Tags) || r.Made != again.Made || r.Records != again.Records {
		t.Errorf("%d and %d movements", r.Made, again.Made)
	}
	p.Seed, p.Epoch, p.Flapping.Share = 2, 9, 0
	third, _, err := play(t, p, nil)
	if err != nil {
		t.Fatal(err)
	}
	if maps.Equal(first.Truth().Tags, third.Truth().Tags) {
		t.Error("another seed gives the same truth")
	}
}

func TestWhatIsNotAckedIsAccountedFor(t *testing.T) {
	t.Parallel()
	b := startBroker(t)
	h := startHub(t, b.url())
	p := small(b.url())
	p.World.Edges, p.Drain = 3, time.Second
	_, r, err := play(t, p, func(*load.Load) {
		h.await("some", func(b books) bool { return b.movements > 70 })
		h.set(func() { h.deaf = true })
	})
	if err == nil || !strings.Contains(err.Error(), "LD001-E0") || !strings.Contains(err.Error(), "of 3 edges were not acked") || r.Outstanding == 0 {
		t.Errorf("%v\n%v", err, r)
	}
}

func TestNoHubIsToldBeforeTheLoad(t *testing.T) {
	t.Parallel()
	b := startBroker(t)
	p := small(b.url())
	p.Settle = time.Second
	if _, r, err := play(t, p, nil); err == nil || !strings.Contains(err.Error(), "is it running") || r.Load != nil {
		t.Errorf("no hub: %v\n%v", err, r)
	}
	p.Brokers = []string{"tcp://127.0.0.1:1"}
	if _, r, err := play(t, p, nil); err == nil || !strings.Contains(err.Error(), "50 of 50 edges did not get in") || len(r.Causes) == 0 {
		t.Errorf("no broker: %v\n%v", err, r)
	}
}

func TestAnInterruptDrains(t *testing.T) {
	t.Parallel()
	b := startBroker(t)
	h := startHub(t, b.url())
	p := small(b.url())
	p.Duration = time.Hour
	ctx, interrupt := context.WithCancel(t.Context())
	l, err := load.New(p, load.Options{})
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		h.await("some", func(b books) bool { return b.movements > 1500 })
		interrupt()
	}()
	r, err := l.Run(ctx)
	if err != nil {
		t.Fatal(err)
	}
	agree(t, h, l, r)
}

func TestFlatOutFillsItsEnvelopes(t *testing.T) {
	t.Parallel()
	b := startBroker(t)
	h := startHub(t, b.url())
	p := small(b.url())
	p.World.Edges, p.Rate, p.FlatOut, p.Duration, p.Uplink.MaxRecords, p.Uplink.Window = 2, 0, true, time.Second, 100, 4
	l, r, err := play(t, p, nil)
	if err != nil {
		t.Fatal(err)
	}
	agree(t, h, l, r)
	if h.most != 100 || r.Most > 2*(4+1)*100+50 || r.Made < 1000 {
		t.Errorf("the largest envelope has %d records; report\n%v", h.most, r)
	}
}

func TestEdgesGoToTheNextBroker(t *testing.T) {
	t.Parallel()
	b := startBroker(t)
	h := startHub(t, b.url())
	p := small("tcp://127.0.0.1:1", b.url())
	p.World.Edges, p.Duration, p.Uplink.DownQoS = 6, time.Second, 1
	l, r, err := play(t, p, nil)
	if err != nil {
		t.Fatal(err)
	}
	agree(t, h, l, r)
	if r.Connected != 6 || r.Errors == 0 {
		t.Errorf("report\n%v", r)
	}
}

func TestCommandsAreAnsweredOnce(t *testing.T) {
	t.Parallel()
	b := startBroker(t)
	h := startHub(t, b.url())
	p := small(b.url())
	p.World.Edges, p.Alarms = 2, 0
	l, r, err := play(t, p, func(*load.Load) {
		h.await("some", func(b books) bool { return b.movements > 50 })
		for range 3 {
			h.command("LD001-E01", wire.Command{ID: "c1", At: time.Now(), Actor: "li.wei", Unshelve: &wire.AlarmUnshelve{Alarm: "a"}})
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	agree(t, h, l, r)
	if r.Commands != 1 {
		t.Errorf("%d commands were answered", r.Commands)
	}
}

func TestLinesAreToldMeanwhile(t *testing.T) {
	t.Parallel()
	b := startBroker(t)
	startHub(t, b.url())
	p := small(b.url())
	p.World.Edges = 5
	var out bytes.Buffer
	l, err := load.New(p, load.Options{Out: &out, Every: 300 * time.Millisecond, Watch: "self"})
	if err != nil {
		t.Fatal(err)
	}
	r, err := l.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Parts) < 5 || strings.Count(out.String(), "\n") != len(r.Parts) || !strings.Contains(out.String(), "load") ||
		r.Watched == nil || r.Watched.RSS == 0 || r.Self == nil {
		t.Errorf("%d parts\n%s%v", len(r.Parts), &out, r)
	}
}
