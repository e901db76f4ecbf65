package pn532

import "fmt"

// WakeUp is what a host sends before its first command, so that a sleeping PN532 hears it.
const WakeUp = "\x55\x55\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"

// MaxTargets is how many cards a PN532 can list at once.
const MaxTargets = 2

// Item is what an RFConfiguration sets.
type Item byte

// The items.
const (
	// Field switches the radio field; off long enough, it puts every card back to its start.
	Field Item = 0x01
	// Retries says how often a card is looked for.
	Retries Item = 0x05
)

// MaxExchange is how many bytes an InDataExchange can carry to a card.
const MaxExchange = 262

// Parameters of commands.
const (
	samNormal     = 0x01 // SAMConfiguration: no secure module
	baud106A      = 0x00 // InListPassiveTarget: ISO 14443 type A at 106 kbit/s
	triesForever  = 0xFF
	releaseAll    = 0x00
	retriesParams = 4
	fieldOn       = 0x01
	moreData      = 0x40 // InDataExchange, beside the card's number: the command goes on in the next
)

// Command is what the gateway asks of the PN532. Only the fields that belong to Code count.
type Command struct {
	Code    Code
	Targets uint8  // InListPassiveTarget: list so many cards, 1 or MaxTargets; type A at 106 kbit/s
	Item    Item   // RFConfiguration
	Tries   uint8  // Retries: look for a card so often, plus once, before a list is answered empty; 0xFF = until one comes
	On      bool   // Field
	Card    byte   // InDataExchange: the number of the card, as a list gave it
	Data    []byte // InDataExchange: what the card is sent, at most MaxExchange; a parsed Command's is part of the frame
}

// Frame gives the frame that carries the command.
func (c Command) Frame() Frame {
	f := Frame{Kind: Data, Direction: ToChip, Code: c.Code}
	switch c.Code {
	case SAMConfiguration:
		f.Params = []byte{samNormal}
	case RFConfiguration:
		f.Params = c.settings()
	case InDataExchange:
		f.Params = append([]byte{c.Card}, c.Data...)
	case InListPassiveTarget:
		f.Params = []byte{c.Targets, baud106A}
	case InRelease:
		f.Params = []byte{releaseAll}
	}
	return f
}

// settings gives the parameters of an RFConfiguration.
func (c Command) settings() []byte {
	if c.Item == Retries {
		return []byte{byte(Retries), triesForever, 0x01, c.Tries}
	}
	on := byte(0)
	if c.On {
		on = fieldOn
	}
	return []byte{byte(Field), on}
}

// ParseCommand reads the frame of a command. A command that this package does not send is an error, to be answered with
// a SyntaxError.
func ParseCommand(f Frame) (Command, error) {
	if f.Kind != Data || f.Direction != ToChip {
		return Command{}, fmt.Errorf("frame of kind %d, direction %02x is no command", f.Kind, byte(f.Direction))
	}
	c := Command{Code: f.Code}
	p := f.Params
	ok := false
	switch f.Code {
	case GetFirmwareVersion:
		ok = len(p) == 0
	case SAMConfiguration:
		ok = len(p) >= 1 && p[0] == samNormal
	case RFConfiguration:
		ok = c.parseSettings(p)
	case InDataExchange:
		if ok = len(p) >= 1 && p[0]&moreData == 0; ok {
			c.Card, c.Data = p[0], p[1:]
		}
	case InListPassiveTarget:
		if ok = len(p) == 2 && p[0] >= 1 && p[0] <= MaxTargets && p[1] == baud106A; ok {
			c.Targets = p[0]
		}
	case InRelease:
		ok = len(p) == 1
	default:
		return Command{}, fmt.Errorf("command 0x%02x is not known", byte(f.Code))
	}
	if !ok {
		return Command{}, fmt.Errorf("command 0x%02x cannot have the parameters % x", byte(f.Code), p)
	}
	return c, nil
}

func (c *Command) parseSettings(p []byte) bool {
	switch {
	case len(p) == retriesParams && p[0] == byte(Retries):
		c.Item, c.Tries = Retries, p[3]
	case len(p) == 2 && p[0] == byte(Field):
		c.Item, c.On = Field, p[1]&fieldOn != 0
	default:
		return false
	}
	return true
}

// Done gives the response without content to a SAMConfiguration or RFConfiguration.
func Done(code Code) Frame { return Frame{Kind: Data, Direction: FromChip, Code: code.Response()} }

// Released gives the response to an InRelease.
func Released() Frame {
	return Frame{Kind: Data, Direction: FromChip, Code: InRelease.Response(), Params: []byte{0}}
}

// Firmware says what the chip is.
type Firmware struct {
	IC                byte // 0x32 for a PN532
	Version, Revision byte
	Support           byte // bit 0 ISO 14443 A, 1 ISO 14443 B, 2 ISO 18092
}

// Frame gives the response to GetFirmwareVersion.
func (v Firmware) Frame() Frame {
	return Frame{
		Kind: Data, Direction: FromChip, Code: GetFirmwareVersion.Response(),
		Params: []byte{v.IC, v.Version, v.Revision, v.Support},
	}
}

// ParseFirmware reads the response to GetFirmwareVersion.
func ParseFirmware(f Frame) (Firmware, error) {
	p, err := params(f, GetFirmwareVersion)
	if err != nil {
		return Firmware{}, err
	}
	if len(p) != 4 {
		return Firmware{}, fmt.Errorf("firmware version has %d bytes, not 4", len(p))
	}
	return Firmware{IC: p[0], Version: p[1], Revision: p[2], Support: p[3]}, nil
}

// params gives the parameters of the response to code.
func params(f Frame, code Code) ([]byte, error) {
	if f.Kind != Data || f.Direction != FromChip || f.Code != code.Response() {
		return nil, fmt.Errorf("frame is no response to command 0x%02x", byte(code))
	}
	return f.Params, nil
}
