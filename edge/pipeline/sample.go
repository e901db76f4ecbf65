package pipeline

import (
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/unit"
	"github.com/tallydock/tallydock/devices/wire"
)

// channel is one measured quantity of one probe; what it sends later counts as another.
type channel struct {
	device, channel string
	quantity        unit.Quantity
	historical      bool
}

// thinned is the last sample of a channel that was kept.
type thinned struct {
	at      time.Time
	value   unit.Milli
	quality devices.Quality
}

// keep puts a sample into the sample stream, corrected as the rules judged it, if enough time has passed or it says
// something new. All samples are judged by the rules, whether they are kept or not.
func (p *Pipeline) keep(raw *devices.Sample) {
	s, at := *raw, raw.HostTime
	if !s.DeviceTime.IsZero() && s.Historical {
		at = s.DeviceTime
	}
	if c, _ := p.conf.Watch.Corrected(s); s.Historical {
		s.Value = c.Value
	} else {
		s = c
	}
	k := channel{s.Device, s.Channel, s.Quantity, s.Historical}
	last, known := p.thin[k]
	moved := max(s.Value-last.value, last.value-s.Value)
	same := s.Quality == last.quality && (moved < p.conf.Change || p.conf.Change == 0)
	if known && same && at.Sub(last.at).Abs() < p.conf.Every {
		return
	}
	p.thin[k] = thinned{at, s.Value, s.Quality}
	p.batch.Samples = append(p.batch.Samples, wire.Record{Sample: &wire.Sample{
		Device: s.Device, Channel: s.Channel, Location: p.conf.Location(s.Device), Quantity: s.Quantity, Value: s.Value,
		Quality: s.Quality, Reason: s.Reason, At: at,
	}})
}
