package llrp

import (
	"context"
	"errors"
	"io"
	"time"
)

// errQuiet says that no message came in time.
var errQuiet = errors.New("no message came in time")

// stream takes messages out of the bytes of a port. Bytes that are no message, which only a broken reader sends, are passed
// over one by one until a header is found again. Its memory grows with what has come, not with what a length says.
type stream struct {
	port     io.Reader
	buf      []byte
	from, to int           // buf[from:to] is not understood yet
	quiet    time.Duration // how long reads have waited since the last message
	skipped  uint64        // bytes that were no message
}

func newStream(port io.Reader) *stream { return &stream{port: port, buf: make([]byte, 16<<10)} }

// next gives the next message, whose payload lies in the stream's memory until the next call. It fails with errQuiet
// where none comes within d, with the context's error, or with the port's. What has come already counts however late it is
// asked for, because the gateway may have been busy elsewhere.
func (s *stream) next(ctx context.Context, d time.Duration) (Header, []byte, error) {
	deadline := time.Now().Add(d)
	var late, idle bool
	for {
		if h, payload, ok := s.take(); ok {
			s.quiet = 0
			return h, payload, nil
		}
		if err := ctx.Err(); err != nil {
			return Header{}, nil, err
		}
		if growing := !idle && s.to-s.from >= HeaderSize; late && !growing {
			return Header{}, nil, errQuiet
		}
		late = !time.Now().Before(deadline)
		n, err := s.fill()
		if err != nil {
			return Header{}, nil, err
		}
		idle = n == 0
	}
}

func (s *stream) take() (Header, []byte, bool) {
	for s.to-s.from >= HeaderSize {
		h, payload, rest, err := Next(s.buf[s.from:s.to])
		switch {
		case err == nil:
			s.from = s.to - len(rest)
			return h, payload, true
		case errors.Is(err, errShort):
			return h, nil, false
		}
		s.from++
		s.skipped++
	}
	return Header{}, nil, false
}

func (s *stream) fill() (int, error) {
	if s.from > 0 {
		copy(s.buf, s.buf[s.from:s.to])
		s.from, s.to = 0, s.to-s.from
	}
	if s.to == len(s.buf) { // no more than MaxMessage, for then a message would be whole
		s.buf = append(s.buf, make([]byte, len(s.buf))...)
	}
	began := time.Now()
	n, err := s.port.Read(s.buf[s.to:])
	s.quiet += time.Since(began)
	s.to += n
	if n > 0 {
		return n, nil // what came before an error counts; the next Read gives it again
	}
	return 0, err
}

// garbage gives how many bytes were no message since it was last asked.
func (s *stream) garbage() uint64 {
	n := s.skipped
	s.skipped = 0
	return n
}
