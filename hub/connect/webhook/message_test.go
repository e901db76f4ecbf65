package webhook_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tallydock/tallydock/hub/connect/webhook"
	"github.com/tallydock/tallydock/hub/event"
)

var source = webhook.Source{Hub: "0192f000-0000-7000-8000-00000000aaaa"}

func occurrence(data string) webhook.Occurrence {
	return webhook.Occurrence{
		Event:   event.Event{Seq: 42, At: noon.Add(time.Millisecond), Type: event.Stock, Data: json.RawMessage(data)},
		Subject: "ITEM-1", Sites: []string{"N1"}, Link: "https://hub.example.com/api/v1/events/42",
	}
}

// counter gives ids that rise.
func counter() func() string {
	var n atomic.Int64
	return func() string { return fmt.Sprintf("0192f000-0000-7000-8000-%012x", n.Add(1)) }
}

func TestBody(t *testing.T) {
	const head = `{"specversion":"1.0","id":"msg_1","source":"urn:uuid:0192f000-0000-7000-8000-00000000aaaa",` +
		`"type":"com.tallydock.stock.v1","time":"2026-03-02T12:00:00.001Z","subject":"ITEM-1","sequence":"0000000000000000042",` +
		`"datacontenttype":"application/json",`
	const link = head + `"dataref":"https://hub.example.com/api/v1/events/42"}`
	large := `["` + strings.Repeat("x", webhook.MaxBody) + `"]`
	for _, c := range []struct {
		name, data string
		open       bool
		want       string
	}{
		{"with its data", `[{"item": "ITEM-1", "on_hand": 3}]`, true, head + `"data":[{"item":"ITEM-1","on_hand":3}]}`},
		{"too large", large, true, link},
		{"just too large with its head", `["` + strings.Repeat("x", webhook.MaxBody-len(head)) + `"]`, true, link},
		{"not the receiver's", `[1]`, false, link},
		{"not JSON", `[1`, true, link},
		{"none", ``, true, link},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := source.Message("msg_1", occurrence(c.data), c.open)
			if string(m.Body) != c.want || m.ID != "msg_1" || m.Type != "com.tallydock.stock.v1" {
				t.Errorf("%s %s\n%s\nwant\n%s", m.ID, m.Type, m.Body, c.want)
			}
		})
	}
}

func TestBodyIsAlwaysSmallJSON(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		data := rapid.OneOf(
			rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) json.RawMessage { return b }),
			rapid.Map(rapid.IntRange(0, 2*webhook.MaxBody), func(n int) json.RawMessage {
				b, _ := json.Marshal(strings.Repeat("<", n/4))
				return b
			}),
		).Draw(rt, "data")
		repeat := rapid.IntRange(0, 3000)
		o := webhook.Occurrence{
			Event:   event.Event{Seq: rapid.Int64().Draw(rt, "seq"), At: time.UnixMilli(rapid.Int64Range(-1e15, 1e15).Draw(rt, "at")), Type: event.Stock, Data: data},
			Subject: rapid.String().Draw(rt, "subject") + strings.Repeat("\x01é", repeat.Draw(rt, "more")), Link: "https://a/" + strings.Repeat("&", repeat.Draw(rt, "link")),
		}
		m := source.Message("msg_1", o, true)
		var got map[string]any
		if err := json.Unmarshal(m.Body, &got); err != nil || len(m.Body) > webhook.MaxBody {
			rt.Fatalf("%d bytes: %v", len(m.Body), err)
		}
		for _, required := range []string{"id", "source", "specversion", "type"} {
			if s, _ := got[required].(string); s == "" {
				rt.Fatalf("no %s in %s", required, m.Body)
			}
		}
	})
}

func TestFan(t *testing.T) {
	endpoint := func(id string, state webhook.State, types []event.Type, sites ...string) webhook.Endpoint {
		return webhook.Endpoint{ID: id, State: state, Events: types, Sites: sites}
	}
	stock, alarms := []event.Type{event.Stock}, []event.Type{event.Alarm}
	endpoints := []webhook.Endpoint{
		endpoint("all", webhook.Enabled, []event.Type{event.Alarm, event.Stock}), endpoint("off", webhook.Disabled, stock),
		endpoint("alarms", webhook.Enabled, alarms), endpoint("n1", webhook.Enabled, stock, "N1"),
		endpoint("both", webhook.Enabled, stock, "N1", "N2", "N3"), endpoint("n9", webhook.Enabled, stock, "N9"),
	}
	for _, c := range []struct {
		name        string
		sites       []string
		whole, bare []string
	}{
		{"of one site", []string{"N1"}, []string{"all", "n1", "both"}, nil},
		{"of two sites", []string{"N1", "N2"}, []string{"all", "both"}, []string{"n1"}},
		{"of a site that nobody asked for", []string{"N4"}, []string{"all"}, nil},
		{"of the company", nil, []string{"all"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := occurrence(`{"a":1}`)
			o.Sites = c.sites
			var whole, bare, ids []string
			for _, out := range source.Fan(endpoints, o, noon, counter()) {
				ids = append(ids, out.ID)
				for _, d := range out.Deliveries {
					want := webhook.Delivery{
						ID: d.ID, Endpoint: d.Endpoint, Message: out.ID, Type: "com.tallydock.stock.v1", At: o.At, State: webhook.Pending, Due: noon,
					}
					if d != want {
						t.Errorf("%+v, want %+v", d, want)
					}
					if strings.Contains(string(out.Body), `"data":`) {
						whole = append(whole, d.Endpoint)
					} else {
						bare = append(bare, d.Endpoint)
					}
				}
			}
			if !slices.Equal(whole, c.whole) || !slices.Equal(bare, c.bare) {
				t.Errorf("with data to %v, without to %v; want %v, %v", whole, bare, c.whole, c.bare)
			}
			if len(ids) == 2 && ids[0] == ids[1] {
				t.Error("two messages with one id")
			}
		})
	}
	if got := source.Fan(endpoints[1:2], occurrence(`{}`), noon, counter()); len(got) != 0 {
		t.Errorf("to nobody goes %v", got)
	}
}
