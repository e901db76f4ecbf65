package identity_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/tallydock/tallydock/edge/identity"
)

// goldenToken is in the hub's tests too: what the one writes the other reads.
const goldenToken = "td1.HWh0dHBzOi8vaHViLmV4YW1wbGU6ODQ0My9lZGdlBlNaMS1FMQABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4fZGVmZ2hpamtsbW5vcHFyc3R1dnfKTweP"

func golden() identity.Token {
	t := identity.Token{Hub: "https://hub.example:8443/edge", Edge: "SZ1-E1", Secret: []byte(secretText)}
	for i := range t.Root {
		t.Root[i] = byte(i)
	}
	return t
}

func TestTokenIsReadAsItIsPasted(t *testing.T) {
	for name, text := range map[string]string{
		"whole":       goldenToken,
		"with a line": goldenToken + "\n",
		"wrapped":     " " + goldenToken[:40] + "\r\n\t" + goldenToken[40:90] + " \u00a0" + goldenToken[90:],
	} {
		if got, err := identity.ParseToken(text); err != nil || !reflect.DeepEqual(got, golden()) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func TestTokenThatIsNotRightSaysWhy(t *testing.T) {
	root := [32]byte{}
	swapped := []byte(goldenToken)
	swapped[50], swapped[51] = swapped[51], swapped[50]
	for name, c := range map[string]struct{ text, says string }{
		"nothing":           {"", `one begins with "td1."`},
		"a password":        {"hunter2", `one begins with "td1."`},
		"a later version":   {"td2" + goldenToken[3:], `one begins with "td1."`},
		"cut short":         {goldenToken[:len(goldenToken)-1], "copy it again"},
		"cut at the front":  {"td1." + goldenToken[5:], "copy it again"},
		"two letters moved": {string(swapped), "copy it again"},
		"a letter changed":  {strings.Replace(goldenToken, "Z2", "Z3", 1), "copy it again"},
		"too long":          {goldenToken + strings.Repeat("A", 1024), "at most"},
		"no base64":         {"td1.?", "copy it again"},
		"empty":             {"td1.", "copy it again"},
		"parts missing":     {sealed([]byte{3, 'a'}), "up to date"},
		"more parts":        {sealed(append([]byte{0, 0}, make([]byte, 53)...)), "up to date"},
		"an edge's id":      {tokenOf("https://hub.example", "SZ1/E1", root), "edge id"},
		"http":              {tokenOf("http://hub.example", "SZ1-E1", root), "https://HOST"},
		"no host":           {tokenOf("https:///edge", "SZ1-E1", root), "https://HOST"},
		"a user":            {tokenOf("https://me@hub.example", "SZ1-E1", root), "https://HOST"},
	} {
		if _, err := identity.ParseToken(c.text); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNoSingleSlipOfThePenPasses(t *testing.T) {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	for at := len("td1."); at < len(goldenToken); at++ {
		for _, l := range letters {
			text := goldenToken[:at] + string(l) + goldenToken[at+1:]
			if _, err := identity.ParseToken(text); err == nil && text != goldenToken {
				t.Errorf("%q at %d passes", l, at)
			}
		}
	}
}

func FuzzParseToken(f *testing.F) {
	f.Add(goldenToken)
	f.Add(sealed([]byte{3, 'a'}))
	f.Add(tokenOf("https://hub.example", "SZ1-E1", [32]byte{}))
	f.Fuzz(func(t *testing.T, text string) {
		v, err := identity.ParseToken(text)
		if err != nil {
			return
		}
		if again, err := identity.ParseToken(tokenOf(v.Hub, v.Edge, v.Root)); err != nil || again.Hub != v.Hub || again.Edge != v.Edge {
			t.Errorf("%+v is read as %+v, %v", v, again, err)
		}
	})
}
