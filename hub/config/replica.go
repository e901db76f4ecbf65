package config

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// ReplicaFile is the name of the file in the data folder with the name that the hub was given among others.
const ReplicaFile = "replica"

var notOfNames = regexp.MustCompile(`[^A-Za-z0-9_-]+`)

// EnsureReplica gives the hub's name among those on its database: the configured one, or one that is made once and kept, so
// that a hub that starts again takes the place of itself at once.
func EnsureReplica(c Config) (string, error) {
	if c.Replica != "" {
		return c.Replica, nil
	}
	file := filepath.Join(c.Data, ReplicaFile)
	text, err := os.ReadFile(file)
	name := strings.TrimSpace(string(text))
	switch {
	case err == nil && replicaName.MatchString(name):
		return name, nil
	case err == nil:
		return "", fmt.Errorf("%s has no name of a hub; remove it to have one made, or set replica", file)
	case !errors.Is(err, fs.ErrNotExist):
		return "", fmt.Errorf("cannot read the hub's name: %w", err)
	}
	raw := make([]byte, 4)
	rand.Read(raw)
	host, _ := os.Hostname() // without one the rest will do
	host = notOfNames.ReplaceAllString(host, "_")
	name = host[:min(len(host), 20)] + "-" + hex.EncodeToString(raw)
	if err := WriteSecretFile(file, []byte(name+"\n")); err != nil {
		return "", fmt.Errorf("cannot keep the hub's name: %w", err)
	}
	return name, nil
}
