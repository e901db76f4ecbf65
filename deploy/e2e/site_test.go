package e2e_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tallydock/tallydock/deploy/house"
	"github.com/tallydock/tallydock/simulators/play"
)

// site is a house of processes in a test.
type site struct {
	*house.House
	t *testing.T
	c *house.Client
}

// open prepares a site in dir; the programs must have been built (make build).
func open(t *testing.T, o house.Options) *site {
	t.Helper()
	if os.Getenv("TALLYDOCK_E2E") == "" {
		t.Skip("whole-system tests run by make test-e2e")
	}
	bin, err := filepath.Abs("../../bin")
	if err != nil {
		t.Fatal(err)
	}
	o.Bin = bin
	if keep := os.Getenv("TALLYDOCK_E2E_DIR"); keep != "" && o.Dir == "" { // to look at what is left when a test failed
		o.Dir = filepath.Join(keep, t.Name())
	}
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	if o.Listen == "" {
		o.Listen, o.EdgeAPI = free(t), free(t)
	}
	if o.MQTT == "" {
		o.MQTT = free(t)
	}
	h, err := house.New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	s := &site{House: h, t: t}
	t.Cleanup(s.close)
	return s
}

func (s *site) close() {
	if err := s.Close(); err != nil {
		s.t.Errorf("stopping: %v", err)
	}
	if s.t.Failed() {
		for _, p := range house.Programs {
			s.t.Logf("end of %s.log:\n%s", p, tail(filepath.Join(s.Dir, p+".log"), 25))
		}
	}
}

func tail(file string, lines int) string {
	b, err := os.ReadFile(file)
	if err != nil {
		return err.Error()
	}
	all := strings.Split(strings.TrimSpace(string(b)), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

// given are the ports that free gave out: tests that run side by side must not get the same one twice.
var given sync.Map

// free finds a loopback port that nobody uses.
func free(t *testing.T) string {
	t.Helper()
	for {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		address := l.Addr().String()
		l.Close()
		if _, twice := given.LoadOrStore(address, true); !twice {
			return address
		}
	}
}

func (s *site) start(programs ...string) {
	s.t.Helper()
	for _, p := range programs {
		if err := s.Start(p); err != nil {
			s.t.Fatal(err)
		}
		if p != "hub" {
			continue
		}
		ctx, cancel := context.WithTimeout(s.t.Context(), 30*time.Second)
		err := house.WaitReady(ctx, s.Listen)
		cancel()
		if err != nil {
			s.t.Fatal(err)
		}
	}
}

// login signs in once the hub is there.
func (s *site) login() {
	s.t.Helper()
	var err error
	if s.c, err = s.Login(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
}

// until waits for a moment of the site's time.
func (s *site) until(at time.Time) {
	s.t.Helper()
	if err := s.Clock.Sleep(s.t.Context(), at.Sub(s.Clock.Now())); err != nil {
		s.t.Fatal(err)
	}
}

// eventually asks again and again until ok, or fails after the limit with what the last answer was.
func (s *site) eventually(limit time.Duration, what string, ok func() (bool, string)) {
	s.t.Helper()
	var first, last string
	for end := time.Now().Add(limit); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		done, said := ok()
		if done {
			return
		}
		if last = said; first == "" {
			first = said
		}
	}
	s.t.Fatalf("after %v still not: %s; first: %s\nlast: %s", limit, what, first, last)
}

func (s *site) get(path string, out any) error { return s.c.Get(s.t.Context(), path, out) }

// snapshot is the hub's stock, by "item@location".
func (s *site) stock() (map[string]int64, error) {
	out := map[string]int64{}
	for after := ""; ; {
		var page struct {
			Items  []struct{ ID string }
			Places []string
			Cols   struct {
				Item, Location []int
				OnHand         []int64 `json:"on_hand"`
			}
			Next string
		}
		if err := s.get("/api/v1/stock/snapshot?after="+after, &page); err != nil {
			return nil, err
		}
		for i, q := range page.Cols.OnHand {
			if q != 0 {
				out[page.Items[page.Cols.Item[i]].ID+"@"+page.Places[page.Cols.Location[i]]] = q
			}
		}
		if after = page.Next; after == "" {
			return out, nil
		}
	}
}

// truth is what is really where.
func (s *site) truth() play.Report {
	s.t.Helper()
	t, err := play.ReadTruth(s.Dir, time.Time{})
	if err != nil {
		s.t.Fatal(err)
	}
	return play.NewReport(t)
}

// readable is the true stock of what readers can see.
func readable(r play.Report) map[string]int64 {
	out := map[string]int64{}
	for _, l := range r.Stock {
		if q := l.Quantity - l.Unreadable; q != 0 {
			out[l.Item+"@"+l.Location] = int64(q)
		}
	}
	return out
}

// compare lists where two stocks differ.
func compare(got, want map[string]int64) []string {
	var diff []string
	for k, w := range want {
		if got[k] != w {
			diff = append(diff, fmt.Sprintf("%s: %d, should be %d", k, got[k], w))
		}
	}
	for k, g := range got {
		if _, ok := want[k]; !ok {
			diff = append(diff, fmt.Sprintf("%s: %d, should be none", k, g))
		}
	}
	slices.Sort(diff)
	return diff
}

// settled waits until the hub has all that the edge decided and its stock is the truth.
func (s *site) settled(limit time.Duration) (map[string]int64, play.Report) {
	s.t.Helper()
	var got map[string]int64
	var want play.Report
	s.eventually(limit, "the hub's stock equals the truth and every record is acked", func() (bool, string) {
		var edges struct {
			Items []struct {
				Head, Acked uint64
				Lag         int64
			}
		}
		var err error
		if err = s.get("/api/v1/edges", &edges); err != nil {
			return false, err.Error()
		}
		if got, err = s.stock(); err != nil {
			return false, err.Error()
		}
		want = s.truth()
		diff := compare(got, readable(want))
		said := fmt.Sprintf("%d places differ, edges %+v, e.g.\n%s", len(diff), edges.Items, strings.Join(diff[:min(20, len(diff))], "\n"))
		return len(diff) == 0 && len(edges.Items) == 1 && edges.Items[0].Lag == 0, said
	})
	return got, want
}
