package identity_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/tallydock/tallydock/edge/identity"
)

const edge = "SZ1.E1"

// open gives the identity of a folder.
func (h *hub) open(dir string) *identity.Identity {
	h.t.Helper()
	i, err := identity.Open(identity.Config{Dir: dir, Edge: edge, Dial: h.dial, Now: h.gatewaysClock})
	if err != nil {
		h.t.Fatal(err)
	}
	return i
}

func (h *hub) gatewaysClock() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return time.Now().Add(h.ahead)
}

func (h *hub) enrolled(dir string) *identity.Identity {
	h.t.Helper()
	i := h.open(dir)
	if err := i.Enrol(h.t.Context(), h.token(edge), false); err != nil {
		h.t.Fatal(err)
	}
	return i
}

func TestGatewayIsEnrolledAndStaysSo(t *testing.T) {
	h := newHub(t)
	dir := filepath.Join(t.TempDir(), "identity")
	i := h.open(dir)
	if i.Certificate() != nil || i.ClientID() != "" || len(i.Alarms()) != 1 || i.Alarms()[0].Kind != identity.NotThere {
		t.Errorf("before: %v %q %v", i.Certificate(), i.ClientID(), i.Alarms())
	}
	if err := i.Enrol(t.Context(), h.token(edge)+"\n", false); err != nil {
		t.Fatal(err)
	}
	for what, i := range map[string]*identity.Identity{"then": i, "after a restart": h.open(dir)} {
		if c := i.Certificate(); c == nil || !c.Equal(h.gave(0)) || fmt.Sprint(i.Brokers()) != "[ssl://hub.example:8883]" || len(i.Alarms()) != 0 {
			t.Errorf("%s: %v, brokers %v, alarms %v", what, c, i.Brokers(), i.Alarms())
		}
		if id := i.ClientID(); !regexp.MustCompile(`^SZ1_E1-[0-9a-f]{16}$`).MatchString(id) {
			t.Errorf("%s: client id %q", what, id)
		}
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if st, _ := os.Stat(filepath.Join(dir, "identity.json")); err != nil || len(files) != 1 || st.Mode().Perm() != 0o600 {
		t.Errorf("files %v, mode %v", files, st.Mode())
	}
}

func TestEnrolmentThatIsNotRightLeavesNothing(t *testing.T) {
	other := newHub(t)
	stranger := newKey(t)
	answer := func(change func(a map[string]any)) func(*hub) {
		return func(h *hub) {
			h.spoil = func(_ string, a map[string]any) any { change(a); return a }
		}
	}
	for name, c := range map[string]struct {
		token  string // "" = the hub's
		spoil  func(h *hub)
		says   string
		before bool // the hub must not have been asked: it would know the secret
	}{
		"a token for another gateway": {tokenOf("https://hub.example/edge", "SZ1-E2", [32]byte{}), nil, "the token is for gateway SZ1-E2", true},
		"another hub answers":         {other.token(edge), nil, "is not the hub that made the token", true},
		"a server of another name": {"", func(h *hub) {
			h.name = "other.example"
			h.serveAs(h.ca, time.Now(), time.Now().Add(day))
			h.name = "hub.example"
		}, "certificate is not good", true},
		"a server that has expired":  {"", func(h *hub) { h.serveAs(h.ca, time.Now().Add(-2*day), time.Now().Add(-day)) }, "set the clock, or look after the hub", true},
		"an impostor shows the root": {"", func(h *hub) { h.impostor(other.ca) }, "certificate is not good", true},
		"the hub is away":            {"", func(h *hub) { h.away = true }, "cannot ask the hub", true},
		"the hub refuses":            {"", func(h *hub) { h.no["/edge/enrol"] = "this token was used" }, "this token was used", false},
		"no JSON":                    {"", func(h *hub) { h.spoil = func(string, map[string]any) any { return []byte("hello") } }, "cannot be read", false},
		"too much":                   {"", func(h *hub) { h.spoil = func(string, map[string]any) any { return make([]byte, 300<<10) } }, "more than", false},
		"no certificate":             {"", answer(func(a map[string]any) { a["certificate"] = "" }), "no certificate in PEM", false},
		"for another key":            {"", answer(func(a map[string]any) { a["certificate"] = other.clientPEM(edge, &stranger.PublicKey) }), "not for this gateway's key", false},
		"of another CA":              {"", answer(func(a map[string]any) { a["trust"] = other.ca.pem() }), "not of the hub's CA", false},
		"without the token's root": {"", func(h *hub) {
			h.spoil = func(_ string, a map[string]any) any {
				block, _ := pem.Decode([]byte(a["certificate"].(string)))
				mine, _ := x509.ParseCertificate(block.Bytes)
				a["certificate"], a["trust"] = other.clientPEM(edge, mine.PublicKey.(*ecdsa.PublicKey)), other.ca.pem()
				return a
			}
		}, "lacks the root", false},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHub(t)
			if c.spoil != nil {
				c.spoil(h)
			}
			if c.token == "" {
				c.token = h.token(edge)
			}
			dir := t.TempDir()
			i := h.open(dir)
			err := i.Enrol(t.Context(), c.token, false)
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v", err)
			}
			if _, err := os.Stat(filepath.Join(dir, "identity.json")); err == nil || i.Certificate() != nil {
				t.Error("something was kept")
			}
			if asked := strings.Contains(fmt.Sprint(h.paths()), "/enrol"); asked == c.before {
				t.Errorf("the hub was asked %v", h.paths())
			}
		})
	}
}

// impostor shows a leaf of another CA, and this hub's root beside it.
func (h *hub) impostor(c *ca) {
	h.serveAs(c, time.Now().Add(-time.Hour), time.Now().Add(day))
	h.server.Certificate = append(h.server.Certificate, h.ca.cert.Raw)
}

func (h *hub) clientPEM(name string, key *ecdsa.PublicKey) string {
	return certPEM(h.ca.issue(name, key, time.Now(), time.Now().Add(day)))
}

func TestLostAnswerIsAskedForWithTheSameKey(t *testing.T) {
	h := newHub(t)
	dir := t.TempDir()
	h.spoil = func(string, map[string]any) any { return nil }
	if err := h.open(dir).Enrol(t.Context(), h.token(edge), false); err == nil {
		t.Fatal("no answer came")
	}
	h.set(func() { h.spoil = nil })
	h.enrolled(dir)
	first, second := h.gave(0).PublicKey.(*ecdsa.PublicKey), h.gave(1).PublicKey
	if !first.Equal(second) {
		t.Error("the second time it was another key")
	}
	if _, err := os.Stat(filepath.Join(dir, "pending.key")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the key is still pending: %v", err)
	}
}

func TestRefusedKeyIsNotUsedAgain(t *testing.T) {
	h := newHub(t)
	dir := t.TempDir()
	h.no["/edge/enrol"] = "the key was revoked"
	err := h.open(dir).Enrol(t.Context(), h.token(edge), false)
	var no *identity.Refusal
	if !errors.As(err, &no) || no.Status != 403 {
		t.Fatalf("got %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "pending.key")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the key is still pending: %v", err)
	}
}

func TestReplacementIsSaidAndHasANewKey(t *testing.T) {
	h := newHub(t)
	dir := t.TempDir()
	i := h.enrolled(dir)
	if err := i.Enrol(t.Context(), h.token(edge), false); err == nil || !strings.Contains(err.Error(), "say that it is to be replaced") {
		t.Errorf("got %v", err)
	}
	id := i.ClientID()
	if err := i.Enrol(t.Context(), h.token(edge), true); err != nil {
		t.Fatal(err)
	}
	if h.gave(0).PublicKey.(*ecdsa.PublicKey).Equal(h.gave(1).PublicKey) || i.ClientID() == id {
		t.Error("the replacement has the old key or client id")
	}
}

func TestKeyOfItsOwnIsNotCopied(t *testing.T) {
	h := newHub(t)
	dir := t.TempDir()
	key := newKey(t)
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "own.key")
	text := pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der})
	open := func(mode os.FileMode) (*identity.Identity, error) {
		if err := errors.Join(os.WriteFile(file, text, mode), os.Chmod(file, mode)); err != nil {
			t.Fatal(err)
		}
		return identity.Open(identity.Config{Dir: dir, KeyFile: file, Edge: edge, Dial: h.dial})
	}
	i, _ := open(0o644)
	if err := i.Enrol(t.Context(), h.token(edge), false); err == nil || !strings.Contains(err.Error(), "can be read by others") {
		t.Errorf("with a key that others can read: %v", err)
	}
	i, _ = open(0o600)
	if err := i.Enrol(t.Context(), h.token(edge), false); err != nil {
		t.Fatal(err)
	}
	kept, err := os.ReadFile(filepath.Join(dir, "identity.json"))
	if err != nil || bytes.Contains(kept, []byte("PRIVATE KEY")) || !key.PublicKey.Equal(i.Certificate().PublicKey) {
		t.Errorf("kept %s, %v", kept, err)
	}
	if i, err = open(0o600); err != nil || i.Certificate() == nil {
		t.Errorf("after a restart: %v", err)
	}
	text, _ = os.ReadFile(file) // another key in its place
	other, _ := x509.MarshalECPrivateKey(newKey(t))
	text = pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: other})
	if _, err = open(0o600); err == nil || !strings.Contains(err.Error(), "not for this gateway's key") {
		t.Errorf("with another key: %v", err)
	}
}

func TestSpoiltIdentitySaysWhyAndCanBeReplaced(t *testing.T) {
	h := newHub(t)
	dir := t.TempDir()
	h.enrolled(dir)
	file := filepath.Join(dir, "identity.json")
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		text []byte
		says string
	}{
		"cut short":        {whole[:len(whole)/2], "unexpected end"},
		"empty":            {nil, "unexpected end"},
		"of another":       {bytes.Replace(whole, []byte(`"SZ1.E1"`), []byte(`"SZ1.E2"`), 1), "of gateway SZ1.E2"},
		"without its key":  {bytes.Replace(whole, []byte(`"key"`), []byte(`"kee"`), 1), "its key: it is not PEM"},
		"without its root": {bytes.Replace(whole, []byte(`"trust"`), []byte(`"tryst"`), 1), "the hub's roots"},
	} {
		if err := os.WriteFile(file, c.text, 0o600); err != nil {
			t.Fatal(err)
		}
		i, err := identity.Open(identity.Config{Dir: dir, Edge: edge, Dial: h.dial})
		if err == nil || !strings.Contains(err.Error(), c.says) || i.Certificate() != nil {
			t.Errorf("%s: %v", name, err)
		}
		if a := i.Alarms(); len(a) != 1 || a[0].Kind != identity.Unusable || !strings.Contains(a[0].Reason, c.says) {
			t.Errorf("%s: alarms %+v", name, a)
		}
		if err := i.Enrol(t.Context(), h.token(edge), false); err != nil {
			t.Errorf("%s: cannot be replaced: %v", name, err)
		}
	}
	if err := os.Chmod(file, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := identity.Open(identity.Config{Dir: dir, Edge: edge}); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("a file that others can read: %v", err)
	}
}

func TestHubsAddressOfTheConfigurationCounts(t *testing.T) {
	h := newHub(t)
	i, err := identity.Open(identity.Config{Dir: t.TempDir(), Edge: edge, Hub: "https://hub.example/edge/", Dial: h.dial})
	if err != nil {
		t.Fatal(err)
	}
	if err := i.Enrol(t.Context(), tokenOf("https://old.example", edge, sha256.Sum256(h.ca.cert.Raw)), false); err != nil {
		t.Error(err)
	}
}

func FuzzIdentityFile(f *testing.F) {
	h := newHub(f)
	dir := f.TempDir()
	h.enrolled(dir)
	file := filepath.Join(dir, "identity.json")
	whole, err := os.ReadFile(file)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add(whole[:len(whole)/2])
	f.Add([]byte(`{"edge":"SZ1.E1","certificate":` + fmt.Sprintf("%q", h.ca.pem()) + `}`))
	f.Add([]byte("null"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
		i, err := identity.Open(identity.Config{Dir: dir, Edge: edge})
		if (err == nil) != (i.Certificate() != nil) {
			t.Errorf("certificate %v, %v", i.Certificate(), err)
		}
	})
}

func FuzzHubsAnswer(f *testing.F) {
	h := newHub(f)
	f.Add([]byte(`{"certificate":"","trust":"","brokers":[]}`))
	f.Add([]byte(`{"certificate":` + fmt.Sprintf("%q", h.ca.pem()) + `,"trust":` + fmt.Sprintf("%q", h.ca.pem()) + `}`))
	f.Add([]byte("null"))
	i := h.open(f.TempDir())
	f.Fuzz(func(t *testing.T, answer []byte) {
		h.set(func() { h.spoil = func(string, map[string]any) any { return answer } })
		if err := i.Enrol(t.Context(), h.token(edge), false); err == nil || i.Certificate() != nil {
			t.Error("enrolled by an answer made up")
		}
	})
}
