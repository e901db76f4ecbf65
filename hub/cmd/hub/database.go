package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tallydock/tallydock/hub/app"
	"github.com/tallydock/tallydock/hub/config"
	"github.com/tallydock/tallydock/hub/store"
)

func migrate(ctx context.Context, args []string, s streams) error {
	fs, file := flags("migrate")
	version := fs.Int("to", store.Newest, "schema `version`")
	show := fs.Bool("list", false, "only list the versions")
	if err := parse(fs, args); err != nil {
		return err
	}
	return exclusive(ctx, *file, s, func(cfg config.Config) error {
		db, err := app.ConnectDatabase(ctx, cfg, time.Now, nil)
		if err != nil {
			return err
		}
		if !*show {
			err = db.Migrate(ctx, *version)
		}
		if err == nil {
			err = listMigrations(ctx, db, s)
		}
		return errors.Join(err, db.Close())
	})
}

// listMigrations marks those that the database has.
func listMigrations(ctx context.Context, db *store.DB, s streams) error {
	all, err := db.Migrations(ctx)
	for _, m := range all {
		mark := " "
		if m.Done {
			mark = "*"
		}
		fmt.Fprintf(s.out, "%s %s\n", mark, m.Name)
	}
	return err
}

// exclusive runs f with a configuration whose hub does not run on this machine meanwhile.
func exclusive(_ context.Context, file string, s streams, f func(config.Config) error) error {
	cfg, err := config.Load(file, s.environ)
	if err != nil {
		return configError{err}
	}
	release, err := app.Lock(cfg.Data)
	if err != nil {
		return fmt.Errorf("%w: stop the hub first", err)
	}
	defer release()
	return f(cfg)
}

func copyDatabase(ctx context.Context, args []string, s streams) error {
	fs, file := flags("copy")
	from := fs.String("from", "", "`kind` of the database to copy")
	to := fs.String("to", "", "`kind` of the empty database")
	if err := parse(fs, args); err != nil {
		return err
	}
	if !(*from == "sqlite" && *to == "postgres" || *from == "postgres" && *to == "sqlite") {
		return usageError{errors.New("--from and --to are sqlite and postgres, or the other way round")}
	}
	return exclusive(ctx, *file, s, func(cfg config.Config) error {
		if cfg.Database == (config.Database{}) {
			return configError{errors.New("database.url and database.url_file are empty: name the PostgreSQL database there")}
		}
		return withKind(ctx, cfg, *from, func(old *store.DB) error {
			return withKind(ctx, cfg, *to, func(fresh *store.DB) error { return copyAll(ctx, old, fresh, s) })
		})
	})
}

// withKind opens the SQLite file of a configuration, or its PostgreSQL database.
func withKind(ctx context.Context, cfg config.Config, kind string, f func(*store.DB) error) error {
	if kind == "sqlite" {
		cfg.Database = config.Database{}
	}
	return withDatabase(ctx, cfg, f)
}

func copyAll(ctx context.Context, from, to *store.DB, s streams) error {
	var rows int64
	began := time.Now()
	err := store.Copy(ctx, from, to, func(c store.Copied) {
		rows += c.Rows
		fmt.Fprintf(s.out, "%-18s %10d rows  %x\n", c.Table, c.Rows, c.Sum[:8])
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(s.out, "%d rows copied from %s to %s, read back and equal, in %s\n", rows, from.Dialect(), to.Dialect(),
		time.Since(began).Round(time.Millisecond))
	return nil
}

func verify(ctx context.Context, args []string, s streams) error {
	fs, file := flags("verify")
	if err := parse(fs, args); err != nil {
		return err
	}
	cfg, err := config.Load(*file, s.environ)
	if err != nil {
		return configError{err}
	}
	return withDatabase(ctx, cfg, func(db *store.DB) error {
		books := store.Ledger{DB: db}
		v, err := books.Verify(ctx, nil)
		if err != nil {
			return err
		}
		wrong, err := books.Check(ctx)
		if err != nil {
			return err
		}
		for _, w := range v.Wrong {
			fmt.Fprintln(s.out, w)
		}
		for _, m := range wrong {
			fmt.Fprintf(s.out, "item %s lot %q at %s, %s: kept %d, its entries add up to %d %s\n", m.Item, m.Lot, m.Location, m.State,
				m.Balance, m.Entries, m.Tag)
		}
		values, err := store.Valuation{DB: db}.Verify(ctx)
		if err != nil {
			return err
		}
		for _, w := range values.Wrong {
			fmt.Fprintln(s.out, w)
		}
		if n := len(v.Wrong) + len(wrong) + len(values.Wrong); n > 0 {
			return fmt.Errorf("%d things are not as they were written", n)
		}
		fmt.Fprintf(s.out, "%d movements in %d chains are as they were written, and all balances and places follow from them\n"+
			"the values of %d items follow from %d of their lines; %d lines wait to be valued\nseal %s\n",
			v.Movements, v.Chains, values.Items, values.Events, values.Waiting, v.Seal)
		return nil
	})
}
