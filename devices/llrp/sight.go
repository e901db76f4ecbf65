package llrp

import (
	"fmt"
	"math"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/unit"
)

// terms are what a reader's figures mean.
type terms struct {
	channels []uint32  // kHz of channel index 1, 2, …
	epoch    time.Time // the gateway's time when the reader's uptime was 0
}

// read makes a Read of a TagReport, without Device and HostTime. It fails where the report names no tag that a
// devices.Tag can hold, or an antenna that is not possible.
func (k *terms) read(t *TagReport) (devices.Read, error) {
	if t.Has&HasEPC == 0 || t.EPCBits == 0 {
		return devices.Read{}, fmt.Errorf("a tag's report has no EPC")
	}
	if t.Antenna > math.MaxUint8 {
		return devices.Read{}, fmt.Errorf("antenna %d is not possible", t.Antenna)
	}
	tag, err := tagOf(t)
	if err != nil {
		return devices.Read{}, err
	}
	r := devices.Read{
		Tag: tag, Antenna: uint8(t.Antenna), ReaderTime: k.seen(t), Count: max(1, uint32(t.SeenCount)), ChannelKHz: k.kHz(t),
	}
	switch {
	case t.Has&HasRSSI != 0:
		r.RSSI, r.HasRSSI = t.RSSI, true
	case t.Has&HasPeakRSSI != 0:
		r.RSSI, r.HasRSSI = unit.DBm(t.PeakRSSI)*100, true
	}
	if t.Has&HasPhase != 0 {
		r.Phase, r.HasPhase = unit.Phase(uint32(t.Phase%4096)*36000/4096), true
	}
	return r, nil
}

// tagOf gives the tag; bits beyond those of the EPC are zero.
func tagOf(t *TagReport) (devices.Tag, error) {
	odd := t.EPCBits % 8
	if odd == 0 || len(t.EPC) > devices.MaxTagBytes {
		return devices.NewTag(devices.TagEPC, t.EPC)
	}
	var id [devices.MaxTagBytes]byte
	n := copy(id[:], t.EPC)
	id[n-1] &= 0xFF << (8 - odd)
	return devices.NewTag(devices.TagEPC, id[:n])
}

func (k *terms) kHz(t *TagReport) uint32 {
	if i := int(t.Channel) - 1; t.Has&HasChannel != 0 && i >= 0 && i < len(k.channels) {
		return k.channels[i]
	}
	return 0
}

// seen is when the tag was seen last, as far as the reader says it.
func (k *terms) seen(t *TagReport) time.Time {
	switch {
	case t.Has&HasLastSeenUTC != 0:
		return utc(t.LastSeenUTC)
	case t.Has&HasLastSeenUptime != 0:
		return k.uptime(t.LastSeenUptime)
	case t.Has&HasFirstSeenUTC != 0:
		return utc(t.FirstSeenUTC)
	case t.Has&HasFirstSeenUptime != 0:
		return k.uptime(t.FirstSeenUptime)
	}
	return time.Time{}
}

// lastMicrosecond is the end of the year 9999; a later time is no time.
const lastMicrosecond = 253_402_300_800_000_000 - 1

// utc gives a time of the protocol; zero where it says none.
func utc(us uint64) time.Time {
	if us == 0 || us > lastMicrosecond {
		return time.Time{}
	}
	return time.UnixMicro(int64(us)).UTC()
}

// longestUptime is more than a reader stays switched on, 100 years; a longer time is none.
const longestUptime = 100 * 365 * 24 * 3600 * 1_000_000

// uptime puts a time since the reader was switched on onto the gateway's clock. Where in it does not matter, because of a
// reader's times only differences are used; but it stays the same while the connection lasts.
func (k *terms) uptime(us uint64) time.Time {
	if us > longestUptime {
		return time.Time{}
	}
	return k.epoch.Add(time.Duration(us) * time.Microsecond)
}

// at is when events happened.
func (k *terms) at(e *Events) time.Time {
	switch {
	case e.UTC != nil:
		return utc(*e.UTC)
	case e.Uptime != nil:
		return k.uptime(*e.Uptime)
	}
	return time.Time{}
}

// input makes a GPI of an event, without Device and HostTime.
func (k *terms) input(e *Events) (devices.GPI, error) {
	if e.GPI.Port > math.MaxUint8 {
		return devices.GPI{}, fmt.Errorf("input %d is not possible", e.GPI.Port)
	}
	return devices.GPI{Port: uint8(e.GPI.Port), High: e.GPI.High, ReaderTime: k.at(e)}, nil
}
