// Demo runs the demonstration site until Ctrl-C: hub, one edge and the simulators of a scenario, on this machine only.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/tallydock/tallydock/deploy/house"
)

func main() {
	var o house.Options
	flag.StringVar(&o.Bin, "bin", binDir(), "folder of the programs edge, hub and sim")
	flag.StringVar(&o.Dir, "dir", "var", "folder of all data, kept between runs")
	flag.StringVar(&o.Scenario, "scenario", "day", "built-in scenario or file")
	flag.Float64Var(&o.Speed, "speed", 60, "simulated seconds per second")
	flag.StringVar(&o.Listen, "listen", "127.0.0.1:8080", "the console's address")
	flag.StringVar(&o.MQTT, "mqtt", "127.0.0.1:1883", "the broker's address")
	flag.StringVar(&o.EdgeAPI, "edge-api", "127.0.0.1:7810", "the edge's own address")
	verbose := flag.Bool("v", false, "show the programs' logs")
	flag.Parse()
	if *verbose {
		o.Output = os.Stderr
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

func binDir() string {
	self, err := os.Executable()
	if err != nil {
		return "bin"
	}
	return filepath.Dir(self)
}

func run(ctx context.Context, o house.Options) error {
	h, err := house.New(ctx, o)
	if err != nil {
		return err
	}
	if err := start(ctx, h); err != nil {
		return errors.Join(err, h.Close())
	}
	password, err := h.AdminPassword(ctx)
	if err != nil {
		return errors.Join(err, h.Close())
	}
	fmt.Printf(`
  Tallydock runs a demonstration site.

    Console    http://%s
    User       admin
    Password   %s

  One second here is %v of the site's time. Gateway: http://%s
  Logs and data are in %s. Ctrl-C ends it.

`, o.Listen, password, time.Duration(o.Speed*float64(time.Second)), o.EdgeAPI, h.Dir)
	select {
	case <-ctx.Done():
		fmt.Println("stopping …")
		return h.Close()
	case <-h.Ended("hub"):
		err = errors.New("the hub ended, see hub.log")
	case <-h.Ended("edge"):
		err = errors.New("the edge ended, see edge.log")
	case <-h.Ended("sim"):
		err = errors.New("the simulators ended, see sim.log")
	}
	return errors.Join(err, h.Close())
}

// start brings the programs up one after another, so that the broker is there before those who use it.
func start(ctx context.Context, h *house.House) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if err := h.Start("hub"); err != nil {
		return err
	}
	if err := house.WaitReady(ctx, h.Listen); err != nil {
		return fmt.Errorf("%w, see %s", err, filepath.Join(h.Dir, "hub.log"))
	}
	if err := h.Start("sim"); err != nil {
		return err
	}
	return h.Start("edge")
}
