package uplink

import (
	"context"
	"slices"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"github.com/tallydock/tallydock/devices/wire"
)

// hearCatalog must not block: a newer catalogue takes the place of one that waits.
func (u *Uplink) hearCatalog(m mqtt.Message) {
	if len(m.Payload()) == 0 || len(m.Payload()) > wire.MaxMessageBytes { // a retained one that was cleared, or none at all
		return
	}
	for {
		select {
		case u.catalogs <- slices.Clone(m.Payload()):
			return
		default:
		}
		select {
		case <-u.catalogs:
		default:
		}
	}
}

// runCatalogs hands catalogues over.
func (u *Uplink) runCatalogs(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case b := <-u.catalogs:
			u.cfg.Catalog(b)
		}
	}
}
