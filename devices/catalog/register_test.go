package catalog_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/catalog"
	"github.com/tallydock/tallydock/devices/unit"
)

const one = catalog.Factor(1_000_000_000)

// wide measures everything.
var wide = catalog.Range{Min: -9e15, Max: 9e15}

func measure(r catalog.Register, words ...uint16) string {
	v, quality, reason := r.Measure(catalog.Block{First: r.Register, Words: words})
	return strings.TrimSpace(fmt.Sprintf("%s %s %s", v, quality, reason))
}

func TestEveryTypeIsRead(t *testing.T) {
	for _, c := range []struct {
		of    catalog.RawType
		words []uint16
		want  string
	}{
		{catalog.Bit, []uint16{0x0008}, "1 good"},
		{catalog.Bit, []uint16{0xFFF7}, "0 good"},
		{catalog.Int8L, []uint16{0x12FE}, "-2 good"},
		{catalog.Int8H, []uint16{0x80FE}, "-128 good"},
		{catalog.Uint8L, []uint16{0x12FE}, "254 good"},
		{catalog.Uint8H, []uint16{0x80FE}, "128 good"},
		{catalog.Int16, []uint16{0xFF33}, "-205 good"},
		{catalog.Uint16, []uint16{0xFF33}, "65331 good"},
		{catalog.Int32, []uint16{0xFFFF, 0xFFFE}, "-2 good"},
		{catalog.Uint32, []uint16{0xFFFF, 0xFFFE}, "4294967294 good"},
		{catalog.Int64, []uint16{0xFFFF, 0xFFFF, 0xFFFF, 0xFF85}, "-123 good"},
		{catalog.Uint64, []uint16{0, 0x0010, 0, 7}, "68719476743 good"},
		{catalog.Uint64, []uint16{0xFFFF, 0xFFFF, 0xFFFF, 0xFFFE}, "0 no_data too_large"},
		{catalog.Int64, []uint16{0x8000, 0, 0, 1}, "0 no_data too_large"},
		{catalog.Float16, []uint16{0x4D10}, "20.25 good"},
		{catalog.Float16, []uint16{0xC500}, "-5 good"},
		{catalog.Float16, []uint16{0x7E00}, "0 no_data not_a_number"},
		{catalog.Float16, []uint16{0xFC00}, "0 no_data infinite"},
		{catalog.Float32, []uint16{0x41F4, 0x7AE1}, "30.56 good"},
		{catalog.Float32, []uint16{0x7FC0, 0x0000}, "0 no_data not_a_number"},
		{catalog.Float32, []uint16{0xFF80, 0x0000}, "0 no_data infinite"},
		{catalog.Float32, []uint16{0x7F00, 0x0000}, "0 no_data too_large"},
		{catalog.Float64, []uint16{0xC034, 0x8000, 0x0000, 0x0000}, "-20.5 good"},
		{catalog.Float64, []uint16{0x7FF0, 0, 0, 0}, "0 no_data infinite"},
	} {
		r := catalog.Register{Type: c.of, Scale: one, Range: wide, Bit: 3}
		if c.of != catalog.Bit {
			r.Bit = 0
		}
		if got := measure(r, c.words...); got != c.want {
			t.Errorf("%s of %x is %s, want %s", c.of, c.words, got, c.want)
		}
		if got := measure(r, c.words[1:]...); got != "0 no_data not_read" {
			t.Errorf("%s of too few registers is %s", c.of, got)
		}
	}
}

func TestEveryOrderOfBytes(t *testing.T) {
	for _, c := range []struct {
		of    catalog.RawType
		order catalog.Order
		words []uint16
	}{
		{catalog.Uint16, "AB", []uint16{0x0102}},
		{catalog.Uint16, "BA", []uint16{0x0201}},
		{catalog.Uint16, catalog.CDAB, []uint16{0x0102}},
		{catalog.Uint16, catalog.BADC, []uint16{0x0201}},
		{catalog.Uint32, "", []uint16{0x0102, 0x0304}},
		{catalog.Uint32, catalog.ABCD, []uint16{0x0102, 0x0304}},
		{catalog.Uint32, catalog.DCBA, []uint16{0x0403, 0x0201}},
		{catalog.Uint32, catalog.BADC, []uint16{0x0201, 0x0403}},
		{catalog.Uint32, catalog.CDAB, []uint16{0x0304, 0x0102}},
		{catalog.Uint64, "ABCDEFGH", []uint16{0x0001, 0x0203, 0x0405, 0x0607}},
		{catalog.Uint64, "HGFEDCBA", []uint16{0x0706, 0x0504, 0x0302, 0x0100}},
		{catalog.Uint64, "BADCFEHG", []uint16{0x0100, 0x0302, 0x0504, 0x0706}},
		{catalog.Uint64, "GHEFCDAB", []uint16{0x0607, 0x0405, 0x0203, 0x0001}},
	} {
		want := map[int]string{1: "258 good", 2: "16909060 good", 4: "283686952306.183 good"}[len(c.words)]
		scale := one
		if len(c.words) == 4 {
			scale = one / 1000
		}
		r := catalog.Register{Type: c.of, Order: c.order, Scale: scale, Range: wide}
		if got := measure(r, c.words...); got != want {
			t.Errorf("%s %s of %x is %s, want %s", c.of, c.order, c.words, got, want)
		}
	}
}

func TestValuesAreRoundedToTheNearestThousandthAndHalvesAwayFromZero(t *testing.T) {
	for _, c := range []struct {
		scale  string
		offset unit.Milli
		raw    uint16
		want   string
	}{
		{"0.1", 0, 305, "30.5 good"},
		{"0.0005", 0, 1, "0.001 good"},
		{"0.0005", 0, 0xFFFF, "-0.001 good"},
		{"0.0004", 0, 1, "0 good"},
		{"0.0625", 0, 0xFFF8, "-0.5 good"},
		{"0.002670329", -45_000, 0x6666, "25 good"}, // -45 + 175 × raw / 65535, the sum of a sensor's data sheet
		{"10", 500, 3, "30.5 good"},
	} {
		var scale catalog.Factor
		if err := scale.UnmarshalText([]byte(c.scale)); err != nil {
			t.Fatal(err)
		}
		r := catalog.Register{Type: catalog.Int16, Scale: scale, Offset: c.offset, Range: wide}
		if got := measure(r, c.raw); got != c.want {
			t.Errorf("%d × %s + %s is %s, want %s", int16(c.raw), c.scale, c.offset, got, c.want)
		}
	}
	for _, bad := range []string{"", "0.1234567891", "1e3", "0.-1", "a"} {
		var f catalog.Factor
		if err := f.UnmarshalText([]byte(bad)); err == nil {
			t.Errorf("scale %q is %v", bad, f.Float())
		}
	}
}

func TestCodesAndStatus(t *testing.T) {
	r := catalog.Register{
		Register: 4, Type: catalog.Int16, Scale: one / 10, Range: catalog.Range{Min: -40_000, Max: 80_000},
		Codes: []catalog.Code{{Raw: 0xD8F1, Reason: "probe_gone"}}, Status: &catalog.Status{Register: 6, Good: 1},
	}
	for _, c := range []struct {
		words []uint16
		want  string
	}{
		{[]uint16{200, 0, 1}, "20 good"},
		{[]uint16{200, 0, 2}, "0 no_data status_2"},
		{[]uint16{0xD8F1, 0, 1}, "-999.9 sentinel probe_gone"},
		{[]uint16{0x7FFF, 0, 1}, "3276.7 sentinel code_7fff"},
		{[]uint16{0x8000, 0, 1}, "-3276.8 sentinel code_8000"},
		{[]uint16{801, 0, 1}, "80.1 out_of_range out_of_range"},
		{[]uint16{200, 0}, "0 no_data not_read"},
	} {
		if got := measure(r, c.words...); got != c.want {
			t.Errorf("%x is %s, want %s", c.words, got, c.want)
		}
	}
	byte0 := catalog.Register{Type: catalog.Uint8L, Scale: one, Range: catalog.Range{Min: 0, Max: 100_000}}
	if got := measure(byte0, 0xFF); got != "255 out_of_range out_of_range" {
		t.Errorf("a byte's end is %s", got)
	}
}

func TestIdentitiesAreText(t *testing.T) {
	for _, c := range []struct {
		id    catalog.Identity
		words []uint16
		want  string
	}{
		{catalog.Identity{Type: catalog.String, Length: 3}, []uint16{0x4142, 0x3120, 0}, "AB1"},
		{catalog.Identity{Type: catalog.String, Length: 2, Order: catalog.BADC}, []uint16{0x4241, 0x0031}, "AB1"},
		{catalog.Identity{Type: catalog.String, Length: 2}, []uint16{0x41FF, 0x0042}, "A??B"},
		{catalog.Identity{Type: catalog.BCD, Length: 2}, []uint16{0x1096, 0x0042}, "10960042"},
		{catalog.Identity{Type: catalog.Uint32, Order: catalog.CDAB}, []uint16{1, 1}, "65537"},
	} {
		if c.id.Words() != len(c.words) {
			t.Errorf("%+v takes %d registers", c.id, c.id.Words())
		}
		if got := c.id.Text(c.words); got != c.want {
			t.Errorf("%+v of %x is %q, want %q", c.id, c.words, got, c.want)
		}
	}
}

var types = []catalog.RawType{
	catalog.Bit, catalog.Int8L, catalog.Int8H, catalog.Uint8L, catalog.Uint8H, catalog.Int16, catalog.Uint16, catalog.Int32,
	catalog.Uint32, catalog.Int64, catalog.Uint64, catalog.Float16, catalog.Float32, catalog.Float64,
}

var orders = []catalog.Order{"", catalog.ABCD, catalog.DCBA, catalog.BADC, catalog.CDAB}

// What a simulator writes is what a driver reads, and the rest of a register stays.
func TestRawIsTheInverseOfMeasure(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := catalog.Register{
			Type: rapid.SampledFrom(types).Draw(t, "type"), Order: rapid.SampledFrom(orders).Draw(t, "order"), Scale: one, Range: wide,
		}
		if r.Type == catalog.Bit {
			r.Bit = uint8(rapid.IntRange(0, 15).Draw(t, "bit"))
		}
		most := map[catalog.RawType]int{
			catalog.Bit: 1, catalog.Int8L: 127, catalog.Int8H: 127, catalog.Uint8L: 255, catalog.Uint8H: 255, catalog.Float16: 2048,
			catalog.Int16: 32767, catalog.Uint16: 65535,
		}[r.Type]
		if most == 0 {
			most = 1_000_000
		}
		least := -most
		if strings.HasPrefix(string(r.Type), "uint") || r.Type == catalog.Bit {
			least = 0
		}
		v := unit.Milli(rapid.IntRange(least, most).Draw(t, "value")) * 1000
		rest := rapid.SliceOfN(rapid.Uint16(), r.Type.Words(), r.Type.Words()).Draw(t, "rest")
		words := r.Raw(v, rest)
		got, quality, reason := r.Measure(catalog.Block{Words: words})
		if got != v || quality != devices.Good {
			t.Fatalf("%s %s: %s became %x, which is %s %s %s", r.Type, r.Order, v, words, got, quality, reason)
		}
		if kept := r.Raw(0, words); len(words) == 1 && r.Type.Words() == 1 {
			if again := r.Raw(0, r.Raw(v, kept)); again[0] != kept[0] {
				t.Fatalf("%s %s: the rest of %x became that of %x", r.Type, r.Order, kept, again)
			}
		}
	})
}

func FuzzMeasure(f *testing.F) {
	f.Add(uint8(5), uint8(0), int64(one), int64(0), []byte{0xFF, 0x33})
	f.Add(uint8(12), uint8(4), int64(one), int64(0), []byte{0x51, 0xF0, 0x41, 0xBA})
	f.Add(uint8(10), uint8(2), int64(math.MaxInt64), int64(5), []byte{255, 255, 255, 255, 255, 255, 255, 255})
	f.Fuzz(func(t *testing.T, of, order uint8, scale, offset int64, b []byte) {
		r := catalog.Register{
			Type: types[int(of)%len(types)], Order: orders[int(order)%len(orders)], Scale: catalog.Factor(max(1, scale&math.MaxInt64)),
			Offset: unit.Milli(offset % 1_000_000), Range: catalog.Range{Min: -40_000, Max: 80_000},
		}
		var words []uint16
		for ; len(b) > 1; b = b[2:] {
			words = append(words, uint16(b[0])<<8|uint16(b[1]))
		}
		v, quality, reason := r.Measure(catalog.Block{Words: words})
		switch {
		case quality == devices.Good && (v < r.Min || v > r.Max):
			t.Errorf("%s is good", v)
		case (quality == devices.Good) != (reason == ""):
			t.Errorf("%s has reason %q", quality, reason)
		case quality == devices.NoData && v != 0:
			t.Errorf("no data is %s", v)
		}
		id := catalog.Identity{Type: catalog.String, Length: uint16(len(words)), Order: r.Order}
		if text := id.Text(words); len(text) > 2*len(words) {
			t.Errorf("%q is of %d registers", text, len(words))
		}
	})
}
