package secret_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/secret"
)

func keyring(t testing.TB, lines ...string) *secret.Keyring {
	t.Helper()
	k, err := secret.Parse(strings.Join(lines, "\n"))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// Law: what is sealed opens with its label and key, and with no other; and it does not show.
func TestSealLaws(t *testing.T) {
	one, two := secret.NewKey(), secret.NewKey()
	a, b, both := keyring(t, one), keyring(t, two), keyring(t, two, "# old", one)
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.SliceOf(rapid.Byte()).Draw(t, "text")
		label := rapid.String().Draw(t, "label")
		sealed := a.Seal(label, text)
		for _, k := range []*secret.Keyring{a, both} {
			if got, err := k.Open(label, sealed); err != nil || !bytes.Equal(got, text) {
				t.Fatalf("%q, %v", got, err)
			}
		}
		if _, err := b.Open(label, sealed); !errors.Is(err, secret.ErrKey) {
			t.Fatalf("another key: %v", err)
		}
		if _, err := a.Open(label+"x", sealed); !errors.Is(err, secret.ErrChanged) {
			t.Fatalf("another label: %v", err)
		}
		if len(text) > 7 && bytes.Contains(sealed, text) {
			t.Fatal("it shows")
		}
		i := rapid.IntRange(0, len(sealed)-1).Draw(t, "byte")
		spoilt := bytes.Clone(sealed)
		spoilt[i] ^= 1
		if _, err := a.Open(label, spoilt); err == nil {
			t.Fatalf("with byte %d changed it opens", i)
		}
		fresh, changed, err := both.Reseal(label, sealed)
		if got, openErr := b.Open(label, fresh); !changed || err != nil || openErr != nil || !bytes.Equal(got, text) {
			t.Fatalf("sealed again: %v, %v, %v", changed, err, openErr)
		}
		if _, changed, err := both.Reseal(label, fresh); changed || err != nil {
			t.Fatalf("twice: %v, %v", changed, err)
		}
	})
}

func TestTwoSealsOfOneTextDiffer(t *testing.T) {
	k := keyring(t, secret.NewKey())
	if bytes.Equal(k.Seal("a", []byte("text")), k.Seal("a", []byte("text"))) {
		t.Error("they are equal: no nonce")
	}
}

func TestBadKeys(t *testing.T) {
	key := secret.NewKey()
	for name, text := range map[string]string{
		"none": "", "only a comment": "# here", "another kind": "whsec_AAAA", "short": key[:len(key)-8], "long": key + "AAAA",
		"no base64": "tdsk1:!!!!", "too many": strings.Repeat(key+"\n", 17),
	} {
		if _, err := secret.Parse(text); !errors.Is(err, fault.Invalid) || strings.Contains(err.Error(), key[7:20]) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if ids := keyring(t, key, secret.NewKey()).IDs(); len(ids) != 2 || ids[0] == ids[1] || strings.Contains(key, ids[0]) {
		t.Errorf("ids %v", ids)
	}
}

func FuzzOpen(f *testing.F) {
	k := keyring(f, secret.NewKey())
	f.Add(k.Seal("a", []byte("text")))
	f.Add([]byte{1})
	f.Fuzz(func(t *testing.T, sealed []byte) {
		if text, err := k.Open("b", sealed); err == nil {
			t.Errorf("%x opens as %q", sealed, text)
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add("# a\n" + secret.NewKey())
	f.Fuzz(func(t *testing.T, text string) {
		if k, err := secret.Parse(text); err == nil && len(k.IDs()) == 0 {
			t.Error("a keyring without keys")
		}
	})
}
