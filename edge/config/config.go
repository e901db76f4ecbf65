// Package config reads a gateway's configuration: strict YAML, then TALLYDOCK_EDGE_* from the environment, then a check
// that tells all that is wrong at once, each with its path, then the password files.
package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/tallydock/tallydock/devices/clock"
)

// Config is all that a gateway is told. Load and Parse give only those that are right.
type Config struct {
	Edge string `yaml:"edge"` // the gateway's id; 1 to 64 letters, digits, '.', '_', '-'
	Site string `yaml:"site"` // code of the site where it stands
	// Data is the folder that holds all the gateway remembers. A relative path, here and in the other files and folders
	// that a configuration names, counts from the configuration file's folder.
	Data string `yaml:"data"`
	Hub  Hub    `yaml:"hub"` // where the hub listens
	// Identity is where the gateway keeps who it is to the hub; absent = it signs in by a password, unless hub.url says that
	// it is enrolled.
	Identity *Identity   `yaml:"identity"`
	MQTT     *SiteBroker `yaml:"mqtt"` // where the site's MQTT devices publish; absent where there are none
	API      API         `yaml:"api"`
	Clock    string      `yaml:"clock"` // devices/clock spec of a demonstration; "" = the machine's clock
	Log      Log         `yaml:"log"`
	Devices  []Device    `yaml:"devices"` // readers and sensors
	// Read points: what a read by an antenna speaks of. An antenna stands at one of them.
	Shelves   []Shelf          `yaml:"shelves"`
	Tables    []Table          `yaml:"tables"`
	Doors     []Door           `yaml:"doors"`
	Rules     []Rule           `yaml:"rules"` // what raises an alarm
	Watching  `yaml:",inline"` // contacts, switches, outputs and calibrations, which rules refer to
	Samples   Samples          `yaml:"samples"`
	Retention Retention        `yaml:"retention"`
	Space     Space            `yaml:"space"`
	Stop      time.Duration    `yaml:"stop"` // how long each part may take to stop, machine time
}

// Broker says how to reach an MQTT broker.
type Broker struct {
	URL          string `yaml:"broker"` // tcp://HOST:PORT or ssl://HOST:PORT
	User         string `yaml:"user"`
	PasswordFile string `yaml:"password_file"` // its text, less space around it, is the password
	Password     Secret `yaml:"-"`
}

// API is the gateway's own HTTP server.
type API struct {
	Listen    string `yaml:"listen"`     // host:port
	TokenFile string `yaml:"token_file"` // holds the bearer token; needed where Listen is no loopback address
	Token     Secret `yaml:"-"`
}

// Log is what the gateway logs.
type Log struct {
	Level string `yaml:"level"` // debug, info, warn or error
}

// SlogLevel is the level as slog counts it.
func (l Log) SlogLevel() slog.Level {
	var level slog.Level
	if level.UnmarshalText([]byte(l.Level)) != nil {
		return slog.LevelInfo
	}
	return level
}

// Samples says how many values are kept and sent: one per channel after Every, and one before that where the value has
// changed by Change or more.
type Samples struct {
	Every  time.Duration `yaml:"every"`  // business time
	Change Milli         `yaml:"change"` // in the quantity's unit
}

// Retention is how long records that the hub has stay here, for a hub that was restored from a backup.
type Retention struct {
	Acked      time.Duration `yaml:"acked"`
	AckedBytes int64         `yaml:"acked_bytes"` // and at most so many bytes of them
}

// Space is how the store treats a disk that fills up; 0 leaves it to the store.
type Space struct {
	MinFree int64 `yaml:"min_free"` // free bytes below which intake stops
	Ballast int64 `yaml:"ballast"`  // bytes held back to be released then; negative = none
}

// Default is the configuration where the file says nothing. It lacks what has no default: edge, site and hub.
func Default() Config {
	return Config{
		Data: "var/edge", API: API{Listen: "127.0.0.1:7810"}, Log: Log{Level: "info"},
		Samples:   Samples{Every: time.Minute, Change: Milli{200}},
		Retention: Retention{Acked: 7 * 24 * time.Hour, AckedBytes: 256 << 20},
		Stop:      5 * time.Second,
	}
}

// Load reads file, applies the overrides that env finds (os.LookupEnv), checks the result and reads the password files.
// The error lists all that is wrong, a line each.
func Load(file string, env func(name string) (string, bool)) (Config, error) {
	return load(file, "", env, func(*Config) error { return nil })
}

// load is Load with a change before the check; with says in errors what that is.
func load(file, with string, env func(name string) (string, bool), change func(*Config) error) (Config, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return Config{}, fmt.Errorf("cannot read configuration: %w", err)
	}
	c, err := decode(text, env)
	if err == nil {
		err = change(&c)
	}
	if err == nil {
		err = c.Validate()
	}
	if err != nil {
		return Config{}, fmt.Errorf("configuration %s%s:\n%w", file, with, err)
	}
	c.resolve(filepath.Dir(file))
	if err := c.readSecrets(); err != nil {
		return Config{}, fmt.Errorf("configuration %s%s:\n%w", file, with, err)
	}
	return c, nil
}

// Parse reads a configuration's text like Load; it leaves relative paths as they are and reads no password file.
func Parse(text []byte, env func(name string) (string, bool)) (Config, error) {
	c, err := decode(text, env)
	if err != nil {
		return Config{}, err
	}
	if err := c.Validate(); err != nil {
		return Config{}, err
	}
	return c, nil
}

// decode reads a configuration and fills in what it leaves out; it does not check it.
func decode(text []byte, env func(name string) (string, bool)) (Config, error) {
	c := Default()
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(&c); err != nil && !errors.Is(err, io.EOF) {
		return Config{}, plain(err)
	}
	if err := d.Decode(new(any)); !errors.Is(err, io.EOF) {
		return Config{}, errors.New("the file has more than one YAML document; keep one")
	}
	c.override(env)
	c.fillIdentity()
	c.fill()
	return c, nil
}

// resolve makes relative paths count from dir.
func (c *Config) resolve(dir string) {
	paths := []*string{&c.Data, &c.Hub.PasswordFile, &c.API.TokenFile}
	if c.Identity != nil {
		paths = append(paths, &c.Identity.Dir, &c.Identity.KeyFile)
	}
	if c.MQTT != nil {
		paths = append(paths, &c.MQTT.PasswordFile)
	}
	for _, p := range paths {
		if *p != "" && !filepath.IsAbs(*p) {
			*p = filepath.Join(dir, *p)
		}
	}
}

// BusinessClock is the clock that the configuration asks for.
func (c *Config) BusinessClock() clock.Clock {
	k, err := clock.Parse(c.Clock)
	if err != nil { // Validate has told it
		return clock.Clock{}
	}
	return k
}
