package storetest

import (
	"strings"
	"testing"
	"time"

	"github.com/tallydock/tallydock/hub/store"
)

func testDoctorFindsWhatWasChanged(t *testing.T, open Open) {
	db := open(t, time.Now, nil)
	Fill(t, db)
	d := store.Doctor{DB: db}
	if has, newest, err := d.Schema(t.Context()); err != nil || has != newest || has == 0 {
		t.Errorf("schema %d of %d, %v", has, newest, err)
	}
	version, remarks, err := d.Remarks(t.Context())
	if err != nil || version == "" {
		t.Errorf("%q, %v", version, err)
	}
	for _, r := range remarks {
		if r.Bad && !strings.Contains(r.Says, " is off: ") { // which is so for a test's server
			t.Errorf("%+v", r)
		}
	}
	if ahead, err := d.ClockAhead(t.Context()); err != nil || ahead.Abs() > 5*time.Second {
		t.Errorf("%v ahead, %v", ahead, err)
	}
	n, wrong, err := d.Tail(t.Context())
	if err != nil || n == 0 || len(wrong) > 0 {
		t.Errorf("%d movements, %v, %v", n, wrong, err)
	}
	err = db.Write(t.Context(), func(tx *store.Tx) error {
		return tx.Strike(`UPDATE movement_line SET quantity = quantity + 1 WHERE movement = (SELECT id FROM movement ORDER BY id LIMIT 1)`)
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, wrong, err := d.Tail(t.Context()); err != nil || len(wrong) != 1 {
		t.Errorf("after a change: %v, %v", wrong, err)
	}
}

func testFiguresCount(t *testing.T, open Open) {
	db := open(t, time.Now, nil)
	Fill(t, db)
	f, err := db.Figures(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	v, err := store.Ledger{DB: db}.Verify(t.Context(), nil)
	if err != nil || f.Movements != v.Movements || f.Movements == 0 {
		t.Errorf("%d movements; the ledger has %d, %v", f.Movements, v.Movements, err)
	}
	if f.Size <= 0 || f.EventHead <= 0 {
		t.Errorf("%+v", f)
	}
	if err := db.Ping(t.Context()); err != nil {
		t.Error(err)
	}
}
