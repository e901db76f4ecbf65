package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tallydock/tallydock/hub/config"
	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/series"
	"github.com/tallydock/tallydock/hub/series/influx"
	"github.com/tallydock/tallydock/hub/store"
)

// startSeries decides where samples are kept: in the hub's own database, or in InfluxDB.
func (h *house) startSeries(ctx context.Context, _ config.Credentials) error {
	own := store.Series{DB: h.db}
	if h.cfg.Influx.URL == "" {
		h.series = series.NewReader(own, h.cfg.Series.Retention(), h.clock.Now)
		return h.once(ctx, "spool", h.emptySpool)
	}
	db, err := openInflux(h.cfg.Influx, own)
	if err != nil {
		return err
	}
	h.series = series.NewReader(db, series.Retention{}, h.clock.Now) // how long samples are kept is InfluxDB's to say
	drainer := influx.NewDrainer(db, store.Spool{DB: h.db}, influx.Options{Metrics: h.registry, Log: h.opt.Log.With("part", "influx")})
	guard := newSpoolGuard(store.Spool{DB: h.db}, h.cfg.Influx.Spool, h.registry, h.opt.Log.With("part", "spool"))
	return errors.Join(h.once(ctx, "influx", func(ctx context.Context) error {
		defer db.Close()
		return drainer.Run(ctx)
	}), h.once(ctx, "spool", guard.run))
}

func openInflux(c config.Influx, directory influx.Directory) (*influx.DB, error) {
	token := ""
	if c.TokenFile != "" {
		text, err := os.ReadFile(c.TokenFile)
		if err != nil {
			return nil, fmt.Errorf("cannot read the token for InfluxDB (influx.token_file): %w", err)
		}
		if token, _, _ = strings.Cut(strings.TrimSpace(string(text)), "\n"); token == "" {
			return nil, fmt.Errorf("%w: %s (influx.token_file) has no token in its first line", fault.Invalid, c.TokenFile)
		}
	}
	db, err := influx.New(influx.Config{
		URL: c.URL, Org: c.Org, Bucket: c.Bucket, Token: influx.Secret(strings.TrimSpace(token)), Timeout: c.Timeout,
	}, directory)
	if err != nil {
		return nil, fmt.Errorf("cannot use InfluxDB (influx): %w", err)
	}
	return db, nil
}

// guardEvery is the time between two looks at the spool's size.
const guardEvery = 10 * time.Second

// spoolGuard keeps the spool within its bound.
type spoolGuard struct {
	spool store.Spool
	most  int64
	lost  prometheus.Counter
	log   *slog.Logger
}

func newSpoolGuard(s store.Spool, most int64, r prometheus.Registerer, log *slog.Logger) *spoolGuard {
	g := &spoolGuard{s, most, prometheus.NewCounter(prometheus.CounterOpts{
		Name: "tallydock_series_lost_total", Help: "Samples that were given up because too many wait for InfluxDB.",
	}), log}
	r.MustRegister(g.lost)
	return g
}

func (g *spoolGuard) run(ctx context.Context) error {
	for wait := time.NewTicker(guardEvery); ; {
		g.look(ctx)
		select {
		case <-wait.C:
		case <-ctx.Done():
			wait.Stop()
			return nil
		}
	}
}

func (g *spoolGuard) look(ctx context.Context) {
	lost, err := g.spool.Thin(ctx, g.most)
	g.lost.Add(float64(lost))
	switch {
	case ctx.Err() != nil:
	case err != nil:
		g.log.Error("cannot look after the spool of samples; it grows until this works", "err", err)
	case lost > 0:
		g.log.Error("too many samples wait for InfluxDB: the oldest are thinned; bring InfluxDB back, or give influx.spool more room",
			"lost", lost, "influx.spool", g.most)
	}
}

// emptySpool brings what waits for an InfluxDB that is no longer configured into the hub's own tables.
func (h *house) emptySpool(ctx context.Context) error {
	for wait := time.Duration(0); ; wait = time.Minute {
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return nil
		}
		n, err := moveSpooled(ctx, store.Spool{DB: h.db}, store.Series{DB: h.db})
		switch {
		case ctx.Err() != nil:
		case err != nil:
			h.opt.Log.Error("cannot take the samples that waited for InfluxDB into the hub's database; it is tried again", "err", err)
		case n > 0:
			h.opt.Log.Info("samples that waited for InfluxDB are in the hub's database now", "samples", n)
		}
	}
}

// moveSpooled moves all that is in a spool.
func moveSpooled(ctx context.Context, from store.Spool, to series.Sink) (moved int, err error) {
	for {
		some, err := from.Next(ctx, 0, 5000)
		if err != nil || len(some) == 0 {
			return moved, err
		}
		samples, rows := make([]series.Sample, len(some)), make([]int64, len(some))
		for i, s := range some {
			samples[i], rows[i] = s.Sample, s.Row
		}
		if err := to.Write(ctx, samples); err != nil {
			return moved, err
		}
		if err := from.Done(ctx, rows); err != nil {
			return moved, err
		}
		moved += len(some)
	}
}
