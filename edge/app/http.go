package app

import (
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/tallydock/tallydock/edge/api"
)

// startAPI starts the HTTP server and waits until it takes requests, so that a port that is taken is told at once.
func (a *App) startAPI() error {
	a.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	server, err := api.New(api.Config{
		Listen: a.conf.API.Listen, Token: a.conf.API.Token.Reveal(), Edge: a.conf.Edge, Site: a.conf.Site, Version: a.opt.Software,
		Now: a.time.Now, Speed: a.clk.Speed(), Plan: a.plan, Recovered: a.recovery.String(), Gatherer: a.registry, Log: a.opt.Log.With("part", "api"),
	}, api.Rooms{
		Devices: a.fleet, Road: a.pipeline, Counter: a.pipeline, Lists: a.pipeline, Outbox: a.store, Hub: a.link, Unsynced: a.time.Unsynced, Recording: a.tap,
		Config: a.configStatus,
	})
	if err != nil {
		return err
	}
	a.api = server
	a.stage.start("api", server.Run)
	select {
	case <-server.Ready():
		return nil
	case err := <-a.stage.failed:
		return err
	}
}

func (a *App) link() api.Link {
	s := a.uplink.State()
	return api.Link{Connected: s.Connected, Since: s.Since, Err: s.Err, AckedAt: s.AckedAt}
}
