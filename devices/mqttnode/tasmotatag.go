package mqttnode

import (
	"cmp"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tallydock/tallydock/devices"
)

// TasmotaTag is a card that a Tasmota node's PN532 or RC522 has read.
type TasmotaTag struct {
	Sensor string      // PN532 or RC522
	Tag    devices.Tag // its UID
	Text   string      // what was read of its memory; "" where nothing was
	Type   string      // what the node takes it for, e.g. "MIFARE 1KB"; "" where it does not say
	Time   string      // the node's clock; usually without a zone, so not a moment
}

// Lengths of a card's UID in bytes; ISO 14443-3 has 4, 7 and 10.
const (
	shortestUID = 4
	longestUID  = 10
)

// TasmotaTags gives the cards in one payload of tele/…/SENSOR; none where the node tells of other sensors only. Those that
// can be read come with the error about the others.
func TasmotaTags(payload []byte) ([]TasmotaTag, error) {
	s := &scanner{text: payload}
	tags, err := scanTasmotaTags(s)
	if err == nil && s.more() {
		err = errors.New("something follows the payload's object")
	}
	return tags, cmp.Or(s.cut, err)
}

func scanTasmotaTags(s *scanner) (tags []TasmotaTag, err error) {
	if !s.object() {
		return nil, errNoObject
	}
	var at string
	for name, ok := s.member(); ok; name, ok = s.member() {
		switch {
		case slices.Contains(cardReaders, string(name)):
			tag, bad := scanTasmotaTag(s, string(name))
			if err = errors.Join(err, bad); bad == nil {
				tags = append(tags, tag)
			}
		case string(name) == "Time" && s.peek() == '"': // one that is no text is no time
			at = printable(s.word())
		default:
			s.skip()
		}
	}
	if s.cut != nil {
		return nil, s.cut
	}
	for i := range tags {
		tags[i].Time = at
	}
	return tags, err
}

// scanTasmotaTag reads {"UID":"94D8FC5F","DATA":""}; later firmware writes "Data".
func scanTasmotaTag(s *scanner, sensor string) (TasmotaTag, error) {
	t := TasmotaTag{Sensor: sensor}
	s.odd = nil
	var uid []byte
	if s.object() {
		for name, ok := s.member(); ok; name, ok = s.member() {
			switch string(name) {
			case "UID":
				uid = s.word()
			case "DATA", "Data":
				t.Text = strings.TrimSpace(printable(s.word()))
			case "Type":
				t.Type = printable(s.word())
			default:
				s.skip()
			}
		}
	}
	if s.odd != nil || uid == nil {
		return t, fmt.Errorf("%s gives no card: %w", sensor, cmp.Or(s.odd, errors.New("its UID is missing")))
	}
	var id [longestUID]byte
	n, err := 0, hex.ErrLength
	if len(uid) >= 2*shortestUID && len(uid) <= 2*longestUID {
		n, err = hex.Decode(id[:], uid)
	}
	if err != nil {
		return t, fmt.Errorf("%s gives UID %s, which is not %d to %d bytes in hexadecimal digits", sensor, clip(uid), shortestUID, longestUID)
	}
	t.Tag, err = devices.NewTag(devices.TagUID, id[:n])
	return t, err
}

// DecodeTasmotaTag is the devices.Decoder of the cards in Tasmota's payloads, also as lines {"topic":…,"payload":…}. The
// node's time has no zone, so ReaderTime is empty. Source: Tasmota documentation, PN532 and MFRC522.
func DecodeTasmotaTag(data []byte) ([]devices.Report, error) {
	return decode(data, func(s *scanner, reports []devices.Report) ([]devices.Report, error) {
		tags, err := scanTasmotaTags(s)
		for _, t := range tags {
			reports = append(reports, devices.Report{Read: &devices.Read{Tag: t.Tag, Text: t.Text, ReaderTime: moment([]byte(t.Time)), Count: 1}})
		}
		if err == nil && len(tags) == 0 {
			reports = append(reports, notice("no_tag", "neither PN532 nor RC522 tells of a card"))
		}
		return reports, err
	})
}

// EncodeTasmotaTag writes the payload of a card. at is written as the node does, without a zone.
func EncodeTasmotaTag(at time.Time, t TasmotaTag) ([]byte, error) {
	fields := map[string]string{"UID": strings.ToUpper(hex.EncodeToString(t.Tag.Bytes())), "Data": t.Text}
	if t.Type != "" {
		fields["Type"] = t.Type
	}
	return json.Marshal(map[string]any{"Time": at.Format("2006-01-02T15:04:05"), t.Sensor: fields})
}

// NewTasmotaTag makes the driver of a Tasmota node's card reader: its SENSOR messages come to c.Topic, and only when a card
// is there, so that silence means nothing. c.Catalog is not needed. What the node's other sensors measure is for the
// driver of NewTasmota, which may listen to the same topic.
func NewTasmotaTag(c Tasmota) (*Listener, error) {
	return listen(c.Device, []string{c.Topic}, func(m Message, now time.Time) (report, error) {
		if m.Retained {
			return report{presence: mute}, nil // nobody knows how old it is
		}
		tags, err := TasmotaTags(m.Payload)
		var said report
		for _, t := range tags {
			said.reads = append(said.reads, devices.Read{
				Device: c.ID, Tag: t.Tag, Text: t.Text, ReaderTime: c.deviceTime(t.Time), HostTime: now, Count: 1,
			})
		}
		return said, err
	})
}
