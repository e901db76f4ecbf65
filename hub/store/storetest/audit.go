package storetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tallydock/tallydock/hub/audit"
	"github.com/tallydock/tallydock/hub/store"
	"github.com/tallydock/tallydock/hub/tenant"
)

func testChangesAreInTheLogWithBeforeAndAfter(t *testing.T, open Open) {
	db := openAt(t, open, nil)
	trail := &audit.Trail{User: "root", Token: "k1", Address: "10.0.0.1", Request: "r1", Permission: "user:manage", Action: "setGrants", At: noon.Add(time.Second)}
	ctx := audit.With(context.Background(), trail)
	users, changes := store.Tenant{DB: db}, store.Audit{DB: db}
	anna := person("anna", tenant.Everywhere(tenant.Viewer))
	if err := users.PutUser(context.Background(), anna, true, false); err != nil {
		t.Fatal(err)
	}
	anna.Grants = tenant.Everywhere(tenant.Buyer)
	if trail.Written() {
		t.Error("written before anything was")
	}
	if err := users.PutUser(ctx, anna, true, false); err != nil {
		t.Fatal(err)
	}
	if !trail.Written() {
		t.Error("not written")
	}
	page, next, err := changes.Entries(ctx, audit.Filter{})
	if err != nil || next != 0 || len(page) != 2 {
		t.Fatalf("%+v, %d, %v", page, next, err)
	}
	e := page[0]
	if e.Seq != 2 || e.User != "root" || e.Token != "k1" || e.Address != "10.0.0.1" || e.Request != "r1" || e.Permission != "user:manage" ||
		e.Action != "setGrants" || e.Resource != "user" || e.ID != "anna" || e.Outcome != audit.Done || !e.At.Equal(trail.At) {
		t.Errorf("entry %+v", e)
	}
	var before, after struct{ Grants tenant.Grants }
	if err := errors.Join(json.Unmarshal(e.Before, &before), json.Unmarshal(e.After, &after)); err != nil ||
		before.Grants[0].Role != tenant.Viewer || after.Grants[0].Role != tenant.Buyer {
		t.Errorf("%s -> %s: %v", e.Before, e.After, err)
	}
	if first := page[1]; first.User != audit.System || string(first.Before) != "null" || first.Address != "" {
		t.Errorf("by a command: %+v", first)
	}
	for _, e := range page {
		if strings.Contains(string(e.Before)+string(e.After), "$hash") {
			t.Errorf("a password's hash is in the log: %s", e.After)
		}
	}
}

// testWhatIsUndoneIsNotInTheLog: neither a change that fails, nor the part of one that was taken back.
func testWhatIsUndoneIsNotInTheLog(t *testing.T, open Open) {
	ctx := context.Background()
	db := openAt(t, open, nil)
	errNo := errors.New("no")
	one := func(tx *store.Tx, id string) error { return tx.Audit(audit.Entry{Resource: "thing", ID: id}) }
	err := db.Write(ctx, func(tx *store.Tx) error { return errors.Join(one(tx, "a"), errNo) })
	if !errors.Is(err, errNo) {
		t.Fatal(err)
	}
	err = db.Write(ctx, func(tx *store.Tx) error {
		if err := tx.Savepoint(func() error { return errors.Join(one(tx, "b"), errNo) }); !errors.Is(err, errNo) {
			return err
		}
		return one(tx, "c")
	})
	if err != nil {
		t.Fatal(err)
	}
	page, _, err := store.Audit{DB: db}.Entries(ctx, audit.Filter{})
	if err != nil || len(page) != 1 || page[0].ID != "c" || page[0].Seq != 1 {
		t.Errorf("%+v, %v", page, err)
	}
}

func testTheLogIsFilteredAndPaged(t *testing.T, open Open) {
	ctx := context.Background()
	db := openAt(t, open, nil)
	changes := store.Audit{DB: db}
	for i := range 20 {
		e := audit.Entry{At: noon.Add(time.Duration(i) * time.Minute), User: fmt.Sprint("u", i%2), Resource: fmt.Sprint("r", i%4), ID: fmt.Sprint(i)}
		if err := changes.Add(ctx, e); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		f    audit.Filter
		want int
	}{
		"all": {audit.Filter{}, 20}, "of a user": {audit.Filter{User: "u1"}, 10}, "of a kind": {audit.Filter{Resource: "r3"}, 5},
		"of a thing": {audit.Filter{Resource: "r3", ID: "7"}, 1}, "of a span": {audit.Filter{From: noon.Add(5 * time.Minute), To: noon.Add(10 * time.Minute)}, 5},
		"of nobody": {audit.Filter{User: "'; DROP TABLE audit; --"}, 0},
	} {
		for _, limit := range []int{1, 3, 1000} {
			n, last, f := 0, int64(1<<62), c.f
			f.Limit = limit
			for pages := 0; ; pages++ {
				page, next, err := changes.Entries(ctx, f)
				if err != nil || pages > 21 {
					t.Fatalf("%s: %v, %d pages", name, err, pages)
				}
				for _, e := range page {
					if e.Seq >= last {
						t.Errorf("%s: %d after %d", name, e.Seq, last)
					}
					last = e.Seq
					n++
				}
				if f.Before = next; next == 0 {
					break
				}
			}
			if n != c.want {
				t.Errorf("%s by %d: %d entries, want %d", name, limit, n, c.want)
			}
		}
	}
}

// testTheLogIsOneChain: whoever writes at once, and what is changed afterwards is found.
func testTheLogIsOneChain(t *testing.T, open Open) {
	ctx := context.Background()
	const writers, each = 8, 10
	db := openAt(t, open, nil)
	changes := store.Audit{DB: db}
	var group sync.WaitGroup
	for w := range writers {
		group.Go(func() {
			for i := range each {
				if err := changes.Add(ctx, audit.Entry{User: fmt.Sprint("u", w), Resource: "r", ID: fmt.Sprint(i), After: json.RawMessage(`{"a":1}`)}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	for _, c := range []struct {
		name, text string
		wrong      bool
	}{
		{"nothing changed", `UPDATE audit SET id = id WHERE seq = 1`, false},
		{"a text changed", `UPDATE audit SET state_after = '{"a":2}' WHERE seq = 40`, true},
		{"and changed back", `UPDATE audit SET state_after = '{"a":1}' WHERE seq = 40`, false},
		{"the end cut off", `DELETE FROM audit WHERE seq > 70`, true},
	} {
		if err := db.Write(ctx, func(tx *store.Tx) error { return tx.Strike(c.text) }); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		v, err := changes.Verify(ctx)
		if err != nil || (len(v.Wrong) > 0) != c.wrong || !c.wrong && (v.Entries != writers*each || !strings.HasPrefix(v.Seal, "80:")) {
			t.Errorf("%s: %+v, %v", c.name, v, err)
		}
	}
}
