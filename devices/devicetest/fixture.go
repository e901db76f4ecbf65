package devicetest

import (
	"encoding/csv"
	"encoding/hex"
	"os"
	"path/filepath"
	"testing"
)

// Fixture reads a table of recorded frames or vectors that lies beside the project; without it the test is skipped.
func Fixture(t *testing.T, name string) []map[string]string {
	t.Helper()
	dir, err := os.Getwd()
	for err == nil && filepath.Dir(dir) != dir {
		if _, e := os.Stat(filepath.Join(dir, "go.work")); e == nil {
			break
		}
		dir = filepath.Dir(dir)
	}
	f, err := os.Open(filepath.Join(dir, "..", "shared", "data", filepath.FromSlash(name)))
	if err != nil {
		t.Skipf("the recorded data are not here: %v", err)
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.FieldsPerRecord = -1 // the last columns, on sources and licences, are not in every row
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var table []map[string]string
	for _, row := range rows[1:] {
		m := map[string]string{}
		for i, value := range row[:min(len(row), len(rows[0]))] {
			m[rows[0][i]] = value
		}
		table = append(table, m)
	}
	return table
}

// Unhex reads the hexadecimal digits of a fixture.
func Unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
