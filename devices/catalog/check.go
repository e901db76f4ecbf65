package catalog

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"

	"go.yaml.in/yaml/v3"

	"github.com/tallydock/tallydock/devices/unit"
)

var modelName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)

// ParseModel reads one model. What is unknown, missing or contradicts itself is an error; all errors come at once.
func ParseModel(b []byte) (Model, error) {
	d := yaml.NewDecoder(bytes.NewReader(b))
	d.KnownFields(true)
	var m Model
	if err := d.Decode(&m); err != nil {
		return Model{}, fmt.Errorf("cannot be read: %w", err)
	}
	if err := d.Decode(&struct{}{}); !errors.Is(err, io.EOF) {
		return Model{}, errors.New("has more than one document")
	}
	if err := m.check(); err != nil {
		return Model{}, err
	}
	return m, nil
}

func (m Model) check() error {
	var errs []error
	if !modelName.MatchString(m.Name) {
		errs = append(errs, fmt.Errorf("name %q is not lower-case letters, digits and '-'", m.Name))
	}
	if m.Title == "" {
		errs = append(errs, errors.New("title is missing"))
	}
	kinds := 0
	if m.Modbus != nil {
		kinds++
		errs = append(errs, m.Modbus.check())
	}
	if m.Payload != nil {
		kinds++
		errs = append(errs, m.Payload.check())
	}
	if m.Probe != nil {
		kinds++
		errs = append(errs, m.Probe.check())
	}
	if m.Mapping != nil {
		kinds++
		errs = append(errs, m.Mapping.Check("mapping"))
	}
	if kinds != 1 {
		errs = append(errs, errors.New("exactly one of modbus, payload, probe and mapping is needed"))
	}
	return errors.Join(errs...)
}

func (p Payload) check() error {
	var errs []error
	if len(p.Fields) == 0 {
		errs = append(errs, errors.New("payload.fields is empty"))
	}
	seen := map[string]bool{}
	for i, f := range p.Fields {
		where := fmt.Sprintf("payload.fields[%d]", i)
		if f.Field == "" || seen[f.Field] {
			errs = append(errs, fmt.Errorf("%s.field is missing or there twice", where))
		}
		seen[f.Field] = true
		if f.Scale < 0 {
			errs = append(errs, fmt.Errorf("%s.scale has to be positive", where))
		}
		errs = append(errs, checkQuantity(where, f.Quantity), f.Range.check(where))
	}
	return errors.Join(errs...)
}

func (p Probe) check() error {
	var errs []error
	if len(p.Match) == 0 || len(p.Values) == 0 {
		errs = append(errs, errors.New("probe.match and probe.values are needed"))
	}
	for i, v := range p.Values {
		where := fmt.Sprintf("probe.values[%d]", i)
		errs = append(errs, checkQuantity(where, v.Quantity), v.Range.check(where))
	}
	return errors.Join(errs...)
}

func checkQuantity(where string, q unit.Quantity) error {
	if q == 0 {
		return fmt.Errorf("%s.quantity is missing", where)
	}
	return nil
}

func (r Range) check(where string) error {
	var errs []error
	if r.Min >= r.Max {
		errs = append(errs, fmt.Errorf("%s: min %s is not below max %s", where, r.Min, r.Max))
	}
	for i, s := range r.Sentinels {
		if s.Reason == "" || s.Within < 0 {
			errs = append(errs, fmt.Errorf("%s.sentinels[%d] needs a reason, and within may not be negative", where, i))
		}
	}
	return errors.Join(errs...)
}
