package modbus

import (
	"context"
	"errors"
	"fmt"

	"github.com/tallydock/tallydock/devices/catalog"
)

// ErrOutput says that an output did not become what it was set to.
var ErrOutput = errors.New("output stays as it was")

// SetOutput implements devices.Outputs: it switches a lamp or relay and reads back what became of it. It takes its turn on the
// device's line between polls, so it is safe at any time and from any goroutine, whether Run is at work or not; the last
// one wins. A device that does not let its outputs be read is believed by its echo. Errors wrap ErrOutput, an Exception,
// ErrNoAnswer, or what the port said.
func (d *Driver) SetOutput(ctx context.Context, port uint8, on bool) error {
	out, i, err := d.output(port)
	if err != nil {
		return err
	}
	select {
	case <-d.turn:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { d.turn <- struct{}{} }()
	client, err := d.join()
	if err != nil {
		return err
	}
	defer client.Line.Leave()
	if err := d.switchTo(ctx, client, out, i, on); err != nil {
		return fmt.Errorf("device %s: output %d: %w", d.conf.ID, port, err)
	}
	return nil
}

// output finds a port among the model's outputs: its row, and its place there.
func (d *Driver) output(port uint8) (catalog.Ports, int, error) {
	for _, p := range d.conf.Model.Outputs {
		if i := int(port) - int(p.Port); i >= 0 && i < p.Len() {
			return p, i, nil
		}
	}
	return catalog.Ports{}, 0, fmt.Errorf("device %s: its model has no output %d", d.conf.ID, port)
}

func (d *Driver) switchTo(ctx context.Context, c *Client, p catalog.Ports, i int, on bool) error {
	look := Request{Unit: d.conf.Unit, Function: functions[p.Table], Register: p.Register, Count: 1}
	write := Request{Unit: d.conf.Unit, Register: p.Register}
	if p.Table.Bits() {
		look.Register += uint16(i)
		write.Function, write.Register = WriteCoil, look.Register
		if on != p.Inverted {
			write.Value = CoilOn
		}
	} else { // the other bits of the register stay as they are
		now, err := c.Ask(ctx, look)
		if err != nil {
			return err
		}
		bit := uint16(1) << (int(p.Bit) + i)
		write.Function, write.Value = WriteSingle, now.Registers[0]&^bit
		if on != p.Inverted {
			write.Value |= bit
		}
	}
	if _, err := c.Ask(ctx, write); err != nil {
		return err
	}
	answer, err := c.Ask(ctx, look)
	var refused Exception
	if errors.As(err, &refused) && (refused == IllegalFunction || refused == IllegalAddress) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("it was switched, but cannot be read back: %w", err)
	}
	row := p
	if p.Table.Bits() {
		row.Register, i = look.Register, 0
	}
	if is, ok := state(row, i, look.Register, answer); !ok || is != on {
		return fmt.Errorf("%w: the unit took the command and shows the output unchanged; check its load and its mode", ErrOutput)
	}
	return nil
}
