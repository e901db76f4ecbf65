package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/tallydock/tallydock/edge/app"
	"github.com/tallydock/tallydock/edge/config"
	"github.com/tallydock/tallydock/edge/identity"
)

// longestToken is in bytes; more is not read.
const longestToken = 4096

// enrolCommand gets the gateway's certificate: edge enrol --config edge.yaml [--replace] TOKEN.
func enrolCommand(ctx context.Context, args []string, in io.Reader, out, diag io.Writer) int {
	flags := flag.NewFlagSet("edge enrol", flag.ContinueOnError)
	flags.SetOutput(diag)
	file := flags.String("config", "", "configuration `file`")
	replace := flags.Bool("replace", false, "the certificate that there is goes, with its key")
	rest, code := parseMixed(flags, args)
	switch {
	case code >= 0:
		return code
	case *file == "" || len(rest) != 1:
		fmt.Fprintln(diag, "edge enrol: give the token that the hub has printed, or - to be asked for it: edge enrol --config edge.yaml TOKEN")
		return exitUsage
	}
	c, err := config.Load(*file, os.LookupEnv)
	if err == nil && !c.Enrolled() {
		err = fmt.Errorf("%s has neither hub.url nor identity: with one of them the gateway signs in by its certificate", *file)
	}
	if err != nil {
		fmt.Fprintf(diag, "edge enrol: %v\n", err)
		return exitConfig
	}
	token := rest[0]
	if token == "-" {
		b, err := io.ReadAll(io.LimitReader(in, longestToken))
		if err != nil {
			fmt.Fprintf(diag, "edge enrol: cannot read the token: %v\n", err)
			return exitFailed
		}
		token = string(b)
	}
	until, err := enrol(ctx, c, token, *replace)
	if err != nil {
		fmt.Fprintf(diag, "edge enrol: %v\n", err)
		return exitFailed
	}
	fmt.Fprintf(out, "gateway %s is enrolled until %s, and renews that by itself; one that runs takes it up within half a minute\n",
		c.Edge, until.UTC().Format(time.RFC3339))
	return exitOK
}

// enrol gives until when the certificate is valid. What there is and cannot be used, it replaces.
func enrol(ctx context.Context, c config.Config, token string, replace bool) (until time.Time, err error) {
	i, _ := identity.Open(app.IdentityOf(c, identity.Config{}))
	if err := i.Enrol(ctx, token, replace); err != nil {
		return time.Time{}, err
	}
	return i.Certificate().NotAfter, nil
}
