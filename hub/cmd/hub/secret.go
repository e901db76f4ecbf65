package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/tallydock/tallydock/hub/app"
	"github.com/tallydock/tallydock/hub/config"
	"github.com/tallydock/tallydock/hub/secret"
	"github.com/tallydock/tallydock/hub/store"
)

// secretKeys makes, changes and applies the keys that seal secrets.
func secretKeys(ctx context.Context, args []string, s streams) error {
	fs, file := flags("secret")
	if err := parse(fs, args, "new, rotate or reseal"); err != nil {
		return err
	}
	switch fs.Arg(0) {
	case "new":
		fmt.Fprintln(s.out, secret.NewKey())
		return nil
	case "rotate":
		return rotateSecretKey(*file, s)
	case "reseal":
		return reseal(ctx, *file, s)
	}
	return usageError{errors.New("say new, rotate or reseal")}
}

func rotateSecretKey(file string, s streams) error {
	cfg, err := config.Load(file, s.environ)
	if err != nil {
		return configError{err}
	}
	if err := app.AsOwner(cfg.Data); err != nil {
		return err
	}
	keys, err := config.RotateSecretKey(cfg)
	if err != nil {
		return err
	}
	ids := keys.IDs()
	fmt.Fprintf(s.out, "%s has the new key %s before %d older ones\n"+
		"give every hub of this database the file, restart them, and then run hub secret reseal; back the file up, and elsewhere than the database\n",
		cfg.SecretKeyPath(), ids[0], len(ids)-1)
	return nil
}

func reseal(ctx context.Context, file string, s streams) error {
	return exclusive(ctx, file, s, func(cfg config.Config) error {
		if err := app.AsOwner(cfg.Data); err != nil {
			return err
		}
		keys, err := config.EnsureSecretKey(cfg)
		if err != nil {
			return err
		}
		return withDatabase(ctx, cfg, func(db *store.DB) error {
			done, err := app.Reseal(ctx, cfg, db)
			if err != nil {
				return err
			}
			fmt.Fprintf(s.out, "%d values of the database and %d files of the CA are sealed anew; all are sealed by key %s\n",
				done.Database, done.CA, keys.IDs()[0])
			return nil
		})
	})
}

// auditLog follows the log of changes.
func auditLog(ctx context.Context, args []string, s streams) error {
	fs, file := flags("audit")
	if err := parse(fs, args, "verify"); err != nil {
		return err
	}
	if fs.Arg(0) != "verify" {
		return usageError{errors.New("say verify")}
	}
	cfg, err := config.Load(*file, s.environ)
	if err != nil {
		return configError{err}
	}
	return withDatabase(ctx, cfg, func(db *store.DB) error {
		v, err := store.Audit{DB: db}.Verify(ctx)
		if err != nil {
			return err
		}
		for _, w := range v.Wrong {
			fmt.Fprintln(s.out, w)
		}
		fmt.Fprintf(s.out, "%d entries, %d wrong\nseal %s\n", v.Entries, len(v.Wrong), v.Seal)
		if len(v.Wrong) > 0 {
			return errors.New("the log of changes is not as it was written")
		}
		return nil
	})
}
