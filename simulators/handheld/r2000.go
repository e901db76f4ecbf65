package handheld

import (
	"time"

	"github.com/tallydock/tallydock/devices/uhf/r2000"
)

const (
	// r2000Address is the reader's own, as it leaves the factory.
	r2000Address = 1
	// r2000Channel is where this reader stays: 920.5 MHz.
	r2000Channel = 44
)

// r2000Reader speaks as the R2000 family: it is asked for each round, tells at once what it sees, and that the round ends.
type r2000Reader struct {
	rounds
	power    byte
	region   r2000.Region
	work     uint8      // the antenna of an Inventory
	antennas []uint8    // of the round that runs; none = none runs
	code     r2000.Code // of that round
	began    time.Time
	total    uint32
}

func newR2000(s *session) speech {
	return &r2000Reader{rounds: rounds{session: s}, power: 30, region: r2000.China, work: 1}
}

func (r *r2000Reader) command(have []byte) ([]byte, bool) {
	f, rest, _, err := r2000.DecodeFrame(have)
	if err != nil {
		return rest, false
	}
	if f.Addr == r2000Address || f.Addr == r2000.AnyAddress {
		r.obey(f)
	}
	return rest, true
}

func (r *r2000Reader) obey(f r2000.Frame) {
	c, err := r2000.ParseCommand(f)
	if err != nil {
		r.send(r2000.Reply(r2000Address, f.Code, r2000.Failed))
		return
	}
	switch c.Code {
	case r2000.Version:
		r.send(r2000.VersionReply(r2000Address, 1, 9))
		return
	case r2000.GetPower:
		r.send(r2000.Frame{Addr: r2000Address, Code: c.Code, Data: []byte{r.power}})
		return
	case r2000.GetRegion:
		r.send(r2000.Frame{Addr: r2000Address, Code: c.Code, Data: []byte{r.region.Plan, r.region.First, r.region.Last}})
		return
	case r2000.Inventory, r2000.FastInventory:
		r.start(c)
		return
	case r2000.SetPower:
		r.power = c.Power
	case r2000.SetRegion:
		r.region = c.Region
	case r2000.SetAntenna:
		r.work = c.Antenna
	}
	r.send(r2000.Reply(r2000Address, c.Code, r2000.Success))
}

func (r *r2000Reader) start(c r2000.Command) {
	r.ask()
	r.code, r.began, r.total, r.antennas = c.Code, time.Now(), 0, nil
	if c.Code == r2000.Inventory {
		if r.disconnected(r.work) {
			r.send(r2000.Reply(r2000Address, c.Code, r2000.AntennaMissing))
			return
		}
		r.antennas = []uint8{r.work}
	}
	for _, slot := range c.Slots {
		switch {
		case slot.Antenna == 0 || c.Code == r2000.Inventory:
		case r.disconnected(slot.Antenna):
			r.send(r2000.AntennaFailed(r2000Address, slot.Antenna, r2000.AntennaMissing))
			r.antennas = append(r.antennas, 0) // its time passes too
		default:
			r.antennas = append(r.antennas, slot.Antenna)
		}
	}
	r.tell()
}

func (r *r2000Reader) sight(v sighting) {
	r.keep(v)
	r.tell()
}

// tell reports what the antennas of the round that runs have seen.
func (r *r2000Reader) tell() {
	for _, v := range r.turn(r.antennas...) {
		s, err := r2000.NewSighting(r.code, v.antenna, r2000Channel, v.epc, int(whole(v.rssi, -128, 126)))
		if err != nil {
			continue
		}
		r.total++
		r.send(s.Frame(r2000Address))
	}
}

// tick ends the round that runs.
func (r *r2000Reader) tick(now time.Time) {
	r.idle(now)
	if len(r.antennas) == 0 {
		return
	}
	took := max(now.Sub(r.began), time.Millisecond)
	end := r2000.RoundEnd{
		Code: r.code, Antenna: r.work, Total: r.total, Millis: uint32(took.Milliseconds()),
		Rate: uint16(time.Duration(r.total) * time.Second / took),
	}
	r.antennas = nil
	r.send(end.Frame(r2000Address))
}
