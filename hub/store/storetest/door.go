package storetest

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/tallydock/tallydock/hub/connect/webhook"
	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/secret"
	"github.com/tallydock/tallydock/hub/store"
	"github.com/tallydock/tallydock/hub/tenant"
)

func person(name string, g tenant.Grants) tenant.User {
	return tenant.User{Name: name, Kind: tenant.Local, Grants: g, Password: "$hash", Language: "zh-CN", Made: true, Changed: noon}
}

func testUsersAreKeptWithTheirGrants(t *testing.T, open Open) {
	ctx := context.Background()
	users := store.Tenant{DB: openAt(t, open, nil)}
	anna := person("anna", tenant.Grants{{Role: tenant.Operator, Site: "A"}, {Role: tenant.Viewer}})
	if err := users.PutUser(ctx, anna, true, false); err != nil {
		t.Fatal(err)
	}
	if got, err := users.User(ctx, "anna"); err != nil || !reflect.DeepEqual(got, anna) {
		t.Errorf("got  %+v, %v\nwant %+v", got, err, anna)
	}
	anna.Grants, anna.Disabled, anna.Made = tenant.Grants{}, true, false
	if err := users.PutUser(ctx, anna, true, false); err != nil {
		t.Fatal(err)
	}
	erna := tenant.User{Name: "erna", Kind: tenant.External, Subject: "https://x|1", Grants: tenant.Everywhere(tenant.Buyer), Changed: noon}
	if err := users.PutUser(ctx, erna, true, false); err != nil {
		t.Fatal(err)
	}
	if all, err := users.Users(ctx); err != nil || !reflect.DeepEqual(all, []tenant.User{anna, erna}) {
		t.Errorf("all %+v, %v", all, err)
	}
	if got, err := users.BySubject(ctx, "https://x|1"); err != nil || got.Name != "erna" {
		t.Errorf("by subject %+v, %v", got, err)
	}
	if _, err := users.BySubject(ctx, ""); !errors.Is(err, fault.NotFound) {
		t.Errorf("by no subject: %v", err)
	}
	if _, err := users.User(ctx, "nobody"); !errors.Is(err, fault.NotFound) {
		t.Errorf("nobody: %v", err)
	}
	erna.Subject = "https://x|2"
	if err := users.PutUser(ctx, erna, true, false); !errors.Is(err, fault.Conflict) {
		t.Errorf("another subject in a user's place: %v", err)
	}
	if n, err := users.CountUsers(ctx); n != 2 || err != nil {
		t.Errorf("%d users, %v", n, err)
	}
}

// testAdministratorsDoNotTakeEachOtherOut: of two who do so at once one stays.
func testAdministratorsDoNotTakeEachOtherOut(t *testing.T, open Open) {
	ctx := context.Background()
	users := store.Tenant{DB: openAt(t, open, nil)}
	both := []tenant.User{person("one", tenant.Everywhere(tenant.Admin)), person("two", tenant.Everywhere(tenant.Admin))}
	for _, u := range both {
		if err := users.PutUser(ctx, u, true, false); err != nil {
			t.Fatal(err)
		}
	}
	var group sync.WaitGroup
	errs := make([]error, 2)
	for i, u := range both {
		u.Disabled = true
		group.Go(func() { errs[i] = users.PutUser(ctx, u, true, true) })
	}
	group.Wait()
	if (errs[0] == nil) == (errs[1] == nil) || !errors.Is(errors.Join(errs...), fault.Conflict) {
		t.Errorf("got %v and %v", errs[0], errs[1])
	}
}

func testSessionsBelongToTheirUser(t *testing.T, open Open) {
	ctx := context.Background()
	users := store.Tenant{DB: openAt(t, open, nil)}
	if err := users.PutUser(ctx, person("anna", tenant.Everywhere(tenant.Viewer)), true, false); err != nil {
		t.Fatal(err)
	}
	var all []tenant.StoredSession
	for i := range 3 {
		at := noon.Add(time.Duration(-i) * time.Hour)
		s := tenant.StoredSession{TokenHash: sha256.Sum256([]byte{byte(i)}), User: "anna", Opened: at, Seen: at, Address: "10.0.0.1", Agent: "browser"}
		if err := users.OpenSession(ctx, s, noon.Add(-150*time.Minute)); err != nil {
			t.Fatal(err)
		}
		all = append(all, s)
	}
	if got, err := users.SessionsOf(ctx, "anna"); err != nil || !reflect.DeepEqual(got, all) {
		t.Errorf("got  %+v, %v\nwant %+v", got, err, all)
	}
	if err := users.TouchSession(ctx, all[1].TokenHash, noon); err != nil {
		t.Fatal(err)
	}
	if s, u, err := users.Session(ctx, all[1].TokenHash); err != nil || !s.Seen.Equal(noon) || u.Name != "anna" || len(u.Grants) != 1 {
		t.Errorf("%+v, %+v, %v", s, u, err)
	}
	if err := users.DeleteSession(ctx, all[0].TokenHash); err != nil {
		t.Fatal(err)
	}
	if _, _, err := users.Session(ctx, all[0].TokenHash); !errors.Is(err, tenant.ErrNoSession) {
		t.Errorf("deleted: %v", err)
	}
	if err := users.PutUser(ctx, person("anna", nil), true, false); err != nil {
		t.Fatal(err)
	}
	if got, err := users.SessionsOf(ctx, "anna"); err != nil || len(got) != 0 {
		t.Errorf("after a change of the user: %+v, %v", got, err)
	}
}

// testWhatCountsOnceCountsOnce: steps and codes of an authenticator, and journeys, by many at once.
func testWhatCountsOnceCountsOnce(t *testing.T, open Open) {
	ctx := context.Background()
	users := store.Tenant{DB: openAt(t, open, nil)}
	code := sha256.Sum256([]byte("code"))
	f := tenant.Factor{User: "anna", Secret: []byte{0, 1, 0xff}, Confirmed: true, Step: 7}
	if err := users.PutFactor(ctx, f, [][32]byte{code}); err != nil {
		t.Fatal(err)
	}
	if got, err := users.Factor(ctx, "anna"); err != nil || !reflect.DeepEqual(got, f) {
		t.Errorf("got %+v, %v", got, err)
	}
	if err := users.AddLogin(ctx, code, "/next", noon); err != nil {
		t.Fatal(err)
	}
	for what, use := range map[string]func() (bool, error){
		"a step that was used": func() (bool, error) { ok, err := users.UseStep(ctx, "anna", 7); return ok, err },
		"another's step":       func() (bool, error) { return users.UseStep(ctx, "berta", 9) },
		"another's code":       func() (bool, error) { return users.UseCode(ctx, "berta", code) },
	} {
		if ok, err := use(); ok || err != nil {
			t.Errorf("%s: %v, %v", what, ok, err)
		}
	}
	for what, use := range map[string]func() (bool, error){
		"a step": func() (bool, error) { return users.UseStep(ctx, "anna", 8) },
		"a code": func() (bool, error) { return users.UseCode(ctx, "anna", code) },
		"a journey": func() (bool, error) {
			next, err := users.TakeLogin(ctx, code, noon)
			if errors.Is(err, fault.NotFound) {
				return false, nil
			}
			return next == "/next", err
		},
	} {
		var group sync.WaitGroup
		var mu sync.Mutex
		n := 0
		for range 8 {
			group.Go(func() {
				ok, err := use()
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					t.Errorf("%s: %v", what, err)
				}
				if ok {
					n++
				}
			})
		}
		group.Wait()
		if n != 1 {
			t.Errorf("%s counted %d times", what, n)
		}
	}
	if err := users.DropFactor(ctx, "anna"); err != nil {
		t.Fatal(err)
	}
	if err := users.DropFactor(ctx, "anna"); !errors.Is(err, fault.NotFound) {
		t.Errorf("dropped twice: %v", err)
	}
}

func testTokensAreFoundByTheirHash(t *testing.T, open Open) {
	ctx := context.Background()
	users := store.Tenant{DB: openAt(t, open, nil)}
	if err := users.PutUser(ctx, person("anna", tenant.Everywhere(tenant.Viewer)), true, false); err != nil {
		t.Fatal(err)
	}
	k := tenant.Token{
		ID: "a1", Hash: sha256.Sum256([]byte("k")), User: "anna", Name: "a name of words", Scopes: []tenant.Permission{tenant.AlarmRead, tenant.StockRead},
		Sites: []string{"A", "B"}, Made: noon, Expires: noon.Add(time.Hour),
	}
	if err := users.AddToken(ctx, k); err != nil {
		t.Fatal(err)
	}
	if got, u, err := users.TokenByHash(ctx, k.Hash); err != nil || !reflect.DeepEqual(got, k) || u.Name != "anna" {
		t.Errorf("got %+v, %+v, %v", got, u, err)
	}
	if _, _, err := users.TokenByHash(ctx, sha256.Sum256(nil)); !errors.Is(err, tenant.ErrNoToken) {
		t.Errorf("unknown: %v", err)
	}
	k.Used, k.Revoked = noon.Add(time.Minute), noon.Add(2*time.Minute)
	if err := errors.Join(users.TouchToken(ctx, "a1", k.Used), users.TouchToken(ctx, "a1", noon), users.RevokeToken(ctx, "a1", k.Revoked),
		users.RevokeToken(ctx, "a1", noon)); err != nil {
		t.Fatal(err)
	}
	for _, user := range []string{"anna", ""} {
		if got, err := users.Tokens(ctx, user); err != nil || !reflect.DeepEqual(got, []tenant.Token{k}) {
			t.Errorf("of %q: %+v, %v", user, got, err)
		}
	}
	if got, err := users.Tokens(ctx, "berta"); err != nil || len(got) != 0 {
		t.Errorf("of another: %+v, %v", got, err)
	}
}

func webhookSecret(t *testing.T) webhook.Secret {
	t.Helper()
	s, err := webhook.NewSecret(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func testSecretsAreSealedAgain(t *testing.T, open Open) {
	ctx := context.Background()
	db := openAt(t, open, nil)
	first, next := secret.NewKey(), secret.NewKey()
	parse := func(text string) *secret.Keyring {
		k, err := secret.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	old := secret.Vault{Keys: parse(first), Store: store.Secrets{DB: db}}
	if err := old.Put(ctx, "webhook/1", "whsec"); err != nil {
		t.Fatal(err)
	}
	f := tenant.Factor{User: "anna", Secret: old.Keys.Seal("totp/anna", []byte("twenty bytes")), Confirmed: true}
	if err := (store.Tenant{DB: db}).PutFactor(ctx, f, nil); err != nil {
		t.Fatal(err)
	}
	id := newID()
	current, previous := webhookSecret(t), webhookSecret(t)
	hooks := store.Webhooks{DB: db, Sealer: old.Keys}
	for i, both := range []webhook.Secrets{{Current: current}, {Current: current, Previous: previous, Until: noon}} {
		e := webhook.Endpoint{ID: []string{newID(), id}[i], URL: "https://x.example", State: webhook.Enabled, Secrets: both, Revision: 1}
		if err := hooks.AddEndpoint(ctx, e); err != nil {
			t.Fatal(err)
		}
	}
	both := secret.Vault{Keys: parse(next + "\n" + first), Store: store.Secrets{DB: db}}
	for _, want := range []int{5, 0} {
		if n, err := both.Reseal(ctx); n != want || err != nil {
			t.Errorf("sealed %d again, %v; want %d", n, err, want)
		}
	}
	fresh := secret.Vault{Keys: parse(next), Store: store.Secrets{DB: db}}
	if text, err := fresh.Get(ctx, "webhook/1"); text != "whsec" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
	if f, err := (store.Tenant{DB: db}).Factor(ctx, "anna"); err != nil {
		t.Error(err)
	} else if text, err := fresh.Keys.Open("totp/anna", f.Secret); string(text) != "twenty bytes" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
	hooks.Sealer = fresh.Keys
	all, err := hooks.Endpoints(ctx)
	if err != nil || len(all) != 2 {
		t.Errorf("%d endpoints by the new key alone, %v", len(all), err)
	}
	for _, e := range all {
		if e.Secrets.Current != current || (e.Secrets.Previous == previous) != (e.ID == id) {
			t.Errorf("endpoint %s by the new key alone: %v", e.ID, e.Secrets)
		}
	}
	if _, err := old.Get(ctx, "webhook/1"); !errors.Is(err, secret.ErrKey) {
		t.Errorf("by the key that is gone: %v", err)
	}
	if _, err := fresh.Get(ctx, "webhook/2"); !errors.Is(err, fault.NotFound) {
		t.Errorf("unknown: %v", err)
	}
}

// testRolesOfBeforeBecomeGrants: the numbers that users had, up and down.
func testRolesOfBeforeBecomeGrants(t *testing.T, open Open) {
	ctx := context.Background()
	db := openAt(t, open, nil)
	if err := db.Migrate(ctx, 8); err != nil {
		t.Fatal(err)
	}
	want := map[string]tenant.Grants{
		"vera": tenant.Everywhere(tenant.Viewer), "otto": tenant.Everywhere(tenant.Operator),
		"paula": {{Role: tenant.Operator}, {Role: tenant.Planner}}, "root": tenant.Everywhere(tenant.Admin),
	}
	err := db.Write(ctx, func(tx *store.Tx) error {
		for i, name := range []string{"vera", "otto", "paula", "root"} {
			if err := tx.Strike(`INSERT INTO app_user (name, role, password, language, changed) VALUES (?, ?, 'x', '', 1)`, name, i+1); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	users := store.Tenant{DB: db}
	for range 2 {
		if err := db.Migrate(ctx, store.Newest); err != nil {
			t.Fatal(err)
		}
		for name, g := range want {
			if u, err := users.User(ctx, name); err != nil || !reflect.DeepEqual(u.Grants, g) || u.Kind != tenant.Local || u.Disabled {
				t.Errorf("%s: %+v, %v", name, u, err)
			}
		}
		if err := db.Migrate(ctx, 8); err != nil {
			t.Fatal(err)
		}
	}
}

// testACopyHasTheDoorToo: users, tokens, authenticators, sealed secrets and the log.
func testACopyHasTheDoorToo(t *testing.T, open Open) {
	ctx := context.Background()
	old, fresh := openAt(t, open, nil), openAt(t, open, nil)
	users := store.Tenant{DB: old}
	hash := sha256.Sum256([]byte("k"))
	k := tenant.Token{ID: "a1", Hash: hash, User: "anna", Name: "n", Scopes: []tenant.Permission{tenant.StockRead}, Sites: []string{}, Made: noon, Expires: noon}
	err := errors.Join(
		users.PutUser(ctx, person("anna", tenant.Everywhere(tenant.Viewer)), true, false),
		users.PutFactor(ctx, tenant.Factor{User: "anna", Secret: []byte{1, 0, 2}, Confirmed: true, Step: 5}, [][32]byte{hash}),
		users.AddToken(ctx, k), users.OpenSession(ctx, tenant.StoredSession{TokenHash: hash, User: "anna", Opened: noon, Seen: noon}, noon),
		store.Secrets{DB: old}.Put(ctx, secret.Sealed{Label: "x", Value: []byte{0xff, 0}}),
	)
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Copy(ctx, old, fresh, nil); err != nil {
		t.Fatal(err)
	}
	there := store.Tenant{DB: fresh}
	if got, u, err := there.TokenByHash(ctx, hash); err != nil || !reflect.DeepEqual(got, k) || !u.Factor || !u.Made {
		t.Errorf("%+v, %+v, %v", got, u, err)
	}
	a, err := store.Audit{DB: old}.Verify(ctx)
	b, berr := store.Audit{DB: fresh}.Verify(ctx)
	if err != nil || berr != nil || a.Seal != b.Seal || len(b.Wrong) > 0 || a.Entries < 4 {
		t.Errorf("the log: %+v, %v; in the copy %+v, %v", a, err, b, berr)
	}
}
