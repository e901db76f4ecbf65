package epc

import (
	"fmt"
	"slices"
	"strings"
)

// plusAIs are the application identifiers whose values make an EPC of release 2, in turn (TDS 2.3 §14.6).
func (s Scheme) plusAIs() []string {
	switch s {
	case SGTIN:
		return []string{"01", "21"}
	case SSCC:
		return []string{"00"}
	case SGLN:
		return []string{"414", "254"}
	case GRAI:
		return []string{"8003"}
	case GIAI:
		return []string{"8004"}
	case GSRN:
		return []string{"8018"}
	case GSRNP:
		return []string{"8017"}
	case GDTI:
		return []string{"253"}
	case CPI:
		return []string{"8010", "8011"}
	case SGCN:
		return []string{"255"}
	case ITIP:
		return []string{"8006", "21"}
	default:
		return nil
	}
}

// dateAIs are the dates that a DSGTIN may start with; the index is how it tells them (§14.5.3).
var dateAIs = []string{"11", "13", "15", "16", "17", "7006", "7007"}

const dateBits = 4 // of the index into dateAIs

func (l layout) readPlus(r *reader, t *Tag) error {
	if l.plus&withDate != 0 {
		which := int(r.take(dateBits))
		if which >= len(dateAIs) {
			return fmt.Errorf("date %d is reserved", which)
		}
		day, err := takeDate(r)
		if err != nil {
			return err
		}
		t.Date = Element{dateAIs[which], day}
	}
	var elements []Element
	for _, ai := range l.scheme.plusAIs() {
		e, err := readValue(r, ai)
		if err != nil {
			return err
		}
		elements = append(elements, e)
	}
	id, _, err := Identify(elements)
	if err != nil {
		return err
	}
	t.Identity = id
	if l.plus&withHost != 0 {
		if t.Host, err = takeHost(r); err != nil {
			return err
		}
	}
	t.readData(r)
	return nil
}

// readData reads the +AIDC data after the EPC: an application identifier in digits of four bits, its value, and so on,
// until only zeros remain (§15.3).
func (t *Tag) readData(r *reader) {
	for t.Toggle && !r.empty() {
		at := *r
		e, err := readElement(r)
		if err != nil || t.has(e.AI) {
			*r = at
			break
		}
		t.Data = append(t.Data, e)
	}
	var b strings.Builder
	for r.left() > 0 {
		b.WriteByte('0' + byte(r.take(1)))
	}
	t.Unread = strings.TrimRight(b.String(), "0")
}

// has reports whether the tag has an element of an application identifier already.
func (t *Tag) has(ai string) bool {
	return slices.ContainsFunc(t.extras(), func(e Element) bool { return e.AI == ai }) || slices.Contains(t.Scheme.plusAIs(), ai)
}

// extras are the elements besides those of the identity.
func (t *Tag) extras() []Element {
	if t.Date == (Element{}) {
		return t.Data
	}
	return append([]Element{t.Date}, t.Data...)
}

// DigitalLink gives the GS1 Digital Link of the tag with all its elements, on its own host or GS1's; "" in the schemes
// that are not of GS1.
func (t Tag) DigitalLink() string {
	host := t.Host
	if host == "" {
		host = GS1Host
	}
	return t.Link(host, t.extras()...)
}

func readElement(r *reader) (Element, error) {
	two, err := bcd(2).read(r)
	if err != nil {
		return Element{}, err
	}
	more, err := bcd(lengthOfAI(two) - 2).read(r)
	if err != nil {
		return Element{}, err
	}
	return readValue(r, two+more)
}

func (l layout) writePlus(w *writer, t Tag) error {
	if l.plus&withDate != 0 {
		which := slices.Index(dateAIs, t.Date.AI)
		if which < 0 {
			return fmt.Errorf("its date is of (%s), which is none of %s", t.Date.AI, strings.Join(dateAIs, ", "))
		}
		w.put(uint64(which), dateBits)
		if err := putDate(w, t.Date.Value); err != nil {
			return err
		}
	} else if t.Date != (Element{}) {
		return fmt.Errorf("it has no room for a date; dsgtin+ has")
	}
	for _, e := range t.plusElements() {
		if err := e.write(w); err != nil {
			return err
		}
	}
	if l.plus&withHost != 0 {
		if err := putHost(w, t.Host); err != nil {
			return err
		}
	} else if t.Host != "" {
		return fmt.Errorf("it has no room for a host; the ++ codings have")
	}
	return t.writeData(w)
}

// plusElements are the identity's elements as an EPC has them: an SGLN always with its extension.
func (t Tag) plusElements() []Element {
	elements := t.Elements()
	if t.Scheme == SGLN && t.Serial == noExtension {
		elements = append(elements, Element{"254", noExtension})
	}
	return elements
}

func (t Tag) writeData(w *writer) error {
	for _, e := range t.Data {
		if err := ofDigits(e.AI, 2, 4); err != nil {
			return err
		}
		for i := range len(e.AI) {
			w.put(uint64(e.AI[i]-'0'), 4)
		}
		if err := e.write(w); err != nil {
			return err
		}
	}
	if strings.Trim(t.Unread, "01") != "" {
		return fmt.Errorf("unread bits %q are not of 0 and 1", t.Unread)
	}
	for i := range len(t.Unread) {
		w.put(uint64(t.Unread[i]-'0'), 1)
	}
	return nil
}

func isDateAI(ai string) bool { return slices.Contains(dateAIs, ai) }
