package settings_test

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/edge/settings"
)

func key(n byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{n}, ed25519.SeedSize))
}

// judge takes every text but "wrong".
func judge(n byte) settings.Judge {
	return settings.Judge{Edge: "E1", Key: key(n).Public().(ed25519.PublicKey), Check: func(text string) error {
		if text == "wrong" {
			return errors.New("devices[0].address: is missing")
		}
		return nil
	}}
}

func config(version uint64, text string) wire.Configuration {
	return wire.Configuration{Edge: "E1", Version: version, Text: text}.Sign(key(1))
}

func take(t *testing.T, b settings.Book, version uint64) settings.Book {
	t.Helper()
	b, v := b.Offer(config(version, "text"), judge(1))
	if v != settings.Staged {
		t.Fatalf("version %d is not taken: %s", version, b.Reason)
	}
	return b
}

func TestGoodConfigurationIsTriedAndConfirmed(t *testing.T) {
	b := take(t, settings.Book{}, 3).Begin()
	if v, text := b.Running(); v != 3 || text != "text" || b.Status().State != wire.ConfigTrial {
		t.Fatalf("on trial: %+v", b)
	}
	b = b.Confirm().Begin()
	if got := b.Status(); got != (wire.ConfigStatus{Version: 3, State: wire.ConfigConfirmed, Offered: 3}) {
		t.Fatalf("got %+v", got)
	}
}

func TestRefusedConfigurationChangesNothing(t *testing.T) {
	b := take(t, settings.Book{}, 3).Confirm()
	other := config(4, "text")
	other.Edge = "E2"
	forged := config(4, "text")
	forged.Text = "another"
	keyless := judge(1)
	keyless.Key = nil
	for name, c := range map[string]struct {
		c     wire.Configuration
		judge settings.Judge
		want  string
	}{
		"for another edge":       {other.Sign(key(1)), judge(1), "for gateway E2, and this is E1"},
		"signed for another":     {wire.Configuration{Edge: "E1", Version: 4, Signature: other.Signature}, judge(1), "not signed"},
		"changed on the way":     {forged, judge(1), "not signed"},
		"signed by somebody":     {config(4, "text").Sign(key(2)), judge(1), "not signed"},
		"older":                  {config(2, "text"), judge(1), "version 2 is not newer than version 3"},
		"other text, old number": {config(3, "another"), judge(1), ""},
		"wrong":                  {config(4, "wrong"), judge(1), "it is wrong: devices[0].address: is missing"},
		"no key":                 {config(4, "text"), keyless, "no hub.config_key"},
	} {
		got, verdict := b.Offer(c.c, c.judge)
		if want := map[bool]settings.Verdict{true: settings.Refused, false: settings.Same}[c.want != ""]; verdict != want || !strings.Contains(got.Reason, c.want) {
			t.Errorf("%s: verdict %d, %q", name, verdict, got.Reason)
		}
		if c.want != "" && (got.State != wire.ConfigRefused || got.Offered != c.c.Version) {
			t.Errorf("%s: told as %+v", name, got.Status())
		}
		if v, text := got.Running(); v != 3 || text != "text" || got.Highest != 3 {
			t.Errorf("%s: runs %d %q", name, v, text)
		}
	}
}

func TestMessageThatComesAgainIsNoNews(t *testing.T) {
	b := take(t, settings.Book{}, 3).Begin()
	for name, b := range map[string]settings.Book{"on trial": b, "confirmed": b.Confirm(), "reverted": b.Revert("it was bad")} {
		if got, v := b.Offer(config(3, "text"), judge(1)); v != settings.Same || !reflect.DeepEqual(got, b) {
			t.Errorf("%s: verdict %d, %+v", name, v, got)
		}
	}
	refused, v := b.Confirm().Offer(config(4, "wrong"), judge(1))
	if _, again := refused.Offer(config(4, "wrong"), judge(1)); v != settings.Refused || again != settings.Same {
		t.Errorf("refused: verdicts %d, %d", v, again)
	}
	if _, v := refused.Offer(config(4, "wrong"), settings.Judge{Edge: "E1", Key: judge(1).Key, Check: func(string) error { return nil }}); v != settings.Staged {
		t.Error("what was wrong with the gateway's own file stays refused after the file was mended")
	}
}

func TestTrialThatEndsBadlyIsReverted(t *testing.T) {
	before := take(t, settings.Book{}, 3).Begin().Confirm()
	trial := take(t, before, 4).Begin()
	for name, b := range map[string]settings.Book{"judged": trial.Revert("no hub"), "killed": trial.Begin()} {
		if v, _ := b.Running(); v != 3 || b.State != wire.ConfigReverted || b.Offered != 4 || b.Reason == "" || b.Highest != 4 {
			t.Errorf("%s: %+v", name, b)
		}
	}
	if b := trial.Pause().Begin(); b.Attempts != 1 || b.Trial == nil || b.State != wire.ConfigTrial {
		t.Errorf("after an orderly stop: %+v", b)
	}
	if b := take(t, trial, 5); b.Confirmed.Version != 3 || b.Attempts != 0 {
		t.Errorf("a newer one in the trial: %+v", b)
	}
}

func TestOtherKeyBeginsAnew(t *testing.T) {
	b := take(t, settings.Book{}, 9).Confirm()
	if got := b.Vet(judge(1)); !reflect.DeepEqual(got, b) {
		t.Errorf("the same key: %+v", got)
	}
	got := b.Vet(judge(2))
	if v, _ := got.Running(); v != 0 || got.State != wire.ConfigReverted || got.Offered != 9 || got.Highest != 0 {
		t.Errorf("another key: %+v", got)
	}
	if _, verdict := got.Offer(config(1, "text").Sign(key(2)), judge(2)); verdict != settings.Staged {
		t.Error("the new hub's first configuration is not taken")
	}
	b.Confirmed.Text += " " // a bit of the file flipped
	if v, _ := b.Vet(judge(1)).Running(); v != 0 {
		t.Error("a damaged configuration runs")
	}
}

func TestLongReasonIsCut(t *testing.T) {
	b, _ := settings.Book{}.Offer(config(1, "text"), settings.Judge{Edge: "E1", Key: judge(1).Key, Check: func(string) error {
		return errors.New(strings.Repeat("三\xff", 1000))
	}})
	if len(b.Reason) > 1000 || len(b.Reason) < 990 || !utf8.ValidString(b.Reason) || !strings.HasSuffix(b.Reason, "…") {
		t.Errorf("%d bytes: %q", len(b.Reason), b.Reason)
	}
}

func TestBookSurvivesOnDisk(t *testing.T) {
	data := t.TempDir()
	f := settings.In(data)
	if b, err := f.Load(); err != nil || b.Highest != 0 {
		t.Fatalf("at first: %+v, %v", b, err)
	}
	want := take(t, take(t, settings.Book{}, 3).Confirm(), 4).Begin()
	for range 2 {
		if err := f.Save(want); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := f.Load(); err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("got %+v, %v", got, err)
	}
	file := filepath.Join(data, "settings", "settings.json")
	for path, mode := range map[string]os.FileMode{file: 0o600, filepath.Dir(file): 0o700 | os.ModeDir} {
		if info, err := os.Stat(path); err != nil || info.Mode() != mode {
			t.Errorf("%s: %v, %v", path, info.Mode(), err)
		}
	}
	if left, err := filepath.Glob(filepath.Dir(file) + "/*"); err != nil || len(left) != 1 {
		t.Errorf("left over: %q, %v", left, err)
	}
	if err := os.WriteFile(file, []byte(`{"highest": `), 0o600); err != nil {
		t.Fatal(err)
	}
	if b, err := f.Load(); err == nil || !strings.Contains(err.Error(), "settings.json.bad") || b.Highest != 0 {
		t.Errorf("damaged: %+v, %v", b, err)
	}
	if b, err := f.Load(); err != nil || b.Highest != 0 {
		t.Errorf("after that: %+v, %v", b, err)
	}
}

// Whatever comes in whatever order: the highest version taken never falls, what runs was well signed and right, and what is
// confirmed was on trial before.
func TestWhateverComesNothingBadRuns(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var b settings.Book
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			was := b
			switch rapid.SampledFrom([]string{"offer", "forge", "begin", "pause", "confirm", "revert", "vet"}).Draw(t, "step") {
			case "offer":
				b, _ = b.Offer(config(rapid.Uint64Range(1, 9).Draw(t, "version"), rapid.SampledFrom([]string{"text", "wrong"}).Draw(t, "text")), judge(1))
			case "forge":
				b, _ = b.Offer(config(rapid.Uint64Range(1, 9).Draw(t, "version"), "forged").Sign(key(2)), judge(1))
			case "begin":
				b = b.Begin()
			case "pause":
				b = b.Pause()
			case "confirm":
				b = b.Confirm()
			case "revert":
				b = b.Revert("bad")
			case "vet":
				b = b.Vet(judge(1))
			}
			version, text := b.Running()
			if b.Highest < was.Highest || version > b.Highest || text == "wrong" || text == "forged" || b.Attempts > settings.MostAttempts {
				t.Fatalf("%+v became %+v", was, b)
			}
			if b.Confirmed != nil && (was.Confirmed == nil || was.Confirmed.Version != b.Confirmed.Version) &&
				(was.Trial == nil || was.Trial.Version != b.Confirmed.Version) {
				t.Fatalf("%d was confirmed without a trial", b.Confirmed.Version)
			}
		}
	})
}
