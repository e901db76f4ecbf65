package llrp

import (
	"fmt"
	"strings"
)

// StatusCode says how a command went.
type StatusCode uint16

// The status codes that matter by themselves; the others tell what was wrong with a message.
const (
	Success            StatusCode = 0
	UnsupportedMessage StatusCode = 109
	UnsupportedVersion StatusCode = 110
	UnexpectedMessage  StatusCode = 112
	FieldInvalid       StatusCode = 300
	FieldOutOfRange    StatusCode = 301
	DeviceError        StatusCode = 401
)

var statusNames = map[StatusCode]string{
	Success: "success", 100: "error in a parameter", 101: "error in a field", 102: "unexpected parameter",
	103: "missing parameter", 104: "parameter given twice", 105: "too many parameters", 106: "field is too large",
	107: "unknown parameter", 108: "unknown field", UnsupportedMessage: "message is not supported",
	UnsupportedVersion: "version is not supported", 111: "parameter is not supported", UnexpectedMessage: "message is not expected",
	200: "error in a parameter's parameter", 201: "error in a parameter's field", 202: "unexpected parameter in a parameter",
	203: "missing parameter in a parameter", 204: "parameter given twice in a parameter", 205: "too many parameters in a parameter",
	206: "field of a parameter is too large", 207: "unknown parameter in a parameter", 208: "unknown field of a parameter",
	209: "parameter of a parameter is not supported", FieldInvalid: "value is not valid", FieldOutOfRange: "value is out of range",
	DeviceError: "the reader has a fault",
}

// String says what went wrong.
func (s StatusCode) String() string {
	if name, ok := statusNames[s]; ok {
		return name
	}
	return fmt.Sprintf("status %d", uint16(s))
}

// Status says how a command went, and where it was wrong.
type Status struct {
	Code      StatusCode
	Text      string // the reader's own words
	Field     *FieldError
	Parameter *ParameterError
}

func (*Status) kind() ParamType { return paramStatus }

func (s *Status) code(c *coder) {
	u16(c, &s.Code)
	c.text(&s.Text)
	c.params(maybe(&s.Field), maybe(&s.Parameter))
}

// FieldError says which field was wrong.
type FieldError struct {
	Index uint16 // counted from 0
	Code  StatusCode
}

func (*FieldError) kind() ParamType { return paramFieldError }

func (e *FieldError) code(c *coder) {
	u16(c, &e.Index)
	u16(c, &e.Code)
}

// ParameterError says which parameter was wrong, and where in it.
type ParameterError struct {
	Type  ParamType
	Code  StatusCode
	Inner Extra // FieldError and ParameterError of what lies in it
}

func (*ParameterError) kind() ParamType { return paramParameterError }

func (e *ParameterError) code(c *coder) {
	u16(c, &e.Type)
	u16(c, &e.Code)
	c.params(extra(&e.Inner))
}

// String tells everything in one line.
func (s Status) String() string {
	parts := []string{s.Code.String()}
	if s.Text != "" {
		parts = append(parts, fmt.Sprintf("%q", s.Text))
	}
	if s.Field != nil {
		parts = append(parts, fmt.Sprintf("field %d: %s", s.Field.Index, s.Field.Code))
	}
	if s.Parameter != nil {
		parts = append(parts, fmt.Sprintf("parameter %d: %s", s.Parameter.Type, s.Parameter.Code))
	}
	return strings.Join(parts, ", ")
}
