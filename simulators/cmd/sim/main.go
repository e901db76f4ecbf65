// Command sim plays a simulated warehouse for a gateway and a hub: readers on pseudo terminals, devices on MQTT, and the
// ground truth beside them.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/tallydock/tallydock/simulators/scenario"
)

const usage = `sim plays a simulated warehouse.

  sim run SCENARIO --dir DIR     plug the devices in at DIR/tty-DEVICE, publish the MQTT ones, write DIR/truth.jsonl
  sim seed SCENARIO --dir DIR    write the hub's catalogue (CSV), edge.yaml and hub.yaml to DIR
  sim truth --dir DIR            tell what is really where
  sim portal --dir DIR           record readers at dock doors, with the truth of what went through
  sim load                       be thousands of gateways of a hub, and tell how its acks come
  sim check SCENARIO             check a scenario and tell what it has
  sim version

SCENARIO is a YAML file or one of: %s.
"sim COMMAND --help" lists a command's flags. Exit code 1: it failed; 2: it was called wrongly.
`

// errUsage says that the command line is wrong; what is wrong has been said.
var errUsage = errors.New("wrong usage")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
	case errors.Is(err, errUsage):
		os.Exit(2)
	default:
		fmt.Fprintln(os.Stderr, "sim:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out, diag io.Writer) error {
	commands := map[string]func(context.Context, []string, io.Writer, io.Writer) error{
		"run": runCommand, "seed": seedCommand, "truth": truthCommand, "check": checkCommand, "version": versionCommand,
		"portal": portalCommand, "load": loadCommand,
	}
	if len(args) == 0 || args[0] == "help" || args[0] == "--help" || args[0] == "-h" {
		fmt.Fprintf(out, usage, strings.Join(scenario.Names(), ", "))
		if len(args) == 0 {
			return errUsage
		}
		return nil
	}
	command, ok := commands[args[0]]
	if !ok {
		fmt.Fprintf(diag, "sim: command %q is not known; sim --help lists them\n", args[0])
		return errUsage
	}
	return command(ctx, args[1:], out, diag)
}

// parse reads a command's flags, which may stand before and after its arguments, and checks how many of these there are.
func parse(f *flag.FlagSet, diag io.Writer, args []string, want ...string) ([]string, error) {
	f.SetOutput(diag)
	f.Usage = func() {
		fmt.Fprintf(diag, "sim %s %s [flags]\n", f.Name(), strings.Join(want, " "))
		f.PrintDefaults()
	}
	var rest []string
	for {
		if err := f.Parse(args); errors.Is(err, flag.ErrHelp) {
			return nil, err
		} else if err != nil {
			return nil, errUsage
		}
		if args = f.Args(); len(args) == 0 {
			break
		}
		rest, args = append(rest, args[0]), args[1:]
	}
	if len(rest) != len(want) {
		fmt.Fprintf(diag, "sim %s wants %s\n", f.Name(), strings.Join(append(want, "no more"), " and "))
		return nil, errUsage
	}
	return rest, nil
}

// load reads a built-in scenario or a file.
func load(name string) (*scenario.Scenario, error) {
	if !strings.ContainsAny(name, "/.") {
		return scenario.Builtin(name)
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("cannot read scenario: %w", err)
	}
	s, err := scenario.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return s, nil
}

func versionCommand(_ context.Context, args []string, out, diag io.Writer) error {
	if _, err := parse(flag.NewFlagSet("version", flag.ContinueOnError), diag, args); err != nil {
		return err
	}
	version := "(devel)"
	if b, ok := debug.ReadBuildInfo(); ok && b.Main.Version != "" {
		version = b.Main.Version
	}
	fmt.Fprintln(out, "sim", version)
	return nil
}
