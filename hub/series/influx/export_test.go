package influx

import (
	"io"
	"strings"
	"time"

	"github.com/influxdata/influxdb-client-go/v2/api"

	"github.com/tallydock/tallydock/hub/series"
)

// What tests look at from outside.
var (
	AppendLine = appendLine
	FluxString = fluxString
	TagValue   = tagValue
)

// Collect reads an answer.
func Collect(answer, channel string, from, to time.Time) ([]series.Reading, error) {
	all, err := collect(api.NewQueryTableResult(io.NopCloser(strings.NewReader(answer))), channel, from, to)
	return sorted(all), err
}
