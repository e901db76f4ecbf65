package influx

import (
	"strconv"
	"strings"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/hub/series"
)

// The fields of a point.
const (
	milliField   = "milli"
	qualityField = "quality"
)

// appendLine writes a valid sample as a line of line protocol, with its time in microseconds.
func appendLine(b []byte, s series.Sample) []byte {
	b = escaped(b, s.Quantity.String())
	b = appendTag(b, "channel", s.Channel)
	b = appendTag(b, "device", s.Device)
	b = appendTag(b, "edge", s.Edge)
	b = appendTag(b, "location", s.Location)
	b = append(b, ' ')
	if s.HasValue {
		b = strconv.AppendInt(append(b, milliField+"="...), int64(s.Value), 10)
		b = strconv.AppendFloat(append(b, "i,value="...), s.Value.Float(), 'f', -1, 64)
		b = append(b, ',')
	}
	if s.Quality != devices.Good || !s.HasValue {
		b = appendText(b, qualityField, s.Quality.String())
	}
	if s.Reason != "" {
		b = appendText(b, "reason", s.Reason)
	}
	b[len(b)-1] = ' ' // for the last comma
	return append(strconv.AppendInt(b, s.At.UnixMicro(), 10), '\n')
}

// appendTag writes a tag; one without a value is none.
func appendTag(b []byte, key, value string) []byte {
	if value == "" {
		return b
	}
	b = append(append(append(b, ','), key...), '=')
	return escaped(b, tagValue(value))
}

// appendText writes a field of text and a comma. Control characters, which not everybody reads, become spaces.
func appendText(b []byte, key, text string) []byte {
	b = append(append(b, key...), `="`...)
	for _, c := range []byte(text) {
		switch {
		case control(c):
			c = ' '
		case c == '"' || c == '\\':
			b = append(b, '\\')
		}
		b = append(b, c)
	}
	return append(b, `",`...)
}

func control(c byte) bool { return c < ' ' || c == 0x7f }

// escaped writes a name that has no control characters and no backslash.
func escaped(b []byte, name string) []byte {
	for _, c := range []byte(name) {
		if c == ',' || c == '=' || c == ' ' {
			b = append(b, '\\')
		}
		b = append(b, c)
	}
	return b
}

// tagValue is a name as the value of a tag. No two names become the same.
func tagValue(name string) string {
	var b strings.Builder
	for _, c := range []byte(name) {
		if control(c) || c == '%' || c == '\\' {
			b.Write([]byte{'%', "0123456789ABCDEF"[c>>4], "0123456789ABCDEF"[c&15]})
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}
