package wire

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"google.golang.org/protobuf/proto"

	pb "github.com/tallydock/tallydock/devices/wire/wirepb"
)

// MaxCatalogItems is how many items a Catalog may list.
const MaxCatalogItems = 20_000

// Catalog is what the company deals in, as far as an edge needs to know it to name goods to people.
type Catalog struct {
	Version uint64 // of the content: the first eight bytes of its SHA-256, high byte first
	Items   []CatalogItem
}

// CatalogItem is one item.
type CatalogItem struct {
	GTIN   string // 14 digits
	Code   string // the item's own number
	NameEN string
	NameZH string
}

// EncodeCatalog gives the message of a catalogue; equal items in equal order are the same version.
func (c *Codec) EncodeCatalog(items []CatalogItem) (message []byte, version uint64, err error) {
	if len(items) > MaxCatalogItems {
		return nil, 0, fmt.Errorf("catalogue has %d items; at most %d are possible", len(items), MaxCatalogItems)
	}
	m := &pb.CatalogItems{}
	for _, it := range items {
		m.Items = append(m.Items, &pb.CatalogItem{Gtin: it.GTIN, Code: it.Code, NameEn: it.NameEN, NameZh: it.NameZH})
	}
	content, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		return nil, 0, fmt.Errorf("cannot encode the catalogue: %w", err)
	}
	message, err = proto.Marshal(&pb.Catalog{Version: Version, Payload: c.enc.EncodeAll(content, nil)})
	if err != nil {
		return nil, 0, fmt.Errorf("cannot encode the catalogue: %w", err)
	}
	if len(content) > MaxPayload || len(message) > MaxMessageBytes {
		return nil, 0, fmt.Errorf("catalogue has %d bytes, and %d in its message; at most %d and %d are possible",
			len(content), len(message), MaxPayload, MaxMessageBytes)
	}
	return message, contentVersion(content), nil
}

// DecodeCatalog reads what EncodeCatalog made.
func (c *Codec) DecodeCatalog(b []byte) (Catalog, error) {
	var m pb.Catalog
	if err := unmarshal("catalogue", b, &m); err != nil {
		return Catalog{}, err
	}
	content, err := c.dec.DecodeAll(m.GetPayload(), nil)
	if err != nil {
		return Catalog{}, fmt.Errorf("catalogue cannot be decompressed: %w", err)
	}
	var items pb.CatalogItems
	if err := proto.Unmarshal(content, &items); err != nil {
		return Catalog{}, fmt.Errorf("catalogue is not readable: %w", err)
	}
	if n := len(items.GetItems()); n > MaxCatalogItems {
		return Catalog{}, fmt.Errorf("catalogue has %d items; at most %d are possible", n, MaxCatalogItems)
	}
	out := Catalog{Version: contentVersion(content)}
	for _, it := range items.GetItems() {
		out.Items = append(out.Items, CatalogItem{GTIN: it.GetGtin(), Code: it.GetCode(), NameEN: it.GetNameEn(), NameZH: it.GetNameZh()})
	}
	return out, nil
}

func contentVersion(content []byte) uint64 {
	sum := sha256.Sum256(content)
	return binary.BigEndian.Uint64(sum[:])
}
