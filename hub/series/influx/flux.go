package influx

import (
	"fmt"
	"strings"
	"time"

	"github.com/tallydock/tallydock/hub/series"
)

// readingsQuery asks for the points of a sensor at from ≤ t < to: of each its value or, where it has none, its quality.
// Sensors without a channel cannot be asked for apart from their device's others.
func readingsQuery(bucket string, s series.Sensor, from, to time.Time) string {
	var b strings.Builder
	fmt.Fprintf(&b, "from(bucket: %s)\n", fluxString(bucket))
	fmt.Fprintf(&b, "  |> range(start: %s, stop: %s)\n", from.UTC().Format(time.RFC3339Nano), to.UTC().Format(time.RFC3339Nano))
	fmt.Fprintf(&b, "  |> filter(fn: (r) => r._measurement == %s", fluxString(s.Quantity))
	for _, tag := range []struct{ key, value string }{{"edge", s.Edge}, {"device", s.Device}, {"channel", s.Channel}} {
		if tag.value != "" {
			fmt.Fprintf(&b, " and r.%s == %s", tag.key, fluxString(tagValue(tag.value)))
		}
	}
	fmt.Fprintf(&b, " and (r._field == %q or r._field == %q))\n", milliField, qualityField)
	b.WriteString(`  |> keep(columns: ["_time", "_value", "_field", "channel", "location"])`)
	return b.String()
}

// fluxString is text as a string of Flux. All but plain characters stand as bytes in hexadecimal, so that nothing in it can
// be taken for the string's end or for an expression to fill in.
func fluxString(text string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, c := range []byte(text) {
		plain := c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '-' || c == '_' || c == '.' || c == '/' || c == ':'
		if plain {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, `\x%02x`, c)
		}
	}
	b.WriteByte('"')
	return b.String()
}
