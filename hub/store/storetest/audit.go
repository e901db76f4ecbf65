package storetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/hub/audit"
	"github.com/tallydock/tallydock/hub/catalog"
	"github.com/tallydock/tallydock/hub/enrol"
	"github.com/tallydock/tallydock/hub/intake"
	"github.com/tallydock/tallydock/hub/ledger"
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

// testWhatPeopleChangeIsInTheLog: what somebody changes in the catalogue and in the ledger is in the log with what it was
// before, in the same transaction, under the name of who asked for it; what the hub does by itself is not.
func testWhatPeopleChangeIsInTheLog(t *testing.T, open Open) {
	db := openAt(t, open, nil)
	log, books := store.Audit{DB: db}, store.Ledger{DB: db}
	by := func(user string) context.Context {
		return audit.With(t.Context(), &audit.Trail{User: user, Action: "test", At: noon})
	}
	seen := int64(0)
	expect := func(what string, want ...string) {
		t.Helper()
		page, _, err := log.Entries(t.Context(), audit.Filter{Limit: audit.MaxPage})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, e := range slices.Backward(page) {
			if e.Seq > seen {
				seen = e.Seq
				got = append(got, fmt.Sprintf("%s %s %s: %s -> %s", e.User, e.Resource, e.ID, e.Before, e.After))
			}
		}
		for i := range max(len(got), len(want)) {
			if i >= len(got) || i >= len(want) || !like(got[i], want[i]) {
				t.Errorf("%s:\n got %s\nwant %s", what, strings.Join(got, "\n     "), strings.Join(want, "\n     "))
				return
			}
		}
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	put := func(ctx context.Context, r catalog.Rows) {
		t.Helper()
		_, err := store.Catalog{DB: db}.Put(ctx, r)
		must(err)
	}
	item := catalog.Item{ID: "SKU-1", Name: catalog.Text{EN: "Milk"}, Unit: "EA", Cost: 7}
	places := []catalog.Location{{Code: "SZ1", Site: "SZ1", Kind: catalog.Site}, {Code: "A", Site: "SZ1", Parent: "SZ1", Kind: catalog.Bay}}
	put(t.Context(), catalog.Rows{Kind: "locations", Locations: places})
	expect("an import by the hub itself")
	put(by("paula"), catalog.Rows{Kind: "items", Items: []catalog.Item{item}})
	expect("an import", `paula item SKU-1: null -> {*"cost":7*}`, `paula catalog items: null -> {"changed":1,"inserted":1,"rows":1,"unlisted":0,"updated":0}`)
	changed := item
	changed.Cost = 8
	put(by("paula"), catalog.Rows{Kind: "items", Items: []catalog.Item{changed, {ID: "SKU-2", Unit: "EA"}}})
	expect("an import over it", `paula item SKU-1: {*"cost":7*} -> {*"cost":8*}`, `paula item SKU-2: null -> *`, `paula catalog items: *"changed":2*`)
	put(by("paula"), catalog.Rows{Kind: "items", Items: []catalog.Item{changed}})
	put(by("paula"), catalog.Rows{Kind: "sources", Sources: []catalog.Source{{Item: "SKU-1", Supplier: "S", LeadTime: 1.5, MOQ: 1}}})
	put(by("paula"), catalog.Rows{Kind: "sources", Sources: []catalog.Source{{Item: "SKU-1", Supplier: "S", LeadTime: 1.5, MOQ: 1}}})
	put(by("paula"), catalog.Rows{Kind: "tags", Tags: []catalog.TagItem{{Tag: "uid:0102", Item: "SKU-1", Units: 1}}})
	put(by("paula"), catalog.Rows{Kind: "demand", Demand: []catalog.Demand{{Item: "SKU-1", Site: "SZ1", Day: "2026-01-01", Quantity: 3}}})
	expect("what does not change", `paula catalog items: *"changed":0*`, `paula source SKU-1/S: null -> {*"lead_time":1.5*}`, `*"changed":1*`, `*"changed":0*`,
		`paula tag uid:0102: null -> *`, `*`, `paula demand_history SKU-1/SZ1/2026-01-01: null -> {"quantity":3}`, `*`)

	items, yes := store.Items(db), func(*catalog.Item) error { return nil }
	_, err := items.Put(by("paula"), item, yes)
	must(err)
	if _, err := items.Put(by("paula"), changed, func(*catalog.Item) error { return errNo }); !errors.Is(err, errNo) {
		t.Error(err)
	}
	must(items.Drop(by("paula"), yes, "SKU-2"))
	expect("documents", `paula item SKU-1: {*"cost":8*} -> {*"cost":7*}`, `paula item SKU-2: {*"id":"SKU-2"*} -> null`)

	transfer := func(key, from, to string, n int64) *ledger.Transfer {
		return &ledger.Transfer{ID: newID(), Key: key, Item: "SKU-1", Lot: "L1", From: from, To: to, Quantity: n, Actor: "x", Source: "x", Recorded: noon}
	}
	must(books.Do(t.Context(), transfer("k0", ledger.Supplier, "A", 1)))
	in := transfer("k1", ledger.Supplier, "A", 10)
	must(books.Do(by("otto"), in))
	if err := books.Do(by("otto"), transfer("k1", ledger.Supplier, "A", 10)); !errors.Is(err, ledger.ErrDuplicate) {
		t.Error(err)
	}
	expect("a movement", `otto movement `+in.ID+`: null -> {*"lines":[{*"quantity":10*`)
	hold := &ledger.Reserve{ID: newID(), Key: "r1", Item: "SKU-1", Places: []string{"A"}, Quantity: 4, Actor: "x", At: noon}
	must(books.Do(by("otto"), hold))
	out := transfer("k2", "A", ledger.Customer, 1)
	out.Held = hold.ID
	must(books.Do(by("vera"), out))
	must(books.Do(by("otto"), &ledger.Release{ID: hold.ID}))
	expect("a reservation", `otto reservation `+hold.ID+`: null -> {*"state":"held"}`, `vera movement `+out.ID+`: null -> *`,
		`vera reservation `+hold.ID+`: {*"taken":0}*} -> {*"taken":1}*}`, `otto reservation `+hold.ID+`: {*"state":"held"} -> {*"state":"released"}`)
	back, err := books.Reverse(by("otto"), out.ID, "otto")
	must(err)
	expect("a reversal", `otto movement `+out.ID+`: {*"id":"`+out.ID+`"*} -> {*"id":"`+back.ID+`"*"reverses":"`+out.ID+`"*}`)
	pallet, err := devices.ParseTag("epc:30740000000000000000000f")
	must(err)
	box, err := devices.ParseTag("epc:30740000000000000000000a")
	must(err)
	must(books.Do(by("otto"), &ledger.Pack{Aggregation: ledger.Aggregation{ID: newID(), Key: "p1", Parent: pallet, Children: []devices.Tag{box}, Add: true, At: noon, RecordedAt: noon}}))
	expect("packing", `otto unit `+pallet.String()+`: {"contents":[]} -> {"contents":["`+box.String()+`"]}`)

	c := ledger.Count{ID: newID(), Site: "SZ1", Locations: []string{"A"}, OpenedBy: "otto", OpenedAt: time.Now().Add(time.Hour)}
	must(books.OpenCount(by("otto"), c))
	_, err = books.CountByHand(by("otto"), c.ID, ledger.ByHand{Location: "A", Item: "SKU-1", Lot: "L1", Quantity: 3, Actor: "otto", At: noon})
	must(err)
	_, err = books.CountByHand(by("vera"), c.ID, ledger.ByHand{Location: "A", Item: "SKU-1", Lot: "L1", Quantity: 5, Actor: "vera", At: noon})
	must(err)
	_, err = books.Sweep(by("otto"), c.ID, "A", nil, noon)
	must(err)
	_, err = books.SubmitCount(by("otto"), c.ID, "otto")
	must(err)
	done, err := books.DecideCount(by("abel"), c.ID, true, "abel", "seen", 0)
	must(err)
	expect("a count", `otto count `+c.ID+`: null -> {*"state":"open"*}`, `otto count `+c.ID+`: null -> {*"quantity":3}`,
		`vera count `+c.ID+`: {"actor":"otto"*"quantity":3} -> {"actor":"vera"*"quantity":5}`, `otto count `+c.ID+`: null -> {*"swept":"A"*}`,
		`otto count `+c.ID+`: {*"state":"open"*} -> {*"state":"submitted"*}`, `abel movement `+done.Movement+`: null -> {*"kind":"adjust"*}`,
		`abel count `+c.ID+`: {*"state":"submitted"*} -> {*"movement":"`+done.Movement+`"*"state":"posted"*}`)
	closed, err := books.ClosePeriod(by("fritz"), noon.Add(-time.Hour), "fritz", "")
	must(err)
	expect("a close", `fritz period `+closed.ID+`: {"until":"*"} -> {"reason":"","until":"*"}`)

	gates := store.Intake{DB: db}
	must(gates.PutPolicy(by("paula"), intake.Policy{ReadPoint: "GATE*", Threshold: 700}))
	must(gates.PutPolicy(by("paula"), intake.Policy{ReadPoint: "GATE*", Threshold: 800}))
	must(gates.DropPolicy(by("paula"), "GATE*"))
	expect("policies", `paula policy GATE*: null -> {*:700}`, `paula policy GATE*: {*:700} -> {*:800}`, `paula policy GATE*: {*:800} -> null`)
	edges := store.Enrol{DB: db}
	must(edges.AddToken(by("root"), enrol.Token{Hash: [32]byte{1}, Edge: "E1", Site: "SZ1", Made: noon, Expires: noon.Add(time.Hour)}))
	held := enrol.Certificate{Serial: "0a", Edge: "E1", Site: "SZ1", DER: []byte{1}, NotBefore: noon, NotAfter: noon.Add(time.Hour), Issued: noon}
	update := func(ctx context.Context, c enrol.Change) {
		t.Helper()
		must(edges.Update(ctx, "E1", func([]enrol.Certificate) (enrol.Change, error) { return c, nil }))
	}
	update(t.Context(), enrol.Change{Add: &held})
	held.Revoked, held.Reason = noon.Add(time.Minute), "stolen"
	update(by("root"), enrol.Change{Revoke: []enrol.Certificate{held}})
	update(by("root"), enrol.Change{Revoke: []enrol.Certificate{held}})
	expect("enrolment", `root enrol-token 010000000000: null -> {*"edge":"E1"*}`, `root edge-certificate 0a: {*"revoked":null*} -> {*"reason":"stolen"*}`)
	if v, err := log.Verify(t.Context()); err != nil || len(v.Wrong) > 0 {
		t.Errorf("%+v, %v", v, err)
	}
}

// testCommandsThatAreDoneTogetherAreEachOfWhoAsked: many people's commands share transactions, and not their names.
func testCommandsThatAreDoneTogetherAreEachOfWhoAsked(t *testing.T, open Open) {
	db := openAt(t, open, nil)
	var all sync.WaitGroup
	trails := make([]*audit.Trail, 40)
	ids := map[string]string{}
	for i := range trails {
		trails[i] = &audit.Trail{User: fmt.Sprint("user-", i), At: noon}
		m := &ledger.Transfer{ID: newID(), Key: fmt.Sprint("k", i), Item: "SKU-1", From: ledger.Supplier, To: "A", Quantity: 1, Actor: "x", Source: "x", Recorded: noon}
		if i%4 == 0 { // one that is refused, and one of the hub itself
			m.From, m.To = "A", "B"
			m.Item = "NONE"
		}
		ctx := audit.With(t.Context(), trails[i])
		if i%4 == 1 {
			ctx = t.Context()
		}
		if i%4 > 1 {
			ids[m.ID] = trails[i].User
		}
		all.Go(func() {
			if err := (store.Ledger{DB: db}).Do(ctx, m); (err != nil) != (i%4 == 0) {
				t.Errorf("%d: %v", i, err)
			}
		})
	}
	all.Wait()
	page, _, err := store.Audit{DB: db}.Entries(t.Context(), audit.Filter{Limit: audit.MaxPage})
	if err != nil || len(page) != len(ids) {
		t.Errorf("%d entries, %v; want %d", len(page), err, len(ids))
	}
	for _, e := range page {
		if ids[e.ID] != e.User {
			t.Errorf("%s is noted of %s; %s asked for it", e.ID, e.User, ids[e.ID])
		}
	}
	for i, trail := range trails {
		if trail.Written() != (i%4 > 1) {
			t.Errorf("trail %d: written %v", i, trail.Written())
		}
	}
}

// like reports whether a text is as a pattern says, in which * stands for anything.
func like(text, pattern string) bool {
	parts := strings.Split(pattern, "*")
	text, ok := strings.CutPrefix(text, parts[0])
	last := len(parts) - 1
	for i := 1; i < last && ok; i++ {
		_, text, ok = strings.Cut(text, parts[i])
	}
	if last == 0 {
		return ok && text == ""
	}
	return ok && strings.HasSuffix(text, parts[last])
}
