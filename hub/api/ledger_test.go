package api_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/tallydock/tallydock/hub/event"
	"github.com/tallydock/tallydock/hub/store"
	"github.com/tallydock/tallydock/hub/store/sqlite"
)

// must sends a change that goes well.
func (c *client) must(status int, method, path, body string, headers ...string) response {
	c.t.Helper()
	r := c.with(method, path, body, headers...)
	if r.status != status {
		c.t.Fatalf("%s %s: %d %s; want %d", method, path, r.status, r.body, status)
	}
	return r
}

func TestGoodsAreReceivedReservedShippedAndTakenBack(t *testing.T) {
	h := start(t)
	h.catalogue()
	c := h.signIn("otto")
	r := c.must(201, "POST", "/api/v1/movements", receiveTen)
	if r.at("kind") != "receive" || r.header.Get("Location") != "/api/v1/movements/"+r.at("id").(string) || r.at("source") != "user:otto" {
		t.Errorf("%v %s", r.header, r.body)
	}
	if got := c.must(200, "GET", r.header.Get("Location"), ""); got.body != r.body {
		t.Errorf("read again: %s; want %s", got.body, r.body)
	}
	held := c.must(201, "POST", "/api/v1/reservations", `{"item":"SKU-1","places":["SZ1-A","SZ1-A-01"],"quantity":8,"for":"SO-1"}`)
	refused(t, c.do("POST", "/api/v1/movements", `{"item":"SKU-1","quantity":3,"from":"SZ1-A-01","to":"CUSTOMER"}`), 409, "short")
	r = c.must(201, "POST", "/api/v1/movements",
		`{"item":"SKU-1","quantity":5,"from":"SZ1-A-01","to":"CUSTOMER","reservation":"`+held.at("id").(string)+`"}`)
	b := c.must(200, "GET", "/api/v1/stock/balances?item=SKU-1", "")
	if b.at("items", 0, "quantity") != 5.0 || b.at("items", 0, "reserved") != 3.0 || b.at("items", 0, "free") != 2.0 || b.at("items", 0, "lot") != "L1" {
		t.Errorf("balances %s", b.body)
	}
	held = c.must(200, "POST", "/api/v1/reservations/"+held.at("id").(string)+"/release", "{}")
	if held.at("state") != "released" || held.at("holds", 0, "taken") != 5.0 {
		t.Errorf("reservation %s", held.body)
	}
	refused(t, c.do("POST", "/api/v1/reservations/"+held.at("id").(string)+"/release", "{}"), 409, "conflict")
	back := c.must(201, "POST", "/api/v1/movements/"+r.at("id").(string)+"/reverse", "{}")
	if back.at("reverses") != r.at("id") {
		t.Errorf("reversal %s", back.body)
	}
	refused(t, c.do("POST", "/api/v1/movements/"+r.at("id").(string)+"/reverse", "{}"), 409, "conflict")
	seal := c.must(200, "GET", "/api/v1/ledger/seal", "")
	if len(seal.at("seal").(string)) != 64 || seal.at("movements") != 3.0 {
		t.Errorf("seal %s", seal.body)
	}
}

func TestWhatIsWrongWithAMovementIsPointedAt(t *testing.T) {
	h := start(t)
	h.catalogue()
	c := h.signIn("otto")
	for body, want := range map[string]string{
		`{"item":"NONE","quantity":1,"from":"SUPPLIER","to":"SZ1-A-01"}`:                                             "#/item",
		`{"item":"SKU-1","quantity":1,"from":"SUPPLIER","to":"NOWHERE"}`:                                             "#/to",
		`{"item":"SKU-1","quantity":1,"from":"NOWHERE","to":"SZ1-A-01"}`:                                             "#/from",
		`{"tags":["epc:30340000000000000000000a","x"],"from":"SUPPLIER","to":"SZ1-A-01"}`:                            "#/tags/1",
		`{"tags":["epc:30340000000000000000000a","epc:30340000000000000000000a"],"from":"SUPPLIER","to":"SZ1-A-01"}`: "#/tags/1",
		`{"item":"SKU-1","quantity":-1,"from":"SUPPLIER","to":"SZ1-A-01"}`:                                           "#/quantity",
		`{"item":"SKU-1","quantity":1,"from":"SUPPLIER","to":"SZ1-A-01","to_state":"lost"}`:                          "#/to_state",
		`{"item":"SKU-1","quantity":1,"from":"SUPPLIER","to":"SZ1-A-01","at":"2999-01-01T00:00:00Z"}`:                "#/at",
		`{"item":"SKU-1","quantity":1,"from":"SUPPLIER","to":"SZ1-A-01","a/b":1}`:                                    "#/a~1b",
	} {
		r := c.do("POST", "/api/v1/movements", body)
		refused(t, r, 422, "invalid")
		if r.at("errors", 0, "pointer") != want {
			t.Errorf("%s: %s; want %s", body, r.body, want)
		}
	}
	refused(t, c.do("POST", "/api/v1/movements", `{"item":"SKU-1","from":"SUPPLIER","to":"SZ1-A-01"}`), 422, "invalid")
	refused(t, c.do("POST", "/api/v1/movements", `{"tags":["epc:3034000000000000000000ff"],"from":"SZ1-A","to":"SZ1-A-01"}`), 409, "conflict")
	refused(t, c.do("POST", "/api/v1/movements/00000000-0000-7000-8000-000000000000/reverse", "{}"), 404, "not_found")
	refused(t, c.do("GET", "/api/v1/units/nothing", ""), 422, "invalid")
}

func TestTagsArePackedMovedAndUnpacked(t *testing.T) {
	h := start(t)
	h.catalogue()
	tag := "epc:30340000000000000000000a"
	h.receive(tag, "SZ1-A-01")
	c := h.signIn("otto")
	pallet := "/api/v1/units/" + url.PathEscape("epc:30740000000000000000000f")
	if r := c.must(200, "POST", pallet+"/pack", `{"children":["`+tag+`"]}`); r.at("contents", 0) != tag {
		t.Errorf("packed %s", r.body)
	}
	if r := c.must(200, "GET", "/api/v1/units/"+tag, ""); r.at("parent") != "epc:30740000000000000000000f" || len(r.at("contents").([]any)) != 0 {
		t.Errorf("child %s", r.body)
	}
	c.must(201, "POST", "/api/v1/movements", `{"tags":["`+tag+`"],"from":"SZ1-A-01","to":"SZ1-A"}`)
	refused(t, c.do("POST", pallet+"/unpack", `{"children":["epc:30340000000000000000000b"]}`), 409, "conflict")
	if r := c.must(200, "POST", pallet+"/unpack", `{}`); len(r.at("contents").([]any)) != 0 {
		t.Errorf("unpacked %s", r.body)
	}
}

func TestACountIsOpenedSweptSubmittedAndApprovedByAnother(t *testing.T) {
	h := start(t)
	h.catalogue()
	h.receive("epc:30340000000000000000000a", "SZ1-A-01")
	c, other := h.signIn("otto"), h.signIn("admin")
	c.must(201, "POST", "/api/v1/movements", receiveTen)
	count := c.must(201, "POST", "/api/v1/counts", `{"site":"SZ1","locations":["SZ1-A-01"]}`)
	at := "/api/v1/counts/" + count.at("id").(string)
	c.must(200, "POST", at+"/sweeps", `{"location":"SZ1-A-01","tags":[]}`)
	c.must(200, "POST", at+"/hand", `{"location":"SZ1-A-01","item":"SKU-1","lot":"L1","quantity":9}`)
	refused(t, c.do("POST", at+"/sweeps", `{"location":"SZ1-A","tags":[]}`), 422, "invalid")
	refused(t, c.do("POST", at+"/approve", `{}`), 409, "conflict")
	r := c.must(200, "POST", at+"/submit", "{}")
	if r.at("state") != "submitted" || len(r.at("lines").([]any)) != 2 || r.at("lines", 0, "difference") != -1.0 {
		t.Errorf("submitted %s", r.body)
	}
	r = other.must(200, "POST", at+"/approve", `{"reason":"seen"}`)
	if r.at("state") != "posted" || r.at("movement") == "" || h.onHand("SKU-1", "SZ1-A-01") != 9 {
		t.Errorf("approved %s; %d on hand", r.body, h.onHand("SKU-1", "SZ1-A-01"))
	}
	if r := c.must(200, "GET", "/api/v1/counts?state=posted", ""); len(r.at("items").([]any)) != 1 || len(r.at("items", 0, "lines").([]any)) != 0 {
		t.Errorf("list %s", r.body)
	}
	second := c.must(201, "POST", "/api/v1/counts", `{"site":"SZ1","locations":["SZ1-A-01"]}`)
	if r := c.must(200, "POST", "/api/v1/counts/"+second.at("id").(string)+"/cancel", "{}"); r.at("state") != "cancelled" {
		t.Errorf("cancelled %s", r.body)
	}
	if file := c.must(200, "GET", "/api/v1/exports/counts/"+count.at("id").(string)+"?plain=true", ""); strings.Count(file.body, "\n") != 3 {
		t.Errorf("lines %q", file.body)
	}
}

func TestClosedBooksRefuseWhatHappenedBefore(t *testing.T) {
	h := start(t)
	h.catalogue()
	c := h.signIn("admin")
	until := time.Now().UTC().Add(-time.Hour).Format(time.RFC3339)
	first := c.must(200, "POST", "/api/v1/periods", `{"until":"`+until+`"}`)
	if again := c.must(200, "POST", "/api/v1/periods", `{"until":"`+until+`"}`); again.body != first.body {
		t.Errorf("closed again: %s; want %s", again.body, first.body)
	}
	old := fmt.Sprintf(`{"item":"SKU-1","quantity":1,"from":"SUPPLIER","to":"SZ1-A-01","at":%q}`, time.Now().UTC().Add(-2*time.Hour).Format(time.RFC3339))
	refused(t, c.do("POST", "/api/v1/movements", old), 409, "conflict")
	refused(t, c.do("POST", "/api/v1/periods", `{"until":"2020-01-01T00:00:00Z"}`), 422, "invalid")
	c.must(200, "POST", "/api/v1/periods", `{"until":"2020-01-01T00:00:00Z","reason":"invoice came late"}`)
	c.must(201, "POST", "/api/v1/movements", old)
	if r := c.must(200, "GET", "/api/v1/periods", ""); len(r.at("items").([]any)) != 2 {
		t.Errorf("%s", r.body)
	}
}

// A stream goes on where it was when the hub comes back over the same database.
func TestStreamGoesOnAfterTheHubStartedAgain(t *testing.T) {
	file := t.TempDir() + "/hub.db"
	again := func() *hub {
		return startOn(t, func(told func([]event.Event)) (*store.DB, error) {
			return sqlite.Open(t.Context(), file, time.Now, told)
		})
	}
	h := again()
	_, messages := h.signIn("vera").listen("", "")
	next(t, messages) // hello
	h.emit(3)
	last := ""
	for range 3 {
		last = next(t, messages).id
	}
	h.server.CloseClientConnections()
	h.server.Close()
	h.emit(8) // more than the ring keeps, and nobody listens
	h.db.Close()

	h = again()
	h.emit(1)
	_, messages = h.signIn("vera").listen("", last)
	if m := next(t, messages); !strings.HasPrefix(m.data, `{"seq":12,"resync":false`) {
		t.Errorf("hello %+v", m)
	}
	for seq := 4; seq <= 12; seq++ {
		if m := next(t, messages); m.id != fmt.Sprint(seq) {
			t.Fatalf("got %+v; want %d", m, seq)
		}
	}
}
