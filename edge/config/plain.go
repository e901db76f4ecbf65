package config

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

var (
	unknownField = regexp.MustCompile(`^line (\d+): field (\S+) not found in type \S+$`)
	wrongType    = regexp.MustCompile("^line (\\d+): cannot unmarshal !!(\\w+)(?: `(.*)`)? into (\\S+)$")
)

// plain turns the decoder's words into ones that do not speak of Go.
func plain(err error) error {
	var te *yaml.TypeError
	if !errors.As(err, &te) {
		return fmt.Errorf("not readable as YAML: %s", strings.TrimPrefix(err.Error(), "yaml: "))
	}
	var errs []error
	for _, e := range te.Errors {
		if m := unknownField.FindStringSubmatch(e); m != nil {
			e = fmt.Sprintf("line %s: setting %q is not known here", m[1], m[2])
		} else if m := wrongType.FindStringSubmatch(e); m != nil {
			what := fmt.Sprintf("%q", m[3])
			if m[3] == "" {
				what = "what stands here"
			}
			e = fmt.Sprintf("line %s: %s is not %s", m[1], what, kindOf(m[4]))
		}
		errs = append(errs, errors.New(e))
	}
	return errors.Join(errs...)
}

func kindOf(goType string) string {
	switch {
	case strings.HasSuffix(goType, "Duration"):
		return "a duration such as 30s, 10m or 168h"
	case strings.HasPrefix(goType, "[]"):
		return "a list"
	case strings.Contains(goType, "int") || strings.HasSuffix(goType, "Priority"):
		return "a whole number in range"
	case goType == "string":
		return "a text"
	default:
		return "a section with settings of its own"
	}
}
