package main

import (
	"encoding/hex"
	"testing"
	"time"

	"github.com/tallydock/tallydock/edge/recording"
)

func TestPlainWorldIsReadAsItIs(t *testing.T) {
	start := time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC)
	var first []string
	for again := range 2 {
		p := newPlain(7)
		truth := p.write(20, start)
		if len(truth) != 20 {
			t.Fatalf("%d passes, not 20", len(truth))
		}
		seen, reads := map[string]bool{}, []string(nil)
		last := start
		if err := p.play(truth, start, func(e recording.Entry) error {
			if e.At.Before(last.Add(-time.Duration(p.dwell * float64(time.Second)))) {
				t.Fatalf("a read of %v comes after one of %v", e.At, last)
			}
			last = e.At
			epc := hex.EncodeToString(e.Read.Tag.Bytes())
			for i := range truth {
				if w := &truth[i]; w.EPCs[epc] && w.ReadPoint == e.Read.Device && !e.At.Before(w.From) && !e.At.After(w.To) {
					seen[w.Pass+epc] = true
				}
			}
			reads = append(reads, e.At.String()+epc)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		for _, w := range truth {
			if !w.From.Before(w.To) || w.To.After(start.Add(time.Hour)) || len(w.EPCs) == 0 {
				t.Errorf("pass %+v", w)
			}
			for epc := range w.EPCs {
				if seen[w.Pass+epc] == w.Unread[epc] {
					t.Errorf("%s in %s: read %v, unread %v", epc, w.Pass, seen[w.Pass+epc], w.Unread[epc])
				}
			}
		}
		if again == 0 {
			first = reads
		} else if len(first) != len(reads) || len(reads) < 1000 || first[len(reads)-1] != reads[len(reads)-1] {
			t.Errorf("%d and %d reads of one seed", len(first), len(reads))
		}
	}
}
