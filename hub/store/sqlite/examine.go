package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/tallydock/tallydock/hub/doctor"
)

// Bounds of quick_check: what it lists, and how long it may look.
const (
	mostWrong = 5
	lookFor   = 15 * time.Second
)

// examine looks at the file's form and its pages.
func examine(ctx context.Context, db *sql.DB) (version string, remarks []doctor.Remark, err error) {
	var mode string
	if err := db.QueryRowContext(ctx, `SELECT sqlite_version()`).Scan(&version); err != nil {
		return "", nil, err
	}
	if err := db.QueryRowContext(ctx, `PRAGMA journal_mode`).Scan(&mode); err != nil {
		return version, nil, err
	}
	if mode != "wal" {
		remarks = append(remarks, doctor.Remark{
			Says: "the file is not in WAL mode, but " + mode, Do: "keep it on a local disk: network file systems do not take WAL",
		})
	}
	look, done := context.WithTimeout(ctx, lookFor)
	defer done()
	wrong, err := quickCheck(look, db)
	if err != nil && ctx.Err() == nil {
		remarks = append(remarks, doctor.Remark{
			Says: fmt.Sprintf("the file is too big to look at every page within %v", lookFor), Do: "check a backup of it: PRAGMA integrity_check",
		})
		err = nil
	}
	for _, w := range wrong {
		remarks = append(remarks, doctor.Remark{Says: w, Do: "stop the hub, keep the file as it is, and restore the last backup", Bad: true})
	}
	return version, remarks, err
}

// quickCheck has SQLite look at every page, without comparing indexes with their tables.
func quickCheck(ctx context.Context, db *sql.DB) (wrong []string, err error) {
	rows, err := db.QueryContext(ctx, fmt.Sprintf(`PRAGMA quick_check(%d)`, mostWrong))
	if err != nil && ctx.Err() == nil {
		return []string{err.Error()}, nil // a file that is too damaged to look at
	}
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return wrong, err
		}
		if text != "ok" {
			wrong = append(wrong, text)
		}
	}
	if err := rows.Err(); err != nil && ctx.Err() == nil {
		wrong = append(wrong, err.Error())
	}
	return wrong, ctx.Err()
}
