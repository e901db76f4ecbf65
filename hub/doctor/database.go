package doctor

import (
	"context"
	"time"
)

// Database is what a hub's database says of itself; *store.DB is asked for it.
type Database interface {
	// Dialect is its kind.
	Dialect() string
	// Schema gives the version that it has, and the newest that this program knows.
	Schema(ctx context.Context) (has, newest int, err error)
	// Remarks are what is not as it should be with the server, its settings and its files.
	Remarks(ctx context.Context) (version string, remarks []Remark, err error)
	// ClockAhead is by how much its clock is ahead of this machine's.
	ClockAhead(ctx context.Context) (time.Duration, error)
	// Tail compares the newest movements with the chains of hashes that they are in, and gives how many it looked at and
	// what does not fit.
	Tail(ctx context.Context) (movements int, wrong []string, err error)
	Close() error
}

// Remark is what is not as it should be.
type Remark struct {
	Says, Do string
	Bad      bool // what is written can be lost, or is wrong already
}

// OfDatabase looks at the hub's database; open connects to it, and gives nil where it is yet to be made.
func OfDatabase(open func(context.Context) (Database, error)) Check {
	return Check{"database", func(ctx context.Context) []Finding {
		db, err := open(ctx)
		if err != nil {
			return []Finding{problem("see that the server runs, and that database in hub.yaml names it rightly", "%v", err)}
		}
		if db == nil {
			return []Finding{ok("there is none yet; the hub makes it when it starts")}
		}
		defer db.Close()
		var found []Finding
		for _, look := range []func(context.Context, Database) ([]Finding, error){server, schema, clocks, ledger} {
			f, err := look(ctx, db)
			if err != nil {
				return append(found, problem("look into the database's log", "%v", err))
			}
			found = append(found, f...)
		}
		return found
	}}
}

func server(ctx context.Context, db Database) ([]Finding, error) {
	version, remarks, err := db.Remarks(ctx)
	found := []Finding{}
	for _, r := range remarks {
		f := warning(r.Do, "%s", r.Says)
		if r.Bad {
			f.Level = Problem
		}
		found = append(found, f)
	}
	if len(found) == 0 && err == nil {
		found = append(found, ok("%s %s answers, and its settings keep what is committed", db.Dialect(), version))
	}
	return found, err
}

func schema(ctx context.Context, db Database) ([]Finding, error) {
	has, newest, err := db.Schema(ctx)
	switch {
	case err != nil:
		return nil, err
	case has > newest:
		return []Finding{problem("install the newer hub again", "the schema is version %d, and this hub knows %d", has, newest)}, nil
	case has < newest:
		return []Finding{warning("back up; then hub migrate, or the hub itself when it starts, brings it up to date",
			"the schema is version %d; this hub works with %d", has, newest)}, nil
	}
	return []Finding{ok("the schema is version %d, this hub's", has)}, nil
}

func clocks(ctx context.Context, db Database) ([]Finding, error) {
	ahead, err := db.ClockAhead(ctx)
	if err != nil {
		return nil, err
	}
	if ahead.Abs() > mostAhead {
		return []Finding{warning("have a time service hold both machines' clocks", "the database's clock is %v ahead of this machine's",
			ahead.Round(time.Millisecond))}, nil
	}
	return nil, nil
}

func ledger(ctx context.Context, db Database) ([]Finding, error) {
	n, wrong, err := db.Tail(ctx)
	if err != nil {
		return nil, err
	}
	found := []Finding{}
	for _, w := range wrong {
		found = append(found, problem("stop the hub, keep a copy of the database as it is, and run hub verify", "%s", w))
	}
	if len(wrong) == 0 {
		found = append(found, ok("the newest %d movements are as they were written; hub verify looks at all", n))
	}
	return found, nil
}
