package radio

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// vec is a place or a direction, in metres.
type vec struct{ x, y, z float64 }

func (a vec) add(b vec) vec       { return vec{a.x + b.x, a.y + b.y, a.z + b.z} }
func (a vec) sub(b vec) vec       { return vec{a.x - b.x, a.y - b.y, a.z - b.z} }
func (a vec) by(f float64) vec    { return vec{a.x * f, a.y * f, a.z * f} }
func (a vec) dot(b vec) float64   { return a.x*b.x + a.y*b.y + a.z*b.z }
func (a vec) length() float64     { return math.Sqrt(a.dot(a)) }
func degrees(deg float64) float64 { return deg * math.Pi / 180 }

// The building, in metres.
const (
	doorWidth  = 3.0
	doorHeight = 3.0
	postOut    = 0.1 // the antennas hang so far beside the opening
	planeOut   = 0.65
	zoneReach  = 1.0 // a load whose body is nearer to the threshold is in the door's zone
	beamReach  = 0.5 // where the photocells look across

	trailerGap   = 1.2 // a trailer's rear is so far outside the threshold
	trailerWidth = 2.45
	trailerTop   = 2.8

	wallLoss    = 20.0 // dB, a wall of metal panels
	trailerLoss = 15.0 // dB, a trailer's side
)

// site is where doors, antennas and walls are, and how the readers are set.
type site struct {
	doors    []float64 // x of the middle of each opening
	antennas [][]*antenna
	trailers bool    // trailers stand at the doors; else there is a yard
	eirp     float64 // dBm
	one      float64 // see radiate
	room     float64 // √mW, scattered by the room at 1 m
	near     float64 // factor of amplitude, scattered by goods beside a tag, to the open direct ray
	band     Band
	air      air // of the readers' link profile
	session  session
	dwell    float64 // s, an antenna's turn
}

const antennasPerDoor = 4

// antenna is one antenna of a reader.
type antenna struct {
	number int
	at     vec
	axis   vec
	image  vec // of at, in the floor
	beam   vec // of axis, in the floor
	cable  float64
	waves  [waveCount]wave
	q      float64 // the reader's Q here, carried from turn to turn
}

// newSite draws a site. Doors stand apart with so much wall between them; the antenna planes are turned outwards from the
// threshold by tilt degrees.
func newSite(rng *rand.Rand, doors int, apart, tilt float64, band Band) *site {
	s := &site{band: band, near: attenuation(8), dwell: 0.15}
	for i := range doors {
		x := float64(i) * (doorWidth + apart)
		s.doors = append(s.doors, x)
		var list []*antenna
		for n := 1; n <= antennasPerDoor; n++ {
			list = append(list, newAntenna(rng, n, x, degrees(tilt), band))
		}
		s.antennas = append(s.antennas, list)
	}
	return s
}

// newAntenna hangs antennas 1 (inside) and 2 (outside) on the left post, 3 and 4 on the right one, high and low in turn.
func newAntenna(rng *rand.Rand, number int, x, tilt float64, band Band) *antenna {
	side, post, height := 1.0, -1.0, 1.2
	if number%2 == 0 {
		side = -1
	}
	if number > 2 {
		post = 1
	}
	if number == 2 || number == 3 {
		height = 2.0
	}
	a := &antenna{number: number, cable: 2 * math.Pi * rng.Float64()}
	a.at = vec{x + post*(doorWidth/2+postOut), side * planeOut, height}
	down := degrees(5)
	a.axis = vec{-post * math.Cos(tilt) * math.Cos(down), side * math.Sin(tilt) * math.Cos(down), -math.Sin(down)}
	a.image, a.beam = vec{a.at.x, a.at.y, -a.at.z}, vec{a.axis.x, a.axis.y, -a.axis.z}
	for i := range a.waves {
		a.waves[i] = newWave(rng, i, band)
	}
	return a
}

// ReaderName is the name of the reader of door 0, 1, …, and of the door: dock1, dock2, …
func ReaderName(door int) string { return fmt.Sprintf("dock%d", door+1) }

// walls gives what walls take of a direct ray from a to p, in dB.
func (s *site) walls(a, p vec) float64 {
	loss := 0.0
	if a.y*p.y < 0 && !s.opens(a, p, 0, doorWidth/2, doorHeight) {
		loss += wallLoss
	}
	if s.trailers && p.y < -trailerGap && !s.opens(a, p, -trailerGap, trailerWidth/2, trailerTop) {
		loss += trailerLoss
	}
	return loss
}

// opens reports whether the ray from a to p meets the plane y within a door's opening of that half width and height.
func (s *site) opens(a, p vec, y, half, top float64) bool {
	part := (y - a.y) / (p.y - a.y)
	x, z := a.x+part*(p.x-a.x), a.z+part*(p.z-a.z)
	if z > top {
		return false
	}
	for _, door := range s.doors {
		if math.Abs(x-door) < half {
			return true
		}
	}
	return false
}

// pattern is a patch's power gain at an angle of that cosine, relative to its axis: 3 dB less at 35°, 17 dB at the back.
func pattern(cos float64) float64 {
	if cos <= 0 {
		return backLobe
	}
	return max(cos*cos*cos*math.Sqrt(cos), backLobe)
}

const backLobe = 0.02
