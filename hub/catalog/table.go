package catalog

import (
	"math"
	"slices"
	"strings"
	"time"

	"github.com/tallydock/tallydock/hub/sheet"
)

// Demand is what customers took of an item at a site on a day before the ledger began.
type Demand struct {
	Item     string
	Site     string
	Day      string // YYYY-MM-DD
	Quantity int64
}

// kind is one kind of file: what its columns are, how a row is taken, and how the entries of the catalogue are written.
type kind struct {
	table sheet.Table
	take  func(*parser)
	rows  func(Rows) [][]sheet.Value
}

// kinds has the kinds of file, in the order in which a new catalogue needs them.
var kinds = []kind{
	{itemTable, (*parser).item, func(r Rows) [][]sheet.Value { return written(r.Items, Item.values) }},
	{packTable, (*parser).pack, func(r Rows) [][]sheet.Value { return written(r.Packs, Pack.values) }},
	{locationTable, (*parser).location, func(r Rows) [][]sheet.Value { return written(r.Locations, Location.values) }},
	{glnTable, (*parser).gln, func(r Rows) [][]sheet.Value { return written(r.GLNs, GLN.values) }},
	{supplierTable, (*parser).supplier, func(r Rows) [][]sheet.Value { return written(r.Suppliers, Supplier.values) }},
	{lotTable, (*parser).lot, func(r Rows) [][]sheet.Value { return written(r.Lots, Lot.values) }},
	{sourceTable, (*parser).source, func(r Rows) [][]sheet.Value { return written(r.Sources, Source.values) }},
	{levelTable, (*parser).level, func(r Rows) [][]sheet.Value { return written(r.Levels, Level.values) }},
	{tagTable, (*parser).tag, func(r Rows) [][]sheet.Value { return written(r.Tags, TagItem.values) }},
	{demandTable, (*parser).demand, func(r Rows) [][]sheet.Value { return written(r.Demand, Demand.values) }},
}

func written[T any](all []T, values func(T) []sheet.Value) [][]sheet.Value {
	out := make([][]sheet.Value, len(all))
	for i, v := range all {
		out[i] = values(v)
	}
	return out
}

// Kinds lists the kinds of file that Import reads, in the order in which a new catalogue needs them.
func Kinds() []string {
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = k.table.Name
	}
	return names
}

// Sheet gives the columns of a kind of file; false for a kind that there is not.
func Sheet(name string) (sheet.Table, bool) {
	k, ok := kindOf(name)
	return k.table, ok
}

func kindOf(name string) (kind, bool) {
	i := slices.IndexFunc(kinds, func(k kind) bool { return k.table.Name == name })
	if i < 0 {
		return kind{}, false
	}
	return kinds[i], true
}

// Values gives the rows of a file of the catalogue's entries of one kind, as sheet.Writer takes them.
func Values(r Rows) [][]sheet.Value {
	k, ok := kindOf(r.Kind)
	if !ok {
		return nil
	}
	return k.rows(r)
}

const (
	mostWhole = 1e12
	mostMoney = 1e15
	mostDays  = 3650
	dayScale  = 6 // decimals of a number of days
)

var oneDay = int64(math.Pow10(dayScale))

func key(name, en, zh, docEN, docZH string) sheet.Column {
	return sheet.Column{
		Name: name, Title: sheet.Words{EN: en, ZH: zh}, Doc: sheet.Words{EN: docEN, ZH: docZH}, Kind: sheet.Text, MaxLength: 64, Required: true,
	}
}

func words(name, en, zh string) sheet.Column {
	return sheet.Column{Name: name, Title: sheet.Words{EN: en, ZH: zh}, Kind: sheet.Text, MaxLength: 500}
}

func whole(name, en, zh string, least int64) sheet.Column {
	return sheet.Column{
		Name: name, Title: sheet.Words{EN: en, ZH: zh}, Kind: sheet.Int, Low: sheet.OfInt(least), High: sheet.OfInt(mostWhole), Default: sheet.OfInt(least),
	}
}

func money(name, en, zh string) sheet.Column {
	return sheet.Column{Name: name, Title: sheet.Words{EN: en, ZH: zh}, Kind: sheet.Money, Low: sheet.OfInt(0), High: sheet.OfInt(mostMoney)}
}

func days(name, en, zh string) sheet.Column {
	return sheet.Column{
		Name: name, Title: sheet.Words{EN: en, ZH: zh}, Kind: sheet.Decimal, Scale: dayScale, Low: sheet.OfInt(0), High: sheet.OfInt(mostDays * oneDay),
	}
}

func date(name, en, zh string) sheet.Column {
	return sheet.Column{Name: name, Title: sheet.Words{EN: en, ZH: zh}, Kind: sheet.Date}
}

func gtin() sheet.Column {
	return sheet.Column{Name: "gtin", Title: sheet.Words{EN: "GTIN", ZH: "商品条码"}, Kind: sheet.GTIN}
}

func required(c sheet.Column) sheet.Column {
	c.Required, c.Default = true, sheet.Value{}
	return c
}

func like(example string, c sheet.Column) sheet.Column {
	c.Example = example
	return c
}

var (
	itemKey     = like("MILK-1L", key("item", "Item", "物料", "id of an item of the catalogue", "物料主数据中的编码"))
	supplierKey = like("ACME", key("supplier", "Supplier", "供应商", "id of a supplier of the catalogue", "供应商主数据中的编码"))
	nameEN      = like("Whole milk", words("name_en", "Name (English)", "英文名称"))
	nameZH      = like("全脂牛奶", words("name_zh", "Name (Chinese)", "中文名称"))
)

var itemTable = sheet.Table{Name: "items", Columns: []sheet.Column{
	like("MILK-1L", key("id", "SKU", "物料编码", "unique, never changes", "唯一且不变")),
	nameEN,
	nameZH,
	gtin(),
	like("EA", sheet.Column{
		Name: "unit", Title: sheet.Words{EN: "Unit", ZH: "单位"}, Doc: sheet.Words{EN: "code of UN/ECE Recommendation 20", ZH: "UN/ECE 第 20 号建议书代码"},
		Kind: sheet.Text, MaxLength: 16, Default: sheet.OfText("EA"),
	}),
	like("dairy", words("category", "Category", "类别")),
	money("cost", "Cost", "成本"),
}}

func (p *parser) item() {
	v := Item{
		ID: p.id("id"), GTIN: p.text("gtin"), Name: p.name(), Unit: p.text("unit"), Category: p.text("category"), Cost: p.int("cost"),
	}
	p.unique(v.ID)
	p.named(v.Name)
	p.rows.Items = append(p.rows.Items, v)
}

func (v Item) values() []sheet.Value {
	return []sheet.Value{
		sheet.OfText(v.ID),
		sheet.OfText(v.Name.EN),
		sheet.OfText(v.Name.ZH),
		sheet.OfText(v.GTIN),
		sheet.OfText(v.Unit),
		sheet.OfText(v.Category),
		sheet.OfInt(v.Cost),
	}
}

var packTable = sheet.Table{Name: "packs", Columns: []sheet.Column{
	itemKey,
	like("CS", key("code", "Pack", "包装", "code of UN/ECE Recommendation 20 or 21", "UN/ECE 第 20 或 21 号建议书代码")),
	like("12", required(whole("units", "Units", "数量", 1))),
	gtin(),
	nameEN,
	nameZH,
}}

func (p *parser) pack() {
	v := Pack{Item: p.item1(), Code: p.id("code"), Units: p.int("units"), GTIN: p.text("gtin"), Name: p.name()}
	p.unique(v.Item, v.Code)
	p.rows.Packs = append(p.rows.Packs, v)
}

func (v Pack) values() []sheet.Value {
	return []sheet.Value{
		sheet.OfText(v.Item), sheet.OfText(v.Code), sheet.OfInt(v.Units), sheet.OfText(v.GTIN), sheet.OfText(v.Name.EN), sheet.OfText(v.Name.ZH),
	}
}

// LocationKinds lists the kinds of location.
func LocationKinds() []string {
	return []string{string(Site), string(Zone), string(Bay), string(ColdRoom), string(Dock), string(Table), string(Door)}
}

var locationTable = sheet.Table{Name: "locations", Columns: []sheet.Column{
	like("SZ1-A-01", key("code", "Location", "库位", "unique, never changes", "唯一且不变")),
	like("SZ1", key("site", "Site", "站点", "code of the location that is its site", "所属站点的编码")),
	{Name: "kind", Title: sheet.Words{EN: "Kind", ZH: "类型"}, Kind: sheet.Enum, Values: LocationKinds(), Required: true, Example: "bay"},
	like("SZ1-A", words("parent", "Stands in", "上级库位")),
	nameEN,
	nameZH,
	decimetres("x", "Left (dm)", "左（分米）"),
	decimetres("y", "Top (dm)", "上（分米）"),
	decimetres("w", "Width (dm)", "宽（分米）"),
	decimetres("h", "Height (dm)", "高（分米）"),
}}

// mostDecimetres is a hundred kilometres.
const mostDecimetres = 1_000_000

func decimetres(name, en, zh string) sheet.Column {
	c := whole(name, en, zh, 0)
	c.High = sheet.OfInt(mostDecimetres)
	return c
}

func (p *parser) location() {
	v := Location{
		Code: p.id("code"), Site: p.id("site"), Parent: p.text("parent"), Kind: LocationKind(p.text("kind")), Name: p.name(),
		X: int(p.int("x")), Y: int(p.int("y")), W: int(p.int("w")), H: int(p.int("h")),
	}
	p.unique(v.Code)
	if v.Kind == Site && v.Site != v.Code {
		p.refuse("site", v.Site, codeOwnSite, v.Code)
	}
	if v.Parent == v.Code {
		p.refuse("parent", v.Parent, codeInItself)
	}
	if v.Kind != Site && v.Parent == "" {
		v.Parent = v.Site
	}
	p.rows.Locations = append(p.rows.Locations, v)
	p.at = append(p.at, p.row.Number)
}

func (v Location) values() []sheet.Value {
	return []sheet.Value{
		sheet.OfText(v.Code),
		sheet.OfText(v.Site),
		sheet.OfText(string(v.Kind)),
		sheet.OfText(v.Parent),
		sheet.OfText(v.Name.EN),
		sheet.OfText(v.Name.ZH),
		sheet.OfInt(int64(v.X)),
		sheet.OfInt(int64(v.Y)),
		sheet.OfInt(int64(v.W)),
		sheet.OfInt(int64(v.H)),
	}
}

const maxGLN = 1000

var glnTable = sheet.Table{Name: "glns", Columns: []sheet.Column{
	like("4006381000017", sheet.Column{
		Name: "gln", Title: sheet.Words{EN: "GLN or URI", ZH: "GLN 或 URI"},
		Doc:  sheet.Words{EN: "a name that the world outside has for the location", ZH: "外部对该库位的称呼"},
		Kind: sheet.Text, MaxLength: maxGLN, Required: true,
	}),
	like("SZ1-A-01", key("location", "Location", "库位", "code of a location of the catalogue", "库位主数据中的编码")),
}}

func (p *parser) gln() {
	v := GLN{GLN: p.text("gln"), Location: p.ref("location", p.known.Locations, codeNoLocation)}
	if number := len(v.GLN) == 13 && strings.Trim(v.GLN, "0123456789") == ""; !number && !strings.Contains(v.GLN, ":") {
		p.refuse("gln", v.GLN, codeNoGLN)
	}
	p.unique(v.GLN)
	p.rows.GLNs = append(p.rows.GLNs, v)
}

func (v GLN) values() []sheet.Value {
	return []sheet.Value{sheet.OfText(v.GLN), sheet.OfText(v.Location)}
}

var supplierTable = sheet.Table{Name: "suppliers", Columns: []sheet.Column{
	like("ACME", key("id", "Supplier", "供应商编码", "unique, never changes", "唯一且不变")),
	like("Acme Ltd", nameEN),
	like("顶点公司", nameZH),
}}

func (p *parser) supplier() {
	v := Supplier{ID: p.id("id"), Name: p.name()}
	p.unique(v.ID)
	p.named(v.Name)
	p.rows.Suppliers = append(p.rows.Suppliers, v)
}

func (v Supplier) values() []sheet.Value {
	return []sheet.Value{sheet.OfText(v.ID), sheet.OfText(v.Name.EN), sheet.OfText(v.Name.ZH)}
}

var lotTable = sheet.Table{Name: "lots", Columns: []sheet.Column{
	itemKey,
	{Name: "lot", Title: sheet.Words{EN: "Lot", ZH: "批号"}, Kind: sheet.Text, MaxLength: 64, Required: true, Example: "L2026-31"},
	like("2026-01-31", date("made", "Made", "生产日期")),
	like("2026-03-31", date("expires", "Expires", "有效期至")),
	notNeeded(supplierKey),
}}

func notNeeded(c sheet.Column) sheet.Column {
	c.Required = false
	return c
}

func (p *parser) lot() {
	v := Lot{Item: p.item1(), Lot: p.text("lot"), Made: p.day("made"), Expires: p.day("expires")}
	if p.text("supplier") != "" {
		v.Supplier = p.ref("supplier", p.known.Suppliers, codeNoSupplier)
	}
	p.unique(v.Item, v.Lot)
	if v.Made != "" && v.Expires != "" && v.Expires < v.Made {
		p.refuse("expires", v.Expires, codeTooEarly, v.Made)
	}
	p.rows.Lots = append(p.rows.Lots, v)
}

func (v Lot) values() []sheet.Value {
	return []sheet.Value{sheet.OfText(v.Item), sheet.OfText(v.Lot), ofDay(v.Made), ofDay(v.Expires), sheet.OfText(v.Supplier)}
}

func ofDay(day string) sheet.Value {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return sheet.Value{}
	}
	return sheet.OfTime(t)
}

var sourceTable = sheet.Table{Name: "sources", Columns: []sheet.Column{
	itemKey,
	supplierKey,
	like("3", required(days("lead_time_days", "Lead time (days)", "提前期（天）"))),
	like("0.5", days("lead_time_sd_days", "Its standard deviation (days)", "提前期标准差（天）")),
	whole("moq", "Least order", "最小订购量", 0),
	whole("pack_multiple", "Order in multiples of", "订购倍数", 0),
	money("price", "Price", "单价"),
}}

func (p *parser) source() {
	v := Source{
		Item: p.item1(), Supplier: p.ref("supplier", p.known.Suppliers, codeNoSupplier),
		LeadTime: p.days("lead_time_days"), LeadTimeSD: p.days("lead_time_sd_days"), MOQ: p.int("moq"),
		PackMultiple: max(1, p.int("pack_multiple")), Price: p.int("price"),
	}
	p.unique(v.Item, v.Supplier)
	p.rows.Sources = append(p.rows.Sources, v)
}

func (v Source) values() []sheet.Value {
	ofDays := func(d float64) sheet.Value { return sheet.OfInt(int64(math.Round(d * float64(oneDay)))) }
	return []sheet.Value{
		sheet.OfText(v.Item),
		sheet.OfText(v.Supplier),
		ofDays(v.LeadTime),
		ofDays(v.LeadTimeSD),
		sheet.OfInt(v.MOQ),
		sheet.OfInt(v.PackMultiple),
		sheet.OfInt(v.Price),
	}
}

var levelTable = sheet.Table{Name: "levels", Columns: []sheet.Column{
	itemKey,
	like("SZ1-A-01", key("location", "Location", "库位", "code of a location of the catalogue", "库位主数据中的编码")),
	like("5", required(whole("min", "Least", "下限", 0))),
	like("20", whole("max", "Most", "上限", 0)),
}}

func (p *parser) level() {
	v := Level{
		Item: p.item1(), Location: p.ref("location", p.known.Locations, codeNoLocation), Min: p.int("min"), Max: p.int("max"),
	}
	p.unique(v.Item, v.Location)
	if v.Max != 0 && v.Max < v.Min {
		p.refuse("max", "", codeTooLow, v.Min)
	}
	p.rows.Levels = append(p.rows.Levels, v)
}

func (v Level) values() []sheet.Value {
	return []sheet.Value{sheet.OfText(v.Item), sheet.OfText(v.Location), sheet.OfInt(v.Min), sheet.OfInt(v.Max)}
}

var tagTable = sheet.Table{Name: "tags", Columns: []sheet.Column{
	{Name: "tag", Title: sheet.Words{EN: "Tag", ZH: "标签"}, Kind: sheet.Tag, Required: true},
	itemKey,
	{Name: "lot", Title: sheet.Words{EN: "Lot", ZH: "批号"}, Kind: sheet.Text, MaxLength: 64, Example: "L2026-31"},
	like("1", whole("units", "Units", "数量", 0)),
}}

func (p *parser) tag() {
	v := TagItem{Tag: p.text("tag"), Item: p.item1(), Lot: p.text("lot"), Units: max(1, p.int("units"))}
	p.unique(v.Tag)
	p.rows.Tags = append(p.rows.Tags, v)
}

func (v TagItem) values() []sheet.Value {
	return []sheet.Value{sheet.OfText(v.Tag), sheet.OfText(v.Item), sheet.OfText(v.Lot), sheet.OfInt(v.Units)}
}

var demandTable = sheet.Table{Name: "demand", Columns: []sheet.Column{
	itemKey,
	like("SZ1", key("site", "Site", "站点", "code of a site of the catalogue", "站点主数据中的编码")),
	like("2026-01-31", required(date("day", "Day", "日期"))),
	like("10", required(whole("quantity", "Quantity", "数量", 0))),
}}

func (p *parser) demand() {
	v := Demand{Item: p.item1(), Site: p.ref("site", p.known.Sites, codeNoSite), Day: p.day("day"), Quantity: p.int("quantity")}
	p.unique(v.Item, v.Site, v.Day)
	p.rows.Demand = append(p.rows.Demand, v)
}

func (v Demand) values() []sheet.Value {
	return []sheet.Value{sheet.OfText(v.Item), sheet.OfText(v.Site), ofDay(v.Day), sheet.OfInt(v.Quantity)}
}

func (p *parser) text(column string) string { return p.row.Get(column).Text }

func (p *parser) int(column string) int64 { return p.row.Get(column).Int }

func (p *parser) days(column string) float64 { return float64(p.int(column)) / float64(oneDay) }

// day gives a day as YYYY-MM-DD; "" where the cell is empty.
func (p *parser) day(column string) string {
	v := p.row.Get(column)
	if !v.Set {
		return ""
	}
	return v.Time.Format(time.DateOnly)
}

// id reads a key: without characters that break addresses and topics.
func (p *parser) id(column string) string {
	s := p.text(column)
	if strings.ContainsAny(s, "/\\#+?%\"'<> \t\r\n") {
		p.refuse(column, s, codeBadID)
	}
	return s
}

func (p *parser) name() Text { return Text{EN: p.text("name_en"), ZH: p.text("name_zh")} }

func (p *parser) named(t Text) {
	if t == (Text{}) {
		p.refuse("name_en", "", codeNameless)
	}
}

func (p *parser) item1() string { return p.ref("item", p.known.Items, codeNoItem) }

func (p *parser) ref(column string, known map[string]bool, code sheet.Code) string {
	s := p.text(column)
	if s != "" && !known[s] {
		p.refuse(column, s, code)
	}
	return s
}
