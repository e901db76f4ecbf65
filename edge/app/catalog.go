package app

import (
	"context"
	"time"

	"github.com/tallydock/tallydock/edge/catalog"
)

// catalogWithin is how long a catalogue may take to be kept, machine time.
const catalogWithin = 30 * time.Second

func (a *App) openCatalog() (err error) {
	a.catalog, err = catalog.New(a.store, a.opt.Log.With("part", "catalog"))
	return err
}

// takeCatalog takes the hub's catalogue. One that cannot be taken leaves the one before; the hub says it again.
func (a *App) takeCatalog(message []byte) {
	ctx, cancel := context.WithTimeout(context.Background(), catalogWithin)
	defer cancel()
	if err := a.catalog.Take(ctx, message); err != nil {
		a.opt.Log.Warn("the hub's catalogue cannot be taken", "reason", err)
	}
}
