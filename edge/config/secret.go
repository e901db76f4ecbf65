package config

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
)

// Secret is text that is never printed or logged.
type Secret struct{ text string }

// NewSecret hides text.
func NewSecret(text string) Secret { return Secret{text} }

// Reveal gives the text.
func (s Secret) Reveal() string { return s.text }

// String hides the text.
func (s Secret) String() string {
	if s.text == "" {
		return ""
	}
	return "(secret)"
}

// GoString hides the text.
func (s Secret) GoString() string { return s.String() }

// Format hides the text from every verb: fmt would look into the fields for some.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(s.String())) }

// LogValue hides the text.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText hides the text in JSON and YAML.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// longestSecret is in bytes; a file that is longer is not what its path says.
const longestSecret = 4096

// shortestToken keeps tokens from being guessed.
const shortestToken = 16

func (c *Config) readSecrets() error {
	var f findings
	f.secret("hub.password_file", c.Hub.PasswordFile, &c.Hub.Password)
	if c.MQTT != nil {
		f.secret("mqtt.password_file", c.MQTT.PasswordFile, &c.MQTT.Password)
	}
	f.secret("api.token_file", c.API.TokenFile, &c.API.Token)
	if n := len(c.API.Token.Reveal()); n > 0 && n < shortestToken {
		f.add("api.token_file", "%s holds %d characters; a token needs %d or more, e.g. from: openssl rand -hex 24",
			c.API.TokenFile, n, shortestToken)
	}
	return errors.Join(f...)
}

func (f *findings) secret(path, file string, into *Secret) {
	if file == "" {
		return
	}
	b, err := os.ReadFile(file)
	text := strings.TrimSpace(string(b))
	switch {
	case err != nil:
		f.add(path, "%v; put the secret into that file, readable by this program only (mode 0600)", err)
	case text == "":
		f.add(path, "%s is empty; put the secret into it", file)
	case len(text) > longestSecret || strings.ContainsAny(text, "\n\x00"):
		f.add(path, "%s has more than one line; the secret alone belongs into it", file)
	default:
		*into = Secret{text}
	}
}
