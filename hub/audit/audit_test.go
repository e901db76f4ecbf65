package audit_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tallydock/tallydock/hub/audit"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func chain(n int) (all []audit.Entry, end [32]byte) {
	for i := range n {
		e := audit.Entry{
			Seq: int64(i) + 1, At: noon.Add(time.Duration(i) * time.Second), User: fmt.Sprint("u", i), Resource: "user", ID: "anna",
			Before: json.RawMessage("null"), After: json.RawMessage(`{"a":1}`), Outcome: audit.Done,
		}
		e.Hash = e.Seal(end)
		end = e.Hash
		all = append(all, e)
	}
	return all, end
}

func verify(all []audit.Entry, seq int64, end [32]byte) audit.Verification {
	v := &audit.Verifier{}
	for _, e := range all {
		v.Add(e)
	}
	return v.End(seq, end)
}

func TestVerifyFindsEveryChange(t *testing.T) {
	all, end := chain(9)
	if v := verify(all, 9, end); len(v.Wrong) != 0 || v.Entries != 9 || v.Seal != fmt.Sprintf("9:%x", end) {
		t.Fatalf("a whole chain: %+v", v)
	}
	for name, spoil := range map[string]func([]audit.Entry) []audit.Entry{
		"a user":        func(l []audit.Entry) []audit.Entry { l[4].User = "x"; return l },
		"a time":        func(l []audit.Entry) []audit.Entry { l[4].At = l[4].At.Add(time.Microsecond); return l },
		"what was":      func(l []audit.Entry) []audit.Entry { l[4].Before = json.RawMessage(`{}`); return l },
		"what became":   func(l []audit.Entry) []audit.Entry { l[4].After = json.RawMessage(`{"a":2}`); return l },
		"an outcome":    func(l []audit.Entry) []audit.Entry { l[4].Outcome = audit.Refused; return l },
		"text moved":    func(l []audit.Entry) []audit.Entry { l[4].Resource, l[4].ID = "use", "ranna"; return l },
		"one gone":      func(l []audit.Entry) []audit.Entry { return slices.Delete(l, 4, 5) },
		"the first":     func(l []audit.Entry) []audit.Entry { return l[1:] },
		"the last":      func(l []audit.Entry) []audit.Entry { return l[:8] },
		"one twice":     func(l []audit.Entry) []audit.Entry { return slices.Insert(l, 4, l[4]) },
		"two exchanged": func(l []audit.Entry) []audit.Entry { l[4], l[5] = l[5], l[4]; return l },
		"one made new": func(l []audit.Entry) []audit.Entry {
			l[4].User = "x"
			l[4].Hash = l[4].Seal(l[3].Hash)
			return l
		},
		"all made new": func([]audit.Entry) []audit.Entry {
			other, _ := chain(9)
			var before [32]byte
			for i := range other {
				other[i].User = "x"
				other[i].Hash = other[i].Seal(before)
				before = other[i].Hash
			}
			return other
		},
	} {
		if v := verify(spoil(slices.Clone(all)), 9, end); len(v.Wrong) == 0 {
			t.Errorf("%s: not noticed", name)
		}
	}
}

func TestSecretsAreMasked(t *testing.T) {
	got := string(audit.State(map[string]any{
		"password": "hunter2", "Client_Secret": "hunter2", "apiToken": []string{"hunter2"}, "nested": []any{map[string]any{"otpauth": "hunter2"}},
		"token": "", "made": true, "password_set": true, "name": "anna", "number": 12345678901234567,
	}))
	if strings.Contains(got, "hunter2") || !strings.Contains(got, `"name":"anna"`) || !strings.Contains(got, `"password_set":true`) ||
		!strings.Contains(got, `"token":""`) || !strings.Contains(got, "12345678901234567") {
		t.Error(got)
	}
	if got := string(audit.State(strings.Repeat("x", 100_000))); got != `{"bytes":100002}` {
		t.Error(got[:min(len(got), 100)])
	}
	if got := string(audit.State(nil)); got != "null" {
		t.Error(got)
	}
	if got := string(audit.State(func() {})); got != `{"unreadable":true}` {
		t.Error(got)
	}
}

// Law: whatever is put under a secret name, nothing of it is in the state.
func TestNoStateHasASecret(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const mark = "MARK"
		v := any(mark + rapid.String().Draw(t, "rest"))
		v = map[string]any{rapid.SampledFrom([]string{"password", "userPassword", "Secret", "csrf", "recovery_codes", "x-token"}).Draw(t, "name"): v}
		for range rapid.IntRange(0, 5).Draw(t, "depth") {
			if rapid.Bool().Draw(t, "list") {
				v = []any{v}
			} else {
				v = map[string]any{"a": v}
			}
		}
		if s := string(audit.State(v)); strings.Contains(s, mark) {
			t.Fatal(s)
		}
	})
}

func TestFillTakesWhatTheContextKnows(t *testing.T) {
	trail := &audit.Trail{User: "anna", Address: "10.0.0.1", Action: "signIn"}
	e := audit.Fill(audit.With(context.Background(), trail), audit.Entry{User: "otto"}, noon)
	if e.User != "otto" || e.Address != "10.0.0.1" || e.Action != "signIn" || !e.At.Equal(noon) || e.Outcome != audit.Done {
		t.Errorf("%+v", e)
	}
	if e := audit.Fill(context.Background(), audit.Entry{}, noon); e.User != audit.System {
		t.Errorf("without a trail: %+v", e)
	}
}
