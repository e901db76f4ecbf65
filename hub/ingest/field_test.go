package ingest_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/alarm"
	"github.com/tallydock/tallydock/devices/unit"
	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/hub/event"
	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/fleet"
	"github.com/tallydock/tallydock/hub/series"
	"github.com/tallydock/tallydock/hub/store"
)

func transition(id string, at time.Time, action alarm.Action, from, to alarm.State) wire.Record {
	return wire.Record{Alarm: &wire.Alarm{
		ID: id, Rule: "cold-r-high", Source: "probe-r", Location: "SZ1-R", Class: "cold_chain", Priority: alarm.Critical,
		From: from, To: to, Action: action, At: at, Quantity: unit.Temperature, HasValue: true, Value: 9250, HasLimit: true,
		Limit: 8000, Reason: "high",
	}}
}

// TestAnAlarmIsAnsweredByAPerson: raised, acknowledged at the hub while the edge is away, confirmed by the edge.
func TestAnAlarmIsAnsweredByAPerson(t *testing.T) {
	ctx := context.Background()
	b := startBroker(t)
	h := openHub(t, hubFile(t))
	h.listen(t, b, nil)
	e := newEdge(t, b.Addr(), "SZ1-E1", false)
	e.put(transition("alarm-1", noon, alarm.Raise, alarm.Normal, alarm.Unacked))
	e.deliver(ctx)

	desk := fleet.Service{
		Store: store.Fleet{DB: h.DB}, Commands: store.Fleet{DB: h.DB}, Edges: away{}, Now: time.Now, NewID: newID, Log: quiet(),
	}
	a, err := desk.Acknowledge(ctx, "alarm-1", "lin", "on my way")
	if err != nil || a.Pending != "acknowledge" || a.State != "unacked" || *a.Value != 9.25 || *a.Limit != 8 {
		t.Fatalf("acknowledging gave %+v, %v", a, err)
	}
	for what, err := range map[string]error{
		"unshelve": second(desk.Unshelve(ctx, "alarm-1", "lin")), "shelve without a reason": second(desk.Shelve(ctx, "alarm-1", "lin", time.Hour, "")),
		"shelve for ever": second(desk.Shelve(ctx, "alarm-1", "lin", 1000*time.Hour, "x")), "nothing": second(desk.Unshelve(ctx, "alarm-0", "lin")),
	} {
		if !errors.Is(err, fault.Conflict) && !errors.Is(err, fault.Invalid) && !errors.Is(err, fault.NotFound) {
			t.Errorf("%s: %v", what, err)
		}
	}

	e.status(onlineStatus()) // the command goes again with each status, until it is answered
	eventually(t, "the command reached the edge", func() bool { return len(e.asked()) > 0 })
	c := e.asked()[0]
	if c.Acknowledge == nil || c.Acknowledge.Alarm != "alarm-1" || c.Acknowledge.Comment != "on my way" || c.Actor != "lin" {
		t.Fatalf("the edge was asked %+v", c)
	}
	answer := transition("alarm-1", noon.Add(time.Minute), alarm.Acknowledge, alarm.Unacked, alarm.Acked)
	answer.Alarm.Actor, answer.Alarm.Comment, answer.Alarm.Command = "lin", "on my way", c.ID
	e.put(answer)
	e.deliver(ctx)
	a, life, err := store.Fleet{DB: h.DB}.Alarm(ctx, "alarm-1")
	if err != nil || a.Pending != "" || a.State != "acked" || a.AckedBy != "lin" || a.Comment != "on my way" || len(life) != 2 {
		t.Fatalf("after the answer %+v, %+v, %v", a, life, err)
	}
	if _, err := desk.Acknowledge(ctx, "alarm-1", "lin", "again"); !errors.Is(err, fault.Conflict) {
		t.Errorf("acknowledged twice: %v", err)
	}
	e.status(onlineStatus())
	e.put(transition("alarm-1", noon.Add(2*time.Minute), alarm.Return, alarm.Acked, alarm.Normal))
	e.deliver(ctx)
	if n := len(e.asked()); n != 1 {
		t.Errorf("the edge was asked %d times", n)
	}
}

func second(_ fleet.Alarm, err error) error { return err }

// away is an edge that no command reaches.
type away struct{}

func (away) Send(context.Context, string, wire.Command) error { return errors.New("not connected") }

func (e *edge) asked() []wire.Command {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]wire.Command(nil), e.commands...)
}

func TestACommandGoesAtOnce(t *testing.T) {
	b := startBroker(t)
	h := openHub(t, hubFile(t))
	h.listen(t, b, nil)
	e := newEdge(t, b.Addr(), "SZ1-E1", false)
	e.put(moved(0))
	e.deliver(context.Background()) // so it is subscribed
	c := wire.Command{ID: newID(), At: noon, Actor: "lin", Unshelve: &wire.AlarmUnshelve{Alarm: "a"}}
	if err := h.ear.Send(context.Background(), "SZ1-E1", c); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the command reached the edge", func() bool { return len(e.asked()) == 1 && e.asked()[0].ID == c.ID })
	h.stop()
	if err := h.ear.Send(context.Background(), "SZ1-E1", c); err == nil {
		t.Error("a command went without a connection")
	}
}

func TestStatusPassesAndSamples(t *testing.T) {
	ctx := context.Background()
	b := startBroker(t)
	h := openHub(t, hubFile(t))
	h.listen(t, b, nil)
	e := newEdge(t, b.Addr(), "SZ1-E1", false)
	open := wire.Pass{ID: "pass-1", Door: "SZ1-D1", Opened: noon, Tags: 2}
	shut := open
	shut.Direction, shut.Closed, shut.Tags, shut.Moved, shut.Confidence = wire.In, noon.Add(9*time.Second), 3, 3, 950
	e.put(wire.Record{Pass: &open}, moved(0), wire.Record{Pass: &shut}, wire.Record{Pass: &open})
	e.deliver(ctx)
	s := onlineStatus()
	s.FreeBytes = 5 << 30
	s.Devices = []wire.Device{
		{ID: "uhf-a1", Driver: "uhf", State: devices.Up, Since: noon, Reads: 7, Location: "SZ1-A-01"},
		{ID: "r700-d1", Driver: "r700", State: devices.Down, Reason: "no answer: check its cable", Since: noon, Location: "SZ1-D1"},
	}
	s.Doors = []wire.Door{{ID: "SZ1-D1", Location: "SZ1-DOCK", Devices: []string{"r700-d1"}}}
	e.status(s)
	e.status(s) // nothing changed: no device events
	field := store.Fleet{DB: h.DB}
	eventually(t, "the edge is known", func() bool {
		edges, err := field.Edges(ctx, "")
		return err == nil && len(edges) == 1
	})
	edges, _ := field.Edges(ctx, "")
	if g := edges[0]; !g.Online || g.Head != 4 || g.Acked != 4 || g.Lag != 0 || len(g.Devices) != 2 || g.Devices[0].State != "down" {
		t.Errorf("edge %+v", g)
	}
	p, err := field.Pass(ctx, "pass-1")
	if err != nil || p.Direction != "in" || p.ClosedAt == nil || p.Moved != 3 {
		t.Errorf("pass %+v, %v", p, err)
	}
	doors, err := field.Doors(ctx, "", noon.Add(-time.Hour))
	if err != nil || len(doors) != 1 || doors[0].State != fleet.DoorDown || doors[0].Today.InTags != 3 || doors[0].LastPass == nil {
		t.Errorf("doors %+v, %v", doors, err)
	}
	e.sendSamples(t)
	eventually(t, "the samples came", func() bool {
		all, err := h.series().Query(ctx, series.Query{From: noon, To: noon.Add(time.Hour)})
		return err == nil && len(all) == 1 && len(all[0].Points) == 3
	})
	h.checkTold(t)
}

func (h *hub) series() series.Store {
	return series.NewReader(store.Series{DB: h.DB}, series.Retention{}, time.Now)
}

// sendSamples sends samples 1, 2 and 5 (3 and 4 were thinned out), twice.
func (e *edge) sendSamples(t *testing.T) {
	t.Helper()
	env := wire.Envelope{Edge: e.id, Epoch: 1, EpochStart: 1, Stream: wire.SampleStream, FirstSeq: 1}
	for _, seq := range []uint64{1, 2, 5} {
		s := wire.Sample{Device: "probe-r", Location: "SZ1-R", Quantity: unit.Temperature, Value: unit.Milli(4000 + seq), At: noon.Add(time.Duration(seq) * time.Minute)}
		if seq == 2 {
			s.Quality, s.Reason = devices.Sentinel, "ds18b20_power_on_reset"
		}
		b, err := wire.EncodeRecord(wire.Record{Seq: seq, Sample: &s})
		if err != nil {
			t.Fatal(err)
		}
		env.Records = append(env.Records, b)
	}
	b, err := e.codec.Encode(env)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		e.client.Publish(wire.Topic(e.id, wire.UpSamples), 1, false, b).WaitTimeout(5 * time.Second)
	}
	eventually(t, "the samples were acked", func() bool {
		e.mu.Lock()
		defer e.mu.Unlock()
		return e.ack.SamplesUpto == 5
	})
}

func (h *hub) checkTold(t *testing.T) {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	count := map[event.Type]int{}
	for i, v := range h.told {
		count[v.Type]++
		if i > 0 && v.Seq <= h.told[i-1].Seq {
			t.Errorf("events out of order: %d after %d", v.Seq, h.told[i-1].Seq)
		}
		if !json.Valid(v.Data) {
			t.Errorf("event %+v is not JSON", v)
		}
	}
	if count[event.Device] != 2 || count[event.Edge] < 1 || count[event.Pass] != 1 || count[event.Stock] != 1 || count[event.Sample] != 1 {
		t.Errorf("told %v", count)
	}
}
