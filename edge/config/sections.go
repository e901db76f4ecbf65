package config

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Hub says how to reach the hub, and whether it may change this configuration.
type Hub struct {
	Broker `yaml:",inline"`
	// Address is the https address at which the gateway is enrolled and its certificate renewed; "" = the token's. With it, or
	// with the section identity, the gateway signs in by its certificate, and the broker may be left out: the hub says where
	// it is.
	Address string `yaml:"url"`
	// ConfigKey is the key of the hub whose configurations this gateway takes, as "hub edge-key" prints it: base64 of an
	// Ed25519 public key. "" = it takes none.
	ConfigKey string `yaml:"config_key"`
}

// Key is the hub's configuration key; nil where there is none.
func (h Hub) Key() ed25519.PublicKey {
	key, err := base64.StdEncoding.DecodeString(h.ConfigKey)
	if err != nil || len(key) != ed25519.PublicKeySize { // Validate has told it
		return nil
	}
	return key
}

func (f *findings) configKey(h Hub) {
	if h.ConfigKey != "" && h.Key() == nil {
		f.add("hub.config_key", "%q is not the base64 of 32 bytes; copy what the hub prints: hub edge-key --config hub.yaml", h.ConfigKey)
	}
}

// sections are those that a hub may change: what stands at the site and how it is watched. Where the hub is, who may look in
// and where data lies are for the gateway's own file only.
var sections = map[string]func(to, from *Config){
	"devices":      func(to, from *Config) { to.Devices = from.Devices },
	"shelves":      func(to, from *Config) { to.Shelves = from.Shelves },
	"tables":       func(to, from *Config) { to.Tables = from.Tables },
	"doors":        func(to, from *Config) { to.Doors = from.Doors },
	"rules":        func(to, from *Config) { to.Rules = from.Rules },
	"contacts":     func(to, from *Config) { to.Contacts = from.Contacts },
	"switches":     func(to, from *Config) { to.Switches = from.Switches },
	"outputs":      func(to, from *Config) { to.Outputs = from.Outputs },
	"calibrations": func(to, from *Config) { to.Calibrations = from.Calibrations },
	"samples":      func(to, from *Config) { to.Samples = from.Samples },
}

// LoadWith is Load with the sections that the hub's text has in place of the file's own; the other sections stay. An empty
// text changes nothing.
func LoadWith(file, hub string, env func(name string) (string, bool)) (Config, error) {
	if strings.TrimSpace(hub) == "" {
		return Load(file, env)
	}
	return load(file, " with the hub's sections", env, func(c *Config) error { return c.overlay(hub) })
}

// overlay puts the sections of text in place of c's.
func (c *Config) overlay(text string) error {
	names, err := sectionNames(text)
	if err != nil || len(names) == 0 {
		return err
	}
	from := Default()
	d := yaml.NewDecoder(strings.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(&from); err != nil {
		return plain(err)
	}
	for _, name := range names {
		sections[name](c, &from)
	}
	c.fill()
	return nil
}

// sectionNames gives the names of a text's sections, which must be such that a hub may change.
func sectionNames(text string) ([]string, error) {
	d := yaml.NewDecoder(bytes.NewReader([]byte(text)))
	var doc, more yaml.Node
	if err := d.Decode(&doc); errors.Is(err, io.EOF) {
		return nil, nil // nothing but comments
	} else if err != nil {
		return nil, plain(err)
	}
	if d.Decode(&more) == nil {
		return nil, errors.New("there is more than one YAML document; keep one")
	}
	if len(doc.Content) != 1 || doc.Content[0].Kind != yaml.MappingNode {
		return nil, errors.New("these are no sections; write devices: and so on")
	}
	var names []string
	var errs []error
	for i := 0; i+1 < len(doc.Content[0].Content); i += 2 {
		key := doc.Content[0].Content[i]
		if _, may := sections[key.Value]; key.Kind != yaml.ScalarNode || !may {
			errs = append(errs, fmt.Errorf("line %d: %q is not for a hub to change; it may change %s", key.Line, key.Value,
				strings.Join(slices.Sorted(maps.Keys(sections)), ", ")))
			continue
		}
		names = append(names, key.Value)
	}
	return names, errors.Join(errs...)
}
