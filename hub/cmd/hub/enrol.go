package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/tallydock/tallydock/hub/app"
	"github.com/tallydock/tallydock/hub/audit"
	"github.com/tallydock/tallydock/hub/config"
	"github.com/tallydock/tallydock/hub/enrol"
	"github.com/tallydock/tallydock/hub/store"
)

// byCommand is who did what a command did.
const byCommand = "command line"

// byHand has the log of changes tell of a command.
func byHand(ctx context.Context, name string) context.Context {
	return audit.With(ctx, &audit.Trail{User: audit.System, Action: "hub " + name})
}

// withEnrolment opens the enrolment of a configuration for f. The hub may run meanwhile.
func withEnrolment(ctx context.Context, file string, s streams, f func(config.Config, *app.Enrolment) error) error {
	cfg, err := config.Load(file, s.environ)
	if err != nil {
		return configError{err}
	}
	return withDatabase(ctx, cfg, func(db *store.DB) error {
		e, err := app.OpenEnrolment(ctx, cfg, db)
		if err != nil {
			return err
		}
		return f(cfg, e)
	})
}

func enrolToken(ctx context.Context, args []string, s streams) error {
	fs, file := flags("enrol-token")
	o := enrol.Order{By: byCommand}
	fs.BoolVar(&o.Replace, "replace", false, "another gateway takes this edge's place, whose certificate then ends")
	fs.StringVar(&o.Site, "site", "", "`site` of an edge that is not in the configuration")
	fs.DurationVar(&o.Life, "life", enrol.DefaultTokenLife, "how long the token may be used")
	if err := parse(fs, args, "EDGE"); err != nil {
		return err
	}
	o.Edge = fs.Arg(0)
	return withEnrolment(ctx, *file, s, func(cfg config.Config, e *app.Enrolment) (err error) {
		if o.Site, err = siteOf(cfg, o); err != nil {
			return err
		}
		text, fact, err := e.CreateToken(byHand(ctx, "enrol-token"), o)
		if err != nil {
			return err
		}
		fmt.Fprintln(s.out, text)
		fmt.Fprintf(s.err, "for gateway %s at site %s, once, until %s; it is not shown again. On the gateway:\n  edge enrol --config edge.yaml TOKEN\n",
			o.Edge, o.Site, fact.At.Add(o.Life).UTC().Format(time.RFC3339))
		return nil
	})
}

// siteOf is the site of an edge: the configuration's where it names the edge, else the order's.
func siteOf(cfg config.Config, o enrol.Order) (string, error) {
	i := slices.IndexFunc(cfg.Edges, func(e config.Edge) bool { return e.ID == o.Edge })
	switch {
	case i < 0 && o.Site == "":
		return "", usageError{fmt.Errorf("edge %s is not in the configuration (edges): say at which site it is, --site", o.Edge)}
	case i < 0:
		return o.Site, nil
	case o.Site != "" && o.Site != cfg.Edges[i].Site:
		return "", usageError{fmt.Errorf("edge %s is at site %s in the configuration, and not at %s", o.Edge, cfg.Edges[i].Site, o.Site)}
	}
	return cfg.Edges[i].Site, nil
}

func listEdges(ctx context.Context, args []string, s streams) error {
	fs, file := flags("edges")
	all := fs.Bool("all", false, "also certificates that others of the same key have followed")
	if err := parse(fs, args); err != nil {
		return err
	}
	return withEnrolment(ctx, *file, s, func(cfg config.Config, e *app.Enrolment) error {
		held, err := e.Certificates(ctx, "")
		if err != nil {
			return err
		}
		tokens, err := e.Tokens(ctx)
		if err != nil {
			return err
		}
		slices.SortStableFunc(held, func(a, b enrol.Certificate) int { return strings.Compare(a.Edge, b.Edge) })
		w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "EDGE\tSITE\tSERIAL\tUNTIL\tSTATE")
		seen := map[[32]byte]bool{}
		for _, c := range held {
			if *all || !seen[c.Key] {
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", c.Edge, c.Site, c.Serial, c.NotAfter.Format(time.RFC3339), stateOf(c, cfg.Enrol.Grace, time.Now()))
			}
			seen[c.Key] = true
		}
		for _, t := range tokens {
			if t.Used.IsZero() && time.Now().Before(t.Expires) {
				fmt.Fprintf(w, "%s\t%s\ttoken %s\t%s\tnot used yet\n", t.Edge, t.Site, t.ID(), t.Expires.Format(time.RFC3339))
			}
		}
		return w.Flush()
	})
}

// stateOf says what becomes of a certificate.
func stateOf(c enrol.Certificate, grace time.Duration, now time.Time) string {
	switch {
	case !c.Revoked.IsZero():
		return fmt.Sprintf("revoked %s: %s", c.Revoked.Format(time.RFC3339), c.Reason)
	case now.After(c.NotAfter.Add(grace)):
		return "expired; a new token is needed"
	case now.After(c.NotAfter):
		return "expired; renewed when the gateway asks"
	case c.NotAfter.Sub(now) < c.NotAfter.Sub(c.NotBefore)/4:
		return "not renewed yet; does the gateway reach enrol.url?"
	}
	return "valid"
}

func revoke(ctx context.Context, args []string, s streams) error {
	fs, file := flags("revoke")
	reason := fs.String("reason", "", "`why`, for whoever looks at it later")
	if err := parse(fs, args, "EDGE|SERIAL"); err != nil {
		return err
	}
	if *reason == "" {
		return usageError{errors.New("say why: --reason TEXT")}
	}
	return withEnrolment(ctx, *file, s, func(_ config.Config, e *app.Enrolment) error {
		held, err := e.Certificates(ctx, fs.Arg(0))
		if err != nil {
			return err
		}
		target := enrol.Target{Edge: fs.Arg(0)}
		if len(held) == 0 {
			target = enrol.Target{Serial: fs.Arg(0)}
		}
		facts, err := e.Revoke(byHand(ctx, "revoke"), target, *reason, byCommand)
		for _, f := range facts {
			fmt.Fprintf(s.out, "edge %s: certificate %s is revoked\n", f.Edge, f.Serial)
		}
		if err == nil {
			fmt.Fprintln(s.out, "the running hub cuts it off within two seconds; for brokers outside: hub broker-config, and reload them")
		}
		return err
	})
}

// texts is a flag that may be given several times.
type texts []string

func (t *texts) String() string     { return strings.Join(*t, " ") }
func (t *texts) Set(v string) error { *t = append(*t, v); return nil }

func brokerConfig(ctx context.Context, args []string, s streams) error {
	fs, file := flags("broker-config")
	var o app.Outside
	var hubs, nodes texts
	fs.StringVar(&o.There, "there", "", "`folder` of the files on the broker's machine; DIR where it is left out")
	fs.StringVar(&o.Data, "data", "", "`folder` for its messages on the broker's machine")
	fs.StringVar(&o.Listen, "listen", "0.0.0.0:8883", "`host:port` of a Mosquitto")
	fs.Var(&hubs, "hub", "`name` by which a hub signs in, hub or hub-…; may be given several times")
	fs.Var(&nodes, "node", "a node of a NATS cluster, `NAME=HOST` or NAME=HOST:MQTT:CLIENT:ROUTE; given for each")
	if err := parse(fs, args, "mosquitto|nats", "DIR"); err != nil {
		return err
	}
	o.Hubs, o.Nodes = hubs, nodes
	if len(hubs) == 0 {
		o.Hubs = []string{config.HubUser}
	}
	write, known := map[string]func(*app.Enrolment, config.Config) (int, error){
		"mosquitto": func(e *app.Enrolment, c config.Config) (int, error) { return e.WriteMosquitto(ctx, c, o) },
		"nats":      func(e *app.Enrolment, c config.Config) (int, error) { return e.WriteNATS(ctx, c, o) },
	}[fs.Arg(0)]
	if !known || fs.Arg(0) == "nats" && len(nodes) == 0 {
		return usageError{errors.New("say mosquitto, or nats with --node for each node")}
	}
	var err error
	if o.Dir, err = filepath.Abs(fs.Arg(1)); err != nil {
		return err
	}
	return withEnrolment(ctx, *file, s, func(cfg config.Config, e *app.Enrolment) error {
		n, err := write(e, cfg)
		if err != nil {
			return err
		}
		fmt.Fprintf(s.out, "%s has the configuration for %d edges and the hubs %s; have the broker read it (SIGHUP), and write it again\n"+
			"when edges come, go or are revoked, and every week at least\n", o.Dir, n, strings.Join(o.Hubs, " "))
		return nil
	})
}

func authority(ctx context.Context, args []string, s streams) error {
	fs, file := flags("ca")
	if err := fs.Parse(args); err != nil {
		return usageError{err}
	}
	cfg, err := config.Load(*file, s.environ)
	if err != nil {
		return configError{err}
	}
	ca, err := app.OpenCA(cfg)
	if err != nil {
		return err
	}
	switch words := fs.Args(); {
	case len(words) == 1 && words[0] == "list":
	case len(words) == 1 && words[0] == "rollover":
		err = ca.Rollover(time.Now())
	case len(words) == 2 && words[0] == "retire":
		n, notNumber := strconv.Atoi(words[1])
		if notNumber != nil {
			return usageError{fmt.Errorf("generation %q is not a number", words[1])}
		}
		err = ca.Retire(n)
	default:
		return usageError{errors.New("say list, rollover, or retire and a generation's number")}
	}
	if err != nil {
		return err
	}
	for _, g := range ca.Generations() {
		state := "trusted"
		if g.Issues {
			state = "issues"
		}
		fmt.Fprintf(s.out, "%d  %x  until %s  %s\n", g.Number, g.Fingerprint, g.NotAfter.UTC().Format(time.RFC3339), state)
	}
	return nil
}
