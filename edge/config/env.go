package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// EnvPrefix starts the name of every override.
const EnvPrefix = "TALLYDOCK_EDGE_"

// Override is a value of the configuration that the environment may set.
type Override struct {
	Name string // without EnvPrefix
	Path string // of the value in the file
	at   func(*Config) *string
}

// Environment lists them all, for the help text.
func Environment() []Override {
	mqtt := func(c *Config) *SiteBroker {
		if c.MQTT == nil {
			c.MQTT = &SiteBroker{}
		}
		return c.MQTT
	}
	identity := func(c *Config) *Identity {
		if c.Identity == nil {
			c.Identity = &Identity{}
		}
		return c.Identity
	}
	return []Override{
		{"DATA", "data", func(c *Config) *string { return &c.Data }},
		{"HUB_BROKER", "hub.broker", func(c *Config) *string { return &c.Hub.URL }},
		{"HUB_USER", "hub.user", func(c *Config) *string { return &c.Hub.User }},
		{"HUB_PASSWORD_FILE", "hub.password_file", func(c *Config) *string { return &c.Hub.PasswordFile }},
		{"HUB_URL", "hub.url", func(c *Config) *string { return &c.Hub.Address }},
		{"IDENTITY_DIR", "identity.dir", func(c *Config) *string { return &identity(c).Dir }},
		{"IDENTITY_KEY_FILE", "identity.key_file", func(c *Config) *string { return &identity(c).KeyFile }},
		{"MQTT_BROKER", "mqtt.broker", func(c *Config) *string { return &mqtt(c).URL }},
		{"MQTT_USER", "mqtt.user", func(c *Config) *string { return &mqtt(c).User }},
		{"MQTT_PASSWORD_FILE", "mqtt.password_file", func(c *Config) *string { return &mqtt(c).PasswordFile }},
		{"API_LISTEN", "api.listen", func(c *Config) *string { return &c.API.Listen }},
		{"API_TOKEN_FILE", "api.token_file", func(c *Config) *string { return &c.API.TokenFile }},
		{"CLOCK", "clock", func(c *Config) *string { return &c.Clock }},
		{"LOG_LEVEL", "log.level", func(c *Config) *string { return &c.Log.Level }},
	}
}

func (c *Config) override(env func(string) (string, bool)) {
	for _, o := range Environment() {
		if v, set := env(EnvPrefix + o.Name); set {
			*o.at(c) = v
		}
	}
}

// CheckEnvironment finds names in environ ("NAME=value") that have the prefix and are no override, so that a slip of the
// pen is noticed.
func CheckEnvironment(environ []string) error {
	var errs []error
	for _, pair := range slices.Sorted(slices.Values(environ)) {
		full, _, _ := strings.Cut(pair, "=")
		name, ours := strings.CutPrefix(full, EnvPrefix)
		known := slices.ContainsFunc(Environment(), func(o Override) bool { return o.Name == name })
		if ours && !known {
			errs = append(errs, fmt.Errorf("environment variable %s is not known; edge help lists those that are", full))
		}
	}
	return errors.Join(errs...)
}
