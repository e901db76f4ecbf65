package epcis

import (
	"maps"
	"regexp"
	"strings"
	"time"
)

// The shapes of events and what is in them (EPCIS 2.0 §7.3 and §7.4, as its JSON binding writes them).

type eventField = func(*decoder, *Event, node)

// commonFields are in every event.
var commonFields = map[string]eventField{
	"@context":            func(*decoder, *Event, node) {}, // read before all else
	"type":                func(*decoder, *Event, node) {},
	"eventTime":           timeField(func(e *Event) *time.Time { return &e.Time }),
	"recordTime":          timeField(func(e *Event) *time.Time { return &e.RecordTime }),
	"eventTimeZoneOffset": matchField(zoneOffset, "write it as +08:00", func(e *Event) *string { return &e.TimeZoneOffset }),
	"eventID":             uriField(func(e *Event) *string { return &e.ID }),
	"certificationInfo":   readCertification,
	"errorDeclaration": func(d *decoder, e *Event, v node) {
		e.Error = &ErrorDeclaration{}
		errorShape.read(d, v, e.Error)
	},
}

// fields are those of one or more of the standard types.
var fields = map[string]eventField{
	"action":      readAction,
	"bizStep":     wordField(bizSteps, func(e *Event) *string { return &e.BizStep }),
	"disposition": wordField(dispositions, func(e *Event) *string { return &e.Disposition }),
	"persistentDisposition": func(d *decoder, e *Event, v node) {
		persistentShape.read(d, v, &e.Persistent)
		if _, ok := v.member("set"); !ok {
			d.require(v, "a persistentDisposition without set", "unset")
		}
	},
	"readPoint":          func(d *decoder, e *Event, v node) { placeShape.read(d, v, &e.ReadPoint) },
	"bizLocation":        func(d *decoder, e *Event, v node) { placeShape.read(d, v, &e.BizLocation) },
	"bizTransactionList": listField(transactionShape, 0, func(e *Event) *[]Transaction { return &e.Transactions }),
	"sourceList":         listField(sourceShape, 0, func(e *Event) *[]Party { return &e.Sources }),
	"destinationList":    listField(destinationShape, 0, func(e *Event) *[]Party { return &e.Destinations }),
	"sensorElementList":  listField(sensorShape, 0, func(e *Event) *[]SensorElement { return &e.Sensors }),
	"parentID":           uriField(func(e *Event) *string { return &e.Parent }),
	"epcList":            epcField(false, func(e *Event) *[]string { return &e.EPCs }),
	"childEPCs":          epcField(false, func(e *Event) *[]string { return &e.EPCs }),
	"quantityList":       listField(quantityShape, 0, func(e *Event) *[]Quantity { return &e.Quantities }),
	"childQuantityList":  listField(quantityShape, 0, func(e *Event) *[]Quantity { return &e.Quantities }),
	"inputEPCList":       epcField(true, func(e *Event) *[]string { return &e.Inputs }),
	"inputQuantityList":  listField(quantityShape, 0, func(e *Event) *[]Quantity { return &e.InputQuantities }),
	"outputEPCList":      epcField(true, func(e *Event) *[]string { return &e.Outputs }),
	"outputQuantityList": listField(quantityShape, 0, func(e *Event) *[]Quantity { return &e.OutputQuantities }),
	"transformationID":   uriField(func(e *Event) *string { return &e.TransformationID }),
	"ilmd":               func(d *decoder, e *Event, v node) { ilmdShape.read(d, v, &e.ILMD) },
}

const everywhere = " bizStep disposition readPoint bizLocation bizTransactionList sourceList destinationList sensorElementList"

// eventShapes are the standard types.
var eventShapes = map[string]*shape[Event]{
	ObjectEvent: eventShape("an ObjectEvent", "action",
		"action epcList quantityList persistentDisposition ilmd"+everywhere),
	AggregationEvent: eventShape("an AggregationEvent", "action",
		"action parentID childEPCs childQuantityList"+everywhere),
	AssociationEvent: eventShape("an AssociationEvent", "action parentID",
		"action parentID childEPCs childQuantityList"+everywhere),
	TransactionEvent: eventShape("a TransactionEvent", "action bizTransactionList",
		"action parentID epcList quantityList"+everywhere),
	TransformationEvent: eventShape("a TransformationEvent", "", "inputEPCList inputQuantityList outputEPCList outputQuantityList "+
		"transformationID persistentDisposition ilmd"+everywhere),
}

// ownShape is that of event types that the standard does not define: what else they have is theirs.
var ownShape = &shape[Event]{
	what: "an event", fields: commonFields, required: []string{"eventTime", "eventTimeZoneOffset"},
	others: ignored, extend: func(e *Event, m Member) { e.Extensions = append(e.Extensions, m) },
}

func shapeOf(eventType string) *shape[Event] {
	if of := eventShapes[eventType]; of != nil {
		return of
	}
	return ownShape
}

func eventShape(what, required, names string) *shape[Event] {
	s := &shape[Event]{
		what: what, fields: maps.Clone(commonFields), required: append(strings.Fields(required), ownShape.required...),
		others: namespaced, extend: ownShape.extend,
	}
	for _, name := range strings.Fields(names) {
		s.fields[name] = fields[name]
	}
	if what == "an ObjectEvent" {
		s.fields["epcList"] = epcField(true, func(e *Event) *[]string { return &e.EPCs })
	}
	return s
}

var (
	zoneOffset  = regexp.MustCompile(`^[+-](0\d|1[0-3]):[0-5]\d$|^[+-]14:00$`)
	unitCode    = regexp.MustCompile(`^[A-Z0-9]{2,3}$`)
	hexadecimal = regexp.MustCompile(`^[A-Fa-f0-9]+$`)
)

var placeShape = &shape[Place]{
	what: "a place", required: []string{"id"}, others: ignored,
	fields: map[string]func(*decoder, *Place, node){"id": uriField(func(p *Place) *string { return &p.ID })},
	extend: func(p *Place, m Member) { p.Extensions = append(p.Extensions, m) },
}

var transactionShape = &shape[Transaction]{
	what: "a business transaction", required: []string{"bizTransaction"},
	fields: map[string]func(*decoder, *Transaction, node){
		"type":           wordField(transactionTypes, func(t *Transaction) *string { return &t.Type }),
		"bizTransaction": uriField(func(t *Transaction) *string { return &t.ID }),
	},
}

var (
	sourceShape      = partyShape("a source", "source")
	destinationShape = partyShape("a destination", "destination")
)

func partyShape(what, name string) *shape[Party] {
	return &shape[Party]{
		what: what, required: []string{"type", name},
		fields: map[string]func(*decoder, *Party, node){
			"type": wordField(partyTypes, func(p *Party) *string { return &p.Type }),
			name:   uriField(func(p *Party) *string { return &p.ID }),
		},
	}
}

var quantityShape = &shape[Quantity]{
	what: "a quantity", required: []string{"epcClass"},
	fields: map[string]func(*decoder, *Quantity, node){
		"epcClass": uriField(func(q *Quantity) *string { return &q.Class }),
		"quantity": decimalField(func(q *Quantity) *Decimal { return &q.Count }),
		"uom": matchField(unitCode, "write the code of UN/ECE Recommendation 20, as KGM",
			func(q *Quantity) *string { return &q.UOM }),
	},
}

var persistentShape = &shape[PersistentDisposition]{
	what: "a persistentDisposition",
	fields: map[string]func(*decoder, *PersistentDisposition, node){
		"set":   dispositionsField(func(p *PersistentDisposition) *[]string { return &p.Set }),
		"unset": dispositionsField(func(p *PersistentDisposition) *[]string { return &p.Unset }),
	},
}

var errorShape = &shape[ErrorDeclaration]{
	what: "an errorDeclaration", required: []string{"declarationTime"}, others: namespaced,
	fields: map[string]func(*decoder, *ErrorDeclaration, node){
		"declarationTime": timeField(func(e *ErrorDeclaration) *time.Time { return &e.Time }),
		"reason":          wordField(errorReasons, func(e *ErrorDeclaration) *string { return &e.Reason }),
		"correctiveEventIDs": func(d *decoder, e *ErrorDeclaration, v node) {
			e.Corrective = d.uris(v, false)
		},
	},
	extend: func(e *ErrorDeclaration, m Member) { e.Extensions = append(e.Extensions, m) },
}

var ilmdShape = &shape[[]Member]{
	what: "an ilmd", others: namespaced,
	extend: func(all *[]Member, m Member) { *all = append(*all, m) },
}

var sensorShape = &shape[SensorElement]{
	what: "a sensor element", required: []string{"sensorReport"}, others: namespaced,
	fields: map[string]func(*decoder, *SensorElement, node){
		"sensorMetadata": func(d *decoder, e *SensorElement, v node) { metadataShape.read(d, v, &e.Metadata) },
		"sensorReport":   listField(reportShape, 1, func(e *SensorElement) *[]SensorReport { return &e.Reports }),
	},
	extend: func(e *SensorElement, m Member) { e.Extensions = append(e.Extensions, m) },
}

var metadataShape = &shape[SensorMetadata]{
	what: "sensor metadata", others: namespaced,
	fields: map[string]func(*decoder, *SensorMetadata, node){
		"time":                 timeField(func(m *SensorMetadata) *time.Time { return &m.Time }),
		"startTime":            timeField(func(m *SensorMetadata) *time.Time { return &m.Start }),
		"endTime":              timeField(func(m *SensorMetadata) *time.Time { return &m.End }),
		"deviceID":             uriField(func(m *SensorMetadata) *string { return &m.DeviceID }),
		"deviceMetadata":       uriField(func(m *SensorMetadata) *string { return &m.DeviceMetadata }),
		"rawData":              uriField(func(m *SensorMetadata) *string { return &m.RawData }),
		"dataProcessingMethod": uriField(func(m *SensorMetadata) *string { return &m.DataProcessingMethod }),
		"bizRules":             uriField(func(m *SensorMetadata) *string { return &m.BizRules }),
	},
	extend: func(m *SensorMetadata, x Member) { m.Extensions = append(m.Extensions, x) },
}

var reportShape = &shape[SensorReport]{
	what: "a sensor report", required: []string{"type"}, others: namespaced,
	fields: map[string]func(*decoder, *SensorReport, node){
		"type":                      wordField(measurements, func(r *SensorReport) *string { return &r.Type }),
		"exception":                 wordField(alerts, func(r *SensorReport) *string { return &r.Exception }),
		"deviceID":                  uriField(func(r *SensorReport) *string { return &r.DeviceID }),
		"deviceMetadata":            uriField(func(r *SensorReport) *string { return &r.DeviceMetadata }),
		"rawData":                   uriField(func(r *SensorReport) *string { return &r.RawData }),
		"dataProcessingMethod":      uriField(func(r *SensorReport) *string { return &r.DataProcessingMethod }),
		"bizRules":                  uriField(func(r *SensorReport) *string { return &r.BizRules }),
		"time":                      timeField(func(r *SensorReport) *time.Time { return &r.Time }),
		"microorganism":             uriField(func(r *SensorReport) *string { return &r.Microorganism }),
		"chemicalSubstance":         uriField(func(r *SensorReport) *string { return &r.ChemicalSubstance }),
		"coordinateReferenceSystem": uriField(func(r *SensorReport) *string { return &r.CoordinateSystem }),
		"component":                 wordField(components, func(r *SensorReport) *string { return &r.Component }),
		"value":                     decimalField(func(r *SensorReport) *Decimal { return &r.Value }),
		"minValue":                  decimalField(func(r *SensorReport) *Decimal { return &r.Min }),
		"maxValue":                  decimalField(func(r *SensorReport) *Decimal { return &r.Max }),
		"meanValue":                 decimalField(func(r *SensorReport) *Decimal { return &r.Mean }),
		"sDev":                      decimalField(func(r *SensorReport) *Decimal { return &r.SDev }),
		"percRank":                  decimalField(func(r *SensorReport) *Decimal { return &r.PercRank }),
		"percValue":                 decimalField(func(r *SensorReport) *Decimal { return &r.PercValue }),
		"stringValue":               func(d *decoder, r *SensorReport, v node) { s := d.text(v); r.String = &s },
		"booleanValue":              func(d *decoder, r *SensorReport, v node) { b := d.boolean(v); r.Boolean = &b },
		"hexBinaryValue":            matchField(hexadecimal, "write 0 to F", func(r *SensorReport) *string { return &r.HexBinary }),
		"uriValue":                  uriField(func(r *SensorReport) *string { return &r.URI }),
		"uom":                       textField(func(r *SensorReport) *string { return &r.UOM }),
	},
	extend: func(r *SensorReport, m Member) { r.Extensions = append(r.Extensions, m) },
}

func readAction(d *decoder, e *Event, v node) {
	e.Action = Action(d.text(v))
	switch e.Action {
	case Add, Observe, Delete:
	default:
		if v.kind() == isString {
			d.problem(quote(v.str())+" is no action", "write ADD, OBSERVE or DELETE")
		}
	}
}

func readCertification(d *decoder, e *Event, v node) {
	if v.kind() == isArray {
		e.Certification = d.uris(v, false)
		return
	}
	e.Certification = []string{d.uri(v)}
}

func epcField(unique bool, at func(*Event) *[]string) eventField {
	return func(d *decoder, e *Event, v node) { *at(e) = d.uris(v, unique) }
}

func dispositionsField(at func(*PersistentDisposition) *[]string) func(*decoder, *PersistentDisposition, node) {
	return func(d *decoder, p *PersistentDisposition, v node) {
		written := map[string]bool{}
		d.list(v, func(item node) {
			if written[item.str()] {
				d.problem(quote(item.str())+" is in the list twice", "name it once")
			}
			written[item.str()] = true
			*at(p) = append(*at(p), d.word(item, dispositions))
		})
		if v.kind() == isArray && len(written) == 0 {
			d.problem("the list is empty", "name at least one disposition, or leave it out")
		}
	}
}

// readEvent reads one event of a document, or a whole document that is one event.
func (d *decoder) readEvent(n node, bare bool) Event {
	if !d.is(n, isObject) {
		return Event{}
	}
	e := Event{Type: d.eventType(n, bare), text: n.raw()}
	if e.Type == "" {
		return e
	}
	outer := d.scope
	defer func() { d.scope = outer }()
	if c, ok := n.member("@context"); ok {
		d.in(step{name: "@context"}, func() { d.checkContext(c) })
		d.scope = &scope{outer.context, outer.prefixes.define(c)}
	} else if bare {
		d.require(n, "an event without a document around it", "@context")
	}
	e.scope = d.scope
	of := shapeOf(e.Type)
	e.Type = d.scope.prefixes.full(e.Type)
	of.read(d, n, &e)
	d.checkTogether(n, e)
	return e
}

// eventType gives the type of an event as written, "" where it can be none.
func (d *decoder) eventType(n node, bare bool) string {
	const types = "ObjectEvent, AggregationEvent, TransactionEvent, TransformationEvent or AssociationEvent"
	do := "write " + types + ", or the name of your own type with its prefix"
	if bare {
		do = "write " + CaptureDocument + ", " + QueryDocument + ", or of one event " + types
	}
	switch v, ok := n.member("type"); {
	case !ok:
		d.problem("nothing says what this is", do, "type")
	case v.kind() != isString || eventShapes[v.str()] == nil && !isURI(v.str()):
		d.problem(shown(v)+" is no type of event", do, "type")
	default:
		return v.str()
	}
	return ""
}

// checkContext notes where a "@context" is not what JSON-LD has there.
func (d *decoder) checkContext(n node) {
	if n.kind() != isArray {
		d.checkContextItem(n)
		return
	}
	seen := map[string]bool{}
	d.list(n, func(item node) {
		d.checkContextItem(item)
		if seen[item.raw()] {
			d.problem("the same context is there twice", "name it once")
		}
		seen[item.raw()] = true
	})
}

func (d *decoder) checkContextItem(n node) {
	switch {
	case n.kind() == isString && isURI(n.str()), n.kind() == isObject:
	default:
		d.problem(shown(n)+" is no context", "write the address of one, or an object that says what prefixes stand for")
	}
}

// checkTogether notes what fields ask of one another.
func (d *decoder) checkTogether(n node, e Event) {
	has := func(name string) bool { _, ok := n.member(name); return ok }
	some := func(name string) bool { list, ok := n.member(name); return ok && list.count() > 0 }
	switch e.Type {
	case ObjectEvent:
		if !has("epcList") && !some("quantityList") && (!some("sensorElementList") || !has("readPoint")) {
			d.problem("an ObjectEvent names no object", "give an epcList or a quantityList, or a sensorElementList and a readPoint")
		}
		if has("ilmd") && e.Action != Add {
			d.problem("only with action ADD an ObjectEvent has master data of its objects", "leave it out, or make the action ADD", "ilmd")
		}
	case AggregationEvent, AssociationEvent:
		if !some("childEPCs") && !some("childQuantityList") && e.Action != Delete {
			d.problem("only an event with action DELETE may name no children", "give childEPCs or a childQuantityList")
		}
	case TransactionEvent:
		if !has("epcList") && !some("quantityList") && e.Action != Delete {
			d.problem("only a TransactionEvent with action DELETE may name no objects", "give an epcList or a quantityList")
		}
		if has("bizTransactionList") && !some("bizTransactionList") {
			d.problem("the list is empty", "name the business transaction", "bizTransactionList")
		}
	case TransformationEvent:
		in, out := some("inputEPCList") || some("inputQuantityList"), some("outputEPCList") || some("outputQuantityList")
		if !(in && out) && !(has("transformationID") && (in || out)) {
			d.problem("a TransformationEvent lacks its inputs or its outputs",
				"give both, or one of them and a transformationID that joins it to the events with the other")
		}
	}
}
