// Command hub is a Tallydock hub: it takes what the edge gateways decide into the ledger, and serves the console.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	syscall.Umask(0o077) // what the hub keeps is for its own user
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], streams{os.Stdin, os.Stdout, os.Stderr, os.Environ()})
	stop()
	os.Exit(code)
}

// streams are what a command reads and writes.
type streams struct {
	in       io.Reader
	out, err io.Writer
	environ  []string
}

// usageError is a command line that cannot be right.
type usageError struct{ error }

// configError is a configuration that is wrong: trying again is of no use.
type configError struct{ error }

// command is one of the words that may follow "hub".
type command struct {
	name, args, about string
	run               func(ctx context.Context, args []string, s streams) error
}

func commands() []command {
	return []command{
		{"run", "--config FILE [--drain DURATION]", "run the hub until it is interrupted", runHub},
		{"check", "--config FILE", "check a configuration and say what is wrong", checkConfig},
		{"import", "--config FILE [--dry-run] [--sheet NAME] [--charset NAME] KIND FILE", "import a catalogue file (CSV, XLSX or NDJSON) into the database of a hub that is stopped", importFile},
		{"migrate", "--config FILE [--to VERSION] [--list]", "bring the database's schema to a version, by itself the newest; lower versions lose data", migrate},
		{"copy", "--config FILE --from sqlite|postgres --to postgres|sqlite", "copy a stopped hub's database into an empty one and prove that both are equal", copyDatabase},
		{"verify", "--config FILE", "prove that the ledger is as it was written: its chains of hashes, its balances, its tags' places, its values", verify},
		{"audit", "--config FILE verify", "prove that the log of changes is as it was written, and print its seal", auditLog},
		{"secret", "--config FILE new|rotate|reseal", "print a new secret key, put one before those of the file, or seal everything anew by it", secretKeys},
		{"backup", "--config FILE DIR", "back up the hub, which may run, into a new folder: SQLite database, credentials, keys, each with its hash", makeBackup},
		{"restore", "--config FILE [--check] DIR", "check a backup and put it into a data folder that is empty; --check does the first alone", restoreBackup},
		{"doctor", "--config FILE [--json]", "look at what the hub stands on, and say what is wrong and what to do", examine},
		{"passwd", "--config FILE [--role ROLE] [--stdin] USER", "give a user a new password; with --role, also make the user", setPassword},
		{"edge-key", "--config FILE", "print the key by which edges know this hub's configurations; make it where there is none", printEdgeKey},
		{"edge-config", "--config FILE [--version N] EDGE FILE.yaml", "sign what an edge shall work by and leave it at the broker of the running hub", sendEdgeConfig},
		{"enrol-token", "--config FILE [--replace] [--site SITE] [--life 24h] EDGE", "print a token by which a gateway enrols, once", enrolToken},
		{"edges", "--config FILE [--all]", "list the certificates of edges, with when they end and what becomes of them", listEdges},
		{"revoke", "--config FILE --reason TEXT EDGE|SERIAL", "end an edge's certificates at once; their key never comes back", revoke},
		{
			"broker-config", "--config FILE [--hub NAME] [--listen HOST:PORT] [--node NAME=HOST] [--there DIR] [--data DIR] mosquitto|nats DIR",
			"write the configuration by which a broker outside lets in the hub and the edges that are enrolled", brokerConfig,
		},
		{"ca", "--config FILE list|rollover|retire GENERATION", "list the roots of the hub's CA, make a new one, or end the trust in an old one", authority},
		{"version", "", "print the version", printVersion},
		{"help", "", "print this", printHelp},
	}
}

// run runs a command line and gives the exit code: 0 done, 1 failed, 2 wrong command line, 3 wrong configuration.
func run(ctx context.Context, args []string, s streams) int {
	if len(args) == 0 {
		printHelp(ctx, nil, streams{out: s.err})
		return 2
	}
	name := args[0]
	if name == "-h" || name == "--help" || name == "-help" {
		name = "help"
	}
	for _, c := range commands() {
		if c.name != name {
			continue
		}
		err := c.run(ctx, args[1:], s)
		if err == nil {
			return 0
		}
		fmt.Fprintf(s.err, "hub %s: %v\n", c.name, err)
		if errors.As(err, new(usageError)) {
			fmt.Fprintf(s.err, "usage: hub %s %s\n", c.name, c.args)
			return 2
		}
		if errors.As(err, new(configError)) {
			return 3
		}
		return 1
	}
	fmt.Fprintf(s.err, "hub: %q is not a command; hub help lists them\n", args[0])
	return 2
}
