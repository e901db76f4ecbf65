package uhf_test

import (
	"context"
	"encoding/binary"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/devicetest"
	"github.com/tallydock/tallydock/devices/uhf"
)

var noon = time.Date(2026, 1, 5, 12, 0, 0, 0, time.UTC)

// pretender is a reader at the far end of a cable.
type pretender struct {
	*cable
	t        *testing.T
	mu       sync.Mutex
	answers  bool
	commands []uhf.Command // all that came
	heard    chan uhf.Command
	refuses  uhf.Code
	tags     uint64
}

func newPretender(t *testing.T) *pretender {
	p := &pretender{cable: newCable(t), t: t, heard: make(chan uhf.Command, 100)}
	go p.serve(p.end())
	return p
}

// serve answers commands until the cable is unplugged.
func (p *pretender) serve(far *os.File) {
	var have []byte
	buf := make([]byte, 256)
	for {
		n, err := far.Read(buf)
		if err != nil {
			return
		}
		have = append(have, buf[:n]...)
		for {
			f, rest, _, err := uhf.Decode(have)
			have = rest
			if err != nil {
				break
			}
			p.obey(far, f)
		}
	}
}

func (p *pretender) obey(far *os.File, f uhf.Frame) {
	c, err := uhf.ParseCommand(f)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.commands = append(p.commands, c)
	if !p.answers {
		return
	}
	reply := uhf.Done(f.Code)
	switch {
	case err != nil || c.Code == p.refuses:
		reply = uhf.Failed(uhf.BadCommand)
	case c.Code == uhf.Version:
		reply = uhf.VersionReply(c.Part, "M100 26dBm V1.0")
	case c.Code == uhf.MultiPoll:
		reply = uhf.Failed(uhf.NoTag)
	}
	_, _ = far.Write(reply.Append(nil))
	select {
	case p.heard <- c:
	default:
	}
}

func (p *pretender) answer() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answers = true
}

// answerBut answers, and refuses one command.
func (p *pretender) answerBut(refused uhf.Code) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answers, p.refuses = true, refused
}

func (p *pretender) mute() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answers = false
}

// await waits for the driver to send a command.
func (p *pretender) await(code uhf.Code) uhf.Command {
	p.t.Helper()
	limit := time.After(10 * time.Second)
	for {
		select {
		case c := <-p.heard:
			if c.Code == code {
				return c
			}
		case <-limit:
			p.mu.Lock()
			defer p.mu.Unlock()
			p.t.Fatalf("command 0x%02x did not come; there came %+v", byte(code), p.commands)
		}
	}
}

// report sends n sightings of new tags.
func (p *pretender) report(n int) (keys []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for range n {
		p.tags++
		epc := binary.BigEndian.AppendUint64([]byte{0x30, 0x74, 0xBB, 0x7E}, p.tags)
		seen, _ := uhf.NewNotice(epc, -55)
		_, _ = p.end().Write(seen.Append(nil))
		tag, _ := devices.NewTag(devices.TagEPC, epc)
		keys = append(keys, tag.String())
	}
	return keys
}

func (p *pretender) driver() *uhf.Driver {
	return uhf.New(uhf.Config{ID: "uhf-a1", Dial: p.dial, Now: func() time.Time { return noon }})
}

func TestConformance(t *testing.T) {
	devicetest.Run(t, func(t *testing.T) devicetest.Bench {
		p := newPretender(t)
		return devicetest.Bench{
			Driver: p.driver(),
			Answer: p.answer,
			Report: p.report,
			Babble: func(b []byte) { _, _ = p.end().Write(b) },
			Unplug: func() { p.mute(); p.unplug() },
			Replug: func() {
				p.plug(t)
				go p.serve(p.end())
			},
		}
	})
}

func TestASightingBecomesARead(t *testing.T) {
	p, sink := newPretender(t), &devicetest.Sink{}
	p.answer()
	running := devicetest.Start(t, p.driver(), sink)
	p.await(uhf.MultiPoll)
	epc := devicetest.Unhex(t, "30751feb705c5904e3d50d70")
	_, _ = p.end().Write(devicetest.Unhex(t, "bb02220011c9340030751feb705c5904e3d50d703a76ef7e"))
	sink.Wait(t, "the sighting is a read", func() bool { return len(sink.Reads()) == 1 })
	tag, _ := devices.NewTag(devices.TagEPC, epc)
	want := devices.Read{Device: "uhf-a1", Tag: tag, RSSI: -5500, HasRSSI: true, HostTime: noon, Count: 1}
	if got := sink.Reads()[0]; got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	running.Stop(t)
	p.await(uhf.Stop)
}

func TestOnlyWhatNamesATagIsARead(t *testing.T) {
	p, sink := newPretender(t), &devicetest.Sink{}
	p.answer()
	devicetest.Start(t, p.driver(), sink)
	p.await(uhf.MultiPoll)
	far := p.end()
	wrongCRC, _ := uhf.NewNotice([]byte{1, 2, 3, 4}, -40)
	wrongCRC.CRC ^= 1
	empty := uhf.Notice{CRC: uhf.TagCRC(0, nil)}
	for _, n := range []uhf.Notice{wrongCRC, empty} {
		_, _ = far.Write(n.Append(nil))
	}
	_, _ = far.Write(uhf.Failed(uhf.NoTag).Append(nil))
	_, _ = far.Write(uhf.Failed(uhf.HopFail).Append(nil))
	want := p.report(1)
	sink.Wait(t, "the good sighting arrives", func() bool { return len(sink.Reads()) > 0 })
	if got := sink.Keys(); len(got) != 1 || got[0] != want[0] {
		t.Errorf("reads %v, want %v", got, want)
	}
}

func TestPowerAndRegionAreSetBeforePolling(t *testing.T) {
	p, sink := newPretender(t), &devicetest.Sink{}
	p.answer()
	devicetest.Start(t, uhf.New(uhf.Config{
		ID: "uhf-a1", Dial: p.dial, Now: time.Now, Power: 2000, Region: uhf.Europe,
	}), sink)
	p.await(uhf.MultiPoll)
	p.mu.Lock()
	defer p.mu.Unlock()
	want := []uhf.Command{
		{Code: uhf.Stop},
		{Code: uhf.Version},
		{Code: uhf.SetRegion, Region: uhf.Europe},
		{Code: uhf.SetPower, Power: 2000},
		{Code: uhf.MultiPoll, Rounds: uhf.MaxRounds},
	}
	if len(p.commands) != len(want) {
		t.Fatalf("commands %+v, want %+v", p.commands, want)
	}
	for i := range want {
		if p.commands[i] != want[i] {
			t.Errorf("command %d is %+v, want %+v", i, p.commands[i], want[i])
		}
	}
}

func TestAReaderThatRefusesIsAnErrorThatSaysWhat(t *testing.T) {
	for refused, says := range map[uhf.Code]string{uhf.SetPower: "power", uhf.MultiPoll: "poll", uhf.Version: "does not take"} {
		p := newPretender(t)
		p.answerBut(refused)
		running := devicetest.Start(t, uhf.New(uhf.Config{ID: "uhf-a1", Dial: p.dial, Now: time.Now, Power: 2000}), &devicetest.Sink{})
		if err := running.End(t); err == nil || !strings.Contains(err.Error(), "uhf-a1") || !strings.Contains(err.Error(), says) {
			t.Errorf("0x%02x refused: %v", byte(refused), err)
		}
	}
}

func TestAReaderThatRefusesToStopIsStillUsed(t *testing.T) {
	p := newPretender(t)
	p.answerBut(uhf.Stop)
	devicetest.Start(t, p.driver(), &devicetest.Sink{})
	p.await(uhf.MultiPoll)
}

func TestAPortThatCannotBeOpenedIsAnErrorThatSaysSo(t *testing.T) {
	p := newPretender(t)
	p.unplug()
	err := p.driver().Run(context.Background(), &devicetest.Sink{})
	if err == nil || !strings.Contains(err.Error(), "reader uhf-a1: cannot open its port") {
		t.Error(err)
	}
}
