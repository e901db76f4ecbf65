package intake_test

import (
	"fmt"
	"testing"

	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/hub/intake"
)

// chain gives the hash after the records first to last of an epoch that begins at first.
func chain(epoch, first, last uint64) (h wire.Hash) {
	for seq := first; seq <= last; seq++ {
		h = wire.Chain(h, epoch, seq, record(seq))
	}
	return h
}

func record(seq uint64) []byte { return fmt.Appendf(nil, "record %d", seq) }

// envelope has the records first to last of an epoch that begins at start.
func envelope(epoch, start, first, last uint64) wire.Envelope {
	e := wire.Envelope{Edge: "E", Epoch: epoch, EpochStart: start, Stream: wire.MainStream, FirstSeq: first}
	if first > start {
		e.Before = chain(epoch, start, first-1)
	}
	for seq := first; seq <= last; seq++ {
		e.Records = append(e.Records, record(seq))
	}
	return e
}

func TestJudge(t *testing.T) {
	fresh := intake.Stream{Edge: "E"}
	ten := intake.Stream{Edge: "E", Epoch: 1, EpochStart: 1, Upto: 10, Hash: chain(1, 1, 10)}
	begun := intake.Stream{Edge: "E", Epoch: 2, EpochStart: 11, Upto: 10} // a new epoch without a record yet
	other := ten
	other.Hash[0]++
	forged := envelope(1, 1, 11, 12)
	forged.Before[3]++
	inside := envelope(1, 1, 8, 12)
	inside.Records[1] = []byte("another record 9")
	for _, c := range []struct {
		name   string
		stream intake.Stream
		env    wire.Envelope
		want   intake.Verdict
		skip   int
	}{
		{"the first ever", fresh, envelope(1, 1, 1, 5), intake.Next, 0},
		{"the first ever, but not the epoch's first", fresh, envelope(1, 1, 2, 5), intake.Missing, 0},
		{"the first ever, of an edge that had another hub", fresh, envelope(3, 400, 400, 410), intake.EpochGap, 0},
		{"the next", ten, envelope(1, 1, 11, 15), intake.Next, 0},
		{"the next after the epoch's beginning", begun, envelope(2, 11, 11, 12), intake.Next, 0},
		{"overlapping", ten, envelope(1, 1, 8, 15), intake.Next, 3},
		{"overlapping from the epoch's beginning", ten, envelope(1, 1, 1, 11), intake.Next, 10},
		{"the last again", ten, envelope(1, 1, 10, 10), intake.Known, 0},
		{"all again", ten, envelope(1, 1, 1, 10), intake.Known, 0},
		{"long known", ten, envelope(1, 1, 3, 5), intake.Known, 0},
		{"one missing", ten, envelope(1, 1, 12, 15), intake.Missing, 0},
		{"an epoch before", ten, envelope(0, 1, 11, 12), intake.OldEpoch, 0},
		{"a new epoch that continues", ten, envelope(2, 11, 11, 12), intake.Next, 0},
		{"a new epoch that counts anew", ten, envelope(2, 1, 1, 3), intake.Next, 0},
		{"a new epoch with a gap before it", ten, envelope(2, 15, 15, 16), intake.EpochGap, 0},
		{"a new epoch, not from its beginning", ten, envelope(2, 11, 12, 13), intake.Missing, 0},
		{"another history", other, envelope(1, 1, 11, 15), intake.Broken, 0},
		{"another history, overlapping", other, envelope(1, 1, 8, 15), intake.Broken, 3},
		{"another history, nothing new", other, envelope(1, 1, 8, 10), intake.Broken, 3},
		{"a forged link", ten, forged, intake.Broken, 0},
		{"a changed record among the known", ten, inside, intake.Broken, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			j := c.stream.Judge(c.env)
			if j.Verdict != c.want {
				t.Fatalf("verdict %d, want %d", j.Verdict, c.want)
			}
			if (c.want == intake.Next || c.want == intake.Broken) && j.Skip != c.skip {
				t.Errorf("skips %d, want %d", j.Skip, c.skip)
			}
		})
	}
}
