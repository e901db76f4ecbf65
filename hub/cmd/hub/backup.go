package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tallydock/tallydock/hub/app"
	"github.com/tallydock/tallydock/hub/backup"
	"github.com/tallydock/tallydock/hub/config"
)

// makeBackup backs up a hub, which may run meanwhile.
func makeBackup(ctx context.Context, args []string, s streams) error {
	fs, file := flags("backup")
	if err := parse(fs, args, "DIR"); err != nil {
		return err
	}
	cfg, err := config.Load(*file, s.environ)
	if err != nil {
		return configError{err}
	}
	if err := app.AsOwner(cfg.Data); err != nil {
		return err
	}
	db, err := app.ConnectDatabase(ctx, cfg, time.Now, nil)
	if err != nil {
		return err
	}
	from := backup.Source{Data: cfg.Data, Program: versionText(), Database: db.Dialect(), Key: cfg.SecretKeyPath(), Now: time.Now()}
	if from.Database == "sqlite" {
		from.File, from.Copy = app.DatabaseFile, db.Backup
	}
	m, err := backup.Make(ctx, from, fs.Arg(0))
	if err := errors.Join(err, db.Close()); err != nil {
		return err
	}
	var bytes int64
	for _, f := range m.Files {
		bytes += f.Bytes
	}
	fmt.Fprintf(s.out, "%s: %d files, %d bytes, each with its hash in %s\n", fs.Arg(0), len(m.Files), bytes, backup.ManifestFile)
	if from.Copy == nil {
		fmt.Fprintf(s.out, "The %s database is not in it: back it up by its own tools, see deploy/docs/backup.md.\n", m.Database)
	}
	for _, f := range m.Aside {
		fmt.Fprintf(s.out, "%s is not in it, because it opens the database's secrets: keep it elsewhere (SHA-256 %s).\n", f.Name, f.SHA256)
	}
	return nil
}

// restoreBackup puts a backup in place of a data folder that is gone.
func restoreBackup(ctx context.Context, args []string, s streams) error {
	fs, file := flags("restore")
	check := fs.Bool("check", false, "only check the backup")
	if err := parse(fs, args, "DIR"); err != nil {
		return err
	}
	if *check {
		m, err := backup.Check(fs.Arg(0))
		if err != nil {
			return err
		}
		fmt.Fprintf(s.out, "%s of %s is as it was written: %d files\n", fs.Arg(0), m.Made.Format(time.RFC3339), len(m.Files))
		return nil
	}
	return exclusive(ctx, *file, s, func(cfg config.Config) error {
		if err := app.AsOwner(cfg.Data); err != nil {
			return err
		}
		m, err := backup.Restore(fs.Arg(0), cfg.Data)
		if err != nil {
			return err
		}
		fmt.Fprintf(s.out, "%s is as it was at %s (%s, %d files). Edges send what they have since then when the hub runs.\n", cfg.Data,
			m.Made.Format(time.RFC3339), m.Program, len(m.Files))
		if m.Database != "sqlite" {
			fmt.Fprintf(s.out, "The %s database is not in this backup: restore it by its own tools before the hub starts.\n", m.Database)
		}
		for _, f := range m.Aside {
			fmt.Fprintf(s.out, "Put %s back into %s before the hub starts (SHA-256 %s).\n", f.Name, cfg.Data, f.SHA256)
		}
		return nil
	})
}
