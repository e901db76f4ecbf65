package mqttnode

import (
	"bytes"
	"fmt"

	"github.com/tallydock/tallydock/devices"
)

// eventDecoder adds what one event says.
type eventDecoder func(s *scanner, reports []devices.Report) ([]devices.Report, error)

// decode is the frame of the devices.Decoders: it reads events as walk does, and takes lines {"topic":…,"payload":…}, as
// recorders of MQTT write them, apart. It ends at the first event that is none.
func decode(data []byte, one eventDecoder) (reports []devices.Report, err error) {
	err = walk(data, func(s *scanner) (err error) {
		if payload, ok := recorded(s); ok {
			reports, err = decodePayload(payload, reports, one)
			return err
		}
		reports, err = one(s, reports)
		return err
	})
	if err == nil && len(reports) == 0 {
		reports = append(reports, notice("no_event", "a keep-alive or an empty list"))
	}
	return reports, err
}

// decodePayload reads the payload of a recorded message, which may be the bare word of a will.
func decodePayload(payload []byte, reports []devices.Report, one eventDecoder) ([]devices.Report, error) {
	if !bytes.ContainsAny(payload, "{[") {
		switch parsePresence(payload) {
		case online:
			return append(reports, notice("online", "")), nil
		case offline:
			return append(reports, notice("offline", "")), nil
		}
	}
	err := walk(payload, func(s *scanner) (err error) {
		reports, err = one(s, reports)
		return err
	})
	return reports, err
}

// recorded gives the payload of a recorded message and goes past it; not ok where what follows is none. Its topic or its
// payload stands first.
func recorded(s *scanner) (payload []byte, ok bool) {
	look := *s
	if look.peek() != '{' || !look.object() {
		return nil, false
	}
	topic := false
	for name, more := look.member(); more; name, more = look.member() {
		switch string(name) {
		case "topic":
			topic = look.word() != nil
		case "payload":
			payload = look.value()
		default:
			if !topic && payload == nil {
				return nil, false
			}
			look.skip()
		}
	}
	if !topic || payload == nil || look.cut != nil {
		return nil, false
	}
	*s = look
	return payload, true
}

func notice(code, format string, a ...any) devices.Report {
	return devices.Report{Notice: &devices.Notice{Code: code, Text: fmt.Sprintf(format, a...)}}
}
