package pad

import (
	"fmt"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/pn532"
)

// Kind is what sort of card it is.
type Kind uint8

// The kinds of card.
const (
	Classic Kind = 1 + iota // MIFARE Classic 1K: a UID, and content under keys
	Type2                   // NTAG216: pages that anyone may read
	Type4                   // DESFire with the NDEF application: files
)

// Card is a card that can be laid on a pad.
type Card struct {
	Tag     devices.Tag // its UID
	Kind    Kind
	Message []byte // its NDEF message; nil for none. A Classic has none
}

// chip is what is in a card while it has a field. Its answer is not ok where the card stays silent.
type chip interface {
	answer(command []byte) (answer []byte, ok bool)
}

// check tells what is wrong with a card.
func (c Card) check() error {
	room := map[Kind]int{Type2: type2Room, Type4: type4Room}
	switch {
	case c.Tag.Kind() != devices.TagUID:
		return fmt.Errorf("card %s has no UID", c.Tag)
	case c.Kind < Classic || c.Kind > Type4:
		return fmt.Errorf("card %s is of kind %d; 1 to 3 are known", c.Tag, c.Kind)
	case len(c.Message) > room[c.Kind]:
		return fmt.Errorf("card %s holds a message of %d bytes; %d were given", c.Tag, room[c.Kind], len(c.Message))
	}
	return nil
}

// target gives the card as a PN532 lists it.
func (c Card) target(number byte) pn532.Target {
	t := pn532.Target{Number: number, UID: c.Tag.Bytes()}
	switch c.Kind {
	case Classic:
		t.SensRes, t.SelRes = 0x0004, 0x08
	case Type4:
		t.SensRes, t.SelRes, t.ATS = 0x0344, 0x20, []byte{0x75, 0x77, 0x81, 0x02, 0x80}
	default:
		t.SensRes = 0x0044
	}
	return t
}

// wake gives the card's chip as it is when it comes into a field.
func (c Card) wake() chip {
	switch c.Kind {
	case Type2:
		return newType2(c)
	case Type4:
		return newType4(c)
	default:
		return locked{}
	}
}

// locked answers nothing without a key.
type locked struct{}

func (locked) answer([]byte) ([]byte, bool) { return nil, false }
