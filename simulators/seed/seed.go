// Package seed writes what a hub and a gateway need for a scenario: the hub's catalogue as CSV files, and both
// configurations.
package seed

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/tallydock/tallydock/simulators/scenario"
)

// Config says for what the files are.
type Config struct {
	Scenario *scenario.Scenario
	Dir      string  // gets the files; the devices are plugged in there as well
	Speed    float64 // of the clock that everything will run on; 0 = 1
	Listen   string  // host:port of the hub's console and API
	MQTT     string  // host:port of the hub's broker
	EdgeAPI  string  // host:port of the gateway's own pages
}

// HistoryDays is how many days of demand before the scenario's start are written.
const HistoryDays = 120

// Write writes the files, over those that are there, and gives their paths.
func Write(c Config) ([]string, error) {
	dir, err := filepath.Abs(c.Dir)
	if err != nil {
		return nil, fmt.Errorf("cannot use folder %q: %w", c.Dir, err)
	}
	c.Dir = dir
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("cannot make folder %s: %w", dir, err)
	}
	files, err := render(c)
	if err != nil {
		return nil, err
	}
	var paths []string
	for _, f := range files {
		path := filepath.Join(dir, f.name)
		if err := os.WriteFile(path, f.text, 0o644); err != nil {
			return paths, fmt.Errorf("cannot write %s: %w", path, err)
		}
		paths = append(paths, path)
	}
	return paths, nil
}

// file is one file to write.
type file struct {
	name string
	text []byte
}

func render(c Config) ([]file, error) {
	var files []file
	for _, t := range catalogue(c.Scenario) {
		text, err := t.csv()
		if err != nil {
			return nil, fmt.Errorf("cannot write %s: %w", t.name, err)
		}
		files = append(files, file{t.name + ".csv", text})
	}
	edge, err := yamlFile("Gateway of the simulated site. Times fit a clock at this speed; see sim seed --help.", edgeOf(c))
	if err != nil {
		return nil, err
	}
	hub, err := yamlFile("Hub of the simulated site.", hubOf(c))
	if err != nil {
		return nil, err
	}
	return append(files, file{"edge.yaml", edge}, file{"hub.yaml", hub}), nil
}
