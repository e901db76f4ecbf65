package wire

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/alarm"
	"github.com/tallydock/tallydock/devices/unit"
	pb "github.com/tallydock/tallydock/devices/wire/wirepb"
)

// MaxGoods is how many tags an Excursion lists; those beyond are counted.
const MaxGoods = 500

// Excursion is a time outside a rule's limit that was long enough for an alarm. It is sent when its alarm is raised (Ended
// zero) and again when it has ended, under one ID.
type Excursion struct {
	ID         string
	Alarm      string // the alarm's occurrence
	Rule       string
	Source     string
	Location   string
	Quantity   unit.Quantity
	Kind       string // high or low: on which side of Limit
	Limit      unit.Milli
	Began      time.Time // first value outside
	Ended      time.Time // first of the values that were back
	Worst      unit.Milli
	WorstAt    time.Time
	Outside    time.Duration // measured outside the limit
	Cumulative time.Duration // and all that was measured outside it since the last reset
	HasMKT     bool
	MKT        unit.Milli    // mean kinetic temperature from Began
	Gap        time.Duration // of which nothing is known
	Gaps       uint32
	Correction string  // how values were corrected; "" = not
	Goods      []Goods // what was there, the longest exposed first; at most MaxGoods
	More       uint32  // tags that were there too and are not listed
	Incomplete bool    // more came and went than the gateway remembers: some may be missing
}

// Goods is a tag that was there during an excursion.
type Goods struct {
	Tag     devices.Tag
	Exposed time.Duration // how long of the excursion
	Still   bool          // it was there at the end, or is
}

// Escalation says that an alarm reached a level of its rule's escalation, or is told again there.
type Escalation struct {
	Alarm    string // the occurrence
	Rule     string
	Source   string
	Location string
	Priority alarm.Priority
	Level    uint8  // 1, 2, …
	Notify   string // whom, as the rule has it
	Repeat   uint32 // 0 = the first time, 1 = told again once, …
	At       time.Time
}

// SumReset says that a person set a rule's sum back, so that a new recording period began.
type SumReset struct {
	Rule, Source, Location string
	Actor, Reason          string
	Outside                time.Duration // the sum until then
	At                     time.Time
}

func excursionPB(x *Excursion) *pb.Excursion {
	listed := x.Goods[:min(len(x.Goods), MaxGoods)]
	m := &pb.Excursion{
		Id: x.ID, Alarm: x.Alarm, Rule: x.Rule, Source: x.Source, Location: x.Location, Quantity: uint32(x.Quantity),
		Kind: x.Kind, Limit: int64(x.Limit), Began: micros(x.Began), Ended: micros(x.Ended), Worst: int64(x.Worst),
		WorstAt: micros(x.WorstAt), Outside: x.Outside.Microseconds(), Cumulative: x.Cumulative.Microseconds(),
		HasMkt: x.HasMKT, Mkt: int64(x.MKT), Gap: x.Gap.Microseconds(), Gaps: x.Gaps, Correction: x.Correction,
		More: x.More + uint32(len(x.Goods)-len(listed)), Incomplete: x.Incomplete,
	}
	for _, g := range listed {
		m.Goods = append(m.Goods, &pb.Goods{Tag: tagPB(g.Tag), Exposed: g.Exposed.Microseconds(), Still: g.Still})
	}
	return m
}

func excursionOf(m *pb.Excursion) (*Excursion, error) {
	quantity, err := narrow[unit.Quantity]("quantity", m.GetQuantity(), math.MaxUint8)
	switch {
	case err != nil:
		return nil, err
	case m.GetId() == "":
		return nil, errors.New("excursion lacks its id")
	case len(m.GetGoods()) > MaxGoods:
		return nil, fmt.Errorf("excursion lists %d tags; at most %d are possible", len(m.GetGoods()), MaxGoods)
	}
	x := &Excursion{
		ID: m.GetId(), Alarm: m.GetAlarm(), Rule: m.GetRule(), Source: m.GetSource(), Location: m.GetLocation(),
		Quantity: quantity, Kind: m.GetKind(), Limit: unit.Milli(m.GetLimit()), Began: timeOf(m.GetBegan()),
		Ended: timeOf(m.GetEnded()), Worst: unit.Milli(m.GetWorst()), WorstAt: timeOf(m.GetWorstAt()),
		Outside: lasting(m.GetOutside()), Cumulative: lasting(m.GetCumulative()), HasMKT: m.GetHasMkt(),
		MKT: unit.Milli(m.GetMkt()), Gap: lasting(m.GetGap()), Gaps: m.GetGaps(), Correction: m.GetCorrection(),
		More: m.GetMore(), Incomplete: m.GetIncomplete(),
	}
	for _, g := range m.GetGoods() {
		tag, err := tagOf(g.GetTag())
		if err != nil {
			return nil, err
		}
		x.Goods = append(x.Goods, Goods{Tag: tag, Exposed: lasting(g.GetExposed()), Still: g.GetStill()})
	}
	return x, nil
}

// lasting is a duration of so many microseconds, at most the longest that there is.
func lasting(us int64) time.Duration {
	const most = math.MaxInt64 / int64(time.Microsecond)
	return time.Duration(min(max(us, 0), most)) * time.Microsecond
}

func escalationPB(e *Escalation) *pb.Escalation {
	return &pb.Escalation{
		Alarm: e.Alarm, Rule: e.Rule, Source: e.Source, Location: e.Location, Priority: uint32(e.Priority),
		Level: uint32(e.Level), Notify: e.Notify, Repeat: e.Repeat, At: micros(e.At),
	}
}

func escalationOf(m *pb.Escalation) (*Escalation, error) {
	priority, err1 := narrow[alarm.Priority]("priority", m.GetPriority(), math.MaxUint8)
	level, err2 := narrow[uint8]("level", m.GetLevel(), math.MaxUint8)
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	if m.GetAlarm() == "" {
		return nil, errors.New("escalation lacks its alarm")
	}
	return &Escalation{
		Alarm: m.GetAlarm(), Rule: m.GetRule(), Source: m.GetSource(), Location: m.GetLocation(), Priority: priority,
		Level: level, Notify: m.GetNotify(), Repeat: m.GetRepeat(), At: timeOf(m.GetAt()),
	}, nil
}

func sumResetPB(r *SumReset) *pb.SumReset {
	return &pb.SumReset{
		Rule: r.Rule, Source: r.Source, Location: r.Location, Actor: r.Actor, Reason: r.Reason,
		Outside: r.Outside.Microseconds(), At: micros(r.At),
	}
}

func sumResetOf(m *pb.SumReset) *SumReset {
	return &SumReset{
		Rule: m.GetRule(), Source: m.GetSource(), Location: m.GetLocation(), Actor: m.GetActor(), Reason: m.GetReason(),
		Outside: lasting(m.GetOutside()), At: timeOf(m.GetAt()),
	}
}

func tagPB(t devices.Tag) *pb.Tag { return &pb.Tag{Kind: uint32(t.Kind()), Id: t.Bytes()} }

func tagOf(m *pb.Tag) (devices.Tag, error) {
	kind, err := narrow[devices.TagKind]("tag kind", m.GetKind(), math.MaxUint8)
	if err != nil {
		return devices.Tag{}, err
	}
	return devices.NewTag(kind, m.GetId())
}

func tagsPB(tags []devices.Tag) []*pb.Tag {
	var out []*pb.Tag
	for _, t := range tags {
		out = append(out, tagPB(t))
	}
	return out
}

func tagsOf(ms []*pb.Tag) ([]devices.Tag, error) {
	var out []devices.Tag
	for _, m := range ms {
		t, err := tagOf(m)
		if err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	return out, nil
}
