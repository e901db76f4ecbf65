package store

import (
	"bytes"
	"encoding/binary"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices/wire"
)

func FuzzRow(f *testing.F) {
	key := mainKey(3, 77)
	good := encodeRow(key, row{kind: 1, stored: time.UnixMicro(1_790_000_000_000_000).UTC(), offset: 9, record: []byte("record")})
	f.Add(good)
	f.Add(good[:rowHead])
	f.Add([]byte{1})
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := decodeRow(key, b)
		if err != nil {
			if len(b) > rowHead && b[0] == 1 { // with the right checksum it must be taken
				c := bytes.Clone(b)
				binary.BigEndian.PutUint32(c[1:], checksum(key, c[5:]))
				if _, err := decodeRow(key, c); err != nil {
					t.Fatal(err)
				}
			}
			return
		}
		if !bytes.Equal(encodeRow(key, r), b) {
			t.Fatal("encoding again gives other bytes")
		}
		if _, err := decodeRow(mainKey(3, 78), b); err == nil {
			t.Fatal("a row is taken under another key")
		}
	})
}

func FuzzSlot(f *testing.F) {
	c := cursor{commit: 5, epoch: 2, head: 7, acked: acked{seq: 3}}
	f.Add(c.append(nil), true)
	f.Add([]byte{}, false)
	f.Fuzz(func(t *testing.T, b []byte, answered bool) {
		c, err := parseCursor(b)
		if (err == nil) != (len(b) == cursorSize) {
			t.Fatal(err)
		}
		if err == nil && !bytes.Equal(c.append(nil), b) {
			t.Fatal("encoding again gives other bytes")
		}
		if _, ok := parseSlot(b); ok && len(b) != slotUsed {
			t.Fatal("a slot of another size is taken")
		}
	})
}

func TestJudge(t *testing.T) {
	mark := func(commit, epoch, head uint64) cursor {
		return cursor{commit: commit, epoch: epoch, epochStart: 1, head: head, floor: 1, samplesFloor: 1, samplesHead: head}
	}
	slots := func(c cursor, answered uint64) headState {
		return headState{found: true, existed: true, newest: c, answered: answered}
	}
	withHash := mark(10, 1, 100)
	withHash.headHash = wire.Hash{9}
	cases := map[string]struct {
		found
		epoch, head uint64 // where it goes on
		said        func(Recovery) bool
	}{
		"nothing there":              {found{}, 1, 0, func(r Recovery) bool { return r.Fresh && r.Clean() }},
		"all is well":                {found{mark: mark(10, 1, 100), hasMark: true, head: slots(mark(10, 1, 100), 10)}, 1, 100, Recovery.Clean},
		"unanswered batch lost":      {found{mark: mark(9, 1, 90), hasMark: true, head: slots(mark(10, 1, 100), 9)}, 1, 90, Recovery.Clean},
		"unanswered batch kept":      {found{mark: mark(10, 1, 100), hasMark: true, head: slots(mark(9, 1, 90), 8)}, 1, 100, Recovery.Clean},
		"answered batch lost":        {found{mark: mark(9, 1, 90), hasMark: true, head: slots(mark(10, 1, 100), 10)}, 2, 100, func(r Recovery) bool { return r.Truncated && r.LostFrom == 91 && r.LostTo == 100 }},
		"many batches lost":          {found{mark: mark(2, 1, 20), hasMark: true, head: slots(mark(10, 1, 100), 9)}, 2, 100, func(r Recovery) bool { return r.Truncated && r.LostFrom == 21 }},
		"another store's head file":  {found{mark: mark(10, 1, 100), hasMark: true, head: slots(withHash, 10)}, 2, 100, func(r Recovery) bool { return r.Truncated }},
		"epochs later lost":          {found{mark: mark(2, 1, 20), hasMark: true, head: slots(mark(10, 4, 100), 10)}, 5, 100, func(r Recovery) bool { return r.Truncated }},
		"database gone":              {found{head: slots(mark(10, 3, 100), 10)}, 4, 100, func(r Recovery) bool { return r.Truncated && r.LostTo == 100 }},
		"head file gone":             {found{mark: mark(10, 1, 100), hasMark: true}, 2, 100 + seqJump, func(r Recovery) bool { return r.HeadLost && !r.Truncated }},
		"head file old":              {found{mark: mark(10, 1, 100), hasMark: true, head: slots(mark(5, 1, 50), 5)}, 2, 100 + seqJump, func(r Recovery) bool { return r.HeadLost && !r.Truncated }},
		"mark damaged":               {found{hasRows: true, head: slots(mark(10, 1, 100), 10)}, 2, 100, func(r Recovery) bool { return r.MarkLost && !r.Truncated }},
		"mark and head file damaged": {found{hasRows: true, head: headState{existed: true}}, 2, seqJump, func(r Recovery) bool { return r.MarkLost && r.HeadLost }},
		"set aside, no head file":    {found{setAside: true}, 2, seqJump, func(r Recovery) bool { return r.HeadLost && !r.Fresh }},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got, closed, r := judge(c.found)
			if got.epoch != c.epoch || got.head != c.head || !c.said(r) {
				t.Fatalf("epoch %d, head %d, %+v: %s", got.epoch, got.head, r, r)
			}
			if (closed != nil) != (c.epoch != c.mark.epoch && !r.Fresh) {
				t.Fatalf("closed epoch %+v", closed)
			}
			if r.Clean() != (r.String() == "") {
				t.Fatalf("%+v says %q", r, r)
			}
		})
	}
}
