package e2e_test

import (
	"os"
	"testing"

	edgeconfig "github.com/tallydock/tallydock/edge/config"
	hubconfig "github.com/tallydock/tallydock/hub/config"
)

// TestConfigurationExamplesAreRight keeps the examples that people copy true.
func TestConfigurationExamplesAreRight(t *testing.T) {
	read := func(file string) []byte {
		text, err := os.ReadFile("../docs/" + file)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	if _, err := hubconfig.Parse(read("hub.example.yaml"), nil); err != nil {
		t.Errorf("hub.example.yaml: %v", err)
	}
	none := func(string) (string, bool) { return "", false }
	if _, err := edgeconfig.Parse(read("edge.example.yaml"), none); err != nil {
		t.Errorf("edge.example.yaml: %v", err)
	}
}
