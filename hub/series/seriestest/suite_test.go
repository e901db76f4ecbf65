package seriestest_test

import (
	"testing"

	"github.com/tallydock/tallydock/hub/series/seriestest"
)

func TestMemory(t *testing.T) {
	seriestest.Run(t, func(*testing.T) seriestest.Harness {
		m := new(seriestest.Memory)
		return seriestest.Harness{Sink: m, Source: m}
	})
}

func TestMemorySpool(t *testing.T) {
	seriestest.RunSpool(t, func(*testing.T) seriestest.SpoolHarness {
		m := new(seriestest.MemorySpool)
		return seriestest.SpoolHarness{Spool: m, Put: m, Refused: func(reason string) (n int) {
			for _, p := range m.Refused() {
				if p.Reason == reason {
					n++
				}
			}
			return n
		}}
	})
}
