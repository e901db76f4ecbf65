package pn532

import (
	"errors"
	"fmt"
)

// Target is a card that lies in the field, ISO 14443 type A.
type Target struct {
	Number  byte   // 1 or 2: how the PN532 calls it from now on
	SensRes uint16 // ATQA, as the PN532 sends it (high byte first)
	SelRes  byte   // SAK; bit 5 says that the card speaks ISO 14443-4 and sent an ATS
	UID     []byte // 4, 7 or 10 bytes
	ATS     []byte // without its length byte; nil where there was none
}

// isoDEP is the bit of SelRes that announces an ATS.
const isoDEP = 0x20

// TargetsReply gives the response to InListPassiveTarget; no target is the normal answer of an empty pad. It fails where
// a UID or ATS has an impossible length or there are more than MaxTargets.
func TargetsReply(targets ...Target) (Frame, error) {
	if len(targets) > MaxTargets {
		return Frame{}, fmt.Errorf("%d cards; a PN532 lists %d", len(targets), MaxTargets)
	}
	p := []byte{byte(len(targets))}
	for _, t := range targets {
		if err := validUID(len(t.UID)); err != nil {
			return Frame{}, err
		}
		p = append(p, t.Number, byte(t.SensRes>>8), byte(t.SensRes), t.SelRes, byte(len(t.UID)))
		p = append(p, t.UID...)
		if t.SelRes&isoDEP == 0 {
			continue
		}
		if len(t.ATS) > 100 {
			return Frame{}, fmt.Errorf("ATS has %d bytes; 100 are possible", len(t.ATS))
		}
		p = append(p, byte(len(t.ATS)+1))
		p = append(p, t.ATS...)
	}
	return Frame{Kind: Data, Direction: FromChip, Code: InListPassiveTarget.Response(), Params: p}, nil
}

// ParseTargets reads the response to InListPassiveTarget for type A cards; an empty list is the normal answer of an
// empty pad. UIDs and ATSs are part of the frame.
func ParseTargets(f Frame) ([]Target, error) {
	p, err := params(f, InListPassiveTarget)
	if err != nil {
		return nil, err
	}
	if len(p) == 0 || p[0] > MaxTargets {
		return nil, errors.New("list of cards does not say how many there are")
	}
	targets := make([]Target, 0, MaxTargets)
	count, p := int(p[0]), p[1:]
	for i := range count {
		t, rest, err := parseTarget(p)
		if err != nil {
			return nil, fmt.Errorf("card %d of %d: %w", i+1, count, err)
		}
		targets, p = append(targets, t), rest
	}
	if len(p) > 0 {
		return nil, fmt.Errorf("%d bytes follow the last card of the list", len(p))
	}
	return targets, nil
}

func parseTarget(p []byte) (Target, []byte, error) {
	if len(p) < 5 || len(p) < 5+int(p[4]) {
		return Target{}, nil, errors.New("the list ends within it")
	}
	size := int(p[4])
	if err := validUID(size); err != nil {
		return Target{}, nil, err
	}
	t := Target{Number: p[0], SensRes: uint16(p[1])<<8 | uint16(p[2]), SelRes: p[3], UID: p[5 : 5+size : 5+size]}
	p = p[5+size:]
	if t.SelRes&isoDEP == 0 || len(p) == 0 {
		return t, p, nil
	}
	ats := int(p[0]) // counts itself
	if ats == 0 || ats > len(p) {
		return Target{}, nil, errors.New("the list ends within its ATS")
	}
	t.ATS = p[1:ats:ats]
	return t, p[ats:], nil
}

func validUID(size int) error {
	if size != 4 && size != 7 && size != 10 {
		return fmt.Errorf("UID has %d bytes; 4, 7 or 10 are possible", size)
	}
	return nil
}
