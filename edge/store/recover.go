package store

import "fmt"

// Recovery says what Open found. The zero Recovery is a store that was as it should be.
type Recovery struct {
	Fresh bool // there was no store
	// Truncated: the store had lost what it had promised to keep. The main records LostFrom to LostTo that the hub did
	// not have yet are gone (none where LostTo < LostFrom), and the state may be an older one.
	Truncated        bool
	LostFrom, LostTo uint64
	HeadLost         bool   // the head file was gone, damaged or older than the store, so a loss would not have been noticed
	MarkLost         bool   // the mark was damaged and was taken from the head file
	StateLost        bool   // the state is not what was committed: values are missing, damaged or old
	SetAside         string // folder to which a damaged database was moved; what could be read is in a new one
	SetAsideReason   string
}

// Clean tells whether nothing was lost and nothing is in doubt.
func (r Recovery) Clean() bool {
	return !r.Truncated && !r.HeadLost && !r.MarkLost && !r.StateLost && r.SetAside == ""
}

// String is one sentence for a technician, "" when nothing is to be said.
func (r Recovery) String() string {
	s := ""
	say := func(when bool, format string, args ...any) {
		if when {
			if s != "" {
				s += "; "
			}
			s += fmt.Sprintf(format, args...)
		}
	}
	say(r.SetAside != "", "the database was damaged (%s) and was moved to %s; what could be read of it was kept", r.SetAsideReason, r.SetAside)
	say(r.Truncated && r.LostTo >= r.LostFrom, "the store lost the records %d to %d, which the hub does not have", r.LostFrom, r.LostTo)
	say(r.Truncated && r.LostTo < r.LostFrom, "the store lost commits, but no record that the hub does not have")
	say(r.HeadLost, "the head file is lost or old, so a loss would not have been noticed")
	say(r.MarkLost, "the mark was damaged")
	say(r.StateLost, "parts of the state are lost; they come back as tags are read")
	if s != "" {
		s += "; check the disk"
	}
	return s
}

// seqJump is how far seqs are moved on where nobody knows which ones were given.
const seqJump = 1 << 20

// found is what lies on the disk.
type found struct {
	mark     cursor
	hasMark  bool // it is there and whole
	hasRows  bool // there are main or sample rows
	head     headState
	setAside bool
}

// judge decides from what was found where the store goes on, and what is to be said about it. closed is the epoch that
// ends with it, where one does.
func judge(f found) (c cursor, closed *epoch, r Recovery) {
	switch {
	case f.hasMark:
		c = f.mark
	case f.head.found:
		c = f.head.newest
		r.MarkLost = f.hasRows
	case !f.head.existed && !f.setAside && !f.hasRows:
		r.Fresh = true
		return firstCursor(), nil, r
	default:
		c = firstCursor()
		r.MarkLost = f.hasRows
	}
	known := f.head.newest
	r.HeadLost = !f.head.found || (f.hasMark && known.commit+1 < f.mark.commit)
	r.Truncated = (!f.hasMark && !f.hasRows) || (f.hasMark && f.head.found && lostTail(f.mark, f.head))
	if !r.Truncated && !r.HeadLost && !r.MarkLost {
		c.takeAcked(known)
		c.commit = max(c.commit, known.commit)
		return c, nil, r
	}
	return partingCursor(f, c, r)
}

// partingCursor opens a new epoch above all seqs that may have been given.
func partingCursor(f found, c cursor, r Recovery) (cursor, *epoch, Recovery) {
	known := f.head.newest
	end := &epoch{number: c.epoch, start: c.epochStart, last: c.head, lost: c.head}
	if known.epoch == c.epoch {
		end.lost = max(end.lost, known.head)
	}
	samplesEnd := c.samplesHead
	if r.Truncated && !f.hasMark { // nothing is left
		end.last = c.epochStart - 1
		c.floor, samplesEnd = c.head+1, c.samplesFloor-1
		c.stateCount, c.stateSum = 0, 0
	}
	c.takeAcked(known)
	head, samplesHead := max(c.head, known.head), max(c.samplesHead, known.samplesHead)
	if r.HeadLost {
		head, samplesHead = head+seqJump, samplesHead+seqJump
	}
	if r.Truncated {
		r.LostFrom, r.LostTo = max(end.last, c.acked.seq)+1, end.lost
	}
	c.epoch, c.epochStart, c.head = max(c.epoch, known.epoch)+1, head+1, head
	c.headHash = [16]byte{}
	if samplesHead > samplesEnd {
		c.gap = gap{from: samplesEnd + 1, to: samplesHead}
	}
	c.samplesHead = samplesHead
	c.samplesFloor = c.gap.skip(c.samplesFloor)
	c.commit = max(c.commit, known.commit)
	return c, end, r
}

// lostTail tells whether the store is behind what it had answered, or is another one than the head file knows.
func lostTail(mark cursor, head headState) bool {
	if mark.commit < head.answered {
		return true
	}
	k := head.newest
	return mark.commit == k.commit && (mark.epoch != k.epoch || mark.head != k.head || mark.headHash != k.headHash)
}

func firstCursor() cursor {
	return cursor{epoch: 1, epochStart: 1, floor: 1, samplesFloor: 1}
}
