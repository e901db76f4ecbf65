package main

import (
	"encoding/hex"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/tallydock/tallydock/deploy/portal"
	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/unit"
	"github.com/tallydock/tallydock/edge/recording"
	"github.com/tallydock/tallydock/edge/replay"
)

// plain is a world of other physics than the simulator's, so that a door does not learn one simulator by heart: strength falls with the
// logarithm of the distance, tags and antennas differ by so many dB, reads scatter, and all figures are drawn anew for each recording.
// The way through a door is y, inside is positive; x is along the wall. Metres and seconds.
type plain struct {
	rng      *rand.Rand
	tags     uint64
	at1m     float64 // dBm
	exponent float64
	noise    float64                                 // dB, of each read
	ripple   float64                                 // dB, of echoes over the way
	pattern  float64                                 // dB by which an antenna is weaker behind than in front
	unequal  struct{ antennas, tags, pairs float64 } // dB by which they differ; pairs: a tag at an antenna
	floor    float64                                 // dBm at which half the reads are lost
	dwell    float64
	rate     float64 // reads a second at most of one tag
	air      float64 // reads a second at most of one reader
	antennas []plainAntenna
	bodies   []plainBody // one for each pass
	others   []plainBody // that stand or drive by
	ends     float64
}

// plainAntenna is where it is, and looks that way.
type plainAntenna struct {
	door         int
	port         uint8
	x, y         float64
	lookX, lookY float64
	gain         float64 // dB
	phase        float64 // of its echoes
}

// plainBody is what moves on a way, or stands at its only place.
type plainBody struct {
	way  []plainPoint
	tags []plainTag
}

type plainPoint struct{ t, x, y float64 }

// plainTag is a tag, so far from its body's middle.
type plainTag struct {
	id   devices.Tag
	x, y float64
	own  float64    // dB
	by   []float64  // dB, by antenna
	wave [2]float64 // of its echoes, rad/m
}

// newPlain draws a world.
func newPlain(seed uint64) *plain {
	rng := rand.New(rand.NewPCG(seed, 2))
	between := func(a, b float64) float64 { return a + (b-a)*rng.Float64() }
	p := &plain{
		rng: rng, at1m: between(-58, -36), exponent: between(1.8, 3.4), noise: between(0.5, 4), ripple: between(0, 5),
		pattern: between(0, 12) * float64(rng.IntN(2)), floor: between(-78, -66), dwell: between(0.05, 0.3),
		rate: math.Exp(between(math.Log(2), math.Log(30))), air: between(80, 500),
	}
	p.unequal.antennas, p.unequal.tags, p.unequal.pairs = between(0, 3), between(0, 4), between(0, 3)
	apart, deep, wide := between(3.2, 7), between(0.3, 1.8), between(1.2, 1.8)
	for door := range 2 {
		for port := range 4 {
			a := plainAntenna{door: door, port: uint8(port + 1), x: apart*float64(door) + wide*float64(2*(port/2)-1), y: deep}
			if port%2 == 1 {
				a.y = -deep
			}
			a.gain, a.phase = p.unequal.antennas*rng.NormFloat64(), 2*math.Pi*rng.Float64()
			a.lookX = -math.Copysign(1, a.x-apart*float64(door))
			p.antennas = append(p.antennas, a)
		}
	}
	if rng.IntN(4) == 0 { // two antennas a door
		p.antennas = slices.DeleteFunc(p.antennas, func(a plainAntenna) bool { return a.port > 2 })
		for i := range p.antennas {
			p.antennas[i].lookX, p.antennas[i].lookY = 0, math.Copysign(1, p.antennas[i].y)
		}
	}
	return p
}

// write plans so many passes, and gives what really happens.
func (p *plain) write(passes int, start time.Time) (truth []replay.Truth) {
	between := func(a, b float64) float64 { return a + (b-a)*p.rng.Float64() }
	apart := p.antennas[len(p.antennas)-1].x - p.antennas[len(p.antennas)/2-1].x
	most, gap := between(5, 60), between(4, 30)
	if p.rng.IntN(5) == 0 {
		most = 200
	}
	sometimes := func(most float64) float64 { return most * p.rng.Float64() * float64(p.rng.IntN(2)) }
	turns, stops := sometimes(0.3), 0.2*p.rng.Float64()
	stays, passing := sometimes(0.5), sometimes(0.3)
	moment := func(t float64) time.Time { return start.Add(time.Duration(t * float64(time.Second))) }
	free := [2]float64{3, 3}
	for len(truth) < passes {
		door := 0
		if free[1] < free[0] {
			door = 1
		}
		x, speed, far, from := apart*float64(door)+between(-0.5, 0.5), between(0.5, 2.8), between(3, 6), math.Copysign(1, p.rng.Float64()-0.5)
		t := free[door] + gap*p.rng.ExpFloat64()*0.5 + 1
		b := plainBody{tags: p.goods(int(math.Exp(between(0, math.Log(most)))), 0.5)}
		drive := func(points ...[2]float64) { // y, and for how long it stays there
			at := points[0][0]
			for _, q := range points {
				t += math.Abs(q[0]-at) / speed
				at = q[0]
				b.way = append(b.way, plainPoint{t, x, at})
				if q[1] > 0 {
					t += q[1]
					b.way = append(b.way, plainPoint{t, x, at})
				}
			}
		}
		if p.rng.Float64() < stays { // it waits near by before
			b.way = append(b.way, plainPoint{max(0, t-between(5, 200)), x, from * far})
		}
		to, stop := -from, 0.0
		if p.rng.Float64() < stops {
			stop = between(1, 20)
		}
		if p.rng.Float64() < turns {
			to = from
			drive([2]float64{from * far, 0}, [2]float64{between(-1, 1.2), stop * float64(p.rng.IntN(2))}, [2]float64{from * far, 0})
		} else {
			drive([2]float64{from * far, 0}, [2]float64{between(-1, 1), stop}, [2]float64{to * far, 0})
		}
		free[door] = t
		if p.rng.Float64() < stays {
			b.way = append(b.way, plainPoint{t + between(5, 200), x, to * far})
		}
		w := replay.Truth{ReadPoint: []string{"dock1", "dock2"}[door], EPCs: map[string]bool{}, Unread: map[string]bool{}}
		w.From, w.To = moment(b.when(2.5)), moment(b.until(2.5))
		w.Direction = map[float64]string{2: "in", -2: "out", 0: "turned_back"}[to-from]
		for i := range b.tags {
			epc := hex.EncodeToString(b.tags[i].id.Bytes())
			w.EPCs[epc], w.Unread[epc] = true, true
		}
		w.Pass = w.ReadPoint + w.From.String()
		truth = append(truth, w)
		p.bodies = append(p.bodies, b)
		if p.rng.Float64() < passing {
			y, t := between(3, 6)*math.Copysign(1, p.rng.Float64()-0.2), t+between(-20, 20)
			p.others = append(p.others, plainBody{tags: p.goods(1+p.rng.IntN(30), 0.5), way: []plainPoint{{t, -8, y}, {t + (apart+16)/speed, apart + 8, y}}})
		}
	}
	p.ends = max(free[0], free[1]) + 5
	if p.rng.IntN(3) > 0 {
		for range p.rng.IntN(8) {
			x, y := between(-4, apart+4), between(2.2, 9)*math.Copysign(1, p.rng.Float64()-0.2)
			p.others = append(p.others, plainBody{tags: p.goods(1+p.rng.IntN(12), 1), way: []plainPoint{{0, x, y}, {p.ends, x, y}}})
		}
	}
	return truth
}

// goods are n tags, so far from their middle.
func (p *plain) goods(n int, half float64) []plainTag {
	out := make([]plainTag, max(n, 1))
	for i := range out {
		g := &out[i]
		p.tags++
		g.id, _ = devices.NewTag(devices.TagEPC, []byte{0x30, 0x34, 0x25, 0x7b, 0xf7, 0x19, 0x4e, 0x40, byte(p.tags >> 24), byte(p.tags >> 16), byte(p.tags >> 8), byte(p.tags)})
		g.x, g.y, g.own = half*(2*p.rng.Float64()-1), half*(2*p.rng.Float64()-1), p.unequal.tags*p.rng.NormFloat64()
		for range p.antennas {
			g.by = append(g.by, p.unequal.pairs*p.rng.NormFloat64())
		}
		g.wave = [2]float64{4 + 8*p.rng.Float64(), 4 + 8*p.rng.Float64()}
	}
	return out
}

// at is where a body is; false where it is not there.
func (b *plainBody) at(t float64) (x, y float64, ok bool) {
	i, _ := slices.BinarySearchFunc(b.way, t, func(q plainPoint, t float64) int {
		if q.t < t {
			return -1
		}
		return 1
	})
	if i == 0 || i == len(b.way) {
		return 0, 0, false
	}
	q, r := b.way[i-1], b.way[i]
	share := (t - q.t) / max(r.t-q.t, 1e-9)
	return q.x + share*(r.x-q.x), q.y + share*(r.y-q.y), true
}

// when and until are when a body is nearer than that to the door's line, at first and at last.
func (b *plainBody) when(near float64) float64 { return b.search(near, false) }

func (b *plainBody) until(near float64) float64 { return b.search(near, true) }

func (b *plainBody) search(near float64, last bool) (found float64) {
	const step = 0.05
	for t := b.way[0].t; t <= b.way[len(b.way)-1].t; t += step {
		if _, y, ok := b.at(t); ok && math.Abs(y) < near {
			if !last {
				return t
			}
			found = t
		}
	}
	return found
}

// level is how strong a tag at a place is at an antenna, without noise.
func (p *plain) level(g *plainTag, a int, x, y float64) float64 {
	n := &p.antennas[a]
	x, y = x+g.x, y+g.y
	dx, dy := x-n.x, y-n.y
	way := math.Sqrt(dx*dx + dy*dy + 0.8)
	out := p.at1m - 10*p.exponent*math.Log10(way) + n.gain + g.own + g.by[a]
	if p.pattern > 0 {
		out -= p.pattern * (1 - (n.lookX*dx+n.lookY*dy)/way) / 2
	}
	return out + p.ripple/2*(math.Sin(g.wave[0]*x+n.phase)+math.Sin(g.wave[1]*y-n.phase))
}

// play makes the reads in the order of time, and takes what the doors read in a pass out of what they did not.
func (p *plain) play(truth []replay.Truth, start time.Time, tape portal.Tape) error {
	var turn [2]int
	var own [2][]int
	for i := range p.antennas {
		own[p.antennas[i].door] = append(own[p.antennas[i].door], i)
	}
	names := []string{"dock1", "dock2"}
	of := map[devices.Tag]*replay.Truth{}
	for i := range truth {
		for k := range p.bodies[i].tags {
			of[p.bodies[i].tags[k].id] = &truth[i]
		}
	}
	type heard struct {
		g     *plainTag
		level float64
	}
	all := slices.Concat(p.bodies, p.others)
	var list []heard
	for t := 0.0; t < p.ends; t += p.dwell {
		var now []recording.Entry
		for door := range own {
			a := own[door][turn[door]%len(own[door])]
			turn[door]++
			list = list[:0]
			for i := range all {
				b := &all[i]
				x, y, ok := b.at(t)
				if !ok {
					continue
				}
				for k := range b.tags {
					if l := p.level(&b.tags[k], a, x, y); l > p.floor-8 {
						list = append(list, heard{&b.tags[k], l})
					}
				}
			}
			often := p.dwell * min(p.rate*float64(len(own[door])), p.air/float64(max(len(list), 1)))
			for _, h := range list {
				for n := often + p.rng.Float64(); n >= 1; n-- {
					l := h.level + p.noise*p.rng.NormFloat64()
					if p.rng.Float64() > 1/(1+math.Exp(-(l-p.floor)/1.5)) {
						continue
					}
					at := start.Add(time.Duration((t + p.dwell*p.rng.Float64()) * float64(time.Second)))
					now = append(now, recording.Entry{At: at, Read: &devices.Read{
						Device: names[door], Antenna: p.antennas[a].port, Tag: h.g.id, RSSI: unit.DBm(math.Round(100 * l)), HasRSSI: true, ReaderTime: at, Count: 1,
					}})
				}
			}
		}
		slices.SortFunc(now, func(a, b recording.Entry) int { return a.At.Compare(b.At) })
		for i := range now {
			e := &now[i]
			if w := of[e.Read.Tag]; w != nil && w.ReadPoint == e.Read.Device && !e.At.Before(w.From) && !e.At.After(w.To) {
				delete(w.Unread, hex.EncodeToString(e.Read.Tag.Bytes()))
			}
			if err := tape(*e); err != nil {
				return err
			}
		}
	}
	return nil
}
