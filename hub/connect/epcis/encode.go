package epcis

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/tallydock/tallydock/hub/fault"
)

// Encode writes the document: its events as they were captured, and a "@context" with all that they need. An event whose
// prefixes say something else than those of others gets a "@context" of its own. Created must be set, but in a
// QueryDocument. Of master data a CaptureDocument has what is in Header. What somebody added to the body around the events
// is not written. A document whose Type is neither CaptureDocument nor QueryDocument must have one event, and is written
// as that.
func (doc Document) Encode(w io.Writer) error {
	out := bufio.NewWriter(w)
	c := newContexts(doc)
	var err error
	switch doc.Type {
	case CaptureDocument, QueryDocument:
		err = doc.write(out, c)
	default:
		err = doc.writeBare(out, c)
	}
	if err != nil {
		return err
	}
	return out.Flush()
}

func (doc Document) writeBare(w *bufio.Writer, c *contexts) error {
	if len(doc.Events) != 1 {
		return fmt.Errorf("%w: a document of type %q has %d events, not 1: make it an %s", fault.Invalid, doc.Type, len(doc.Events),
			CaptureDocument)
	}
	e := doc.Events[0]
	around, own := c.all, ownContext(e)
	if slices.ContainsFunc(own, isStandard) {
		around = slices.DeleteFunc(around, isStandard)
	}
	return writeCompact(w, joined(e, around, own))
}

// joined gives the event's JSON with the context around it in its own.
func joined(e Event, around, own Context) string {
	all := slices.Clone(own)
	for _, item := range slices.Backward(around) {
		if !slices.ContainsFunc(own, func(o json.RawMessage) bool { return bytes.Equal(o, item) }) {
			all = slices.Insert(all, 0, item)
		}
	}
	if len(all) == len(own) {
		return e.text
	}
	return withMember(e.text, "@context", all)
}

func (doc Document) write(w *bufio.Writer, c *contexts) error {
	head, err := doc.head(c.all)
	if err != nil {
		return err
	}
	for i, m := range head {
		separator := `,"`
		if i == 0 {
			separator = `{"`
		}
		_, _ = w.WriteString(separator + m.name + `":`)
		if err := writeCompact(w, string(m.value)); err != nil {
			return err
		}
	}
	before, after, err := doc.body()
	if err != nil {
		return err
	}
	_, _ = w.WriteString(`,"epcisBody":` + before + `"eventList":[`)
	for i, e := range doc.Events {
		if i > 0 {
			_ = w.WriteByte(',')
		}
		if err := writeCompact(w, c.text(e)); err != nil {
			return err
		}
	}
	_, err = w.WriteString("]" + after + "}")
	return err
}

// body gives what stands around the list of events.
func (doc Document) body() (before, after string, err error) {
	if doc.Type == CaptureDocument {
		return "{", "}", nil
	}
	name, _ := json.Marshal(doc.Query)
	before = `{"queryResults":{"queryName":` + string(name)
	if doc.Subscription != "" {
		id, _ := json.Marshal(doc.Subscription)
		before += `,"subscriptionID":` + string(id)
	}
	before += `,"resultsBody":{`
	if len(doc.MasterData) > 0 {
		list, err := json.Marshal(doc.MasterData)
		if err != nil {
			return "", "", fmt.Errorf("%w: master data: %w", fault.Invalid, err)
		}
		before += `"vocabularyList":` + string(list) + ","
	}
	return before, "}}}", nil
}

// pair is a member of a document.
type pair struct {
	name  string
	value json.RawMessage
}

// head gives the members before the body.
func (doc Document) head(context Context) ([]pair, error) {
	if doc.Type == CaptureDocument && doc.Created.IsZero() {
		return nil, fmt.Errorf("%w: an %s needs its time of creation: set Created", fault.Invalid, CaptureDocument)
	}
	var all []pair
	put := func(name, value string) {
		if value != "" {
			text, _ := json.Marshal(value)
			all = append(all, pair{name, text})
		}
	}
	contexts, err := json.Marshal(context)
	if err != nil {
		return nil, fmt.Errorf("%w: @context: %w", fault.Invalid, err)
	}
	all = append(all, pair{"@context", contexts})
	put("type", doc.Type)
	put("id", doc.ID)
	if doc.SchemaVersion == "" {
		doc.SchemaVersion = "2.0"
	}
	put("schemaVersion", doc.SchemaVersion)
	if !doc.Created.IsZero() {
		put("creationDate", doc.Created.Format(recordTime))
	}
	if doc.Type == CaptureDocument {
		put("sender", doc.Sender)
		put("receiver", doc.Receiver)
		put("instanceIdentifier", doc.InstanceIdentifier)
		if len(doc.Header) > 0 {
			all = append(all, pair{"epcisHeader", doc.Header})
		}
	}
	for _, m := range doc.Extensions {
		all = append(all, pair{m.Name, m.Value})
	}
	return all, nil
}

func writeCompact(w *bufio.Writer, text string) error {
	var b bytes.Buffer
	if err := json.Compact(&b, []byte(text)); err != nil {
		return fmt.Errorf("%w: %s is no JSON: %w", fault.Invalid, quote(text), err)
	}
	_, err := w.Write(b.Bytes())
	return err
}

// contexts gathers what events need to be understood.
type contexts struct {
	all     Context
	seen    map[string]bool   // items
	defined map[string]string // prefixes
}

func newContexts(doc Document) *contexts {
	c := &contexts{seen: map[string]bool{}, defined: map[string]string{}}
	standard, _ := json.Marshal(StandardContext)
	for _, item := range doc.Context {
		if isStandard(item) {
			standard = item
			break
		}
	}
	c.all = Context{standard}
	c.add(doc.Context)
	for _, e := range doc.Events {
		if own := e.Context(); !c.conflicts(own) {
			c.add(own)
		}
	}
	return c
}

// conflicts reports whether items define a prefix otherwise than it is defined already.
func (c *contexts) conflicts(items Context) bool {
	for _, item := range items {
		for name, value := range definitions(item) {
			if have, ok := c.defined[name]; ok && have != value {
				return true
			}
		}
	}
	return false
}

func (c *contexts) add(items Context) {
	for _, item := range items {
		if isStandard(item) || c.seen[string(item)] {
			continue
		}
		c.seen[string(item)] = true
		c.all = append(c.all, item)
		for name, value := range definitions(item) {
			c.defined[name] = value
		}
	}
}

// definitions gives the members of an item that is an object.
func definitions(item json.RawMessage) map[string]string {
	all := map[string]string{}
	n, err := parse(string(item), mostDepth, len(item)+1)
	if err != nil {
		return all
	}
	for name, v := range n.members() {
		all[name] = v.raw()
	}
	return all
}

// text gives the event's JSON, with a context of its own where the document's says something else.
func (c *contexts) text(e Event) string {
	around := e.Context()
	if !c.conflicts(around) {
		around = nil
	}
	if strangers := c.strangers(e); len(strangers) > 0 {
		item, _ := json.Marshal(strangers)
		around = append(slices.Clone(around), item)
	}
	if len(around) == 0 {
		return e.text
	}
	return joined(e, around, ownContext(e))
}

// strangers gives the prefixes, as null, that the event uses without saying what they stand for, and that other events
// define: they do not come to mean anything by standing beside those.
func (c *contexts) strangers(e Event) map[string]any {
	strangers := map[string]any{}
	for name := range c.defined {
		if _, known := e.prefixes()[name]; !known && strings.Contains(e.text, `"`+name+`:`) {
			strangers[name] = nil
		}
	}
	return strangers
}

// ownContext gives the "@context" that the event itself has.
func ownContext(e Event) Context {
	if n, ok := e.node(); ok {
		if v, ok := n.member("@context"); ok {
			return contextOf(v)
		}
	}
	return nil
}

// MarshalJSON writes a vocabulary as documents have it.
func (v Vocabulary) MarshalJSON() ([]byte, error) {
	type attribute struct {
		ID    string          `json:"id"`
		Value json.RawMessage `json:"attribute,omitempty"`
	}
	type element struct {
		ID         string      `json:"id"`
		Attributes []attribute `json:"attributes,omitempty"`
		Children   []string    `json:"children,omitempty"`
	}
	elements := make([]element, 0, len(v.Elements))
	for _, e := range v.Elements {
		out := element{ID: e.ID, Children: e.Children}
		for _, a := range e.Attributes {
			out.Attributes = append(out.Attributes, attribute(a))
		}
		elements = append(elements, out)
	}
	return json.Marshal(struct {
		Type     string    `json:"type"`
		Elements []element `json:"vocabularyElementList"`
	}{v.Type, elements})
}
