package main

import (
	"crypto/ed25519"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/tallydock/tallydock/devices/wire"
)

// offer stages a configuration of the hub whose key everybody knows, as a gateway does that is stopped before the trial
// begins: offer VERSION FOLDER.
func offer(ts *testscript.TestScript, _ bool, args []string) {
	version, err := strconv.ParseUint(args[0], 10, 64)
	ts.Check(err)
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	c := wire.Configuration{
		Edge: "E1", Version: version, Text: "devices: [{id: uhf-c, driver: uhf, address: \"serial:/dev/tty-nowhere\"}]\n",
	}.Sign(key)
	text, err := json.Marshal(map[string]any{
		"key": key.Public(), "highest": version, "trial": c, "attempts": 0, "offered": version, "state": wire.ConfigTrial,
	})
	ts.Check(err)
	dir := ts.MkAbs(args[1])
	ts.Check(os.MkdirAll(dir, 0o700))
	ts.Check(os.WriteFile(filepath.Join(dir, "settings.json"), text, 0o600))
}
