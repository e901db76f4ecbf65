package mqttnode

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/sparkplug"
)

// stampOrZero drops a time of a clock that was not set.
func stampOrZero(t time.Time) time.Time {
	if t.Before(oldest) {
		return time.Time{}
	}
	return t
}

// DecodeSparkplug is the devices.Decoder of Sparkplug B: the bytes of one payload, or its JSON view, or lines
// {"topic":…,"payload":…} whose payload is hexadecimal, base64 or the view. With topics the sessions are followed, so that
// aliases have their names. Metrics whose names tell their quantity are samples, all others are told of as notices.
func DecodeSparkplug(data []byte) ([]devices.Report, error) {
	text := bytes.TrimSpace(data)
	if len(text) == 0 || text[0] != '{' && text[0] != '[' {
		p, err := sparkplug.Decode(data)
		if err != nil {
			return nil, err
		}
		return loneSparkplug(p).list(), nil
	}
	host := sparkplug.NewHost(0)
	return decodeHeard(data, func(h heard) (report, error) {
		if h.topic == "" {
			p, err := sparkplug.DecodeJSON(h.payload)
			return loneSparkplug(p), err
		}
		return recordedSparkplug(host, h)
	})
}

func loneSparkplug(p sparkplug.Payload) report {
	var r report
	for _, m := range p.Metrics {
		at := sparkplug.Time(p.Timestamp)
		if m.HasTimestamp {
			at = sparkplug.Time(m.Timestamp)
		}
		r.tellMetric(sparkplug.Event{Reading: sparkplug.Reading{
			Name: m.Name, Datatype: m.Datatype, Value: m.Value, Null: m.Null || m.Value.Kind == sparkplug.NoValue, Historical: m.Historical,
			At: at, Unit: m.Property("engUnit"),
		}}, fmt.Sprintf("alias %d", m.Alias))
	}
	if p.HasSeq {
		r.notices = append(r.notices, devices.Notice{Code: "seq", Text: fmt.Sprint(p.Seq)})
	}
	return r
}

// tellMetric adds a sample, or a notice of a metric that is none.
func (r *report) tellMetric(e sparkplug.Event, nameless string) {
	channel := strings.Trim(e.Node+"/"+e.Device+"/"+e.Reading.Name, "/")
	if e.Device == "" {
		channel = strings.Trim(e.Node+"/"+e.Reading.Name, "/")
	}
	if e.Reading.Name != "" && (sparkplugMap{}).add(r, e, devices.Sample{Channel: channel}, contacts{}) {
		return
	}
	if e.Reading.Name == "" {
		channel += nameless
	}
	word := e.Reading.Datatype.Text(e.Reading.Value)
	if e.Reading.Null {
		word = nullReason
	}
	r.notices = append(r.notices, devices.Notice{Code: "metric", Text: channel + "=" + word})
}

func recordedSparkplug(host *sparkplug.Host, h heard) (report, error) {
	var r report
	topic, err := sparkplug.ParseTopic(h.topic)
	if err != nil {
		return r, err
	}
	if topic.Verb == sparkplug.State {
		online, _, err := sparkplug.DecodeState(h.payload)
		r.notices = append(r.notices, devices.Notice{Code: "state", Text: fmt.Sprintf("host %s is online: %t", topic.Host, online)})
		return r, err
	}
	p, err := sparkplugPayload(h.payload)
	if err != nil {
		return r, err
	}
	if topic.Verb == sparkplug.NCmd || topic.Verb == sparkplug.DCmd {
		r.notices = append(r.notices, devices.Notice{Code: strings.ToLower(string(topic.Verb)), Text: h.topic})
		r.notices = append(r.notices, loneSparkplug(p).notices...)
		return r, nil
	}
	events, err := host.Hear(topic, p, time.Time{})
	for _, e := range events {
		if e.Kind == sparkplug.Measured {
			r.tellMetric(e, "")
		} else {
			r.notices = append(r.notices, sparkplugNotice(e))
		}
	}
	return r, err
}

// sparkplugPayload reads a payload that was written down as text.
func sparkplugPayload(text []byte) (sparkplug.Payload, error) {
	if text = bytes.TrimSpace(text); len(text) > 0 && text[0] == '{' {
		return sparkplug.DecodeJSON(text)
	}
	if b, err := hex.DecodeString(string(text)); err == nil {
		return sparkplug.Decode(b)
	}
	b, err := base64.StdEncoding.DecodeString(string(text))
	if err != nil {
		return sparkplug.Payload{}, errors.New("payload is neither hexadecimal nor base64")
	}
	return sparkplug.Decode(b)
}

// sparkplugNotice tells of an event that is no value.
func sparkplugNotice(e sparkplug.Event) devices.Notice {
	who := strings.Join(slices.DeleteFunc([]string{e.Group, e.Node, e.Device}, func(s string) bool { return s == "" }), "/")
	switch e.Kind {
	case sparkplug.Came:
		return devices.Notice{Code: "birth", Text: who}
	case sparkplug.Gone:
		return devices.Notice{Code: "death", Text: who}
	case sparkplug.Ask:
		return devices.Notice{Code: "birth_missing", Text: who + ": a host would ask for its births"}
	}
	return devices.Notice{Code: "lost", Text: e.Why}
}
