package store

import (
	"database/sql"
	"time"

	"github.com/tallydock/tallydock/devices/unit"
)

// stamp is a time as it is stored: microseconds since 1970, 0 for none.
func stamp(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func timeOf(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}

// timePtr is timeOf with nil for none.
func timePtr(us int64) *time.Time {
	if us == 0 {
		return nil
	}
	t := timeOf(us)
	return &t
}

// milli is a stored value in its unit; nil for none.
func milli(v sql.NullInt64) *float64 {
	if !v.Valid {
		return nil
	}
	f := unit.Milli(v.Int64).Float()
	return &f
}

// maybe is a value as it is stored: NULL where there is none.
func maybe(has bool, v unit.Milli) sql.NullInt64 { return sql.NullInt64{Int64: int64(v), Valid: has} }
