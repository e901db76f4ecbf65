package storetest

import (
	"context"
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/tallydock/tallydock/hub/connect/webhook"
	"github.com/tallydock/tallydock/hub/connect/webhook/webhooktest"
	"github.com/tallydock/tallydock/hub/event"
	"github.com/tallydock/tallydock/hub/store"
)

// plain is a store.Sealer that hides nothing.
type plain struct{}

func (plain) Seal(label string, text []byte) []byte { return append([]byte(label+"|"), text...) }

func (plain) Open(label string, sealed []byte) ([]byte, error) { return sealed[len(label)+1:], nil }

func testWebhooksAreKept(t *testing.T, open Open) {
	webhooktest.Run(t, func(t *testing.T) webhooktest.Parts {
		db := openAt(t, open, nil)
		return webhooktest.Parts{
			Store: store.Webhooks{DB: db, Sealer: plain{}},
			Enqueue: func(ctx context.Context, all []webhook.Outgoing) error {
				return db.Write(ctx, func(tx *store.Tx) error { return tx.Enqueue(all) })
			},
		}
	})
}

// testEventsGoToWebhooks: each to those that want it, in the transaction of the event, whatever changed just before.
func testEventsGoToWebhooks(t *testing.T, open Open) {
	ctx := t.Context()
	db := openAt(t, open, nil)
	hub, err := db.HubID(ctx)
	if err != nil {
		t.Fatal(err)
	}
	load := importer(t, db)
	if _, err := load("locations", "code,site,kind,name_en\nS1,S1,site,S\nA,S1,bay,A\nS2,S2,site,S\nB,S2,bay,B\n"); err != nil {
		t.Fatal(err)
	}
	hooks, books := store.Webhooks{DB: db, Sealer: plain{}}, store.Ledger{DB: db}
	secret, err := webhook.NewSecret(zeros{})
	if err != nil {
		t.Fatal(err)
	}
	add := func(events []event.Type, sites ...string) string {
		t.Helper()
		e := webhook.Endpoint{ID: newID(), URL: "https://x.example", Events: events, Sites: sites, State: webhook.Enabled, Secrets: webhook.Secrets{Current: secret}, Revision: 1}
		if err := hooks.AddEndpoint(ctx, e); err != nil {
			t.Fatal(err)
		}
		return e.ID
	}
	count := func(endpoint string) (n int) {
		t.Helper()
		page, err := hooks.Log(ctx, webhook.LogQuery{Endpoint: endpoint, Limit: 100})
		if err != nil {
			t.Fatal(err)
		}
		return len(page)
	}
	receive(t, books, "X", "", "A", 1) // before anybody hears
	all, alarms, first := add([]event.Type{event.Stock}), add([]event.Type{event.Alarm}), add([]event.Type{event.Stock, event.Alarm}, "S1")
	receive(t, books, "X", "", "A", 1)
	receive(t, books, "X", "", "B", 1)
	for endpoint, want := range map[string]int{all: 2, alarms: 0, first: 1} {
		if n := count(endpoint); n != want {
			t.Errorf("%d messages, want %d", n, want)
		}
	}
	page, err := hooks.Log(ctx, webhook.LogQuery{Endpoint: all, Limit: 1})
	if err != nil {
		t.Fatal(err)
	}
	_, m, err := hooks.Delivery(ctx, page[0].ID)
	var body struct {
		Source, Type, Sequence string
		Data                   [][]any
	}
	if err != nil || json.Unmarshal(m.Body, &body) != nil || body.Source != "urn:uuid:"+hub || body.Type != "com.tallydock.stock.v1" ||
		body.Sequence == "" || len(body.Data) != 1 || !slices.Equal(body.Data[0][:3], []any{"X", "B", 1.0}) {
		t.Errorf("the message is %s, %v", m.Body, err)
	}
	if _, err := hooks.ChangeEndpoint(ctx, all, func(e webhook.Endpoint) (webhook.Endpoint, error) { e.State = webhook.Disabled; return e, nil }); err != nil {
		t.Fatal(err)
	}
	receive(t, books, "X", "", "A", 1)
	if a, f := count(all), count(first); a != 2 || f != 2 {
		t.Errorf("one that is disabled has %d messages, another one %d", a, f)
	}
	if err := hooks.RemoveEndpoint(ctx, first); err != nil {
		t.Fatal(err)
	}
	receive(t, books, "X", "", "A", 1)
	if claimed, err := hooks.Claim(ctx, webhook.Claim{Now: time.Now().Add(time.Hour), Lease: time.Minute, N: 10, PerEndpoint: 10}); err != nil || len(claimed) != 0 {
		t.Errorf("claimed %d of what is disabled or removed, %v", len(claimed), err)
	}
}

// zeros reads as zeros for ever.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }
