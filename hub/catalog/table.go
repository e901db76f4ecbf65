package catalog

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tallydock/tallydock/devices"
)

// Demand is what customers took of an item at a site on a day before the ledger began.
type Demand struct {
	Item     string
	Site     string
	Day      string // YYYY-MM-DD
	Quantity int64
}

// table says how the rows of one kind of file are read.
type table struct {
	required, optional []string
	row                func(*parser)
}

func (t table) columns() []string { return slices.Concat(t.required, t.optional) }

// tables has the kinds of file. Money has up to four decimals, lead times are in days.
var tables = map[string]table{
	"items":     {[]string{"id", "name_en"}, []string{"gtin", "name_zh", "unit", "category", "cost"}, (*parser).item},
	"locations": {[]string{"code", "site", "kind"}, []string{"parent", "name_en", "name_zh", "x", "y", "w", "h"}, (*parser).location},
	"glns":      {[]string{"gln", "location"}, nil, (*parser).gln},
	"suppliers": {[]string{"id", "name_en"}, []string{"name_zh"}, (*parser).supplier},
	"sources":   {[]string{"item", "supplier", "lead_time_days"}, []string{"lead_time_sd_days", "moq", "pack_multiple", "price"}, (*parser).source},
	"levels":    {[]string{"item", "location", "min"}, []string{"max"}, (*parser).level},
	"packs":     {[]string{"item", "code", "units"}, []string{"gtin", "name_en", "name_zh"}, (*parser).pack},
	"lots":      {[]string{"item", "lot"}, []string{"made", "expires", "supplier"}, (*parser).lot},
	"tags":      {[]string{"tag", "item"}, []string{"lot", "units"}, (*parser).tag},
	"demand":    {[]string{"item", "site", "day", "quantity"}, nil, (*parser).demand},
}

// Kinds lists the kinds of file that Import reads, in the order in which a new catalogue needs them.
func Kinds() []string {
	return []string{"items", "packs", "locations", "glns", "suppliers", "lots", "sources", "levels", "tags", "demand"}
}

// Columns lists the columns of a kind of file: those that it must have and those that it may.
func Columns(kind string) (required, optional []string) {
	return tables[kind].required, tables[kind].optional
}

func (p *parser) item() {
	v := Item{
		ID: p.id("id"), GTIN: p.gtin("gtin"), Name: p.name(), Unit: p.or("unit", "EA"), Category: p.text("category"),
		Cost: p.money("cost"),
	}
	p.unique(v.ID)
	p.named(v.Name)
	p.rows.Items = append(p.rows.Items, v)
}

var locationKinds = []LocationKind{Site, Zone, Bay, ColdRoom, Dock, Table, Door}

func (p *parser) location() {
	v := Location{
		Code: p.id("code"), Site: p.id("site"), Parent: p.text("parent"), Kind: LocationKind(p.text("kind")), Name: p.name(),
		X: int(p.whole("x")), Y: int(p.whole("y")), W: int(p.whole("w")), H: int(p.whole("h")),
	}
	p.unique(v.Code)
	if !slices.Contains(locationKinds, v.Kind) {
		p.wrong("kind", "%q is not a kind of location; use site, zone, bay, cold_room, dock, table or door", v.Kind)
	}
	if v.Kind == Site && v.Site != v.Code {
		p.wrong("site", "a site's own code is its site: write %s", v.Code)
	}
	if v.Kind != Site && v.Parent == "" {
		v.Parent = v.Site
	}
	p.rows.Locations = append(p.rows.Locations, v)
}

const maxGLN = 1000

func (p *parser) gln() {
	v := GLN{GLN: p.text("gln"), Location: p.ref("location", p.known.Locations, "location")}
	if number := len(v.GLN) == 13 && strings.Trim(v.GLN, "0123456789") == ""; !number && !strings.Contains(v.GLN, ":") || len(v.GLN) > maxGLN {
		p.wrong("gln", "%.40q is neither a GLN of 13 digits nor a URI, as urn:epc:id:sgln:… or https://…", v.GLN)
	}
	p.unique(v.GLN)
	p.rows.GLNs = append(p.rows.GLNs, v)
}

func (p *parser) supplier() {
	v := Supplier{ID: p.id("id"), Name: p.name()}
	p.unique(v.ID)
	p.named(v.Name)
	p.rows.Suppliers = append(p.rows.Suppliers, v)
}

func (p *parser) source() {
	v := Source{
		Item: p.ref("item", p.known.Items, "item"), Supplier: p.ref("supplier", p.known.Suppliers, "supplier"),
		LeadTime: p.days("lead_time_days"), LeadTimeSD: p.days("lead_time_sd_days"), MOQ: p.whole("moq"),
		PackMultiple: max(1, p.whole("pack_multiple")), Price: p.money("price"),
	}
	p.unique(v.Item, v.Supplier)
	p.rows.Sources = append(p.rows.Sources, v)
}

func (p *parser) level() {
	v := Level{
		Item: p.ref("item", p.known.Items, "item"), Location: p.ref("location", p.known.Locations, "location"),
		Min: p.whole("min"), Max: p.whole("max"),
	}
	p.unique(v.Item, v.Location)
	if v.Max != 0 && v.Max < v.Min {
		p.wrong("max", "%d is less than min %d", v.Max, v.Min)
	}
	p.rows.Levels = append(p.rows.Levels, v)
}

func (p *parser) pack() {
	v := Pack{
		Item: p.ref("item", p.known.Items, "item"), Code: p.id("code"), Units: p.whole("units"), GTIN: p.gtin("gtin"), Name: p.name(),
	}
	p.unique(v.Item, v.Code)
	if v.Units == 0 {
		p.wrong("units", "a pack has at least 1 unit of its item in it")
	}
	p.rows.Packs = append(p.rows.Packs, v)
}

func (p *parser) lot() {
	v := Lot{Item: p.ref("item", p.known.Items, "item"), Lot: p.text("lot"), Made: p.day("made"), Expires: p.day("expires")}
	if v.Lot == "" {
		p.wrong("lot", "is empty")
	}
	if s := p.text("supplier"); s != "" {
		v.Supplier = p.ref("supplier", p.known.Suppliers, "supplier")
	}
	p.unique(v.Item, v.Lot)
	if v.Made != "" && v.Expires != "" && v.Expires < v.Made {
		p.wrong("expires", "%s is before made %s", v.Expires, v.Made)
	}
	p.rows.Lots = append(p.rows.Lots, v)
}

// day reads a day; "" where the cell is empty.
func (p *parser) day(column string) string {
	s := p.text(column)
	if _, err := time.Parse(time.DateOnly, s); s != "" && err != nil {
		p.wrong(column, "%q is not a day as YYYY-MM-DD", s)
	}
	return s
}

func (p *parser) tag() {
	v := TagItem{Item: p.ref("item", p.known.Items, "item"), Lot: p.text("lot"), Units: max(1, p.whole("units"))}
	tag, err := devices.ParseTag(strings.ToLower(p.text("tag")))
	if err != nil {
		p.wrong("tag", "%v", err)
	}
	v.Tag = tag.String()
	p.unique(v.Tag)
	p.rows.Tags = append(p.rows.Tags, v)
}

func (p *parser) demand() {
	v := Demand{
		Item: p.ref("item", p.known.Items, "item"), Site: p.ref("site", p.known.Sites, "site"), Day: p.day("day"),
		Quantity: p.whole("quantity"),
	}
	if v.Day == "" {
		p.wrong("day", "is empty")
	}
	p.unique(v.Item, v.Site, v.Day)
	p.rows.Demand = append(p.rows.Demand, v)
}

func (p *parser) text(column string) string {
	i, ok := p.index[column]
	if !ok || i >= len(p.record) {
		return ""
	}
	return strings.TrimSpace(p.record[i])
}

func (p *parser) or(column, fallback string) string {
	if s := p.text(column); s != "" {
		return s
	}
	return fallback
}

// id reads a key: needed, at most 64 bytes, without characters that break addresses and topics.
func (p *parser) id(column string) string {
	s := p.text(column)
	switch {
	case s == "":
		p.wrong(column, "is empty")
	case len(s) > 64:
		p.wrong(column, "is longer than 64 bytes")
	case strings.ContainsAny(s, "/\\#+?%\"'<> \t"):
		p.wrong(column, "%q has a space or one of / \\ # + ? %% \" ' < >", s)
	}
	return s
}

func (p *parser) name() Text {
	t := Text{EN: p.text("name_en"), ZH: p.text("name_zh")}
	return t
}

func (p *parser) named(t Text) {
	if t == (Text{}) {
		p.wrong("name_en", "is empty")
	}
}

func (p *parser) ref(column string, known map[string]bool, what string) string {
	s := p.id(column)
	if s != "" && !known[s] {
		p.wrong(column, "%s %q is not in the catalogue: import it first", what, s)
	}
	return s
}

func (p *parser) whole(column string) int64 {
	s := p.text(column)
	if s == "" {
		return 0
	}
	v, err := strconv.ParseInt(s, 10, 64)
	if err != nil || v < 0 || v > 1e12 {
		p.wrong(column, "%q is not a whole number from 0 to 10^12", s)
		return 0
	}
	return v
}

func (p *parser) days(column string) float64 {
	s := p.text(column)
	if s == "" {
		return 0
	}
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(v) || v < 0 || v > 3650 {
		p.wrong(column, "%q is not a number of days from 0 to 3650", s)
		return 0
	}
	return v
}

// money reads an amount such as 12.50 in ten-thousandths.
func (p *parser) money(column string) int64 {
	s := p.text(column)
	if s == "" {
		return 0
	}
	whole, frac, _ := strings.Cut(s, ".")
	v, err := strconv.ParseUint(whole+(frac + "0000")[:4], 10, 63)
	if err != nil || len(frac) > 4 || whole == "" || v > 1e15 {
		p.wrong(column, "%q is not an amount such as 12.50, with at most four decimals", s)
		return 0
	}
	return int64(v)
}

// gtin reads a GTIN of 8, 12, 13 or 14 digits and fills it to 14 with zeros; its check digit must be right (GS1 General
// Specifications, section 7.9).
func (p *parser) gtin(column string) string {
	s := p.text(column)
	if s == "" {
		return ""
	}
	if !slices.Contains([]int{8, 12, 13, 14}, len(s)) || strings.Trim(s, "0123456789") != "" {
		p.wrong(column, "%q is not a GTIN of 8, 12, 13 or 14 digits", s)
		return ""
	}
	s = strings.Repeat("0", 14-len(s)) + s
	if want := checkDigit(s[:13]); s[13] != want {
		p.wrong(column, "%q has the check digit %c; it should be %c: was a digit mistyped?", s, s[13], want)
	}
	return s
}

func checkDigit(digits string) byte {
	sum := 0
	for i := range len(digits) {
		weight := 3
		if i%2 == 1 {
			weight = 1
		}
		sum += weight * int(digits[i]-'0')
	}
	return byte('0' + (10-sum%10)%10)
}
