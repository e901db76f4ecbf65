// Package framing takes frames out of a byte port, for protocols whose frames are found by length and checksum.
package framing

import (
	"context"
	"errors"
	"io"
	"time"
)

// ErrSilent says that no frame came in time.
var ErrSilent = errors.New("no frame came in time")

// patience is how long the rest of a frame may take to come; the longest frame of the protocols here takes 50 ms at
// 115200 baud. It is counted while reading only, so a gateway that is busy elsewhere tears no frame apart.
const patience = 200 * time.Millisecond

// Decoder takes the first frame out of buf. skipped counts the bytes before it that belong to no frame. On an error
// there is no whole frame, and rest starts where one may have begun; it must then be shorter than the Reader's size.
type Decoder[F any] func(buf []byte) (frame F, rest []byte, skipped int, err error)

// Reader reads frames of type F. One goroutine uses it.
type Reader[F any] struct {
	port    io.Reader
	decode  Decoder[F]
	buf     []byte
	from    int // buf[from:to] is not decoded yet
	to      int
	waited  time.Duration // how long reads have taken since a frame may have begun at from
	skipped uint64
}

// NewReader makes a Reader of a port whose Read answers (0, nil) when nothing came for a moment (about 100 ms). maxFrame
// is the longest frame in bytes.
func NewReader[F any](port io.Reader, maxFrame int, decode Decoder[F]) *Reader[F] {
	return &Reader[F]{port: port, decode: decode, buf: make([]byte, max(4*maxFrame, 4096))}
}

// Next gives the next frame, which may lie in the Reader's memory until the next call. It fails with ErrSilent when none
// has come within d, with the context's error, or with the port's. Bytes that come but make no frame do not break the
// silence.
func (r *Reader[F]) Next(ctx context.Context, d time.Duration) (F, error) {
	var none F
	deadline := time.Now().Add(d)
	for {
		if frame, ok := r.take(); ok {
			return frame, nil
		}
		if err := ctx.Err(); err != nil {
			return none, err
		}
		if !time.Now().Before(deadline) {
			return none, ErrSilent
		}
		if err := r.fill(); err != nil {
			return none, err
		}
	}
}

// Skipped gives how many bytes belonged to no frame since it was last asked.
func (r *Reader[F]) Skipped() uint64 {
	n := r.skipped
	r.skipped = 0
	return n
}

// take decodes what is there. What looks like a frame's start but was not completed in time is given up, a byte at a
// time, because a frame may have begun behind it.
func (r *Reader[F]) take() (F, bool) {
	for {
		frame, rest, skipped, err := r.decode(r.buf[r.from:r.to])
		from := r.to - len(rest)
		if from > r.from {
			r.waited = 0
		}
		r.from = from
		r.skipped += uint64(skipped)
		if err == nil {
			return frame, true
		}
		if r.from == r.to || r.waited < patience {
			return frame, false
		}
		r.from++
		r.skipped++
	}
}

func (r *Reader[F]) fill() error {
	copy(r.buf, r.buf[r.from:r.to])
	r.from, r.to = 0, r.to-r.from
	began := time.Now()
	n, err := r.port.Read(r.buf[r.to:])
	if r.to > 0 {
		r.waited += time.Since(began)
	} else {
		r.waited = 0
	}
	r.to += n
	if n > 0 {
		return nil // what came before an error counts; the next Read gives it again
	}
	return err
}
