package e2e_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/hub/store"
	"github.com/tallydock/tallydock/hub/store/postgres"
	"github.com/tallydock/tallydock/hub/store/postgres/postgrestest"
)

// company is several hubs on one PostgreSQL database and one set of brokers, with gates that send to them.
type company struct {
	t       *testing.T
	dir     string
	server  *postgrestest.Server
	url     string // of the database
	brokers brokers
	hubs    []*hubProcess
	gates   []*gate
	working atomic.Bool // gates decide more
	stop    context.CancelFunc
	group   sync.WaitGroup
}

// hubProcess is one replica.
type hubProcess struct {
	name, dir, listen string
	cmd               *exec.Cmd
	log               *os.File
}

func hubBinary(t *testing.T) string {
	t.Helper()
	if os.Getenv("TALLYDOCK_E2E") == "" && os.Getenv("TALLYDOCK_FAULTS") == "" {
		t.Skip("whole-system tests run by make test-e2e")
	}
	bin, err := filepath.Abs("../../bin/hub")
	if err != nil {
		t.Fatal(err)
	}
	return bin
}

func openCompany(t *testing.T, b brokers, gates int) *company {
	t.Helper()
	hubBinary(t)
	s, err := postgrestest.New("max_connections=200")
	if errors.Is(err, postgrestest.ErrMissing) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	c := &company{t: t, dir: t.TempDir(), server: s, brokers: b}
	if keep := os.Getenv("TALLYDOCK_E2E_DIR"); keep != "" {
		c.dir = filepath.Join(keep, t.Name())
	}
	c.url = c.database(gates)
	ctx, stop := context.WithCancel(t.Context())
	c.stop = stop
	for n := range gates {
		c.gates = append(c.gates, openGate(t, b.address(n), n))
	}
	for _, g := range c.gates {
		c.group.Go(func() { g.run(ctx, 8, 200*time.Millisecond, c.working.Load) })
	}
	t.Cleanup(func() {
		stop()
		c.group.Wait()
		for _, h := range c.hubs {
			h.kill()
		}
		if t.Failed() {
			for _, h := range c.hubs {
				t.Logf("end of %s's log:\n%s", h.name, tail(filepath.Join(h.dir, "log"), 30))
			}
		}
	})
	return c
}

// database makes one with what the gates move.
func (c *company) database(gates int) string {
	c.t.Helper()
	url, err := c.server.Database(c.t.Context())
	if err != nil {
		c.t.Fatal(err)
	}
	c.with(url, func(db *store.DB) error {
		for _, rows := range gateCatalogue(gates) {
			if _, err := (store.Catalog{DB: db}).Put(c.t.Context(), rows); err != nil {
				return err
			}
		}
		return nil
	})
	return url
}

func (c *company) with(url string, f func(*store.DB) error) {
	c.t.Helper()
	db, err := postgres.Open(c.t.Context(), url, time.Now, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	if err := errors.Join(f(db), db.Close()); err != nil {
		c.t.Fatal(err)
	}
}

// hire adds a replica whose clock is wrong by skew, and starts it.
func (c *company) hire(name string, skew time.Duration) *hubProcess {
	c.t.Helper()
	h := &hubProcess{name: name, dir: filepath.Join(c.dir, name), listen: free(c.t)}
	if err := os.MkdirAll(h.dir, 0o700); err != nil {
		c.t.Fatal(err)
	}
	clock := ""
	if skew != 0 {
		now := time.Now().UTC()
		clock = now.Add(skew).Format(time.RFC3339Nano) + "@" + now.Format(time.RFC3339Nano) + "*1"
	}
	text := fmt.Sprintf("data: data\ndatabase: {url: %q}\nlisten: %s\nmqtt: {broker: %q, user: %s, password_file: password}\nreplica: %s\nclock: %q\n",
		c.url, h.listen, c.brokers.address(len(c.hubs)), name, name, clock)
	if err := os.WriteFile(filepath.Join(h.dir, "password"), []byte("any\n"), 0o600); err != nil {
		c.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(h.dir, "hub.yaml"), []byte(text), 0o600); err != nil {
		c.t.Fatal(err)
	}
	c.hubs = append(c.hubs, h)
	h.start(c.t)
	return h
}

func (h *hubProcess) start(t *testing.T) {
	t.Helper()
	var err error
	if h.log, err = os.OpenFile(filepath.Join(h.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); err != nil {
		t.Fatal(err)
	}
	h.cmd = exec.Command(hubBinary(t), "run", "--config", filepath.Join(h.dir, "hub.yaml"))
	h.cmd.Stdout, h.cmd.Stderr = h.log, h.log
	h.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := h.cmd.Start(); err != nil {
		t.Fatal(err)
	}
}

// kill ends a hub as a power cut would.
func (h *hubProcess) kill() {
	if h.cmd == nil {
		return
	}
	_ = h.cmd.Process.Kill()
	_ = h.cmd.Wait()
	h.log.Close()
	h.cmd = nil
}

func (h *hubProcess) signal(t *testing.T, s syscall.Signal) {
	t.Helper()
	if err := h.cmd.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

var partitionsLine = regexp.MustCompile(`(?m)^tallydock_replica_partitions (\d+)$`)

// partitions is how many a hub serves; -1 where it does not say.
func (h *hubProcess) partitions() int {
	client := http.Client{Timeout: 2 * time.Second}
	r, err := client.Get("http://" + h.listen + "/metrics")
	if err != nil {
		return -1
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	m := partitionsLine.FindSubmatch(b)
	if err != nil || m == nil {
		return -1
	}
	n, _ := strconv.Atoi(string(m[1]))
	return n
}

// balanced waits until these hubs have all partitions, each as many as any other.
func (c *company) balanced(hubs ...*hubProcess) {
	c.t.Helper()
	c.eventually(60*time.Second, func() (bool, string) {
		sum, least, most, text := 0, wire.Partitions, 0, ""
		for _, h := range hubs {
			n := h.partitions()
			sum, least, most, text = sum+n, min(least, n), max(most, n), text+fmt.Sprintf(" %s %d", h.name, n)
		}
		return sum == wire.Partitions && most-least <= 1, "partitions:" + text
	})
}

func (c *company) eventually(limit time.Duration, holds func() (bool, string)) {
	c.t.Helper()
	for deadline := time.Now().Add(limit); ; time.Sleep(50 * time.Millisecond) {
		ok, text := holds()
		if ok {
			return
		}
		if time.Now().After(deadline) {
			c.t.Fatalf("it did not come within %s: %s", limit, text)
		}
	}
}

// caughtUp waits until what every gate has decided by now is acked, and gives how long that took.
func (c *company) caughtUp(limit time.Duration) time.Duration {
	c.t.Helper()
	began := time.Now()
	due := make([]int, len(c.gates))
	for i, g := range c.gates {
		_, due[i] = g.acked()
	}
	c.eventually(limit, func() (bool, string) {
		for i, g := range c.gates {
			if upto, _ := g.acked(); upto < due[i] {
				return false, fmt.Sprintf("gate %s, partition %d: %d of %d records are acked", g.id, wire.Partition(g.id), upto, due[i])
			}
		}
		return true, ""
	})
	return time.Since(began)
}

// settle ends the work and waits until all of it is acked.
func (c *company) settle() {
	c.t.Helper()
	c.working.Store(false)
	time.Sleep(300 * time.Millisecond) // the last decisions
	c.caughtUp(2 * time.Minute)
	c.stop()
	c.group.Wait()
}

// books are what a ledger comes to.
type books struct {
	movements      int64
	lines          [sha256.Size]byte // over each movement's key and lines, by key
	balances       [sha256.Size]byte
	lost, repeated int
}

// read reads the books of a database and checks that they are in order.
func (c *company) read(url string) (b books) {
	c.t.Helper()
	ctx := c.t.Context()
	c.with(url, func(db *store.DB) error {
		ledger := store.Ledger{DB: db}
		v, err := ledger.Verify(ctx, nil)
		if err != nil {
			return err
		}
		wrong, err := ledger.Check(ctx)
		if err != nil {
			return err
		}
		if len(v.Wrong) > 0 || len(wrong) > 0 {
			c.t.Errorf("the ledger is not whole: %v; %+v", v.Wrong, wrong)
		}
		b.movements = v.Movements
		seen := map[string]int{}
		lines, balances := sha256.New(), sha256.New()
		err = c.rows(db, lines, func(key string) { seen[key]++ }, `SELECT m.key, m.kind || ' ' || l.item || ' ' || l.lot || ' ' || encode(l.tag, 'hex') || ' ' || l.from_location ||
			' ' || l.from_state || ' ' || l.to_location || ' ' || l.to_state || ' ' || l.quantity
			FROM movement m JOIN movement_line l ON l.movement = m.id ORDER BY m.key, l.line`)
		if err != nil {
			return err
		}
		for _, g := range c.gates {
			_, n := g.acked()
			for seq := range n {
				switch k := seen[fmt.Sprintf("%s/1/%d", g.id, seq+1)]; {
				case k == 0:
					b.lost++
				case k > 1:
					b.repeated += k - 1
				}
			}
		}
		err = c.rows(db, balances, func(string) {}, `SELECT item || ' ' || location || ' ' || lot || ' ' || state, '' || quantity FROM balance
			WHERE quantity <> 0 ORDER BY 1`)
		b.lines, b.balances = [sha256.Size]byte(lines.Sum(nil)), [sha256.Size]byte(balances.Sum(nil))
		return err
	})
	return b
}

func (c *company) rows(db *store.DB, sum io.Writer, each func(key string), query string) error {
	return db.Write(c.t.Context(), func(tx *store.Tx) error {
		rows, err := tx.QueryContext(c.t.Context(), query)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var key, rest string
			if err := rows.Scan(&key, &rest); err != nil {
				return err
			}
			each(key)
			fmt.Fprintln(sum, key, rest)
		}
		return rows.Err()
	})
}

// check compares the ledger with that of an undisturbed run of the same gates on one hub, and prints what the faults did.
func (c *company) check(what string) {
	c.t.Helper()
	got := c.read(c.url)
	for _, h := range c.hubs {
		h.kill()
	}
	undisturbed := &company{t: c.t, dir: filepath.Join(c.dir, "undisturbed"), server: c.server, brokers: startMosquitto(c.t)}
	undisturbed.url = undisturbed.database(len(c.gates))
	undisturbed.hire("calm", 0)
	c.t.Cleanup(undisturbed.hubs[0].kill)
	ctx, stop := context.WithCancel(c.t.Context())
	defer stop()
	total, lowered, slowest := 0, 0, time.Duration(0)
	for n, g := range c.gates {
		_, decided := g.acked()
		total, lowered, slowest = total+decided, lowered+g.lowered, max(slowest, g.slowest)
		again := openGate(c.t, undisturbed.brokers.address(n), n)
		again.decide(decided)
		undisturbed.gates = append(undisturbed.gates, again)
		go again.run(ctx, 0, time.Hour, func() bool { return false })
	}
	undisturbed.caughtUp(3 * time.Minute)
	want := undisturbed.read(undisturbed.url)
	c.t.Logf("FAULT %s: %d movements of %d gates, lost %d, twice %d; acks that went back %d; longest from decision to ack %s",
		what, total, len(c.gates), got.lost, got.repeated, lowered, slowest.Round(100*time.Millisecond))
	if got != want || got.movements != int64(total) || got.lost+got.repeated > 0 {
		c.t.Errorf("the ledger is not that of the undisturbed run:\n got %+v\nwant %+v", got, want)
	}
	out, err := exec.Command(hubBinary(c.t), "verify", "--config", filepath.Join(c.hubs[0].dir, "hub.yaml")).CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("are as they were written")) {
		c.t.Errorf("hub verify: %v\n%s", err, out)
	}
	if m, ok := c.brokers.(*mosquitto); lowered > 0 && !(ok && m.byName) {
		c.t.Errorf("%d acks were older than one before", lowered)
	}
}

// killed kills a hub while gates send, and gives how long the others take to have caught up with what was decided until then.
func (c *company) killed(h *hubProcess) time.Duration {
	c.t.Helper()
	h.kill()
	time.Sleep(200 * time.Millisecond) // decisions that only others can take
	return c.caughtUp(60*time.Second) + 200*time.Millisecond
}

// asleep stops a hub until others have taken over, and then wakes it up.
func (c *company) asleep(h *hubProcess, others ...*hubProcess) time.Duration {
	c.t.Helper()
	h.signal(c.t, syscall.SIGSTOP)
	time.Sleep(200 * time.Millisecond)
	took := c.caughtUp(90*time.Second) + 200*time.Millisecond
	c.balanced(others...)
	h.signal(c.t, syscall.SIGCONT)
	return took
}

// TestReplicasSurviveFaults: two hubs whose clocks are two hours apart; one is killed, one falls asleep and wakes up late, and
// the broker dies.
func TestReplicasSurviveFaults(t *testing.T) {
	t.Parallel()
	c := openCompany(t, startMosquitto(t), 16)
	a, b := c.hire("hub-a", time.Hour), c.hire("hub-b", -time.Hour)
	c.balanced(a, b)
	c.working.Store(true)
	time.Sleep(time.Second)
	t.Logf("hub-a killed: taken over and caught up after %s", c.killed(a))
	a.start(t)
	c.balanced(a, b)
	t.Logf("hub-b asleep: taken over and caught up after %s", c.asleep(b, a))
	c.brokers.kill(t, 0)
	time.Sleep(time.Second)
	c.brokers.restart(t, 0)
	c.balanced(a, b)
	c.settle()
	c.check("two hubs on Mosquitto, clocks two hours apart: one killed, one asleep, broker killed")
}

// TestReplicasSurviveManyFaults is for TALLYDOCK_FAULTS=1: three hubs, and faults for minutes.
func TestReplicasSurviveManyFaults(t *testing.T) {
	if os.Getenv("TALLYDOCK_FAULTS") == "" {
		t.Skip("takes minutes; TALLYDOCK_FAULTS=1 runs it")
	}
	t.Run("mosquitto", func(t *testing.T) { manyFaults(t, startMosquitto(t), 24, 12) })
	t.Run("mosquitto by user names", func(t *testing.T) { manyFaults(t, startMosquitto(t, byName), 12, 3) })
	t.Run("nats", func(t *testing.T) { manyFaults(t, startNATSCluster(t), 8, 6) }) // whose servers share the test's process
}

func manyFaults(t *testing.T, b brokers, gates, kills int) {
	const sleeps, outages = 3, 3
	c := openCompany(t, b, gates)
	hubs := []*hubProcess{c.hire("hub-a", time.Hour), c.hire("hub-b", 0), c.hire("hub-c", -time.Hour)}
	c.balanced(hubs...)
	c.working.Store(true)
	random := rand.New(rand.NewPCG(3, 5))
	pause := func() { time.Sleep(time.Duration(random.IntN(2500)) * time.Millisecond) }
	for n := range kills {
		h := hubs[random.IntN(len(hubs))]
		pause()
		if n%3 == 0 {
			t.Logf("kill %d, %s: taken over and caught up after %s", n+1, h.name, c.killed(h))
		} else {
			h.kill()
			pause()
		}
		h.start(t)
	}
	c.balanced(hubs...)
	for n := range sleeps {
		h := hubs[n%len(hubs)]
		var others []*hubProcess
		for _, o := range hubs {
			if o != h {
				others = append(others, o)
			}
		}
		pause()
		t.Logf("sleep %d, %s: taken over and caught up after %s", n+1, h.name, c.asleep(h, others...))
		c.balanced(hubs...)
	}
	for n := range outages {
		pause()
		c.brokers.kill(t, n%3)
		pause()
		c.brokers.restart(t, n%3)
		t.Logf("broker %d killed: caught up after %s", n+1, c.caughtUp(90*time.Second))
	}
	c.balanced(hubs...)
	c.settle()
	c.check(fmt.Sprintf("three hubs: %d times one killed, %d times one asleep, %d times a broker killed", kills, sleeps, outages))
}

// TestReplicasOnANATSCluster: three servers, a hub at each of two of them; one is killed.
func TestReplicasOnANATSCluster(t *testing.T) {
	t.Parallel()
	hubBinary(t)
	c := openCompany(t, startNATSCluster(t), 12)
	a, b := c.hire("hub-a", 0), c.hire("hub-b", 0)
	c.balanced(a, b)
	c.working.Store(true)
	time.Sleep(time.Second)
	t.Logf("hub-a killed: taken over and caught up after %s", c.killed(a))
	c.settle()
	c.check("two hubs on a NATS cluster: one killed")
}
