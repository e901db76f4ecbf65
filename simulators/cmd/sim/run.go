package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/tallydock/tallydock/devices/clock"
	"github.com/tallydock/tallydock/simulators/play"
	"github.com/tallydock/tallydock/simulators/scenario"
)

func runCommand(ctx context.Context, args []string, out, diag io.Writer) error {
	f := flag.NewFlagSet("run", flag.ContinueOnError)
	var (
		dir         = f.String("dir", "", "folder of the device links and the truth (needed)")
		broker      = f.String("broker", "tcp://127.0.0.1:1883", "where the MQTT devices publish")
		credentials = f.String("credentials", "", "the hub's credentials.yaml, for the devices' user and password; \"\" = none")
		spec        = f.String("clock", "", "clock that all programs share, ORIGIN@WALL*SPEED; \"\" = the scenario's start, now")
		speed       = f.Float64("speed", 1, "seconds of the scenario in a second; not together with --clock")
		orders      = f.Bool("orders", false, "take orders from standard input, one a line: unplug DEVICE, replug DEVICE")
		lasts       = f.Duration("for", 0, "machine time after which to end; 0 = when interrupted")
	)
	rest, err := parse(f, diag, args, "SCENARIO")
	if err != nil {
		return err
	}
	s, err := load(rest[0])
	if err != nil {
		return err
	}
	c := play.Config{Scenario: s, Dir: *dir, Broker: *broker, Log: slog.New(slog.NewTextHandler(diag, nil))}
	if *dir == "" {
		return errors.New("--dir is missing: name the folder of the device links and the truth")
	}
	if c.Clock, err = clockOf(s, *spec, *speed); err != nil {
		return err
	}
	if c.User, c.Password, err = login(*credentials, s.Site.Code); err != nil {
		return err
	}
	if *lasts > 0 {
		var end context.CancelFunc
		ctx, end = context.WithTimeout(ctx, *lasts)
		defer end()
	}
	p, err := play.New(c)
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "clock:", c.Clock.Spec())
	if *orders {
		go takeOrders(os.Stdin, p, diag)
	}
	return p.Run(ctx)
}

// takeOrders does what is asked line by line until in ends; the program's end ends it too.
func takeOrders(in io.Reader, p *play.Player, diag io.Writer) {
	for lines := bufio.NewScanner(in); lines.Scan(); {
		order, device, _ := strings.Cut(strings.TrimSpace(lines.Text()), " ")
		do, ok := map[string]func(string) error{"unplug": p.Unplug, "replug": p.Replug}[order]
		if !ok {
			fmt.Fprintf(diag, "order %q is not known: unplug DEVICE or replug DEVICE\n", lines.Text())
			continue
		}
		if err := do(device); err != nil {
			fmt.Fprintf(diag, "%s %s: %v\n", order, device, err)
		}
	}
}

// clockOf gives the shared clock, or one that shows the scenario's start now.
func clockOf(s *scenario.Scenario, spec string, speed float64) (clock.Clock, error) {
	if spec == "" {
		return clock.Scaled(s.Start, time.Now(), speed)
	}
	if speed != 1 {
		return clock.Clock{}, errors.New("--clock has its own speed: leave --speed out")
	}
	return clock.Parse(spec)
}

// login takes a site's user out of a hub's file of credentials.
func login(file, site string) (user, password string, err error) {
	if file == "" {
		return "", "", nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return "", "", fmt.Errorf("cannot read credentials: %w", err)
	}
	var c struct {
		Devices map[string]struct {
			User     string `yaml:"user"`
			Password string `yaml:"password"`
		} `yaml:"devices"`
	}
	if err := yaml.Unmarshal(text, &c); err != nil {
		return "", "", fmt.Errorf("credentials %s: %w", file, err)
	}
	d, ok := c.Devices[site]
	if !ok {
		return "", "", fmt.Errorf("credentials %s have no devices of site %s; add it to the hub's device_sites", file, site)
	}
	return d.User, d.Password, nil
}
