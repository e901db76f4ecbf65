package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	edges "github.com/tallydock/tallydock/simulators/load"
)

// loadOrder is what sim load is asked for besides the plan.
type loadOrder struct {
	plan         string
	seed         string
	hub          edges.Hub
	json, truth  string
	check        string
	user         string
	password     string
	passwordFile string
	options      edges.Options
}

func loadCommand(ctx context.Context, args []string, out, diag io.Writer) error {
	plan, order := edges.Default(), loadOrder{options: edges.Options{Out: out}}
	if _, err := parse(loadFlags(&plan, &order), diag, args); err != nil {
		return err
	}
	if order.plan != "" {
		var err error
		if plan, err = readPlan(order.plan); err != nil {
			return err
		}
		if _, err := parse(loadFlags(&plan, &order), diag, args); err != nil { // flags go before the file
			return err
		}
	}
	if order.seed != "" {
		paths, err := edges.WriteSeed(order.seed, plan.World, order.hub)
		for _, p := range paths {
			fmt.Fprintln(out, p)
		}
		return err
	}
	return makeLoad(ctx, plan, order, out)
}

func readPlan(file string) (edges.Plan, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return edges.Plan{}, fmt.Errorf("cannot read the plan: %w", err)
	}
	p, err := edges.Parse(text)
	if err != nil {
		return p, fmt.Errorf("%s: %w", file, err)
	}
	return p, nil
}

func loadFlags(p *edges.Plan, o *loadOrder) *flag.FlagSet {
	f := flag.NewFlagSet("load", flag.ContinueOnError)
	f.StringVar(&o.plan, "plan", "", "YAML file with the plan; flags go before it")
	orderFlags(f, o)
	planFlags(f, p)
	return f
}

func orderFlags(f *flag.FlagSet, o *loadOrder) {
	f.StringVar(&o.seed, "write-seed", "", "make no load; write hub.yaml, items.csv and locations.csv for such a load to this folder")
	f.StringVar(&o.hub.Listen, "listen", "127.0.0.1:8080", "host:port of the hub's console and API, for --write-seed")
	f.StringVar(&o.hub.MQTT, "mqtt", "127.0.0.1:1883", "host:port of the hub's broker, for --write-seed")
	f.StringVar(&o.json, "json", "", "write the report to this file")
	f.StringVar(&o.truth, "truth", "", "write to this file where everything is at the end (JSON)")
	f.StringVar(&o.check, "check", "", "URL of the hub, such as http://127.0.0.1:8080, whose stock must be the truth at the end")
	f.StringVar(&o.user, "user", "admin", "who asks the hub, for --check")
	f.StringVar(&o.password, "password", "", "of --user")
	f.StringVar(&o.passwordFile, "password-file", "", "file with the password of --user, which was changed since the hub made it")
	f.DurationVar(&o.options.Every, "every", 10*time.Second, "how often to tell how it goes")
	f.StringVar(&o.options.Watch, "watch", "", "process id whose CPU and memory are told, such as the hub's")
}

// planFlags gives the values of a plan that are often changed a flag; the rest is for the file.
func planFlags(f *flag.FlagSet, p *edges.Plan) {
	f.IntVar(&p.World.Edges, "edges", p.World.Edges, "how many edges")
	f.IntVar(&p.World.EdgesPerSite, "edges-per-site", p.World.EdgesPerSite, "how many of them share a site and its bays")
	f.IntVar(&p.World.Bays, "bays", p.World.Bays, "bays of a site")
	f.IntVar(&p.World.Tags, "tags", p.World.Tags, "tags of an edge")
	f.IntVar(&p.World.Items, "items", p.World.Items, "items of the company")
	f.Float64Var(&p.World.HotItem, "hot-item", p.World.HotItem, "share of the movements that are of one item")
	f.Func("rate", "movements a second of an edge, in the mean (default 1)", way(p, &p.Rate))
	f.Func("total", "movements a second of all edges together, instead", way(p, &p.Total))
	f.BoolFunc("flat-out", "as fast as the windows allow, instead", func(string) error {
		p.Rate, p.Total, p.FlatOut = 0, 0, true
		return nil
	})
	f.Float64Var(&p.Passes.Share, "passes", p.Passes.Share, "share of the movements that go through doors")
	f.Float64Var(&p.Flapping.Share, "flapping", p.Flapping.Share, "share of the edges whose connection is cut again and again")
	f.DurationVar(&p.Flapping.Up, "up", p.Flapping.Up, "mean time until it is cut")
	f.DurationVar(&p.Flapping.Down, "down", p.Flapping.Down, "mean time until it is made again")
	f.Float64Var(&p.Duplicate, "duplicate", p.Duplicate, "share of the envelopes that the hub gets twice")
	f.DurationVar(&p.Ramp, "ramp", p.Ramp, "time in which the edges join")
	f.DurationVar(&p.Duration, "for", p.Duration, "time of the load")
	f.DurationVar(&p.Drain, "drain", p.Drain, "time that the hub may take to ack the rest")
	f.Uint64Var(&p.Seed, "seed", p.Seed, "the same seed gives the same movements")
	f.IntVar(&p.Uplink.Window, "window", p.Uplink.Window, "envelopes of an edge on their way")
	f.IntVar(&p.Uplink.MaxRecords, "max-records", p.Uplink.MaxRecords, "records in an envelope, at most")
	f.IntVar(&p.Uplink.Keep, "keep", p.Uplink.Keep, "acked records that an edge keeps for a hub that was restored from a copy")
	f.IntVar(&p.Uplink.DownQoS, "down-qos", p.Uplink.DownQoS, "quality of service at which edges hear the hub: 0 or 1")
	f.Func("broker", "tcp:// or ssl://host:port; several with commas, for the edges in turn (default tcp://127.0.0.1:1883)", func(s string) error {
		p.Brokers = strings.Split(s, ",")
		return nil
	})
	f.StringVar(&p.Credentials, "credentials", p.Credentials, "the hub's credentials.yaml; \"\" = no logins")
	f.StringVar(&p.Certs, "certs", p.Certs, "folder with EDGE.crt and EDGE.key for TLS, and ca.crt")
}

// way reads one of the rates and takes the others away.
func way(p *edges.Plan, rate *float64) func(string) error {
	return func(s string) error {
		var v float64
		if _, err := fmt.Sscan(s, &v); err != nil {
			return fmt.Errorf("%q is no number", s)
		}
		p.Rate, p.Total, p.FlatOut = 0, 0, false
		*rate = v
		return nil
	}
}

func makeLoad(ctx context.Context, plan edges.Plan, order loadOrder, out io.Writer) error {
	l, err := edges.New(plan, order.options)
	if err != nil {
		return err
	}
	report, err := l.Run(ctx)
	fmt.Fprint(out, report)
	if order.json != "" {
		err = errors.Join(err, report.Write(order.json))
	}
	truth := l.Truth()
	if order.truth != "" {
		err = errors.Join(err, truth.Write(order.truth))
	}
	if order.check != "" && err == nil {
		err = checkHub(context.WithoutCancel(ctx), plan.World, truth, order, out)
	}
	return err
}

// checkHub compares a hub's stock with the truth.
func checkHub(ctx context.Context, w edges.World, truth edges.Truth, order loadOrder, out io.Writer) error {
	password := order.password
	if order.passwordFile != "" {
		var err error
		if password, err = readPassword(order.passwordFile); err != nil {
			return err
		}
	}
	hub, err := edges.Ask(ctx, order.check, order.user, password)
	if err != nil {
		return err
	}
	wrong := truth.Compare(w, hub.Stock)
	if len(wrong) == 0 && hub.Quarantine == 0 {
		fmt.Fprintf(out, "the hub has the truth: %d units in %d rows of stock, nothing in the quarantine\n", unitsOf(truth.Stock), len(truth.Stock))
		return nil
	}
	var b strings.Builder
	fmt.Fprintf(&b, "the hub differs from the truth in %d rows of stock of %d; %d entries are in its quarantine", len(wrong), len(truth.Stock), hub.Quarantine)
	for _, d := range wrong[:min(len(wrong), 10)] {
		fmt.Fprintf(&b, "\n  %s at %s: %d, where %d are", d.Item, d.Location, d.Have, d.Quantity)
	}
	return errors.New(b.String())
}

func unitsOf(stock []edges.Count) (n int64) {
	for _, c := range stock {
		n += c.Quantity
	}
	return n
}

// readPassword reads a password: what follows "password " in a file such as the hub's admin-password.txt, or its first line.
func readPassword(file string) (string, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("cannot read the password: %w", err)
	}
	for line := range strings.Lines(string(text)) {
		if word, ok := strings.CutPrefix(line, "password "); ok {
			return strings.TrimSpace(word), nil
		}
	}
	first, _, _ := strings.Cut(string(text), "\n")
	return strings.TrimSpace(first), nil
}
