package sheet

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// remark begins the first cell of a row that is not read.
const remark = "##"

// guard before a text says: what follows is text as it stands.
const guard = "'"

// formulaStart has what begins a formula in one spreadsheet or another.
const formulaStart = "=+-@＝＋－＠"

// errorTexts are what spreadsheets show where a formula failed.
var errorTexts = []string{"#N/A", "#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#NULL!", "#NUM!", "#SPILL!", "#CALC!"}

// shortened is how a spreadsheet writes a number that is too long for it.
var shortened = regexp.MustCompile(`^[+-]?[0-9](\.[0-9]+)?E\+[0-9]+$`)

func isErrorText(text string) bool {
	return strings.HasPrefix(text, "#") && slices.Contains(errorTexts, text)
}

// isShortened is the quick way to shortened.
func isShortened(text string) bool {
	return strings.Contains(text, "E+") && shortened.MatchString(text)
}

// fragile tells whether a cell with just this text would be read as something else.
func fragile(text string) bool {
	if text == "" {
		return false
	}
	first, _ := utf8.DecodeRuneInString(text)
	last, _ := utf8.DecodeLastRuneInString(text)
	return unicode.IsSpace(first) || unicode.IsSpace(last) || strings.HasPrefix(text, remark) ||
		isErrorText(text) || isShortened(text)
}

// startsFormula tells whether a spreadsheet could take a text for a formula.
func startsFormula(text string) bool {
	first, _ := utf8.DecodeRuneInString(text)
	return text != "" && strings.ContainsRune(formulaStart, first)
}

// guarded tells whether a text goes with a guard.
func guarded(text string) bool {
	bare := strings.TrimLeft(text, guard)
	return startsFormula(bare) || fragile(bare)
}

// protect makes a text safe as a cell of a CSV file.
func protect(text string) string {
	if guarded(text) {
		return guard + text
	}
	return text
}

// protectTyped is protect for files whose cells say that they are text.
func protectTyped(text string) string {
	if fragile(text) || strings.HasPrefix(text, guard) && guarded(text) {
		return guard + text
	}
	return text
}

// restore undoes protect and protectTyped; exact says that there was a guard.
func restore(cell string) (text string, exact bool) {
	cell = strings.TrimLeftFunc(cell, unicode.IsSpace)
	if rest, ok := strings.CutPrefix(cell, guard); ok && guarded(rest) {
		return rest, true
	}
	return strings.TrimSpace(cell), false
}
