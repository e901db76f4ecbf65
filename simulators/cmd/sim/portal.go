package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/tallydock/tallydock/simulators/radio"
)

// portalOrder is what sim portal is asked for.
type portalOrder struct {
	setting radio.Setting
	passes  int
	seed    uint64
	dir     string
	options radio.Options
}

func portalCommand(ctx context.Context, args []string, out, diag io.Writer) error {
	f := flag.NewFlagSet("portal", flag.ContinueOnError)
	var (
		order   portalOrder
		setting = f.String("setting", "mix", "what goes on at the doors: "+strings.Trim(fmt.Sprint(radio.Settings()), "[]"))
		gpi     = f.String("gpi", "none", "photocells of each door in the recording: none, one or two")
		band    = f.String("band", "eu", "the readers' channels: eu or fcc")
	)
	f.IntVar(&order.passes, "passes", 500, "loads that go through a door or turn back in it")
	f.Uint64Var(&order.seed, "seed", 1, "the same seed gives the same recording")
	f.StringVar(&order.dir, "dir", "", "folder for the files (needed)")
	f.IntVar(&order.options.Doors, "doors", 2, "doors side by side, 1 to 8")
	f.StringVar(&order.options.Inventory, "inventory", "",
		"the readers' session: s0, s1 or s2, with -dual where they turn the target; \"\" = as the setting draws it")
	if _, err := parse(f, diag, args); err != nil {
		return err
	}
	if order.dir == "" {
		return errors.New("--dir is missing: name the folder for the files")
	}
	if order.options.Doors == 0 {
		return errors.New("--doors: 0 doors cannot be recorded; use 1 to 8")
	}
	var err error
	if order.setting, err = radio.ParseSetting(*setting); err != nil {
		return fmt.Errorf("--setting: %w", err)
	}
	if order.options.Photocells, err = choice("gpi", *gpi, "none", "one", "two"); err != nil {
		return err
	}
	n, err := choice("band", *band, "eu", "fcc")
	if err != nil {
		return err
	}
	order.options.Band = radio.Band(n)
	if err := order.options.Check(order.setting, order.passes); err != nil {
		return err
	}
	return recordPortal(ctx, order, out)
}

// choice gives which of the words a flag has.
func choice(name, value string, words ...string) (int, error) {
	for i, w := range words {
		if value == w {
			return i, nil
		}
	}
	return 0, fmt.Errorf("--%s: %q is not known; use %s", name, value, strings.Join(words, ", "))
}

// recordPortal writes the recording, the truth and the gateway's configuration.
func recordPortal(ctx context.Context, order portalOrder, out io.Writer) error {
	if err := os.MkdirAll(order.dir, 0o750); err != nil {
		return fmt.Errorf("cannot make the folder: %w", err)
	}
	name := filepath.Join(order.dir, "recording.ndjson")
	file, err := os.Create(name)
	if err != nil {
		return fmt.Errorf("cannot write the recording: %w", err)
	}
	lines := &lineSink{ctx: ctx, out: bufio.NewWriterSize(file, 1<<20)}
	truth, err := radio.Record(order.setting, order.passes, order.seed, order.options, lines)
	if err = errors.Join(err, lines.out.Flush(), file.Close()); err != nil {
		return fmt.Errorf("cannot record to %s: %w", name, err)
	}
	files := []struct {
		name string
		make func() ([]byte, error)
	}{
		{"truth.ndjson", func() ([]byte, error) { return ndjson(truth.Passes) }},
		{"strays.ndjson", func() ([]byte, error) { return ndjson(truth.Strays) }},
		{"edge.yaml", func() ([]byte, error) { return portalEdge(order.options) }},
	}
	for _, f := range files {
		text, err := f.make()
		if err == nil {
			err = os.WriteFile(filepath.Join(order.dir, f.name), text, 0o600)
		}
		if err != nil {
			return fmt.Errorf("cannot write %s: %w", f.name, err)
		}
	}
	if err := placeholder(filepath.Join(order.dir, "edge.password")); err != nil {
		return err
	}
	tellPortal(out, truth)
	return nil
}

// placeholder makes a password file for a hub that nobody runs, where there is none yet.
func placeholder(name string) error {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	if err == nil {
		_, err = f.WriteString("placeholder\n")
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		return fmt.Errorf("cannot write %s: %w", name, err)
	}
	return nil
}

func tellPortal(out io.Writer, truth radio.Truth) {
	y := truth.Tally
	fmt.Fprintf(out, "%d passes in %s: %d reads, %d photocell edges\n", len(truth.Passes), y.Lasts, y.Reads, y.Edges)
	fmt.Fprintf(out, "%d tags in passes, %d of them never read, %d not by their door in their pass\n", y.TagPasses, y.Unread, y.Unseen)
	fmt.Fprintf(out, "%d reads of tags in their pass, %d by another door meanwhile\n", y.InPass, y.Cross)
}

// lineSink writes a recording line by line, until ctx ends.
type lineSink struct {
	ctx  context.Context
	out  *bufio.Writer
	room []byte
}

// Read writes a read.
func (s *lineSink) Read(r radio.Read) error {
	s.room = radio.AppendRead(s.room[:0], r)
	return s.write()
}

// Edge writes a photocell's change.
func (s *lineSink) Edge(e radio.Edge) error {
	s.room = radio.AppendEdge(s.room[:0], e)
	return s.write()
}

func (s *lineSink) write() error {
	if err := s.ctx.Err(); err != nil {
		return err
	}
	_, err := s.out.Write(s.room)
	return err
}

func ndjson[T any](list []T) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	for _, v := range list {
		if err := enc.Encode(v); err != nil {
			return nil, err
		}
	}
	return b.Bytes(), nil
}

// portalSite is the configuration of a gateway at the doors of a recording.
type portalSite struct {
	Edge string `yaml:"edge"`
	Site string `yaml:"site"`
	Data string `yaml:"data"`
	Hub  struct {
		Broker       string `yaml:"broker"`
		User         string `yaml:"user"`
		PasswordFile string `yaml:"password_file"`
	} `yaml:"hub"`
	Devices []portalDevice `yaml:"devices"`
	Doors   []portalDoor   `yaml:"doors"`
}

type portalDevice struct {
	ID      string `yaml:"id"`
	Driver  string `yaml:"driver"`
	Address string `yaml:"address"`
}

type portalDoor struct {
	ID             string          `yaml:"id"`
	InsideLocation string          `yaml:"inside_location"`
	Inside         []portalAntenna `yaml:"inside,flow"`
	Outside        []portalAntenna `yaml:"outside,flow"`
	Photocells     []portalCell    `yaml:"photocells,omitempty,flow"`
}

type portalAntenna struct {
	Device  string `yaml:"device"`
	Antenna int    `yaml:"antenna"`
}

type portalCell struct {
	Device string `yaml:"device"`
	Port   int    `yaml:"port"`
	Side   string `yaml:"side"`
	Active string `yaml:"active"`
}

func portalEdge(o radio.Options) ([]byte, error) {
	s := portalSite{Edge: "SIM-E1", Site: "SIM", Data: "edge"}
	s.Hub.Broker, s.Hub.User, s.Hub.PasswordFile = "tcp://127.0.0.1:1883", s.Edge, "edge.password"
	for n := range o.Doors {
		id := radio.ReaderName(n)
		s.Devices = append(s.Devices, portalDevice{id, "llrp", fmt.Sprintf("tcp:127.0.0.1:%d", 5084+n)})
		d := portalDoor{
			ID: id, InsideLocation: fmt.Sprintf("SIM-DOCK%d", n+1),
			Inside: []portalAntenna{{id, 1}, {id, 3}}, Outside: []portalAntenna{{id, 2}, {id, 4}},
		}
		cells := []portalCell{{id, 1, "outside", "high"}, {id, 2, "inside", "high"}}
		d.Photocells = cells[:o.Photocells]
		s.Doors = append(s.Doors, d)
	}
	var b bytes.Buffer
	b.WriteString("# A gateway at the doors of recording.ndjson. Written by sim portal.\n")
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	if err := enc.Encode(s); err != nil {
		return nil, err
	}
	return b.Bytes(), enc.Close()
}
