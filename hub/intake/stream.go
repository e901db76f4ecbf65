package intake

import (
	"time"

	"github.com/tallydock/tallydock/devices/wire"
)

// Stream is how far the hub has taken an edge's streams. The zero Stream is an edge that was never heard.
type Stream struct {
	Edge         string
	Epoch        uint64
	EpochStart   uint64
	Upto         uint64 // last main record taken
	Hash         wire.Hash
	SamplesEpoch uint64
	SamplesUpto  uint64 // seq of the last sample taken
}

// Ack says to the edge how far its streams were taken.
func (s Stream) Ack(hub string, at time.Time) wire.Ack {
	a := wire.Ack{Edge: s.Edge, Epoch: s.Epoch, Upto: s.Upto, Hash: s.Hash, Hub: hub, At: at}
	if s.SamplesEpoch == s.Epoch {
		a.SamplesUpto = s.SamplesUpto
	}
	return a
}

// Verdict says what an envelope is to a Stream.
type Verdict uint8

// The verdicts.
const (
	Next     Verdict = iota // its records, after Skip, are the next ones
	Known                   // all of it was taken already
	Missing                 // something before it was not taken
	OldEpoch                // of an epoch before the present one
	EpochGap                // the first of a new epoch, with records missing between the epochs
	Broken                  // its chain does not continue the Stream's
)

// Judgement is a Verdict with what follows from it.
type Judgement struct {
	Verdict Verdict
	Skip    int       // Next, Broken: how many of its first records were taken already
	Hash    wire.Hash // Next: chain hash before the first new record; Broken: what the edge's chain has there
}

// Judge says what an envelope of the main stream is to s. Records are taken only in order, each once.
func (s Stream) Judge(e wire.Envelope) Judgement {
	switch {
	case e.Epoch < s.Epoch:
		return Judgement{Verdict: OldEpoch}
	case e.Epoch > s.Epoch:
		return s.judgeEpoch(e)
	case e.FirstSeq > s.Upto+1:
		return Judgement{Verdict: Missing}
	}
	skip := s.Upto + 1 - e.FirstSeq
	if skip > uint64(len(e.Records)) {
		return Judgement{Verdict: Known}
	}
	hash := e.Before
	if e.FirstSeq == s.EpochStart {
		hash = wire.Hash{}
	}
	for i, record := range e.Records[:skip] {
		hash = wire.Chain(hash, e.Epoch, e.FirstSeq+uint64(i), record)
	}
	j := Judgement{Verdict: Next, Skip: int(skip), Hash: hash}
	switch {
	case hash != s.Hash:
		j.Verdict = Broken
	case j.Skip == len(e.Records):
		j.Verdict = Known
	}
	return j
}

func (s Stream) judgeEpoch(e wire.Envelope) Judgement {
	switch {
	case e.FirstSeq != e.EpochStart:
		return Judgement{Verdict: Missing}
	case e.EpochStart > s.Upto+1:
		return Judgement{Verdict: EpochGap}
	default:
		return Judgement{Verdict: Next}
	}
}

// begin moves s to the first record of a new epoch.
func (s *Stream) begin(e wire.Envelope) {
	s.Epoch, s.EpochStart, s.Upto, s.Hash = e.Epoch, e.EpochStart, e.EpochStart-1, wire.Hash{}
}

// take moves s over one record.
func (s *Stream) take(record []byte) {
	s.Upto++
	s.Hash = wire.Chain(s.Hash, s.Epoch, s.Upto, record)
}

// takeSample moves s over the sample of this seq and reports whether it is a new one. Samples may have gaps.
func (s *Stream) takeSample(epoch, seq uint64) bool {
	if epoch < s.SamplesEpoch || epoch == s.SamplesEpoch && seq <= s.SamplesUpto {
		return false
	}
	s.SamplesEpoch, s.SamplesUpto = epoch, seq
	return true
}
