package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/tallydock/tallydock/hub/app"
	"github.com/tallydock/tallydock/hub/config"
	"github.com/tallydock/tallydock/hub/doctor"
)

// examine says what is wrong with what a hub stands on. It fails where something is a problem; warnings do not fail it.
func examine(ctx context.Context, args []string, s streams) error {
	fs, file := flags("doctor")
	asJSON := fs.Bool("json", false, "print a JSON object per finding and line")
	if err := parse(fs, args); err != nil {
		return err
	}
	problems := 0
	tell := func(f doctor.Finding) {
		if f.Level == doctor.Problem {
			problems++
		}
		printFinding(f, *asJSON, s)
	}
	cfg, err := config.Load(*file, s.environ)
	if err != nil {
		tell(doctor.Finding{Check: "configuration", Level: doctor.Problem, Says: err.Error(), Do: "mend the file; hub.example.yaml shows what is possible"})
		return errors.New("1 problem")
	}
	tell(doctor.Finding{Check: "configuration", Says: *file + " is in order"})
	doctor.Examine(ctx, app.Examination(cfg), tell)
	if problems > 0 {
		return fmt.Errorf("%d problems", problems)
	}
	return nil
}

func printFinding(f doctor.Finding, asJSON bool, s streams) {
	if asJSON {
		_ = json.NewEncoder(s.out).Encode(f) // cannot fail but for the output
		return
	}
	fmt.Fprintf(s.out, "%-8s %-15s %s\n", f.Level, f.Check, f.Says)
	if f.Do != "" {
		fmt.Fprintf(s.out, "%-24s -> %s\n", "", f.Do)
	}
}
