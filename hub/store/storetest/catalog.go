package storetest

import (
	"strings"
	"testing"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/hub/catalog"
	"github.com/tallydock/tallydock/hub/intake"
	"github.com/tallydock/tallydock/hub/store"
)

func importer(t *testing.T, db *store.DB) func(kind, csv string) (catalog.Imported, error) {
	return func(kind, csv string) (catalog.Imported, error) {
		return catalog.NewImporter(store.Catalog{DB: db}).Import(t.Context(), kind, strings.NewReader(csv))
	}
}

func testImportInsertsAndUpdatesAndRefusesWhole(t *testing.T, open Open) {
	db := openAt(t, open, nil)
	load := importer(t, db)
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
	items, err := store.Catalog{DB: db}.Items(t.Context())
	if err != nil || len(items) != 3 || items[1].Name.EN != "Brown bread" {
		t.Errorf("items %+v, %v; want A, B renamed, C, and nothing of the refused file", items, err)
	}
}

func testTagsAreResolvedByRegistryFirstThenByGTIN(t *testing.T, open Open) {
	db := openAt(t, open, nil)
	load := importer(t, db)
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
		"epc:30740000000000000000000a": "/",
		"uid:00000000":                 "/",
	} {
		tag, err := devices.ParseTag(text)
		if err != nil {
			t.Fatal(err)
		}
		var on intake.Tagged
		err = store.Intake{DB: db}.Take(t.Context(), func(tx intake.Tx) (err error) {
			on, err = tx.Tagged(tag)
			return err
		})
		if err != nil || on.Item+"/"+on.Lot != want || (want == "/") != (on.Unknown != "" && on.Detail != "") {
			t.Errorf("%s is on %+v, %v; want %s", text, on, err, want)
		}
	}
}
