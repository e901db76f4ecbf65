package wire

import (
	"errors"
	"fmt"
	"math"

	"google.golang.org/protobuf/proto"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/unit"
	pb "github.com/tallydock/tallydock/devices/wire/wirepb"
)

// MaxDevices is how many devices, limits or doors a Status may list.
const MaxDevices = 4096

// EncodeAck gives the message of a.
func EncodeAck(a Ack) ([]byte, error) {
	return proto.Marshal(&pb.Ack{
		Version: Version, Edge: a.Edge, Epoch: a.Epoch, Upto: a.Upto, Hash: a.Hash[:], SamplesUpto: a.SamplesUpto,
		Hub: a.Hub, At: micros(a.At),
	})
}

// DecodeAck reads what EncodeAck made.
func DecodeAck(b []byte) (Ack, error) {
	var m pb.Ack
	if err := unmarshal("ack", b, &m); err != nil {
		return Ack{}, err
	}
	h, err := hashOf(m.GetHash())
	if err != nil {
		return Ack{}, fmt.Errorf("ack: %w", err)
	}
	return Ack{
		Edge: m.GetEdge(), Epoch: m.GetEpoch(), Upto: m.GetUpto(), Hash: h, SamplesUpto: m.GetSamplesUpto(),
		Hub: m.GetHub(), At: timeOf(m.GetAt()),
	}, nil
}

// EncodeStatus gives the message of s.
func EncodeStatus(s Status) ([]byte, error) {
	m := &pb.Status{
		Version: Version, Edge: s.Edge, Site: s.Site, Online: s.Online, Epoch: s.Epoch, EpochStart: s.EpochStart,
		Head: s.Head, Acked: s.Acked, SamplesHead: s.SamplesHead, SamplesThinned: s.SamplesThinned,
		FreeBytes: s.FreeBytes, At: micros(s.At), Software: s.Software, ClockUnsynced: s.ClockUnsynced,
		ConfigVersion: s.Config.Version, ConfigState: string(s.Config.State), ConfigReason: s.Config.Reason,
		ConfigOffered: s.Config.Offered,
	}
	for _, d := range s.Devices {
		m.Devices = append(m.Devices, &pb.Device{
			Id: d.ID, Driver: d.Driver, State: uint32(d.State), Reason: d.Reason, Since: micros(d.Since), Reads: d.Reads,
			Lost: d.Lost, Location: d.Location,
		})
	}
	for _, l := range s.Limits {
		m.Limits = append(m.Limits, &pb.Limit{
			Location: l.Location, Quantity: uint32(l.Quantity), HasLow: l.HasLow, Low: int64(l.Low), HasHigh: l.HasHigh,
			High: int64(l.High),
		})
	}
	for _, d := range s.Doors {
		m.Doors = append(m.Doors, &pb.Door{Id: d.ID, Location: d.Location, Devices: d.Devices})
	}
	return proto.Marshal(m)
}

// DecodeStatus reads what EncodeStatus made.
func DecodeStatus(b []byte) (Status, error) {
	var m pb.Status
	if err := unmarshal("status", b, &m); err != nil {
		return Status{}, err
	}
	if err := ValidEdgeID(m.GetEdge()); err != nil {
		return Status{}, fmt.Errorf("status: %w", err)
	}
	if n := max(len(m.GetDevices()), len(m.GetLimits()), len(m.GetDoors())); n > MaxDevices {
		return Status{}, fmt.Errorf("status lists %d devices, limits or doors; at most %d are possible", n, MaxDevices)
	}
	s := Status{
		Edge: m.GetEdge(), Site: m.GetSite(), Online: m.GetOnline(), Epoch: m.GetEpoch(), EpochStart: m.GetEpochStart(),
		Head: m.GetHead(), Acked: m.GetAcked(), SamplesHead: m.GetSamplesHead(), SamplesThinned: m.GetSamplesThinned(),
		FreeBytes: m.GetFreeBytes(), At: timeOf(m.GetAt()), Software: m.GetSoftware(), ClockUnsynced: m.GetClockUnsynced(),
		Config: ConfigStatus{
			Version: m.GetConfigVersion(), State: ConfigState(m.GetConfigState()), Reason: m.GetConfigReason(),
			Offered: m.GetConfigOffered(),
		},
	}
	for _, d := range m.GetDevices() {
		state, err := narrow[devices.HealthState]("device state", d.GetState(), math.MaxUint8)
		if err != nil {
			return Status{}, fmt.Errorf("status: %w", err)
		}
		s.Devices = append(s.Devices, Device{
			ID: d.GetId(), Driver: d.GetDriver(), State: state, Reason: d.GetReason(), Since: timeOf(d.GetSince()),
			Reads: d.GetReads(), Lost: d.GetLost(), Location: d.GetLocation(),
		})
	}
	for _, l := range m.GetLimits() {
		quantity, err := narrow[unit.Quantity]("quantity", l.GetQuantity(), math.MaxUint8)
		if err != nil {
			return Status{}, fmt.Errorf("status: %w", err)
		}
		s.Limits = append(s.Limits, Limit{
			Location: l.GetLocation(), Quantity: quantity, HasLow: l.GetHasLow(), Low: unit.Milli(l.GetLow()),
			HasHigh: l.GetHasHigh(), High: unit.Milli(l.GetHigh()),
		})
	}
	for _, d := range m.GetDoors() {
		s.Doors = append(s.Doors, Door{ID: d.GetId(), Location: d.GetLocation(), Devices: d.GetDevices()})
	}
	return s, nil
}

// EncodeCommand gives the message of c.
func EncodeCommand(c Command) ([]byte, error) {
	m := &pb.Command{Version: Version, Id: c.ID, At: micros(c.At), Actor: c.Actor}
	switch {
	case c.Acknowledge != nil:
		m.Body = &pb.Command_Acknowledge{Acknowledge: &pb.AlarmAcknowledge{
			Alarm: c.Acknowledge.Alarm, Comment: c.Acknowledge.Comment,
		}}
	case c.Shelve != nil:
		m.Body = &pb.Command_Shelve{Shelve: &pb.AlarmShelve{
			Alarm: c.Shelve.Alarm, Until: micros(c.Shelve.Until), Reason: c.Shelve.Reason,
		}}
	case c.Unshelve != nil:
		m.Body = &pb.Command_Unshelve{Unshelve: &pb.AlarmUnshelve{Alarm: c.Unshelve.Alarm}}
	case c.RemoveFromService != nil:
		x := c.RemoveFromService
		m.Body = &pb.Command_RemoveFromService{RemoveFromService: &pb.AlarmOutOfService{Alarm: x.Alarm, Reason: x.Reason}}
	case c.ReturnToService != nil:
		x := c.ReturnToService
		m.Body = &pb.Command_ReturnToService{ReturnToService: &pb.AlarmInService{Alarm: x.Alarm, Comment: x.Comment}}
	case c.Reset != nil:
		m.Body = &pb.Command_Reset_{Reset_: &pb.AlarmReset{Alarm: c.Reset.Alarm, Comment: c.Reset.Comment}}
	case c.ResetSum != nil:
		x := c.ResetSum
		m.Body = &pb.Command_ResetSum{ResetSum: &pb.ResetSum{Rule: x.Rule, Source: x.Source, Reason: x.Reason}}
	case c.Expect != nil:
		if err := c.Expect.Check(); err != nil {
			return nil, fmt.Errorf("command %s: %w", c.ID, err)
		}
		m.Body = &pb.Command_Expect{Expect: expectPB(c.Expect)}
	default:
		return nil, errors.New("command has no body")
	}
	return proto.Marshal(m)
}

// DecodeCommand reads what EncodeCommand made.
func DecodeCommand(b []byte) (Command, error) {
	var m pb.Command
	if err := unmarshal("command", b, &m); err != nil {
		return Command{}, err
	}
	c := Command{ID: m.GetId(), At: timeOf(m.GetAt()), Actor: m.GetActor()}
	switch body := m.GetBody().(type) {
	case *pb.Command_Acknowledge:
		c.Acknowledge = &AlarmAcknowledge{body.Acknowledge.GetAlarm(), body.Acknowledge.GetComment()}
	case *pb.Command_Shelve:
		c.Shelve = &AlarmShelve{body.Shelve.GetAlarm(), timeOf(body.Shelve.GetUntil()), body.Shelve.GetReason()}
	case *pb.Command_Unshelve:
		c.Unshelve = &AlarmUnshelve{body.Unshelve.GetAlarm()}
	case *pb.Command_RemoveFromService:
		c.RemoveFromService = &AlarmOutOfService{body.RemoveFromService.GetAlarm(), body.RemoveFromService.GetReason()}
	case *pb.Command_ReturnToService:
		c.ReturnToService = &AlarmInService{body.ReturnToService.GetAlarm(), body.ReturnToService.GetComment()}
	case *pb.Command_Reset_:
		c.Reset = &AlarmReset{body.Reset_.GetAlarm(), body.Reset_.GetComment()}
	case *pb.Command_ResetSum:
		c.ResetSum = &ResetSum{body.ResetSum.GetRule(), body.ResetSum.GetSource(), body.ResetSum.GetReason()}
	case *pb.Command_Expect:
		x, err := expectOf(body.Expect)
		if err != nil {
			return Command{}, fmt.Errorf("command %s: %w", c.ID, err)
		}
		c.Expect = x
	default:
		return Command{}, fmt.Errorf("command %s is of a kind that this version does not know", c.ID)
	}
	if c.ID == "" {
		return Command{}, errors.New("command has no id")
	}
	return c, nil
}

type versioned interface {
	proto.Message
	GetVersion() uint32
}

func unmarshal(what string, b []byte, m versioned) error {
	if len(b) > MaxMessageBytes {
		return fmt.Errorf("%s has %d bytes; at most %d are possible", what, len(b), MaxMessageBytes)
	}
	if err := proto.Unmarshal(b, m); err != nil {
		return fmt.Errorf("%s is not readable: %w", what, err)
	}
	if err := checkVersion(m.GetVersion()); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}
