package fleet

import (
	"context"
	"fmt"
	"slices"

	"github.com/tallydock/tallydock/devices"
)

// SetOutput switches an output of a device and returns once the device has done it. Any goroutine may ask.
func (f *Fleet) SetOutput(ctx context.Context, device string, port uint8, on bool) error {
	d, err := f.outputs(device)
	if err != nil {
		return err
	}
	return d.SetOutput(ctx, port, on)
}

// HasOutputs tells why a device cannot switch anything; nil where it can.
func (f *Fleet) HasOutputs(device string) error {
	_, err := f.outputs(device)
	return err
}

func (f *Fleet) outputs(device string) (devices.Outputs, error) {
	i := slices.IndexFunc(f.members, func(m *member) bool { return m.id == device })
	if i < 0 {
		return nil, fmt.Errorf("device %s is none of this gateway's", device)
	}
	d, ok := f.members[i].driver.(devices.Outputs)
	if !ok {
		return nil, fmt.Errorf("device %s, of driver %s, has no outputs that could be switched", device, f.members[i].kind)
	}
	return d, nil
}
