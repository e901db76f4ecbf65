package llrp_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/devicetest"
	"github.com/tallydock/tallydock/devices/llrp"
)

func TestAReaderThatRefusesToBeAskedReportsEachTag(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPretender(t)
		p.refuses[llrp.GetReportType] = llrp.UnsupportedMessage
		_, running := start(t, p, p.piped())
		p.await(llrp.AddROSpecType)
		if spec := p.await(llrp.AddROSpecType).Body.(*llrp.AddROSpec).Spec; spec.Report.N != 1 {
			t.Errorf("reports are %+v", spec.Report)
		}
		p.await(llrp.StartROSpecType)
		time.Sleep(10 * time.Second)
		p.mu.Lock()
		if p.polls > 15 {
			t.Errorf("it was asked %d times", p.polls)
		}
		p.mu.Unlock()
		running.Stop(t)
	})
}

func TestAReaderThatLeavesQuestionsUnansweredReportsEachTag(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPretender(t)
		p.replies = func(m llrp.Message) (llrp.Body, bool) { return nil, m.Body.Kind() == llrp.GetReportType }
		_, running := start(t, p, p.piped())
		if spec := p.await(llrp.AddROSpecType).Body.(*llrp.AddROSpec).Spec; spec.Report.N != 100 {
			t.Errorf("reports are first %+v", spec.Report)
		}
		time.Sleep(15 * time.Second)
		if spec := p.await(llrp.AddROSpecType).Body.(*llrp.AddROSpec).Spec; spec.Report.N != 1 {
			t.Errorf("reports are then %+v", spec.Report)
		}
		running.Stop(t)
	})
}

func TestAReaderThatAnswersKeepsItsROSpec(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPretender(t)
		_, running := start(t, p, p.piped())
		p.await(llrp.StartROSpecType)
		time.Sleep(10 * time.Minute)
		p.mu.Lock()
		if len(p.heard) != 0 || p.polls < 2500 || p.polls > 6100 {
			t.Errorf("it was asked %d times and told %d other things", p.polls, len(p.heard))
		}
		p.mu.Unlock()
		running.Stop(t)
	})
}

func TestAnROSpecThatEndsIsGivenAgainButNotWithoutPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPretender(t)
		sink, running := start(t, p, p.piped())
		sink.WaitState(t, devices.Up)
		began := time.Now()
		for range 3 {
			spec := p.await(llrp.StartROSpecType).Body.(*llrp.SpecCommand).Spec
			p.event(llrp.Events{UTC: utc(noon), ROSpec: &llrp.ROSpecEvent{Event: llrp.ROSpecEnded, ROSpecID: spec}})
			p.event(llrp.Events{UTC: utc(noon), ROSpec: &llrp.ROSpecEvent{Event: llrp.ROSpecEnded, ROSpecID: spec + 100}})
		}
		p.await(llrp.StartROSpecType)
		if took := time.Since(began); took < 2*time.Second || took > 5*time.Second {
			t.Errorf("three times took %s", took)
		}
		running.Stop(t)
	})
}

func TestKeepAlivesAreAnsweredAndTheirAbsenceIsAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPretender(t)
		p.replies = func(m llrp.Message) (llrp.Body, bool) { return nil, m.Body.Kind() == llrp.GetReportType }
		sink, running := start(t, p, p.piped())
		sink.WaitState(t, devices.Up)
		began := time.Now()
		for id := range uint32(6) {
			time.Sleep(20 * time.Second)
			p.say(100+id, &llrp.Bare{Type: llrp.KeepAliveType})
			if ack := p.await(llrp.KeepAliveAckType); ack.ID != 100+id {
				t.Errorf("acknowledged is %d, not %d", ack.ID, 100+id)
			}
		}
		time.Sleep(25 * time.Second)
		err := running.End(t)
		if took := time.Since(began); err == nil || !strings.Contains(err.Error(), "said nothing for 30s") || took > 155*time.Second {
			t.Errorf("%v after %s", err, took)
		}
	})
}

func TestAReaderThatSaysNothingIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPretender(t)
		sink := &devicetest.Sink{}
		err := llrp.New(p.piped()).Run(t.Context(), sink)
		if err == nil || !strings.Contains(err.Error(), "says nothing") || len(sink.Healths()) != 0 {
			t.Errorf("%v, %v", err, sink.Healths())
		}
	})
}

func TestAnUnansweredCommandIsAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPretender(t)
		p.replies = func(m llrp.Message) (llrp.Body, bool) { return nil, m.Body.Kind() == llrp.AddROSpecType }
		p.answer()
		err := llrp.New(p.piped()).Run(t.Context(), &devicetest.Sink{})
		if err == nil || !strings.Contains(err.Error(), "does not answer ADD_ROSPEC within 5s") {
			t.Error(err)
		}
	})
}

func TestAReaderThatDoesNotAnswerIsLeftWithinASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPretender(t)
		sink, running := start(t, p, p.piped())
		sink.WaitState(t, devices.Up)
		p.mu.Lock()
		p.replies = func(llrp.Message) (llrp.Body, bool) { return nil, true }
		p.mu.Unlock()
		began := time.Now()
		running.Stop(t)
		if took := time.Since(began); took > time.Second {
			t.Errorf("it took %s", took)
		}
	})
}

func TestTroubleIsToldAtOnceAndItsEndLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPretender(t)
		c := p.piped()
		c.Antennas = []uint16{1, 2}
		p.props = []llrp.AntennaProperties{{Connected: true, Antenna: 1}, {Antenna: 2}, {Antenna: 3}}
		sink, running := start(t, p, c)
		expect := func(state devices.HealthState, parts ...string) {
			t.Helper()
			time.Sleep(400 * time.Millisecond)
			h := last(sink)
			if h.State != state || (len(parts) == 0) != (h.Reason == "") {
				t.Errorf("health is %+v, want %s", h, state)
			}
			for _, part := range parts {
				if !strings.Contains(h.Reason, part) {
					t.Errorf("reason %q does not tell of %s", h.Reason, part)
				}
			}
		}
		expect(devices.Degraded, "antenna 2 is disconnected")
		p.event(llrp.Events{UTC: utc(noon), Overflow: &llrp.BufferOverflow{}})
		p.event(llrp.Events{UTC: utc(noon), Antenna: &llrp.AntennaEvent{Antenna: 1}})
		p.event(llrp.Events{UTC: utc(noon), Antenna: &llrp.AntennaEvent{Antenna: 3}})
		expect(devices.Degraded, "antenna 1 is disconnected", "antenna 2 is", "lost reports")
		one := uint16(1)
		p.event(llrp.Events{UTC: utc(noon), Exception: &llrp.ReaderException{Text: "high return loss", Antenna: &one}})
		p.event(llrp.Events{UTC: utc(noon), Connection: &llrp.ConnectionAttempt{Status: llrp.AnotherClientKnocked}})
		expect(devices.Degraded, `"high return loss" at antenna 1`, "another program tries")
		p.event(llrp.Events{UTC: utc(noon), Overflow: &llrp.BufferOverflow{}})
		p.event(llrp.Events{UTC: utc(noon), Antenna: &llrp.AntennaEvent{Antenna: 1, Connected: true}})
		p.event(llrp.Events{UTC: utc(noon), Antenna: &llrp.AntennaEvent{Antenna: 2, Connected: true}})
		time.Sleep(11 * time.Second)
		expect(devices.Degraded, "lost reports")
		time.Sleep(20 * time.Second)
		expect(devices.Up)
		var lost uint64
		for _, h := range sink.Healths() {
			lost += h.Lost
		}
		if lost != 2 {
			t.Errorf("%d lost", lost)
		}
		running.Stop(t)
	})
}

func TestAnAnswerCountsHoweverLongTheSinkTook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPretender(t)
		p.held = []llrp.Body{&llrp.ROAccessReport{Tags: []llrp.TagReport{{Has: llrp.HasEPC, EPC: []byte{1, 2}, EPCBits: 16}}}}
		p.answer()
		sink := &devicetest.Sink{Slow: 8 * time.Second} // longer than a reader may take to answer
		running := devicetest.Start(t, llrp.New(p.piped()), sink)
		sink.WaitState(t, devices.Up)
		running.Stop(t)
	})
}
