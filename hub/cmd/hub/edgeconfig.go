package main

import (
	"context"
	"fmt"
	"os"

	"github.com/tallydock/tallydock/hub/app"
	"github.com/tallydock/tallydock/hub/config"
)

// printEdgeKey prints what edges need to know this hub by.
func printEdgeKey(_ context.Context, args []string, s streams) error {
	fs, file := flags("edge-key")
	if err := parse(fs, args); err != nil {
		return err
	}
	cfg, err := config.Load(*file, s.environ)
	if err != nil {
		return err
	}
	key, err := app.ConfigKey(cfg)
	if err != nil {
		return err
	}
	fmt.Fprintf(s.out, "config_key: %q # into the section hub of each edge.yaml\n", key)
	return nil
}

// sendEdgeConfig has an edge work by a file.
func sendEdgeConfig(ctx context.Context, args []string, s streams) error {
	fs, file := flags("edge-config")
	version := fs.Uint64("version", 0, "send it as this `version` at least, where the edge has had higher ones than this hub knows of")
	if err := parse(fs, args, "EDGE", "FILE.yaml"); err != nil {
		return err
	}
	cfg, err := config.Load(*file, s.environ)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(fs.Arg(1))
	if err != nil {
		return fmt.Errorf("cannot read the file: %w", err)
	}
	n, err := app.SendConfiguration(ctx, cfg, fs.Arg(0), string(text), *version)
	if err != nil {
		return err
	}
	fmt.Fprintf(s.out, "version %d waits for edge %s; what it makes of it stands in its status and in the hub's log\n", n, fs.Arg(0))
	return nil
}
