package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/tallydock/tallydock/simulators/play"
	"github.com/tallydock/tallydock/simulators/world"
)

func truthCommand(_ context.Context, args []string, out, diag io.Writer) error {
	f := flag.NewFlagSet("truth", flag.ContinueOnError)
	dir := f.String("dir", "", "the folder that sim run uses or used (needed)")
	moment := f.String("at", "", "moment such as 2026-01-05T09:30:00Z; \"\" = the last that is known")
	asTable := f.Bool("table", false, "write tables for people instead of JSON")
	if _, err := parse(f, diag, args); err != nil {
		return err
	}
	if *dir == "" {
		return errors.New("--dir is missing: name the folder that sim run uses")
	}
	var at time.Time
	if *moment != "" {
		var err error
		if at, err = time.Parse(time.RFC3339, *moment); err != nil {
			return fmt.Errorf("--at: %q is no moment such as 2026-01-05T09:30:00Z", *moment)
		}
	}
	t, err := play.ReadTruth(*dir, at)
	if err != nil {
		return err
	}
	r := play.NewReport(t)
	if *asTable {
		return table(out, r)
	}
	enc := json.NewEncoder(out)
	enc.SetIndent("", "  ")
	return enc.Encode(r)
}

func table(out io.Writer, r play.Report) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "truth at %s: %d passes, %d visits, %d excursions\n", r.At.Format(time.RFC3339), len(r.Passes), len(r.Visits),
		len(r.Excursions))
	fmt.Fprint(w, "\nITEM\tLOCATION\tQUANTITY\tUNREADABLE\n")
	for _, s := range r.Stock {
		fmt.Fprintf(w, "%s\t%s\t%d\t%d\n", s.Item, s.Location, s.Quantity, s.Unreadable)
	}
	units(w, "seen by no reader", r.Unreadable)
	units(w, "in hand", r.InHand)
	return w.Flush()
}

func units(w io.Writer, title string, list []world.UnitTruth) {
	fmt.Fprintf(w, "\n%s: %d\n", title, len(list))
	for _, u := range list {
		fmt.Fprintf(w, "%s\t%s\t%s\tfrom %s\tsince %s\n", u.Tag, u.Item, u.Location, u.From, u.Since.Format(time.RFC3339))
	}
}
