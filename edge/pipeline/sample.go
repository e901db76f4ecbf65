package pipeline

import (
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/unit"
	"github.com/tallydock/tallydock/devices/wire"
)

// channel is one measured quantity of one probe.
type channel struct {
	device, channel string
	quantity        unit.Quantity
}

// thinned is the last sample of a channel that was kept.
type thinned struct {
	at      time.Time
	value   unit.Milli
	quality devices.Quality
}

// keep puts a sample into the sample stream, if enough time has passed or it says something new. All samples are judged
// by the rules, whether they are kept or not.
func (p *Pipeline) keep(s *devices.Sample) {
	k := channel{s.Device, s.Channel, s.Quantity}
	last, known := p.thin[k]
	moved := max(s.Value-last.value, last.value-s.Value)
	same := s.Quality == last.quality && (moved < p.conf.Change || p.conf.Change == 0)
	if known && same && s.HostTime.Sub(last.at) < p.conf.Every {
		return
	}
	p.thin[k] = thinned{s.HostTime, s.Value, s.Quality}
	p.batch.Samples = append(p.batch.Samples, wire.Record{Sample: &wire.Sample{
		Device: s.Device, Channel: s.Channel, Location: p.conf.Location(s.Device), Quantity: s.Quantity, Value: s.Value,
		Quality: s.Quality, Reason: s.Reason, At: s.HostTime,
	}})
}
