package config_test

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tallydock/tallydock/hub/config"
	"github.com/tallydock/tallydock/hub/secret"
)

func TestFullFileIsRead(t *testing.T) {
	got, err := config.Load("testdata/full.yaml", nil)
	if err != nil {
		t.Fatal(err)
	}
	want := config.Config{
		Data: "testdata/var/hub", Listen: "127.0.0.1:8080", TLS: config.TLS{Cert: "testdata/hub.crt", Key: "testdata/hub.key"},
		MQTT: config.MQTT{Listen: "127.0.0.1:1883", Names: []string{"mqtt.example", "192.0.2.10"}, Plain: []string{"192.0.2.0/24"}},
		Enrol: config.Enrol{
			URL: "https://hub.example:8443/edge", Listen: "127.0.0.1:8443", Names: []string{"hub.example"},
			Brokers: []string{"ssl://mqtt.example:8883"}, Life: 720 * time.Hour, Grace: 240 * time.Hour,
		},
		Edges:       []config.Edge{{"SZ1-E1", "SZ1"}, {"SZ2-E1", "SZ2"}},
		DeviceSites: []string{"SZ1", "SZ2"}, Plan: config.Plan{ServiceLevel: 0.98, ReviewDays: 3.5, Every: 12 * time.Hour},
		Valuation: config.Valuation{Method: "fifo"},
		Series:    config.Series{Raw: 720 * time.Hour, Minute: 2160 * time.Hour, Quarter: 17520 * time.Hour},
		Influx: config.Influx{
			URL: "https://influx.example:8086", Org: "acme", Bucket: "tallydock", TokenFile: "testdata/influx.token", Timeout: 10 * time.Second, Spool: 100_000,
		},
		Webhooks: config.Webhooks{
			AllowPlain: []string{"erp.local"}, AllowPrivate: []string{"10.1.0.0/16"}, Ports: []int{443, 9000}, Proxy: "http://proxy:3128",
			Retention: config.Retention{Delivered: 24 * time.Hour, Failed: 48 * time.Hour, Waiting: 72 * time.Hour, Backlog: 5000},
		},
		ConfidenceThreshold: 700, Clock: "2026-01-05T00:00:00Z@2026-11-22T10:00:00.5Z*60", Log: config.Log{Level: "debug", Format: "json"},
		PublicURL: "https://hub.example.com", TrustedProxies: []string{"10.1.0.0/16", "2001:db8::/32"},
		OIDC: config.OIDC{
			Issuer: "https://login.example.com", Label: "Example", ClientID: "hub", ClientSecretFile: "testdata/oidc.secret",
			Scopes: []string{"profile"}, NameClaim: "email", GroupClaim: "roles",
			Grants: []config.Mapping{{Group: "docks", Role: "operator", Site: "SZ1"}},
		},
		Sessions: config.Sessions{Idle: time.Hour, Life: 24 * time.Hour}, TOTPRequiredRoles: []string{"admin"},
		RateLimits:    config.RateLimits{ReadsPerSecond: 50, ChangesPerSecond: 5, SignInsPerMinute: 10, ExportsPerMinute: 2},
		SecretKeyFile: "testdata/seal.key",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestEmptyFileIsTheDefault(t *testing.T) {
	got, err := config.Parse(nil, []string{"PATH=/bin"})
	if err != nil || !reflect.DeepEqual(got, config.Default()) {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestEachErrorIsTold(t *testing.T) {
	files, err := filepath.Glob("testdata/bad/*.yaml")
	if err != nil || len(files) < 15 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			want, err := os.ReadFile(strings.TrimSuffix(file, ".yaml") + ".want")
			if err != nil {
				t.Fatal(err)
			}
			_, err = config.Load(file, nil)
			if err == nil || !strings.Contains(err.Error(), strings.TrimSpace(string(want))) {
				t.Errorf("got  %v\nwant …%s…", err, want)
			}
		})
	}
}

func TestAllErrorsAreToldAtOnce(t *testing.T) {
	_, err := config.Parse([]byte("listen: x\nlog: {level: loud}\nplan: {review_days: -1}\n"), []string{"TALLYDOCK_HUB_LISEN=y"})
	for _, want := range []string{"listen: ", "log.level: ", "plan.review_days: ", "TALLYDOCK_HUB_LISEN is not known"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %v", want, err)
		}
	}
}

func TestEveryOverrideWorks(t *testing.T) {
	values := map[string]string{
		"DATA": "/srv/hub", "DATABASE_URL": "postgres://db/hub", "LISTEN": "127.0.0.1:0", "TLS_CERT": "/c", "TLS_KEY": "/k", "MQTT_LISTEN": "127.0.0.1:1884",
		"MQTT_BROKER": "ssl://b:8883", "MQTT_CA": "/a", "MQTT_CERT": "/mc", "MQTT_KEY": "/mk", "MQTT_USER": "u", "MQTT_PASSWORD_FILE": "/p", "REPLICA": "h1",
		"ENROL_URL": "https://hub:8443", "ENROL_LISTEN": "127.0.0.1:0", "ENROL_LIFE": "24h", "ENROL_GRACE": "2h",
		"PLAN_SERVICE_LEVEL": "0.9", "PLAN_REVIEW_DAYS": "2", "PLAN_EVERY": "1h", "VALUATION_METHOD": "fifo", "SERIES_RAW": "48h", "SERIES_MINUTE": "72h",
		"SERIES_QUARTER": "96h", "SERIES_HOUR": "0s", "INFLUX_URL": "http://influx", "INFLUX_ORG": "o", "INFLUX_BUCKET": "b/autogen",
		"INFLUX_TOKEN_FILE": "/t", "INFLUX_TIMEOUT": "2s", "INFLUX_SPOOL": "20000", "CONFIDENCE_THRESHOLD": "1",
		"WEBHOOKS_PROXY": "https://p:1",
		"COUNTS_ALONE":   "250",
		"CLOCK":          "2026-01-05T00:00:00Z@2026-11-22T10:00:00Z*2", "LOG_LEVEL": "warn", "LOG_FORMAT": "json",
		"PUBLIC_URL": "https://hub", "OIDC_CLIENT_SECRET": "s", "SECRET_KEY": secret.NewKey(), "SECRET_KEY_FILE": "/k2",
	}
	var environ []string
	for _, o := range config.Overrides() {
		if values[o.Name] == "" {
			t.Fatalf("override %s is not tested", o.Name)
		}
		environ = append(environ, config.EnvPrefix+o.Name+"="+values[o.Name])
	}
	got, err := config.Parse(nil, environ)
	if err != nil {
		t.Fatal(err)
	}
	want := config.Config{
		Data: "/srv/hub", Database: config.Database{URL: "postgres://db/hub"}, Listen: "127.0.0.1:0", TLS: config.TLS{Cert: "/c", Key: "/k"},
		MQTT: config.MQTT{
			Listen: "127.0.0.1:1884", Broker: "ssl://b:8883", CA: "/a", Cert: "/mc", Key: "/mk", User: "u", PasswordFile: "/p",
		},
		Replica:             "h1",
		Enrol:               config.Enrol{URL: "https://hub:8443", Listen: "127.0.0.1:0", Life: 24 * time.Hour, Grace: 2 * time.Hour},
		Plan:                config.Plan{ServiceLevel: 0.9, ReviewDays: 2, Every: time.Hour},
		Valuation:           config.Valuation{Method: "fifo"},
		Series:              config.Series{Raw: 48 * time.Hour, Minute: 72 * time.Hour, Quarter: 96 * time.Hour},
		Influx:              config.Influx{URL: "http://influx", Org: "o", Bucket: "b/autogen", TokenFile: "/t", Timeout: 2 * time.Second, Spool: 20_000},
		Webhooks:            config.Webhooks{Proxy: "https://p:1", Retention: config.Default().Webhooks.Retention},
		Counts:              config.Counts{Alone: 250},
		ConfidenceThreshold: 1, Clock: "2026-01-05T00:00:00Z@2026-11-22T10:00:00Z*2", Log: config.Log{Level: "warn", Format: "json"},
		PublicURL: "https://hub", OIDC: config.OIDC{ClientSecret: "s"}, SecretKey: config.Secret(values["SECRET_KEY"]), SecretKeyFile: "/k2",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if got.Log.SlogLevel() != slog.LevelWarn {
		t.Errorf("level %v", got.Log.SlogLevel())
	}
}

func TestEnrolmentFindsOutWhatItIsNotTold(t *testing.T) {
	for name, c := range map[string]struct {
		text    string
		brokers []string
		mqtt    []string
		doors   []string
		path    string
	}{
		"nothing": {"", nil, nil, nil, ""},
		"the address alone": {
			"enrol: {url: \"https://hub.example:8443/edge/\"}", []string{"ssl://hub.example:1883"}, []string{"hub.example"}, []string{"hub.example"}, "/edge",
		},
		"brokers": {
			"enrol: {url: \"https://[2001:db8::1]\", brokers: [\"ssl://b1:8883\", \"ssl://b2:8883\", \"ssl://b1:8884\"]}",
			[]string{"ssl://b1:8883", "ssl://b2:8883", "ssl://b1:8884"},
			[]string{"b1", "b2"},
			[]string{"2001:db8::1"},
			"",
		},
		"an address of six": {
			"enrol: {url: \"https://[2001:db8::1]:8443\"}", []string{"ssl://[2001:db8::1]:1883"}, []string{"2001:db8::1"}, []string{"2001:db8::1"}, "",
		},
	} {
		got, err := config.Parse([]byte(c.text), nil)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !slices.Equal(got.BrokerURLs(), c.brokers) || !slices.Equal(got.BrokerNames(), c.mqtt) || !slices.Equal(got.DoorNames(), c.doors) || got.Enrol.Path() != c.path {
			t.Errorf("%s: %v %v %v %q", name, got.BrokerURLs(), got.BrokerNames(), got.DoorNames(), got.Enrol.Path())
		}
	}
}

func TestSecretKeysAreMadeOnceAndForTheirOwnerOnly(t *testing.T) {
	c := config.Config{Data: t.TempDir()}
	keys, err := config.EnsureSecretKey(c)
	if err != nil {
		t.Fatal(err)
	}
	again, err := config.EnsureSecretKey(c)
	if err != nil || !slices.Equal(keys.IDs(), again.IDs()) {
		t.Errorf("the second time %v, %v", again, err)
	}
	file := filepath.Join(c.Data, config.SecretKeyFile)
	if err := os.Chmod(file, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := config.EnsureSecretKey(c); err == nil || !strings.Contains(err.Error(), "can be read by others") {
		t.Errorf("open to others: %v", err)
	}
}

func TestCredentialsAreMadeOnceAndKept(t *testing.T) {
	c := config.Default()
	c.Data = t.TempDir()
	c.Edges = []config.Edge{{"SZ1-E1", "SZ1"}}
	c.DeviceSites = []string{"SZ1"}
	first, err := config.EnsureCredentials(c)
	if err != nil {
		t.Fatal(err)
	}
	if l := first.Edges["SZ1-E1"]; l.User != "SZ1-E1" || len(l.Password) < 32 || first.Devices["SZ1"].User != "devices-SZ1" {
		t.Errorf("got %q of %+v", l.User, first)
	}
	st, err := os.Stat(filepath.Join(c.Data, config.CredentialsFile))
	if err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("file mode %v, %v", st.Mode(), err)
	}
	c.Edges = []config.Edge{{"SZ1-E2", "SZ1"}}
	second, err := config.EnsureCredentials(c)
	if err != nil || second.Hub != first.Hub || len(second.Edges) != 1 {
		t.Errorf("second start: %+v, %v; the edge that is gone must not sign in", second, err)
	}
	c.Edges = []config.Edge{{"SZ1-E1", "SZ1"}}
	if third, err := config.EnsureCredentials(c); err != nil || third.Edges["SZ1-E1"] != first.Edges["SZ1-E1"] {
		t.Errorf("the edge that came back has another password: %v", err)
	}
}

func TestBrokenCredentialsAreNotOverwritten(t *testing.T) {
	c := config.Default()
	c.Data = t.TempDir()
	file := filepath.Join(c.Data, config.CredentialsFile)
	if err := os.WriteFile(file, []byte("hub: {user: hub, pasword: x}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := config.EnsureCredentials(c); err == nil || !strings.Contains(err.Error(), "pasword") {
		t.Errorf("got %v", err)
	}
	if b, _ := os.ReadFile(file); !strings.Contains(string(b), "pasword") {
		t.Error("file was overwritten")
	}
}

func TestSecretsAreNotLogged(t *testing.T) {
	l := config.Login{User: "u", Password: "hunter2hunter2"}
	var b strings.Builder
	slog.New(slog.NewJSONHandler(&b, nil)).Info("x", "login", l)
	slog.New(slog.NewTextHandler(&b, nil)).Info("x", "login", l, "err", fmt.Errorf("%v %+v %#v %s", l, l, l, l.Password))
	if strings.Contains(b.String(), "hunter2") {
		t.Error(b.String())
	}
}

func TestAHubIsGivenANameOnce(t *testing.T) {
	c := config.Default()
	c.Data = t.TempDir()
	first, err := config.EnsureReplica(c)
	if err != nil || first == "" {
		t.Fatal(first, err)
	}
	if again, err := config.EnsureReplica(c); err != nil || again != first {
		t.Errorf("%q, and then %q, %v", first, again, err)
	}
	named := c
	named.Replica = first
	if err := named.Validate(); err != nil {
		t.Errorf("the name that was made is none: %v", err)
	}
	named.Replica = "hub-2"
	if got, err := config.EnsureReplica(named); err != nil || got != "hub-2" {
		t.Errorf("got %q, %v", got, err)
	}
}
