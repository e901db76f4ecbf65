package sheet

import (
	"strings"
	"unicode/utf8"

	"github.com/tallydock/tallydock/devices"
)

// form says what a file tells of a cell besides its text.
type form uint8

const (
	blank     form = iota
	typed          // what a person wrote into a cell, with or without a guard
	exact          // a text as a program wrote it
	number         // the exact text of a number
	floating       // a spreadsheet's number
	dated          // a spreadsheet's number that it shows as a date or time
	truth          // "true" or "false"
	formula        // refused
	failed         // an error of a spreadsheet: refused
	nested         // an object or a list: refused
	misplaced      // refused already, with the row
)

// cell is a cell as it stands in a file.
type cell struct {
	form form
	text string
}

// empty tells whether there is nothing in a cell.
func (c cell) empty() bool {
	return c.form == blank || c.form == typed && strings.TrimSpace(c.text) == "" || c.form == exact && c.text == ""
}

// refusedForms are the cells that no column takes.
var refusedForms = [misplaced + 1]Code{formula: CodeFormula, failed: CodeSheetError, nested: CodeNested}

// reading is what became known of a file before its rows.
type reading struct {
	charset   string // of a text file
	lossy     bool   // the text was decoded, with U+FFFD for what is no text
	separator string // of CSV
	date1904  bool   // the workbook counts days from 1904
	maxCell   int
}

// parse reads a cell that is not empty.
func (r *reading) parse(col *Column, c cell) (Value, *finding) {
	if code := refusedForms[c.form]; code != "" {
		return Value{}, found(code)
	}
	if f := r.checkText(c); f != nil {
		return Value{}, f
	}
	if c.form == floating || c.form == dated {
		if col.Kind == Date {
			return col.bounded(serialDate(c.text, r.date1904))
		}
		var f *finding
		if c, f = fromFloat(col, c); f != nil {
			return Value{}, f
		}
	}
	if f := col.fits(c.form); f != nil {
		return Value{}, f
	}
	text, asItStands := c.text, true
	if c.form == typed {
		text, asItStands = restore(c.text)
	}
	if col.Kind == Text {
		return col.text(text, asItStands)
	}
	text = strings.TrimSpace(strings.TrimPrefix(text, guard))
	if text == "" {
		return Value{}, nil
	}
	return col.bounded(col.read(text))
}

// checkText looks at what no text may have.
func (r *reading) checkText(c cell) *finding {
	if len(c.text) > r.maxCell {
		return found(CodeLong, r.maxCell, "bytes", "字节")
	}
	if isPlain(c.text) {
		return nil
	}
	if !utf8.ValidString(c.text) || r.lossy && strings.ContainsRune(c.text, utf8.RuneError) {
		return found(CodeEncoding, r.charset)
	}
	for _, b := range c.text {
		if b < ' ' && b != '\t' && b != '\n' && b != '\r' || b == 0x7f {
			return found(CodeControl, b)
		}
	}
	return nil
}

// isPlain is the quick way to a text without anything to look at.
func isPlain(text string) bool {
	for i := range len(text) {
		if text[i] < ' ' || text[i] > '~' {
			return false
		}
	}
	return true
}

// What JSON has to have for a kind of column.
var (
	aText   = Words{"a text, such as \"A-1\"", "文本，例如 \"A-1\""}
	aNumber = Words{"a number, such as 12", "数字，例如 12"}
	aTruth  = Words{"true or false", " true 或 false"}
)

// fits refuses a number or a truth where the column holds something else.
func (c *Column) fits(f form) *finding {
	counted := c.Kind == Int || c.Kind == Decimal || c.Kind == Money
	switch {
	case f == number && !counted && c.Kind != Bool:
		return found(CodeType, "a number", "数字", aText.EN, aText.ZH)
	case f == number && c.Kind == Bool:
		return found(CodeType, "a number", "数字", aTruth.EN, aTruth.ZH)
	case f == truth && counted:
		return found(CodeType, "true or false", "真假值", aNumber.EN, aNumber.ZH)
	case f == truth && c.Kind != Bool:
		return found(CodeType, "true or false", "真假值", aText.EN, aText.ZH)
	}
	return nil
}

// text takes a text; what people typed may be what a spreadsheet made of something else.
func (c *Column) text(text string, asItStands bool) (Value, *finding) {
	if !asItStands && isShortened(text) {
		return Value{}, found(CodeShortened)
	}
	if !asItStands && isErrorText(text) {
		return Value{}, found(CodeSheetError)
	}
	if c.MaxLength > 0 && len(text) > c.MaxLength && utf8.RuneCountInString(text) > c.MaxLength {
		return Value{}, found(CodeLong, c.MaxLength, "characters", "个字符")
	}
	return OfText(text), nil
}

// read reads a trimmed text that is not empty, for all kinds but Text.
func (c *Column) read(text string) (Value, *finding) {
	if isErrorText(text) {
		return Value{}, found(CodeSheetError)
	}
	switch c.Kind {
	case Bool:
		return readBool(text)
	case Date:
		return readDate(text)
	case Time:
		return readTime(text)
	case Enum:
		return c.readEnum(text)
	case Tag:
		return readTag(text)
	case GTIN:
		return readGTIN(narrow(text))
	default:
		return c.readNumber(narrow(text))
	}
}

// bounded holds a value against the column's Low and High.
func (c *Column) bounded(v Value, f *finding) (Value, *finding) {
	if f == nil && c.outside(v) {
		return Value{}, c.outOfRange()
	}
	return v, f
}

var truths = map[string]bool{
	"true": true, "yes": true, "y": true, "1": true, "是": true, "真": true,
	"false": false, "no": false, "n": false, "0": false, "否": false, "假": false,
}

func readBool(text string) (Value, *finding) {
	b, ok := truths[strings.ToLower(narrow(text))]
	if !ok {
		return Value{}, found(CodeNotBool)
	}
	return OfBool(b), nil
}

func (c *Column) readEnum(text string) (Value, *finding) {
	for _, v := range c.Values {
		if strings.EqualFold(v, text) {
			return OfText(v), nil
		}
	}
	return Value{}, found(CodeNotOneOf, strings.Join(c.Values, ", "))
}

func readTag(text string) (Value, *finding) {
	tag, err := devices.ParseTag(strings.ToLower(text))
	if err != nil {
		return Value{}, found(CodeNotTag)
	}
	return OfText(tag.String()), nil
}
