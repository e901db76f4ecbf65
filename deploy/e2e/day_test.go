package e2e_test

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	_ "modernc.org/sqlite" // the driver

	"github.com/tallydock/tallydock/deploy/e2e"
	"github.com/tallydock/tallydock/deploy/house"
)

// speed of the whole-day tests: a day in under five minutes.
const speed = 300

// dayLength is when the last goods have moved and the next morning's work has not begun.
const dayLength = 22 * time.Hour

// TestOneDay runs a day of a site undisturbed, and the same day with every fault at once, side by side; both must end
// with the truth, and so with one another.
func TestOneDay(t *testing.T) {
	t.Parallel()
	var undisturbed, disturbed map[string]int64
	t.Run("days", func(t *testing.T) {
		t.Run("undisturbed", func(t *testing.T) {
			t.Parallel()
			undisturbed = undisturbedDay(t)
		})
		t.Run("disturbed", func(t *testing.T) {
			t.Parallel()
			disturbed = disturbedDay(t)
		})
	})
	if undisturbed == nil || disturbed == nil {
		return
	}
	if diff := compare(disturbed, undisturbed); len(diff) > 0 {
		t.Errorf("the disturbed day ends with another stock:\n%s", strings.Join(diff, "\n"))
	} else {
		t.Log("the disturbed day ends with the undisturbed day's stock")
	}
}

func undisturbedDay(t *testing.T) map[string]int64 {
	s := open(t, house.Options{Scenario: "day", Speed: speed})
	begin := s.Clock.Now()
	s.start("hub", "sim", "edge")
	s.login()
	s.excursion(begin)
	s.until(begin.Add(dayLength))
	got, want := s.settled(25 * time.Second)
	total := int64(0)
	for _, q := range got {
		total += q
	}
	t.Logf("%d places hold %d units as the world says; %d units no reader can see; %d passes, %d excursions",
		len(got), total, len(want.Unreadable), len(want.Passes), len(want.Excursions))
	if total < 2000 {
		t.Errorf("only %d tagged units; want 2000 at least", total)
	}
	s.books()
	return got
}

// alarmOf finds the newest alarm of a class.
func (s *site) alarmOf(class string) (a struct {
	ID, State, Class, Source string
	Now, Value               *float64
}, err error,
) {
	var list struct {
		Items []struct {
			ID, State, Class, Source string
			Now, Value               *float64
		}
	}
	if err := s.get("/api/v1/alarms?state=all&limit=100", &list); err != nil {
		return a, err
	}
	for _, x := range list.Items {
		if x.Class == class {
			return x, nil
		}
	}
	return a, fmt.Errorf("no alarm of class %s among %d", class, len(list.Items))
}

// excursion waits for the cold room's alarm, acknowledges it as the console does, and waits for its return.
func (s *site) excursion(begin time.Time) {
	s.t.Helper()
	s.until(begin.Add(100 * time.Minute)) // the door is open from 08:40
	var id string
	s.eventually(time.Minute, "the cold room's alarm is raised", func() (bool, string) {
		a, err := s.alarmOf("cold_chain")
		id = a.ID
		return err == nil && a.State == "unacked", fmt.Sprintf("%+v, %v", a, err)
	})
	err := s.c.Do(s.t.Context(), http.MethodPost, "/api/v1/alarms/"+id+"/acknowledge", map[string]string{"comment": "closing the door"}, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	state := func(want string) func() (bool, string) {
		return func() (bool, string) {
			var a struct{ State, Pending string }
			err := s.get("/api/v1/alarms/"+id, &a)
			return a.State == want, fmt.Sprintf("%+v, %v", a, err)
		}
	}
	s.eventually(30*time.Second, "the edge confirms the acknowledgement", state("acked"))
	s.eventually(2*time.Minute, "the alarm returns to normal", state("normal"))
	s.t.Log("cold-room excursion raised, acknowledged, returned")
}

// books stops the hub and checks its ledger from outside.
func (s *site) books() {
	s.t.Helper()
	for _, p := range []string{"edge", "sim", "hub"} {
		if err := s.Stop(p); err != nil {
			s.t.Error(err)
		}
	}
	db, err := sql.Open("sqlite", "file:"+filepath.Join(s.Dir, "hub", "hub.db")+"?mode=ro")
	if err != nil {
		s.t.Fatal(err)
	}
	defer db.Close()
	for what, query := range map[string]string{
		"items whose entries do not add up to 0":  `SELECT count(*) FROM (SELECT item FROM entry GROUP BY item HAVING SUM(quantity) <> 0)`,
		"items whose balances do not add up to 0": `SELECT count(*) FROM (SELECT item FROM balance GROUP BY item HAVING SUM(quantity) <> 0)`,
		"movements applied twice":                 `SELECT count(*) - count(DISTINCT key) FROM movement`,
		"balances that are not their entries": `SELECT count(*) FROM (
			SELECT e.item, e.location, e.state, SUM(e.quantity) q FROM entry e GROUP BY e.item, e.location, e.state, e.lot
			EXCEPT SELECT item, location, state, quantity FROM balance) WHERE q <> 0`,
		"tags at two places": `SELECT count(*) FROM (SELECT tag, location FROM entry
			WHERE length(tag) > 0 AND location NOT IN ('SUPPLIER', 'CUSTOMER', 'LOSS') GROUP BY tag, location HAVING SUM(quantity) NOT IN (0, 1))`,
		"records that broke the chain": `SELECT count(*) FROM quarantine WHERE reason IN ('chain_broken', 'epoch_gap', 'undecodable')`,
	} {
		var n int
		if err := db.QueryRow(query).Scan(&n); err != nil {
			s.t.Errorf("%s: %v", what, err)
		} else if n != 0 {
			s.t.Errorf("%d %s", n, what)
		}
	}
	var movements, entries int
	var head uint64
	if err := db.QueryRow(`SELECT (SELECT count(*) FROM movement), (SELECT count(*) FROM entry), (SELECT upto FROM edge_stream)`).
		Scan(&movements, &entries, &head); err != nil {
		s.t.Fatal(err)
	}
	s.t.Logf("%d records of the edge, %d movements, %d entries, every item's entries add up to 0", head, movements, entries)
}

// disturbedDay is the same day with the edge and the hub killed 20 times each, the broker's connection cut 50 times, every
// uplink message sent twice and some reordered, and a serial cable pulled and put back.
func disturbedDay(t *testing.T) map[string]int64 {
	o := house.Options{Scenario: "day", Speed: speed, MQTT: free(t)}
	draw := faultSeed(t)
	chaos, err := e2e.NewChaos(o.MQTT, draw)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		if err := chaos.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() { cancel(); running.Wait() })
	o.Broker = "tcp://" + chaos.Addr()
	s := open(t, o)
	begin := s.Clock.Now()
	s.start("hub", "sim", "edge")
	s.login()
	kills := s.torment(chaos, begin, draw)
	s.until(begin.Add(dayLength))
	s.login()
	got, _ := s.settled(25 * time.Second)
	t.Logf("faults: edge killed %d times, hub %d times, broker cut %d times, %d messages sent twice, %d reordered, cable pulled %d times; 0 lost, 0 twice",
		kills["edge"], kills["hub"], chaos.Cuts.Load(), chaos.Duplicated.Load(), chaos.Swapped.Load(), kills["cable"])
	s.books()
	return got
}

// faultSeed is what the faults of this run are drawn from: TALLYDOCK_E2E_SEED, or the same every time.
func faultSeed(t *testing.T) uint64 {
	text := os.Getenv("TALLYDOCK_E2E_SEED")
	if text == "" {
		return 7
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("TALLYDOCK_E2E_SEED: %v", err)
	}
	return n
}

// torment plays the faults at random moments of the working day and says how many of each.
func (s *site) torment(chaos *e2e.Chaos, begin time.Time, seed uint64) map[string]int {
	r := rand.New(rand.NewPCG(seed, 20))
	var faults []string
	for _, f := range []struct {
		name  string
		times int
	}{{"edge", 20}, {"hub", 20}, {"cut", 50}, {"cable", 3}} {
		for range f.times {
			faults = append(faults, f.name)
		}
	}
	r.Shuffle(len(faults), func(i, j int) { faults[i], faults[j] = faults[j], faults[i] })
	done := map[string]int{}
	span := dayLength - 4*time.Hour
	for i, f := range faults {
		s.until(begin.Add(time.Duration((float64(i) + r.Float64()) / float64(len(faults)) * float64(span))))
		switch f {
		case "cut":
			chaos.Cut()
		case "cable":
			s.cable("uhf-a1")
		default:
			if err := s.Kill(f); err != nil {
				s.t.Error(err)
			}
			s.start(f)
		}
		done[f]++
	}
	return done
}

// cable pulls a reader's serial cable and puts it back.
func (s *site) cable(device string) {
	s.t.Helper()
	if err := s.Tell("sim", "unplug "+device); err != nil {
		s.t.Error(err)
	}
	time.Sleep(300 * time.Millisecond)
	if err := s.Tell("sim", "replug "+device); err != nil {
		s.t.Error(err)
	}
}
