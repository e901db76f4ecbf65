package ingest_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"golang.org/x/crypto/bcrypt"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/hub/broker"
	"github.com/tallydock/tallydock/hub/catalog"
	"github.com/tallydock/tallydock/hub/event"
	"github.com/tallydock/tallydock/hub/ingest"
	"github.com/tallydock/tallydock/hub/intake"
	"github.com/tallydock/tallydock/hub/store"
	"github.com/tallydock/tallydock/hub/store/sqlite"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

func newID() string { return uuid.Must(uuid.NewV7()).String() }

func user(name, password string, publish, subscribe []string) broker.User {
	h, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	if err != nil {
		panic(err)
	}
	return broker.User{Name: name, PasswordHash: string(h), Publish: publish, Subscribe: subscribe}
}

// startBroker runs the hub's own broker until the test ends.
func startBroker(t testing.TB) *broker.Broker {
	t.Helper()
	users := []broker.User{user("hub", "hub-pw", []string{"td/v1/+/+/down/#"}, []string{wire.HubFilter})}
	for _, id := range []string{"SZ1-E1", "SZ1-E2"} {
		users = append(users, user(id, "edge-pw", []string{wire.Topic(id, "up/#")}, []string{wire.Topic(id, "down/#")}))
	}
	b, err := broker.New(broker.Config{Dir: t.TempDir(), Listen: "127.0.0.1:0", Users: users, Log: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	run(t, b.Run)
	<-b.Ready()
	return b
}

// run runs f until the test ends or stop is called, and waits for it.
func run(t testing.TB, f func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- f(ctx) }()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
	}
	t.Cleanup(stop)
	return stop
}

// hub is a database with its ear.
type hub struct {
	*store.DB
	intake *intake.Intake
	ear    *ingest.Ingest
	stop   func() // the ear
	mu     sync.Mutex
	told   []event.Event
}

const places = 5

// openHub opens a database, with a catalogue where it is new.
func openHub(t testing.TB, file string) *hub {
	t.Helper()
	h := &hub{}
	db, err := sqlite.Open(context.Background(), file, time.Now, func(e []event.Event) {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.told = append(h.told, e...)
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	h.DB = db
	for _, rows := range catalogue() {
		if _, err := (store.Catalog{DB: db}).Put(context.Background(), rows); err != nil {
			t.Fatal(err)
		}
	}
	return h
}

func catalogue() []catalog.Rows {
	items, at, tags := catalog.Rows{Kind: "items"}, catalog.Rows{Kind: "locations"}, catalog.Rows{Kind: "tags"}
	at.Locations = []catalog.Location{{Code: "SZ1", Site: "SZ1", Kind: catalog.Site}}
	for i := range places {
		at.Locations = append(at.Locations, catalog.Location{Code: place(i), Site: "SZ1", Parent: "SZ1", Kind: catalog.Bay})
	}
	for i := range 4 {
		items.Items = append(items.Items, catalog.Item{ID: fmt.Sprintf("SKU-%d", i), Unit: "EA"})
	}
	for i := range knownTags {
		tags.Tags = append(tags.Tags, catalog.TagItem{Tag: tag(i).String(), Item: fmt.Sprintf("SKU-%d", i%4)})
	}
	return []catalog.Rows{items, at, tags}
}

const knownTags = 60

func place(i int) string { return fmt.Sprintf("SZ1-A-%02d", i+1) }

func tag(i int) devices.Tag {
	t, err := devices.NewTag(devices.TagEPC, []byte{0xe2, 0, 0, 0, 0, 0, 0, 0, 0, 0, byte(i >> 8), byte(i)})
	if err != nil {
		panic(err)
	}
	return t
}

// listen starts an ear on the hub's database; kept nil = the database itself.
func (h *hub) listen(t testing.TB, b *broker.Broker, kept intake.Store) {
	t.Helper()
	if kept == nil {
		kept = store.Intake{DB: h.DB}
	}
	h.intake = intake.New(intake.Config{
		Hub: "hub-1", Threshold: 600, Now: time.Now, NewID: newID, Patience: 200 * time.Millisecond,
	}, kept)
	h.ear = ingest.New(ingest.Config{Broker: "tcp://" + b.Addr(), User: "hub", Password: "hub-pw", Log: quiet()}, h.intake)
	h.stop = run(t, h.ear.Run)
	<-h.ear.Ready()
}

// moved makes the movement number i: tag i mod 60 goes to one place after another.
func moved(i int) wire.Record {
	return wire.Record{Movement: &wire.Movement{
		Tag: tag(i % knownTags), To: place((i / knownTags) % places), BizStep: wire.Storing, Disposition: wire.Accessible,
		ReadPoint: "SZ1-E1:uhf-a1/0", EventTime: noon.Add(time.Duration(i) * time.Second), FirstRead: noon, LastRead: noon,
		Reads: 3, Confidence: 900,
	}}
}

func moves(from, to int) []wire.Record {
	var all []wire.Record
	for i := from; i < to; i++ {
		all = append(all, moved(i))
	}
	return all
}

// check looks that each of n movements is in the ledger once, that the books agree, and that the stock is what it must be.
func (h *hub) check(t *testing.T, edge string, n int) {
	t.Helper()
	ctx := context.Background()
	keys := map[string]bool{}
	var twice int
	err := h.Write(ctx, func(tx *store.Tx) error {
		rows, err := tx.QueryContext(ctx, `SELECT key FROM movement`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var key string
			if err := rows.Scan(&key); err != nil {
				return err
			}
			if keys[key] {
				twice++
			}
			keys[key] = true
		}
		return rows.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		if !keys[fmt.Sprintf("%s/1/%d", edge, i+1)] {
			t.Fatalf("movement %d is lost; %d of %d are there", i+1, len(keys), n)
		}
	}
	if len(keys) != n || twice > 0 {
		t.Errorf("%d movements for %d, %d twice", len(keys), n, twice)
	}
	if wrong, err := (store.Ledger{DB: h.DB}).Check(ctx); err != nil || len(wrong) > 0 {
		t.Errorf("books do not agree: %+v, %v", wrong, err)
	}
	h.checkStock(t, n)
}

func (h *hub) checkStock(t *testing.T, n int) {
	t.Helper()
	want := map[string]int64{}
	for i := range knownTags {
		if last := i + (n-1-i)/knownTags*knownTags; i < n {
			want[fmt.Sprintf("SKU-%d@%s", i%4, moved(last).Movement.To)]++
		}
	}
	rows, err := store.Stock{DB: h.DB}.Rows(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		if k := r.Item + "@" + r.Location; r.OnHand != want[k] {
			t.Errorf("stock of %s is %d, want %d", k, r.OnHand, want[k])
		} else {
			delete(want, k)
		}
	}
	for k, q := range want {
		if q > 0 {
			t.Errorf("no stock of %s, want %d", k, q)
		}
	}
}

// eventually waits until f holds.
func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !f(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it never came that %s", what)
		}
	}
}

func (h *hub) open(t *testing.T) []intake.Entry {
	t.Helper()
	all, err := store.Intake{DB: h.DB}.Quarantine(context.Background(), intake.Open)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func reasons(all []intake.Entry) string {
	var s []string
	for _, e := range all {
		s = append(s, string(e.Reason))
	}
	return strings.Join(s, " ")
}

func hubFile(t testing.TB) string { return filepath.Join(t.TempDir(), "hub.db") }
