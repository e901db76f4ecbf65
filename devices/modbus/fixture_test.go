package modbus_test

import (
	"encoding/json"
	"fmt"
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

// collected are the frames of the test data, by their bytes, as they must be read.
var collected = map[string]string{
	"01035000001854C0":       "unit 1 read_holding_registers 24 from 0x5000",
	"01108A000003AA10":       "unit 1 write_multiple_registers done [8a00 3]",
	"0401000A000DDD98":       "unit 4 read_coils 13 from 0xa",
	"0402000A000D9998":       "unit 4 read_discrete_inputs 13 from 0xa",
	"010300000002C40B":       "unit 1 read_holding_registers 2 from 0x0",
	"110500ACFF004E8B":       "unit 17 write_single_coil 0xac = ff00",
	"1106000100039A9B":       "unit 17 write_single_register 0x1 = 3",
	"110F0013000A02CD01BF0B": "unit 17 write_multiple_coils 0x13 = [true false true true false false true true true false]",
	"FF0304008D008EF5B3":     "unit 255 read_holding_registers done [8d 8e]",
	"05032C800016C4680000000000D4EC00000000000000000000000000000000009B376C42E7BC0ED07EF9EAFF00000467D7": "unit 5 read_holding_registers done " +
		"[8000 16c4 6800 0 0 d4ec 0 0 0 0 0 0 0 0 9b 376c 42e7 bc0e d07e f9ea ff00 4]",
}

// said is one line for a frame: as a request where it can be one.
func said(b []byte) string {
	if r, n, err := modbus.DecodeRequest(b); err == nil && n == len(b) {
		switch r.Function {
		case modbus.WriteCoil, modbus.WriteSingle:
			return fmt.Sprintf("unit %d %s %#x = %x", r.Unit, r.Function, r.Register, r.Value)
		case modbus.WriteCoils:
			return fmt.Sprintf("unit %d %s %#x = %v", r.Unit, r.Function, r.Register, r.Bits)
		}
		return fmt.Sprintf("unit %d %s %d from %#x", r.Unit, r.Function, r.Count, r.Register)
	}
	a, n, err := modbus.DecodeResponse(b)
	if err != nil || n != len(b) {
		return fmt.Sprintf("%d of %d bytes, %v", n, len(b), err)
	}
	return fmt.Sprintf("unit %d %s done %x", a.Unit, a.Function, a.Registers)
}

func TestCollectedFramesAreReadAsTheySay(t *testing.T) {
	var all struct {
		Frames []struct {
			Note, Hex string
			OK        bool `json:"crc_ok"`
		}
		Vectors []struct{ Bytes, CRC16, Wire string } `json:"crc_vectors"`
	}
	if err := json.Unmarshal(fixture(t, "sensors/modbus/frames.json"), &all); err != nil {
		t.Fatal(err)
	}
	if len(all.Frames) < 10 || len(all.Vectors) < 2 {
		t.Fatalf("%d frames and %d vectors", len(all.Frames), len(all.Vectors))
	}
	for _, f := range all.Frames {
		b := unhex(t, f.Hex)
		if got := said(b); !f.OK || got != collected[f.Hex] {
			t.Errorf("%s is\n%s, want\n%s", f.Note, got, collected[f.Hex])
		}
		for i := range b { // no frame with a wrong bit is taken
			b[i] ^= 0x10
			if r, n, err := modbus.DecodeRequest(b); err == nil && n == len(b) {
				t.Errorf("%s: with byte %d changed it is %+v", f.Note, i, r)
			}
			if r, n, err := modbus.DecodeResponse(b); err == nil && n == len(b) {
				t.Errorf("%s: with byte %d changed it is %+v", f.Note, i, r)
			}
			b[i] ^= 0x10
		}
	}
	for _, v := range all.Vectors {
		if got := fmt.Sprintf("0x%04X", modbus.CRC(unhex(t, v.Bytes))); got != v.CRC16 {
			t.Errorf("checksum of %s is %s, want %s", v.Bytes, got, v.CRC16)
		}
	}
}
