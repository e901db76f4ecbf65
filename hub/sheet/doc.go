// Package sheet reads and writes tables as CSV, XLSX and NDJSON: typed columns, and every bad cell named with its place.
//
// A Table says what the columns are. A Reader gives the rows of a file one by one as typed Values and keeps a Report of
// all that is wrong; it goes on after a bad row, so that one dry run (Check) lists them all. A Writer writes rows so that a
// Reader gets the same values back. A file that breaks a limit, or that cannot be read on, ends the reading; the Report
// says where. The package has no effects: a file comes as an io.Reader and goes to an io.Writer.
//
// What a file may be:
//
//   - CSV: separator comma, semicolon or tab (a first line "sep=;" says it too); lines end in LF, CRLF or CR; quotes as in
//     RFC 4180. UTF-8 with or without byte order mark, UTF-16, and GB18030 (with it GBK and GB2312), which the Chinese
//     Excel writes: found out from the bytes unless Options.Charset says it.
//   - XLSX: the first visible sheet, or the one of Options.Sheet. A cell with a formula is refused; links, macros, drawings
//     and outside data are never looked at. No part is kept in memory but the file itself and its shared texts.
//   - NDJSON: one flat object a line, keyed by column names; an unknown or a double key is refused, numbers are exact.
//
// The first row of CSV and XLSX names the columns, by Name or by Title in either language, in any order and any case.
// An empty cell is no value and takes the column's Default; a row without any value is no row. A row whose first cell
// begins with ## is a remark and is left out (in NDJSON: an object whose first key is "##"); templates carry such a row.
//
// Texts that a spreadsheet would take for a formula, and texts that a person's cell could not hold exactly, are written
// with one apostrophe in front. A text needs it when, after any apostrophes that it begins with itself, it
//
//   - begins with = + - @ or their full-width forms, or begins or ends with white space (so also with TAB, CR and LF), or
//   - begins with ##, is an error of a spreadsheet such as #N/A, or looks like a shortened number (1.2E+13).
//
// A reader takes one apostrophe away where the rest is such a text, takes that rest as it stands, and trims white space off
// all others. So 's-Hertogenbosch stays as it is, and every text comes back exactly. In XLSX, where texts are never
// formulas, a text that begins like one goes without the apostrophe.
package sheet
