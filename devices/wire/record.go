package wire

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/alarm"
	"github.com/tallydock/tallydock/devices/unit"
	pb "github.com/tallydock/tallydock/devices/wire/wirepb"
)

// Record is one entry of a stream. Exactly one of the pointers is set.
type Record struct {
	Seq        uint64
	Movement   *Movement
	Alarm      *Alarm
	Pass       *Pass
	Sample     *Sample
	Excursion  *Excursion  `json:",omitzero"`
	Escalation *Escalation `json:",omitzero"`
	Verdict    *Verdict    `json:",omitzero"`
	SumReset   *SumReset   `json:",omitzero"`
	Answer     *Answer     `json:",omitzero"`
}

// Main reports whether r is one of the main stream's.
func (r Record) Main() bool {
	return r.Movement != nil || r.Alarm != nil || r.Pass != nil || r.Excursion != nil || r.Escalation != nil ||
		r.Verdict != nil || r.SumReset != nil || r.Answer != nil
}

// Hash is a link of the chain: the first 16 bytes of a SHA-256.
type Hash [16]byte

// Chain gives the hash of a record from the hash of the record before it (zero for an epoch's first) and the bytes that
// EncodeRecord made of it.
func Chain(before Hash, epoch, seq uint64, record []byte) Hash {
	h := sha256.New()
	var head [32]byte
	copy(head[:16], before[:])
	binary.BigEndian.PutUint64(head[16:], epoch)
	binary.BigEndian.PutUint64(head[24:], seq)
	h.Write(head[:])
	h.Write(record)
	var out Hash
	copy(out[:], h.Sum(nil))
	return out
}

// EncodeRecord gives the bytes of r, to be stored, hashed and sent as they are.
func EncodeRecord(r Record) ([]byte, error) {
	m := &pb.Record{Seq: r.Seq}
	switch {
	case r.Movement != nil:
		m.Body = &pb.Record_Movement{Movement: movementPB(r.Movement)}
	case r.Alarm != nil:
		m.Body = &pb.Record_Alarm{Alarm: alarmPB(r.Alarm)}
	case r.Pass != nil:
		m.Body = &pb.Record_Pass{Pass: passPB(r.Pass)}
	case r.Sample != nil:
		m.Body = &pb.Record_Sample{Sample: samplePB(r.Sample)}
	case r.Excursion != nil:
		m.Body = &pb.Record_Excursion{Excursion: excursionPB(r.Excursion)}
	case r.Escalation != nil:
		m.Body = &pb.Record_Escalation{Escalation: escalationPB(r.Escalation)}
	case r.Verdict != nil:
		m.Body = &pb.Record_Verdict{Verdict: verdictPB(r.Verdict)}
	case r.SumReset != nil:
		m.Body = &pb.Record_SumReset{SumReset: sumResetPB(r.SumReset)}
	case r.Answer != nil:
		m.Body = &pb.Record_Answer{Answer: &pb.Answer{Command: r.Answer.Command, Error: r.Answer.Error, At: micros(r.Answer.At)}}
	default:
		return nil, errors.New("record has no body")
	}
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("cannot encode record %d: %w", r.Seq, err)
	}
	return b, nil
}

// DecodeRecord reads what EncodeRecord made. Fields of a later version are ignored; a body of a later version is an
// error that names the seq, so that the record can be parked.
func DecodeRecord(b []byte) (Record, error) {
	var m pb.Record
	if err := proto.Unmarshal(b, &m); err != nil {
		return Record{}, fmt.Errorf("record is not readable: %w", err)
	}
	r := Record{Seq: m.GetSeq()}
	var err error
	switch body := m.GetBody().(type) {
	case *pb.Record_Movement:
		r.Movement, err = movementOf(body.Movement)
	case *pb.Record_Alarm:
		r.Alarm, err = alarmOf(body.Alarm)
	case *pb.Record_Pass:
		r.Pass = passOf(body.Pass)
	case *pb.Record_Sample:
		r.Sample, err = sampleOf(body.Sample)
	case *pb.Record_Excursion:
		r.Excursion, err = excursionOf(body.Excursion)
	case *pb.Record_Escalation:
		r.Escalation, err = escalationOf(body.Escalation)
	case *pb.Record_Verdict:
		r.Verdict, err = verdictOf(body.Verdict)
	case *pb.Record_SumReset:
		r.SumReset = sumResetOf(body.SumReset)
	case *pb.Record_Answer:
		r.Answer = &Answer{Command: body.Answer.GetCommand(), Error: body.Answer.GetError(), At: timeOf(body.Answer.GetAt())}
	default:
		err = errors.New("body is of a kind that this version does not know")
	}
	if err != nil {
		return r, fmt.Errorf("record %d: %w", r.Seq, err)
	}
	return r, nil
}

func movementPB(m *Movement) *pb.Movement {
	return &pb.Movement{
		TagKind: uint32(m.Tag.Kind()), Tag: m.Tag.Bytes(), From: m.From, To: m.To, BizStep: string(m.BizStep),
		Disposition: string(m.Disposition), ReadPoint: m.ReadPoint, Pass: m.Pass, EventTime: micros(m.EventTime),
		FirstRead: micros(m.FirstRead), LastRead: micros(m.LastRead), Reads: m.Reads, HasRssi: m.HasRSSI,
		PeakRssi: int32(m.PeakRSSI), Confidence: uint32(m.Confidence), ClockUnsynced: m.ClockUnsynced,
	}
}

func movementOf(m *pb.Movement) (*Movement, error) {
	kind, err := narrow[devices.TagKind]("tag kind", m.GetTagKind(), math.MaxUint8)
	if err != nil {
		return nil, err
	}
	tag, err := devices.NewTag(kind, m.GetTag())
	if err != nil {
		return nil, err
	}
	confidence, err := narrow[uint16]("confidence", m.GetConfidence(), 1000)
	if err != nil {
		return nil, err
	}
	if m.GetPeakRssi() < math.MinInt16 || m.GetPeakRssi() > math.MaxInt16 {
		return nil, fmt.Errorf("peak rssi %d is out of range", m.GetPeakRssi())
	}
	return &Movement{
		Tag: tag, From: m.GetFrom(), To: m.GetTo(), BizStep: BizStep(m.GetBizStep()),
		Disposition: Disposition(m.GetDisposition()), ReadPoint: m.GetReadPoint(), Pass: m.GetPass(),
		EventTime: timeOf(m.GetEventTime()), FirstRead: timeOf(m.GetFirstRead()), LastRead: timeOf(m.GetLastRead()),
		Reads: m.GetReads(), HasRSSI: m.GetHasRssi(), PeakRSSI: unit.DBm(m.GetPeakRssi()), Confidence: confidence,
		ClockUnsynced: m.GetClockUnsynced(),
	}, nil
}

func alarmPB(a *Alarm) *pb.Alarm {
	return &pb.Alarm{
		Id: a.ID, Rule: a.Rule, Source: a.Source, Location: a.Location, Class: a.Class, Priority: uint32(a.Priority),
		From: uint32(a.From), To: uint32(a.To), Action: string(a.Action), At: micros(a.At), Quantity: uint32(a.Quantity),
		HasValue: a.HasValue, Value: int64(a.Value), HasLimit: a.HasLimit, Limit: int64(a.Limit), Reason: a.Reason,
		Actor: a.Actor, Comment: a.Comment, Command: a.Command, ShelvedUntil: micros(a.ShelvedUntil),
	}
}

func alarmOf(a *pb.Alarm) (*Alarm, error) {
	priority, err1 := narrow[alarm.Priority]("priority", a.GetPriority(), math.MaxUint8)
	from, err2 := narrow[alarm.State]("state", a.GetFrom(), uint32(alarm.Latched))
	to, err3 := narrow[alarm.State]("state", a.GetTo(), uint32(alarm.Latched))
	quantity, err4 := narrow[unit.Quantity]("quantity", a.GetQuantity(), math.MaxUint8)
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		return nil, err
	}
	if a.GetId() == "" || from < alarm.Normal || to < alarm.Normal {
		return nil, errors.New("alarm lacks its id or a state")
	}
	return &Alarm{
		ID: a.GetId(), Rule: a.GetRule(), Source: a.GetSource(), Location: a.GetLocation(), Class: a.GetClass(),
		Priority: priority, From: from, To: to, Action: alarm.Action(a.GetAction()), At: timeOf(a.GetAt()),
		Quantity: quantity, HasValue: a.GetHasValue(), Value: unit.Milli(a.GetValue()), HasLimit: a.GetHasLimit(),
		Limit: unit.Milli(a.GetLimit()), Reason: a.GetReason(), Actor: a.GetActor(), Comment: a.GetComment(),
		Command: a.GetCommand(), ShelvedUntil: timeOf(a.GetShelvedUntil()),
	}, nil
}

func passPB(p *Pass) *pb.Pass {
	return &pb.Pass{
		Id: p.ID, Door: p.Door, Direction: string(p.Direction), Opened: micros(p.Opened), Closed: micros(p.Closed),
		Tags: p.Tags, Moved: p.Moved, Confidence: uint32(p.Confidence),
	}
}

func passOf(p *pb.Pass) *Pass {
	return &Pass{
		ID: p.GetId(), Door: p.GetDoor(), Direction: Direction(p.GetDirection()), Opened: timeOf(p.GetOpened()),
		Closed: timeOf(p.GetClosed()), Tags: p.GetTags(), Moved: p.GetMoved(),
		Confidence: uint16(min(p.GetConfidence(), 1000)),
	}
}

func samplePB(s *Sample) *pb.Sample {
	return &pb.Sample{
		Device: s.Device, Channel: s.Channel, Location: s.Location, Quantity: uint32(s.Quantity), Value: int64(s.Value),
		Quality: uint32(s.Quality), Reason: s.Reason, At: micros(s.At),
	}
}

func sampleOf(s *pb.Sample) (*Sample, error) {
	quantity, err1 := narrow[unit.Quantity]("quantity", s.GetQuantity(), math.MaxUint8)
	quality, err2 := narrow[devices.Quality]("quality", s.GetQuality(), math.MaxUint8)
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	return &Sample{
		Device: s.GetDevice(), Channel: s.GetChannel(), Location: s.GetLocation(), Quantity: quantity,
		Value: unit.Milli(s.GetValue()), Quality: quality, Reason: s.GetReason(), At: timeOf(s.GetAt()),
	}, nil
}

func narrow[T ~uint8 | ~uint16](what string, v, most uint32) (T, error) {
	if v > most {
		return 0, fmt.Errorf("%s %d is out of range", what, v)
	}
	return T(v), nil
}

func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func timeOf(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}
