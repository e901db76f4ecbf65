package broker

import (
	"fmt"
	"log/slog"
	"strings"
)

// natsLog gives the server's messages to slog. What the server calls fatal ends Run, not the process.
type natsLog struct {
	log   *slog.Logger
	fatal chan error
}

func (l natsLog) Noticef(format string, v ...any) { l.log.Debug("nats: " + fmt.Sprintf(format, v...)) }

func (l natsLog) Warnf(format string, v ...any) { l.log.Warn("nats: " + fmt.Sprintf(format, v...)) }

// Errorf takes handshakes that fail for warnings: they are the fault of who comes.
func (l natsLog) Errorf(format string, v ...any) {
	text := "nats: " + fmt.Sprintf(format, v...)
	if strings.Contains(text, "TLS handshake error") {
		l.log.Warn(text)
		return
	}
	l.log.Error(text)
}

func (l natsLog) Debugf(format string, v ...any) { l.log.Debug("nats: " + fmt.Sprintf(format, v...)) }

func (l natsLog) Tracef(format string, v ...any) { l.log.Debug("nats: " + fmt.Sprintf(format, v...)) }

func (l natsLog) Fatalf(format string, v ...any) {
	select {
	case l.fatal <- fmt.Errorf(format, v...):
	default:
	}
}
