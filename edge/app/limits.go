package app

import (
	"github.com/tallydock/tallydock/devices/unit"
	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/edge/site"
	"github.com/tallydock/tallydock/edge/watch"
)

// limitsOf gives what the rules hold each quantity to at each place, in the order of the rules; of several limits the
// tightest.
func limitsOf(s watch.Spec) []wire.Limit {
	type key struct {
		location string
		quantity unit.Quantity
	}
	var out []wire.Limit
	at := map[key]int{}
	for _, r := range s.Rules {
		if r.Kind != watch.High && r.Kind != watch.Low || r.Location == "" {
			continue
		}
		k := key{r.Location, r.Quantity}
		i, known := at[k]
		if !known {
			i = len(out)
			at[k] = i
			out = append(out, wire.Limit{Location: r.Location, Quantity: r.Quantity})
		}
		tighten(&out[i], r)
	}
	return out
}

func tighten(l *wire.Limit, r watch.Rule) {
	switch {
	case r.Kind == watch.High && (!l.HasHigh || r.Limit < l.High):
		l.HasHigh, l.High = true, r.Limit
	case r.Kind == watch.Low && (!l.HasLow || r.Limit > l.Low):
		l.HasLow, l.Low = true, r.Limit
	}
}

// doorsOf gives the doors with the readers that watch them.
func doorsOf(p *site.Plan) []wire.Door {
	var out []wire.Door
	for i, d := range p.Doors {
		out = append(out, wire.Door{ID: d.ID, Location: d.Location, Devices: p.DoorDevices(i)})
	}
	return out
}
