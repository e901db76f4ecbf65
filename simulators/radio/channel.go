package radio

import (
	"math"
	"math/rand/v2"
)

// Physical figures; see the package's text for where they are from.
const (
	lightSpeed   = 299_792_458.0 // m/s
	readerGain   = 6.0           // dBic
	polarisation = 3.0           // dB, circular to linear
	dipoleGain   = 1.64          // of a half-wave dipole, across its axis
	dipoleNull   = 0.06          // of that, along its axis: bent arms and scattering
	floorEcho    = 0.35          // amplitude that concrete reflects
	roomEcho     = 17.0          // dB, scattered field at 1 m below the direct one on the axis
	modulation   = 6.0           // dB, what a tag's modulation takes
	hearing      = -80.0         // dBm, the reader's floor
	sharing      = 6.0           // dB by which a neighbour on the same channel lifts it
	loudest      = -25.0         // dBm, where the receiver saturates
	waveCount    = 8
)

// wave is one of the plane waves that an antenna's field is scattered into.
type wave struct {
	k     vec     // rad/m
	delay float64 // s
	turn  float64 // rad/s while something moves near
	phase float64 // rad
}

// phasor is a set of waves' amplitudes, each of length one.
type phasor [waveCount]complex64

func unit64(rad float64) complex64 {
	sin, cos := math.Sincos(rad)
	return complex(float32(cos), float32(sin))
}

// newWave draws a wave from any side, with 10 to 60 ns of detour; every other is turned by what moves near.
func newWave(rng *rand.Rand, i int, band Band) wave {
	k := 2 * math.Pi * band.centre() / lightSpeed
	up, round := 1.2*(rng.Float64()-0.5), 2*math.Pi*rng.Float64()
	flat := math.Sqrt(1 - up*up)
	w := wave{
		k:     vec{flat * math.Cos(round), flat * math.Sin(round), up}.by(k),
		delay: 10e-9 + 50e-9*rng.Float64(), phase: 2 * math.Pi * rng.Float64(),
	}
	if i%2 == 0 {
		w.turn = 2 * math.Pi * (0.3 + 3*rng.Float64())
		if rng.IntN(2) == 0 {
			w.turn = -w.turn
		}
	}
	return w
}

// scattered gives an antenna's waves on a channel (Hz) after so much movement (s) near it.
func (a *antenna) scattered(channel, stir float64) (p phasor) {
	for i, w := range a.waves {
		p[i] = unit64(w.phase + 2*math.Pi*channel*w.delay + w.turn*stir)
	}
	return p
}

// there gives the waves at a place.
func (a *antenna) there(base *phasor, at vec) (p phasor) {
	for i := range a.waves {
		p[i] = base[i] * unit64(a.waves[i].k.dot(at))
	}
	return p
}

// sum adds the waves up at a tag that is off from where they are known. Its mean square is one.
func (p *phasor) sum(off *phasor) complex128 {
	var s complex64
	for i := range p {
		s += p[i] * off[i]
	}
	const scale = 0.35355339059327373 // 1/√8
	return complex(float64(real(s))*scale, float64(imag(s))*scale)
}

// share is what makes up the field of an antenna at a tag: amplitudes in √mW as the tag takes them up, ways in metres.
type share struct {
	direct, way   float64
	echo, echoWay float64
	diffuse       float64
}

// field gives the amplitude in √mW with its phase.
func (s share) field(waves complex128, k float64) complex128 {
	sin, cos := math.Sincos(k * s.way)
	h := complex(s.direct*cos, -s.direct*sin)
	sin, cos = math.Sincos(k * s.echoWay)
	return h + complex(s.echo*cos, -s.echo*sin) + complex(s.diffuse, 0)*waves
}

// strongest is nearly the most that the field can be, in mW: its parts in step, the scattered one 7 dB above its mean.
func (s share) strongest() float64 {
	a := s.direct + s.echo + 2.2*s.diffuse
	return a * a
}

// attenuation turns a loss in dB into a factor of amplitude.
func attenuation(dB float64) float64 { return math.Exp(-dB * (math.Ln10 / 20)) }

// radiate sets what the antennas radiate, in dBm EIRP. One is then the amplitude in √mW at 1 m on an antenna's axis, as a
// linear antenna of 0 dBi takes it up.
func (s *site) radiate(eirp float64) {
	s.eirp = eirp
	s.one = math.Pow(10, (eirp-polarisation)/20) * lightSpeed / s.band.centre() / (4 * math.Pi)
	s.room = s.one * attenuation(roomEcho)
}

// share works out the field's parts at tag g of body b, which is at p. Shade is what shadowing and other bodies take of the
// direct ray, in dB.
func (s *site) share(a *antenna, b *body, g *tag, p vec, shade float64) share {
	ray := p.sub(a.at)
	way := max(ray.length(), 0.3)
	ray = ray.by(1 / way)
	wall := s.walls(a.at, p)
	through := g.own * attenuation(min(b.load.density*b.exit(g.off, ray), b.load.round)+wall+shade)
	open := s.one / way * math.Sqrt(pattern(ray.dot(a.axis)))
	sh := share{way: way, direct: open * through * g.gain(ray)}

	back := p.sub(a.image)
	sh.echoWay = max(back.length(), 0.3)
	back = back.by(1 / sh.echoWay)
	sh.echo = floorEcho * s.one / sh.echoWay * math.Sqrt(pattern(back.dot(a.beam))) * through * g.gain(back)

	sh.diffuse = g.deep * math.Sqrt(s.room*s.room/max(way, 1)+open*open*s.near*s.near)
	if wall > 0 {
		sh.diffuse *= attenuation(wall / 2)
	}
	return sh
}

// power turns a field in √mW into mW.
func power(h complex128) float64 { return real(h)*real(h) + imag(h)*imag(h) }

func dBm(mW float64) float64 { return 10 * math.Log10(mW) }

// answer is the strength in dBm at which the reader hears a tag that takes up that power (mW): the same way back.
func (s *site) answer(mW float64) float64 {
	got := dBm(mW)
	return min(got-modulation+got-(s.eirp-readerGain), loudest)
}
