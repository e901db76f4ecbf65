package config

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"go.yaml.in/yaml/v3"
)

// HubUser is the hub's own name at its broker.
const HubUser = "hub"

// CredentialsFile is the name of the file in the data folder.
const CredentialsFile = "credentials.yaml"

const credentialsHead = `# Passwords for the hub's MQTT broker. Copy an edge's into that gateway's password file, and a site's into its devices.
# To change one, delete its line and restart the hub; keep this file to its owner (0600).
`

// Credentials are the broker's users with their passwords in plain text, for those who set up gateways and devices.
type Credentials struct {
	Hub     Login            `yaml:"hub"`     // the hub itself
	Edges   map[string]Login `yaml:"edges"`   // by edge id
	Devices map[string]Login `yaml:"devices"` // by site
}

// Login is a name and a password at the broker.
type Login struct {
	User     string `yaml:"user"`
	Password Secret `yaml:"password"`
}

// Secret is text that logs do not show.
type Secret string

// String hides the secret.
func (Secret) String() string { return "(secret)" }

// GoString hides the secret.
func (Secret) GoString() string { return "(secret)" }

// MarshalJSON hides the secret. (YAML shows it: the file is its home.)
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"(secret)"`), nil }

// DeviceUser is the name at the broker of a site's devices.
func DeviceUser(site string) string { return "devices-" + site }

// EnsureCredentials reads the credentials of c's data folder, makes up those that c needs and the file lacks, and
// writes the file when it changed. Lines of edges that c no longer names stay in the file and are not returned.
func EnsureCredentials(c Config) (Credentials, error) {
	file := filepath.Join(c.Data, CredentialsFile)
	stored, err := readCredentials(file)
	if err != nil {
		return Credentials{}, err
	}
	before, err := yaml.Marshal(stored)
	if err != nil {
		return Credentials{}, fmt.Errorf("cannot write credentials: %w", err)
	}
	use := stored.complete(c)
	after, err := yaml.Marshal(stored)
	if err != nil {
		return Credentials{}, fmt.Errorf("cannot write credentials: %w", err)
	}
	if !bytes.Equal(before, after) {
		if err := WriteSecretFile(file, append([]byte(credentialsHead), after...)); err != nil {
			return Credentials{}, fmt.Errorf("cannot write credentials: %w", err)
		}
	}
	return use, nil
}

func readCredentials(file string) (*Credentials, error) {
	stored := &Credentials{}
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		text, err = nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read credentials: %w", err)
	}
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(stored); err != nil && len(text) > 0 {
		return nil, fmt.Errorf("credentials %s: %w; mend it, or remove it to have new passwords made", file, err)
	}
	if stored.Edges == nil {
		stored.Edges = map[string]Login{}
	}
	if stored.Devices == nil {
		stored.Devices = map[string]Login{}
	}
	return stored, nil
}

// complete fills in what c needs and gives the part of it that c names.
func (s *Credentials) complete(c Config) Credentials {
	use := Credentials{Edges: map[string]Login{}, Devices: map[string]Login{}}
	s.Hub = s.Hub.orNew(HubUser)
	use.Hub = s.Hub
	for _, e := range c.Edges {
		s.Edges[e.ID] = s.Edges[e.ID].orNew(e.ID)
		use.Edges[e.ID] = s.Edges[e.ID]
	}
	for _, site := range c.DeviceSites {
		s.Devices[site] = s.Devices[site].orNew(DeviceUser(site))
		use.Devices[site] = s.Devices[site]
	}
	return use
}

func (l Login) orNew(user string) Login {
	l.User = user
	if l.Password == "" {
		raw := make([]byte, 24)
		rand.Read(raw)
		l.Password = Secret(base64.RawURLEncoding.EncodeToString(raw))
	}
	return l
}

// WriteSecretFile writes a file that only its owner may read, whole or not at all, durable when it returns.
func WriteSecretFile(file string, text []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(file), filepath.Base(file)+".*") // made 0600
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(text)
	if err = errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), file)
}
