package epcis

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"

	"github.com/tallydock/tallydock/hub/fault"
)

// SimpleEventQuery is the name of the query that every repository has.
const SimpleEventQuery = "SimpleEventQuery"

// NamedQuery is a query that somebody keeps under a name.
type NamedQuery struct {
	Name  string          `json:"name"`
	Query json.RawMessage `json:"query"` // an object with a member for each parameter
}

var queryName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.~-]{0,99}$`)

// Check reports what is wrong with a query that somebody wants to keep. Errors: fault.Invalid.
func (q NamedQuery) Check() error {
	if !queryName.MatchString(q.Name) || q.Name == SimpleEventQuery {
		return fmt.Errorf("%w: %s is no name for a query: use 1 to 100 of A-Z a-z 0-9 _ . ~ -", fault.Invalid, quote(q.Name))
	}
	values, err := q.Values()
	if err != nil {
		return err
	}
	_, err = ParseQuery(values)
	return err
}

// Values gives the parameters, as ParseQuery reads them. Errors: fault.Invalid.
func (q NamedQuery) Values() (url.Values, error) {
	var members map[string]any
	d := json.NewDecoder(bytes.NewReader(q.Query))
	d.UseNumber()
	if err := d.Decode(&members); err != nil || members == nil {
		return nil, fmt.Errorf("%w: a query is an object with a member for each parameter, as {\"EQ_bizStep\":[\"shipping\"]}", fault.Invalid)
	}
	values := url.Values{}
	for name, v := range members {
		list, ok := v.([]any)
		if !ok {
			list = []any{v}
		}
		for _, item := range list {
			switch item := item.(type) {
			case string:
				values.Add(name, item)
			case json.Number, bool:
				values.Add(name, fmt.Sprint(item))
			default:
				return nil, fmt.Errorf("%w: parameter %s is neither text, a number, true, false nor a list of them", fault.Invalid, quote(name))
			}
		}
	}
	return values, nil
}
