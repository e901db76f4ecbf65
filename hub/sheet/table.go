package sheet

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/tallydock/tallydock/hub/fault"
)

// Kind says what the cells of a column hold.
type Kind string

// The kinds.
const (
	Text    Kind = "text"
	Int     Kind = "int"     // a whole number
	Decimal Kind = "decimal" // a number with up to Scale decimals, counted in the last of them
	Money   Kind = "money"   // an amount, counted in 1/10000 of the currency
	Bool    Kind = "bool"
	Date    Kind = "date" // a day
	Time    Kind = "time" // a moment; what is read must say its zone
	Enum    Kind = "enum" // one of Values
	Tag     Kind = "tag"  // devices.Tag text, "epc:…" or "uid:…"
	GTIN    Kind = "gtin" // with the right check digit, filled to 14 digits
)

// moneyScale is how many decimals Money has.
const moneyScale = 4

// maxScale keeps a Decimal's whole part at nine digits or more.
const maxScale = 9

// Words is a text in the console's languages.
type Words struct {
	EN string `json:"en"`
	ZH string `json:"zh"`
}

// In gives the words in a language ("zh", "zh-CN" …; all others are English); a language without words falls back to the
// other.
func (w Words) In(lang string) string {
	if w.EN == "" || w.ZH != "" && strings.HasPrefix(strings.ToLower(lang), "zh") {
		return w.ZH
	}
	return w.EN
}

// Column is one column of a Table.
type Column struct {
	Name  string // as the API calls it: lower-case letters, digits and _
	Title Words  // heads the column for people; either is taken for Name when a file is read
	Doc   Words  // one sentence on what it is for
	Kind  Kind

	Scale     int      // Decimal: how many decimals, 0 to 9
	Values    []string // Enum: what is allowed
	MaxLength int      // Text: most characters; 0 = only Limits.Cell
	Low, High Value    // Int, Decimal, Money, Date, Time: least and greatest; not set = any

	Required bool   // each row must have a value
	Default  Value  // taken where a row has none
	Example  string // shown by Template; "" = one that fits the Kind
}

// Table says what the rows of a file are.
type Table struct {
	Name    string
	Columns []Column
}

// Names lists the columns by name.
func (t Table) Names() []string {
	names := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		names[i] = c.Name
	}
	return names
}

// Titles lists the heads of the columns in a language; "" gives their names.
func (t Table) Titles(lang string) []string {
	titles := t.Names()
	for i, c := range t.Columns {
		if title := c.Title.In(lang); lang != "" && title != "" {
			titles[i] = title
		}
	}
	return titles
}

var columnName = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

// Validate says all that is wrong with a table's definition; it wraps fault.Invalid.
func (t Table) Validate() error {
	var wrong []error
	if t.Name == "" || len(t.Columns) == 0 {
		wrong = append(wrong, fmt.Errorf("table %q needs a name and columns: %w", t.Name, fault.Invalid))
	}
	heads := map[string]string{}
	for _, c := range t.Columns {
		for _, what := range c.faults(heads) {
			wrong = append(wrong, fmt.Errorf("table %s, column %q: %s: %w", t.Name, c.Name, what, fault.Invalid))
		}
	}
	return errors.Join(wrong...)
}

// faults lists what is wrong with a column; heads has the names and titles of those before it, and takes its own.
func (c Column) faults(heads map[string]string) []string {
	var wrong []string
	no := func(bad bool, what string) {
		if bad {
			wrong = append(wrong, what)
		}
	}
	no(!columnName.MatchString(c.Name), "a name has lower-case letters, digits and _")
	no(!slices.Contains([]Kind{Text, Int, Decimal, Money, Bool, Date, Time, Enum, Tag, GTIN}, c.Kind), "unknown kind "+string(c.Kind))
	no((c.Kind == Enum) != (len(c.Values) > 0), "Values belong to an Enum, and an Enum needs them")
	no(c.Scale < 0 || c.Scale > maxScale || c.Scale > 0 && c.Kind != Decimal, "a Scale is from 0 to 9 and belongs to a Decimal")
	no(c.Required && c.Default.Set, "a Required column has no Default")
	for _, head := range []string{c.Name, c.Title.EN, c.Title.ZH} {
		other, taken := heads[fold(head)]
		no(head != "" && taken && other != c.Name, fmt.Sprintf("column %q is headed %q too", other, head))
		no(strings.HasPrefix(head, remark), "a head that begins with ## would be a remark")
		if head != "" {
			heads[fold(head)] = c.Name
		}
	}
	return wrong
}

// isText tells whether the column's values are texts, which could say anything; the others never look like a formula that
// does something.
func (c *Column) isText() bool {
	return c.Kind == Text || c.Kind == Enum || c.Kind == Tag || c.Kind == GTIN
}

// decimals is how many decimals a column's numbers have.
func (c *Column) decimals() int {
	if c.Kind == Money {
		return moneyScale
	}
	return c.Scale
}

// fold makes heads that differ only in case and white space equal.
func fold(head string) string { return strings.ToLower(strings.TrimSpace(head)) }
