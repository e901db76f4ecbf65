package influx_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/series"
	"github.com/tallydock/tallydock/hub/series/influx"
	"github.com/tallydock/tallydock/hub/series/seriestest"
)

// answer is what a fake says to a request.
type answer struct {
	status int
	header http.Header
	body   string
	page   io.Reader // instead of body
	err    error
}

var (
	taken  = answer{status: http.StatusNoContent}
	asJSON = http.Header{"Content-Type": {"application/json"}}
)

func says(status int, message string) answer {
	return answer{status: status, header: asJSON, body: fmt.Sprintf(`{"code":"some code","message":%q}`, message)}
}

// fake is an InfluxDB that answers as it is told, where a real one does so only in need. It is an http.RoundTripper.
type fake struct {
	// answer says what becomes of a request, its lines, and which of them are taken.
	answer func(ctx context.Context, n int, lines []string) (answer, []string)

	mu    sync.Mutex
	asked []time.Time
	got   map[string]int // how often a line was taken
}

func (f *fake) RoundTrip(r *http.Request) (*http.Response, error) {
	b, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	f.mu.Lock()
	n := len(f.asked)
	f.asked = append(f.asked, time.Now())
	f.mu.Unlock()
	a, accepted := f.answer(r.Context(), n, lines)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.got == nil {
		f.got = map[string]int{}
	}
	for _, l := range accepted {
		f.got[l]++
	}
	if a.err != nil {
		return nil, a.err
	}
	if a.page == nil {
		a.page = strings.NewReader(a.body)
	}
	return &http.Response{StatusCode: a.status, Header: a.header, Body: io.NopCloser(a.page), Request: r}, nil
}

// gaps are the seconds between requests.
func (f *fake) gaps() (all []float64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := 1; i < len(f.asked); i++ {
		all = append(all, f.asked[i].Sub(f.asked[i-1]).Seconds())
	}
	return all
}

// points are the lines that it took, but for the hub's probe.
func (f *fake) points() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.got, "tallydock probe=true")
	return len(f.got)
}

func (f *fake) db(t testing.TB) *influx.DB {
	return open(t, influx.Config{URL: "http://influx.example", Org: "o", Bucket: "b", Token: "t", Transport: f}, new(seriestest.Memory))
}

// drain runs a Drainer of n samples for so long, and gives it and its spool.
func (f *fake) drain(t *testing.T, n int, o influx.Options, span time.Duration) (*influx.Drainer, *seriestest.MemorySpool) {
	t.Helper()
	spool := new(seriestest.MemorySpool)
	if err := spool.Write(t.Context(), samples(0, n)); err != nil {
		t.Fatal(err)
	}
	o.Log = quiet
	d := influx.NewDrainer(f.db(t), spool, o)
	run(t, d)
	time.Sleep(span) // of the bubble's clock
	synctest.Wait()
	return d, spool
}

func left(t *testing.T, spool series.Spool) int64 {
	t.Helper()
	b, err := spool.Backlog(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return b.Samples
}

func TestRetryAfterIsKept(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		after  string
		want   float64 // seconds
	}{
		"too many requests, seconds": {http.StatusTooManyRequests, "7", 7},
		"not now, a date":            {http.StatusServiceUnavailable, "Sat, 01 Jan 2000 00:01:30 GMT", 90},
		"far too long":               {http.StatusTooManyRequests, "86400", 600},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := fake{answer: func(_ context.Context, n int, lines []string) (answer, []string) {
					if n == 0 {
						return answer{status: c.status, header: http.Header{"Retry-After": {c.after}}}, nil
					}
					return taken, lines
				}}
				d, spool := f.drain(t, 100, influx.Options{}, time.Hour)
				if got := f.gaps(); len(got) != 1 || math.Abs(got[0]-c.want) > 0.001 {
					t.Errorf("asked again after %v s, want %v", got, c.want)
				}
				if f.points() != 100 || left(t, spool) != 0 || !d.Health().Up {
					t.Errorf("%d points, %d left, %+v", f.points(), left(t, spool), d.Health())
				}
			})
		})
	}
}

func TestPausesGrowWhileInfluxDBIsAwayAndNothingIsLost(t *testing.T) {
	away := map[string]func(context.Context) answer{
		"errors of its own": func(context.Context) answer { return says(http.StatusInternalServerError, "engine: closed") },
		"no connection":     func(context.Context) answer { return answer{err: errors.New("connection refused")} },
		"a gateway's page": func(context.Context) answer {
			return answer{status: http.StatusBadRequest, header: http.Header{"Content-Type": {"text/html"}}, body: "<h1>plain HTTP was sent to an HTTPS port</h1>"}
		},
		"a wrong token":       func(context.Context) answer { return says(http.StatusUnauthorized, "unauthorized access") },
		"no such bucket":      func(context.Context) answer { return says(http.StatusNotFound, "bucket not found") },
		"whatever it is sent": func(context.Context) answer { return says(http.StatusBadRequest, "org id is malformed dropped=100") },
		"an endless page": func(context.Context) answer {
			return answer{status: http.StatusBadGateway, page: endless{}}
		},
		"silence until we let go": func(ctx context.Context) answer { <-ctx.Done(); return answer{err: ctx.Err()} },
	}
	reasons := map[string]string{
		"errors of its own": "engine: closed", "no connection": "can it be reached", "a gateway's page": "HTTPS port",
		"a wrong token": "check token", "no such bucket": `create bucket "b"`, "whatever it is sent": "no other point either",
		"an endless page": "502", "silence until we let go": "deadline",
	}
	for name, reply := range away {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				back := time.Now().Add(20 * time.Minute)
				f := fake{answer: func(ctx context.Context, _ int, lines []string) (answer, []string) {
					if time.Now().Before(back) {
						return reply(ctx), nil
					}
					return taken, lines
				}}
				d, spool := f.drain(t, 100, influx.Options{Flights: 1}, 19*time.Minute)
				h := d.Health()
				if h.Up || !strings.Contains(h.Reason, reasons[name]) || len(h.Reason) > 1000 || h.Backlog.Samples != 100 || h.Backlog.Age < 18*time.Minute {
					t.Errorf("health is %+v", h)
				}
				gaps := slices.DeleteFunc(f.gaps(), func(s float64) bool { return s == 0 }) // the probe's
				checkPauses(t, gaps)
				time.Sleep(3 * time.Minute)
				synctest.Wait()
				if h := d.Health(); !h.Up || h.Reason != "" || f.points() != 100 || left(t, spool) != 0 || len(spool.Refused()) != 0 {
					t.Errorf("%d points, %d left, %d refused, %+v", f.points(), left(t, spool), len(spool.Refused()), h)
				}
			})
		})
	}
}

type endless struct{}

func (endless) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = 'x'
	}
	return len(b), nil
}

func checkPauses(t *testing.T, gaps []float64) {
	t.Helper()
	if len(gaps) < 20 || len(gaps) > 60 || gaps[0] < 0.4 || gaps[0] > 0.6 && gaps[0] < 30.4 || gaps[0] > 30.6 {
		t.Errorf("%d tries, pauses are %v s", len(gaps), gaps)
	}
	for _, g := range gaps[7:] {
		if g < 24 || g > 66 { // half a minute, shaken, and what the request took
			t.Errorf("a pause of %v s", g)
		}
	}
}

// odd is a line of whose value there is an odd number of thousandths times seven: points that a fake does not take.
func odd(line string) bool {
	return strings.Contains(line, "milli=13i") || strings.Contains(line, "milli=-77i")
}

func TestPointsThatAreRefusedAreFound(t *testing.T) {
	bad := func(lines []string) (good []string, n int) {
		good = slices.DeleteFunc(slices.Clone(lines), odd)
		return good, len(lines) - len(good)
	}
	for name, reply := range map[string]func(lines []string) (answer, []string){
		"1.8: the others are taken, and it counts": func(lines []string) (answer, []string) {
			good, n := bad(lines)
			return answer{status: 400, header: http.Header{"Content-Type": {"application/json"}, "X-Influxdb-Error": {fmt.Sprintf("partial write: not good dropped=%d", n)}}, body: `{"error":"x"}`}, good
		},
		"2: the others are taken":     func(lines []string) (answer, []string) { good, _ := bad(lines); return says(422, "not good"), good },
		"2: none are taken":           func([]string) (answer, []string) { return says(400, "not good"), nil },
		"it repeats what it was sent": func(lines []string) (answer, []string) { return says(400, "not good"+strings.Join(lines, " ")), nil },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := fake{answer: func(_ context.Context, _ int, lines []string) (answer, []string) {
					if slices.ContainsFunc(lines, odd) {
						return reply(lines)
					}
					return taken, lines
				}}
				_, spool := f.drain(t, 4_000, influx.Options{Batch: 1_000}, time.Minute)
				refused := spool.Refused()
				for _, p := range refused {
					if p.Value != 13 && p.Value != -77 || !strings.Contains(p.Reason, "not good") || len(p.Reason) > 600 {
						t.Errorf("refused is %+v", p)
					}
				}
				want := 0
				for _, s := range samples(0, 4_000) {
					if s.Value == 13 || s.Value == -77 {
						want++
					}
				}
				if len(refused) != want || want < 5 || f.points() != 4_000-want || left(t, spool) != 0 {
					t.Errorf("%d refused, want %d; %d points, %d left", len(refused), want, f.points(), left(t, spool))
				}
				if n := len(f.gaps()) + 1; n > 4*(2+25*want) {
					t.Errorf("%d requests for %d points that are refused", n, want)
				}
			})
		})
	}
}

func TestAQuantityThatIsRefusedCostsFewRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := fake{answer: func(_ context.Context, _ int, lines []string) (answer, []string) {
			good := slices.DeleteFunc(slices.Clone(lines), func(l string) bool { return strings.HasPrefix(l, "humidity") })
			if len(good) == len(lines) {
				return taken, lines
			}
			return says(422, fmt.Sprintf("partial write: field type conflict dropped=%d", len(lines)-len(good))), good
		}}
		_, spool := f.drain(t, 5_000, influx.Options{}, time.Minute)
		if n := len(f.gaps()) + 1; n > 5 || f.points() != 2_500 || len(spool.Refused()) != 2_500 {
			t.Errorf("%d requests, %d points, %d refused", n, f.points(), len(spool.Refused()))
		}
	})
}

func TestRequestsThatAreTooLargeAreHalved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := fake{answer: func(_ context.Context, _ int, lines []string) (answer, []string) {
			if len(lines) > 300 {
				return answer{status: http.StatusRequestEntityTooLarge}, nil
			}
			return taken, lines
		}}
		_, spool := f.drain(t, 5_000, influx.Options{}, time.Minute)
		if f.points() != 5_000 || left(t, spool) != 0 || len(spool.Refused()) != 0 {
			t.Errorf("%d points, %d left, %d refused", f.points(), left(t, spool), len(spool.Refused()))
		}
	})
}

// unruly is a spool with faults: every third call fails, its first samples turn up late, and one is not valid.
type unruly struct {
	seriestest.MemorySpool
	mu      sync.Mutex
	calls   int
	largest int64 // Row that Next was asked to begin after
	hidden  bool
}

func (u *unruly) fails() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.calls++; u.calls%3 == 0 {
		return errors.New("database is locked")
	}
	return nil
}

func (u *unruly) Next(ctx context.Context, after int64, n int) ([]series.Spooled, error) {
	if err := u.fails(); err != nil {
		return nil, err
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.largest = max(u.largest, after)
	if after == 0 && u.hidden {
		after = 10
	}
	u.hidden = u.hidden && u.calls < 10
	some, err := u.MemorySpool.Next(ctx, after, n)
	for i := range some {
		if some[i].Row == 7 {
			some[i].Device = ""
		}
	}
	return some, err
}

func (u *unruly) Done(ctx context.Context, rows []int64) error {
	if err := u.fails(); err != nil {
		return err
	}
	return u.MemorySpool.Done(ctx, rows)
}

func (u *unruly) Refuse(ctx context.Context, refused []series.Refused) error {
	if err := u.fails(); err != nil {
		return err
	}
	return u.MemorySpool.Refuse(ctx, refused)
}

func TestASpoolWithFaultsIsEmptied(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := fake{answer: func(_ context.Context, _ int, lines []string) (answer, []string) { return taken, lines }}
		spool := &unruly{hidden: true}
		if err := spool.Write(t.Context(), samples(0, 1_000)); err != nil {
			t.Fatal(err)
		}
		d := influx.NewDrainer(f.db(t), spool, influx.Options{Batch: 90, Log: quiet})
		run(t, d)
		time.Sleep(10 * time.Minute)
		if reason := d.Health().Reason; reason != "" && !strings.Contains(reason, "database is locked") {
			t.Errorf("health is %+v", d.Health())
		}
		if f.points() != 999 || left(t, spool) != 0 || len(spool.Refused()) != 1 {
			t.Errorf("%d points, %d left, refused %+v", f.points(), left(t, spool), spool.Refused())
		}
	})
}

// shaky is a spool that cannot be read at first.
type shaky struct {
	seriestest.MemorySpool
	until time.Time
}

func (s *shaky) Next(ctx context.Context, after int64, n int) ([]series.Spooled, error) {
	if time.Now().Before(s.until) {
		return nil, errors.New("database is locked")
	}
	return s.MemorySpool.Next(ctx, after, n)
}

func TestTroubleWithTheSpoolIsToldAndPasses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f fake
		d := influx.NewDrainer(f.db(t), &shaky{until: time.Now().Add(time.Hour)}, influx.Options{Log: quiet})
		run(t, d)
		time.Sleep(time.Minute)
		if h := d.Health(); h.Up || !strings.Contains(h.Reason, "spool of samples: database is locked") {
			t.Errorf("health is %+v", h)
		}
		time.Sleep(time.Hour)
		if h := d.Health(); !h.Up || h.Reason != "" {
			t.Errorf("health is %+v", h)
		}
	})
}

func TestADrainerHoldsFewBatchesAndStopsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := fake{answer: func(ctx context.Context, _ int, _ []string) (answer, []string) {
			<-ctx.Done()
			return answer{err: ctx.Err()}, nil
		}}
		spool := new(unruly)
		if err := spool.Write(t.Context(), samples(0, 1_000)); err != nil {
			t.Fatal(err)
		}
		stop := run(t, influx.NewDrainer(f.db(t), spool, influx.Options{Batch: 10, Flights: 3, Log: quiet}))
		time.Sleep(time.Hour)
		synctest.Wait()
		if spool.largest > 30 {
			t.Errorf("it took samples after row %d, with 3 flights of 10", spool.largest)
		}
		begun := time.Now()
		stop()
		if took := time.Since(begun); took != 0 || left(t, spool) != 1_000 {
			t.Errorf("stopping took %v; %d samples are left", took, left(t, spool))
		}
	})
}

func TestAStuckBatchDoesNotHoldUpTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := fake{answer: func(_ context.Context, _ int, lines []string) (answer, []string) {
			if slices.ContainsFunc(lines, odd) {
				return says(500, "panic: this point"), nil
			}
			return taken, lines
		}}
		_, spool := f.drain(t, 100, influx.Options{Batch: 10}, time.Minute) // the first hundred have no odd one
		more := samples(0, 1_000)
		i := slices.IndexFunc(more, func(s series.Sample) bool { return s.Value == 13 })
		for range 3 {
			if err := spool.Write(t.Context(), more[i:i+10]); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Minute)
			if err := spool.Write(t.Context(), samples(1, 200)); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Minute)
		}
		if n := left(t, spool); n != 30 {
			t.Errorf("%d samples are left, want the 30 of the stuck batches", n)
		}
	})
}

func TestWhatInfluxDBSaysIsTheCallersToActOn(t *testing.T) {
	for name, c := range map[string]struct {
		answer answer
		write  error
		query  error
	}{
		"it is away":            {answer{err: errors.New("connection refused")}, fault.Unavailable, fault.Unavailable},
		"it has trouble":        {says(500, "x"), fault.Unavailable, fault.Unavailable},
		"it wants less":         {says(429, "x"), fault.Unavailable, fault.Unavailable},
		"it does not let us in": {says(401, "x"), fault.Unavailable, fault.Unavailable},
		"it has no such bucket": {says(404, "x"), fault.Unavailable, fault.Unavailable},
		"it refuses":            {says(400, "x"), fault.Conflict, fault.Unavailable},
		"it refuses points":     {says(422, "x"), fault.Conflict, fault.Unavailable},
		"its answer is no CSV":  {answer{status: 200, body: "hello,world\n"}, nil, fault.Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			f := fake{answer: func(_ context.Context, _ int, lines []string) (answer, []string) { return c.answer, nil }}
			db := f.db(t)
			if err := db.Write(t.Context(), samples(0, 3)); !errors.Is(err, c.write) {
				t.Errorf("write: %v", err)
			}
			s := series.SensorOf(samples(0, 1)[0].Key, "")
			_, err := db.Readings(t.Context(), s, noon, noon.Add(time.Hour))
			if !errors.Is(err, c.query) || strings.Contains(err.Error(), "refuses points") {
				t.Errorf("readings: %v", err)
			}
			if _, err = db.Buckets(t.Context(), s, noon, noon.Add(time.Hour), series.Hour); !errors.Is(err, c.query) {
				t.Errorf("buckets: %v", err)
			}
		})
	}
}

func TestConfigIsRefusedWithAllThatIsWrong(t *testing.T) {
	good := influx.Config{URL: "https://influx.example:8086", Bucket: "b", Token: "very secret"}
	if err := good.Validate(); err != nil {
		t.Error(err)
	}
	for text, wants := range map[string][]string{
		"":                       {"url must be like", "bucket is missing", "timeout is -1ns"},
		"influx:8086":            {"url must be like"},
		"http://u:p@influx:8086": {"user or a password"},
		"http://influx:8086?x=1": {"before ?"},
	} {
		_, err := influx.New(influx.Config{URL: text, Timeout: -1}, nil)
		for _, want := range wants {
			if !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), want) {
				t.Errorf("%q: error %v does not say %q", text, err, want)
			}
		}
	}
	for _, shown := range []string{fmt.Sprint(good), fmt.Sprintf("%+v %#v", good, good)} {
		if strings.Contains(shown, "very secret") {
			t.Errorf("the token is shown: %s", shown)
		}
	}
}
