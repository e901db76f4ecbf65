package webhook_test

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tallydock/tallydock/hub/connect/webhook"
	"github.com/tallydock/tallydock/hub/fault"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func newSecret(t testing.TB) webhook.Secret {
	t.Helper()
	s, err := webhook.NewSecret(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestOfficialVectors(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "..", "shared", "data", "integration", "signatures.json"))
	if err != nil {
		t.Skipf("the vectors are not here: %v", err)
	}
	var file struct {
		Standard struct {
			Vectors []struct {
				Secret, ID, Payload, Signature string
				Timestamp                      int64
			}
		} `json:"standard_webhooks"`
	}
	if err := json.Unmarshal(text, &file); err != nil || len(file.Standard.Vectors) == 0 {
		t.Fatalf("%d vectors, %v", len(file.Standard.Vectors), err)
	}
	for _, v := range file.Standard.Vectors {
		s, err := webhook.ParseSecret(v.Secret)
		if err != nil {
			t.Fatal(err)
		}
		h := http.Header{}
		at := time.Unix(v.Timestamp, 0)
		webhook.Sign(h, []webhook.Secret{s}, v.ID, at, []byte(v.Payload))
		if got := h.Get(webhook.HeaderSignature); got != v.Signature {
			t.Errorf("signature %s, want %s", got, v.Signature)
		}
		if err := webhook.Verify(h, []byte(v.Payload), []webhook.Secret{s}, at); err != nil {
			t.Error(err)
		}
	}
}

func TestVerify(t *testing.T) {
	old, current, other := newSecret(t), newSecret(t), newSecret(t)
	body := []byte(`{"a":1}`)
	for _, c := range []struct {
		name   string
		change func(http.Header)
		body   string
		with   webhook.Secret
		now    time.Time
		ok     bool
	}{
		{"the current secret", nil, `{"a":1}`, current, noon, true},
		{"the one before", nil, `{"a":1}`, old, noon, true},
		{"another endpoint's", nil, `{"a":1}`, other, noon, false},
		{"another body", nil, `{"a":2}`, current, noon, false},
		{"another id", func(h http.Header) { h.Set("webhook-id", "msg_2") }, `{"a":1}`, current, noon, false},
		{"another timestamp", func(h http.Header) { h.Set("webhook-timestamp", fmt.Sprint(noon.Unix()+1)) }, `{"a":1}`, current, noon, false},
		{"a clock just within", nil, `{"a":1}`, current, noon.Add(5 * time.Minute), true},
		{"sent again later", nil, `{"a":1}`, current, noon.Add(5*time.Minute + time.Second), false},
		{"from the future", nil, `{"a":1}`, current, noon.Add(-5*time.Minute - time.Second), false},
		{"no id", func(h http.Header) { h.Del("webhook-id") }, `{"a":1}`, current, noon, false},
		{"no timestamp", func(h http.Header) { h.Del("webhook-timestamp") }, `{"a":1}`, current, noon, false},
		{"a timestamp of words", func(h http.Header) { h.Set("webhook-timestamp", "now") }, `{"a":1}`, current, noon, false},
		{"no signature", func(h http.Header) { h.Del("webhook-signature") }, `{"a":1}`, current, noon, false},
		{"a signature of another version", func(h http.Header) {
			h.Set("webhook-signature", strings.ReplaceAll(h.Get("webhook-signature"), "v1,", "v2,"))
		}, `{"a":1}`, current, noon, false},
		{"others before it", func(h http.Header) {
			h.Set("webhook-signature", "v1a,AAAA v1,###  "+h.Get("webhook-signature"))
		}, `{"a":1}`, current, noon, true},
		{"too many before it", func(h http.Header) {
			h.Set("webhook-signature", strings.Repeat("v1,AAAA ", 100)+h.Get("webhook-signature"))
		}, `{"a":1}`, current, noon, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := http.Header{}
			webhook.Sign(h, []webhook.Secret{current, old}, "msg_1", noon, body)
			if c.change != nil {
				c.change(h)
			}
			err := webhook.Verify(h, []byte(c.body), []webhook.Secret{c.with}, c.now)
			if (err == nil) != c.ok || err != nil && !errors.Is(err, fault.Forbidden) {
				t.Errorf("%v, want ok %v", err, c.ok)
			}
		})
	}
}

func TestWhatIsSignedIsVerified(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		body := rapid.SliceOf(rapid.Byte()).Draw(rt, "body")
		id := rapid.StringMatching(`msg_[A-Za-z0-9_-]{1,60}`).Draw(rt, "id")
		at := time.Unix(rapid.Int64Range(0, 1<<40).Draw(rt, "at"), 0)
		s := newSecret(t)
		h := http.Header{}
		webhook.Sign(h, []webhook.Secret{newSecret(t), s}, id, at, body)
		if err := webhook.Verify(h, body, []webhook.Secret{newSecret(t), s}, at); err != nil {
			rt.Fatal(err)
		}
		if webhook.Verify(h, append(body, 0), []webhook.Secret{s}, at) == nil {
			rt.Fatal("a longer body passes")
		}
	})
}

func FuzzVerify(f *testing.F) {
	f.Add("msg_1", "1614265330", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE= v1,", "{}")
	s, err := webhook.NewSecret(strings.NewReader(strings.Repeat("k", 64)))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, id, timestamp, signature, body string) {
		h := http.Header{}
		h.Set(webhook.HeaderID, id)
		h.Set(webhook.HeaderTimestamp, timestamp)
		h.Set(webhook.HeaderSignature, signature)
		if webhook.Verify(h, []byte(body), []webhook.Secret{s}, noon) == nil {
			t.Errorf("%q %q %q is verified", id, timestamp, signature)
		}
	})
}

func TestSecretIsReadAsItIsRevealed(t *testing.T) {
	s := newSecret(t)
	again, err := webhook.ParseSecret(s.Reveal())
	if err != nil || again != s {
		t.Errorf("%v, %v", again == s, err)
	}
	if newSecret(t) == s || s.IsZero() || len(s.Reveal()) != len("whsec_")+44 {
		t.Errorf("secret of %d characters", len(s.Reveal()))
	}
	if _, err := webhook.NewSecret(strings.NewReader("short")); err == nil {
		t.Error("made of too little random")
	}
}

func TestParseSecretRefuses(t *testing.T) {
	for _, text := range []string{
		"", "whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "WHSEC_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa",
		"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS!", "whsec_" + strings.Repeat("A", 88+4), "whpk_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
	} {
		if _, err := webhook.ParseSecret(text); !errors.Is(err, fault.Invalid) || len(text) > 20 && strings.Contains(err.Error(), text[6:]) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func FuzzParseSecret(f *testing.F) {
	f.Add("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	f.Fuzz(func(t *testing.T, text string) {
		if s, err := webhook.ParseSecret(text); err == nil {
			if again, err := webhook.ParseSecret(s.Reveal()); err != nil || again != s {
				t.Errorf("%q is revealed as %q: %v", text, s.Reveal(), err)
			}
		}
	})
}

func TestSecretsHide(t *testing.T) {
	s := newSecret(t)
	hidden := s.Reveal()[len("whsec_"):]
	e := webhook.Endpoint{Secrets: webhook.Secrets{Current: s, Previous: s}}
	text, _ := json.Marshal(e)
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "secret", s, "endpoint", e)
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "secret", s, "endpoint", e)
	for what, shown := range map[string]string{
		"%v": fmt.Sprintf("%v %v", s, e), "%+v": fmt.Sprintf("%+v", e), "%#v": fmt.Sprintf("%#v %#v", s, e), "%s": fmt.Sprintf("%s %q", s, s),
		"json": string(text), "log": log.String(),
	} {
		raw, _ := webhook.ParseSecret("whsec_" + hidden)
		if strings.Contains(shown, hidden) || raw != s {
			t.Errorf("%s shows it: %s", what, shown)
		}
	}
}

func TestSecretsRotate(t *testing.T) {
	first, second := newSecret(t), newSecret(t)
	s := webhook.Secrets{Current: first}.Rotate(second, noon.Add(time.Hour))
	for _, c := range []struct {
		at   time.Time
		want []webhook.Secret
	}{
		{noon, []webhook.Secret{second, first}},
		{noon.Add(time.Hour - 1), []webhook.Secret{second, first}},
		{noon.Add(time.Hour), []webhook.Secret{second}},
	} {
		got := s.At(c.at)
		if len(got) != len(c.want) || got[0] != c.want[0] || len(got) > 1 && got[1] != c.want[1] {
			t.Errorf("at %v there are %d in force", c.at, len(got))
		}
	}
}
