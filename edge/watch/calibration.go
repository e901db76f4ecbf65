package watch

import (
	"fmt"
	"time"

	"github.com/tallydock/tallydock/devices/unit"
)

// Correction is what a device adds to its values by itself, as it told; e.g. register 0x0103 of an XY-MD02. Values come
// with it in them: it is checked against the calibration, and never applied.
type Correction struct {
	Device   string
	Channel  string
	Quantity unit.Quantity
	Offset   unit.Milli
}

// correct gives a value as its probe's calibration at that time has it.
func (se *series) correct(at time.Time, v unit.Milli) (unit.Milli, Calibration) {
	for i := len(se.calibrations) - 1; i >= 0; i-- {
		if c := se.calibrations[i]; !c.From.After(at) {
			return v + c.Offset, c
		}
	}
	return v, Calibration{}
}

// String tells the correction as the alarms that come of it carry it; "" for none.
func (c Calibration) String() string {
	if c.Certificate == "" && c.Offset == 0 {
		return ""
	}
	return fmt.Sprintf("corrected by %s %s, certificate %s", c.Offset, c.Quantity.Symbol(), c.Certificate)
}

// calibrationOf finds the calibration of a probe that is valid at a time.
func (m *Machine) calibrationOf(device, channel string, q unit.Quantity, at time.Time) Calibration {
	var found Calibration
	for _, c := range m.spec.Calibrations {
		mine := c.Device == device && c.Quantity == q && (c.Channel == "" || c.Channel == channel)
		if mine && !c.From.After(at) && !c.From.Before(found.From) {
			found = c
		}
	}
	return found
}

// correction raises an alarm where a device corrects its values otherwise than when it was calibrated.
func (m *Machine) correction(c *Correction, now time.Time) {
	k := pointKey{SensorCalibration, source(c.Device, c.Channel)}
	want := m.calibrationOf(c.Device, c.Channel, c.Quantity, now).DeviceOffset
	if c.Offset == want {
		if p := m.points[k]; p != nil {
			m.calm(p, now)
		}
		return
	}
	if m.down[c.Device] == nil {
		return
	}
	p := m.point(k, face{
		Class: "device", Location: m.locationOf(c.Device), Priority: 9, Device: c.Device, Quantity: c.Quantity,
		HasLimit: true, Limit: want,
	})
	m.show(p, "device_offset", c.Offset, true)
	m.raise(p, now)
}

// calibrationsDue raises and returns the alarms of calibrations that have run out.
func (m *Machine) calibrationsDue(now time.Time) {
	for _, c := range m.spec.Calibrations {
		k := pointKey{CalibrationDue, source(c.Device, c.Channel)}
		valid := m.calibrationOf(c.Device, c.Channel, c.Quantity, now)
		switch p := m.points[k]; {
		case !valid.Due.IsZero() && !now.Before(valid.Due):
			p = m.point(k, face{Class: "device", Location: m.locationOf(c.Device), Priority: 9, Device: c.Device, Quantity: c.Quantity})
			p.Reason = "calibration_due"
			m.raise(p, now)
		case p != nil:
			m.calm(p, now)
		}
	}
}
