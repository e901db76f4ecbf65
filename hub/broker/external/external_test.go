package external_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tallydock/tallydock/hub/broker"
	"github.com/tallydock/tallydock/hub/broker/external"
	"github.com/tallydock/tallydock/hub/fault"
)

func edge(id string) external.User {
	u := broker.EdgeUser(id, site)
	u.Certificate = true
	return external.User{User: u, Keys: []string{"urn:tallydock:key:00"}}
}

func writeMosquitto(u ...external.User) (external.Files, error) {
	return external.Mosquitto{Dir: "/etc/mosquitto/tallydock", Listen: "0.0.0.0:8883", Users: u}.Files()
}

func writeNATS(u ...external.User) (external.Files, error) {
	n := external.Node{Name: "n1", MQTT: "0.0.0.0:8883", Client: "127.0.0.1:4222", Route: "n1.example:6222"}
	return external.NATS{Cluster: "hub", Dir: "/etc/nats", Data: "/var/lib/nats", Nodes: []external.Node{n}, Users: u}.Files()
}

func TestUsersThatCannotBeWrittenAreRefused(t *testing.T) {
	for name, change := range map[string]func(u *external.User){
		"a password":            func(u *external.User) { u.PasswordHash = "$2a$04$x" },
		"no certificate":        func(u *external.User) { u.Certificate = false },
		"shared by devices":     func(u *external.User) { u.Shared = true },
		"no name":               func(u *external.User) { u.Name = "" },
		"a line in the name":    func(u *external.User) { u.Name = "x\nuser hub" },
		"a wildcard for a name": func(u *external.User) { u.Name = "+" },
		"a line in a filter":    func(u *external.User) { u.Publish = []string{"a\ntopic readwrite #"} },
		"a filter of no level":  func(u *external.User) { u.Subscribe = []string{"a//b"} },
		"there twice":           func(u *external.User) { u.Name = "SZ1-E1" },
	} {
		bad := edge("SZ1-E2")
		change(&bad)
		for broker, write := range map[string]func(...external.User) (external.Files, error){"Mosquitto": writeMosquitto, "NATS": writeNATS} {
			if _, err := write(edge("SZ1-E1"), bad); !errors.Is(err, fault.Invalid) {
				t.Errorf("%s: %s: %v", broker, name, err)
			}
		}
	}
	for name, keys := range map[string][]string{"no key": nil, "a line in a key": {"x\" }\nlisten: 1"}} {
		bad := edge("SZ1-E2")
		bad.Keys = keys
		if _, err := writeNATS(bad); !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPlacesThatCannotBeWrittenAreRefused(t *testing.T) {
	for name, m := range map[string]external.Mosquitto{
		"a folder that moves":    {Dir: "tallydock", Listen: "0.0.0.0:8883"},
		"a line in a folder":     {Dir: "/etc\nallow_anonymous true", Listen: "0.0.0.0:8883"},
		"no port":                {Dir: "/etc", Listen: "0.0.0.0"},
		"no host":                {Dir: "/etc", Listen: ":8883"},
		"a line in a data store": {Dir: "/etc", Listen: "0.0.0.0:8883", Data: "/var\nx"},
	} {
		if _, err := m.Files(); !errors.Is(err, fault.Invalid) {
			t.Errorf("Mosquitto: %s: %v", name, err)
		}
	}
	node := external.Node{Name: "n1", MQTT: "h:1", Client: "h:2", Route: "h:3"}
	for name, change := range map[string]func(*external.NATS){
		"no nodes":       func(n *external.NATS) { n.Nodes = nil },
		"a cluster's":    func(n *external.NATS) { n.Cluster = `x" }` },
		"a node's name":  func(n *external.NATS) { n.Nodes[0].Name = "../n1" },
		"a node's route": func(n *external.NATS) { n.Nodes[0].Route = "h" },
		"a folder":       func(n *external.NATS) { n.Data = "data" },
	} {
		n := external.NATS{Cluster: "hub", Dir: "/etc", Data: "/var", Nodes: []external.Node{node}}
		change(&n)
		if _, err := n.Files(); !errors.Is(err, fault.Invalid) {
			t.Errorf("NATS: %s: %v", name, err)
		}
	}
}

func TestUserHasItsOwnTopicsInTheFiles(t *testing.T) {
	files, err := writeMosquitto(edge("SZ1.E2"))
	want := "\nuser SZ1.E2\ntopic write td/v1/4/SZ1.E2/up/#\ntopic read td/v1/4/SZ1.E2/down/#\ntopic read site/SZ1/#\n"
	if err != nil || !strings.HasSuffix(string(files["users.acl"]), want) {
		t.Errorf("%v\n%s", err, files["users.acl"])
	}
	files, err = writeNATS(edge("SZ1.E2"))
	want = `{ user: "urn:tallydock:key:00", allowed_connection_types: ["MQTT"], permissions: { ` +
		`publish: { allow: ["td.v1.4.SZ1//E2.up.>", "td.v1.4.SZ1//E2.up"] }, ` +
		`subscribe: { allow: ["td.v1.4.SZ1//E2.down.>", "td.v1.4.SZ1//E2.down", "site.SZ1.>", "site.SZ1"] } } }`
	if err != nil || !strings.Contains(string(files["n1.conf"]), want) {
		t.Errorf("%v\n%s", err, files["n1.conf"])
	}
	silent := edge("SZ1-E3")
	silent.Publish = nil
	if files, err = writeNATS(silent); err != nil || !strings.Contains(string(files["n1.conf"]), `publish: { deny: [">"] }`) {
		t.Errorf("who may publish nothing: %v\n%s", err, files["n1.conf"])
	}
}

func TestKeysAreForTheirOwnerOnly(t *testing.T) {
	dir := t.TempDir()
	files, err := writeMosquitto(edge("SZ1-E1"))
	if err == nil {
		err = files.Write(dir)
	}
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]os.FileMode{"server.key": 0o600, "mosquitto.conf": 0o644, "users.acl": 0o644} {
		if st, err := os.Stat(filepath.Join(dir, name)); err != nil || st.Mode() != want {
			t.Errorf("%s: %v, %v", name, st.Mode(), err)
		}
	}
	if list, _ := os.ReadDir(dir); len(list) != len(files) {
		t.Errorf("%d files of %d", len(list), len(files))
	}
}
