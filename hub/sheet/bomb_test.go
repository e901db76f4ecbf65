package sheet_test

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"slices"
	"strings"
	"testing"

	"github.com/tallydock/tallydock/hub/sheet"
)

// tight are limits that a bomb breaks soon.
var tight = sheet.Limits{Bytes: 1 << 20, Unpacked: 4 << 20, Rows: 1000, Cell: 4096, Row: 64 << 10}

// heapAtMost runs do and holds what it allocates in all, and how much of it is in use at a time, against limits.
func heapAtMost(t *testing.T, inAll, inUseAtMost uint64, do func()) {
	t.Helper()
	defer debug.SetGCPercent(debug.SetGCPercent(10)) // what is in use is hardly more than what is needed
	runtime.GC()
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}} // unlike ReadMemStats, it does not stop the program
	inUseNow := func() uint64 {
		metrics.Read(sample)
		return sample[0].Value.Uint64()
	}
	before, most := inUseNow(), uint64(0)
	var start, end runtime.MemStats
	runtime.ReadMemStats(&start)
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			default:
				most = max(most, inUseNow())
				runtime.Gosched()
			}
		}
	}()
	do()
	runtime.ReadMemStats(&end)
	close(stop)
	<-done
	took, held := end.TotalAlloc-start.TotalAlloc, max(most, before)-before
	t.Logf("allocated %d KiB, in use at most %d KiB", took>>10, held>>10)
	if took > inAll || held > inUseAtMost {
		t.Errorf("allocated %d KiB, in use %d KiB; at most %d and %d were to be", took>>10, held>>10, inAll>>10, inUseAtMost>>10)
	}
}

// stored packs parts as zipped does, but lets the caller change the zip's directory.
func stored(t *testing.T, change func(*zip.FileHeader), parts ...part) string {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, p := range parts {
		h := &zip.FileHeader{Name: p.name, Method: zip.Store, CRC32: crc32.ChecksumIEEE([]byte(p.text))}
		h.CompressedSize64, h.UncompressedSize64 = uint64(len(p.text)), uint64(len(p.text))
		change(h)
		w, err := z.CreateRaw(h)
		if err == nil {
			_, err = w.Write([]byte(p.text))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// overlapping is a zip whose many entries are all the same piece of it.
func overlapping(t *testing.T, entries int) string {
	t.Helper()
	file := stored(t, func(*zip.FileHeader) {}, part{"xl/a.xml", strings.Repeat("\x00", 100_000)})
	start := strings.Index(file, "PK\x01\x02")
	end := strings.LastIndex(file, "PK\x05\x06")
	entry := []byte(file[start:end])
	var directory []byte
	for i := range entries {
		name := entry[46 : 46+len("xl/a.xml")]
		binary.BigEndian.PutUint32(name[4:], 0x61616161+uint32(i%26)<<24+uint32(i/26%26)<<16+uint32(i/676%26)<<8)
		directory = append(directory, entry...)
	}
	tail := []byte(file[end:])
	binary.LittleEndian.PutUint16(tail[8:], uint16(entries))
	binary.LittleEndian.PutUint16(tail[10:], uint16(entries))
	binary.LittleEndian.PutUint32(tail[12:], uint32(len(directory)))
	return file[:start] + string(directory) + string(tail)
}

func TestBombsAreRefusedInLittleMemory(t *testing.T) {
	bad := func(rows string) string { return book(t, rows) }
	sheetPart := func(text string) part { return part{"xl/worksheets/sheet1.xml", text} }
	shared := func(text string) part { return part{"xl/sharedStrings.xml", text} }
	whole := append(slices.Clone(frame), sheetPart(`<worksheet><sheetData>`+head()+`</sheetData></worksheet>`))
	for name, test := range map[string]struct {
		file string
		want string // the problem, "" = the file is good
	}{
		"zeros in the sheet":           {book(t, "", sheetPart(strings.Repeat("\x00", 8<<20))), "0::unpacks_too_large"},
		"rows without an end":          {bad(head() + strings.Repeat(`<row/>`, 1<<20)), "0::unpacks_too_large"},
		"too many rows":                {bad(head() + strings.Repeat(`<row><c t="s"><v>0</v></c></row>`, 1001)), "1002::too_many_rows"},
		"cells without an end":         {bad(head() + `<row>` + strings.Repeat(`<c/>`, 1<<19)), "2::too_many_columns"},
		"a cell far to the right":      {bad(head() + `<row><c r="XFD2"><v>1</v></c></row>`), "2::too_many_columns"},
		"a text without an end":        {bad(`<row><c t="inlineStr"><is><t>` + strings.Repeat("x", 2<<20)), "0::unpacks_too_large"},
		"a name without an end":        {bad(`<` + strings.Repeat("x", 2<<20)), "0::unpacks_too_large"},
		"attributes without an end":    {bad(`<row ` + strings.Repeat(`a="" `, 1<<20)), "0::unpacks_too_large"},
		"a comment without an end":     {bad(`<!-- ` + strings.Repeat(`x`, 2<<20)), "0::unpacks_too_large"},
		"nested elements":              {bad(strings.Repeat(`<a>`, 300_000)), "0::no_header"},
		"zeros in the shared texts":    {book(t, head(), shared(strings.Repeat("\x00", 8<<20))), "0::unpacks_too_large"},
		"shared texts without an end":  {book(t, head(), shared(strings.Repeat(`<si/>`, 1<<20))), "0::unpacks_too_large"},
		"many shared texts":            {book(t, head(), shared(strings.Repeat(`<si/>`, 190_000)+`</sst>`)), "0::no_header"},
		"formats without an end":       {book(t, head(), part{"xl/styles.xml", `<cellXfs>` + strings.Repeat(`<xf/>`, 1<<20)}), "0::unpacks_too_large"},
		"relations without an end":     {book(t, head(), part{"_rels/.rels", strings.Repeat(`<Relationship Id="1"/>`, 200_000)}), "0::unpacks_too_large"},
		"a zip in the zip":             {book(t, head(), part{"xl/media/b.zip", book(t, "", sheetPart(strings.Repeat("\x00", 8<<20)))}), ""},
		"zeros that nobody needs":      {book(t, head(), part{"xl/media/b.bin", strings.Repeat("\x00", 64<<20)}), ""},
		"a size that lies, too great":  {stored(t, func(h *zip.FileHeader) { h.UncompressedSize64 = 10 << 30 }, whole...), "0::unpacks_too_large"},
		"a size that lies, too little": {stored(t, func(h *zip.FileHeader) { h.UncompressedSize64 = 5 }, whole...), "0::damaged"},
		"a packed size that lies":      {stored(t, func(h *zip.FileHeader) { h.CompressedSize64 = 1 << 40 }, whole...), "0::unsafe_zip"},
		"a check sum that lies":        {stored(t, func(h *zip.FileHeader) { h.CRC32++ }, whole...), "0::damaged"},
		"parts over one another":       {overlapping(t, 5000), "0::unsafe_zip"},
		"many parts":                   {overlapping(t, 11_000), "0::unsafe_zip"},
		"a dimension that lies": {
			book(t, "", sheetPart(`<worksheet><dimension ref="A1:XFD1048576"/><sheetData>`+head()+`</sheetData></worksheet>`)), "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			file := test.file
			if len(file) > int(tight.Bytes) {
				t.Fatalf("the file itself has %d bytes", len(file))
			}
			heapAtMost(t, uint64(16*tight.Unpacked), uint64(8*tight.Bytes), func() {
				_, report := read(t, sheet.XLSX, file, sheet.Options{Limits: tight})
				got := places(report)
				if len(got) > 0 {
					got = got[len(got)-1:]
				}
				if test.want == "" {
					same(t, name, got, nil)
				} else {
					same(t, name, got, []string{test.want})
				}
			})
		})
	}
}

func TestTextFilesTakeLittleMemoryToo(t *testing.T) {
	limits := sheet.Limits{Bytes: 16 << 20, Row: 64 << 10, Cell: 4096, Rows: 100, Errors: 10}
	for name, test := range map[string]struct {
		format     sheet.Format
		file, want string
	}{
		"a line without an end":      {sheet.CSV, "id\n" + strings.Repeat("x", 8<<20), "2::row_too_long"},
		"a quote without an end":     {sheet.CSV, "id\n\"" + strings.Repeat("x\n", 4<<20), "2::row_too_long"},
		"separators without an end":  {sheet.CSV, "id\n" + strings.Repeat(",", 8<<20), "2::row_too_long"},
		"blank lines without an end": {sheet.CSV, "id\nA" + strings.Repeat("\n", 1<<20), ""},
		"one object without an end":  {sheet.NDJSON, `{"id":"` + strings.Repeat("x", 8<<20), "1::row_too_long"},
		"deep JSON":                  {sheet.NDJSON, strings.Repeat(`[`, 60_000), "1::too_deep"},
		"deep JSON that closes":      {sheet.NDJSON, `{"id":` + strings.Repeat(`[`, 9_000) + strings.Repeat(`]`, 9_000) + `}`, "1::too_deep"},
		"keys without an end":        {sheet.NDJSON, `{` + strings.Repeat(`"":1,`, 12_000) + `"id":"A"}`, "1::unknown_column"},
	} {
		t.Run(name, func(t *testing.T) {
			heapAtMost(t, 16<<20, 8<<20, func() {
				_, report := read(t, test.format, test.file, sheet.Options{Limits: limits})
				got := places(report)
				if len(got) > 0 {
					got = got[len(got)-1:]
				}
				if test.want == "" {
					same(t, name, got, nil)
				} else {
					same(t, name, got, []string{test.want})
				}
			})
		})
	}
}

func TestUnsafeAndDamagedWorkbooksAreRefused(t *testing.T) {
	doctype := `<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>`
	laughs := `<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>`
	cell := `<worksheet><sheetData><row><c t="inlineStr"><is><t>&x;</t></is></c></row></sheetData></worksheet>`
	for name, test := range map[string]struct{ file, want string }{
		"a path that leads up":    {book(t, head(), part{"../../etc/cron.d/x", "x"}), "unsafe_zip"},
		"a path inside that does": {book(t, head(), part{"xl/../../x", "x"}), "unsafe_zip"},
		"a path from the root":    {book(t, head(), part{"/etc/passwd", "x"}), "unsafe_zip"},
		"a path of Windows":       {book(t, head(), part{`xl\..\..\x`, "x"}), "unsafe_zip"},
		"a drive of Windows":      {book(t, head(), part{`C:x`, "x"}), "unsafe_zip"},
		"one name twice":          {book(t, head(), part{"XL/Workbook.xml", "x"}), "unsafe_zip"},
		"an external entity":      {book(t, "", part{"xl/worksheets/sheet1.xml", doctype + cell}), "doctype"},
		"many entities":           {book(t, "", part{"xl/sharedStrings.xml", laughs + `<sst/>`}), "doctype"},
		"an entity of none":       {book(t, "", part{"xl/worksheets/sheet1.xml", cell}), "damaged"},
		"another encoding":        {book(t, "", part{"xl/worksheets/sheet1.xml", `<?xml version="1.0" encoding="UTF-7"?>` + cell}), "damaged"},
		"a sheet cut off":         {book(t, "", part{"xl/worksheets/sheet1.xml", `<worksheet><sheetData><row><c>`}), "damaged"},
		"a sheet without data":    {book(t, "", part{"xl/worksheets/sheet1.xml", `<worksheet/>`}), "damaged"},
		"rows that go back":       {book(t, head()+`<row r="5"/><row r="4"/>`), "damaged"},
		"rows beyond the last":    {book(t, head()+`<row r="1048577"/>`), "too_many_rows"},
		"cells that go back":      {book(t, head()+`<row><c r="B2"/><c r="A2"/></row>`), "damaged"},
		"a cell without letters":  {book(t, head()+`<row><c r="2"/></row>`), "damaged"},
		"a cell of many letters":  {book(t, head()+`<row><c r="ZZZZZZZZZZZZZZZZZZ2"/></row>`), "damaged"},
		"a shared text too far":   {book(t, head()+`<row><c t="s"><v>99</v></c></row>`), "damaged"},
		"no relations":            {book(t, head(), part{"_rels/.rels", ""}), "wrong_format"},
		"no workbook":             {book(t, head(), part{"xl/workbook.xml", ""}), "damaged"},
		"no sheet":                {book(t, head(), part{"xl/workbook.xml", "<workbook/>"}), "no_sheet"},
		"a zip of nothing":        {zipped(t, part{"a.txt", "x"}), "wrong_format"},
		"half a zip":              {book(t, head())[:300], "damaged"},
		"an old workbook":         {"\xd0\xcf\x11\xe0 and more", "wrong_format"},
		"a text":                  {"id\nA\n", "wrong_format"},
		"nothing":                 {"", "no_header"},
	} {
		_, report := read(t, sheet.XLSX, test.file, sheet.Options{})
		if len(report.Problems) == 0 || string(report.Problems[len(report.Problems)-1].Code) != test.want {
			t.Errorf("%s: %v; want %s", name, report.Problems, test.want)
		}
	}
}
