package seriestest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/tallydock/tallydock/hub/series"
)

// MemorySpool is a series.Spool, and the series.Sink that fills it. Its zero value is empty.
type MemorySpool struct {
	mu      sync.Mutex
	last    int64
	waiting []series.Spooled
	refused []Parked
	oldest  time.Time
}

// Parked is a sample that was refused.
type Parked struct {
	series.Sample
	Reason string
}

// Write is series.Sink's: it puts samples.
func (m *MemorySpool) Write(ctx context.Context, samples []series.Sample) error {
	if err := errors.Join(ctx.Err(), series.Validate(samples)); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.waiting) == 0 {
		m.oldest = time.Now()
	}
	for _, s := range samples {
		m.last++
		m.waiting = append(m.waiting, series.Spooled{Row: m.last, Sample: s})
	}
	return nil
}

// Next is series.Spool's.
func (m *MemorySpool) Next(ctx context.Context, after int64, n int) ([]series.Spooled, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	i, _ := slices.BinarySearchFunc(m.waiting, after+1, func(s series.Spooled, row int64) int { return int(s.Row - row) })
	return slices.Clone(m.waiting[i:min(i+n, len(m.waiting))]), ctx.Err()
}

// Done is series.Spool's.
func (m *MemorySpool) Done(ctx context.Context, rows []int64) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.remove(rows)
	return nil
}

// remove takes rows out and gives them.
func (m *MemorySpool) remove(rows []int64) (gone []series.Sample) {
	of := map[int64]bool{}
	for _, r := range rows {
		of[r] = true
	}
	m.waiting = slices.DeleteFunc(m.waiting, func(s series.Spooled) bool {
		if of[s.Row] {
			gone = append(gone, s.Sample)
		}
		return of[s.Row]
	})
	return gone
}

// Refuse is series.Spool's.
func (m *MemorySpool) Refuse(ctx context.Context, refused []series.Refused) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range refused {
		for _, s := range m.remove([]int64{r.Row}) {
			m.refused = append(m.refused, Parked{s, r.Reason})
		}
	}
	return nil
}

// Refused gives what was refused.
func (m *MemorySpool) Refused() []Parked {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.refused)
}

// Backlog is series.Spool's. Its Age counts from when the spool was last empty.
func (m *MemorySpool) Backlog(ctx context.Context) (series.Backlog, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	b := series.Backlog{Samples: int64(len(m.waiting))}
	if b.Samples > 0 {
		b.Age = time.Since(m.oldest)
	}
	return b, ctx.Err()
}

// SpoolHarness is a Spool under test, with the Sink that fills it.
type SpoolHarness struct {
	Spool series.Spool
	Put   series.Sink
	// Refused tells how many samples were refused for a reason.
	Refused func(reason string) int
}

// RunSpool tests a Spool. open gives an empty one.
func RunSpool(t *testing.T, open func(t *testing.T) SpoolHarness) {
	for name, test := range map[string]func(*testing.T, SpoolHarness){
		"what was put comes out as it was, in its order":   spoolKeepsOrder,
		"what is done is gone, and the rest stays":         spoolForgetsWhatIsDone,
		"what is refused is kept elsewhere, with a reason": spoolParksWhatIsRefused,
		"the backlog is told":                              spoolTellsItsBacklog,
		"several put and take at once":                     spoolIsSafeForMany,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

func spoolKeepsOrder(t *testing.T, h SpoolHarness) {
	want := append(steady(noon, 7), awkward()...)
	for i := range want {
		must(t, h.Put.Write(t.Context(), want[i:i+1]))
	}
	var got []series.Spooled
	for after := int64(0); ; after = got[len(got)-1].Row {
		part, err := h.Spool.Next(t.Context(), after, 3)
		must(t, err)
		if len(part) > 3 {
			t.Fatalf("%d samples where 3 were asked for", len(part))
		}
		if got = append(got, part...); len(part) == 0 {
			break
		}
	}
	if len(got) != len(want) {
		t.Fatalf("%d samples, want %d", len(got), len(want))
	}
	row := int64(0)
	for i, s := range got {
		if s.Row <= row || !s.At.Equal(want[i].At) {
			t.Errorf("sample %d is row %d, of %s; want one of %s in a row above %d", i, s.Row, s.At, want[i].At, row)
		}
		row, s.At = s.Row, want[i].At
		if s.Sample != want[i] {
			t.Errorf("sample %d is %+v, want %+v", i, s.Sample, want[i])
		}
	}
}

func spoolForgetsWhatIsDone(t *testing.T, h SpoolHarness) {
	must(t, h.Put.Write(t.Context(), steady(noon, 10)))
	rows := waiting(t, h)
	must(t, h.Spool.Done(t.Context(), []int64{rows[1], rows[2], rows[7]}))
	must(t, h.Spool.Done(t.Context(), []int64{rows[2], rows[9] + 1000})) // gone, and never there
	must(t, h.Spool.Done(t.Context(), nil))
	if got := waiting(t, h); !slices.Equal(got, []int64{rows[0], rows[3], rows[4], rows[5], rows[6], rows[8], rows[9]}) {
		t.Errorf("rows %v are left of %v", got, rows)
	}
	must(t, h.Spool.Done(t.Context(), rows))
	must(t, h.Put.Write(t.Context(), steady(noon, 1)))
	if got := waiting(t, h); len(got) != 1 || got[0] <= rows[9] {
		t.Errorf("rows %v come after %v: a number was used twice", got, rows)
	}
}

func spoolParksWhatIsRefused(t *testing.T, h SpoolHarness) {
	must(t, h.Put.Write(t.Context(), steady(noon, 4)))
	rows := waiting(t, h)
	must(t, h.Spool.Refuse(t.Context(), []series.Refused{{Row: rows[1], Reason: "too\nold"}, {Row: rows[3], Reason: "x"}}))
	must(t, h.Spool.Refuse(t.Context(), []series.Refused{{Row: rows[1], Reason: "too\nold"}, {Row: rows[3] + 9, Reason: "x"}}))
	if got := waiting(t, h); !slices.Equal(got, []int64{rows[0], rows[2]}) {
		t.Errorf("rows %v are left of %v", got, rows)
	}
	if old, x := h.Refused("too\nold"), h.Refused("x"); old != 1 || x != 1 {
		t.Errorf("%d and %d samples were kept with their reasons, want one each", old, x)
	}
}

func spoolTellsItsBacklog(t *testing.T, h SpoolHarness) {
	if b, err := h.Spool.Backlog(t.Context()); err != nil || b != (series.Backlog{}) {
		t.Errorf("of an empty spool: %+v, %v", b, err)
	}
	must(t, h.Put.Write(t.Context(), steady(noon, 5)))
	if b, err := h.Spool.Backlog(t.Context()); err != nil || b.Samples < 1 || b.Age < 0 || b.Age > time.Hour {
		t.Errorf("of five samples put now: %+v, %v", b, err)
	}
}

func spoolIsSafeForMany(t *testing.T, h SpoolHarness) {
	const writers, each = 4, 50
	var group sync.WaitGroup
	errs := make(chan error, writers*each+1)
	for w := range writers {
		group.Go(func() {
			for i := range each {
				errs <- h.Put.Write(t.Context(), steady(noon.Add(time.Duration(w*each+i)*time.Minute), 1))
			}
		})
	}
	seen := map[int64]bool{}
	group.Go(func() { errs <- takeAll(t.Context(), h.Spool, seen, writers*each) })
	group.Wait()
	close(errs)
	for err := range errs {
		must(t, err)
	}
	if got := waiting(t, h); len(got) != 0 || len(seen) != writers*each {
		t.Errorf("%d rows were taken and %d are left, of %d", len(seen), len(got), writers*each)
	}
}

// takeAll takes rows until it has seen so many.
func takeAll(ctx context.Context, s series.Spool, seen map[int64]bool, want int) error {
	for len(seen) < want {
		part, err := s.Next(ctx, 0, 7)
		if err != nil {
			return err
		}
		var rows []int64
		for _, r := range part {
			rows = append(rows, r.Row)
			seen[r.Row] = true
		}
		if err := s.Done(ctx, rows); err != nil {
			return err
		}
	}
	return nil
}

func waiting(t *testing.T, h SpoolHarness) (rows []int64) {
	t.Helper()
	all, err := h.Spool.Next(t.Context(), 0, 1000)
	must(t, err)
	for _, s := range all {
		rows = append(rows, s.Row)
	}
	return rows
}
