package store

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
)

// badgerLog gives Badger's log to slog: its errors and warnings as such, the rest as debug.
type badgerLog struct{ log *slog.Logger }

func (l badgerLog) Errorf(format string, args ...any)   { l.log.Error(message(format, args)) }
func (l badgerLog) Warningf(format string, args ...any) { l.log.Warn(message(format, args)) }
func (l badgerLog) Infof(format string, args ...any)    { l.debug(format, args) }
func (l badgerLog) Debugf(format string, args ...any)   { l.debug(format, args) }

func (l badgerLog) debug(format string, args []any) {
	if l.log.Enabled(context.Background(), slog.LevelDebug) {
		l.log.Debug(message(format, args))
	}
}

func message(format string, args []any) string {
	return "badger: " + strings.TrimSpace(fmt.Sprintf(format, args...))
}
