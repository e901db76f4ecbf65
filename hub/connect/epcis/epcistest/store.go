package epcistest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tallydock/tallydock/hub/connect/epcis"
)

// Store runs what every epcis.Store must do against stores that open gives, each empty.
func Store(t *testing.T, open func(t *testing.T) epcis.Store) {
	for _, c := range []struct {
		name string
		test func(t *testing.T, s epcis.Store)
	}{
		{"an event is given back as it was", givesBack},
		{"an event that comes twice is there once", once},
		{"another event of the same id is refused with all that comes with it", contradiction},
		{"a declaration of error stands beside its event", declaration},
		{"events come in order, page by page", ordered},
		{"what is within the bounds is found", bounded},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, open(t)) })
	}
}

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// made gives an event recorded so many seconds after noon, which happened so many seconds before.
func made(t *testing.T, seconds int, more func(*epcis.Event)) epcis.Event {
	t.Helper()
	fields := epcis.Event{
		Type: epcis.ObjectEvent, Time: noon.Add(-time.Duration(seconds) * time.Second), TimeZoneOffset: "+08:00", Action: epcis.Observe,
		EPCs:       []string{fmt.Sprintf("urn:epc:id:sgtin:0614141.107346.%d", seconds)},
		Extensions: []epcis.Member{{Name: "example:n", Value: json.RawMessage("1.50")}},
	}
	if more != nil {
		more(&fields)
	}
	e, err := epcis.New(fields, epcis.Prefixes{"example": "http://ns.example.com/epcis/"})
	if err != nil {
		t.Fatal(err)
	}
	return e.Recorded(noon.Add(time.Duration(seconds) * time.Second))
}

func put(t *testing.T, s epcis.Store, events ...epcis.Event) []epcis.Event {
	t.Helper()
	fresh, err := s.Put(t.Context(), events)
	if err != nil {
		t.Fatal(err)
	}
	return fresh
}

func find(t *testing.T, s epcis.Store, b epcis.Bounds, o epcis.Order, after epcis.Cursor, limit int) []epcis.Event {
	t.Helper()
	events, err := s.Find(t.Context(), b, o, after, limit)
	if err != nil {
		t.Fatal(err)
	}
	return events
}

func ids(events []epcis.Event) (all []string) {
	for _, e := range events {
		all = append(all, e.Key())
	}
	return all
}

func text(t *testing.T, v any) string {
	t.Helper()
	out, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func givesBack(t *testing.T, s epcis.Store) {
	e := made(t, 1, func(e *epcis.Event) {
		e.Persistent.Set, e.ReadPoint.ID = []string{"recalled"}, "urn:epc:id:sgln:0614141.00777.0"
	})
	put(t, s, e)
	have, err := s.ByID(t.Context(), e.ID)
	if err != nil || len(have) != 1 {
		t.Fatalf("%d events, %v", len(have), err)
	}
	same := text(t, have[0]) == text(t, e) && text(t, have[0].Context()) == text(t, e.Context())
	if !same || text(t, have[0].Keys()) != text(t, e.Keys()) {
		t.Errorf("got %s in %s\nwant %s", text(t, have[0]), text(t, have[0].Context()), text(t, e))
	}
	if have, err := s.ByID(t.Context(), "urn:uuid:none"); err != nil || len(have) != 0 {
		t.Errorf("of an unknown id there are %d, %v", len(have), err)
	}
}

func once(t *testing.T, s epcis.Store) {
	a, b := made(t, 1, nil), made(t, 2, nil)
	if fresh := put(t, s, a, a); len(fresh) != 1 {
		t.Errorf("the same twice at once: %d are fresh", len(fresh))
	}
	later := a.Recorded(noon.Add(time.Hour))
	if fresh := put(t, s, later, b); len(fresh) != 1 || fresh[0].Key() != b.Key() {
		t.Errorf("fresh are %q", ids(fresh))
	}
	all := find(t, s, epcis.Bounds{}, epcis.Order{}, epcis.Cursor{}, 10)
	if len(all) != 2 || !all[0].RecordTime.Equal(a.RecordTime) {
		t.Errorf("there are %q, the first of %v", ids(all), all[0].RecordTime)
	}
}

func contradiction(t *testing.T, s epcis.Store) {
	named := func(e *epcis.Event) { e.ID = "urn:uuid:1" }
	put(t, s, made(t, 1, named))
	fresh, err := s.Put(t.Context(), []epcis.Event{made(t, 2, nil), made(t, 3, named)})
	if !errors.Is(err, epcis.ErrContradiction) || len(fresh) != 0 {
		t.Errorf("got %v and %q", err, ids(fresh))
	}
	if all := find(t, s, epcis.Bounds{}, epcis.Order{}, epcis.Cursor{}, 10); len(all) != 1 {
		t.Errorf("%d events are there", len(all))
	}
}

func declaration(t *testing.T, s epcis.Store) {
	declared := func(e *epcis.Event) {
		e.ID, e.Error = "urn:uuid:1", &epcis.ErrorDeclaration{Time: noon.Add(time.Hour), Reason: "did_not_occur"}
	}
	right := made(t, 1, func(e *epcis.Event) { e.ID = "urn:uuid:1" })
	wrong := made(t, 1, declared).Recorded(noon.Add(2 * time.Hour))
	if fresh := put(t, s, right, wrong, wrong); len(fresh) != 2 {
		t.Errorf("fresh are %q", ids(fresh))
	}
	have, err := s.ByID(t.Context(), "urn:uuid:1")
	if err != nil || len(have) != 2 || have[0].Error != nil || have[1].Error == nil {
		t.Errorf("got %q, %v", ids(have), err)
	}
}

func ordered(t *testing.T, s epcis.Store) {
	const events = 23
	var all []epcis.Event
	for i := range events {
		happened := noon.Add(time.Duration(i/5)*time.Minute + time.Duration(i%3)*time.Nanosecond)
		e := made(t, i, func(e *epcis.Event) { e.Time = happened })
		all = append(all, e.Recorded(noon.Add(time.Duration(i%7)*time.Second)))
	}
	put(t, s, all...)
	for _, o := range []epcis.Order{{}, {Falling: true}, {ByEventTime: true}, {ByEventTime: true, Falling: true}} {
		slices.SortFunc(all, func(a, b epcis.Event) int { return o.Compare(a.Keys(), b.Keys()) })
		var got []epcis.Event
		var after epcis.Cursor
		for page := 0; page < events; page++ {
			some := find(t, s, epcis.Bounds{}, o, after, 4)
			if len(some) > 4 {
				t.Fatalf("%d events where 4 are asked for", len(some))
			}
			if got = append(got, some...); len(some) < 4 {
				break
			}
			after = o.Cursor(some[3])
		}
		if !slices.Equal(ids(got), ids(all)) {
			t.Errorf("%+v: got\n%s\nwant\n%s", o, strings.Join(ids(got), "\n"), strings.Join(ids(all), "\n"))
		}
	}
}

func bounded(t *testing.T, s epcis.Store) {
	e := made(t, 1, func(e *epcis.Event) {
		e.ID, e.BizStep, e.Disposition = "urn:uuid:1", "receiving", "in_progress"
		e.ReadPoint.ID, e.BizLocation.ID = "urn:epc:id:sgln:0614141.00777.0", "https://example.com/414/0614141008889"
		e.Quantities = []epcis.Quantity{{Class: "urn:epc:class:lgtin:4012345.012345.50%25_off", Count: "2"}}
	})
	put(t, s, e, made(t, 2, nil), made(t, 3, func(e *epcis.Event) {
		e.Type, e.Parent = epcis.AggregationEvent, "urn:epc:id:sscc:0614141.1234567890"
	}))
	epc := func(exact, prefix []string, roles ...epcis.Role) epcis.Bounds {
		return epcis.Bounds{EPCs: []epcis.EPCBound{{Roles: roles, Exact: exact, Prefixes: prefix}}}
	}
	gtin := "https://id.gs1.org/01/10614141073464/21/"
	for name, b := range map[string]epcis.Bounds{
		"everything":      {},
		"a type":          {Types: []string{epcis.TransactionEvent, epcis.ObjectEvent}},
		"an action":       {Actions: []epcis.Action{epcis.Observe}},
		"event times":     {Time: epcis.Span{From: e.Time, Before: e.Time.Add(time.Second)}},
		"record times":    {RecordTime: epcis.Span{From: e.RecordTime, Before: e.RecordTime.Add(time.Second)}},
		"an id":           {Identities: []string{"urn:uuid:0", "urn:uuid:1"}},
		"a step":          {BizSteps: []string{"receiving"}},
		"a disposition":   {Dispositions: []string{"in_progress"}},
		"a read point":    {ReadPoints: []string{"https://id.gs1.org/414/0614141007776"}},
		"a location":      {BizLocations: []string{"https://id.gs1.org/414/0614141008889"}},
		"an EPC":          epc([]string{gtin + "1"}, nil, epcis.InEPCs),
		"EPCs that start": epc(nil, []string{"urn:none:", gtin}, epcis.InParent, epcis.InEPCs),
		"a lot":           epc([]string{"https://id.gs1.org/01/04012345123456/10/50%25_off"}, nil, epcis.InClasses),
		"lots that start with what a pattern would mean otherwise": epc(nil, []string{"https://id.gs1.org/01/04012345123456/10/50%25_"}, epcis.InClasses),
		"two EPCs": {EPCs: []epcis.EPCBound{
			{Roles: []epcis.Role{epcis.InEPCs}, Exact: []string{gtin + "1"}},
			{Roles: []epcis.Role{epcis.InClasses}, Prefixes: []string{"https://id.gs1.org/01/"}},
		}},
	} {
		found := find(t, s, b, epcis.Order{}, epcis.Cursor{}, 10)
		if !slices.Contains(ids(found), e.Key()) {
			t.Errorf("%s: it is not among %q", name, ids(found))
		}
	}
	if _, err := s.Find(context.Background(), epc([]string{"x"}, nil, epcis.InOutputs), epcis.Order{}, epcis.Cursor{}, 10); err != nil {
		t.Error(err)
	}
}
