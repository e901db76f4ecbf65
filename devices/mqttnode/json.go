package mqttnode

import "time"

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
