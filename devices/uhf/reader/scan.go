package reader

import (
	"errors"
	"fmt"

	"github.com/tallydock/tallydock/devices"
)

// ErrIncomplete says that more bytes are needed.
var ErrIncomplete = errors.New("frame is not complete")

// At reads the one frame at the start of b, which has at least a byte, and gives its length. It fails with ErrIncomplete
// where b may be the start of a longer frame, else with the reason why no frame begins there.
type At[F any] func(b []byte) (f F, n int, err error)

// First takes the first frame out of buf, as framing.Decoder wants it. Bytes before it that belong to no frame are skipped
// and counted. Without a whole frame it gives ErrIncomplete, and rest is what must be kept.
//
// A stray head can look like the start of a long frame. Who hears nothing more for a while should drop the first byte of
// rest and try again.
func First[F any](buf []byte, at At[F]) (f F, rest []byte, skipped int, err error) {
	for i := range buf {
		f, n, err := at(buf[i:])
		switch {
		case err == nil:
			return f, buf[i+n:], i, nil
		case errors.Is(err, ErrIncomplete):
			return f, buf[i:], i, ErrIncomplete
		}
	}
	return f, buf[len(buf):], len(buf), ErrIncomplete
}

// Reports tells what frames in a row say, for a devices.Decoder: data must be whole frames and nothing else. The reports
// must not share memory with data.
func Reports[F any](data []byte, at At[F], of func(F) ([]devices.Report, error)) ([]devices.Report, error) {
	if len(data) == 0 {
		return nil, errors.New("there are no bytes; a whole frame is wanted")
	}
	var all []devices.Report
	for from := 0; from < len(data); {
		f, n, err := at(data[from:])
		if err != nil {
			return all, fmt.Errorf("byte %d: %w", from, err)
		}
		some, err := of(f)
		all = append(all, some...)
		if err != nil {
			return all, fmt.Errorf("frame at byte %d: %w", from, err)
		}
		from += n
	}
	return all, nil
}

// Note makes the reports of a frame that says one thing which is no sighting.
func Note(code, format string, values ...any) []devices.Report {
	return []devices.Report{{Notice: &devices.Notice{Code: code, Text: fmt.Sprintf(format, values...)}}}
}

// Sightings makes reports of reads.
func Sightings(reads ...devices.Read) []devices.Report {
	all := make([]devices.Report, len(reads))
	for i := range reads {
		all[i].Read = &reads[i]
	}
	return all
}
