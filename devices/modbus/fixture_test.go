package modbus_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/tallydock/tallydock/devices/modbus"
)

// fixture finds a file of the project's test data, which lies beside the repository.
func fixture(t *testing.T, name string) []byte {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.work")); err == nil {
			break
		}
	}
	path := filepath.Join(dir, "..", "shared", "data", filepath.FromSlash(name))
	b, err := os.ReadFile(path)
	if err != nil {
		t.Skipf("test data is not here: %v", err)
	}
	return b
}

func TestCollectedFramesHaveTheirChecksums(t *testing.T) {
	var all struct {
		Frames []struct {
			Note, Hex string
			OK        bool `json:"crc_ok"`
		}
	}
	if err := json.Unmarshal(fixture(t, "sensors/modbus/frames.json"), &all); err != nil {
		t.Fatal(err)
	}
	if len(all.Frames) == 0 {
		t.Fatal("no frames")
	}
	known := 0
	for _, f := range all.Frames {
		b := unhex(t, f.Hex)
		n := len(b) - 2
		if ok := modbus.CRC(b[:n]) == uint16(b[n])|uint16(b[n+1])<<8; ok != f.OK {
			t.Errorf("%s: checksum is right: %v, want %v", f.Note, ok, f.OK)
		}
		_, asked, err1 := modbus.DecodeRequest(b)
		_, told, err2 := modbus.DecodeResponse(b)
		if err1 == nil && asked == len(b) || err2 == nil && told == len(b) {
			known++
		}
	}
	if known != 5 { // functions 03 and 06; the others are not spoken here
		t.Errorf("%d frames are known, want 5", known)
	}
}
