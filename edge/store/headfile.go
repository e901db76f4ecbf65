package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/tallydock/tallydock/devices/wire"
)

const (
	slotSize  = 4096
	slotMagic = 0x54444831 // "TDH1"
	slotUsed  = 4 + 4 + 1 + cursorSize
)

// headFile notes, outside of Badger, how far the store has come. It has two slots that are written in turn, so that
// one is always whole.
type headFile struct {
	f    *os.File
	next int // the slot that is written next

	ask  chan headNote
	done chan error
}

type headNote struct {
	cursor
	answered bool // the commit itself was answered; else only the one before it
}

// headState is what the slots said when the file was opened.
type headState struct {
	found    bool   // at least one slot was readable
	existed  bool   // there was a file
	damaged  int    // slots that were not readable
	newest   cursor // of the readable slot with the highest commit
	answered uint64 // highest commit that is known to have been answered
}

func openHeadFile(path string) (*headFile, headState, error) {
	var state headState
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if errors.Is(err, os.ErrNotExist) {
		f, err = makeHeadFile(path)
	} else {
		state.existed = true
	}
	if err != nil {
		return nil, state, fmt.Errorf("cannot open head file: %w", err)
	}
	h := &headFile{f: f, ask: make(chan headNote), done: make(chan error)}
	if state.existed {
		h.read(&state)
	}
	return h, state, nil
}

// makeHeadFile makes the file in its full size, so that later writes change no metadata.
func makeHeadFile(path string) (*os.File, error) {
	tmp := path + ".new"
	f, err := os.OpenFile(tmp, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	_, err = f.Write(make([]byte, 2*slotSize))
	err = errors.Join(err, f.Sync(), os.Rename(tmp, path), syncDir(filepath.Dir(path)))
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func (h *headFile) read(state *headState) {
	blank := 0
	for slot := range 2 {
		b := make([]byte, slotUsed)
		n, err := h.f.ReadAt(b, int64(slot)*slotSize)
		if errors.Is(err, io.EOF) {
			err = nil // shorter than it was made: judged below
		}
		note, ok := parseSlot(b[:n])
		switch {
		case err == nil && ok:
			h.take(slot, note, state)
		case err == nil && n == slotUsed && allZero(b):
			blank++
		default:
			state.damaged++
		}
	}
	if blank == 2 {
		state.existed = false // made, but nothing was ever committed
	}
}

func (h *headFile) take(slot int, note headNote, state *headState) {
	newest, other := state.newest, note.cursor
	if !state.found || note.commit >= newest.commit {
		newest, other = other, newest
		h.next = 1 - slot
	}
	newest.takeAcked(other)
	state.newest, state.found = newest, true
	answered := note.commit
	if !note.answered {
		answered--
	}
	state.answered = max(state.answered, answered)
}

func parseSlot(b []byte) (headNote, bool) {
	if len(b) != slotUsed || binary.BigEndian.Uint32(b) != slotMagic ||
		binary.BigEndian.Uint32(b[4:]) != wire.Checksum(b[8:]) {
		return headNote{}, false
	}
	c, err := parseCursor(b[9:])
	return headNote{cursor: c, answered: b[8] == 1}, err == nil && c.commit > 0
}

func allZero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}

func (h *headFile) write(n headNote) error {
	b := make([]byte, 9, slotUsed)
	binary.BigEndian.PutUint32(b, slotMagic)
	if n.answered {
		b[8] = 1
	}
	b = n.append(b)
	binary.BigEndian.PutUint32(b[4:], wire.Checksum(b[8:]))
	if _, err := h.f.WriteAt(b, int64(h.next)*slotSize); err != nil {
		return fmt.Errorf("cannot write head file: %w", err)
	}
	if err := unix.Fdatasync(int(h.f.Fd())); err != nil {
		return fmt.Errorf("cannot sync head file: %w", err)
	}
	h.next = 1 - h.next
	return nil
}

// run writes notes beside Badger's commits until ask is closed.
func (h *headFile) run() {
	for n := range h.ask {
		h.done <- h.write(n)
	}
	close(h.done)
}
