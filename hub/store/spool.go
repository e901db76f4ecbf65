package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/tallydock/tallydock/devices/unit"
	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/hub/intake"
	"github.com/tallydock/tallydock/hub/series"
)

// Spool holds samples that wait for the database that keeps them; it is a series.Spool, and the series.Sink that fills it.
// Rows are numbered from one row, which a transaction has until it commits, so that they become visible in their order.
type Spool struct{ *DB }

var (
	_ series.Spool = Spool{}
	_ series.Sink  = Spool{}
)

// Write is series.Sink's.
func (s Spool) Write(ctx context.Context, samples []series.Sample) error {
	return s.putSamples(ctx, samples, true)
}

var spoolRows = table{name: "sample_spool", columns: []column{
	{"num", integer},
	{"sensor", integer},
	{"at", integer},
	{"value", integer},
	{"quality", integer},
	{"reason", text},
	{"location", text},
	{"put_at", integer},
}}

// spool puts samples into the spool.
func (tx *Tx) spool(all []measured) error {
	var last int64
	n := int64(len(all))
	_, err := tx.row(`UPDATE sample_spool_head SET num = num + ?, waiting = waiting + ? WHERE one = 1 RETURNING num`,
		[]any{n, n}, &last)
	if err != nil {
		return fmt.Errorf("cannot number the samples of the spool: %w", err)
	}
	rows := make([][]any, len(all))
	for i, s := range all {
		rows[i] = []any{last - n + int64(i) + 1, s.sensor, s.at, s.value(), int64(s.Quality), s.Reason, s.Location, stamp(tx.now)}
	}
	return tx.insert(&spoolRows, rows)
}

// unspool takes rows out of the spool, and gives those that were there.
func (tx *Tx) unspool(rows []int64) (gone []int64, err error) {
	rows = slices.Sorted(slices.Values(rows))
	for _, part := range lists(slices.Compact(rows)) {
		text := `DELETE FROM sample_spool WHERE num IN (` + marks(len(part), "?") + `) RETURNING num`
		some, err := list(tx.ctx, tx, text, scanNum, anys(part)...)
		if err != nil {
			return nil, err
		}
		gone = append(gone, some...)
	}
	return gone, tx.lessWaiting(int64(len(gone)))
}

func scanNum(scan func(...any) error) (num int64, err error) { return num, scan(&num) }

func (tx *Tx) lessWaiting(n int64) error {
	if n == 0 {
		return nil
	}
	return tx.exec(`UPDATE sample_spool_head SET waiting = waiting - ? WHERE one = 1`, n)
}

const spoolColumns = `SELECT w.num, w.at, w.value, w.quality, w.reason, w.location, s.edge, s.device, s.channel, s.quantity
	FROM sample_spool w JOIN sensor s ON s.num = w.sensor `

func scanSpooled(scan func(...any) error) (s series.Spooled, err error) {
	var at int64
	var value sql.NullInt64
	err = scan(&s.Row, &at, &value, &s.Quality, &s.Reason, &s.Location, &s.Edge, &s.Device, &s.Channel, &s.Quantity)
	s.At, s.Value, s.HasValue = timeOf(at), unit.Milli(value.Int64), value.Valid
	return s, err
}

// Next is series.Spool's.
func (s Spool) Next(ctx context.Context, after int64, n int) ([]series.Spooled, error) {
	return list(ctx, s.read, spoolColumns+`WHERE w.num > ? ORDER BY w.num LIMIT ?`, scanSpooled, after, n)
}

// Done is series.Spool's.
func (s Spool) Done(ctx context.Context, rows []int64) error {
	if len(rows) == 0 {
		return ctx.Err()
	}
	return s.DB.Write(ctx, func(tx *Tx) error {
		_, err := tx.unspool(rows)
		return err
	})
}

// Refuse is series.Spool's: the samples go to the quarantine, from where a retry puts them back.
func (s Spool) Refuse(ctx context.Context, refused []series.Refused) error {
	rows, why := make([]int64, len(refused)), map[int64]string{}
	for i, r := range refused {
		rows[i], why[r.Row] = r.Row, r.Reason
	}
	return Intake{DB: s.DB}.take(ctx, func(tx *intakeTx) error {
		found := map[int64]series.Spooled{}
		for _, part := range lists(rows) {
			some, err := list(ctx, tx, spoolColumns+`WHERE w.num IN (`+marks(len(part), "?")+`)`, scanSpooled, anys(part)...)
			if err != nil {
				return err
			}
			for _, r := range some {
				found[r.Row] = r
			}
		}
		gone, err := tx.unspool(rows)
		if err != nil {
			return err
		}
		for _, row := range gone {
			if err := tx.parkSample(found[row], why[row]); err != nil {
				return fmt.Errorf("cannot put a sample into the quarantine: %w", err)
			}
		}
		return nil
	})
}

func (t *intakeTx) parkSample(s series.Spooled, why string) error {
	e, err := intake.RefusedSample(uuid.Must(uuid.NewV7()).String(), s.Edge, wire.Sample{
		Device: s.Device, Channel: s.Channel, Location: s.Location, Quantity: s.Quantity, Value: s.Value, Quality: s.Quality,
		Reason: s.Reason, At: s.At,
	})
	if err != nil {
		return err
	}
	e.Key, e.At = fmt.Sprintf("spool/%d", s.Row), t.now
	e.Detail = strings.ToValidUTF8(strings.ReplaceAll(why, "\x00", ""), "?")
	return t.Park(e)
}

// Backlog is series.Spool's; its Age is of business time.
func (s Spool) Backlog(ctx context.Context) (b series.Backlog, err error) {
	if _, err = one(ctx, s.read, `SELECT waiting FROM sample_spool_head WHERE one = 1`, nil, &b.Samples); err != nil || b.Samples == 0 {
		return b, err
	}
	var at int64
	found, err := one(ctx, s.read, `SELECT put_at FROM sample_spool ORDER BY num LIMIT 1`, nil, &at)
	if found {
		b.Age = max(s.now().Sub(timeOf(at)), 0)
	}
	return b, err
}

// thinAtOnce is how many samples one transaction of Thin looks at.
const thinAtOnce = 20_000

// Thin keeps the spool from having more than so many samples: of the oldest every second of each sensor goes, and the oldest
// themselves where that is not enough. It gives how many are lost.
func (s Spool) Thin(ctx context.Context, most int64) (lost int64, err error) {
	for after := int64(0); ; {
		b, err := s.Backlog(ctx)
		if err != nil || b.Samples <= most {
			return lost, err
		}
		gone, upto, err := s.thin(ctx, after, b.Samples-most)
		if err != nil {
			return lost, fmt.Errorf("cannot thin the spool of samples: %w", err)
		}
		lost += gone
		after = upto
	}
}

// thin thins what is next above after, and gives up to where that is. At the end of the spool it removes the oldest, as many as
// are over, and begins again.
func (s Spool) thin(ctx context.Context, after, over int64) (gone, upto int64, err error) {
	err = s.DB.Write(ctx, func(tx *Tx) error {
		gone, upto = 0, 0
		found, err := tx.row(`SELECT max(num) FROM (SELECT num FROM sample_spool WHERE num > ? ORDER BY num LIMIT ?) AS next
			HAVING count(*) > 0`, []any{after, thinAtOnce}, &upto)
		if err != nil {
			return err
		}
		which, args := `SELECT num FROM sample_spool ORDER BY num LIMIT ?`, []any{min(over, thinAtOnce)}
		if found {
			which, args = `SELECT num FROM (SELECT num, row_number() OVER (PARTITION BY sensor ORDER BY num DESC) AS nth FROM sample_spool
				WHERE num > ? AND num <= ?) AS next WHERE nth % 2 = 0 ORDER BY num LIMIT ?`, []any{after, upto, over}
		}
		r, err := tx.ExecContext(ctx, `DELETE FROM sample_spool WHERE num IN (`+which+`)`, args...)
		if err != nil {
			return err
		}
		if gone, err = r.RowsAffected(); err != nil {
			return err
		}
		return tx.lessWaiting(gone)
	})
	return gone, upto, err
}
