package mqttnode

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// maxEvents bounds the events of one message.
const maxEvents = 10_000

// documents takes a payload apart: one JSON object, several one after the other (NDJSON, with CRLF as keep-alive between
// them), or an array of objects. What follows a broken object is given up.
func documents(b []byte) ([]json.RawMessage, error) {
	b = bytes.TrimSpace(b)
	if len(b) > 0 && b[0] == '[' {
		var list []json.RawMessage
		if err := json.Unmarshal(b, &list); err != nil {
			return nil, fmt.Errorf("payload is no JSON array: %w", err)
		}
		if len(list) > maxEvents {
			return nil, fmt.Errorf("payload has %d events; at most %d are possible", len(list), maxEvents)
		}
		return list, nil
	}
	var list []json.RawMessage
	d := json.NewDecoder(bytes.NewReader(b))
	for d.More() {
		var one json.RawMessage
		if err := d.Decode(&one); err != nil {
			return list, fmt.Errorf("payload is no JSON: %w", err)
		}
		if list = append(list, one); len(list) > maxEvents {
			return list, fmt.Errorf("payload has more than %d events", maxEvents)
		}
	}
	return list, nil
}

// each decodes every document of a payload into a T; the events before and after a bad one are kept.
func each[T any](b []byte) ([]T, error) {
	docs, err := documents(b)
	events := make([]T, 0, len(docs))
	for _, doc := range docs {
		var e T
		if bad := json.Unmarshal(doc, &e); bad != nil {
			err = errors.Join(err, bad)
			continue
		}
		events = append(events, e)
	}
	return events, err
}

// oldest is the first moment that is taken for a set clock; before it a device has not learned the time yet.
var oldest = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)

// deviceTime reads a time stamp with a zone; zero when it has none, cannot be read, or comes from a clock that was not
// set.
func deviceTime(s string) time.Time {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999-0700"} {
		if t, err := time.Parse(layout, s); err == nil && t.After(oldest) {
			return t.UTC()
		}
	}
	return time.Time{}
}
