// Package faults harms a gateway on purpose and counts what it loses: power that fails, a disk that fills up, bits that
// flip, clocks that jump, readers that restart within a pass, a hub that is away for a week. Each fault is scripted, drawn
// from a seed and counted; what was promised is kept outside of what is harmed.
//
// The tests take minutes and some need root, so they run on demand: TALLYDOCK_FAULTS=1. Each ends with one line: the fault,
// how often it struck, what had been acknowledged before, and how much of that was lost or told twice.
//
// What is harmed differs: power cuts, full disks and flipped bits strike edge/store under batches of numbered goods (ledger
// and goods); the restarting readers strike devices/llrp, edge/fleet and edge/pipeline; the jumping clock strikes the whole
// edge program; the week alone strikes pipeline, store and uplink.
package faults_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
)

// Parameters from the environment; each has a default with which the whole package takes some ten minutes.
const (
	onDemand = "TALLYDOCK_FAULTS" // 1 runs the tests
	seedName = "FAULTS_SEED"      // of everything that is drawn
)

// TestMain is also the door of the programs that tests start and harm.
func TestMain(m *testing.M) {
	if dir := os.Getenv(flipChild); dir != "" {
		os.Exit(runFlipChild(dir))
	}
	if dir := os.Getenv(fullChild); dir != "" {
		os.Exit(runFullChild(dir))
	}
	os.Exit(m.Run())
}

// demanded skips a test that nobody asked for.
func demanded(t *testing.T) {
	t.Helper()
	if os.Getenv(onDemand) == "" {
		t.Skipf("faults take minutes; %s=1 runs them", onDemand)
	}
}

// rootOnly skips a test that mounts file systems.
func rootOnly(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("it mounts file systems; run it as root")
	}
}

// number gives a parameter of the environment.
func number(t testing.TB, name string, standard int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return standard
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("%s=%s is no number above 0", name, text)
	}
	return n
}

// dice gives a test's own source of chance.
func dice(t testing.TB, stream uint64) *rand.Rand {
	t.Helper()
	return rand.New(rand.NewPCG(uint64(number(t, seedName, 20261122)), stream))
}

// outcome is what a fault did.
type outcome struct {
	fault       string
	struck      int
	acked       int // movements that were acknowledged before, over all strikes
	lost, twice int
	notes       []string
}

func (o *outcome) note(format string, args ...any) {
	o.notes = append(o.notes, fmt.Sprintf(format, args...))
}

// tell logs the one line and fails the test where something was lost or told twice.
func (o *outcome) tell(t *testing.T) {
	t.Helper()
	t.Logf("FAULT %s: struck %d, acked before %d, lost %d, twice %d; %s",
		o.fault, o.struck, o.acked, o.lost, o.twice, strings.Join(o.notes, "; "))
	if o.lost > 0 || o.twice > 0 {
		t.Errorf("%s: %d lost, %d twice", o.fault, o.lost, o.twice)
	}
	if o.acked == 0 || o.struck == 0 {
		t.Errorf("%s: nothing was acknowledged or nothing struck: the test tests nothing", o.fault)
	}
}
