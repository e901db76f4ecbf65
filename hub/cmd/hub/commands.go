package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"github.com/tallydock/tallydock/devices/systemd"
	"github.com/tallydock/tallydock/hub/app"
	"github.com/tallydock/tallydock/hub/catalog"
	"github.com/tallydock/tallydock/hub/config"
	"github.com/tallydock/tallydock/hub/store"
	"github.com/tallydock/tallydock/hub/tenant"
)

// version is set by the linker for a release.
var version = ""

func versionText() string {
	if version != "" {
		return version
	}
	if b, ok := debug.ReadBuildInfo(); ok && b.Main.Version != "" {
		return b.Main.Version
	}
	return "(devel)"
}

func printVersion(_ context.Context, args []string, s streams) error {
	if len(args) > 0 {
		return usageError{errors.New("takes no arguments")}
	}
	fmt.Fprintln(s.out, "hub", versionText())
	return nil
}

func printHelp(_ context.Context, _ []string, s streams) error {
	fmt.Fprint(s.out, "Tallydock hub: takes what edge gateways decide into the ledger, and serves the console.\n\ncommands:\n")
	for _, c := range commands() {
		fmt.Fprintf(s.out, "  hub %s\n        %s\n", strings.TrimSpace(c.name+" "+c.args), c.about)
	}
	fmt.Fprint(s.out, "\nkinds of catalogue file, in the order in which a new catalogue needs them:\n")
	for _, kind := range catalog.Kinds() {
		table, _ := catalog.Sheet(kind)
		var required, optional []string
		for _, c := range table.Columns {
			if c.Required {
				required = append(required, c.Name)
			} else {
				optional = append(optional, c.Name)
			}
		}
		fmt.Fprintf(s.out, "  %-10s %s [%s]\n", kind, strings.Join(required, ","), strings.Join(optional, ","))
	}
	fmt.Fprint(s.out, "\nthe environment overrides the configuration:\n")
	for _, o := range config.Overrides() {
		fmt.Fprintf(s.out, "  %-36s %s\n", config.EnvPrefix+o.Name, o.Path)
	}
	return nil
}

// flags makes the flag set of a command, with --config.
func flags(name string) (fs *flag.FlagSet, file *string) {
	fs = flag.NewFlagSet(name, flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	return fs, fs.String("config", "hub.yaml", "configuration `file`")
}

// parse reads a command's arguments; want are the names of what must follow the flags.
func parse(fs *flag.FlagSet, args []string, want ...string) error {
	if err := fs.Parse(args); err != nil {
		return usageError{err}
	}
	if fs.NArg() != len(want) {
		return usageError{fmt.Errorf("needs %d arguments after the flags, has %d", len(want), fs.NArg())}
	}
	return nil
}

func runHub(ctx context.Context, args []string, s streams) error {
	fs, file := flags("run")
	drain := fs.Duration("drain", 0, "how long to go on serving when asked to stop, while /readyz says no")
	if err := parse(fs, args); err != nil {
		return err
	}
	cfg, err := config.Load(*file, s.environ)
	if err != nil {
		return configError{err}
	}
	log := slog.New(logHandler(s.err, cfg.Log))
	manager, err := systemd.Connect(os.LookupEnv)
	if err != nil {
		log.Warn("going on without the service manager", "err", err)
	}
	defer manager.Close()
	hub, err := app.New(cfg, app.Options{Version: versionText(), Log: log, Out: s.out, Manager: manager, Drain: *drain})
	if err != nil {
		return err
	}
	return hub.Run(ctx)
}

// logHandler writes JSON where the configuration asks for it, for the journal where standard error leads there, else for
// people.
func logHandler(to io.Writer, c config.Log) slog.Handler {
	switch how := (&slog.HandlerOptions{Level: c.SlogLevel()}); {
	case c.Format == "json":
		return slog.NewJSONHandler(to, how)
	case to == os.Stderr && systemd.InJournal(os.Stderr, os.LookupEnv):
		return systemd.NewLines(to, c.SlogLevel())
	default:
		return slog.NewTextHandler(to, how)
	}
}

func checkConfig(_ context.Context, args []string, s streams) error {
	fs, file := flags("check")
	if err := parse(fs, args); err != nil {
		return err
	}
	cfg, err := config.Load(*file, s.environ)
	if err != nil {
		return configError{err}
	}
	mqtt := cfg.MQTT.Listen
	if cfg.MQTT.Broker != "" {
		mqtt = cfg.MQTT.Broker
	}
	fmt.Fprintf(s.out, "%s is in order: data in %s, console on %s, MQTT on %s, %d edges\n", *file, cfg.Data, cfg.Listen, mqtt, len(cfg.Edges))
	if cfg.Enrol.On() {
		fmt.Fprintf(s.out, "edges enrol at %s (listening on %s), and find the broker at %s\n", cfg.Enrol.URL, cfg.Enrol.Listen,
			strings.Join(cfg.BrokerURLs(), " "))
	}
	return nil
}

func importFile(ctx context.Context, args []string, s streams) error {
	fs, file := flags("import")
	dry := fs.Bool("dry-run", false, "only say what is wrong with the file")
	sheetName := fs.String("sheet", "", "XLSX: `name` of the sheet, instead of the first visible one")
	charset := fs.String("charset", "", "CSV: character `set`, instead of the one that is found out")
	if err := parse(fs, args, "KIND", "FILE"); err != nil {
		return err
	}
	cfg, err := config.Load(*file, s.environ)
	if err != nil {
		return err
	}
	release, err := app.Lock(cfg.Data)
	if err != nil {
		return fmt.Errorf("%w, or import through its API", err)
	}
	defer release()
	body, err := os.Open(fs.Arg(1))
	if err != nil {
		return fmt.Errorf("cannot read the file: %w", err)
	}
	defer body.Close()
	from := catalog.File{Body: body, Name: fs.Arg(1), Sheet: *sheetName, Charset: *charset}
	return withDatabase(ctx, cfg, func(db *store.DB) error {
		im := catalog.NewImporter(store.Catalog{DB: db})
		if *dry {
			return tryImport(ctx, im, fs.Arg(0), from, s)
		}
		done, err := im.Take(byHand(ctx, "import"), fs.Arg(0), from)
		if err != nil {
			return err
		}
		fmt.Fprintf(s.out, "%s: %d rows, %d new, %d changed\n", done.Kind, done.Rows, done.Inserted, done.Updated)
		return nil
	})
}

// tryImport says what an import would do, with every problem on a line.
func tryImport(ctx context.Context, im *catalog.Importer, kind string, from catalog.File, s streams) error {
	report, err := im.Try(ctx, kind, from)
	if err != nil {
		return err
	}
	for _, p := range report.Problems {
		fmt.Fprintln(s.out, p)
	}
	fmt.Fprintf(s.out, "%s: %d rows, %d good, %d bad; nothing was stored\n", kind, report.Rows, report.Good, report.Bad)
	if !report.OK() {
		return fmt.Errorf("%d problems", len(report.Problems)+report.More)
	}
	return nil
}

// withDatabase opens the hub's database for f. Another process may have it open too.
func withDatabase(ctx context.Context, cfg config.Config, f func(*store.DB) error) error {
	db, err := app.OpenDatabase(ctx, cfg, time.Now, nil)
	if err != nil {
		return err
	}
	return errors.Join(f(db), db.Close())
}

func setPassword(ctx context.Context, args []string, s streams) error {
	fs, file := flags("passwd")
	roleName := fs.String("role", "", "make the user with this `role`, or change it: viewer, operator, planner or admin")
	stdin := fs.Bool("stdin", false, "read the password from the first line of standard input, instead of making one up")
	if err := parse(fs, args, "USER"); err != nil {
		return err
	}
	cfg, err := config.Load(*file, s.environ)
	if err != nil {
		return err
	}
	password := tenant.NewPassword()
	if *stdin {
		if password, err = firstLine(s.in); err != nil {
			return err
		}
	}
	err = withDatabase(ctx, cfg, func(db *store.DB) error {
		users, err := tenant.New(store.Tenant{DB: db}, time.Now)
		if err != nil {
			return err
		}
		if *roleName == "" {
			return users.SetPassword(byHand(ctx, "passwd"), fs.Arg(0), password)
		}
		role, err := tenant.ParseRole(*roleName)
		if err != nil {
			return err
		}
		return users.PutUser(byHand(ctx, "passwd"), fs.Arg(0), password, role)
	})
	if err != nil {
		return err
	}
	name := tenant.CleanName(fs.Arg(0))
	fmt.Fprintf(s.out, "password of %s is changed; open sessions of %s have ended\n", name, name)
	if !*stdin {
		fmt.Fprintf(s.out, "password  %s\n", password)
	}
	if name == tenant.AdminName {
		return app.ForgetAdminPassword(cfg.Data)
	}
	return nil
}

func firstLine(r io.Reader) (string, error) {
	line, err := bufio.NewReader(io.LimitReader(r, 4096)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("cannot read the password: %w", err)
	}
	return strings.TrimRight(line, "\r\n"), nil
}
