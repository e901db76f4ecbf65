package radio

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/epc"
)

// ware is what a load is of.
type ware struct {
	name    string
	density float64    // dB a metre of the direct ray's way through the load
	round   float64    // dB, the most that a load takes: the rest bends round it
	penalty [2]float64 // dB, the tag's own loss by what it sticks on
}

// The wares. Attenuation is for a stack with its gaps, not for the bare material.
var wares = [...]ware{
	{"dry", 5, 15, [2]float64{0, 3}},
	{"mixed", 14, 20, [2]float64{0.5, 6}},
	{"liquid", 70, 25, [2]float64{5, 15}},
	{"metal", 120, 28, [2]float64{10, 20}},
}

// tag is one tag on a load.
type tag struct {
	id    devices.Tag
	off   vec     // from the load's middle
	axis  vec     // of its dipole
	own   float64 // factor of amplitude: what it loses by what it sticks on
	deep  float64 // own, and what the goods take of scattered fields
	wakes float64 // mW; +Inf: it is dead
	phase float64

	reads int   // in the whole recording
	seen  uint8 // bit i: by the door's reader in pass i of its body
	state flags
}

// gain is the amplitude gain of the tag's dipole along a ray.
func (g *tag) gain(ray vec) float64 {
	along := ray.dot(g.axis)
	return math.Sqrt(dipoleGain * max(1-along*along, dipoleNull))
}

// load is a pallet with its goods, or nothing.
type load struct {
	ware
	half vec // half its length on each axis
	tags []*tag
}

// exit is how long a ray that arrives along ray has been in the load when it meets the place off from its middle.
func (b *body) exit(off, ray vec) float64 {
	half := b.load.half
	way := math.Inf(1)
	for _, c := range [3][3]float64{{ray.x, off.x, half.x}, {ray.y, off.y, half.y}, {ray.z, off.z, half.z}} {
		switch back := -c[0]; {
		case back > 1e-9:
			way = min(way, (c[2]-c[1])/back)
		case back < -1e-9:
			way = min(way, (-c[2]-c[1])/back)
		}
	}
	return max(way, 0)
}

// maker gives out identities: SGTIN-96 for cases and SSCC-96 for pallets, of the prefix that GS1 keeps for examples.
type maker struct{ serial, pallet uint64 }

const companyPrefix = "9529999"

func (m *maker) caseTag(item int) (devices.Tag, error) {
	m.serial++
	return encode(epc.Tag{
		Identity: epc.Identity{
			Scheme: epc.SGTIN, Prefix: companyPrefix, Reference: fmt.Sprintf("1%05d", item), Serial: fmt.Sprint(m.serial),
		},
		Coding: epc.SGTIN96, Filter: 2,
	})
}

func (m *maker) palletTag() (devices.Tag, error) {
	m.pallet++
	return encode(epc.Tag{
		Identity: epc.Identity{Scheme: epc.SSCC, Prefix: companyPrefix, Reference: fmt.Sprintf("3%09d", m.pallet%1e9)},
		Coding:   epc.SSCC96, Filter: 2,
	})
}

func encode(t epc.Tag) (devices.Tag, error) {
	memory, err := t.Encode()
	if err != nil {
		return devices.Tag{}, fmt.Errorf("cannot encode a simulated tag: %w", err)
	}
	return devices.NewTag(devices.TagEPC, memory)
}

// newLoad stacks a pallet of n tagged cases, none or more, and its own label.
func newLoad(rng *rand.Rand, m *maker, w ware, n int) (load, error) {
	l := load{ware: w, half: vec{0.4, 0.6, 0.3 + 0.6*rng.Float64()}}
	nx, ny, nz := grid(n)
	item, mixed := rng.IntN(40), rng.IntN(10) < 3
	for i, cell := range rng.Perm(nx * ny * nz)[:n] {
		if mixed && i%7 == 0 {
			item = rng.IntN(40)
		}
		id, err := m.caseTag(item)
		if err != nil {
			return load{}, err
		}
		box := vec{l.half.x / float64(nx), l.half.y / float64(ny), l.half.z / float64(nz)}
		at := vec{
			box.x*float64(2*(cell%nx)+1) - l.half.x, box.y*float64(2*(cell/nx%ny)+1) - l.half.y,
			box.z*float64(2*(cell/nx/ny)+1) - l.half.z,
		}
		l.tags = append(l.tags, l.label(rng, id, at, box))
	}
	id, err := m.palletTag()
	if err != nil {
		return load{}, err
	}
	l.tags = append(l.tags, l.label(rng, id, vec{0, 0, min(0.3, l.half.z/2)}, vec{l.half.x, l.half.y, 0}))
	return l, nil
}

// grid is a stack of at least n cells, about as a pallet of 80 by 120 cm is stacked.
func grid(n int) (nx, ny, nz int) {
	nx, ny, nz = 1, 2, 2
	for nx*ny*nz < n {
		switch {
		case nz <= ny:
			nz++
		case ny <= nx+1:
			ny++
		default:
			nx++
		}
	}
	return nx, ny, nz
}

// label sticks a tag on one of the four upright faces of a case whose middle is at, and whose half lengths are box.
func (l *load) label(rng *rand.Rand, id devices.Tag, at, box vec) *tag {
	g := &tag{id: id, off: at, phase: 2 * math.Pi * rng.Float64()}
	switch rng.IntN(4) {
	case 0:
		g.off.x, g.axis = at.x+box.x, vec{0, 1, 0}
	case 1:
		g.off.x, g.axis = at.x-box.x, vec{0, 1, 0}
	case 2:
		g.off.y, g.axis = at.y+box.y, vec{1, 0, 0}
	default:
		g.off.y, g.axis = at.y-box.y, vec{1, 0, 0}
	}
	if rng.IntN(5) == 0 {
		g.axis = vec{0, 0, 1}
	}
	depth := max(0, min(l.half.x-math.Abs(g.off.x), l.half.y-math.Abs(g.off.y), l.half.z-g.off.z))
	g.own = attenuation(l.penalty[0] + (l.penalty[1]-l.penalty[0])*rng.Float64() + 0.8*rng.NormFloat64())
	g.deep = g.own * attenuation(min(l.density*depth, l.round))
	g.wakes = math.Pow(10, min(max(-19+0.8*rng.NormFloat64(), -20.5), -17)/10)
	if rng.IntN(1000) < 3 {
		g.wakes = math.Inf(1)
	}
	g.state.born(rng)
	return g
}
