package api_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tallydock/tallydock/hub/api"
	"github.com/tallydock/tallydock/hub/event"
	"github.com/tallydock/tallydock/hub/ledger"
	"github.com/tallydock/tallydock/hub/once"
	"github.com/tallydock/tallydock/hub/store"
	"github.com/tallydock/tallydock/hub/store/sqlite"
	"github.com/tallydock/tallydock/hub/tenant"
)

const receiveTen = `{"item":"SKU-1","lot":"L1","quantity":10,"from":"SUPPLIER","to":"SZ1-A-01"}`

func (h *hub) onHand(item, location string) (n int64) {
	h.t.Helper()
	page, _, err := store.Ledger{DB: h.db}.Balances(h.t.Context(), ledger.BalanceFilter{Item: item, Location: location})
	if err != nil {
		h.t.Fatal(err)
	}
	for _, b := range page {
		n += b.Quantity
	}
	return n
}

func TestAChangeThatIsSentThirtyTwoTimesAtOnceIsDoneOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, open func(*testing.T) *hub) {
		h := open(t)
		h.catalogue()
		c := h.signIn("otto").keyed("delivery-4711")
		answers := make([]response, 32)
		var all sync.WaitGroup
		for i := range answers {
			all.Go(func() {
				for {
					answers[i] = c.do("POST", "/api/v1/movements", receiveTen)
					if answers[i].status != http.StatusConflict || answers[i].at("code") != "idempotency_in_flight" {
						return
					}
				}
			})
		}
		all.Wait()
		first := 0
		for _, a := range answers {
			if a.status != 201 || a.body != answers[0].body || a.header.Get("Location") != answers[0].header.Get("Location") {
				t.Errorf("%d %s; want as the first, %s", a.status, a.body, answers[0].body)
			}
			if a.header.Get("Idempotency-Replayed") == "" {
				first++
			}
		}
		if n := h.onHand("SKU-1", "SZ1-A-01"); n != 10 || first != 1 {
			t.Errorf("%d on hand, and %d answers are no replays; want 10 and 1", n, first)
		}
	})
}

func TestAKeyIsForOneRequestOfOneUser(t *testing.T) {
	h := start(t)
	h.catalogue()
	c := h.signIn("otto").keyed(`"in quotes"`)
	refused(t, c.do("POST", "/api/v1/movements", receiveTen), 400, "idempotency_key_invalid")
	c = c.keyed("k")
	first := c.do("POST", "/api/v1/movements", receiveTen)
	refused(t, c.do("POST", "/api/v1/movements", strings.Replace(receiveTen, "10", "11", 1)), 422, "idempotency_key_reused")
	refused(t, c.do("POST", "/api/v1/reservations", `{"item":"SKU-1","places":["SZ1-A-01"],"quantity":1}`), 422, "idempotency_key_reused")
	if again := c.keyed(`"k"`).do("POST", "/api/v1/movements", receiveTen); again.body != first.body {
		t.Errorf("as a structured field: %s; want %s", again.body, first.body)
	}
	if other := h.signIn("admin").keyed("k").do("POST", "/api/v1/movements", receiveTen); other.status != 201 || other.body == first.body {
		t.Errorf("of another user: %d %s", other.status, other.body)
	}
	if n := h.onHand("SKU-1", "SZ1-A-01"); n != 20 {
		t.Errorf("%d on hand", n)
	}
	for _, key := range []string{"a b", "é", strings.Repeat("x", 256)} {
		refused(t, c.keyed(key).do("POST", "/api/v1/movements", receiveTen), 400, "idempotency_key_invalid")
	}
	one, two := h.token("otto", tenant.LedgerPost), h.token("otto", tenant.LedgerPost)
	if a, b := one.keyed("k").do("POST", "/api/v1/movements", receiveTen), two.keyed("k").do("POST", "/api/v1/movements", receiveTen); a.status != 201 || b.status != 201 || a.body == b.body {
		t.Errorf("of two tokens: %d %s, %d %s", a.status, a.body, b.status, b.body)
	}
	bare := one.request(t.Context(), "POST", "/api/v1/movements", receiveTen)
	bare.Header.Del("Idempotency-Key")
	refused(t, one.send(bare), 400, "idempotency_key_required")
}

func TestARefusalIsGivenAgainToo(t *testing.T) {
	h := start(t)
	h.catalogue()
	c := h.signIn("otto").keyed("k")
	take := `{"item":"SKU-1","quantity":5,"from":"SZ1-A-01","to":"CUSTOMER"}`
	first := c.do("POST", "/api/v1/movements", take)
	refused(t, first, 409, "short")
	h.receive("epc:30340000000000000000000a", "SZ1-A-01")
	again := c.do("POST", "/api/v1/movements", take)
	if again.body != first.body || again.header.Get("Idempotency-Replayed") != "true" || again.header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("%s, %v; want %s", again.body, again.header, first.body)
	}
}

// A crash after the commit and before the answer was kept leaves a request in flight, which is begun anew later: then the
// ledger finds that it was done, and the answer is the one that got lost.
func TestAnAnswerThatWasLostIsMadeAgainWithoutASecondEffect(t *testing.T) {
	onBoth(t, func(t *testing.T, open func(*testing.T) *hub) {
		h := open(t)
		h.catalogue()
		c := h.signIn("otto")
		tag := "epc:30340000000000000000000b"
		h.receive(tag, "SZ1-A-01")
		for i, change := range [][2]string{
			{"/api/v1/movements", receiveTen},
			{"/api/v1/reservations", `{"item":"SKU-1","places":["SZ1-A-01"],"quantity":3,"for":"SO-1"}`},
			{"/api/v1/counts", `{"site":"SZ1","locations":["SZ1-A-01"]}`},
			{"/api/v1/units/epc:30340000000000000000000c/pack", `{"children":["` + tag + `"]}`},
		} {
			k := c.keyed(fmt.Sprint("lost-", i))
			first := k.do("POST", change[0], change[1])
			if first.status >= 300 {
				t.Fatalf("%s: %d %s", change[0], first.status, first.body)
			}
			err := h.db.Write(t.Context(), func(tx *store.Tx) error {
				return tx.Strike(`UPDATE idempotency SET status = 0, at = 1 WHERE status > 0`)
			})
			if err != nil {
				t.Fatal(err)
			}
			again := k.do("POST", change[0], change[1])
			if again.status != first.status || again.body != first.body || again.header.Get("Idempotency-Replayed") != "" {
				t.Errorf("%s: %d %s; want %d %s", change[0], again.status, again.body, first.status, first.body)
			}
		}
		if n := h.onHand("SKU-1", "SZ1-A-01"); n != 11 {
			t.Errorf("%d on hand; want 11", n)
		}
		if r := c.do("GET", "/api/v1/reservations", ""); len(r.at("items").([]any)) != 1 {
			t.Errorf("reservations %s", r.body)
		}
		if r := c.do("GET", "/api/v1/counts", ""); len(r.at("items").([]any)) != 1 {
			t.Errorf("counts %s", r.body)
		}
	})
}

func TestWhatIsInFlightWhenTheHubEndsMayBeBegunAnew(t *testing.T) {
	h := start(t)
	s := store.Idempotency{DB: h.db}
	r := once.Request{Principal: "otto", Key: "k"}
	if _, err := s.Begin(t.Context(), r, time.Now()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Begin(t.Context(), r, time.Now()); !errors.Is(err, once.ErrInFlight) {
		t.Fatal(err)
	}
	if err := s.Recover(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Begin(t.Context(), r, time.Now()); err != nil {
		t.Error(err)
	}
}

// What is answered with a secret is done once too, and is not told again; the database has neither the secret nor what came
// with it.
func TestASecretIsToldOnceAndNotKept(t *testing.T) {
	file := filepath.Join(t.TempDir(), "hub.db")
	h := startAt(t, options{limits: wide}, func(told func([]event.Event)) (*store.DB, error) {
		return sqlite.Open(t.Context(), file, time.Now, told)
	})
	c := h.signIn("admin")
	secrets := []string{"a password of mine", "secret-key-"}
	for i, change := range []struct{ path, body, secret string }{
		{"/tokens", `{"name":"x","scopes":["stock:read"],"days":1}`, "secret"},
		{"/users", `{"name":"nina","grants":[{"role":"viewer","site":""}]}`, "password"},
		{"/users/nina/password", `{}`, "password"},
		{"/account/totp", `{}`, "secret"},
		{"/webhooks", `{"url":"https://x.example/","description":"","events":["stock"],"sites":[]}`, "secret"},
		{"/account/password", `{"old":"` + password + `","new":"a password of mine"}`, "csrf"},
	} {
		k := c.keyed(fmt.Sprint("secret-key-", i))
		first := k.do("POST", "/api/v1"+change.path, change.body)
		if first.status != 200 {
			t.Fatalf("%s: %d %s", change.path, first.status, first.body)
		}
		secrets = append(secrets, first.at(change.secret).(string))
		if change.secret == "csrf" { // the session is another one now
			k.cookie, k.csrf = first.cookies[0], first.at("csrf").(string)
		}
		refused(t, k.do("POST", "/api/v1"+change.path, change.body), 409, "idempotency_told_once")
		refused(t, k.do("POST", "/api/v1"+change.path, change.body+" "), 422, "idempotency_key_reused")
	}
	files, err := filepath.Glob(file + "*")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range secrets {
			if bytes.Contains(text, []byte(s)) {
				t.Errorf("%s has %.14s… in the clear", filepath.Base(name), s)
			}
		}
	}
}

// What was refused told no secret, and may be sent again with the same key.
func TestARefusalOfASecretMayBeTriedAgain(t *testing.T) {
	h := start(t)
	k := h.signIn("admin").keyed("k")
	body := `{"name":"nina","grants":[{"role":"nothing","site":""}]}`
	for range 2 {
		refused(t, k.do("POST", "/api/v1/users", body), 422, "invalid")
	}
}

// Every answer that the description gives a secret to is of a change that tells it once.
func TestEveryAnswerWithASecretIsToldOnce(t *testing.T) {
	var doc struct {
		Paths map[string]map[string]struct {
			OperationID string `json:"operationId"`
			Responses   map[string]struct {
				Content map[string]struct{ Schema json.RawMessage }
			}
		}
		Components struct{ Schemas map[string]json.RawMessage }
	}
	if err := json.Unmarshal(description(t), &doc); err != nil {
		t.Fatal(err)
	}
	var has func(schema json.RawMessage, depth int) bool
	has = func(schema json.RawMessage, depth int) bool {
		var s struct {
			Ref        string `json:"$ref"`
			Items      json.RawMessage
			Properties map[string]json.RawMessage
		}
		if len(schema) == 0 || depth > 8 || json.Unmarshal(schema, &s) != nil {
			return false
		}
		if name, ok := strings.CutPrefix(s.Ref, "#/components/schemas/"); ok {
			return has(doc.Components.Schemas[name], depth+1)
		}
		for name, p := range s.Properties {
			if slices.Contains([]string{"secret", "password", "codes", "csrf"}, name) || has(p, depth+1) {
				return true
			}
		}
		return has(s.Items, depth+1)
	}
	found := map[string]bool{}
	for _, ops := range doc.Paths {
		for method, op := range ops {
			for status, r := range op.Responses {
				if method != "get" && op.OperationID != "signIn" && strings.HasPrefix(status, "2") && has(r.Content["application/json"].Schema, 0) {
					found[op.OperationID] = true
				}
			}
		}
	}
	if got := slices.Sorted(maps.Keys(found)); !slices.Equal(got, slices.Sorted(slices.Values(api.ToldOnce))) {
		t.Errorf("answers of %v have secrets; told once are %v", got, api.ToldOnce)
	}
}

func TestAReplayIsInTheLogAsOne(t *testing.T) {
	h := start(t)
	h.catalogue()
	k, admin := h.signIn("otto").keyed("k"), h.signIn("admin")
	for range 2 {
		k.must(201, "POST", "/api/v1/movements", receiveTen)
	}
	log := admin.changes("user=otto")
	if e := log[0].(map[string]any); e["action"] != "move" || e["after"].(map[string]any)["replayed"] != true {
		t.Errorf("%v", e)
	}
	if e := log[1].(map[string]any); e["action"] != "move" || e["after"].(map[string]any)["replayed"] != nil {
		t.Errorf("%v", e)
	}
}

func TestEveryChangeTakesAKeyAndSaysSo(t *testing.T) {
	var doc struct {
		Paths map[string]map[string]struct {
			Parameters []struct{ Name, In string }
		}
	}
	if err := json.Unmarshal(description(t), &doc); err != nil {
		t.Fatal(err)
	}
	for path, ops := range doc.Paths {
		for method, op := range ops {
			named := slices.ContainsFunc(op.Parameters, func(p struct{ Name, In string }) bool { return p.Name == "Idempotency-Key" && p.In == "header" })
			if changes := method != "get" && strings.HasPrefix(path, "/api/") && path != "/api/v1/session"; named != changes {
				t.Errorf("%s %s: described with a key %v; want %v", method, path, named, changes)
			}
		}
	}
}
