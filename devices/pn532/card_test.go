package pn532_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/tallydock/tallydock/devices/pn532"
	"github.com/tallydock/tallydock/devices/pn532/ndef"
)

var errGone = errors.New("the card does not answer")

// content is what a pretend card answers to commands.
type content interface {
	answer(command []byte) ([]byte, error)
}

// memory is a Type 2 card: pages of 4 bytes.
type memory []byte

func (m memory) answer(command []byte) ([]byte, error) {
	if len(command) != 2 || command[0] != 0x30 || 4*int(command[1]) >= len(m) {
		return nil, errGone
	}
	twice := append(bytes.Clone(m), m...) // behind the last page the first comes again
	return twice[4*int(command[1]):][:16], nil
}

// newMemory makes a Type 2 card of so many bytes of data, which begin with data.
func newMemory(size int, data ...byte) memory {
	m := make(memory, 16+size)
	copy(m[12:], []byte{0xE1, 0x10, byte(size / 8), 0})
	copy(m[16:], data)
	return m
}

// block makes a block of a Type 2 card.
func block(tag byte, value []byte) []byte {
	if len(value) < 255 {
		return append([]byte{tag, byte(len(value))}, value...)
	}
	return append([]byte{tag, 0xFF, byte(len(value) >> 8), byte(len(value))}, value...)
}

// files is a Type 4 card.
type files struct {
	byID     map[uint16][]byte
	selected []byte
	app      bool
}

func newFiles(most, space int, message []byte) *files {
	cc := []byte{0, 15, 0x20, byte(most >> 8), byte(most), 0, 0x34, 4, 6, 0xE1, 0x04, byte(space >> 8), byte(space), 0, 0xFF}
	file := binary.BigEndian.AppendUint16(nil, uint16(len(message)))
	return &files{byID: map[uint16][]byte{0xE103: cc, 0xE104: append(file, message...)}}
}

func (c *files) answer(command []byte) ([]byte, error) {
	switch {
	case bytes.Equal(command, []byte("\x00\xA4\x04\x00\x07\xD2\x76\x00\x00\x85\x01\x01\x00")):
		c.app, c.selected = true, nil
	case c.app && len(command) == 7 && bytes.HasPrefix(command, []byte{0, 0xA4, 0, 0x0C, 2}):
		file, ok := c.byID[binary.BigEndian.Uint16(command[5:])]
		if !ok {
			return []byte{0x6A, 0x82}, nil
		}
		c.selected = file
	case len(command) == 5 && command[1] == 0xB0:
		at, n := int(binary.BigEndian.Uint16(command[2:])), int(command[4])
		if at+n > len(c.selected) {
			return []byte{0x6B, 0x00}, nil
		}
		return append(bytes.Clone(c.selected[at:at+n]), 0x90, 0), nil
	default:
		return []byte{0x6D, 0x00}, nil
	}
	return []byte{0x90, 0}, nil
}

// Cards as a PN532 lists them.
var (
	ntag    = pn532.Target{Number: 1, SensRes: 0x0044}
	desfire = pn532.Target{Number: 1, SensRes: 0x0344, SelRes: 0x20}
)

func TestType2CardsAreRead(t *testing.T) {
	long := bytes.Repeat([]byte("0123456789"), 50)
	for name, c := range map[string]struct {
		card memory
		want string
	}{
		"a message at once":        {newMemory(144, append(block(3, []byte("abc")), 0xFE)...), "abc"},
		"as NTAG are made":         {newMemory(144, append([]byte{1, 3, 0xA0, 0x0C, 0x34}, block(3, []byte("abc"))...)...), "abc"},
		"zeros before it":          {newMemory(144, append([]byte{0, 0, 0}, block(3, []byte("abc"))...)...), "abc"},
		"a vendor's block before":  {newMemory(144, append(block(0xFD, []byte{3, 3, 9, 9, 9}), block(3, []byte("abc"))...)...), "abc"},
		"a long one":               {newMemory(872, block(3, long)...), string(long)},
		"to the last byte":         {newMemory(144, block(3, bytes.Repeat([]byte("x"), 142))...), strings.Repeat("x", 142)},
		"two messages":             {newMemory(144, append(block(3, []byte("abc")), block(3, []byte("def"))...)...), "abc"},
		"an empty message":         {newMemory(144, 3, 0, 0xFE), ""},
		"a terminator before it":   {newMemory(144, append([]byte{0xFE}, block(3, []byte("abc"))...)...), "none"},
		"zeros only":               {newMemory(144), "none"},
		"no data area":             {newMemory(0), "none"},
		"not made for NDEF":        {make(memory, 64), "none"},
		"lock bits within it":      {newMemory(144, []byte("\x01\x03\x62\x10\x32\x03\x05abc??de")...), "abcde"},
		"other bytes within it":    {newMemory(144, []byte("\x02\x03\x62\x03\x02\x03\x05abc???de")...), "abcde"},
		"both, side by side":       {newMemory(144, []byte("\x01\x03\x77\x08\x32\x02\x03\x72\x05\x02\x03\x05ab??????cde")...), "abcde"},
		"256 reserved bytes":       {newMemory(144, []byte("\x02\x03\x51\x00\x02\x03\x03abc")...), "none"},
		"control of another size":  {newMemory(144, []byte("\x01\x04\x00\x00\x00\x00\x03\x03abc")...), "abc"},
		"behind the reserved ones": {newMemory(144, []byte("\x02\x03\x51\x03\x02???\x03\x03abc")...), "abc"},
	} {
		got, err := pn532.ReadMessage(ntag, c.card.answer)
		switch {
		case c.want == "none":
			if !errors.Is(err, pn532.ErrNoMessage) {
				t.Errorf("%s: %q, %v; want no message", name, got, err)
			}
		case err != nil || string(got) != c.want:
			t.Errorf("%s: %q, %v; want %q", name, got, err, c.want)
		}
	}
}

func TestType2CardsThatCannotBeReadAreRefusedWithTheReason(t *testing.T) {
	cc := func(b ...byte) memory {
		m := newMemory(144, block(3, []byte("abc"))...)
		copy(m[12:], b)
		return m
	}
	big := newMemory(2040)
	copy(big[16:], append([]byte{0xFD, 0xFF, 0x03, 0xE8}, make([]byte, 1000)...))
	copy(big[1020:], block(3, []byte("abcdef")))
	for name, c := range map[string]struct {
		card content
		want string
	}{
		"version 2":           {cc(0xE1, 0x20), "version 2.0"},
		"under a key":         {cc(0xE1, 0x10, 18, 0xF0), "needs leave (access f0)"},
		"a block that is cut": {newMemory(8, 3, 200), "ends within a block"},
		"a length cut off":    {newMemory(8, 0, 0, 0, 0, 0, 0, 3, 0xFF), "ends within a block"},
		"no length":           {newMemory(8, 0, 0, 0, 0, 0, 0, 0, 3), "ends within a block"},
		"another sector":      {big, "1024 bytes of a card"},
		"64 KiB":              {newMemory(2040, 3, 0xFF, 0xFF, 0xFF), "ends within a block"},
		"no answer":           {make(memory, 8), "cannot read page 3: the card does not answer"},
		"NAK":                 {says{4}, "answered with 1 bytes; 16"},
	} {
		got, err := pn532.ReadMessage(ntag, c.card.answer)
		if err == nil || errors.Is(err, pn532.ErrNoMessage) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %q, error %v; want one with %q", name, got, err, c.want)
		}
	}
}

// says is a card that always says the same.
type says []byte

func (c says) answer([]byte) ([]byte, error) { return c, nil }

func TestType4CardsAreRead(t *testing.T) {
	long := bytes.Repeat([]byte("0123456789"), 400)
	for name, c := range map[string]struct {
		card *files
		want string
	}{
		"a message at once": {newFiles(255, 256, []byte("abc")), "abc"},
		"a few at once":     {newFiles(15, 256, []byte("abcdefghijklmnopqrstuvwxyz")), "abcdefghijklmnopqrstuvwxyz"},
		"a long one":        {newFiles(0xFFFF, 8192, long), string(long)},
		"the longest":       {newFiles(59, 8192, bytes.Repeat([]byte("x"), pn532.MaxMessage)), strings.Repeat("x", pn532.MaxMessage)},
		"an empty message":  {newFiles(255, 256, nil), "none"},
	} {
		got, err := pn532.ReadMessage(desfire, c.card.answer)
		if c.want == "none" {
			if !errors.Is(err, pn532.ErrNoMessage) {
				t.Errorf("%s: %q, %v; want no message", name, got, err)
			}
		} else if err != nil || string(got) != c.want {
			t.Errorf("%s: %q, %v; want %q", name, got, err, c.want)
		}
	}
}

func TestType4CardsThatCannotBeReadAreRefusedWithTheReason(t *testing.T) {
	changed := func(id uint16, at int, b ...byte) *files {
		c := newFiles(255, 256, []byte("abc"))
		copy(c.byID[id][at:], b)
		return c
	}
	lost := newFiles(255, 256, []byte("abc"))
	delete(lost.byID, 0xE104)
	for name, c := range map[string]struct {
		card content
		want string
	}{
		"a short container":    {changed(0xE103, 0, 0, 14), "14 bytes"},
		"version 1":            {changed(0xE103, 2, 0x10), "version 1.0"},
		"14 bytes at once":     {changed(0xE103, 3, 0, 14), "15 would be the least"},
		"another control":      {changed(0xE103, 7, 6, 8), "control block 06 of 8"},
		"under a key":          {changed(0xE103, 13, 0x80), "needs leave (access 80)"},
		"more than its file":   {changed(0xE104, 0, 1, 0), "256 bytes in a file of 256"},
		"no such file":         {lost, "cannot select file e104: card answered with status 6a82"},
		"more than we read":    {newFiles(255, 0xFFFF, make([]byte, pn532.MaxMessage+1)), "no more than 4096"},
		"no status word":       {says{0x90}, "without a status word"},
		"nothing":              {says{}, "without a status word"},
		"nothing but well":     {says{0x90, 0}, "0 bytes at 0; 15 were"},
		"more than was wanted": {says(append(make([]byte, 20), 0x90, 0)), "20 bytes at 0; 15"},
		"a length that lies":   {changed(0xE104, 0, 0, 9), "status 6b00"},
	} {
		got, err := pn532.ReadMessage(desfire, c.card.answer)
		if err == nil || errors.Is(err, pn532.ErrNoMessage) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %q, error %v; want one with %q", name, got, err, c.want)
		}
	}
	if _, err := pn532.ReadMessage(desfire, says{0x6A, 0x82}.answer); !errors.Is(err, pn532.ErrNoMessage) {
		t.Errorf("a card without the application: %v", err)
	}
}

func TestOtherCardsAreNotSpokenWith(t *testing.T) {
	never := func([]byte) ([]byte, error) { t.Error("the card was spoken with"); return nil, errGone }
	for name, sak := range map[string]byte{"Classic 1K": 0x08, "Classic 4K": 0x18, "Mini": 0x09, "Plus SL2": 0x10, "a peer": 0x40} {
		if _, err := pn532.ReadMessage(pn532.Target{SelRes: sak}, never); !errors.Is(err, pn532.ErrNoMessage) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestACardThatGoesAwayEndsTheReading(t *testing.T) {
	for _, c := range []struct {
		target pn532.Target
		card   content
	}{{ntag, newMemory(144, block(3, make([]byte, 100))...)}, {desfire, newFiles(15, 256, make([]byte, 100))}} {
		for left := range 7 {
			answer := func(command []byte) ([]byte, error) {
				if left--; left < 0 {
					return nil, errGone
				}
				return c.card.answer(command)
			}
			if got, err := pn532.ReadMessage(c.target, answer); !errors.Is(err, errGone) || got != nil {
				t.Errorf("%x, %v", got, err)
			}
		}
	}
}

func TestAnyMessageOnAnyCardIsReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		message, err := ndef.Append(nil, ndef.NewURI("https://id.example.org/01/"+rapid.StringMatching(`[0-9]{1,600}`).Draw(t, "digits")))
		if err != nil {
			t.Fatal(err)
		}
		card, target := content(newFiles(rapid.IntRange(15, 0xFFFF).Draw(t, "most"), 2+len(message), message)), desfire
		if rapid.Bool().Draw(t, "type 2") {
			target = ntag
			data := bytes.Repeat([]byte{0}, rapid.IntRange(0, 20).Draw(t, "zeros"))
			data = append(data, block(0xFD, make([]byte, rapid.IntRange(0, 300).Draw(t, "vendor")))...)
			card = newMemory(1008, append(data, block(3, message)...)...)
		}
		if got, err := pn532.ReadMessage(target, card.answer); err != nil || !bytes.Equal(got, message) {
			t.Fatalf("%q, %v; want %q", got, err, message)
		}
	})
}

func FuzzType2(f *testing.F) {
	f.Add([]byte(newMemory(144, append([]byte{1, 3, 0xA0, 0x0C, 0x34}, block(3, []byte("abc"))...)...)))
	f.Add([]byte(newMemory(144, []byte("\x01\x03\x77\x08\x32\x02\x03\x72\x05\x02\x03\x05ab??????cde")...)))
	f.Add([]byte(newMemory(1016, append(block(0xFD, make([]byte, 300)), 3, 0xFF, 2, 0)...)))
	f.Fuzz(func(t *testing.T, b []byte) {
		exchanges := 0
		card := append(memory(b), make([]byte, 16)...)
		message, err := pn532.ReadMessage(ntag, func(command []byte) ([]byte, error) {
			exchanges++
			return card.answer(command)
		})
		if exchanges > 65 || len(message) > 1024 || err != nil && message != nil {
			t.Fatalf("%d exchanges, message of %d bytes, %v", exchanges, len(message), err)
		}
	})
}

// FuzzType4 lets a hostile card say what it likes: each answer is a length and so many bytes of b.
func FuzzType4(f *testing.F) {
	f.Add([]byte("\x02\x90\x00\x02\x90\x00\x11\x00\x0f\x20\x00\x40\x00\x34\x04\x06\xe1\x04\x01\x00\x00\x00\x90\x00" +
		"\x02\x90\x00\x04\x00\x03\x90\x00\x05abc\x90\x00"))
	f.Add([]byte("\x02\x6a\x82"))
	f.Fuzz(func(t *testing.T, b []byte) {
		read := 0
		message, err := pn532.ReadMessage(desfire, func(command []byte) ([]byte, error) {
			if len(command) > pn532.MaxExchange {
				t.Fatalf("a command of %d bytes", len(command))
			}
			if len(b) == 0 || len(b) <= int(b[0]) {
				return nil, errGone
			}
			n := 1 + int(b[0])
			answer := b[1:n]
			read, b = read+len(answer), b[n:]
			return answer, nil
		})
		if len(message) > min(read, pn532.MaxMessage) || err != nil && message != nil {
			t.Fatalf("message of %d bytes of %d, %v", len(message), read, err)
		}
	})
}
