package ingest

import (
	"context"

	"github.com/tallydock/tallydock/devices/wire"
)

// catalog is what edges are told of the catalogue.
type catalog struct {
	version uint64 // 0 = there is none to tell
	message []byte
	told    map[string]bool // by edge: it was left at the broker, on this connection
}

// forget has every edge told again, because the broker may have forgotten.
func (c *catalog) forget() { clear(c.told) }

// readCatalog looks whether the catalogue changed, and tells the edges that are there.
func (w *worker) readCatalog(ctx context.Context) {
	if w.cfg.Catalog == nil {
		return
	}
	items, err := w.cfg.Catalog(ctx)
	if err != nil {
		w.log.Error("cannot read the catalogue for edges; they go on with the one they have", "error", err)
		return
	}
	if len(items) > wire.MaxCatalogItems {
		w.log.Warn("the catalogue is too long for edges; they name only the first items", "items", len(items), "named", wire.MaxCatalogItems)
		items = items[:wire.MaxCatalogItems]
	}
	message, version, err := w.codec.EncodeCatalog(items)
	if err != nil {
		w.log.Error("the catalogue cannot be told to edges", "error", err)
		return
	}
	if version == w.catalog.version || len(items) == 0 && w.catalog.version == 0 {
		return
	}
	w.catalog.version, w.catalog.message = version, message
	w.catalog.forget()
	for edge := range w.heard {
		w.tellCatalog(edge)
	}
}

// tellCatalog leaves the catalogue at the broker for an edge, retained, once on each connection.
func (w *worker) tellCatalog(edge string) {
	if w.catalog.version == 0 || w.catalog.told[edge] {
		return
	}
	if _, err := w.publish(wire.Topic(edge, wire.DownCatalog), true, w.catalog.message); err == nil {
		w.catalog.told[edge] = true
	}
}
