// Package house runs a whole site as processes: the hub, an edge and the simulators of a scenario, joined by real
// serial lines (PTYs) and a real broker. The demonstration and the whole-system tests both live in it.
package house

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/tallydock/tallydock/devices/clock"
	"github.com/tallydock/tallydock/hub/catalog"
	"github.com/tallydock/tallydock/simulators/scenario"
)

// Options says what to run and where.
type Options struct {
	Bin      string  // folder of the programs edge, hub and sim
	Dir      string  // folder of all data, kept between runs
	Scenario string  // a built-in scenario's name or a file
	Speed    float64 // business time per wall time
	Listen   string  // the hub's HTTP address
	MQTT     string  // the hub's MQTT address
	EdgeAPI  string  // the edge's HTTP address
	// Broker, where set, is what the edge's uplink dials instead of the hub's MQTT address, e.g. a proxy that cuts it.
	Broker string
	// Enrolled: the edge's configuration says itself how it signs in at the hub, and Broker does not count.
	Enrolled bool
	Output   io.Writer // the programs' log lines, each with its program's name; nil = files in Dir only
}

// House is a site that runs.
type House struct {
	Options
	Clock clock.Clock

	mu    sync.Mutex
	procs map[string]*process
}

// process is one running program.
type process struct {
	cmd   *exec.Cmd
	stdin io.Writer
	log   *os.File
	done  chan struct{} // closed when it has ended
	err   error
}

// Programs in the order in which they start; they stop the other way round.
var Programs = []string{"hub", "sim", "edge"}

// New prepares the folder: on the first run it writes the scenario's catalogue and configurations and imports the
// catalogue; the demonstration's clock goes on from where the last run left it.
func New(ctx context.Context, o Options) (*House, error) {
	var err error
	if o.Dir, err = filepath.Abs(o.Dir); err != nil {
		return nil, err
	}
	if o.Broker == "" {
		o.Broker = "tcp://" + o.MQTT
	}
	h := &House{Options: o, procs: map[string]*process{}}
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("cannot make the data folder: %w", err)
	}
	if _, err := os.Stat(h.path("seeded")); errors.Is(err, os.ErrNotExist) {
		if err := h.seed(ctx); err != nil {
			return nil, err
		}
	}
	return h, h.setClock()
}

func (h *House) path(name string) string { return filepath.Join(h.Dir, name) }

func (h *House) seed(ctx context.Context) error {
	if err := h.Run(ctx, "", "sim", "seed", "--dir", h.Dir, "--speed", fmt.Sprint(h.Speed), h.Scenario); err != nil {
		return err
	}
	for _, kind := range catalog.Kinds() {
		file := h.path(kind + ".csv")
		if _, err := os.Stat(file); errors.Is(err, os.ErrNotExist) {
			continue // the scenario has none of it
		}
		if err := h.Run(ctx, "", "hub", "import", "--config", h.path("hub.yaml"), kind, file); err != nil {
			return err
		}
	}
	return os.WriteFile(h.path("seeded"), nil, 0o600)
}

// Run runs another command of a program to its end, such as hub passwd, with stdin as its input.
func (h *House) Run(ctx context.Context, stdin, program string, args ...string) error {
	_, err := h.Ask(ctx, stdin, program, args...)
	return err
}

// Ask is Run that gives what the command has printed.
func (h *House) Ask(ctx context.Context, stdin, program string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, filepath.Join(h.Bin, program), args...)
	var out, diag bytes.Buffer
	cmd.Dir, cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = h.Dir, h.env(), strings.NewReader(stdin), &out, &diag
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s %s: %w\n%s%s", program, strings.Join(args, " "), err, out.String(), diag.String())
	}
	return out.String(), nil
}

// setClock goes on where the last run stopped, or starts at the scenario's first moment.
func (h *House) setClock() error {
	var at time.Time
	text, err := os.ReadFile(h.path("clock"))
	switch {
	case errors.Is(err, os.ErrNotExist):
		s, err := load(h.Scenario)
		if err != nil {
			return err
		}
		at = s.Start
	case err != nil:
		return fmt.Errorf("cannot read the demonstration's time: %w", err)
	default:
		if at, err = time.Parse(time.RFC3339Nano, strings.TrimSpace(string(text))); err != nil {
			return fmt.Errorf("the demonstration's time: %w", err)
		}
	}
	h.Clock, err = clock.Scaled(at, time.Now(), h.Speed)
	return err
}

// load reads a built-in scenario or a file.
func load(name string) (*scenario.Scenario, error) {
	if slices.Contains(scenario.Names(), name) {
		return scenario.Builtin(name)
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("cannot read the scenario: %w", err)
	}
	return scenario.Parse(text)
}

func (h *House) saveClock() error {
	return os.WriteFile(h.path("clock"), []byte(h.Clock.Now().Format(time.RFC3339Nano)+"\n"), 0o600)
}

func (h *House) env() []string {
	env := append(os.Environ(),
		"TALLYDOCK_HUB_LISTEN="+h.Listen, "TALLYDOCK_HUB_MQTT_LISTEN="+h.MQTT, "TALLYDOCK_HUB_CLOCK="+h.Clock.Spec(),
		"TALLYDOCK_EDGE_MQTT_BROKER=tcp://"+h.MQTT, "TALLYDOCK_EDGE_API_LISTEN="+h.EdgeAPI, "TALLYDOCK_EDGE_CLOCK="+h.Clock.Spec(),
	)
	if !h.Enrolled {
		env = append(env, "TALLYDOCK_EDGE_HUB_BROKER="+h.Broker)
	}
	return env
}

func (h *House) args(program string) []string {
	switch program {
	case "hub":
		return []string{"run", "--config", h.path("hub.yaml")}
	case "edge":
		return []string{"run", "--config", h.path("edge.yaml")}
	default:
		return []string{
			"run", "--dir", h.Dir, "--broker", "tcp://" + h.MQTT, "--credentials", h.path("hub/credentials.yaml"),
			"--clock", h.Clock.Spec(), "--orders", h.Scenario,
		}
	}
}

// Start starts one program and returns at once.
func (h *House) Start(program string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if p := h.procs[program]; p != nil {
		return fmt.Errorf("%s runs already", program)
	}
	if program == "edge" {
		if err := h.CopyPassword(); err != nil {
			return err
		}
	}
	log, err := os.OpenFile(h.path(program+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	cmd := exec.Command(filepath.Join(h.Bin, program), h.args(program)...)
	cmd.Dir, cmd.Env = h.Dir, h.env()
	// A group of its own, so that Ctrl-C reaches the programs through Stop only, in its order.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	out := io.Writer(log)
	if h.Output != nil {
		out = io.MultiWriter(log, &prefixer{w: h.Output, prefix: program + ": "})
	}
	cmd.Stdout, cmd.Stderr = out, out
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		log.Close()
		return fmt.Errorf("cannot start %s: %w", program, err)
	}
	p := &process{cmd: cmd, stdin: stdin, log: log, done: make(chan struct{})}
	h.procs[program] = p
	go func() {
		p.err = cmd.Wait()
		log.Close()
		close(p.done)
	}()
	return nil
}

// Tell writes a line to a program's standard input; the simulators take orders there.
func (h *House) Tell(program, line string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	p := h.procs[program]
	if p == nil {
		return fmt.Errorf("%s does not run", program)
	}
	_, err := fmt.Fprintln(p.stdin, line)
	return err
}

// Kill ends a program at once, as a power cut would, and waits until it is gone.
func (h *House) Kill(program string) error { return h.end(program, syscall.SIGKILL, time.Minute) }

// Stop asks a program to end and waits for it.
func (h *House) Stop(program string) error { return h.end(program, syscall.SIGINT, 20*time.Second) }

func (h *House) end(program string, sig syscall.Signal, limit time.Duration) error {
	h.mu.Lock()
	p := h.procs[program]
	delete(h.procs, program)
	h.mu.Unlock()
	if p == nil {
		return nil
	}
	if err := p.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("cannot end %s: %w", program, err)
	}
	select {
	case <-p.done:
	case <-time.After(limit):
		p.cmd.Process.Kill()
		<-p.done
		return fmt.Errorf("%s did not end within %v of %v", program, limit, sig)
	}
	if sig == syscall.SIGINT && p.err != nil {
		return fmt.Errorf("%s: %w, see %s", program, p.err, h.path(program+".log"))
	}
	return nil
}

// Ended gives a channel that closes when the program has ended by itself.
func (h *House) Ended(program string) <-chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	if p := h.procs[program]; p != nil {
		return p.done
	}
	return nil
}

// PID is the program's process id; 0 where it does not run.
func (h *House) PID(program string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	if p := h.procs[program]; p != nil {
		return p.cmd.Process.Pid
	}
	return 0
}

// Close stops all programs, last started first, and keeps the clock for the next run.
func (h *House) Close() error {
	errs := []error{h.saveClock()}
	for i := len(Programs) - 1; i >= 0; i-- {
		errs = append(errs, h.Stop(Programs[i]))
	}
	return errors.Join(errs...)
}

// prefixer writes whole lines, each after a prefix.
type prefixer struct {
	w      io.Writer
	prefix string
	rest   []byte
}

func (p *prefixer) Write(b []byte) (int, error) {
	p.rest = append(p.rest, b...)
	for {
		i := bytes.IndexByte(p.rest, '\n')
		if i < 0 {
			return len(b), nil
		}
		if _, err := fmt.Fprintf(p.w, "%s%s\n", p.prefix, p.rest[:i]); err != nil {
			return 0, err
		}
		p.rest = p.rest[i+1:]
	}
}
