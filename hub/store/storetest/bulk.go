package storetest

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/tallydock/tallydock/devices/wire"
)

// Bulk goes straight to the tables of movements and their lines: what the database can take at most.
type Bulk interface {
	// Read gives the columns of a table and its rows after a movement, by their key.
	Read(t testing.TB, table string, after uuid.UUID) (columns []string, rows [][]any)
	// Write adds rows to both tables in one durable transaction.
	Write(t testing.TB, movements, lines [][]any)
	// Empty forgets all rows of both.
	Empty(t testing.TB)
}

// The tables that a Bulk writes.
const (
	Movements = "movement"
	Lines     = "movement_line"
)

// BenchmarkBulk is the limit of BenchmarkIntake: the rows of movements and their lines, made before, as many a durable
// transaction, and nothing else.
func BenchmarkBulk(b *testing.B, open Open, bulk Bulk) {
	h := NewHerd(b, open(b, time.Now, nil), OneSite)
	const made = 20_000
	for range made / benchBatch {
		h.Take(b, h.Batch(b, benchBatch, perMessage))
	}
	_, movements := bulk.Read(b, Movements, uuid.Nil)
	_, lines := bulk.Read(b, Lines, uuid.Nil)
	bulk.Empty(b)
	before := used()
	b.ResetTimer()
	done := 0
	for ; done < b.N; done += benchBatch {
		if done%made == 0 && done > 0 { // the same rows again
			b.StopTimer()
			bulk.Empty(b)
			b.StartTimer()
		}
		i := done % made
		bulk.Write(b, movements[i:i+benchBatch], lines[i:i+benchBatch])
	}
	b.ReportMetric(float64(done)/b.Elapsed().Seconds(), "movements/s")
	b.ReportMetric(float64(used()-before)/1e3/float64(done), "cpu-µs/movement")
}

// past is what a company has in its tables: the rows of a time in which every tag moved, which stand for the times before
// it as well.
type past struct {
	bulk             Bulk
	movements, lines rows
	last             uuid.UUID
}

// rows are rows of a table with the columns that are times and ids.
type rows struct {
	all   [][]any
	ids   []int
	times []int
	tag   int
	from  []int
	to    []int
}

// week is between one copy of the rows and the next.
const week = 7 * 24 * time.Hour

// read adds the rows that came since it was read last.
func (p *past) read(t testing.TB) {
	t.Helper()
	names, movements := p.bulk.Read(t, Movements, p.last)
	at := func(names []string, wanted ...string) (found []int) {
		for _, w := range wanted {
			found = append(found, slices.Index(names, w))
		}
		return found
	}
	p.movements.all = append(p.movements.all, movements...)
	p.movements.ids, p.movements.times = at(names, "id"), at(names, "effective_at", "recorded_at", "first_read", "last_read")
	names, lines := p.bulk.Read(t, Lines, p.last)
	p.lines.all = append(p.lines.all, lines...)
	p.lines.ids = at(names, "movement", "before_tag", "before_from", "before_to")
	p.lines.tag, p.lines.from, p.lines.to = at(names, "tag")[0], at(names, "item", "from_location", "lot", "from_state"), at(names, "item", "to_location", "lot", "to_state")
	p.last = idOf(p.lines.all[len(p.lines.all)-1][p.lines.ids[0]])
}

func idOf(v any) (id uuid.UUID) {
	switch v := v.(type) {
	case []byte:
		copy(id[:], v)
	case [16]byte:
		id = v
	case string:
		id = uuid.MustParse(v)
	}
	return id
}

// earlier gives an id of a time before, in the form that v has.
func earlier(v any, by time.Duration) any {
	id := idOf(v)
	if id == uuid.Nil {
		return v
	}
	ms := int64(id[0])<<40 | int64(id[1])<<32 | int64(id[2])<<24 | int64(id[3])<<16 | int64(id[4])<<8 | int64(id[5])
	ms -= by.Milliseconds()
	for i := range 6 {
		id[i] = byte(ms >> (8 * (5 - i)))
	}
	switch v.(type) {
	case []byte:
		return id[:]
	case string:
		return id.String()
	}
	return [16]byte(id)
}

// copied gives rows as they were some time before.
func (r rows) copied(from, to int, by time.Duration) [][]any {
	out := make([][]any, 0, to-from)
	for _, row := range r.all[from:to] {
		row = slices.Clone(row)
		for _, i := range r.ids {
			row[i] = earlier(row[i], by)
		}
		for _, i := range r.times {
			row[i] = row[i].(int64) - by.Microseconds()
		}
		out = append(out, row)
	}
	return out
}

// tie has the first movement of each thread follow the last one of it in the copy before.
func (p *past) tie() {
	first := idOf(p.lines.all[0][p.lines.ids[0]])
	ends := map[string]any{}
	threads := func(row []any) [3]string {
		key := func(columns []int) string {
			var b strings.Builder
			for _, c := range columns {
				fmt.Fprint(&b, row[c], "|")
			}
			return b.String()
		}
		tag, _ := row[p.lines.tag].([]byte)
		return [3]string{string(tag), key(p.lines.from), key(p.lines.to)}
	}
	for _, row := range p.lines.all {
		for _, thread := range threads(row) {
			ends[thread] = row[p.lines.ids[0]]
		}
	}
	for _, row := range p.lines.all {
		for i, thread := range threads(row) {
			at := p.lines.ids[i+1]
			if before := idOf(row[at]); row[at] == nil || before != uuid.Nil && slices.Compare(before[:], first[:]) < 0 {
				row[at] = earlier(ends[thread], week)
			}
		}
	}
}

// grow fills the tables with so many movements: copies of what was, week by week, and then what is.
func (p *past) grow(t testing.TB, h *Herd, movements int) {
	t.Helper()
	p.bulk.Empty(t)
	each := len(p.movements.all)
	copies := max(movements/each, 1) - 1
	for c := copies; c >= 0; c-- {
		back := time.Duration(c) * week
		if err := h.DB.MakeMonths(context.Background(), time.Now().Add(-back)); err != nil {
			t.Fatal(err)
		}
		const some = 20_000
		for i := 0; i < each; i += some {
			to := min(i+some, each)
			p.bulk.Write(t, p.movements.copied(i, to, back), p.lines.copied(i, to, back))
		}
	}
}

// StoredVariable names the environment variable that says at how many millions of movements BenchmarkStored measures,
// like 1,10,50; the same name with _LOADS at its end says how many tags move together. It takes the disk about 0.5 GB for each
// million, and a minute.
const StoredVariable = "TALLYDOCK_BENCH_STORED"

// BenchmarkStored is BenchmarkIntake beside its limit in the same tables, by turns, while a company of a million tags has
// ever more movements.
func BenchmarkStored(b *testing.B, open Open, bulk Bulk) {
	marks := strings.Split(os.Getenv(StoredVariable), ",")
	if marks[0] == "" {
		b.Skip(StoredVariable + " does not say at how many millions of movements to measure")
	}
	shape := Company
	if of, err := strconv.Atoi(os.Getenv(StoredVariable + "_LOADS")); err == nil {
		shape = shape.InLoads(of)
	}
	h := NewHerd(b, open(b, time.Now, nil), shape)
	h.know(b)
	p := past{bulk: bulk, last: uuid.Must(uuid.NewV7())}
	for range h.Shape.Tags / 2000 {
		h.Take(b, h.Batch(b, 2000, 200))
	}
	p.read(b)
	p.tie()
	for _, mark := range marks {
		millions, err := strconv.Atoi(mark)
		if err != nil {
			b.Fatalf("%s: %v", StoredVariable, err)
		}
		p.grow(b, h, millions*1_000_000)
		b.Run(mark+"M", func(b *testing.B) { p.measure(b, h) })
	}
}

// measure takes movements and loads the rows that they became again, by turns.
func (p *past) measure(b *testing.B, h *Herd) {
	const turns, batch = 10, 1000
	var taking, loading, cpu time.Duration
	n := 0
	var took []time.Duration
	for range turns {
		var work [][]wire.Envelope
		for range 5 {
			work = append(work, h.Batch(b, batch, perMessage))
		}
		start, before := time.Now(), used()
		for _, w := range work {
			at := time.Now()
			h.Take(b, w)
			took = append(took, time.Since(at))
		}
		taking += time.Since(start)
		cpu += used() - before
		from := len(p.movements.all)
		p.read(b)
		n += len(p.movements.all) - from
		var movements, lines [][][]any
		for i := from; i < len(p.movements.all); i += batch {
			movements = append(movements, p.movements.copied(i, i+batch, -time.Second))
			lines = append(lines, p.lines.copied(i, i+batch, -time.Second))
		}
		start = time.Now()
		for i := range movements {
			p.bulk.Write(b, movements[i], lines[i])
		}
		loading += time.Since(start)
		p.last = newest(movements)
		time.Sleep(time.Until(time.Unix(p.last.Time().UnixTime()))) // what comes is after what was loaded
	}
	slices.Sort(took)
	rate, limit := float64(n)/taking.Seconds(), float64(n)/loading.Seconds()
	b.ReportMetric(rate, "movements/s")
	b.ReportMetric(limit, "bulk-rows/s")
	b.ReportMetric(rate/limit, "of-bulk")
	b.ReportMetric(float64(cpu)/1e3/float64(n), "cpu-µs/movement")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1e3, "batch-p99-ms")
}

// newest is the last id of what was loaded.
func newest(movements [][][]any) uuid.UUID {
	last := movements[len(movements)-1]
	return idOf(last[len(last)-1][0])
}
