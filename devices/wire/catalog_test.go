package wire_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/tallydock/tallydock/devices/wire"
)

func catalogItems() []wire.CatalogItem {
	return []wire.CatalogItem{
		{GTIN: "09521234543213", Code: "SKU-1", NameEN: "Milk, 1 l", NameZH: "牛奶 1 升"}, {GTIN: "00614141123452", Code: "SKU-2"},
	}
}

// The golden is read as it was written; what compresses it may make other bytes of it some day.
func TestGoldenCatalogStaysReadable(t *testing.T) {
	c := codec(t)
	b, version, err := c.EncodeCatalog(catalogItems())
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		write(t, "testdata/catalog.v1.bytes", b)
	}
	for name, message := range map[string][]byte{"fresh": b, "golden": read(t, "testdata/catalog.v1.bytes")} {
		got, err := c.DecodeCatalog(message)
		if err != nil || got.Version != version || !reflect.DeepEqual(got.Items, catalogItems()) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	if version != 0xa14ac265ea560b7b {
		t.Errorf("version %#x", version)
	}
	if _, other, _ := c.EncodeCatalog(catalogItems()[:1]); other == version {
		t.Error("another content has the same version")
	}
}

func TestCatalogIsBounded(t *testing.T) {
	c := codec(t)
	items := make([]wire.CatalogItem, wire.MaxCatalogItems)
	for i := range items {
		items[i] = wire.CatalogItem{GTIN: fmt.Sprintf("%014d", i*7919), Code: fmt.Sprint("SKU-", i), NameEN: fmt.Sprint("Article number ", i), NameZH: "货品"}
	}
	b, _, err := c.EncodeCatalog(items)
	if err != nil || len(b) > wire.MaxMessageBytes/2 {
		t.Errorf("the largest: %d bytes, %v", len(b), err)
	}
	if got, err := c.DecodeCatalog(b); err != nil || len(got.Items) != len(items) {
		t.Errorf("read again: %d items, %v", len(got.Items), err)
	}
	if _, _, err := c.EncodeCatalog(append(items, items[0])); err == nil || !strings.Contains(err.Error(), "20001 items") {
		t.Errorf("one more: %v", err)
	}
	items[0].NameEN = strings.Repeat("x", wire.MaxPayload)
	if _, _, err := c.EncodeCatalog(items[:1]); err == nil {
		t.Error("a name of 4 MiB went through")
	}
}

func FuzzCatalog(f *testing.F) {
	c := codec(f)
	b, _, err := c.EncodeCatalog(catalogItems())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := c.DecodeCatalog(b)
		if err != nil {
			return
		}
		again, _, err := c.EncodeCatalog(got.Items)
		if err != nil {
			return // it was longer compressed than this code makes it
		}
		if back, err := c.DecodeCatalog(again); err != nil || !reflect.DeepEqual(back.Items, got.Items) {
			t.Fatalf("%+v became %+v, %v", got.Items, back.Items, err)
		}
	})
}
