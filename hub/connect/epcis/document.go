package epcis

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"time"

	"github.com/tallydock/tallydock/hub/fault"
)

// The types of document. One that is a bare event has the event's type.
const (
	CaptureDocument = "EPCISDocument"
	QueryDocument   = "EPCISQueryDocument"
)

// Document is events with what goes round them.
type Document struct {
	Type               string // CaptureDocument, QueryDocument or the type of the one event
	ID                 string
	SchemaVersion      string // "2.0"
	Created            time.Time
	Sender             string
	Receiver           string
	InstanceIdentifier string
	Context            Context
	Header             json.RawMessage // epcisHeader as written, nil where there is none
	MasterData         []Vocabulary    // of Header, or of the results of a query
	Query              string          // name of the query that this answers
	Subscription       string          // id of the subscription that this answers
	Events             []Event
	Extensions         []Member
}

// Vocabulary is master data of one kind.
type Vocabulary struct {
	Type     string // e.g. "urn:epcglobal:epcis:vtype:BusinessLocation"
	Elements []VocabularyElement
}

// VocabularyElement is what is known of one thing that events name.
type VocabularyElement struct {
	ID         string
	Attributes []Attribute
	Children   []string // ids of the things that are part of it
}

// Attribute is one thing known; Value is text, a number or an object.
type Attribute struct {
	ID    string
	Value json.RawMessage
}

// Decode reads an EPCISDocument, an EPCISQueryDocument or a bare event. Where something is wrong it gives a *Refusal with
// all that is, and also the events in which nothing is: who captures as much as can be captured takes those. Errors:
// ErrTooLarge, fault.Invalid, and what r gives.
func Decode(r io.Reader, limits Limits) (Document, error) {
	limits = limits.orDefault()
	text, err := limits.read(r)
	if err != nil {
		return Document{}, err
	}
	root, err := parse(text, limits.Depth, limits.Values)
	var much tooMuch
	switch {
	case errors.As(err, &much):
		return Document{}, fmt.Errorf("%w: %w: send fewer events at once", ErrTooLarge, err)
	case err != nil:
		return Document{}, fmt.Errorf("%w: this is no JSON: %w", fault.Invalid, err)
	}
	d := &decoder{limits: limits, scope: &scope{}}
	doc := d.document(root)
	return doc, d.err()
}

func (d *decoder) document(root node) (doc Document) {
	if !d.is(root, isObject) {
		return doc
	}
	if kind, ok := root.member("type"); ok {
		doc.Type = kind.str()
	}
	of, ok := documentShapes[doc.Type]
	if !ok {
		e, right := d.oneEvent(root, true)
		doc.Type = e.Type
		if right {
			doc.Events = []Event{e}
		}
		return doc
	}
	if c, ok := root.member("@context"); ok {
		d.scope = &scope{contextOf(c), Prefixes(nil).define(c)}
		doc.Context = d.scope.context
	}
	of.read(d, root, &doc)
	return doc
}

// oneEvent reads an event and reports whether nothing is wrong with it.
func (d *decoder) oneEvent(n node, bare bool) (Event, bool) {
	before := d.found()
	e := d.readEvent(n, bare)
	return e, d.found() == before
}

type documentField = func(*decoder, *Document, node)

var version = regexp.MustCompile(`^\d+(\.\d+)*$`)

var documentShapes = map[string]*shape[Document]{
	CaptureDocument: {
		what: "an EPCISDocument", required: []string{"@context", "schemaVersion", "creationDate", "epcisBody"}, others: namespaced,
		extend: extendDocument,
		fields: documentFields(map[string]documentField{
			"sender":             textField(func(d *Document) *string { return &d.Sender }),
			"receiver":           textField(func(d *Document) *string { return &d.Receiver }),
			"instanceIdentifier": textField(func(d *Document) *string { return &d.InstanceIdentifier }),
			"epcisHeader":        readHeader,
			"epcisBody":          func(d *decoder, doc *Document, v node) { captureBody.read(d, v, doc) },
		}),
	},
	QueryDocument: {
		what: "an EPCISQueryDocument", required: []string{"@context", "epcisBody"}, others: namespaced, extend: extendDocument,
		fields: documentFields(map[string]documentField{
			"epcisBody": func(d *decoder, doc *Document, v node) { queryBody.read(d, v, doc) },
		}),
	},
}

func documentFields(more map[string]documentField) map[string]documentField {
	more["@context"] = func(d *decoder, _ *Document, v node) { d.checkContext(v) }
	more["type"] = func(*decoder, *Document, node) {}
	more["id"] = uriField(func(d *Document) *string { return &d.ID })
	more["schemaVersion"] = matchField(version, "write 2.0", func(d *Document) *string { return &d.SchemaVersion })
	more["creationDate"] = timeField(func(d *Document) *time.Time { return &d.Created })
	return more
}

func extendDocument(doc *Document, m Member) { doc.Extensions = append(doc.Extensions, m) }

var captureBody = &shape[Document]{
	what: "an epcisBody", required: []string{"eventList"}, others: ignored,
	fields: map[string]documentField{"eventList": readEvents},
}

var queryBody = &shape[Document]{
	what: "an epcisBody", required: []string{"queryResults"}, others: namespaced,
	fields: map[string]documentField{"queryResults": func(d *decoder, doc *Document, v node) { queryResults.read(d, v, doc) }},
}

var queryResults = &shape[Document]{
	what: "queryResults", required: []string{"queryName", "resultsBody"}, others: namespaced,
	fields: map[string]documentField{
		"queryName":      textField(func(d *Document) *string { return &d.Query }),
		"subscriptionID": textField(func(d *Document) *string { return &d.Subscription }),
		"resultsBody":    func(d *decoder, doc *Document, v node) { resultsBody.read(d, v, doc) },
	},
}

var resultsBody = &shape[Document]{
	what: "a resultsBody", required: []string{"eventList"}, others: namespaced,
	fields: map[string]documentField{
		"eventList":      readEvents,
		"vocabularyList": listField(vocabularyShape, 0, func(d *Document) *[]Vocabulary { return &d.MasterData }),
	},
}

func readEvents(d *decoder, doc *Document, v node) {
	if n := v.count(); n > d.limits.Events {
		d.problem(fmt.Sprintf("%d events are more than the %d that are taken at once", n, d.limits.Events), "send fewer at once")
		return
	}
	doc.Events = make([]Event, 0, v.count())
	d.list(v, func(item node) {
		if e, right := d.oneEvent(item, false); right {
			doc.Events = append(doc.Events, e)
		}
	})
}

func readHeader(d *decoder, doc *Document, v node) {
	doc.Header = json.RawMessage(v.raw())
	headerShape.read(d, v, doc)
}

var headerShape = &shape[Document]{
	what: "an epcisHeader", others: namespaced,
	fields: map[string]documentField{
		"epcisMasterData": func(d *decoder, doc *Document, v node) { masterDataShape.read(d, v, doc) },
	},
}

var masterDataShape = &shape[Document]{
	what: "epcisMasterData", others: ignored,
	fields: map[string]documentField{
		"vocabularyList": listField(vocabularyShape, 0, func(d *Document) *[]Vocabulary { return &d.MasterData }),
	},
}

var vocabularyShape = &shape[Vocabulary]{
	what: "a vocabulary", required: []string{"type"}, others: ignored,
	fields: map[string]func(*decoder, *Vocabulary, node){
		"type":                  uriField(func(v *Vocabulary) *string { return &v.Type }),
		"vocabularyElementList": listField(elementShape, 0, func(v *Vocabulary) *[]VocabularyElement { return &v.Elements }),
	},
}

var elementShape = &shape[VocabularyElement]{
	what: "a vocabulary element", required: []string{"id"}, others: ignored,
	fields: map[string]func(*decoder, *VocabularyElement, node){
		"id":         uriField(func(e *VocabularyElement) *string { return &e.ID }),
		"attributes": listField(attributeShape, 0, func(e *VocabularyElement) *[]Attribute { return &e.Attributes }),
		"children":   func(d *decoder, e *VocabularyElement, v node) { e.Children = d.uris(v, false) },
	},
}

var attributeShape = &shape[Attribute]{
	what: "an attribute", required: []string{"id"}, others: ignored,
	fields: map[string]func(*decoder, *Attribute, node){
		"id": func(d *decoder, a *Attribute, v node) { a.ID = d.scope.prefixes.full(d.uri(v)) },
		"attribute": func(d *decoder, a *Attribute, v node) {
			a.Value = json.RawMessage(v.raw())
			if k := v.kind(); k != isString && k != isNumber && k != isObject {
				d.problem(shown(v)+" is "+k.String(), "write text, a number or an object")
			}
		},
	},
}
