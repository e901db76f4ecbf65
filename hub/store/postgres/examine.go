package postgres

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/tallydock/tallydock/hub/doctor"
)

// leastConnections is what a server should allow: two hubs with their pools, and some more.
const leastConnections = 50

// must are settings of a server with which it keeps what it said it has.
var must = []struct{ name, right, otherwise string }{
	{"fsync", "on", "a power cut destroys the database"},
	{"full_page_writes", "on", "a power cut can destroy pages of the database"},
	{"synchronous_commit", "", "movements that edges were told are kept can be gone after a crash; they forget them after their retention"},
}

// examine looks at the server's settings and at the partitions of the months to come.
func examine(ctx context.Context, db *sql.DB) (version string, remarks []doctor.Remark, err error) {
	get := func(name string) (value string) {
		if err == nil {
			err = db.QueryRowContext(ctx, `SELECT current_setting($1)`, name).Scan(&value)
		}
		return value
	}
	version = get("server_version")
	for _, m := range must {
		value := get(m.name)
		if value == m.right || m.right == "" && value != "off" {
			continue
		}
		remarks = append(remarks, doctor.Remark{
			Says: fmt.Sprintf("%s is %s: %s", m.name, value, m.otherwise), Do: "set it to on in postgresql.conf and reload the server", Bad: true,
		})
	}
	if err != nil {
		return version, remarks, err
	}
	for _, look := range []func(context.Context, *sql.DB) ([]doctor.Remark, error){connections, standby, ahead} {
		found, err := look(ctx, db)
		if err != nil {
			return version, remarks, err
		}
		remarks = append(remarks, found...)
	}
	return version, remarks, nil
}

func connections(ctx context.Context, db *sql.DB) (remarks []doctor.Remark, err error) {
	var most, used int
	err = db.QueryRowContext(ctx, `SELECT current_setting('max_connections')::int, (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend')`).
		Scan(&most, &used)
	if most < leastConnections {
		remarks = append(remarks, doctor.Remark{
			Says: fmt.Sprintf("max_connections is %d", most), Do: fmt.Sprintf("set it to %d or more: a hub takes up to 16, or four for each processor", leastConnections),
		})
	}
	if used*10 > most*9 {
		remarks = append(remarks, doctor.Remark{
			Says: fmt.Sprintf("%d of %d connections are in use", used, most), Do: "raise max_connections, or find who else holds them (pg_stat_activity)",
		})
	}
	return remarks, err
}

func standby(ctx context.Context, db *sql.DB) (remarks []doctor.Remark, err error) {
	var recovering bool
	if err = db.QueryRowContext(ctx, `SELECT pg_is_in_recovery()`).Scan(&recovering); recovering {
		remarks = append(remarks, doctor.Remark{
			Says: "the server is in recovery: it takes no changes", Do: "name the primary in database.url, or end the recovery (pg_promote)", Bad: true,
		})
	}
	return remarks, err
}

// ahead looks for the partitions of this month and the next; without them rows lie among the others, which is slower.
func ahead(ctx context.Context, db *sql.DB) (remarks []doctor.Remark, err error) {
	now := time.Now().UTC()
	first := time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, time.UTC)
	for _, t := range monthly {
		for _, month := range []time.Time{first, first.AddDate(0, 1, 0)} {
			name := t.table + "_" + month.Format("2006_01")
			var table, partition bool
			err := db.QueryRowContext(ctx, `SELECT to_regclass($1) IS NOT NULL, to_regclass($2) IS NOT NULL`, t.table, name).Scan(&table, &partition)
			if err != nil {
				return remarks, err
			}
			if table && !partition {
				remarks = append(remarks, doctor.Remark{
					Says: "there is no partition " + name, Do: "look into the hub's log why it cannot make it; it tries every six hours and when it starts",
				})
			}
		}
	}
	return remarks, nil
}
