package epcis

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// ParseQuery reads the parameters of a SimpleEventQuery as the REST binding has them. A list may be given with | between
// its values or one by one. Fields that the standard does not define are named by their prefix (EQ_example:batch), which
// is compared as written, or by what it stands for (EQ_http://ns.example.com/epcis/batch). Errors: *Refusal with all that
// is wrong.
//
// HASATTR_ and EQATTR_, which ask for master data, are not understood.
func ParseQuery(values url.Values) (Query, error) { return Prefixes(nil).ParseQuery(values) }

// ParseQuery reads a query in which these prefixes, and the standard ones, stand for something.
func (p Prefixes) ParseQuery(values url.Values) (Query, error) {
	r := &queryReader{prefixes: p, query: Query{PerPage: PerPage}}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		r.name, r.values = name, values[name]
		if !r.read() {
			r.problem("this is no parameter of a SimpleEventQuery", "leave it out")
		}
	}
	r.checkTogether(values)
	if n := len(r.problems); n > 0 {
		return Query{}, &Refusal{r.problems[:min(n, defaultProblems)], max(0, n-defaultProblems)}
	}
	return r.query, nil
}

// queryReader reads one parameter after the other.
type queryReader struct {
	prefixes Prefixes
	name     string // of the parameter
	values   []string
	query    Query
	problems []Problem
}

func (r *queryReader) problem(what, do string) {
	r.problems = append(r.problems, Problem{cut(r.name), what, do})
}

func (r *queryReader) when(condition func(*Event) bool) {
	r.query.conditions = append(r.query.conditions, condition)
}

// read reads a parameter and reports whether there is such a one.
func (r *queryReader) read() bool {
	if read := parameters[r.name]; read != nil {
		read(r)
		return true
	}
	op, rest, _ := strings.Cut(r.name, "_")
	switch c := comparison(op); c {
	case "EXISTS":
		return r.exists(rest)
	case equal:
		return r.texts(rest) || r.typed(rest) || r.numbers(c, rest) || r.field(c, rest)
	case greater, greaterOrEqual, less, lessOrEqual:
		return r.times(c, rest) || r.numbers(c, rest) || r.field(c, rest)
	case "MATCH":
		return r.match(rest)
	default:
		return false
	}
}

// parameters are those that are like no other.
var parameters = map[string]func(*queryReader){
	"eventType":       (*queryReader).eventTypes,
	"EQ_action":       (*queryReader).actions,
	"EQ_booleanValue": (*queryReader).booleans,
	"WD_readPoint":    func(r *queryReader) { r.query.within.readPoints = r.canonical() },
	"WD_bizLocation":  func(r *queryReader) { r.query.within.bizLocations = r.canonical() },
	"orderBy":         (*queryReader).order,
	"orderDirection": func(r *queryReader) {
		direction := r.one()
		r.query.rising = direction == "ASC"
		if !r.query.rising && direction != "DESC" {
			r.problem(quote(direction)+" is no direction", "write ASC or DESC")
		}
	},
	"eventCountLimit": func(r *queryReader) { r.query.CountLimit = r.count() },
	"maxEventCount":   func(r *queryReader) { r.query.MaxCount = r.count() },
	"perPage":         func(r *queryReader) { r.query.PerPage = min(r.count(), MostPerPage) },
	"nextPageToken": func(r *queryReader) {
		token := r.one()
		var err error
		if r.query.After, err = ParseToken(token); err != nil {
			r.problem(quote(token)+" is none that was given here", "ask from the start")
		}
	},
}

// list takes the values apart, which are separated by | or given one by one.
func (r *queryReader) list() (all []string) {
	for _, v := range r.values {
		all = append(all, strings.Split(v, "|")...)
	}
	return all
}

// one gives the value of a parameter that has one.
func (r *queryReader) one() string {
	if len(r.values) != 1 {
		r.problem(fmt.Sprintf("it has %d values, not one", len(r.values)), "give it one value")
		return ""
	}
	return r.values[0]
}

func (r *queryReader) count() int {
	text := r.one()
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		r.problem(quote(text)+" is no number of events", "write a whole number above 0")
	}
	return n
}

// canonical gives a list of identities by their canonical names.
func (r *queryReader) canonical() []string {
	all := []string{}
	for _, s := range r.list() {
		if !isURI(s) {
			r.problem(quote(s)+" is no URI", "write it with its scheme, as urn:… or https://…")
		}
		all = append(all, Canonical(s))
	}
	return all
}

// words gives a list of words of a vocabulary.
func (r *queryReader) words(v *vocabulary) []string {
	var all []string
	for _, s := range r.list() {
		if !v.words[s] && !isURI(s) {
			r.problem(fmt.Sprintf("%s is no standard %s", quote(s), v.what), "write one of "+v.list()+", or a URI")
		}
		all = append(all, v.word(r.prefixes.full(s)))
	}
	return all
}

func (r *queryReader) eventTypes() {
	var all []string
	for _, s := range r.list() {
		if eventShapes[s] == nil && !isURI(s) {
			r.problem(quote(s)+" is no type of event", "write one of the standard, or the URI of your own")
		}
		all = append(all, r.prefixes.full(s))
	}
	r.query.bounds.Types = all
	r.when(func(e *Event) bool { return slices.Contains(all, e.Type) })
}

func (r *queryReader) actions() {
	var all []Action
	for _, s := range r.list() {
		if a := Action(s); a != Add && a != Observe && a != Delete {
			r.problem(quote(s)+" is no action", "write ADD, OBSERVE or DELETE")
		}
		all = append(all, Action(s))
	}
	r.query.bounds.Actions = all
	r.when(func(e *Event) bool { return slices.Contains(all, e.Action) })
}

func (r *queryReader) booleans() {
	text := r.one()
	want, err := strconv.ParseBool(text)
	if err != nil {
		r.problem(quote(text)+" is neither true nor false", "write true or false")
	}
	r.when(func(e *Event) bool {
		return slices.ContainsFunc(reports(e), func(s *SensorReport) bool { return s.Boolean != nil && *s.Boolean == want })
	})
}

func (r *queryReader) order() {
	r.query.orderBy = r.one()
	switch r.query.orderBy {
	case "eventTime", "recordTime":
	default:
		if r.query.field = r.reference(r.query.orderBy); r.query.field == nil {
			r.problem(quote(r.query.orderBy)+" is nothing to order by", "write eventTime, recordTime or the name of a field, with prefix")
		}
	}
}

// checkTogether notes what parameters ask of one another.
func (r *queryReader) checkTogether(values url.Values) {
	r.name = "eventCountLimit"
	if values.Has(r.name) && values.Has("maxEventCount") {
		r.problem("maxEventCount is there too", "give one of them")
	}
	if values.Has(r.name) && !values.Has("orderBy") {
		r.problem("without orderBy nothing says which events come first", "give orderBy too")
	}
}
