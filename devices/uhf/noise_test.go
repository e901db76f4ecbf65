package uhf_test

import (
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices/uhf"
	"github.com/tallydock/tallydock/devices/uhf/readertest"
)

func TestNoiseOnTheLineCostsReadsAndMakesNone(t *testing.T) {
	readertest.Noise(t, func() readertest.Trial {
		wire := readertest.New(func(have []byte) (keep, answer []byte) {
			for {
				f, rest, _, err := uhf.Decode(have)
				if err != nil {
					return nil, answer // the gateway waits, so what is not whole by now is a damaged command
				}
				c, _ := uhf.ParseCommand(f)
				answer, have = append(answer, polite(c)...), rest
			}
		})
		next := uint64(0)
		return readertest.Trial{
			Wire: wire, Least: 95,
			Driver: uhf.New(uhf.Config{ID: "uhf-a1", Dial: wire.Dial, Now: time.Now}),
			Report: func(n int) (keys []string) {
				for range n {
					next++
					seen, _ := uhf.NewNotice(readertest.EPC(next), -55)
					wire.Say(seen.Append(nil))
					keys = append(keys, readertest.Key(seen.EPC))
				}
				return keys
			},
		}
	})
}
