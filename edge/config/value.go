package config

import (
	"fmt"

	"go.yaml.in/yaml/v3"

	"github.com/tallydock/tallydock/devices/unit"
)

// Milli is a unit.Milli that tells the line where it cannot be read.
type Milli struct{ unit.Milli }

// UnmarshalYAML reads a decimal number, with or without quotes.
func (m *Milli) UnmarshalYAML(n *yaml.Node) error {
	return atLine(n, m.UnmarshalText([]byte(n.Value)))
}

// Quantity is a unit.Quantity that tells the line where it cannot be read.
type Quantity struct{ unit.Quantity }

// UnmarshalYAML reads a quantity's name.
func (q *Quantity) UnmarshalYAML(n *yaml.Node) error {
	return atLine(n, q.UnmarshalText([]byte(n.Value)))
}

// atLine makes an error one of those that the decoder gathers.
func atLine(n *yaml.Node, err error) error {
	if err == nil {
		return nil
	}
	return &yaml.TypeError{Errors: []string{fmt.Sprintf("line %d: %v", n.Line, err)}}
}
