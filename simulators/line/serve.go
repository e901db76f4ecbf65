package line

import (
	"context"
	"fmt"
	"time"
)

// chunk is how many bytes a reading takes at most.
const chunk = 512

// Serve reads the line and lets work have what comes, until ctx ends; an empty slice says that nothing came for a
// moment. The input is closed when the line is; work then returns, as it does when ctx ends.
func (l *Line) Serve(ctx context.Context, work func(ctx context.Context, input <-chan []byte)) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	input, done := make(chan []byte), make(chan struct{})
	go func() {
		defer close(done)
		work(ctx, input)
		stop()
	}()
	err := l.pump(ctx, input)
	close(input)
	<-done
	if err != nil {
		return fmt.Errorf("cannot go on: %w", err)
	}
	return nil
}

func (l *Line) pump(ctx context.Context, input chan<- []byte) error {
	for {
		b := make([]byte, chunk)
		n, err := l.Read(b)
		if err != nil {
			return err
		}
		select {
		case input <- b[:n:n]:
		case <-ctx.Done():
			return nil
		}
	}
}

// Baud is a line's speed, for those who pace themselves.
type Baud int

// Takes is how long n bytes take at 8N1.
func (b Baud) Takes(n int) time.Duration {
	return time.Duration(n) * 10 * time.Second / time.Duration(max(b, 1))
}
