package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/tallydock/tallydock/hub/secret"
)

// SecretKeyFile is the name of the file in the data folder with the keys that seal secrets in the database.
const SecretKeyFile = "secret.key"

const secretKeyHead = `# The keys that seal secrets in the hub's database, the one in use first. Back this file up, and elsewhere than the
# database: without it authenticators and webhook secrets are lost, and together with it they are readable.
`

// SecretKeyPath is the file that has the keys of c.
func (c Config) SecretKeyPath() string {
	if c.SecretKeyFile != "" {
		return c.SecretKeyFile
	}
	return filepath.Join(c.Data, SecretKeyFile)
}

// EnsureSecretKey gives the keys that seal secrets: those of the environment, or those of c's file, which is made where
// there is none. A file that others may read is refused.
func EnsureSecretKey(c Config) (*secret.Keyring, error) {
	if c.SecretKey != "" {
		return secretKeys(c.SecretKey)
	}
	file := c.SecretKeyPath()
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		text = []byte(secretKeyHead + secret.NewKey() + "\n")
		err = WriteSecretFile(file, text)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read the secret keys: %w", err)
	}
	if st, err := os.Stat(file); err != nil {
		return nil, fmt.Errorf("cannot read the secret keys: %w", err)
	} else if st.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("secret keys %s can be read by others (mode %v): chmod 600 it, and change the keys", file, st.Mode().Perm())
	}
	keys, err := secret.Parse(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w; put it back from a backup", file, err)
	}
	return keys, nil
}

// secretKeys reads the keys that the environment brings; nil for none.
func secretKeys(s Secret) (*secret.Keyring, error) {
	if s == "" {
		return nil, nil
	}
	return secret.Parse(strings.ReplaceAll(string(s), ",", "\n"))
}

// RotateSecretKey puts a new key in front of those of c's file. Everything must be sealed again before the old ones are
// taken out of it.
func RotateSecretKey(c Config) (*secret.Keyring, error) {
	if c.SecretKey != "" {
		return nil, fmt.Errorf("the secret keys come from the environment: put a new one, made by hub secret new, in front of them there")
	}
	if _, err := EnsureSecretKey(c); err != nil {
		return nil, err
	}
	old, err := os.ReadFile(c.SecretKeyPath())
	if err != nil {
		return nil, fmt.Errorf("cannot read the secret keys: %w", err)
	}
	text := secretKeyHead + secret.NewKey() + "\n" + strings.TrimPrefix(string(old), secretKeyHead)
	keys, err := secret.Parse(text)
	if err != nil {
		return nil, err
	}
	if err := WriteSecretFile(c.SecretKeyPath(), []byte(text)); err != nil {
		return nil, fmt.Errorf("cannot keep the new secret key: %w", err)
	}
	return keys, nil
}
