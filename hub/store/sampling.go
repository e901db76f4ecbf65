package store

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tallydock/tallydock/hub/intake"
	"github.com/tallydock/tallydock/hub/series"
)

// sampling is the sensors' side of a transaction: samples that were taken and are yet to be written. They are written at its
// end and in bulk, because a batch has many of few sensors, and of each stretch of time.
//
// A sample counts in the roll-ups when its row is new, which the database itself tells: whatever else writes the same
// samples at this moment, each of them counts once.
type sampling struct {
	waiting []series.Sample
	spooled bool                 // they go to the spool, and into no table here
	found   map[series.Key]int64 // numbers of sensors that the DB did not remember
}

// put takes a sample.
func (f *sampling) put(s series.Sample) error {
	if err := s.Validate(); err != nil {
		return fmt.Errorf("%w: %w", intake.ErrRefused, err)
	}
	f.waiting = append(f.waiting, s)
	return nil
}

// measured is a sample with the number of its sensor and its time as they are stored.
type measured struct {
	series.Sample
	sensor, at int64
}

func (m measured) compare(o measured) int {
	return cmp.Or(cmp.Compare(m.sensor, o.sensor), cmp.Compare(m.at, o.at))
}

func (m measured) equal(o measured) bool { return m.compare(o) == 0 }

// write writes what was taken since the last time.
func (f *sampling) write(tx *Tx) error {
	if len(f.waiting) == 0 {
		return nil
	}
	all, err := f.number(tx)
	if err != nil {
		return err
	}
	if f.waiting = nil; f.spooled { // in the order in which they came
		if err := tx.spool(all); err != nil {
			return err
		}
	}
	slices.SortStableFunc(all, measured.compare)
	all = slices.CompactFunc(all, measured.equal)
	if !f.spooled {
		if all, err = tx.keep(all); err != nil {
			return err
		}
	}
	return tx.touchSensors(all)
}

// number finds the numbers of the sensors, and keeps others from writing of them.
func (f *sampling) number(tx *Tx) ([]measured, error) {
	all, nums := make([]measured, len(f.waiting)), make([]int64, len(f.waiting))
	var ask []series.Sample
	for i, s := range f.waiting {
		all[i] = measured{s, tx.db.sensors.of(s.Key), stamp(s.At)}
		if _, asked := f.found[s.Key]; all[i].sensor == 0 && !asked {
			f.note(s.Key, 0)
			ask = append(ask, s)
		}
	}
	if err := f.findSensors(tx, ask); err != nil {
		return nil, fmt.Errorf("cannot number the sensors: %w", err)
	}
	for i := range all {
		if all[i].sensor == 0 {
			all[i].sensor = f.found[all[i].Key]
		}
		nums[i] = all[i].sensor
	}
	return all, tx.lockSensors(nums)
}

func (f *sampling) note(k series.Key, num int64) {
	if f.found == nil {
		f.found = map[series.Key]int64{}
	}
	f.found[k] = num
}

// findSensors finds sensors that are not known yet, each by the first of its samples, and enters those that are new.
func (f *sampling) findSensors(tx *Tx, ask []series.Sample) error {
	slices.SortFunc(ask, func(a, b series.Sample) int { return strings.Compare(a.ID(), b.ID()) })
	for range attempts {
		if err := f.readSensors(tx, ask); err != nil {
			return err
		}
		ask = slices.DeleteFunc(ask, func(s series.Sample) bool { return f.found[s.Key] != 0 })
		if len(ask) == 0 {
			return nil
		}
		if err := tx.addSensors(ask); err != nil { // which others may do at this moment, or take their numbers
			return err
		}
	}
	return errAgain
}

func (f *sampling) readSensors(tx *Tx, ask []series.Sample) error {
	keys := make(map[string]series.Key, len(ask))
	ids := make([]string, len(ask))
	for i, s := range ask {
		ids[i] = s.ID()
		keys[ids[i]] = s.Key
	}
	for _, part := range lists(ids) {
		query := `SELECT id, num FROM sensor WHERE id IN (` + marks(len(part), "?") + `)`
		err := each(tx.ctx, tx, query, func(scan func(...any) error) error {
			var id string
			var num int64
			err := scan(&id, &num)
			f.note(keys[id], num)
			return err
		}, anys(part)...)
		if err != nil {
			return err
		}
	}
	return nil
}

var newSensors = table{name: "sensor", columns: []column{
	{"num", integer},
	{"id", text},
	{"edge", text},
	{"device", text},
	{"channel", text},
	{"location", text},
	{"quantity", integer},
	{"last_at", integer},
}, then: `ON CONFLICT DO NOTHING`}

func (tx *Tx) addSensors(all []series.Sample) error {
	var last int64
	if _, err := tx.row(`SELECT coalesce(max(num), 0) FROM sensor`, nil, &last); err != nil {
		return err
	}
	rows := make([][]any, len(all))
	for i, s := range all {
		rows[i] = []any{last + int64(i) + 1, s.ID(), s.Edge, s.Device, s.Channel, s.Location, int64(s.Quantity), int64(0)}
	}
	return tx.insert(&newSensors, rows)
}

// lockSensors keeps others from writing of sensors until this transaction ends.
func (tx *Tx) lockSensors(nums []int64) error {
	if tx.db.dialect.Alone {
		return nil
	}
	slices.Sort(nums)
	for _, part := range lists(slices.Compact(nums)) {
		err := each(tx.ctx, tx, tx.lock(`SELECT num FROM sensor WHERE num IN (`+marks(len(part), "?")+`) ORDER BY num`),
			func(scan func(...any) error) error { return scan(new(int64)) }, anys(part)...)
		if err != nil {
			return fmt.Errorf("cannot lock the sensors: %w", err)
		}
	}
	return nil
}

var sampleRows = table{name: "sample", columns: []column{
	{"sensor", integer},
	{"at", integer},
	{"value", integer},
	{"quality", integer},
	{"reason", text},
}, then: `ON CONFLICT DO NOTHING`}

// keep writes samples, which rise and are each there once, with the buckets of those that are new, and gives the new ones.
func (tx *Tx) keep(all []measured) ([]measured, error) {
	rows := make([][]any, len(all))
	for i, s := range all {
		rows[i] = []any{s.sensor, s.at, s.value(), int64(s.Quality), s.Reason}
	}
	written, err := tx.insertMissing(&sampleRows, rows)
	if err != nil {
		return nil, err
	}
	fresh := all[:0]
	for i, s := range all {
		if written[i] {
			fresh = append(fresh, s)
		}
	}
	for _, res := range series.Rollups() {
		if err := tx.insert(rollups[res], bucketRows(fresh, res.Width())); err != nil {
			return nil, err
		}
	}
	return fresh, nil
}

// value is a sample's value as it is stored: nil for none.
func (m measured) value() any {
	if !m.HasValue {
		return nil
	}
	return int64(m.Value)
}

// rollups are the tables that have buckets.
var rollups = map[series.Resolution]*table{
	series.Minute: rollup("sample_minute"), series.QuarterHour: rollup("sample_quarter"), series.Hour: rollup("sample_hour"),
}

// rollup is a table whose rows are merged with those that are there, as series.Bucket.Merge does it.
func rollup(name string) *table {
	t := &table{name: name}
	for _, c := range strings.Fields("sensor bucket n sum low low_at high high_at first first_at last last_at") {
		t.columns = append(t.columns, column{c, integer})
	}
	set := []string{"n = NAME.n + excluded.n", "sum = NAME.sum + excluded.sum"}
	for _, of := range []struct{ column, better string }{
		{"low", "(excluded.low, excluded.low_at) < (NAME.low, NAME.low_at)"},
		{"high", "(excluded.high, NAME.high_at) > (NAME.high, excluded.high_at)"}, // of equal ones the earlier
		{"first", "excluded.first_at < NAME.first_at"},
		{"last", "excluded.last_at > NAME.last_at"},
	} {
		for _, c := range []string{of.column, of.column + "_at"} {
			set = append(set, c+" = CASE WHEN "+of.better+" THEN excluded."+c+" ELSE NAME."+c+" END")
		}
	}
	t.then = "ON CONFLICT (sensor, bucket) DO UPDATE SET " + strings.ReplaceAll(strings.Join(set, ", "), "NAME", name)
	return t
}

// bucketRows makes the rows of the buckets of samples, which rise.
func bucketRows(all []measured, width time.Duration) (rows [][]any) {
	var b series.Bucket
	for i, s := range all {
		if s.HasValue {
			b = b.Merge(series.BucketOf(s.Reading(), width))
		}
		whole := i == len(all)-1 || all[i+1].sensor != s.sensor || !all[i+1].At.Truncate(width).Equal(s.At.Truncate(width))
		if whole && b.Count > 0 {
			rows = append(rows, []any{
				s.sensor, b.Start.UnixMicro(), b.Count, b.Sum, int64(b.Low.Value), stamp(b.Low.At), int64(b.High.Value), stamp(b.High.At),
				int64(b.First.Value), stamp(b.First.At), int64(b.Last.Value), stamp(b.Last.At),
			})
			b = series.Bucket{}
		}
	}
	return rows
}

// touchSensors notes the newest of samples, which rise, as what their sensors said last, where they did not say more since.
func (tx *Tx) touchSensors(all []measured) error {
	var newest []measured
	for i, s := range all {
		if i == len(all)-1 || all[i+1].sensor != s.sensor {
			newest = append(newest, s)
		}
	}
	for _, part := range lists(newest) {
		args := make([]any, 0, 4*len(part))
		for _, s := range part {
			args = append(args, s.sensor, s.at, s.value(), s.Location)
		}
		err := tx.exec(`UPDATE sensor SET last_at = said.column2, last_value = said.column3, location = said.column4 FROM (VALUES `+
			marks(len(part), `(CAST(? AS BIGINT), CAST(? AS BIGINT), CAST(? AS BIGINT), CAST(? AS TEXT))`)+
			`) AS said WHERE sensor.num = said.column1 AND sensor.last_at <= said.column2`, args...)
		if err != nil {
			return fmt.Errorf("cannot note what sensors said last: %w", err)
		}
	}
	return nil
}

// mostNumbers bounds a sensorNumbers.
const mostNumbers = 100_000

// sensorNumbers remembers the numbers of sensors, which never change once they are committed.
type sensorNumbers struct {
	mu  sync.RWMutex
	all map[series.Key]int64
}

// of gives a sensor's number; 0 where it is not remembered.
func (n *sensorNumbers) of(k series.Key) int64 {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return n.all[k]
}

// learn remembers numbers of a transaction that was committed.
func (n *sensorNumbers) learn(numbers map[series.Key]int64) {
	if len(numbers) == 0 {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.all == nil || len(n.all)+len(numbers) > mostNumbers {
		n.all = make(map[series.Key]int64, len(numbers))
	}
	for k, num := range numbers {
		n.all[k] = num
	}
}

// forget forgets them all, because their table is made anew.
func (n *sensorNumbers) forget() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.all = nil
}
