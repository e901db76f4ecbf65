package readertest

import (
	"context"
	"encoding/binary"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/devicetest"
)

// EPC gives the n-th of a row of different EPCs of 96 bits, whose bytes vary and hold heads and ends of frames.
func EPC(n uint64) []byte {
	epc := binary.BigEndian.AppendUint32(nil, 0x3074_BB7E^uint32(n)*0x9E37_79B1)
	return binary.BigEndian.AppendUint64(epc, n*0x9E37_79B9_7F4A_7C15^0xA0FF_BB7E)
}

// Key gives the EPC as devicetest.Bench.Report does.
func Key(epc []byte) string {
	tag, _ := devices.NewTag(devices.TagEPC, epc)
	return tag.String()
}

// Trial is what Noise tries.
type Trial struct {
	Wire   *Wire
	Driver devices.Driver
	// Report lets the reader report n new tags, in one frame each, and gives their keys: at once, or on the next polls.
	Report func(n int) []string
	// Least is how many of a hundred frames must become reads.
	Least int
}

// The size of the trial: 10,000 frames on a line that damages one byte in a thousand.
const (
	batches  = 250
	batch    = 40
	oneIn    = 1000
	settling = 30 * time.Second // after the last batch
)

// Noise runs a driver on a noisy line, in the time of a bubble, and fails the test where the driver gives up, reads too
// little, or reads a tag that was not there. make builds the trial in the bubble.
func Noise(t *testing.T, make func() Trial) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		trial, sink := make(), &devicetest.Sink{}
		trial.Wire.Answer()
		ctx, cancel := context.WithCancel(t.Context())
		ended := startDriver(ctx, trial.Driver, sink)
		sink.WaitState(t, devices.Up)
		trial.Wire.Damage(1, oneIn)
		sent := map[string]bool{}
		for range batches {
			for _, key := range trial.Report(batch) {
				sent[key] = true
			}
			time.Sleep(200 * time.Millisecond)
		}
		time.Sleep(settling)
		if len(ended) > 0 {
			t.Error("the driver gave up")
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		judge(t, trial, sent, sink.Keys())
	})
}

func startDriver(ctx context.Context, d devices.Driver, sink devices.Sink) chan error {
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx, sink) }()
	return ended
}

func judge(t *testing.T, trial Trial, sent map[string]bool, got []string) {
	t.Helper()
	wrong, read := 0, map[string]bool{}
	for _, key := range got {
		if !sent[key] {
			wrong++
			t.Errorf("%s was read, which no tag has", key)
		}
		read[key] = sent[key]
	}
	t.Logf("%d tag frames sent, %d bytes damaged, %d reads of %d tags, %d wrong reads",
		len(sent), trial.Wire.Damaged(), len(got), len(read), wrong)
	if least := len(sent) * trial.Least / 100; len(sent) < batches*batch || len(read)-wrong < least {
		t.Errorf("at least %d of %d tags must be read", least, batches*batch)
	}
}
