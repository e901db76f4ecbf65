package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/tallydock/tallydock/hub/secret"
)

// SecretKeyFile is the name of the file in the data folder with the keys that seal what must not be read from a copy.
const SecretKeyFile = "secret.key"

const secretKeyHead = `# The keys that seal the hub's secrets, the one in use first. Back this file up, and elsewhere than the rest: without it the
# hub's CA is lost, and together with it it is readable.
`

// EnsureSecretKey gives the keys of c's data folder, which are made where there are none. A file that others may read is
// refused.
func EnsureSecretKey(c Config) (*secret.Keyring, error) {
	file := filepath.Join(c.Data, SecretKeyFile)
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
