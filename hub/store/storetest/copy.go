package storetest

import (
	"errors"
	"testing"

	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/ledger"
	"github.com/tallydock/tallydock/hub/store"
)

// testACopyIsEqual: with the same books, and able to go on.
func testACopyIsEqual(t *testing.T, open Open) { CopyIsEqual(t, open, open) }

// CopyIsEqual copies a database that one function opens into one that another opens, which may be of another kind.
func CopyIsEqual(t *testing.T, from, to Open) {
	old := openAt(t, from, nil)
	Fill(t, old)
	fresh := openAt(t, to, nil)
	tables := map[string]store.Copied{}
	told := func(c store.Copied) { tables[c.Table] = c }
	if err := store.Copy(t.Context(), old, fresh, told); err != nil {
		t.Fatal(err)
	}
	if tables["movement"].Rows < 100 || tables["item"].Rows == 0 || tables["sample"].Rows != 500 || tables["sample_spool"].Rows != 7 {
		t.Errorf("copied %+v", tables)
	}
	same(t, old, fresh)
	// What goes on there goes on as it would have here.
	for _, db := range []*store.DB{old, fresh} {
		if err := (store.Ledger{DB: db}).Post(t.Context(), receipt("after", epc(77), "A")); err != nil {
			t.Fatal(err)
		}
	}
	if err := store.Copy(t.Context(), old, fresh, nil); !errors.Is(err, fault.Conflict) {
		t.Errorf("into one that has something: %v", err)
	}
}

func same(t *testing.T, a, b *store.DB) {
	t.Helper()
	seals := map[string]bool{}
	for _, db := range []*store.DB{a, b} {
		v, err := store.Ledger{DB: db}.Verify(t.Context(), nil)
		if err != nil || len(v.Wrong) > 0 {
			t.Errorf("chains: %+v, %v", v, err)
		}
		seals[v.Seal] = true
		if wrong, err := (store.Ledger{DB: db}).Check(t.Context()); err != nil || len(wrong) > 0 {
			t.Errorf("books: %+v, %v", wrong, err)
		}
	}
	if len(seals) != 1 {
		t.Error("the seals differ")
	}
}

// Fill puts something into most tables of a database.
func Fill(t *testing.T, db *store.DB) []ledger.Movement {
	t.Helper()
	load := importer(t, db)
	for _, f := range [][2]string{
		{"items", "id,name_en,gtin\nSKU-0,Zero,80614141123458\nSKU-1,一,\n"},
		{"locations", "code,site,kind,name_en\nS1,S1,site,Site\n"},
		{"tags", "tag,item,lot\nuid:9EB36E66,SKU-1,L1\n"},
	} {
		if _, err := load(f[0], f[1]); err != nil {
			t.Fatal(err)
		}
	}
	putSamples(t, store.Intake{DB: db}, someSamples(500))
	putSamples(t, store.Intake{DB: db, Spooled: true}, someSamples(7))
	return walk(t, db, 120)
}
