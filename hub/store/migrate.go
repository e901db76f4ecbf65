package store

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tallydock/tallydock/hub/fault"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Newest asks Migrate for the schema that this program works with.
const Newest = -1

// Migration is one step of the schema.
type Migration struct {
	Version int
	Name    string
	Done    bool
}

// steps gives the names of the migrations without their endings, rising: the one at i leads to version i+1.
func steps() ([]string, error) {
	files, err := fs.Glob(migrations, "migrations/*.up.sql")
	if err != nil {
		return nil, err
	}
	slices.Sort(files)
	for i, f := range files {
		files[i] = strings.TrimSuffix(strings.TrimPrefix(f, "migrations/"), ".up.sql")
		if n, err := strconv.Atoi(files[i][:4]); err != nil || n != i+1 {
			return nil, fmt.Errorf("migration %s is not number %d", f, i+1)
		}
	}
	return files, nil
}

// Migrations lists the steps of the schema with those that the database has taken.
func (db *DB) Migrations(ctx context.Context) ([]Migration, error) {
	names, err := steps()
	if err != nil {
		return nil, err
	}
	if err := db.beginSchema(ctx); err != nil {
		return nil, err
	}
	var version int
	if _, err := one(ctx, db.read, `SELECT version FROM schema_version`, nil, &version); err != nil {
		return nil, fmt.Errorf("cannot read the schema's version: %w", err)
	}
	all := make([]Migration, len(names))
	for i, n := range names {
		all[i] = Migration{i + 1, n, i < version}
	}
	return all, nil
}

// Migrate brings the schema up, or down, to a version, each step in a transaction of its own; a program of another time
// that does the same waits. Going down loses what the steps that are undone keep. Errors: fault.Conflict where the
// database is of a newer program; fault.Invalid for a version that there is not.
func (db *DB) Migrate(ctx context.Context, version int) error {
	names, err := steps()
	if err != nil {
		return err
	}
	if version == Newest {
		version = len(names)
	}
	if version < 0 || version > len(names) {
		return fmt.Errorf("%w: schema version %d; versions 0 to %d are possible", fault.Invalid, version, len(names))
	}
	if err := db.beginSchema(ctx); err != nil {
		return err
	}
	defer db.sensors.forget()
	defer db.areas.forget()
	for {
		done, err := db.step(ctx, names, version)
		if err != nil {
			return err
		}
		if done {
			return db.MakeMonths(ctx, time.Now())
		}
	}
}

func (db *DB) beginSchema(ctx context.Context) error {
	var old string
	err := db.write.QueryRowContext(ctx, `SELECT name FROM schema_version`).Scan(&old)
	if err == nil {
		return fmt.Errorf("%w: the database was made by a hub from before version 0.1, which nothing upgrades: "+
			"move the data folder away and start anew; gateways send what they still keep", fault.Conflict)
	}
	for _, text := range []string{
		`CREATE TABLE IF NOT EXISTS schema_version (one SMALLINT PRIMARY KEY, version SMALLINT NOT NULL)`,
		`INSERT INTO schema_version (one, version) VALUES (1, 0) ON CONFLICT (one) DO NOTHING`,
	} {
		if _, err := db.write.ExecContext(ctx, text); err != nil {
			return fmt.Errorf("cannot begin the schema: %w", err)
		}
	}
	return nil
}

// step takes one step towards a version and reports whether there is none left.
func (db *DB) step(ctx context.Context, names []string, version int) (done bool, err error) {
	tx, err := db.write.BeginTx(ctx, nil)
	if err != nil {
		return false, err
	}
	defer tx.Rollback()
	var now int
	lock := `SELECT version FROM schema_version WHERE one = 1`
	if !db.dialect.Alone {
		lock += ` FOR UPDATE`
	}
	if err := tx.QueryRowContext(ctx, lock).Scan(&now); err != nil {
		return false, fmt.Errorf("cannot read the schema's version: %w", err)
	}
	next := now + 1
	switch {
	case now == version:
		return true, nil
	case now > len(names):
		return false, fmt.Errorf("%w: the database has schema %d, and this hub knows %d: it was used by a newer hub; install that one",
			fault.Conflict, now, len(names))
	case now < version:
		err = db.run(ctx, tx, names[now]+".up.sql")
	default:
		err = db.run(ctx, tx, names[now-1]+".down.sql")
		next = now - 1
	}
	if err != nil {
		return false, err
	}
	if _, err := tx.ExecContext(ctx, `UPDATE schema_version SET version = `+strconv.Itoa(next)+` WHERE one = 1`); err != nil {
		return false, err
	}
	return false, tx.Commit()
}

func (db *DB) run(ctx context.Context, tx *sql.Tx, name string) error {
	text, err := migrations.ReadFile("migrations/" + name)
	if err != nil {
		return err
	}
	for _, stmt := range strings.Split(string(text), ";\n") {
		stmt = strings.TrimSpace(stmt)
		if stmt == "" {
			continue
		}
		for _, r := range db.dialect.Types {
			stmt = r.Find.ReplaceAllString(stmt, r.With)
		}
		if _, err := tx.ExecContext(ctx, stmt); err != nil {
			return fmt.Errorf("%s: %w in %q", name, err, stmt)
		}
	}
	return nil
}
