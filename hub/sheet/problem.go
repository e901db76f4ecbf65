package sheet

import (
	"cmp"
	"fmt"
	"strings"
	"unicode"

	"github.com/tallydock/tallydock/hub/fault"
)

// Code names a kind of problem for programs; it never changes its meaning.
type Code string

// Problem is one thing that is wrong with a file.
type Problem struct {
	Sheet  string `json:"sheet,omitempty"` // XLSX
	Row    int    `json:"row"`             // line of a text file, row of a sheet; 1 is the first, 0 the whole file
	Column string `json:"column"`          // the column's Name, or the head of one that is not known; "" = the whole row
	Value  string `json:"value"`           // what the cell says, shortened
	Code   Code   `json:"code"`
	Says   Words  `json:"problem"` // what is wrong
	Hint   Words  `json:"hint"`    // what to do
}

// Text is the problem in one sentence without its place, and what to do.
func (p Problem) Text(lang string) string {
	says, hint := p.Says.In(lang), p.Hint.In(lang)
	if hint == "" {
		return says
	}
	if says == p.Says.EN {
		return says + ": " + hint
	}
	return says + "：" + hint
}

// String is the problem with its place, in English.
func (p Problem) String() string {
	var at []string
	if p.Sheet != "" {
		at = append(at, "sheet "+p.Sheet)
	}
	if p.Row > 0 {
		at = append(at, fmt.Sprintf("row %d", p.Row))
	}
	if p.Column != "" {
		at = append(at, "column "+p.Column)
	}
	text := p.Text("en")
	if p.Value != "" {
		text = fmt.Sprintf("%q %s", p.Value, text)
	}
	if len(at) == 0 {
		return text
	}
	return strings.Join(at, ", ") + ": " + text
}

// Report is what reading a file found.
type Report struct {
	Table    string    `json:"table"`
	Format   Format    `json:"format"`
	Charset  string    `json:"charset,omitempty"` // of a text file, as it was read
	Sheet    string    `json:"sheet,omitempty"`   // of an XLSX file, the one that was read
	Columns  []string  `json:"columns"`           // that the file has, in its order
	Rows     int       `json:"rows"`              // with something in them, without the head and remarks
	Good     int       `json:"good"`
	Bad      int       `json:"bad"`
	Remarks  int       `json:"remarks"` // rows that were left out because they begin with ##
	Stopped  bool      `json:"stopped"` // the rest of the file was not read: the last problem says why
	Problems []Problem `json:"problems"`
	More     int       `json:"more"` // problems that are not listed
}

// OK says that the whole file was read and that nothing is wrong with it.
func (r Report) OK() bool { return len(r.Problems) == 0 && !r.Stopped }

// errorLines is how many problems an error's text lists.
const errorLines = 20

// Refused is the error of a file that has problems. It wraps fault.Invalid.
type Refused struct{ Report Report }

// Error lists the first problems, one a line.
func (e *Refused) Error() string {
	r := e.Report
	var b strings.Builder
	fmt.Fprintf(&b, "%s refused, %d problems", cmp.Or(r.Table, "file"), len(r.Problems)+r.More)
	if r.Bad > 0 {
		fmt.Fprintf(&b, " in %d of %d rows", r.Bad, r.Rows)
	}
	b.WriteString(":")
	shown := r.Problems[:min(len(r.Problems), errorLines)]
	for _, p := range shown {
		b.WriteString("\n  " + p.String())
	}
	if rest := len(r.Problems) + r.More - len(shown); rest > 0 {
		fmt.Fprintf(&b, "\n  and %d more", rest)
	}
	return b.String()
}

// Unwrap makes it fault.Invalid.
func (e *Refused) Unwrap() error { return fault.Invalid }

// finding is a problem before it has a place.
type finding struct {
	code   Code
	column string
	value  string
	args   []any
}

func found(code Code, args ...any) *finding { return &finding{code: code, args: args} }

// stop is a finding that ends the reading.
type stop struct {
	finding
	row int
}

func stopAt(row int, code Code, args ...any) error {
	return &stop{finding{code: code, args: args}, row}
}

// Error is for the chain of readers only: the Report has the words.
func (s *stop) Error() string { return string(s.code) }

// problem puts the words to a finding.
func (f finding) problem(sheet string, row int) Problem {
	w := wordings[f.code]
	fill := func(format string) string {
		if !strings.Contains(format, "%") {
			return format
		}
		return fmt.Sprintf(format, f.args...)
	}
	return Problem{
		Sheet: sheet, Row: row, Column: shorten(f.column), Value: shorten(f.value), Code: f.code,
		Says: Words{fill(w.says.EN), fill(w.says.ZH)}, Hint: Words{fill(w.hint.EN), fill(w.hint.ZH)},
	}
}

// shownLength is how many characters of a bad cell a Problem shows.
const shownLength = 40

// shorten makes a cell's text fit to be shown: short, valid, in one line.
func shorten(text string) string {
	text = text[:min(len(text), 4*shownLength+4)]
	runes := []rune(strings.ToValidUTF8(text, "\ufffd"))
	for i, r := range runes {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			runes[i] = '·'
		}
	}
	if len(runes) > shownLength {
		return string(runes[:shownLength]) + "…"
	}
	return string(runes)
}
