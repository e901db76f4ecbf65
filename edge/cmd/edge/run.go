package main

import (
	"context"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/tallydock/tallydock/devices/systemd"
	"github.com/tallydock/tallydock/edge/app"
	"github.com/tallydock/tallydock/edge/config"
)

// runGateway runs the gateway of a configuration file until ctx ends. SIGHUP has the file read again.
func runGateway(ctx context.Context, file string, diag io.Writer) int {
	var level slog.LevelVar
	log := slog.New(logHandler(diag, &level))
	manager, err := systemd.Connect(os.LookupEnv)
	if err != nil {
		log.Warn("going on without the service manager", "error", err)
	}
	defer manager.Close()
	again := make(chan os.Signal, 1)
	signal.Notify(again, syscall.SIGHUP)
	defer signal.Stop(again)
	k := app.NewKeeper(app.KeeperOptions{
		Options: app.Options{Log: log, Level: &level, Software: software(), Built: builtAt(), Memory: app.Memory},
		Load:    func(hub string) (config.Config, error) { return config.LoadWith(file, hub, os.LookupEnv) },
		Manager: manager, Reload: again,
	})
	if err := k.Run(ctx); err != nil {
		log.Error("gateway ended", "error", err)
		return exitFailed
	}
	return exitOK
}

// logHandler writes for the journal where standard error leads there, else for people.
func logHandler(diag io.Writer, level slog.Leveler) slog.Handler {
	if diag == os.Stderr && systemd.InJournal(os.Stderr, os.LookupEnv) {
		return systemd.NewLines(diag, level)
	}
	return slog.NewTextHandler(diag, &slog.HandlerOptions{Level: level})
}
