package influx

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	ihttp "github.com/influxdata/influxdb-client-go/v2/api/http"

	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/series"
)

// batch is how many points a request has: with more InfluxDB is not faster.
const batch = 5000

// Write is as series.Sink says. Where InfluxDB refuses points it fails with fault.Conflict.
func (db *DB) Write(ctx context.Context, samples []series.Sample) error {
	if err := series.Validate(samples); err != nil {
		return err
	}
	for part := range slices.Chunk(samples, batch) {
		if err := db.post(ctx, lines(part, func(s series.Sample) series.Sample { return s })); err != nil {
			return fmt.Errorf("cannot write %d samples: %w", len(part), err)
		}
	}
	return ctx.Err()
}

func lines[T any](all []T, sample func(T) series.Sample) string {
	b := make([]byte, 0, 160*len(all))
	for _, one := range all {
		b = appendLine(b, sample(one))
	}
	return string(b)
}

// post sends lines. The error is ctx's, a *refusal, or an *away.
func (db *DB) post(ctx context.Context, lines string) error {
	timed, cancel := context.WithTimeout(ctx, db.timeout)
	defer cancel()
	err := db.client.WriteAPIBlocking(db.org, db.bucket).WriteRecord(timed, lines)
	if err == nil {
		return nil
	}
	return db.explain(ctx, err)
}

// refusal is InfluxDB's word that it does not take some of the points it was sent. It may have taken the others.
type refusal struct {
	reason  string
	dropped int // how many it does not take; 0 where it does not say
}

func (r *refusal) Error() string { return "InfluxDB refuses points: " + r.reason }

func (*refusal) Unwrap() error { return fault.Conflict }

// away is what keeps InfluxDB from answering now.
type away struct {
	reason string
	after  time.Duration // when it wants to be asked again; 0 where it does not say
}

func (a *away) Error() string { return a.reason }

func (*away) Unwrap() error { return fault.Unavailable }

// explain makes an error of the client's one of post's.
func (db *DB) explain(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	answer := new(ihttp.Error)
	if !errors.As(err, &answer) || answer.StatusCode == 0 {
		return db.away(0, "%v; is it running, and can it be reached from here?", err)
	}
	reason := shorten(answer.Message)
	switch code := answer.StatusCode; {
	case code == http.StatusBadRequest, code == http.StatusRequestEntityTooLarge, code == http.StatusUnprocessableEntity:
		return &refusal{reason, dropped(answer.Message)}
	case code == http.StatusUnauthorized || code == http.StatusForbidden:
		return db.away(0, "it does not let the hub in (%d: %s); check token and org", code, reason)
	case code == http.StatusNotFound:
		return db.away(0, "it has no such bucket (%s); create bucket %q there", reason, db.bucket)
	default:
		return db.away(retryAfter(answer.Header.Get("Retry-After")), "it answers %d: %s", code, reason)
	}
}

func (db *DB) away(after time.Duration, format string, args ...any) error {
	return &away{fmt.Sprintf("InfluxDB at %s cannot be used now: %s", db.url, fmt.Sprintf(format, args...)), after}
}

var droppedPoints = regexp.MustCompile(`\bdropped=(\d+)`)

// dropped is how many points a message of a partial write says were not taken.
func dropped(message string) int {
	m := droppedPoints.FindStringSubmatch(message)
	if m == nil {
		return 0
	}
	n, err := strconv.Atoi(m[1])
	if err != nil {
		return 0
	}
	return n
}

// longestWait is how long InfluxDB may keep the hub waiting by one Retry-After.
const longestWait = 10 * time.Minute

// retryAfter reads a Retry-After: seconds or a date.
func retryAfter(header string) time.Duration {
	var wait time.Duration
	if seconds, err := strconv.ParseUint(header, 10, 31); err == nil {
		wait = time.Duration(seconds) * time.Second
	} else if at, err := http.ParseTime(header); err == nil {
		wait = time.Until(at)
	}
	return min(max(wait, 0), longestWait)
}

// shorten keeps a message to its beginning: InfluxDB repeats what it does not take.
func shorten(message string) string {
	const most = 500
	message = strings.ToValidUTF8(strings.ReplaceAll(strings.TrimSpace(message), "\x00", ""), "?")
	if len(message) <= most {
		return message
	}
	return strings.ToValidUTF8(message[:most], "") + "…"
}

// shortErrors cuts off what an answer that is an error says beyond 64 KiB.
type shortErrors struct{ http.RoundTripper }

func (s shortErrors) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := s.RoundTripper.RoundTrip(r)
	if err == nil && answer.StatusCode >= 300 {
		answer.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(answer.Body, 64<<10), answer.Body}
	}
	return answer, err
}
