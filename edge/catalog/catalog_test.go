package catalog_test

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/epc"
	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/edge/catalog"
	"github.com/tallydock/tallydock/edge/store"
)

func open(t *testing.T, dir string) *store.Store {
	t.Helper()
	st, _, err := store.Open(t.Context(), store.Options{Dir: dir, Edge: "E1", BallastBytes: -1, MinFree: 1})
	if err != nil {
		t.Fatal(err)
	}
	return st
}

func known(t *testing.T, st *store.Store) *catalog.Catalog {
	t.Helper()
	c, err := catalog.New(st, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// message makes a catalogue whose items have names of random letters, so that it is long.
func message(t *testing.T, items int, name string) []byte {
	t.Helper()
	codec, err := wire.NewCodec()
	if err != nil {
		t.Fatal(err)
	}
	list := []wire.CatalogItem{{GTIN: "10614141543219", Code: "SKU-7", NameEN: name, NameZH: "牛奶"}}
	x := uint64(1)
	for i := range items {
		x = x*6364136223846793005 + 1442695040888963407
		list = append(list, wire.CatalogItem{GTIN: fmt.Sprintf("%014d", i), Code: fmt.Sprintf("%016x%016x", x, x*x)})
	}
	b, _, err := codec.EncodeCatalog(list)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestGoodsHaveNamesAfterARestart(t *testing.T) {
	dir := t.TempDir()
	st := open(t, dir)
	c := known(t, st)
	tag, err := epc.EncodeSGTIN96("10614141543219", 7, 1, 4711)
	if err != nil {
		t.Fatal(err)
	}
	card, _ := devices.NewTag(devices.TagUID, []byte{1, 2, 3, 4})
	if _, ok := c.Item(tag); ok || c.Version() != 0 {
		t.Error("an item is known before the hub said any")
	}
	long := message(t, 15_000, "Milk")
	if len(long) < 3*96<<10 {
		t.Fatalf("the message has only %d bytes", len(long))
	}
	if err := c.Take(t.Context(), long); err != nil {
		t.Fatal(err)
	}
	again := func(want string) {
		t.Helper()
		if err := st.Close(); err != nil {
			t.Fatal(err)
		}
		st = open(t, dir)
		c = known(t, st)
		if it, ok := c.Item(tag); !ok || it.NameEN != want || it.Code != "SKU-7" || it.NameZH != "牛奶" {
			t.Errorf("got %+v, %v", it, ok)
		}
		if _, ok := c.Item(card); ok {
			t.Error("a card has an item")
		}
	}
	again("Milk")
	if _, ok := c.ItemOf("00000000014999"); !ok {
		t.Error("the last item is not known")
	}
	if err := c.Take(t.Context(), message(t, 3, "Milk, 1 l")); err != nil { // fewer pieces
		t.Fatal(err)
	}
	again("Milk, 1 l")
	if err := c.Take(t.Context(), []byte("nonsense")); err == nil {
		t.Error("nonsense was taken")
	}
	again("Milk, 1 l")
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestDamagedCatalogueIsLeftOut(t *testing.T) {
	st := open(t, t.TempDir())
	defer st.Close()
	if _, err := st.Commit(t.Context(), store.Batch{Put: []store.KV{{Key: []byte(catalog.Prefix + "0000"), Value: []byte("half of it")}}}); err != nil {
		t.Fatal(err)
	}
	var told strings.Builder
	c, err := catalog.New(st, slog.New(slog.NewTextHandler(&told, nil)))
	if err != nil || c.Version() != 0 || !strings.Contains(told.String(), "damaged") {
		t.Errorf("%v, version %d, %s", err, c.Version(), &told)
	}
	if err := c.Take(t.Context(), message(t, 1, "Milk")); err != nil || c.Version() == 0 {
		t.Errorf("the hub says it again: %v", err)
	}
}
