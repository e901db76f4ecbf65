// Package catalog is what the gateway knows of the hub's catalogue: which item is behind a GTIN. It is there for people, to
// name goods on the gateway's page; nothing is decided by it, and without it the gateway works as well.
//
// The hub leaves the catalogue at the broker whenever it changes. The gateway keeps the message as it came, in pieces, so
// that it can name goods after a restart without the hub.
package catalog

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/epc"
	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/edge/store"
)

// Prefix is what the keys of the kept message begin with; the number of the piece follows, in four digits.
const Prefix = "c/"

// pieceBytes is how long a piece is.
const pieceBytes = 96 << 10

// Store keeps the message.
type Store interface {
	Commit(ctx context.Context, b store.Batch) (store.Committed, error)
	Load(prefix []byte, fn func(key, value []byte) error) error
}

// Item is an item as people know it.
type Item struct {
	Code   string
	NameEN string
	NameZH string
}

// Catalog is the catalogue. Its methods may be called by any goroutine, but Take by one.
type Catalog struct {
	store  Store
	log    *slog.Logger
	pieces int // how many are kept
	known  atomic.Pointer[book]
}

type book struct {
	version uint64
	items   map[string]Item // by GTIN
}

// New makes a Catalog of what the store kept. What is damaged is told and left out: the hub says it again.
func New(s Store, log *slog.Logger) (*Catalog, error) {
	c := &Catalog{store: s, log: log}
	c.known.Store(&book{})
	var message []byte
	err := s.Load([]byte(Prefix), func(_, v []byte) error {
		c.pieces++
		message = append(message, v...)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("cannot load the catalogue: %w", err)
	}
	if c.pieces == 0 {
		return c, nil
	}
	b, err := read(message)
	if err != nil {
		log.Warn("the catalogue that was kept is damaged; goods have no names until the hub says it again", "reason", err)
		return c, nil
	}
	c.known.Store(b)
	return c, nil
}

func read(message []byte) (*book, error) {
	codec, err := wire.NewCodec() // it comes seldom: nothing is held for it
	if err != nil {
		return nil, err
	}
	m, err := codec.DecodeCatalog(message)
	if err != nil {
		return nil, err
	}
	b := &book{version: m.Version, items: make(map[string]Item, len(m.Items))}
	for _, it := range m.Items {
		b.items[it.GTIN] = Item{Code: it.Code, NameEN: it.NameEN, NameZH: it.NameZH}
	}
	return b, nil
}

// Take takes what the hub says, and returns once it is kept. A catalogue that is known already changes nothing. On an error
// the one before stays.
func (c *Catalog) Take(ctx context.Context, message []byte) error {
	b, err := read(message)
	if err != nil {
		return err
	}
	if was := c.known.Load(); was.version == b.version {
		return nil
	}
	var batch store.Batch
	n := 0
	for ; len(message) > 0; n++ {
		cut := min(len(message), pieceBytes)
		batch.Put = append(batch.Put, store.KV{Key: key(n), Value: message[:cut:cut]})
		message = message[cut:]
	}
	for i := n; i < c.pieces; i++ {
		batch.Delete = append(batch.Delete, key(i))
	}
	c.known.Store(b)
	if _, err := c.store.Commit(ctx, batch); err != nil {
		return errors.Join(errors.New("the catalogue is known, but cannot be kept"), err)
	}
	c.pieces = n
	c.log.Info("the hub's catalogue is known", "items", len(b.items), "version", fmt.Sprintf("%016x", b.version))
	return nil
}

func key(piece int) []byte { return fmt.Appendf(nil, "%s%04d", Prefix, piece) }

// Item finds the item that a tag names, by the GTIN in it.
func (c *Catalog) Item(t devices.Tag) (Item, bool) {
	gtin, ok := epc.GTIN14(t)
	if !ok {
		return Item{}, false
	}
	return c.ItemOf(gtin)
}

// ItemOf finds the item of a GTIN of 14 digits.
func (c *Catalog) ItemOf(gtin string) (Item, bool) {
	it, ok := c.known.Load().items[gtin]
	return it, ok
}

// Version is that of the hub's catalogue; 0 = none is known.
func (c *Catalog) Version() uint64 { return c.known.Load().version }
