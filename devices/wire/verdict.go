package wire

import (
	"errors"
	"fmt"
	"time"

	"github.com/tallydock/tallydock/devices"
	pb "github.com/tallydock/tallydock/devices/wire/wirepb"
)

// Bounds of lists for doors.
const (
	MaxExpected = 1000 // tags and items that an Expect lists together
	MaxNamed    = 100  // tags, and items, of each sort that a Verdict names; its counts are whole
)

// Expect puts a list of what should go through a door there, in the place of the one before. Without tags and items it
// only takes that away.
type Expect struct {
	ID        string
	Door      string
	Direction Direction // In or Out; "" = either
	Tags      []devices.Tag
	Items     []ItemCount
}

// ItemCount is a number of units of one item.
type ItemCount struct {
	GTIN     string // 14 digits
	Quantity uint32
}

// Check tells what no list may be.
func (x *Expect) Check() error {
	switch n := len(x.Tags) + len(x.Items); {
	case x.Door == "":
		return errors.New("list has no door; say where the goods are expected")
	case n > 0 && x.ID == "":
		return errors.New("list has no id; give it the number of the order or of the shipping notice")
	case n > MaxExpected:
		return fmt.Errorf("list has %d tags and items; at most %d are possible: name items with quantities, or cut it", n, MaxExpected)
	case x.Direction != "" && x.Direction != In && x.Direction != Out:
		return fmt.Errorf("list's direction is %q; use in or out, or leave it out", x.Direction)
	}
	for _, t := range x.Tags {
		if t.IsZero() {
			return errors.New("list has a tag without an identity")
		}
	}
	for _, it := range x.Items {
		if !gtin14(it.GTIN) || it.Quantity == 0 {
			return fmt.Errorf("list has %d of item %q; a GTIN of 14 digits and a quantity above 0 are needed", it.Quantity, it.GTIN)
		}
	}
	return nil
}

func gtin14(s string) bool {
	for _, c := range s {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(s) == 14
}

// Verdict is what a pass was against the list of its door. Missing is what the list still lacks after it.
type Verdict struct {
	Door, Pass, List              string
	Direction                     Direction
	Signal                        string // ok, missing or unexpected
	At                            time.Time
	Matched, Missing, Unexpected  uint32
	MissingTags, UnexpectedTags   []devices.Tag // at most MaxNamed of each
	MissingItems, UnexpectedItems []ItemCount   // the same by item
}

// Answer says what became of a command that no transition of an alarm answers.
type Answer struct {
	Command string
	Error   string // why it changed nothing; "" where it was done
	At      time.Time
}

func expectPB(x *Expect) *pb.Expect {
	return &pb.Expect{
		Id: x.ID, Door: x.Door, Direction: string(x.Direction), Tags: tagsPB(x.Tags), Items: itemsPB(x.Items, len(x.Items)),
	}
}

func expectOf(m *pb.Expect) (*Expect, error) {
	if n := len(m.GetTags()) + len(m.GetItems()); n > MaxExpected {
		return nil, fmt.Errorf("list has %d tags and items; at most %d are possible", n, MaxExpected)
	}
	tags, err := tagsOf(m.GetTags())
	if err != nil {
		return nil, err
	}
	x := &Expect{
		ID: m.GetId(), Door: m.GetDoor(), Direction: Direction(m.GetDirection()), Tags: tags, Items: itemsOf(m.GetItems()),
	}
	return x, x.Check()
}

func verdictPB(v *Verdict) *pb.Verdict {
	return &pb.Verdict{
		Door: v.Door, Pass: v.Pass, List: v.List, Direction: string(v.Direction), Signal: v.Signal, At: micros(v.At),
		Matched: v.Matched, Missing: v.Missing, Unexpected: v.Unexpected,
		MissingTags:     tagsPB(v.MissingTags[:min(len(v.MissingTags), MaxNamed)]),
		UnexpectedTags:  tagsPB(v.UnexpectedTags[:min(len(v.UnexpectedTags), MaxNamed)]),
		MissingItems:    itemsPB(v.MissingItems, MaxNamed),
		UnexpectedItems: itemsPB(v.UnexpectedItems, MaxNamed),
	}
}

func verdictOf(m *pb.Verdict) (*Verdict, error) {
	most := max(len(m.GetMissingTags()), len(m.GetUnexpectedTags()), len(m.GetMissingItems()), len(m.GetUnexpectedItems()))
	switch {
	case m.GetPass() == "":
		return nil, errors.New("verdict lacks its pass")
	case most > MaxNamed:
		return nil, fmt.Errorf("verdict names %d tags or items of a sort; at most %d are possible", most, MaxNamed)
	}
	missing, err1 := tagsOf(m.GetMissingTags())
	unexpected, err2 := tagsOf(m.GetUnexpectedTags())
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	return &Verdict{
		Door: m.GetDoor(), Pass: m.GetPass(), List: m.GetList(), Direction: Direction(m.GetDirection()), Signal: m.GetSignal(),
		At: timeOf(m.GetAt()), Matched: m.GetMatched(), Missing: m.GetMissing(), Unexpected: m.GetUnexpected(),
		MissingTags: missing, UnexpectedTags: unexpected, MissingItems: itemsOf(m.GetMissingItems()),
		UnexpectedItems: itemsOf(m.GetUnexpectedItems()),
	}, nil
}

func itemsPB(items []ItemCount, most int) []*pb.ItemCount {
	var out []*pb.ItemCount
	for _, it := range items[:min(len(items), most)] {
		out = append(out, &pb.ItemCount{Gtin: it.GTIN, Quantity: it.Quantity})
	}
	return out
}

func itemsOf(ms []*pb.ItemCount) []ItemCount {
	var out []ItemCount
	for _, m := range ms {
		out = append(out, ItemCount{GTIN: m.GetGtin(), Quantity: m.GetQuantity()})
	}
	return out
}
