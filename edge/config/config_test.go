package config_test

import (
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tallydock/tallydock/edge/config"
)

var update = flag.Bool("update", false, "write the golden messages")

func nothing(string) (string, bool) { return "", false }

// env is an environment.
func env(values map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		v, ok := values[strings.TrimPrefix(name, config.EnvPrefix)]
		return v, ok
	}
}

func TestErrorsSayWhatIsWrongAndWhere(t *testing.T) {
	files, err := filepath.Glob("testdata/bad/*.yaml")
	if err != nil || len(files) < 50 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			_, err := config.Load(file, nothing)
			if err == nil {
				t.Fatal("the configuration was taken")
			}
			golden := strings.TrimSuffix(file, ".yaml") + ".want"
			if *update {
				if err := os.WriteFile(golden, []byte(err.Error()+"\n"), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, rerr := os.ReadFile(golden)
			if rerr != nil {
				t.Fatal(rerr)
			}
			if got := err.Error() + "\n"; got != string(want) {
				t.Fatalf("got\n%swant\n%s", got, want)
			}
		})
	}
}

func TestGoodConfigurationMakesAPlan(t *testing.T) {
	c, err := config.Load("testdata/good.yaml", nothing)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := c.Plan()
	if err != nil {
		t.Fatal(err)
	}
	if p, ok := plan.Find("uhf-a1", 3); !ok || p.ID != "SZ1-A-01" {
		t.Errorf("antenna 3 of a reader whose antennas are not told apart: %+v", p)
	}
	if _, ok := plan.Find("r700-b", 2); ok {
		t.Error("an antenna that stands nowhere was found")
	}
	for device, want := range map[string]string{"probe-r": "SZ1-R", "r700-d1": "SZ1-DOCK", "pad-qa": "SZ1-QA", "z2m-1": ""} {
		if got := c.LocationOf(plan, device); got != want {
			t.Errorf("%s is at %q, want %q", device, got, want)
		}
	}
	w := c.Watch(plan)
	if len(w.Rules) != 3 || w.Rules[0].Limit != 8000 || w.Rules[2].Location != "SZ1-R" || w.Rules[2].Silence != 15*time.Minute {
		t.Errorf("rules %+v", w.Rules)
	}
	if d := c.Doors[0]; d.Longest != time.Minute || *c.Shelves[1].AbsentAfter != config.AbsentAfter {
		t.Errorf("defaults: longest %s, absent after %s", d.Longest, *c.Shelves[1].AbsentAfter)
	}
}

func TestEnvironmentOverridesTheFile(t *testing.T) {
	dir := t.TempDir()
	password := filepath.Join(dir, "password")
	if err := os.WriteFile(password, []byte("open sesame, please\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	values := map[string]string{
		"DATA": dir, "API_LISTEN": "127.0.0.1:1", "HUB_BROKER": "ssl://hub:8883", "HUB_USER": "me", "HUB_PASSWORD_FILE": password,
		"CLOCK": "2026-01-05T00:00:00Z@2026-11-22T10:00:00Z*60", "LOG_LEVEL": "debug", "MQTT_BROKER": "tcp://site:1883",
		"MQTT_USER": "site", "MQTT_PASSWORD_FILE": password, "API_TOKEN_FILE": password,
	}
	elsewhere := []string{"HUB_URL", "IDENTITY_DIR", "IDENTITY_KEY_FILE"} // TestIdentityComesFromTheEnvironmentAsWell
	for _, o := range config.Environment() {
		if values[o.Name] == "" && !slices.Contains(elsewhere, o.Name) {
			t.Fatalf("override %s is not tested", o.Name)
		}
	}
	c, err := config.Load("testdata/good.yaml", env(values))
	if err != nil {
		t.Fatal(err)
	}
	if c.Data != dir || c.API.Listen != "127.0.0.1:1" || c.Hub.URL != "ssl://hub:8883" || c.Hub.User != "me" ||
		c.BusinessClock().Speed() != 60 || c.Log.SlogLevel() != slog.LevelDebug || c.MQTT.URL != "tcp://site:1883" || c.MQTT.User != "site" {
		t.Errorf("got %+v", c)
	}
	if c.Hub.Password.Reveal() != "open sesame, please" || c.MQTT.Password.Reveal() != "open sesame, please" || c.API.Token.Reveal() != "open sesame, please" {
		t.Error("the password files were not read")
	}
	notPrinted(t, c, "open sesame, please")
}

func TestIdentityComesFromTheEnvironmentAsWell(t *testing.T) {
	file := filepath.Join(t.TempDir(), "edge.yaml")
	if err := os.WriteFile(file, []byte("edge: E1\nsite: S1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(file, env(map[string]string{"HUB_URL": "https://hub:8443/edge", "IDENTITY_DIR": "/id", "IDENTITY_KEY_FILE": "/key.pem"}))
	if err != nil || !c.Enrolled() || c.Hub.Address != "https://hub:8443/edge" || c.Identity.Dir != "/id" || c.Identity.KeyFile != "/key.pem" {
		t.Errorf("got %+v, %v", c.Identity, err)
	}
}

func TestIdentityIsInTheDataFolderUnlessSaidOtherwise(t *testing.T) {
	for text, want := range map[string]config.Identity{
		"hub: {url: \"https://hub:8443/edge\"}":                      {Dir: "DIR/data/identity"},
		"identity: {}":                                               {Dir: "DIR/data/identity"},
		"identity: {dir: id, key_file: /k}":                          {Dir: "DIR/id", KeyFile: "/k"},
		"hub: {url: \"https://hub:8443\", broker: \"ssl://b:8883\"}": {Dir: "DIR/data/identity"},
	} {
		dir := t.TempDir()
		file := filepath.Join(dir, "edge.yaml")
		if err := os.WriteFile(file, []byte("edge: E1\nsite: S1\ndata: data\n"+text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		want.Dir = strings.Replace(want.Dir, "DIR", dir, 1)
		if c, err := config.Load(file, nothing); err != nil || c.Identity == nil || *c.Identity != want {
			t.Errorf("%s: got %+v, %v", text, c.Identity, err)
		}
	}
	if c, err := config.Load("testdata/good.yaml", nothing); err != nil || c.Enrolled() {
		t.Errorf("a gateway with a password is enrolled: %v", err)
	}
}

func notPrinted(t *testing.T, c config.Config, secret string) {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "%v %+v %#v %s %q %x", c, c, c, c.Hub.Password, c.Hub.Password, c.Hub.Password)
	slog.New(slog.NewTextHandler(&b, nil)).Info("x", "config", c, "password", c.Hub.Password)
	slog.New(slog.NewJSONHandler(&b, nil)).Info("x", "config", c, "password", c.Hub.Password)
	if strings.Contains(b.String(), secret) || strings.Contains(b.String(), fmt.Sprintf("%x", secret)) {
		t.Errorf("a secret was printed: %s", &b)
	}
}

func TestEmptyOverrideCounts(t *testing.T) {
	_, err := config.Load("testdata/good.yaml", env(map[string]string{"DATA": ""}))
	if err == nil || !strings.Contains(err.Error(), "data: is empty") {
		t.Errorf("got %v", err)
	}
}

func TestSlipsInTheEnvironmentAreNoticed(t *testing.T) {
	err := config.CheckEnvironment([]string{"PATH=/bin", "TALLYDOCK_EDGE_DATTA=x", "TALLYDOCK_EDGE_DATA=x", "TALLYDOCK_EDGE_=", "TALLYDOCK_HUB_X=y"})
	want := "environment variable TALLYDOCK_EDGE_ is not known; edge help lists those that are\n" +
		"environment variable TALLYDOCK_EDGE_DATTA is not known; edge help lists those that are"
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestShortTokenIsRefused(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("123456789012345\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := config.Load("testdata/good.yaml", env(map[string]string{"API_TOKEN_FILE": file}))
	if err == nil || !strings.Contains(err.Error(), "api.token_file: "+file+" holds 15 characters; a token needs 16") || strings.Contains(err.Error(), "12345678") {
		t.Errorf("got %v", err)
	}
}

func TestAllBadPasswordFilesAreNamed(t *testing.T) {
	dir := t.TempDir()
	empty, long := filepath.Join(dir, "empty"), filepath.Join(dir, "long")
	for file, text := range map[string]string{empty: " \n", long: "one\ntwo\n"} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_, err := config.Load("testdata/good.yaml", env(map[string]string{
		"HUB_PASSWORD_FILE": "nowhere/password", "MQTT_PASSWORD_FILE": empty, "API_TOKEN_FILE": long, "MQTT_USER": "u", "HUB_USER": "u",
	}))
	for _, want := range []string{
		"hub.password_file: open testdata/nowhere/password: no such file or directory; put the secret",
		"mqtt.password_file: " + empty + " is empty", "api.token_file: " + long + " has more than one line",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %v", want, err)
		}
	}
}
