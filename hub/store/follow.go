package store

import (
	"context"
	"log/slog"
	"time"
)

// lookEvery is how soon events of other hubs on the same database are heard.
const lookEvery = 150 * time.Millisecond

// followAtOnce is how many events are read at a time.
const followAtOnce = 1000

// Follow passes on the events of every hub on this database, in order, those since Start, until ctx ends; then it returns nil. Where only this hub can write it has nothing to do, because Write has told already.
func (db *DB) Follow(ctx context.Context, log *slog.Logger) error {
	if db.dialect.Alone || db.committed == nil {
		<-ctx.Done()
		return nil
	}
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for failing := false; ; {
		err := db.follow(ctx)
		if err != nil && ctx.Err() == nil && !failing {
			log.Warn("cannot read the events; consoles hear nothing until this works", "err", err)
		}
		failing = err != nil
		select {
		case <-ctx.Done():
			return nil
		case <-db.wake:
		case <-tick.C:
		}
	}
}

func (db *DB) follow(ctx context.Context) error {
	for {
		events, err := since(ctx, db.read, db.heard, followAtOnce)
		if err != nil {
			return err
		}
		if len(events) > 0 {
			db.committed(events)
			db.heard = events[len(events)-1].Seq
		}
		if len(events) < followAtOnce {
			return nil
		}
	}
}
