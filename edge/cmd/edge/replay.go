package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/tallydock/tallydock/edge/config"
	"github.com/tallydock/tallydock/edge/reconcile"
	"github.com/tallydock/tallydock/edge/replay"
)

// replayCommand plays a recording: edge replay --config edge.yaml [--truth FILE] RECORDING.
func replayCommand(args []string, out, diag io.Writer) int {
	flags := flag.NewFlagSet("edge replay", flag.ContinueOnError)
	flags.SetOutput(diag)
	file := flags.String("config", "", "configuration `file`: doors, shelves and tables are what counts of it")
	truth := flags.String("truth", "", "`file` with what really passed; a score is then written to standard error")
	rest, code := parseMixed(flags, args)
	switch {
	case code >= 0:
		return code
	case *file == "" || len(rest) != 1:
		fmt.Fprintln(diag, "edge replay: say which configuration and which recording: edge replay --config edge.yaml recording.ndjson (- reads standard input)")
		return exitUsage
	}
	c, err := config.LoadPlaces(*file, os.LookupEnv)
	if err != nil {
		fmt.Fprintf(diag, "edge replay: %v\n", err)
		return exitConfig
	}
	if err := play(c, rest[0], *truth, out, diag); err != nil {
		fmt.Fprintf(diag, "edge replay: %v\n", err)
		return exitFailed
	}
	return exitOK
}

// parseMixed reads flags that may stand before and after the arguments; code is negative where all is well.
func parseMixed(flags *flag.FlagSet, args []string) (rest []string, code int) {
	for {
		if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
			return nil, exitOK
		} else if err != nil {
			return nil, exitUsage
		}
		if args = flags.Args(); len(args) == 0 {
			return rest, -1
		}
		rest, args = append(rest, args[0]), args[1:]
	}
}

func play(c config.Config, recording, truthFile string, out, diag io.Writer) error {
	plan, err := c.Plan()
	if err != nil {
		return err
	}
	truth, err := readTruth(truthFile)
	if err != nil {
		return err
	}
	in, err := openInput(recording)
	if err != nil {
		return err
	}
	defer in.Close()
	w := newLines(out)
	var movements []replay.Movement
	result, err := replay.Run(in, replay.Config{
		Plan: plan, Params: reconcile.Defaults(),
		Tell: func(e reconcile.Event) error {
			m, ok := replay.MovementOf(e)
			if !ok {
				return nil
			}
			if truth != nil {
				movements = append(movements, m)
			}
			return w.write(m)
		},
		Bad: func(line int, err error) { fmt.Fprintf(diag, "edge replay: line %d is left out: %v\n", line, err) },
	})
	if err := errors.Join(err, w.flush()); err != nil {
		return err
	}
	if result.Strange > 0 {
		fmt.Fprintf(diag, "edge replay: %d reads are by antennas that the configuration does not name\n", result.Strange)
	}
	if truth == nil {
		return nil
	}
	b, err := json.Marshal(replay.Compare(truth, movements))
	if err != nil {
		return err
	}
	fmt.Fprintf(diag, "%s\n", b)
	return nil
}

func readTruth(file string) ([]replay.Truth, error) {
	if file == "" {
		return nil, nil
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("cannot read the truth: %w", err)
	}
	defer f.Close()
	t, err := replay.ReadTruth(f)
	if t == nil && err == nil {
		t = []replay.Truth{}
	}
	return t, err
}

// openInput opens a file; - is standard input.
func openInput(name string) (io.ReadCloser, error) {
	if name == "-" {
		return io.NopCloser(os.Stdin), nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", name, err)
	}
	return f, nil
}
