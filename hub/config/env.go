package config

import (
	"errors"
	"fmt"
	"sort"
	"strconv"
	"strings"
	"time"
)

// EnvPrefix starts the name of every override.
const EnvPrefix = "TALLYDOCK_HUB_"

// Override is a value of the configuration that the environment may set.
type Override struct {
	Name string // without EnvPrefix
	Path string // of the value in the file
	set  func(c *Config, value string) error
}

// Overrides lists them all, for the help text.
func Overrides() []Override {
	return []Override{
		{"DATA", "data", text(func(c *Config) *string { return &c.Data })},
		{"DATABASE_URL", "database.url", func(c *Config, v string) error {
			c.Database.URL = Secret(v)
			return nil
		}},
		{"LISTEN", "listen", text(func(c *Config) *string { return &c.Listen })},
		{"TLS_CERT", "tls.cert", text(func(c *Config) *string { return &c.TLS.Cert })},
		{"TLS_KEY", "tls.key", text(func(c *Config) *string { return &c.TLS.Key })},
		{"PUBLIC_URL", "public_url", text(func(c *Config) *string { return &c.PublicURL })},
		{"MQTT_LISTEN", "mqtt.listen", text(func(c *Config) *string { return &c.MQTT.Listen })},
		{"ENROL_URL", "enrol.url", text(func(c *Config) *string { return &c.Enrol.URL })},
		{"ENROL_LISTEN", "enrol.listen", text(func(c *Config) *string { return &c.Enrol.Listen })},
		{"ENROL_LIFE", "enrol.life", duration(func(c *Config) *time.Duration { return &c.Enrol.Life })},
		{"ENROL_GRACE", "enrol.grace", duration(func(c *Config) *time.Duration { return &c.Enrol.Grace })},
		{"MQTT_BROKER", "mqtt.broker", text(func(c *Config) *string { return &c.MQTT.Broker })},
		{"MQTT_CA", "mqtt.ca", text(func(c *Config) *string { return &c.MQTT.CA })},
		{"MQTT_CERT", "mqtt.cert", text(func(c *Config) *string { return &c.MQTT.Cert })},
		{"MQTT_KEY", "mqtt.key", text(func(c *Config) *string { return &c.MQTT.Key })},
		{"MQTT_USER", "mqtt.user", text(func(c *Config) *string { return &c.MQTT.User })},
		{"MQTT_PASSWORD_FILE", "mqtt.password_file", text(func(c *Config) *string { return &c.MQTT.PasswordFile })},
		{"REPLICA", "replica", text(func(c *Config) *string { return &c.Replica })},
		{"PLAN_SERVICE_LEVEL", "plan.service_level", number(func(c *Config) *float64 { return &c.Plan.ServiceLevel })},
		{"PLAN_REVIEW_DAYS", "plan.review_days", number(func(c *Config) *float64 { return &c.Plan.ReviewDays })},
		{"PLAN_EVERY", "plan.every", duration(func(c *Config) *time.Duration { return &c.Plan.Every })},
		{"VALUATION_METHOD", "valuation.method", text(func(c *Config) *string { return &c.Valuation.Method })},
		{"SERIES_RAW", "series.raw", duration(func(c *Config) *time.Duration { return &c.Series.Raw })},
		{"SERIES_MINUTE", "series.minute", duration(func(c *Config) *time.Duration { return &c.Series.Minute })},
		{"SERIES_QUARTER", "series.quarter", duration(func(c *Config) *time.Duration { return &c.Series.Quarter })},
		{"SERIES_HOUR", "series.hour", duration(func(c *Config) *time.Duration { return &c.Series.Hour })},
		{"INFLUX_URL", "influx.url", text(func(c *Config) *string { return &c.Influx.URL })},
		{"INFLUX_ORG", "influx.org", text(func(c *Config) *string { return &c.Influx.Org })},
		{"INFLUX_BUCKET", "influx.bucket", text(func(c *Config) *string { return &c.Influx.Bucket })},
		{"INFLUX_TOKEN_FILE", "influx.token_file", text(func(c *Config) *string { return &c.Influx.TokenFile })},
		{"INFLUX_TIMEOUT", "influx.timeout", duration(func(c *Config) *time.Duration { return &c.Influx.Timeout })},
		{"INFLUX_SPOOL", "influx.spool", func(c *Config, v string) (err error) {
			c.Influx.Spool, err = strconv.ParseInt(v, 10, 64)
			return err
		}},
		{"CONFIDENCE_THRESHOLD", "confidence_threshold", func(c *Config, v string) (err error) {
			c.ConfidenceThreshold, err = strconv.Atoi(v)
			return err
		}},
		{"WEBHOOKS_PROXY", "webhooks.proxy", func(c *Config, v string) error {
			c.Webhooks.Proxy = Secret(v)
			return nil
		}},
		{"COUNTS_ALONE", "counts.alone", func(c *Config, v string) (err error) {
			c.Counts.Alone, err = strconv.Atoi(v)
			return err
		}},
		{"OIDC_CLIENT_SECRET", "oidc.client_secret", func(c *Config, v string) error {
			c.OIDC.ClientSecret = Secret(v)
			return nil
		}},
		{"SECRET_KEY", "keys that seal secrets, by commas", func(c *Config, v string) error {
			c.SecretKey = Secret(v)
			return nil
		}},
		{"SECRET_KEY_FILE", "secret_key_file", text(func(c *Config) *string { return &c.SecretKeyFile })},
		{"CLOCK", "clock", text(func(c *Config) *string { return &c.Clock })},
		{"LOG_FORMAT", "log.format", text(func(c *Config) *string { return &c.Log.Format })},
		{"LOG_LEVEL", "log.level", text(func(c *Config) *string { return &c.Log.Level })},
	}
}

func text(field func(*Config) *string) func(*Config, string) error {
	return func(c *Config, v string) error {
		*field(c) = v
		return nil
	}
}

func duration(field func(*Config) *time.Duration) func(*Config, string) error {
	return func(c *Config, v string) (err error) {
		*field(c), err = time.ParseDuration(v)
		return err
	}
}

func number(field func(*Config) *float64) func(*Config, string) error {
	return func(c *Config, v string) (err error) {
		*field(c), err = strconv.ParseFloat(v, 64)
		return err
	}
}

// override applies what environ has; a name with the prefix that is no override is an error, so that a slip of the
// pen is noticed.
func (c *Config) override(environ []string) error {
	known := map[string]Override{}
	for _, o := range Overrides() {
		known[o.Name] = o
	}
	var errs []error
	sorted := append([]string(nil), environ...)
	sort.Strings(sorted)
	for _, pair := range sorted {
		full, value, _ := strings.Cut(pair, "=")
		name, ours := strings.CutPrefix(full, EnvPrefix)
		if !ours {
			continue
		}
		o, ok := known[name]
		if !ok {
			errs = append(errs, fmt.Errorf("environment variable %s is not known; hub help lists those that are", full))
			continue
		}
		if err := o.set(c, value); err != nil {
			errs = append(errs, fmt.Errorf("environment variable %s (%s): %w", full, o.Path, err))
		}
	}
	return errors.Join(errs...)
}
