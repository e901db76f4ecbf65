package pn532

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tallydock/tallydock/devices/framing"
)

// Times that a talk keeps to, machine time.
const (
	ackTime    = 300 * time.Millisecond // for the ACK of a command; the chip takes 15 ms
	answerTime = time.Second            // for the response
	cardTime   = 500 * time.Millisecond // for the response to an InDataExchange, which a card may draw out
	tries      = 3                      // how often a command is sent before the pad counts as gone
)

var (
	// errPort says that the pad or the line to it fails.
	errPort = errors.New("pad does not work")
	// errExchange says that a card did not answer, or not well; it may be tried again.
	errExchange = errors.New("exchange with the card failed")

	errSyntax = errors.New("it does not understand the command")
)

// talk is a conversation with a PN532: commands and responses.
type talk struct {
	port    Port
	frames  *framing.Reader[Frame]
	open    bool   // the chip may still be at work on the last command
	repeats uint64 // commands sent again since noise was asked
}

// noise gives how many bytes belonged to no frame, and how many commands had to be sent again, since it was last asked.
func (t *talk) noise() (bytes, repeats uint64) {
	repeats, t.repeats = t.repeats, 0
	return t.frames.Skipped(), repeats
}

// ask sends a command, after a prologue, until it is acknowledged and answered. The Frame counts until the next call.
// Errors are errPort.
func (t *talk) ask(ctx context.Context, c Command, prologue string) (Frame, error) {
	f, err := t.repeat(ctx, c, prologue, answerTime, time.Time{})
	if errors.Is(err, framing.ErrSilent) {
		err = fmt.Errorf("it does not answer; check cable, power and that its switches say HSU: %w", err)
	}
	if errors.Is(err, errSyntax) {
		err = fmt.Errorf("command 0x%02x: %w", byte(c.Code), err)
	}
	return f, asPort(err)
}

func asPort(err error) error {
	if err == nil || errors.Is(err, errPort) {
		return err
	}
	return portError{err}
}

// portError is an errPort that says only what it wraps.
type portError struct{ error }

func (e portError) Unwrap() error        { return e.error }
func (e portError) Is(target error) bool { return target == errPort }

// exchange sends bytes to a listed card and gives its answer, which counts until the next call. It begins nothing after
// until. Errors are errExchange, or errPort where the port itself fails.
func (t *talk) exchange(ctx context.Context, card byte, command []byte, until time.Time) ([]byte, error) {
	f, err := t.repeat(ctx, Command{Code: InDataExchange, Card: card, Data: command}, "", cardTime, until)
	if errors.Is(err, framing.ErrSilent) || errors.Is(err, errSyntax) {
		return nil, fmt.Errorf("%w: %w", errExchange, err)
	}
	if err != nil {
		return nil, asPort(err)
	}
	a, err := ParseAnswer(f)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: %w", errExchange, err)
	case a.Status != 0:
		return nil, fmt.Errorf("%w: status %02x, %s", errExchange, byte(a.Status), a.Status)
	case a.More:
		return nil, fmt.Errorf("%w: its answer is longer than was asked for", errExchange)
	}
	return a.Data, nil
}

// repeat sends a command up to some times, none of them after until where that is set, and waits within for the response.
func (t *talk) repeat(ctx context.Context, c Command, prologue string, within time.Duration, until time.Time) (Frame, error) {
	err := error(framing.ErrSilent)
	for i := range tries {
		if !until.IsZero() && !time.Now().Before(until) {
			return Frame{}, err
		}
		if i > 0 {
			t.repeats++
		}
		var f Frame
		f, err = t.once(ctx, c, prologue, within)
		if !errors.Is(err, framing.ErrSilent) && !errors.Is(err, errSyntax) { // noise may have made another command of it
			return f, err
		}
	}
	return Frame{}, err
}

func (t *talk) once(ctx context.Context, c Command, prologue string, within time.Duration) (Frame, error) {
	out := []byte(prologue)
	if t.open { // an ACK from the host ends what the chip may still be doing, so that no answer comes late
		out = Frame{Kind: ACK}.Append(out)
	}
	if _, err := t.port.Write(c.Frame().Append(out)); err != nil {
		return Frame{}, fmt.Errorf("cannot write to it: %w", err)
	}
	f, err := t.answer(ctx, c.Code, within)
	t.open = errors.Is(err, framing.ErrSilent)
	return f, err
}

// answer waits for the ACK and then for the response. A response before the ACK is a late one to an earlier command.
func (t *talk) answer(ctx context.Context, code Code, within time.Duration) (Frame, error) {
	acknowledged := false
	deadline := time.Now().Add(ackTime)
	for { // a device that talks without end is as one that is silent
		if !time.Now().Before(deadline) {
			return Frame{}, framing.ErrSilent
		}
		f, err := t.frames.Next(ctx, time.Until(deadline))
		switch {
		case err != nil:
			return Frame{}, err
		case f.Kind == ACK && !acknowledged:
			acknowledged, deadline = true, time.Now().Add(within)
		case !acknowledged:
		case f.Kind == SyntaxError:
			return Frame{}, errSyntax
		case f.Kind == Data && f.Direction == FromChip && f.Code == code.Response():
			return f, nil
		}
	}
}
