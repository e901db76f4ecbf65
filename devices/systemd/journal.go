package systemd

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"syscall"
)

// InJournal tells whether a file, such as standard error, leads into the journal: JOURNAL_STREAM names its device and inode.
func InJournal(f *os.File, env func(name string) (string, bool)) bool {
	stream, ok := env("JOURNAL_STREAM")
	if !ok || stream == "" {
		return false
	}
	info, err := f.Stat()
	if err != nil {
		return false
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && stream == fmt.Sprintf("%d:%d", stat.Dev, stat.Ino)
}

// Lines is a slog handler for the journal: a line per record that begins with its level as the kernel counts, <7> debug to
// <3> error, and has no time, which the journal adds itself.
type Lines struct {
	out  *output
	text slog.Handler
}

// output is what all handlers of one destination share.
type output struct {
	mu   sync.Mutex
	w    io.Writer
	line bytes.Buffer
}

// NewLines makes a handler that writes to w what has level or more.
func NewLines(w io.Writer, level slog.Leveler) *Lines {
	out := &output{w: w}
	return &Lines{out, slog.NewTextHandler(&out.line, &slog.HandlerOptions{Level: level, ReplaceAttr: leaveOut})}
}

// leaveOut drops what the journal knows already: the record's own time and level.
func leaveOut(groups []string, a slog.Attr) slog.Attr {
	_, level := a.Value.Any().(slog.Level)
	if len(groups) == 0 && (a.Key == slog.TimeKey && a.Value.Kind() == slog.KindTime || a.Key == slog.LevelKey && level) {
		return slog.Attr{}
	}
	return a
}

// Enabled implements slog.Handler.
func (l *Lines) Enabled(ctx context.Context, level slog.Level) bool {
	return l.text.Enabled(ctx, level)
}

// Handle implements slog.Handler.
func (l *Lines) Handle(ctx context.Context, r slog.Record) error {
	l.out.mu.Lock()
	defer l.out.mu.Unlock()
	l.out.line.Reset()
	l.out.line.WriteString(priority(r.Level))
	if err := l.text.Handle(ctx, r); err != nil {
		return err
	}
	_, err := l.out.w.Write(l.out.line.Bytes())
	return err
}

func priority(level slog.Level) string {
	switch {
	case level >= slog.LevelError:
		return "<3>"
	case level >= slog.LevelWarn:
		return "<4>"
	case level >= slog.LevelInfo:
		return "<6>"
	default:
		return "<7>"
	}
}

// WithAttrs implements slog.Handler.
func (l *Lines) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &Lines{l.out, l.text.WithAttrs(attrs)}
}

// WithGroup implements slog.Handler.
func (l *Lines) WithGroup(name string) slog.Handler { return &Lines{l.out, l.text.WithGroup(name)} }
