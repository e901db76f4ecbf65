package sheet_test

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"github.com/tallydock/tallydock/hub/sheet"
)

const benchRows = 5000

// stock is a usual list.
var stock = sheet.Table{Name: "items", Columns: []sheet.Column{
	{Name: "id", Kind: sheet.Text, MaxLength: 64, Required: true},
	{Name: "name_en", Kind: sheet.Text},
	{Name: "name_zh", Kind: sheet.Text},
	{Name: "gtin", Kind: sheet.GTIN},
	{Name: "cost", Kind: sheet.Money},
	{Name: "min", Kind: sheet.Int},
	{Name: "unit", Kind: sheet.Enum, Values: []string{"EA", "kg"}},
	{Name: "since", Kind: sheet.Date},
}}

func benchValues() [][]sheet.Value {
	rows := make([][]sheet.Value, benchRows)
	since := time.Date(2026, 1, 31, 0, 0, 0, 0, time.UTC)
	for i := range rows {
		rows[i] = []sheet.Value{
			sheet.OfText(fmt.Sprintf("SKU-%06d", i)), sheet.OfText("Butter, 250 g"), sheet.OfText("黄油 250 克"), sheet.OfText("04006381333931"),
			sheet.OfInt(int64(125000 + i)), sheet.OfInt(int64(i)), sheet.OfText("EA"), sheet.OfTime(since.AddDate(0, 0, i%1000)),
		}
	}
	return rows
}

func perRow(b *testing.B) {
	b.ReportMetric(float64(b.N)*benchRows/b.Elapsed().Seconds(), "rows/s")
}

func BenchmarkRead(b *testing.B) {
	for _, f := range sheet.Formats() {
		file := export(b, stock, f, sheet.WriteOptions{}, benchValues())
		b.Run(string(f)+"/sheet", func(b *testing.B) {
			b.SetBytes(int64(len(file)))
			b.ReportAllocs()
			for b.Loop() {
				if report, err := sheet.Check(stock, f, bytes.NewReader(file), sheet.Options{}); err != nil || report.Good != benchRows {
					b.Fatal(err, report)
				}
			}
			perRow(b)
		})
		peer, ok := map[sheet.Format]func([]byte) (int, error){sheet.CSV: csvRows, sheet.XLSX: excelizeRows}[f]
		if !ok {
			continue
		}
		b.Run(string(f)+"/bare", func(b *testing.B) {
			b.SetBytes(int64(len(file)))
			b.ReportAllocs()
			for b.Loop() {
				if n, err := peer(file); err != nil || n != benchRows+1 {
					b.Fatal(n, err)
				}
			}
			perRow(b)
		})
	}
}

// csvRows reads texts with encoding/csv, without a look at them.
func csvRows(file []byte) (int, error) {
	r := csv.NewReader(bytes.NewReader(file))
	r.ReuseRecord = true
	for n := 0; ; n++ {
		if _, err := r.Read(); errors.Is(err, io.EOF) {
			return n, nil
		} else if err != nil {
			return n, err
		}
	}
}

// excelizeRows reads texts with excelize's row iterator, without a look at them.
func excelizeRows(file []byte) (int, error) {
	f, err := excelize.OpenReader(bytes.NewReader(file))
	if err != nil {
		return 0, err
	}
	rows, err := f.Rows(f.GetSheetName(0))
	if err != nil {
		return 0, err
	}
	n := 0
	for ; rows.Next(); n++ {
		if _, err := rows.Columns(excelize.Options{RawCellValue: true}); err != nil {
			return n, err
		}
	}
	return n, rows.Error()
}

func BenchmarkWrite(b *testing.B) {
	rows := benchValues()
	for _, f := range sheet.Formats() {
		b.Run(string(f)+"/sheet", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				export(b, stock, f, sheet.WriteOptions{}, rows)
			}
			perRow(b)
		})
	}
	texts := make([][]string, len(rows))
	cells := make([][]any, len(rows))
	for i, row := range rows {
		for _, v := range row {
			texts[i] = append(texts[i], v.Text)
			cells[i] = append(cells[i], v.Text)
		}
		texts[i][4], texts[i][5], texts[i][7] = "12.5", "12", "2026-01-31"
		cells[i][4], cells[i][5], cells[i][7] = 12.5, 12, row[7].Time
	}
	b.Run("csv/bare", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var out bytes.Buffer
			if err := csv.NewWriter(&out).WriteAll(texts); err != nil {
				b.Fatal(err)
			}
		}
		perRow(b)
	})
	b.Run("xlsx/bare", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := excelizeWrite(cells); err != nil {
				b.Fatal(err)
			}
		}
		perRow(b)
	})
}

// excelizeWrite writes rows with excelize's stream writer.
func excelizeWrite(rows [][]any) error {
	f := excelize.NewFile()
	w, err := f.NewStreamWriter("Sheet1")
	if err != nil {
		return err
	}
	for i, row := range rows {
		if err := w.SetRow(fmt.Sprintf("A%d", i+1), row); err != nil {
			return err
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return f.Write(io.Discard)
}
