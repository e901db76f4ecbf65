package sheet

import (
	"encoding/xml"
	"path"
	"regexp"
	"strconv"
	"strings"
)

// smallPart is what the parts that describe a workbook may unpack to.
const smallPart = 16 << 20

// workbook says where in a workbook its parts are.
type workbook struct {
	sheet          string // its name
	part           string
	shared, styles string // "" where there are none
	date1904       bool
}

// relation leads from one part to another (ECMA-376 Part 2, 8.5).
type relation struct{ kind, target string }

// relations are those of one part.
type relations struct {
	byID  map[string]relation
	first map[string]string // the target of the first of a kind
}

// relations reads where a part leads to; what lies outside the file is left out.
func (p *parts) relations(of string) (relations, error) {
	dir, base := path.Split(of)
	e, err := p.open(dir+"_rels/"+base+".rels", smallPart)
	if err != nil {
		return relations{}, err
	}
	all := relations{map[string]relation{}, map[string]string{}}
	err = e.each(func(start xml.StartElement) error {
		if start.Name.Local != "Relationship" || attr(start, "TargetMode") == "External" {
			return nil
		}
		if len(all.byID) > maxParts {
			return unsafeZip("more than 10,000 relations", "超过 10,000 个关系")
		}
		target := attr(start, "Target")
		if !strings.HasPrefix(target, "/") {
			target = path.Join(dir, target)
		}
		r := relation{path.Base(attr(start, "Type")), strings.TrimPrefix(target, "/")}
		all.byID[attr(start, "Id")] = r
		if _, later := all.first[r.kind]; !later {
			all.first[r.kind] = r.target
		}
		return nil
	})
	return all, err
}

// workbook finds a sheet by name, or the first visible one.
func (p *parts) workbook(sheet string) (workbook, error) {
	if p.files["_rels/.rels"] == nil {
		return workbook{}, stopAt(0, CodeWrongFormat, "a zip file without a workbook", "不含工作簿的 zip 文件")
	}
	roots, err := p.relations("")
	if err != nil {
		return workbook{}, err
	}
	main := roots.first["officeDocument"]
	leads, err := p.relations(main)
	if err != nil {
		return workbook{}, err
	}
	e, err := p.open(main, smallPart)
	if err != nil {
		return workbook{}, err
	}
	book := workbook{shared: leads.first["sharedStrings"], styles: leads.first["styles"]}
	var visible []string
	err = e.each(func(start xml.StartElement) error {
		switch start.Name.Local {
		case "workbookPr":
			on := attr(start, "date1904")
			book.date1904 = on == "1" || on == "true"
		case "sheet":
			name, ok := book.offer(start, leads, sheet)
			if ok && len(visible) < shownSheets {
				visible = append(visible, shorten(name))
			}
		}
		return nil
	})
	if err == nil && book.part == "" {
		err = stopAt(0, CodeNoSheet, sheet, strings.Join(visible, ", "))
	}
	return book, err
}

// offer takes a sheet of the workbook if it is the one that is wanted, and tells whether people see it.
func (b *workbook) offer(start xml.StartElement, leads relations, wanted string) (name string, visible bool) {
	name = attr(start, "name")
	r, state := leads.byID[attr(start, "id")], attr(start, "state")
	if r.kind != "worksheet" || state != "" && state != "visible" {
		return name, false
	}
	if b.part == "" && (wanted == "" || wanted == name) {
		b.sheet, b.part = name, r.target
	}
	return name, true
}

// shownSheets is how many sheets a problem lists.
const shownSheets = 20

// dateFormats tells for each cell format whether it shows a number as a date or time.
func (p *parts) dateFormats(part string) ([]bool, error) {
	if part == "" {
		return nil, nil
	}
	e, err := p.open(part, smallPart)
	if err != nil {
		return nil, err
	}
	var dates []bool
	custom, group := map[string]bool{}, ""
	err = e.each(func(start xml.StartElement) error {
		switch start.Name.Local {
		case "numFmt":
			if len(custom) < maxParts {
				custom[attr(start, "numFmtId")] = showsDate(attr(start, "formatCode"))
			}
		case "cellXfs", "cellStyleXfs", "cellStyles", "dxfs":
			group = start.Name.Local
		case "xf":
			if group == "cellXfs" {
				id := attr(start, "numFmtId")
				isDate, own := custom[id]
				dates = append(dates, isDate || !own && builtInDate(id))
			}
		}
		return nil
	})
	return dates, err
}

// builtInDate knows the formats that need no code (ECMA-376 Part 1, 18.8.30), those of Chinese workbooks included.
func builtInDate(id string) bool {
	n, err := strconv.Atoi(id)
	return err == nil && (n >= 14 && n <= 22 || n >= 27 && n <= 36 || n >= 45 && n <= 47 || n >= 50 && n <= 58)
}

// literal is what a format's code shows as it stands, or does not show at all.
var literal = regexp.MustCompile(`"[^"]*"|\\.|_.|\*.|\[[^\]]*\]`)

// showsDate tells whether a format's code has a part of a date or time.
func showsDate(code string) bool {
	return strings.ContainsAny(strings.ToLower(literal.ReplaceAllString(code, "")), "ymdhs")
}
