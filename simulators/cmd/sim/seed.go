package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"

	"github.com/tallydock/tallydock/simulators/seed"
	"github.com/tallydock/tallydock/simulators/world"
)

func seedCommand(_ context.Context, args []string, out, diag io.Writer) error {
	f := flag.NewFlagSet("seed", flag.ContinueOnError)
	c := seed.Config{}
	f.StringVar(&c.Dir, "dir", "", "folder for the files, and the one that sim run will use (needed)")
	f.Float64Var(&c.Speed, "speed", 1, "speed of the clock; at high speed the gateway's door times must be longer")
	f.StringVar(&c.Listen, "listen", "127.0.0.1:8080", "host:port of the hub's console and API")
	f.StringVar(&c.MQTT, "mqtt", "127.0.0.1:1883", "host:port of the hub's broker")
	f.StringVar(&c.EdgeAPI, "edge-api", "127.0.0.1:7810", "host:port of the gateway's own pages")
	rest, err := parse(f, diag, args, "SCENARIO")
	if err != nil {
		return err
	}
	if c.Dir == "" {
		return errors.New("--dir is missing: name the folder for the files")
	}
	if c.Scenario, err = load(rest[0]); err != nil {
		return err
	}
	paths, err := seed.Write(c)
	for _, p := range paths {
		fmt.Fprintln(out, p)
	}
	return err
}

func checkCommand(_ context.Context, args []string, out, diag io.Writer) error {
	rest, err := parse(flag.NewFlagSet("check", flag.ContinueOnError), diag, args, "SCENARIO")
	if err != nil {
		return err
	}
	s, err := load(rest[0])
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "scenario %s is right: %d items, %d tagged units, %d locations, %d readers, %d doors, %d deliveries a day\n",
		s.Name, len(s.Items), world.Stock(s), len(s.Locations), len(s.Readers), len(s.Doors), len(s.Deliveries))
	return nil
}
