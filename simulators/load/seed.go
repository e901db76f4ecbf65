package load

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"

	"go.yaml.in/yaml/v3"
)

// Hub is where the hub listens that WriteSeed writes a configuration for.
type Hub struct {
	Listen string // host:port of console and API
	MQTT   string // host:port of the broker
}

// WriteSeed writes what a hub needs to take a load of this world to a folder: hub.yaml with its edges, and the catalogue's
// items.csv and locations.csv, in the order in which they must be imported. It gives the files' paths. Tags need no rows:
// their codes carry the items' GTINs.
func WriteSeed(dir string, w World, h Hub) ([]string, error) {
	if err := w.Check(); err != nil {
		return nil, err
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("cannot use folder %q: %w", dir, err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("cannot make the folder: %w", err)
	}
	hub, err := hubYAML(dir, w, h)
	if err != nil {
		return nil, err
	}
	var paths []string
	for _, f := range []struct {
		name string
		text []byte
	}{{"hub.yaml", hub}, {"items.csv", items(w)}, {"locations.csv", locations(w)}} {
		path := filepath.Join(dir, f.name)
		if err := os.WriteFile(path, f.text, 0o644); err != nil {
			return paths, fmt.Errorf("cannot write %s: %w", f.name, err)
		}
		paths = append(paths, path)
	}
	return paths, nil
}

func hubYAML(dir string, w World, h Hub) ([]byte, error) {
	type edge struct {
		ID   string `yaml:"id"`
		Site string `yaml:"site"`
	}
	var c struct {
		Data   string `yaml:"data"`
		Listen string `yaml:"listen"`
		MQTT   struct {
			Listen string `yaml:"listen"`
		} `yaml:"mqtt"`
		Edges []edge `yaml:"edges"`
	}
	c.Data, c.Listen, c.MQTT.Listen = filepath.Join(dir, "hub"), h.Listen, h.MQTT
	for i := range w.Edges {
		c.Edges = append(c.Edges, edge{w.Edge(i), w.Site(w.SiteOf(i))})
	}
	text, err := yaml.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("cannot write hub.yaml: %w", err)
	}
	return append([]byte("# Hub for a load of simulated edges. Written by sim load --write-seed.\n"), text...), nil
}

func items(w World) []byte {
	rows := [][]string{{"id", "gtin", "name_en", "unit"}}
	for n := range w.Items {
		rows = append(rows, []string{w.Item(n), w.GTIN(n), "Item " + w.Item(n), "EA"})
	}
	return csvText(rows)
}

func locations(w World) []byte {
	rows := [][]string{{"code", "site", "kind", "parent"}}
	for s := range w.Sites() {
		site := w.Site(s)
		rows = append(rows, []string{site, site, "site", ""}, []string{w.Place(s, w.Bays), site, "dock", site})
		for n := range w.Bays {
			rows = append(rows, []string{w.Place(s, n), site, "bay", site})
		}
	}
	for i := range w.Edges {
		s := w.SiteOf(i)
		rows = append(rows, []string{w.Door(i), w.Site(s), "door", w.Place(s, w.Bays)})
	}
	return csvText(rows)
}

func csvText(rows [][]string) []byte {
	var b bytes.Buffer
	_ = csv.NewWriter(&b).WriteAll(rows) // a buffer takes everything
	return b.Bytes()
}
