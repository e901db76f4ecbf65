package faults_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/edge/store"
	"github.com/tallydock/tallydock/edge/uplink"
)

// What the environment of a child process says.
const (
	fullChild   = "FAULTS_CHILD_DIR"    // where its store is; it makes this program that gateway
	childBroker = "FAULTS_CHILD_BROKER" // where the hub's broker is; none = no uplink
	childPause  = "FAULTS_CHILD_PAUSE"  // of each producer between two batches
)

// exitNoSpace is how a child ends that finds too little space to start; a service manager starts it again.
const exitNoSpace = 3

// runFullChild is a gateway of store, producers and uplink, until its standard input ends. It says on its standard output
// which batches were answered: "ack PRODUCER BATCH".
func runFullChild(dir string) int {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	s, r, err := store.Open(ctx, harmed(dir))
	if errors.Is(err, store.ErrNoSpace) {
		return exitNoSpace
	}
	if err != nil {
		fmt.Println("bad", err)
		return 1
	}
	if !r.Clean() {
		fmt.Println("bad", r)
		return 1
	}
	last, err := states(s)
	if err != nil {
		fmt.Println("bad", err)
		return 1
	}
	pause, err := time.ParseDuration(os.Getenv(childPause))
	if err != nil {
		fmt.Println("bad", err)
		return 1
	}
	first := last
	for p := range first {
		first[p]++
	}
	l := newLoad(s, first)
	l.pause, l.said = pause, func(p, batch int) { fmt.Println("ack", p, batch) }
	fmt.Println("open")
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	var all sync.WaitGroup
	all.Go(func() { tellSpace(ctx, s) })
	if address := os.Getenv(childBroker); address != "" {
		all.Go(func() { runUplink(ctx, s, address) })
	}
	if err := l.run(ctx); err != nil {
		fmt.Println("bad", err)
		cancel()
	}
	all.Wait()
	if err := s.Close(); err != nil {
		fmt.Println("bad", err)
		return 1
	}
	fmt.Println("closed")
	return 0
}

func runUplink(ctx context.Context, s *store.Store, address string) {
	u, err := uplink.New(uplink.Config{
		Edge: edgeID, Site: "FAULT", Broker: "tcp://" + address, User: edgeID, Password: password,
		Resend: time.Second, Beat: time.Second, RetryMost: time.Second,
	}, s, func(wire.Command) {})
	if err == nil {
		err = u.Run(ctx)
	}
	if err != nil {
		fmt.Println("bad", err)
	}
}

// tellSpace says when the intake stops.
func tellSpace(ctx context.Context, s *store.Store) {
	low := false
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-look.C:
			if now := s.Position().LowSpace; now != low {
				if low = now; low {
					fmt.Println("low")
				}
			}
		}
	}
}

// child is a gateway in a process of its own, started again whenever it ends, and what it said.
type child struct {
	t            *testing.T
	dir, address string
	pause        time.Duration
	running      sync.WaitGroup

	mu       sync.Mutex
	cmd      *exec.Cmd
	stdin    io.Closer
	stopping bool
	doomed   bool // what it says of itself does not count any more
	killed   bool
	acked    [producers]int
	opened   bool // since it was started
	progress chan struct{}

	refused, crashes, sigbus, loops, stops int
}

// startEdge starts a child and keeps it running until the test ends or stop is called.
func startEdge(t *testing.T, dir, address string, pause time.Duration) *child {
	c := &child{t: t, dir: dir, address: address, pause: pause, progress: make(chan struct{}, 1)}
	c.running.Go(c.keep)
	t.Cleanup(func() {
		c.set(func() { c.stopping = true })
		c.kill()
		c.running.Wait()
	})
	return c
}

// keep is the service manager.
func (c *child) keep() {
	for again := true; again; {
		again = c.once()
		if again {
			<-time.After(100 * time.Millisecond)
		}
	}
}

// once runs the child to its end and tells whether it is to be started again.
func (c *child) once() bool {
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), fullChild+"="+c.dir, childBroker+"="+c.address, childPause+"="+c.pause.String())
	var stderr strings.Builder
	cmd.Stderr = &stderr
	in, err1 := cmd.StdinPipe()
	out, err2 := cmd.StdoutPipe()
	c.mu.Lock()
	if c.stopping {
		c.mu.Unlock()
		return false
	}
	if err := errors.Join(err1, err2, cmd.Start()); err != nil {
		c.mu.Unlock()
		c.t.Errorf("cannot start a child: %v", err)
		return false
	}
	c.cmd, c.stdin, c.killed, c.opened = cmd, in, false, false
	c.mu.Unlock()
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		c.hear(lines.Text())
	}
	return c.judge(cmd.Wait(), stderr.String())
}

func (c *child) hear(line string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var p, batch int
	switch n, _ := fmt.Sscanf(line, "ack %d %d", &p, &batch); {
	case n == 2:
		if batch < c.acked[p] {
			c.t.Errorf("batch %d of producer %d was answered again", batch, p)
		}
		c.acked[p] = batch + 1
		select {
		case c.progress <- struct{}{}:
		default:
		}
	case line == "open":
		c.opened = true
	case line == "low":
		c.stops++
	case line != "closed" && !c.doomed:
		c.t.Errorf("child: %s", line)
	}
}

// judge books how the child ended.
func (c *child) judge(err error, stderr string) (again bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var exit *exec.ExitError
	switch {
	case err == nil || c.killed || c.doomed:
	case errors.As(err, &exit) && exit.ExitCode() == exitNoSpace:
		c.refused++
	default:
		c.crashes++
		if strings.Contains(stderr, "SIGBUS") || exit != nil && exit.Sys().(syscall.WaitStatus).Signal() == syscall.SIGBUS {
			c.sigbus++
		}
		if !c.opened {
			c.loops++
		}
		if first, _, _ := strings.Cut(stderr, "\n\n"); c.sigbus < c.crashes || c.loops > 0 {
			c.t.Logf("the gateway ended by itself: %v: %.600s", err, first)
		}
	}
	return !c.stopping
}

func (c *child) set(change func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change()
}

// kill ends the process at once; it is started again.
func (c *child) kill() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cmd != nil {
		c.killed = true
		_ = c.cmd.Process.Kill()
	}
}

// awaitProgress waits until more batches are answered.
func (c *child) awaitProgress(within time.Duration) {
	c.t.Helper()
	limit := time.After(within)
	select {
	case <-c.progress: // an old one
	default:
	}
	for range 10 {
		select {
		case <-c.progress:
		case <-limit:
			c.t.Fatalf("nothing was taken for %v after the fault", within)
		}
	}
}

// answered gives the batches of each producer that were answered until now.
func (c *child) answered() [producers]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.acked
}

// begun gives the batches of each producer that may be there: those that were answered, and those that then waited.
func (c *child) begun() [producers]int {
	b := c.answered()
	for p := range b {
		b[p] += pendingMost
	}
	return b
}

// doom lets fail fail the disk under the child, ends it, and gives the batches that were answered until then.
func (c *child) doom(fail func()) [producers]int {
	c.t.Helper()
	c.set(func() { c.stopping, c.doomed = true, true })
	fail()
	c.kill()
	c.running.Wait()
	return c.answered()
}

// stop ends the child in order and gives the batches that were answered.
func (c *child) stop() [producers]int {
	c.t.Helper()
	c.set(func() {
		c.stopping = true
		_ = c.stdin.Close()
	})
	c.running.Wait()
	return c.answered()
}
