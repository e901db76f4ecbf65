package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"time"

	"github.com/tallydock/tallydock/edge/config"
)

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1 // the gateway could not run, or a part of it failed
	exitUsage  = 2 // the command line is wrong
	exitConfig = 3 // the configuration is wrong; trying again is of no use
)

// version and built are set by the linker for a release.
var (
	version = ""
	built   = "" // RFC 3339
)

const usage = `edge is the gateway of a warehouse: it reads RFID readers and sensors and tells a hub what moved.

Usage:
  edge run --config edge.yaml     run the gateway until it is told to stop; SIGHUP has the file read again
  edge check --config edge.yaml   say whether the configuration is right; opens nothing
  edge enrol --config edge.yaml [--replace] TOKEN
                                  get this gateway's certificate by a token of the hub (hub enrol-token); - reads the token
  edge decode PROTOCOL HEX|FILE   say what a device's bytes or messages mean, as JSON
  edge record --config edge.yaml [--for 10m] [--out FILE]
                                  write down what the devices of the running gateway say
  edge replay --config edge.yaml [--truth FILE] RECORDING
                                  play a recording through the rules and print each movement as JSON
  edge epc [--company-prefix N] [--filter N] [--host HOST] HEX|URI|LINK...
                                  say what tags name, one JSON object each; - reads lines
  edge version                    print the version

Exit codes: 0 all went well, 1 it could not run, 2 the command line is wrong, 3 the configuration is wrong.

The environment overrides the configuration:
`

func run(ctx context.Context, args []string, out, diag io.Writer) int {
	if len(args) == 0 {
		help(diag)
		return exitUsage
	}
	switch args[0] {
	case "run":
		return withConfig("run", args[1:], diag, func(file string, _ config.Config) int { return runGateway(ctx, file, diag) })
	case "check":
		return withConfig("check", args[1:], diag, func(_ string, c config.Config) int { return check(c, out) })
	case "enrol":
		return enrolCommand(ctx, args[1:], os.Stdin, out, diag)
	case "decode":
		return decodeCommand(args[1:], out, diag)
	case "record":
		return recordCommand(ctx, args[1:], out, diag)
	case "replay":
		return replayCommand(args[1:], out, diag)
	case "epc":
		return epcCommand(args[1:], os.Stdin, out, diag)
	case "version", "--version", "-version":
		fmt.Fprintln(out, software())
		return exitOK
	case "help", "--help", "-help", "-h":
		help(out)
		return exitOK
	default:
		fmt.Fprintf(diag, "edge: command %q is not known; edge help lists those that are\n", args[0])
		return exitUsage
	}
}

func help(w io.Writer) {
	fmt.Fprint(w, usage)
	for _, o := range config.Environment() {
		fmt.Fprintf(w, "  %-34s %s\n", config.EnvPrefix+o.Name, o.Path)
	}
}

// withConfig reads the flags and the configuration of a command.
func withConfig(command string, args []string, diag io.Writer, do func(file string, c config.Config) int) int {
	flags := flag.NewFlagSet("edge "+command, flag.ContinueOnError)
	flags.SetOutput(diag)
	file := flags.String("config", "", "configuration `file`")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return exitOK
		}
		return exitUsage
	}
	if *file == "" || flags.NArg() > 0 {
		fmt.Fprintf(diag, "edge %s: say which configuration: edge %s --config edge.yaml\n", command, command)
		return exitUsage
	}
	c, err := config.Load(*file, os.LookupEnv)
	if err := errors.Join(err, config.CheckEnvironment(os.Environ())); err != nil {
		fmt.Fprintf(diag, "edge %s: %v\n", command, err)
		return exitConfig
	}
	return do(*file, c)
}

func check(c config.Config, out io.Writer) int {
	fmt.Fprintf(out, "configuration of gateway %s at site %s is right: %d devices, %d shelves, %d tables, %d doors, %d rules\n",
		c.Edge, c.Site, len(c.Devices), len(c.Shelves), len(c.Tables), len(c.Doors), len(c.Rules))
	return exitOK
}

// software names the program and its version.
func software() string {
	if version != "" {
		return "edge " + version
	}
	if b, ok := debug.ReadBuildInfo(); ok && b.Main.Version != "" {
		return "edge " + b.Main.Version
	}
	return "edge (devel)"
}

// builtAt is when the program was made: as the linker says, else the time of the source that it was made of.
func builtAt() time.Time {
	if t, err := time.Parse(time.RFC3339, built); err == nil {
		return t
	}
	if b, ok := debug.ReadBuildInfo(); ok {
		for _, s := range b.Settings {
			if t, err := time.Parse(time.RFC3339, s.Value); err == nil && s.Key == "vcs.time" {
				return t
			}
		}
	}
	return time.Time{}
}
