package fleet

import (
	"fmt"
	"strings"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/epc"
	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/hub/fault"
)

// Expected is a list of what should go through a door.
type Expected struct {
	ID        string      `json:"id" minLength:"1" maxLength:"200" doc:"number of the order or of the shipping notice"`
	Direction string      `json:"direction,omitempty" enum:"in,out," doc:"empty = either"`
	Tags      []string    `json:"tags,omitempty" maxItems:"1000" doc:"epc: and hexadecimal, or urn:epc:tag:"`
	Items     []ItemCount `json:"items,omitempty" maxItems:"1000" doc:"how many of each item, whatever their serial numbers"`
}

// List makes the list for its edge. Errors: fault.Invalid.
func (x Expected) List(door string) (wire.Expect, error) {
	list := wire.Expect{ID: x.ID, Door: door, Direction: wire.Direction(x.Direction)}
	for i, text := range x.Tags {
		t, err := ParseTag(text)
		if err != nil {
			return list, fmt.Errorf("%w: tags[%d]: %w", fault.Invalid, i, err)
		}
		list.Tags = append(list.Tags, t)
	}
	for _, it := range x.Items {
		list.Items = append(list.Items, wire.ItemCount(it))
	}
	if err := list.Check(); err != nil {
		return list, fmt.Errorf("%w: %w", fault.Invalid, err)
	}
	return list, nil
}

// ParseTag reads a tag as devices.Tag writes it, or as an EPC tag URI.
func ParseTag(text string) (devices.Tag, error) {
	if !strings.HasPrefix(text, "urn:epc:tag:") {
		return devices.ParseTag(text)
	}
	t, err := epc.ParseTagURI(text)
	if err != nil {
		return devices.Tag{}, err
	}
	memory, err := t.Encode()
	if err != nil {
		return devices.Tag{}, err
	}
	return devices.NewTag(devices.TagEPC, memory)
}
