package mqttnode

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/unit"
)

// nullReason is the reason of a value that is there as null.
const nullReason = "null"

// maxHeard bounds the messages of one recording.
const maxHeard = 10_000

// heard is one message of a recording: what a technician has at hand. The topic is "" where nobody wrote it down.
type heard struct {
	topic   string
	payload []byte
}

// heardIn takes a recording apart: JSON values one after the other or in an array, each of them a payload, or
// {"topic":…,"payload":…} whose payload is the value itself or a text that holds it. A text that is no JSON is one payload.
func heardIn(data []byte) ([]heard, error) {
	data = bytes.TrimSpace(data)
	if len(data) == 0 {
		return nil, errors.New("there is no message")
	}
	var list []heard
	d := json.NewDecoder(bytes.NewReader(data))
	for {
		var doc json.RawMessage
		err := d.Decode(&doc)
		switch {
		case errors.Is(err, io.EOF):
			return list, nil
		case err != nil && len(list) == 0 && data[0] != '{' && data[0] != '[':
			return []heard{{payload: data}}, nil
		case err != nil:
			return list, fmt.Errorf("message %d is no JSON: %w", len(list), err)
		}
		if list = append(list, heardOf(doc)...); len(list) > maxHeard {
			return nil, fmt.Errorf("there are more than %d messages", maxHeard)
		}
	}
}

func heardOf(doc json.RawMessage) []heard {
	var docs []json.RawMessage
	if doc[0] != '[' || json.Unmarshal(doc, &docs) != nil {
		docs = []json.RawMessage{doc}
	}
	list := make([]heard, 0, min(len(docs), maxHeard+1))
	for _, d := range docs[:min(len(docs), maxHeard+1)] {
		var line struct {
			Topic   *string         `json:"topic"`
			Payload json.RawMessage `json:"payload"`
		}
		h := heard{payload: d}
		if json.Unmarshal(d, &line) == nil && line.Topic != nil && line.Payload != nil {
			h = heard{*line.Topic, line.Payload}
			var text string
			if json.Unmarshal(line.Payload, &text) == nil {
				h.payload = []byte(text)
			}
		}
		list = append(list, h)
	}
	return list
}

// decodeHeard is the frame of the sensors' devices.Decoders: one makes a report of each message, as their drivers do. It ends
// at the first message that cannot be read.
func decodeHeard(data []byte, one func(heard) (report, error)) ([]devices.Report, error) {
	messages, err := heardIn(data)
	var reports []devices.Report
	for _, h := range messages {
		r, bad := one(h)
		reports = append(reports, r.list()...)
		if bad != nil {
			return reports, inTopic(h.topic, bad)
		}
	}
	return reports, err
}

func inTopic(topic string, err error) error {
	if topic == "" {
		return err
	}
	return fmt.Errorf("%s: %w", topic, err)
}

// list gives a report as a devices.Decoder does.
func (r report) list() []devices.Report {
	var list []devices.Report
	for i := range r.inputs {
		list = append(list, devices.Report{GPI: &r.inputs[i]})
	}
	for i := range r.reads {
		list = append(list, devices.Report{Read: &r.reads[i]})
	}
	for i := range r.samples {
		list = append(list, devices.Report{Sample: &r.samples[i]})
	}
	for _, t := range r.troubles {
		if t.why != "" {
			list = append(list, notice("trouble", "%s", t.why))
		}
	}
	if r.lost > 0 {
		list = append(list, notice("unclear", "%s", r.lostWhy))
	}
	for i := range r.notices {
		list = append(list, devices.Report{Notice: &r.notices[i]})
	}
	switch r.presence {
	case online:
		list = append(list, notice("online", ""))
	case offline:
		list = append(list, notice("offline", ""))
	}
	if len(list) == 0 {
		list = append(list, notice("no_value", "nothing in it is measured"))
	}
	return list
}

// unclear notes values that are there but cannot be read.
func (r *report) unclear(what []string) {
	if len(what) > 0 {
		r.lost += uint64(len(what))
		r.lostWhy = "values that are no numbers: " + strings.Join(what, ", ")
	}
}

// judgement tells what a value is worth, and why: a catalogue's Range, or a Probe's.
type judgement func(unit.Milli) (devices.Quality, string)

// add adds a value, or that there is none.
func (r *report) add(s devices.Sample, null bool, judge judgement) {
	if null {
		s.Value, s.Quality, s.Reason = 0, devices.NoData, nullReason
	} else {
		s.Quality, s.Reason = judge(s.Value)
	}
	r.samples = append(r.samples, s)
}

// contacts remembers how the inputs of a device were, because nodes repeat with every report what has not changed.
type contacts map[uint8]bool

// change adds what is not as it was.
func (c contacts) change(r *report, device string, port uint8, high bool, at, now time.Time) {
	if was, known := c[port]; known && was == high {
		return
	}
	c[port] = high
	r.inputs = append(r.inputs, devices.GPI{Device: device, Port: port, High: high, ReaderTime: at, HostTime: now})
}

// unixTime reads seconds or milliseconds since 1970, told apart by their size; zero where the clock was not set.
func unixTime(v float64) time.Time {
	const oneYear3000 = 32_503_680_000
	if v > oneYear3000 {
		v /= 1000
	}
	if !(v > 0 && v < oneYear3000) {
		return time.Time{}
	}
	if t := time.UnixMilli(int64(v*1000 + 0.5)).UTC(); t.After(oldest) {
		return t
	}
	return time.Time{}
}
