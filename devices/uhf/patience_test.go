package uhf_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/devicetest"
	"github.com/tallydock/tallydock/devices/uhf"
)

// script is a port that plays a reader in the time of the test's bubble: each command is answered by react.
type script struct {
	react func(uhf.Command) []byte
	err   error // of Write

	mu   sync.Mutex
	sent []uhf.Command
	out  []byte
}

// say lets the reader say something by itself.
func (s *script) say(b ...[]byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.out = append(s.out, bytes.Join(b, nil)...)
}

func (s *script) Read(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.out) == 0 {
		s.mu.Unlock()
		time.Sleep(100 * time.Millisecond)
		s.mu.Lock()
		return 0, nil
	}
	n := copy(b, s.out)
	s.out = s.out[n:]
	return n, nil
}

func (s *script) Write(b []byte) (int, error) {
	if s.err != nil {
		return 0, s.err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for have := b; ; {
		f, rest, _, err := uhf.Decode(have)
		if err != nil {
			return len(b), nil
		}
		c, _ := uhf.ParseCommand(f)
		s.sent = append(s.sent, c)
		s.out = append(s.out, s.react(c)...)
		have = rest
	}
}

func (s *script) Close() error { return nil }

func (s *script) count(code uhf.Code) (n int) {
	for _, c := range s.sent {
		if c.Code == code {
			n++
		}
	}
	return n
}

func (s *script) driver() *uhf.Driver {
	return uhf.New(uhf.Config{
		ID: "uhf-a1", Now: time.Now, Dial: func(context.Context) (uhf.Port, error) { return s, nil },
	})
}

// polite answers a version command and is silent otherwise.
func polite(c uhf.Command) []byte {
	if c.Code == uhf.Version {
		return uhf.VersionReply(c.Part, "M100").Append(nil)
	}
	return nil
}

func TestPollingStartsAgainAfterTwoSecondsOfSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{react: polite}
		ctx, cancel := context.WithTimeout(t.Context(), 21*time.Second)
		defer cancel()
		if err := s.driver().Run(ctx, &devicetest.Sink{}); err != nil {
			t.Fatal(err)
		}
		if polls := s.count(uhf.MultiPoll); polls < 9 || polls > 11 {
			t.Errorf("polling was started %d times in 20 s", polls)
		}
		if last := s.sent[len(s.sent)-1]; last.Code != uhf.Stop {
			t.Errorf("the last command was %+v, not stop", last)
		}
	})
}

func TestAReaderThatNeverAnswersIsGivenUpAfterThreeTries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{react: func(uhf.Command) []byte { return nil }}
		sink := &devicetest.Sink{}
		began := time.Now()
		err := s.driver().Run(t.Context(), sink)
		if err == nil || !strings.Contains(err.Error(), "does not answer") || s.count(uhf.Version) != 3 {
			t.Errorf("%v after %d tries", err, s.count(uhf.Version))
		}
		if took := time.Since(began); took > 3*time.Second || len(sink.Healths()) != 0 {
			t.Errorf("it took %s; health reports %+v", took, sink.Healths())
		}
	})
}

func TestAReaderThatFallsSilentForGoodIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		greeted := false
		s := &script{react: func(c uhf.Command) []byte {
			if c.Code != uhf.Version || greeted {
				return nil
			}
			greeted = true
			return polite(c)
		}}
		began := time.Now()
		err := s.driver().Run(t.Context(), &devicetest.Sink{})
		if took := time.Since(began); err == nil || took > 5*time.Second {
			t.Errorf("%v after %s", err, took)
		}
	})
}

func TestAPortThatTakesNoBytesIsAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("line does not take the bytes")
		err := (&script{err: broken}).driver().Run(t.Context(), &devicetest.Sink{})
		if !errors.Is(err, broken) {
			t.Error(err)
		}
	})
}

func TestTroubleOnTheLineIsReportedWhileItLastsAndItsEndOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ghost, _ := uhf.NewNotice([]byte{1, 2}, -40)
		ghost.CRC++
		noTag := uhf.Failed(uhf.NoTag).Append(nil)
		s := &script{react: polite}
		sink := &devicetest.Sink{}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- s.driver().Run(ctx, sink) }()
		time.Sleep(1500 * time.Millisecond) // it is up
		for second := range 45 {
			if second < 18 {
				s.say(ghost.Append([]byte("~~")), uhf.Failed(uhf.HopFail).Append(nil))
			}
			s.say(noTag)
			time.Sleep(time.Second)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
		checkTrouble(t, sink.Healths())
		if len(sink.Reads()) != 0 {
			t.Errorf("reads %+v", sink.Reads())
		}
	})
}

func checkTrouble(t *testing.T, got []devices.Health) {
	t.Helper()
	states, lost := "", uint64(0)
	for _, h := range got {
		states += h.State.String() + " "
		lost += h.Lost
		if h.State != devices.Degraded {
			continue
		}
		for _, part := range []string{"bytes on the line", "wrong CRC", "radio channel"} {
			if !strings.Contains(h.Reason, part) {
				t.Errorf("reason %q does not tell of %s", h.Reason, part)
			}
		}
	}
	if states != "up degraded degraded up " || lost != 18 {
		t.Errorf("health was %s, %d sightings lost", states, lost)
	}
}
