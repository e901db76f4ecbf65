package epcis

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// The parameters of a SimpleEventQuery that are alike, and what of an event they look at.

// wordParameter is one that asks for standard words.
type wordParameter struct {
	of     *vocabulary
	have   func(*Event) []string
	narrow func(*Bounds) *[]string // nil where the bounds have none
}

var wordParameters = map[string]wordParameter{
	"bizStep": {bizSteps, func(e *Event) []string { return []string{e.BizStep} }, func(b *Bounds) *[]string { return &b.BizSteps }},
	"disposition": {
		dispositions, func(e *Event) []string { return []string{e.Disposition} },
		func(b *Bounds) *[]string { return &b.Dispositions },
	},
	"persistentDisposition_set":   {dispositions, func(e *Event) []string { return e.Persistent.Set }, nil},
	"persistentDisposition_unset": {dispositions, func(e *Event) []string { return e.Persistent.Unset }, nil},
	"errorReason":                 {errorReasons, func(e *Event) []string { return []string{declared(e).Reason} }, nil},
	"type":                        {measurements, ofReports(func(s *SensorReport) string { return s.Type }), nil},
}

// nameParameters are those that ask for URIs, by their canonical names.
var nameParameters = map[string]struct {
	have   func(*Event) []string
	narrow func(*Bounds) *[]string
}{
	"readPoint": {
		func(e *Event) []string { return []string{e.ReadPoint.ID} },
		func(b *Bounds) *[]string { return &b.ReadPoints },
	},
	"bizLocation": {
		func(e *Event) []string { return []string{e.BizLocation.ID} },
		func(b *Bounds) *[]string { return &b.BizLocations },
	},
	"transformationID":     {func(e *Event) []string { return []string{e.TransformationID} }, nil},
	"correctiveEventID":    {func(e *Event) []string { return declared(e).Corrective }, nil},
	"deviceID":             {devices, nil},
	"dataProcessingMethod": {methods, nil},
	"bizRules":             {rules, nil},
	"microorganism":        {ofReports(func(s *SensorReport) string { return s.Microorganism }), nil},
	"chemicalSubstance":    {ofReports(func(s *SensorReport) string { return s.ChemicalSubstance }), nil},
	"uriValue":             {ofReports(func(s *SensorReport) string { return s.URI }), nil},
}

// What is told of a sensor for all its reports or for each.
var (
	devices = ofSensors(func(m *SensorMetadata) string { return m.DeviceID }, func(s *SensorReport) string { return s.DeviceID })
	methods = ofSensors(func(m *SensorMetadata) string { return m.DataProcessingMethod },
		func(s *SensorReport) string { return s.DataProcessingMethod })
	rules = ofSensors(func(m *SensorMetadata) string { return m.BizRules }, func(s *SensorReport) string { return s.BizRules })
)

// textParameters are those that ask for text as it is.
var textParameters = map[string]func(*Event) []string{
	"eventID":        func(e *Event) []string { return []string{e.ID} },
	"hexBinaryValue": ofReports(func(s *SensorReport) string { return s.HexBinary }),
	"stringValue": ofReports(func(s *SensorReport) string {
		if s.String == nil {
			return ""
		}
		return *s.String
	}),
}

// declared gives an event's error declaration, an empty one where it has none.
func declared(e *Event) ErrorDeclaration {
	if e.Error == nil {
		return ErrorDeclaration{}
	}
	return *e.Error
}

func reports(e *Event) (all []*SensorReport) {
	for i := range e.Sensors {
		for j := range e.Sensors[i].Reports {
			all = append(all, &e.Sensors[i].Reports[j])
		}
	}
	return all
}

func ofReports(have func(*SensorReport) string) func(*Event) []string {
	return func(e *Event) (all []string) {
		for _, s := range reports(e) {
			all = append(all, have(s))
		}
		return all
	}
}

func ofSensors(metadata func(*SensorMetadata) string, report func(*SensorReport) string) func(*Event) []string {
	inReports := ofReports(report)
	return func(e *Event) []string {
		all := inReports(e)
		for i := range e.Sensors {
			all = append(all, metadata(&e.Sensors[i].Metadata))
		}
		return all
	}
}

// texts reads the parameters that ask whether a field is one of a list.
func (r *queryReader) texts(field string) bool {
	if p, ok := wordParameters[field]; ok {
		r.oneOf(r.words(p.of), p.have, p.narrow, func(s string) string { return s })
	} else if p, ok := nameParameters[field]; ok {
		r.oneOf(r.canonical(), p.have, p.narrow, Canonical)
	} else if have, ok := textParameters[field]; ok {
		r.oneOf(r.list(), have, nil, func(s string) string { return s })
		if field == "eventID" {
			r.query.bounds.Identities = r.list()
		}
	} else {
		return false
	}
	return true
}

func (r *queryReader) oneOf(want []string, have func(*Event) []string, narrow func(*Bounds) *[]string, form func(string) string) {
	if narrow != nil {
		*narrow(&r.query.bounds) = want
	}
	r.when(func(e *Event) bool {
		return slices.ContainsFunc(have(e), func(s string) bool { return s != "" && slices.Contains(want, form(s)) })
	})
}

// typed reads what asks for a business transaction, a source or a destination of a type.
func (r *queryReader) typed(rest string) bool {
	field, kind, ok := strings.Cut(rest, "_")
	of := partyTypes
	if field == "bizTransaction" {
		of = transactionTypes
	}
	if !ok || field != "bizTransaction" && field != "source" && field != "destination" || !of.words[kind] && !isURI(kind) {
		return false
	}
	want, kind := r.canonical(), of.word(r.prefixes.full(kind))
	r.when(func(e *Event) bool {
		var have []Party
		switch field {
		case "source":
			have = e.Sources
		case "destination":
			have = e.Destinations
		default:
			for _, t := range e.Transactions {
				have = append(have, Party(t))
			}
		}
		return slices.ContainsFunc(have, func(p Party) bool { return p.Type == kind && slices.Contains(want, Canonical(p.ID)) })
	})
	return true
}

// timeParameters are those that compare times.
var timeParameters = map[string]func(*Event) []time.Time{
	"eventTime":             func(e *Event) []time.Time { return []time.Time{e.Time} },
	"recordTime":            func(e *Event) []time.Time { return []time.Time{e.RecordTime} },
	"errorDeclarationTime":  func(e *Event) []time.Time { return []time.Time{declared(e).Time} },
	"errorDeclaration_Time": func(e *Event) []time.Time { return []time.Time{declared(e).Time} },
	"startTime":             ofMetadata(func(m *SensorMetadata) time.Time { return m.Start }),
	"endTime":               ofMetadata(func(m *SensorMetadata) time.Time { return m.End }),
	"time": func(e *Event) []time.Time {
		all := ofMetadata(func(m *SensorMetadata) time.Time { return m.Time })(e)
		for _, s := range reports(e) {
			all = append(all, s.Time)
		}
		return all
	},
}

func ofMetadata(have func(*SensorMetadata) time.Time) func(*Event) []time.Time {
	return func(e *Event) (all []time.Time) {
		for i := range e.Sensors {
			all = append(all, have(&e.Sensors[i].Metadata))
		}
		return all
	}
}

func (r *queryReader) times(c comparison, field string) bool {
	have := timeParameters[field]
	if have == nil || c != greaterOrEqual && c != less {
		return false
	}
	text := r.one()
	want, ok := parseTime(text)
	if !ok {
		r.problem(quote(text)+" is no time with its offset", "write it as 2026-03-02T09:30:00.000+08:00")
	}
	switch field {
	case "eventTime":
		c.narrow(&r.query.bounds.Time, want)
	case "recordTime":
		c.narrow(&r.query.bounds.RecordTime, want)
	}
	r.when(func(e *Event) bool {
		return slices.ContainsFunc(have(e), func(t time.Time) bool { return !t.IsZero() && c.holds(t.Compare(want)) })
	})
	return true
}

// measured is a number with its unit.
type measured struct {
	value Decimal
	unit  string
}

// numberParameters are those that compare numbers of a unit.
var numberParameters = map[string]func(*Event) []measured{
	"quantity": func(e *Event) (all []measured) {
		for _, q := range slices.Concat(e.Quantities, e.InputQuantities, e.OutputQuantities) {
			all = append(all, measured{q.Count, q.UOM})
		}
		return all
	},
	"value":     ofValues(func(s *SensorReport) Decimal { return s.Value }),
	"minValue":  ofValues(func(s *SensorReport) Decimal { return s.Min }),
	"maxValue":  ofValues(func(s *SensorReport) Decimal { return s.Max }),
	"meanValue": ofValues(func(s *SensorReport) Decimal { return s.Mean }),
	"sDev":      ofValues(func(s *SensorReport) Decimal { return s.SDev }),
	"percValue": ofValues(func(s *SensorReport) Decimal { return s.PercValue }),
	"percRank":  ofValues(func(s *SensorReport) Decimal { return s.PercRank }),
}

func ofValues(have func(*SensorReport) Decimal) func(*Event) []measured {
	return func(e *Event) (all []measured) {
		for _, s := range reports(e) {
			all = append(all, measured{have(s), s.UOM})
		}
		return all
	}
}

// numbers reads what compares numbers: quantity and percRank without a unit, the others and also quantity with one.
func (r *queryReader) numbers(c comparison, field string) bool {
	unit := ""
	if field != "quantity" && field != "percRank" {
		var ok bool
		if field, unit, ok = strings.Cut(field, "_"); !ok || unit == "" || field == "percRank" {
			return false
		}
	}
	have := numberParameters[field]
	if have == nil {
		return false
	}
	want := []Decimal{}
	for _, s := range r.list() {
		if _, ok := Decimal(s).parts(); !ok {
			r.problem(quote(s)+" is no number", "write a number")
		}
		want = append(want, Decimal(s))
	}
	if len(want) != 1 && c != equal {
		r.one()
	}
	r.when(func(e *Event) bool {
		return slices.ContainsFunc(have(e), func(m measured) bool {
			return (unit == "" || m.unit == unit) && slices.ContainsFunc(want, func(d Decimal) bool {
				compared, ok := m.value.Compare(d)
				return ok && c.holds(compared)
			})
		})
	})
	return true
}

// matchRoles are the parts of an event in which MATCH_ parameters look.
var matchRoles = map[string][]Role{
	"epc":            {InEPCs},
	"parentID":       {InParent},
	"inputEPC":       {InInputs},
	"outputEPC":      {InOutputs},
	"anyEPC":         {InEPCs, InParent, InInputs, InOutputs},
	"epcClass":       {InClasses},
	"inputEPCClass":  {InInputClass},
	"outputEPCClass": {InOutputClass},
	"anyEPCClass":    {InClasses, InInputClass, InOutputClass},
}

func (r *queryReader) match(field string) bool {
	roles := matchRoles[field]
	if roles == nil {
		return false
	}
	var patterns []pattern
	bound := EPCBound{Roles: roles}
	for _, s := range r.list() {
		p, err := parsePattern(s)
		if err != nil {
			r.problem(err.Error(), "write a URI, or a pattern such as urn:epc:idpat:sgtin:0614141.112345.*")
		}
		patterns = append(patterns, p)
		bound.Prefixes = append(bound.Prefixes, p.starts...)
		for _, exact := range []string{p.exact, p.class} {
			if exact != "" {
				bound.Exact = append(bound.Exact, exact)
			}
		}
	}
	r.query.bounds.EPCs = append(r.query.bounds.EPCs, bound)
	r.when(func(e *Event) bool {
		for role, uri := range e.identities() {
			if !slices.Contains(roles, role) {
				continue
			}
			canonical := Canonical(uri)
			if slices.ContainsFunc(patterns, func(p pattern) bool { return p.covers(uri, canonical) }) {
				return true
			}
		}
		return false
	})
	return true
}

// exists reads the parameters that ask whether a field is there. With the value false they ask nothing.
func (r *queryReader) exists(rest string) bool {
	var holds func(*Event) bool
	switch ref := r.reference(rest); {
	case rest == "errorDeclaration":
		holds = func(e *Event) bool { return e.Error != nil }
	case rest == "sensorElementList":
		holds = func(e *Event) bool { return len(e.Sensors) > 0 }
	case ref != nil:
		holds = func(e *Event) bool { return ref.values(e, func(node) bool { return true }) }
	default:
		return false
	}
	asked := r.one()
	if on, err := strconv.ParseBool(asked); err != nil && asked != "" {
		r.problem(quote(asked)+" is neither true nor false", "write true, or leave it out")
	} else if on || asked == "" {
		r.when(holds)
	}
	return true
}

// field reads what compares a field that the standard does not define.
func (r *queryReader) field(c comparison, rest string) bool {
	ref := r.reference(rest)
	if ref == nil {
		return false
	}
	if c == equal {
		want := r.list()
		r.when(func(e *Event) bool { return ref.values(e, func(n node) bool { return equalsAny(n, want) }) })
		return true
	}
	want := r.one()
	_, isNumber := Decimal(want).parts()
	_, isTime := parseTime(want)
	if !isNumber && !isTime {
		r.problem(quote(want)+" is neither a number nor a time", "write one of them")
	}
	r.when(func(e *Event) bool {
		return ref.values(e, func(n node) bool {
			compared, ok := Decimal(n.str()).Compare(Decimal(want))
			if !isNumber {
				compared, ok = compareTimes(n.str(), want)
			}
			return ok && c.holds(compared)
		})
	})
	return true
}
