package config_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/tallydock/tallydock/edge/config"
)

// own is a gateway's own file.
const own = `
edge: E1
site: S1
data: data
hub: {broker: "tcp://127.0.0.1:1"}
devices: [{id: own, driver: uhf, address: "serial:/dev/ttyUSB0"}]
shelves: [{location: A, device: own}]
samples: {every: 2m, change: "0.5"}
`

func ownFile(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "edge.yaml")
	if err := os.WriteFile(file, []byte(own), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestHubsSectionsTakeThePlaceOfTheFiles(t *testing.T) {
	file := ownFile(t)
	c, err := config.LoadWith(file, `
devices: [{id: other, driver: uhf, address: "serial:/dev/ttyUSB1"}, {id: more, driver: uhf, address: "serial:/dev/ttyUSB2"}]
shelves: [{location: B, device: other}]
samples: {every: 5m}
`, nothing)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Devices) != 2 || c.Devices[0].ID != "other" || c.Shelves[0].Location != "B" || *c.Shelves[0].AbsentAfter != config.AbsentAfter {
		t.Errorf("devices %+v, shelves %+v", c.Devices, c.Shelves)
	}
	if c.Samples.Every != 5*time.Minute || c.Samples.Change != config.Default().Samples.Change {
		t.Errorf("a section is not taken whole: %+v", c.Samples)
	}
	if c.Edge != "E1" || c.Hub.URL != "tcp://127.0.0.1:1" || c.Data != filepath.Join(filepath.Dir(file), "data") {
		t.Errorf("the file's own sections changed: %+v", c)
	}
	for _, text := range []string{"", " \n", "# nothing\n"} {
		if c, err := config.LoadWith(file, text, nothing); err != nil || len(c.Devices) != 1 || c.Samples.Every != 2*time.Minute {
			t.Errorf("%q: %+v, %v", text, c.Devices, err)
		}
	}
	if c, err := config.LoadWith(file, "shelves:\nrules: []\n", nothing); err != nil || len(c.Shelves) != 0 || len(c.Devices) != 1 {
		t.Errorf("shelves taken away: %+v, %v", c.Shelves, err)
	}
}

func TestWhatAHubMayNotSendIsRefusedWithTheReason(t *testing.T) {
	file := ownFile(t)
	for text, want := range map[string]string{
		"hub: {broker: \"tcp://evil:1\"}\n":                              `line 1: "hub" is not for a hub to change; it may change calibrations, contacts, devices`,
		"samples: {every: 5m}\napi: {listen: \"0.0.0.0:80\"}\n":          `line 2: "api"`,
		"data: /\nedge: E2\n":                                            `line 2: "edge"`,
		"x: &x {hub: {broker: \"tcp://evil:1\"}}\n<<: *x\n":              `line 2: "<<"`,
		"? [hub]\n: 1\n":                                                 "is not for a hub",
		"!!binary aHVi: 1\n":                                             "is not for a hub",
		"- devices\n":                                                    "no sections",
		"devices: []\n---\nrules: []\n":                                  "more than one YAML document",
		"devices: {\n":                                                   "not readable as YAML",
		"devices: [{id: a, driver: uhf, colour: red}]\n":                 `setting "colour" is not known here`,
		"devices: [{id: a, driver: uhfx, address: \"serial:/dev/x\"}]\n": "devices[0]",
		"devices: []\n":                                                  "shelves[0]",
		"samples: {every: -1s}\n":                                        "samples.every: is -1s",
		"devices: []\ndevices: []\n":                                     "already defined",
	} {
		_, err := config.LoadWith(file, text, nothing)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: want %q, got %v", text, want, err)
		}
	}
}

// A new section belongs to one side or the other, on purpose.
func TestEverySectionIsForTheHubOrNot(t *testing.T) {
	ours := []string{"edge", "site", "data", "hub", "identity", "mqtt", "api", "clock", "log", "retention", "space", "stop"}
	var names []string
	var walk func(reflect.Type)
	walk = func(typ reflect.Type) {
		for i := range typ.NumField() {
			if tag := typ.Field(i).Tag.Get("yaml"); tag == ",inline" {
				walk(typ.Field(i).Type)
			} else {
				names = append(names, tag)
			}
		}
	}
	walk(reflect.TypeFor[config.Config]())
	file := ownFile(t)
	for _, name := range names {
		_, err := config.LoadWith(file, name+":\n", nothing)
		mayNot := err != nil && strings.Contains(err.Error(), "is not for a hub to change")
		if isOurs := strings.Contains(" "+strings.Join(ours, " ")+" ", " "+name+" "); isOurs != mayNot {
			t.Errorf("section %s: a hub may change it: %v", name, !mayNot)
		}
	}
}

func TestHubsKeyIsChecked(t *testing.T) {
	key := base64.StdEncoding.EncodeToString(make([]byte, ed25519.PublicKeySize))
	with := func(key string) (config.Config, error) {
		return config.Parse([]byte(strings.Replace(own, "tcp://127.0.0.1:1\"", "tcp://127.0.0.1:1\", config_key: \""+key+"\"", 1)), nothing)
	}
	c, err := with(key)
	if err != nil || len(c.Hub.Key()) != ed25519.PublicKeySize {
		t.Errorf("a right key: %v", err)
	}
	if c, err = with(""); err != nil || c.Hub.Key() != nil {
		t.Errorf("no key: %v", err)
	}
	for _, bad := range []string{key[:40], "hello", key + "AAAA"} {
		if _, err := with(bad); err == nil || !strings.Contains(err.Error(), "hub.config_key: ") {
			t.Errorf("%s: %v", bad, err)
		}
	}
}
