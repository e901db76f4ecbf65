package sqlite_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/hub/catalog"
	"github.com/tallydock/tallydock/hub/store/sqlite"
)

func openCatalog(t *testing.T) (*sqlite.DB, func(kind, csv string) (catalog.Imported, error)) {
	t.Helper()
	db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "hub.db"), time.Now, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db, func(kind, csv string) (catalog.Imported, error) {
		return catalog.NewImporter(sqlite.Catalog{DB: db}).Import(t.Context(), kind, strings.NewReader(csv))
	}
}

func TestImportInsertsAndUpdatesAndRefusesWhole(t *testing.T) {
	db, load := openCatalog(t)
	done, err := load("items", "id,name_en\nA,Apple\nB,Bread\n")
	if err != nil || done.Inserted != 2 || done.Updated != 0 {
		t.Fatalf("%+v, %v", done, err)
	}
	if done, err = load("items", "id,name_en\nB,Brown bread\nC,Cake\n"); err != nil || done.Inserted != 1 || done.Updated != 1 {
		t.Fatalf("%+v, %v", done, err)
	}
	if _, err = load("items", "id,name_en\nD,Dates\n E E,Eggs\n"); err == nil {
		t.Fatal("a file with a bad line is taken")
	}
	items, err := sqlite.Catalog{DB: db}.Items(t.Context())
	if err != nil || len(items) != 3 || items[1].Name.EN != "Brown bread" {
		t.Errorf("items %+v, %v; want A, B renamed, C, and nothing of the refused file", items, err)
	}
}

func TestTagsAreResolvedByRegistryFirstThenByGTIN(t *testing.T) {
	db, load := openCatalog(t)
	for kind, csv := range map[string]string{"items": "id,name_en,gtin\nWIDGET,Widget,80614141123458\nTOTE,Tote,\n"} {
		if _, err := load(kind, csv); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := load("tags", "tag,item,lot\nuid:9EB36E66,TOTE,L1\n"); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"uid:9eb36e66":                 "TOTE/L1",
		"epc:3074257bf7194e4000001a85": "WIDGET/", // SGTIN 0614141.812345.6789
		"epc:30740000000000000000000a": "",
		"uid:00000000":                 "",
	} {
		tag, err := devices.ParseTag(text)
		if err != nil {
			t.Fatal(err)
		}
		var item, lot string
		err = db.Write(t.Context(), func(tx *sqlite.Tx) (err error) {
			item, lot, err = tx.ResolveTag(tag)
			return err
		})
		switch {
		case want == "" && !errors.Is(err, sqlite.ErrUnknownTag):
			t.Errorf("%s: %v; want ErrUnknownTag", text, err)
		case want != "" && (err != nil || item+"/"+lot != want):
			t.Errorf("%s is on %s/%s, %v; want %s", text, item, lot, err, want)
		}
	}
}
