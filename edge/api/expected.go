package api

import (
	"context"
	"encoding/hex"
	"fmt"
	"net/http"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/epc"
	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/edge/reconcile"
)

// Lists puts lists of what should pass at doors.
type Lists interface {
	// Expect puts a list at its door, in the place of the one before, and returns once it is kept, or why it cannot be; one
	// without tags and items takes the list away.
	Expect(ctx context.Context, e reconcile.Expected) error
}

// expected is a list as a warehouse system, or a person, sends it.
type expected struct {
	ID        string         `json:"id"`
	Direction wire.Direction `json:"direction"` // in or out; "" = either
	// Tags are single objects: EPC digits, tag or pure URIs, Digital Links or element strings.
	Tags  []string       `json:"tags"`
	Items []expectedItem `json:"items"` // and how many of each item
}

type expectedItem struct {
	GTIN     string `json:"gtin"` // 14 digits
	Quantity uint32 `json:"quantity"`
}

// longestList is how long the body of a list may be.
const longestList = 256 << 10

// expect puts a list at a door.
func (s *Server) expect(r *http.Request) (expected, error) {
	if err := known(r); err != nil {
		return expected{}, err
	}
	var x expected
	if err := readJSON(r, longestList, &x); err != nil {
		return x, badCommand("cannot read the list: " + err.Error())
	}
	e := reconcile.Expected{ID: x.ID, Door: r.PathValue("door"), Direction: x.Direction}
	for i, text := range x.Tags {
		t, err := tagNamed(text)
		if err != nil {
			return x, badCommand(fmt.Sprintf("tags[%d]: %v", i, err))
		}
		e.Tags = append(e.Tags, t)
	}
	for _, it := range x.Items {
		e.Items = append(e.Items, reconcile.ExpectedItem(it))
	}
	ctx, cancel := context.WithTimeout(r.Context(), commandFor)
	defer cancel()
	if err := s.Lists.Expect(ctx, e); err != nil {
		if ctx.Err() != nil {
			return x, err
		}
		return x, conflict(err)
	}
	return x, nil
}

// tagNamed finds the tag that a text names.
func tagNamed(text string) (devices.Tag, error) {
	d, err := epc.Describe(text)
	if err != nil {
		return devices.Tag{}, err
	}
	id, err := hex.DecodeString(d.Hex)
	if err != nil || len(id) == 0 {
		return devices.Tag{}, fmt.Errorf("%q has no binary form; give the tag's digits", text)
	}
	return devices.NewTag(devices.TagEPC, id)
}
