package config

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// ConfigKeyFile is the name of the file in the data folder with the key by which the hub signs what it tells edges to work
// by: an Ed25519 private key, PKCS #8, PEM.
const ConfigKeyFile = "edge-config.key"

// keyBlock is the type of the PEM block.
const keyBlock = "PRIVATE KEY"

// EnsureConfigKey reads the key of a data folder, and makes it where there is none.
func EnsureConfigKey(data string) (ed25519.PrivateKey, error) {
	file := filepath.Join(data, ConfigKeyFile)
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return makeConfigKey(file)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read the configuration key: %w", err)
	}
	block, _ := pem.Decode(text)
	if block == nil || block.Type != keyBlock {
		return nil, fmt.Errorf("configuration key %s is no PEM private key; put it back from a backup: edges take no other", file)
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("configuration key %s: %w; put it back from a backup: edges take no other", file, err)
	}
	private, ok := key.(ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("configuration key %s is a %T, and not an Ed25519 key", file, key)
	}
	return private, nil
}

func makeConfigKey(file string) (ed25519.PrivateKey, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("cannot make the configuration key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err == nil {
		err = WriteSecretFile(file, pem.EncodeToMemory(&pem.Block{Type: keyBlock, Bytes: der}))
	}
	if err != nil {
		return nil, fmt.Errorf("cannot keep the configuration key: %w", err)
	}
	return key, nil
}

// PublicConfigKey is a key's public half as edges have it in hub.config_key.
func PublicConfigKey(key ed25519.PrivateKey) string {
	return base64.StdEncoding.EncodeToString(key.Public().(ed25519.PublicKey))
}

// NextConfigVersion gives the version for an edge's next configuration and notes it, so that none is given twice: one more
// than the last, or want where that is more.
func NextConfigVersion(data, edge string, want uint64) (uint64, error) {
	dir := filepath.Join(data, "edge-config")
	file := filepath.Join(dir, edge+".version")
	text, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, fmt.Errorf("cannot read the last version: %w", err)
	}
	last, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64)
	if err != nil && len(text) > 0 {
		return 0, fmt.Errorf("last version in %s: %w; remove the file, and send with --version and a number above the edge's", file, err)
	}
	next := max(last+1, want)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return 0, fmt.Errorf("cannot note the version: %w", err)
	}
	if err := WriteSecretFile(file, strconv.AppendUint(nil, next, 10)); err != nil {
		return 0, fmt.Errorf("cannot note the version: %w", err)
	}
	return next, nil
}
