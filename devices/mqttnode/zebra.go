package mqttnode

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/unit"
)

// ZebraEvent is one event of Zebra's IoT Connector (FX7500, FX9600, FXR90, ATR7000; handhelds in batches).
type ZebraEvent struct {
	Type      string    `json:"type"`      // SIMPLE, CUSTOM, INVENTORY, PORTAL, …, or GPI
	Timestamp string    `json:"timestamp"` // ISO 8601, the offset without a colon
	Data      ZebraData `json:"data"`
}

// ZebraData is a sighting, or a batch of them in TagData.
type ZebraData struct {
	ZebraTag
	TagData []ZebraTag `json:"tagData,omitempty"`
}

// ZebraTag is one sighting; every field but the identity may be missing.
type ZebraTag struct {
	IDHex     string   `json:"idHex,omitempty"`
	EPCID     string   `json:"EPCid,omitempty"` // handhelds say it so
	Antenna   int      `json:"antenna,omitempty"`
	EventNum  uint64   `json:"eventNum,omitempty"` // the reader's own count of its events
	PeakRSSI  *float64 `json:"peakRssi,omitempty"` // dBm
	Reads     int64    `json:"reads,omitempty"`
	SeenCount int64    `json:"seenCount,omitempty"` // handhelds say it so
	Format    string   `json:"format,omitempty"`
}

// DecodeZebra reads what an IoT Connector publishes: one event, several, or an array. The events that can be read come
// with the error about the others.
func DecodeZebra(b []byte) ([]ZebraEvent, error) { return each[ZebraEvent](b) }

// EncodeZebra writes an event as the reader publishes it.
func EncodeZebra(e ZebraEvent) ([]byte, error) { return json.Marshal(e) }

// zebraTime is the layout of Timestamp.
const zebraTime = "2006-01-02T15:04:05.000-0700"

// ZebraRead makes the event of a sighting: number is the reader's count of its events, antenna counts from 1.
func ZebraRead(at time.Time, number uint64, tag devices.Tag, antenna int, rssi unit.DBm) ZebraEvent {
	level := float64(rssi) / 100
	return ZebraEvent{Type: "SIMPLE", Timestamp: at.Format(zebraTime), Data: ZebraData{ZebraTag: ZebraTag{
		IDHex: fmt.Sprintf("%x", tag.Bytes()), Antenna: antenna, EventNum: number, PeakRSSI: &level, Reads: 1, Format: "epc",
	}}}
}

// zebra is the state of one reader's stream of events.
type zebra struct {
	device string
	last   uint64 // highest event number; 0 = none yet
}

// NewZebra makes the driver of a Zebra reader whose IoT Connector publishes tag events to d.Topic.
func NewZebra(d Device) (*Listener, error) {
	z := &zebra{device: d.ID}
	return listen(d, []string{d.Topic}, z.decode)
}

func (z *zebra) decode(m Message, now time.Time) (report, error) {
	events, err := DecodeZebra(m.Payload)
	r := report{}
	for _, e := range events {
		tags := e.Data.TagData
		if e.Data.IDHex != "" || e.Data.EPCID != "" {
			tags = append([]ZebraTag{e.Data.ZebraTag}, tags...)
		}
		for _, t := range tags {
			if missed := z.gap(t.EventNum, m.Again); missed > 0 {
				r.lost += missed
				r.lostWhy = fmt.Sprintf("%d events of the reader are missing before number %d; check its network", missed, t.EventNum)
			}
			read, bad := t.read(z.device, e.Timestamp, now)
			if bad != nil {
				r.lost, r.lostWhy = r.lost+1, bad.Error()
				continue
			}
			r.reads = append(r.reads, read)
		}
	}
	return r, err
}

// gap tells how many events are missing before number n. A number that is not higher is a reader that started anew,
// unless the broker says that it sends the message again.
func (z *zebra) gap(n uint64, again bool) uint64 {
	if n == 0 || again && n <= z.last {
		return 0
	}
	before := z.last
	z.last = n
	if before == 0 || n <= before+1 {
		return 0
	}
	return n - before - 1
}

func (t ZebraTag) read(device, timestamp string, now time.Time) (devices.Read, error) {
	id := t.IDHex
	if id == "" {
		id = t.EPCID
	}
	tag, err := tagOfHex(id)
	if err != nil {
		return devices.Read{}, err
	}
	if t.Antenna < 0 || t.Antenna > math.MaxUint8 {
		return devices.Read{}, errors.New("antenna number is not possible")
	}
	read := devices.Read{
		Device: device, Antenna: uint8(t.Antenna), Tag: tag, ReaderTime: deviceTime(timestamp), HostTime: now,
		Seq: t.EventNum, Count: uint32(min(max(t.Reads, t.SeenCount, 1), math.MaxUint32)),
	}
	if t.PeakRSSI != nil && math.Abs(*t.PeakRSSI) <= 300 {
		read.RSSI, read.HasRSSI = unit.DBm(math.Round(*t.PeakRSSI*100)), true
	}
	return read, nil
}
