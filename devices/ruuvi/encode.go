package ruuvi

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"strings"

	"github.com/tallydock/tallydock/devices/unit"
)

// EncodeFormat5 writes a report as a RuuviTag does; it is DecodePayload's inverse for format 5. A value that is missing or not
// there becomes the format's code for that, and one beyond the format its nearest end. It fails where MAC is no address.
func EncodeFormat5(r Report) ([]byte, error) {
	mac, err := hex.DecodeString(strings.ReplaceAll(r.MAC, ":", ""))
	if r.MAC == "" {
		mac, err = []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, nil
	}
	if err != nil || len(mac) != 6 {
		return nil, fmt.Errorf("%q is no address of six bytes, such as CB:B8:33:4C:88:4F", r.MAC)
	}
	b := make([]byte, 0, sizes[Format5])
	b = append(b, Format5)
	b = append16(b, r.raw(unit.Temperature, 200, 0, -0x7fff, 0x7fff, -0x8000))
	b = append16(b, r.raw(unit.Humidity, 400, 0, 0, 0xfffe, 0xffff))
	b = append16(b, r.raw(unit.Pressure, 100, 50_000, 0, 0xfffe, 0xffff))
	a := Acceleration{math.MinInt16, math.MinInt16, math.MinInt16}
	if r.Acceleration != nil {
		a = *r.Acceleration
	}
	for _, axis := range []int16{a.X, a.Y, a.Z} {
		b = append16(b, int(axis))
	}
	tx := 0x1f
	if r.HasTxPower {
		tx = min(max((int(r.TxPower)+4000)/200, 0), 0x1e)
	}
	b = append16(b, r.raw(unit.Voltage, 1000, 1600, 0, 0x7fe, 0x7ff)<<5|tx)
	movements, sequence := byte(0xff), 0xffff
	if r.HasMovements {
		movements = r.Movements
	}
	if r.HasSequence {
		sequence = int(r.Sequence % 0xffff)
	}
	b = append16(append(b, movements), sequence)
	return append(b, mac...), nil
}

// raw is a value in steps of 1/perUnit above offset steps, kept within low and high; none where it is missing.
func (r Report) raw(q unit.Quantity, perUnit float64, offset, low, high, none int) int {
	for _, v := range r.Values {
		if v.Quantity == q && !v.Missing {
			steps := math.Round(v.Value.Float()*perUnit) - float64(offset)
			return int(min(max(steps, float64(low)), float64(high)))
		}
	}
	return none
}

func append16(b []byte, v int) []byte { return binary.BigEndian.AppendUint16(b, uint16(v)) }
