package api

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/tallydock/tallydock/hub/catalog"
	"github.com/tallydock/tallydock/hub/ledger"
	"github.com/tallydock/tallydock/hub/sheet"
	"github.com/tallydock/tallydock/hub/tenant"
	"github.com/tallydock/tallydock/hub/view"
)

// mostImport is the longest file that is taken over the network; hub import takes longer ones.
const mostImport = 16 << 20

// importLimits bound what a file may cost the hub.
var importLimits = sheet.Limits{Bytes: mostImport, Unpacked: 256 << 20, Rows: 500_000}

// Importer takes files; *catalog.Importer is one.
type Importer interface {
	// Take stores all rows of a file, or none. Errors: *sheet.Refused.
	Take(ctx context.Context, kind string, file catalog.File) (catalog.Imported, error)
	// Try says what is wrong with a file, and stores nothing.
	Try(ctx context.Context, kind string, file catalog.File) (sheet.Report, error)
}

// Exporter gives all entries of a kind; a store.Catalog does.
type Exporter interface {
	All(ctx context.Context, kind string) (catalog.Rows, error)
}

// sheetRoutes are for tables that people fill in, send and take away.
func (s *server) sheetRoutes() []route {
	return []route{
		{"POST", "/catalog/{kind}/import", all(tenant.CatalogWrite), "import", "Import a CSV, XLSX or NDJSON file, all rows or none", s.importFile, mostImport},
		{"GET", "/catalog/{kind}/export", at(tenant.CatalogRead), "exportCatalog", "All entries of a kind as a file", s.exportCatalog, 0},
		{"GET", "/catalog/{kind}/template", at(tenant.CatalogRead), "template", "An empty file to fill in", s.template, 0},
		{"GET", "/exports/balances", at(tenant.StockRead), "exportBalances", "What is on hand and reserved, as a file", s.exportBalances, 0},
		{"GET", "/exports/movements", at(tenant.StockRead), "exportMovements", "Movements, newest first, a row for each of their lines, as a file", s.exportMovements, 0},
		{"GET", "/exports/counts/{id}", at(tenant.StockRead), "exportCount", "The lines of a count as a file", s.exportCount, 0},
	}
}

type importInput struct {
	Kind        string `path:"kind" enum:"items,packs,locations,glns,suppliers,lots,sources,levels,tags,demand"`
	DryRun      bool   `query:"dry_run" doc:"only say what is wrong with the file"`
	Sheet       string `query:"sheet" maxLength:"100" doc:"XLSX: name of the sheet; empty = the first visible one"`
	Charset     string `query:"charset" maxLength:"40" doc:"CSV: e.g. gb18030; empty = found out"`
	ContentType string `header:"Content-Type" hidden:"true"`
	RawBody     []byte `contentType:"text/csv"`
}

// Import says what became of a file.
type Import struct {
	catalog.Imported
	Report *sheet.Report `json:"report" doc:"of a dry run: what would be taken, and every row that would not"`
}

func (s *server) importFile(a huma.API, op huma.Operation) {
	file := &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}
	op.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{}}
	for _, f := range sheet.Formats() {
		op.RequestBody.Content[mediaType(f)] = file
	}
	answer(s, s.take)(a, op)
}

func mediaType(f sheet.Format) string {
	kind, _, _ := bytes.Cut([]byte(f.ContentType()), []byte(";"))
	return string(kind)
}

func (s *server) take(ctx context.Context, in *importInput) (Import, error) {
	file := catalog.File{
		Body: bytes.NewReader(in.RawBody), ContentType: in.ContentType, Sheet: in.Sheet, Charset: in.Charset, Limits: importLimits,
	}
	if in.DryRun {
		report, err := s.Importer.Try(ctx, in.Kind, file)
		return Import{catalog.Imported{Kind: in.Kind}, &report}, err
	}
	done, err := s.Importer.Take(ctx, in.Kind, file)
	if err == nil {
		s.Log.InfoContext(ctx, "imported", "kind", in.Kind, "rows", done.Rows, "user", sessionFrom(ctx).User)
	}
	return Import{Imported: done}, err
}

// SheetInput says how a file is written. (It is exported because huma fills no others when they are embedded.)
type SheetInput struct {
	Format sheet.Format `query:"format" enum:"csv,xlsx,ndjson" default:"csv"`
	Lang   string       `query:"lang" enum:"en,zh" doc:"language of the heads; empty = the names of the columns"`
	Plain  bool         `query:"plain" doc:"CSV: without the byte order mark that Excel needs"`
}

func (in SheetInput) options() sheet.WriteOptions {
	return sheet.WriteOptions{Lang: in.Lang, BOM: !in.Plain}
}

// pieces gives the rows of a table piece by piece, nil after the last.
type pieces func() ([][]sheet.Value, error)

// export registers a handler that streams a table. What open gives an error for is answered as a problem; where pieces fails
// later the connection is cut, so that nobody takes a part for the whole.
func export[I any](s *server, how func(*I) SheetInput, open func(context.Context, *I) (sheet.Table, pieces, error)) func(huma.API, huma.Operation) {
	return func(a huma.API, op huma.Operation) {
		huma.Register(a, asFile(op), func(ctx context.Context, in *I) (*huma.StreamResponse, error) {
			table, next, err := open(ctx, in)
			if err != nil {
				return nil, s.problem(ctx, op, err)
			}
			first, err := next()
			if err != nil {
				return nil, s.problem(ctx, op, err)
			}
			return &huma.StreamResponse{Body: func(c huma.Context) {
				_, w := humago.Unwrap(c)
				if err := writeSheet(w, table, how(in), first, next); err != nil {
					s.Log.WarnContext(ctx, "an export ended early", "route", op.OperationID, "err", err)
					panic(http.ErrAbortHandler)
				}
			}}, nil
		})
	}
}

// asFile describes an answer that is a file.
func asFile(op huma.Operation) huma.Operation {
	content := map[string]*huma.MediaType{}
	for _, f := range sheet.Formats() {
		content[mediaType(f)] = &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}
	}
	op.Responses = map[string]*huma.Response{"200": {Description: "A file", Content: content}}
	return op
}

func writeSheet(w http.ResponseWriter, table sheet.Table, in SheetInput, piece [][]sheet.Value, next pieces) error {
	fileHeaders(w.Header(), table.Name, in.Format)
	slow := http.NewResponseController(w)
	out, err := sheet.NewWriter(table, in.Format, w, in.options())
	for err == nil && piece != nil {
		if err = slow.SetWriteDeadline(time.Now().Add(writeWithin)); err != nil {
			return err
		}
		for _, row := range piece {
			if err = out.Write(row); err != nil {
				return err
			}
		}
		piece, err = next()
	}
	if err != nil {
		return err
	}
	return out.Close()
}

func fileHeaders(h http.Header, name string, f sheet.Format) {
	h.Set("Content-Type", f.ContentType())
	h.Set("Content-Disposition", fmt.Sprintf(`attachment; filename="%s.%s"`, name, f))
}

// kindInput names a kind of the catalogue and a format.
type kindInput struct {
	Kind string `path:"kind" enum:"items,packs,locations,glns,suppliers,lots,sources,levels,tags,demand"`
	SheetInput
}

func (in *kindInput) how() SheetInput { return in.SheetInput }

func (s *server) exportCatalog(a huma.API, op huma.Operation) {
	export(s, (*kindInput).how, func(ctx context.Context, in *kindInput) (sheet.Table, pieces, error) {
		all, err := s.Exporter.All(ctx, in.Kind)
		table, _ := catalog.Sheet(in.Kind)
		return table, atOnce(catalog.Values(all)), err
	})(a, op)
}

// atOnce gives rows that are there already in one piece.
func atOnce(all [][]sheet.Value) pieces {
	return func() ([][]sheet.Value, error) {
		piece := all
		all = nil
		return piece, nil
	}
}

// paged gives the rows of a list page by page.
func paged[T any](read func(cursor string) (page []T, next string, err error), values func(T) [][]sheet.Value) pieces {
	cursor, end := "", false
	return func() ([][]sheet.Value, error) {
		if end {
			return nil, nil
		}
		page, next, err := read(cursor)
		cursor, end = next, next == ""
		out := [][]sheet.Value{}
		for _, v := range page {
			out = append(out, values(v)...)
		}
		return out, err
	}
}

func (s *server) template(a huma.API, op huma.Operation) {
	huma.Register(a, asFile(op), func(ctx context.Context, in *kindInput) (*huma.StreamResponse, error) {
		table, _ := catalog.Sheet(in.Kind)
		var file bytes.Buffer
		if err := sheet.Template(table, in.Format, &file, in.options()); err != nil {
			return nil, s.problem(ctx, op, err)
		}
		return &huma.StreamResponse{Body: func(c huma.Context) {
			_, w := humago.Unwrap(c)
			fileHeaders(w.Header(), in.Kind+"-template", in.Format)
			io.Copy(w, &file) // an error means that the client is gone
		}}, nil
	})
}

func text(name, en, zh string) sheet.Column {
	return sheet.Column{Name: name, Title: sheet.Words{EN: en, ZH: zh}, Kind: sheet.Text}
}

func number(name, en, zh string) sheet.Column {
	return sheet.Column{Name: name, Title: sheet.Words{EN: en, ZH: zh}, Kind: sheet.Int}
}

func moment(name, en, zh string) sheet.Column {
	return sheet.Column{Name: name, Title: sheet.Words{EN: en, ZH: zh}, Kind: sheet.Time}
}

func amount(name, en, zh string) sheet.Column {
	return sheet.Column{Name: name, Title: sheet.Words{EN: en, ZH: zh}, Kind: sheet.Money}
}

var balanceTable = sheet.Table{Name: "balances", Columns: []sheet.Column{
	text("item", "Item", "物料"),
	text("location", "Location", "库位"),
	text("lot", "Lot", "批号"),
	text("state", "State", "状态"),
	number("quantity", "Quantity", "数量"),
	number("reserved", "Reserved", "已预留"),
	number("free", "Free", "可用"),
}}

type balanceFile struct {
	SheetInput
	Item     string `query:"item" maxLength:"200"`
	Location string `query:"location" maxLength:"200"`
}

func (in *balanceFile) how() SheetInput { return in.SheetInput }

func (s *server) exportBalances(a huma.API, op huma.Operation) {
	export(s, (*balanceFile).how, func(ctx context.Context, in *balanceFile) (sheet.Table, pieces, error) {
		return balanceTable, paged(func(cursor string) ([]ledger.Balance, string, error) {
			return s.Books.Balances(ctx, ledger.BalanceFilter{Item: in.Item, Location: in.Location, After: cursor, Limit: 500})
		}, balanceRow), nil
	})(a, op)
}

func balanceRow(b ledger.Balance) [][]sheet.Value {
	return [][]sheet.Value{{
		sheet.OfText(b.Item),
		sheet.OfText(b.Location),
		sheet.OfText(b.Lot),
		sheet.OfText(string(b.State)),
		sheet.OfInt(b.Quantity),
		sheet.OfInt(b.Reserved),
		sheet.OfInt(b.Free()),
	}}
}

var movementTable = sheet.Table{Name: "movements", Columns: []sheet.Column{
	text("movement", "Movement", "移动单"),
	text("kind", "Kind", "类型"),
	moment("effective_at", "Happened", "发生时间"),
	moment("recorded_at", "Recorded", "记账时间"),
	text("source", "Source", "来源"),
	text("actor", "Actor", "操作人"),
	text("reverses", "Takes back", "冲销"),
	text("item", "Item", "物料"),
	text("lot", "Lot", "批号"),
	text("tag", "Tag", "标签"),
	text("from", "From", "从"),
	text("from_state", "From state", "原状态"),
	text("to", "To", "到"),
	text("to_state", "To state", "新状态"),
	number("quantity", "Quantity", "数量"),
	amount("value", "Value", "金额"),
}}

type movementFile struct {
	SheetInput
	Item     string `query:"item" maxLength:"200"`
	Location string `query:"location" maxLength:"200"`
	Tag      string `query:"tag" maxLength:"200"`
}

func (in *movementFile) how() SheetInput { return in.SheetInput }

func (s *server) exportMovements(a huma.API, op huma.Operation) {
	export(s, (*movementFile).how, func(ctx context.Context, in *movementFile) (sheet.Table, pieces, error) {
		return movementTable, paged(func(cursor string) ([]ledger.Movement, string, error) {
			f := view.MovementFilter{Item: in.Item, Location: in.Location, Tag: in.Tag, Before: cursor, Limit: view.MaxMovements}
			return s.View.Movements(ctx, f)
		}, movementRows), nil
	})(a, op)
}

func movementRows(m ledger.Movement) [][]sheet.Value {
	out := make([][]sheet.Value, 0, len(m.Lines))
	for _, l := range m.Lines {
		out = append(out, []sheet.Value{
			sheet.OfText(m.ID),
			sheet.OfText(string(m.Kind)),
			sheet.OfTime(m.EffectiveAt),
			sheet.OfTime(m.RecordedAt),
			sheet.OfText(m.Source),
			sheet.OfText(m.Actor),
			sheet.OfText(m.Reverses),
			sheet.OfText(l.Item),
			sheet.OfText(l.Lot),
			sheet.OfText(l.Tag.String()),
			sheet.OfText(l.From),
			sheet.OfText(string(l.FromState)),
			sheet.OfText(l.To),
			sheet.OfText(string(l.ToState)),
			sheet.OfInt(l.Quantity),
			sheet.OfInt(l.Value),
		})
	}
	return out
}

var countTable = sheet.Table{Name: "count", Columns: []sheet.Column{
	text("location", "Location", "库位"),
	text("item", "Item", "物料"),
	text("lot", "Lot", "批号"),
	text("state", "State", "状态"),
	text("tag", "Tag", "标签"),
	number("expected", "Expected", "账面数"),
	number("counted", "Counted", "实盘数"),
	number("difference", "Difference", "差异"),
	text("from", "Was at", "原库位"),
	amount("value", "Value", "金额"),
	text("outcome", "Outcome", "结果"),
}}

type countFile struct {
	ByID
	SheetInput
}

func (in *countFile) how() SheetInput { return in.SheetInput }

func (s *server) exportCount(a huma.API, op huma.Operation) {
	export(s, (*countFile).how, func(ctx context.Context, in *countFile) (sheet.Table, pieces, error) {
		c, err := s.Counts.Count(ctx, in.ID)
		return countTable, atOnce(bodies(c.Lines, countRow)), err
	})(a, op)
}

func countRow(l ledger.CountLine) []sheet.Value {
	return []sheet.Value{
		sheet.OfText(l.Location),
		sheet.OfText(l.Item),
		sheet.OfText(l.Lot),
		sheet.OfText(string(l.State)),
		sheet.OfText(l.Tag.String()),
		sheet.OfInt(l.Expected),
		sheet.OfInt(l.Counted),
		sheet.OfInt(l.Difference()),
		sheet.OfText(l.From),
		sheet.OfInt(l.Value),
		sheet.OfText(l.Outcome),
	}
}
