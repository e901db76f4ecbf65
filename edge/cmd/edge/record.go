package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/tallydock/tallydock/edge/config"
)

// recordCommand writes down what the devices of the running gateway say: edge record --config edge.yaml [--for D] [--out FILE].
func recordCommand(ctx context.Context, args []string, out, diag io.Writer) int {
	flags := flag.NewFlagSet("edge record", flag.ContinueOnError)
	flags.SetOutput(diag)
	file := flags.String("config", "", "configuration `file` of the running gateway")
	length := flags.Duration("for", 0, "how long; until Ctrl-C where it is left out")
	to := flags.String("out", "", "`file` to write; standard output where it is left out")
	rest, code := parseMixed(flags, args)
	switch {
	case code >= 0:
		return code
	case *file == "" || len(rest) > 0:
		fmt.Fprintln(diag, "edge record: say whose gateway: edge record --config edge.yaml --out recording.ndjson")
		return exitUsage
	}
	c, err := config.Load(*file, os.LookupEnv)
	if err != nil {
		fmt.Fprintf(diag, "edge record: %v\n", err)
		return exitConfig
	}
	if *length > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, *length)
		defer cancel()
	}
	if err := recordTo(ctx, c, *to, out, diag); err != nil {
		fmt.Fprintf(diag, "edge record: %v\n", err)
		return exitFailed
	}
	return exitOK
}

func recordTo(ctx context.Context, c config.Config, name string, out, diag io.Writer) (err error) {
	if name != "" {
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return fmt.Errorf("cannot write %s: %w", name, err)
		}
		defer func() { err = errors.Join(err, f.Close()) }()
		out = f
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+c.API.Listen+"/api/v1/recording", nil)
	if err != nil {
		return err
	}
	if token := c.API.Token.Reveal(); token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := (&http.Client{Transport: &http.Transport{ResponseHeaderTimeout: 10 * time.Second}}).Do(req)
	if err != nil {
		return fmt.Errorf("cannot reach the gateway; is it running? %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 4096))
		return fmt.Errorf("the gateway answers %s: %s", resp.Status, text)
	}
	n, err := io.Copy(out, resp.Body)
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("the recording broke off after %d bytes: %w", n, err)
	}
	if lost := resp.Trailer.Get("Tallydock-Lost"); lost != "" && lost != "0" {
		fmt.Fprintf(diag, "edge record: %s entries are missing, because they could not be written fast enough\n", lost)
	}
	return nil
}
