package epc_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/tallydock/tallydock/devices/epc"
)

// bitsOf writes a number in so many bits; text writes characters of so many bits from an alphabet. They make memory as the
// standard tells it, without the package.
func bitsOf(v, n int) string { return fmt.Sprintf("%0*b", n, v) }

func nibbles(digits string) string {
	var b strings.Builder
	for _, d := range digits {
		b.WriteString(bitsOf(strings.IndexRune("0123456789ABCDEF", d), 4))
	}
	return b.String()
}

func textOf(alphabet, s string, n int) string {
	var b strings.Builder
	for _, c := range s {
		b.WriteString(bitsOf(strings.IndexRune(alphabet, c), n))
	}
	return b.String()
}

func asciiOf(s string) string {
	var b strings.Builder
	for _, c := range s {
		b.WriteString(bitsOf(int(c), 7))
	}
	return b.String()
}

func dayOf(y, m, d int) string { return bitsOf(y, 7) + bitsOf(m, 4) + bitsOf(d, 5) }

// memoryOf fills bits with zeros to whole words.
func memoryOf(bits string) []byte {
	bits += strings.Repeat("0", (16-len(bits)%16)%16)
	b := make([]byte, len(bits)/8)
	for i, c := range bits {
		b[i/8] |= byte(c-'0') << (7 - i%8)
	}
	return b
}

const (
	base64s = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	hexs    = "0123456789abcdef"
	code40s = "_ABCDEFGHIJKLMNOPQRSTUVWXYZ-.:0123456789"
	gtin    = "09506000134352"
)

// article is an SGTIN+ with filter 3 and the serial 7 up to where the +AIDC data start.
func article(toggle string) string {
	return nibbles("F7") + toggle + "011" + nibbles(gtin) + "000" + bitsOf(1, 5) + bitsOf(7, 4)
}

func TestMoreElementsAfterAnEPC(t *testing.T) {
	for name, c := range map[string]struct {
		bits string
		want []epc.Element
	}{
		"none":                {"", nil},
		"batch in base 64":    {nibbles("10") + "011" + bitsOf(4, 5) + textOf(base64s, "Ab-9", 6), []epc.Element{{"10", "Ab-9"}}},
		"batch in ASCII":      {nibbles("10") + "100" + bitsOf(3, 5) + asciiOf("A/B"), []epc.Element{{"10", "A/B"}}},
		"batch in hex":        {nibbles("10") + "010" + bitsOf(3, 5) + textOf(hexs, "0af", 4), []epc.Element{{"10", "0af"}}},
		"batch of digits":     {nibbles("10") + "000" + bitsOf(5, 5) + bitsOf(123, 17), []epc.Element{{"10", "00123"}}},
		"batch of 20 digits":  {nibbles("10") + "000" + bitsOf(20, 5) + strings.Repeat("0", 60) + bitsOf(99, 7), []epc.Element{{"10", "00000000000000000099"}}},
		"batch in Code 40":    {nibbles("10") + "101" + bitsOf(4, 5) + bitsOf(1600*1+40*28+30+1, 16) + bitsOf(1600*2+1, 16), []epc.Element{{"10", "A.0B"}}},
		"a day":               {nibbles("17") + dayOf(26, 12, 31), []epc.Element{{"17", "261231"}}},
		"a month":             {nibbles("17") + dayOf(26, 12, 0), []epc.Element{{"17", "261200"}}},
		"a weight":            {nibbles("3103") + bitsOf(1250, 20), []epc.Element{{"3103", "001250"}}},
		"a count":             {nibbles("37") + bitsOf(2, 4) + bitsOf(12, 7), []epc.Element{{"37", "12"}}},
		"a price in euros":    {nibbles("3932") + bitsOf(978, 10) + bitsOf(3, 4) + bitsOf(599, 10), []epc.Element{{"3932", "978599"}}},
		"a temperature below": {nibbles("4330") + bitsOf(1850, 20) + "1", []epc.Element{{"4330", "001850-"}}},
		"a temperature":       {nibbles("4330") + bitsOf(1850, 20) + "0", []epc.Element{{"4330", "001850"}}},
		"a country":           {nibbles("4307") + textOf(base64s, "BR", 6), []epc.Element{{"4307", "BR"}}},
		"a yes":               {nibbles("4321") + "1", []epc.Element{{"4321", "1"}}},
		"a day and a time":    {nibbles("7003") + dayOf(26, 1, 15) + bitsOf(14, 5) + bitsOf(30, 6), []epc.Element{{"7003", "2601151430"}}},
		"a harvest of days":   {nibbles("7007") + "1" + dayOf(26, 1, 1) + dayOf(26, 1, 31), []epc.Element{{"7007", "260101260131"}}},
		"a harvest of a day":  {nibbles("7007") + "0" + dayOf(26, 1, 1), []epc.Element{{"7007", "260101"}}},
		"made in an hour":     {nibbles("8008") + "00" + dayOf(26, 1, 15) + bitsOf(14, 5), []epc.Element{{"8008", "26011514"}}},
		"made in a minute":    {nibbles("8008") + "01" + dayOf(26, 1, 15) + bitsOf(14, 5) + bitsOf(30, 6), []epc.Element{{"8008", "2601151430"}}},
		"made in a second":    {nibbles("8008") + "10" + dayOf(26, 1, 15) + bitsOf(14, 5) + bitsOf(30, 6) + bitsOf(9, 6), []epc.Element{{"8008", "260115143009"}}},
		"made on a day":       {nibbles("8008") + "11" + dayOf(26, 1, 15), []epc.Element{{"8008", "260115"}}},
		"one of several":      {nibbles("7258") + bitsOf(2, 4) + bitsOf(3, 4), []epc.Element{{"7258", "2/3"}}},
		"a postal code":       {nibbles("421") + bitsOf(276, 10) + "000" + bitsOf(5, 4) + bitsOf(1067, 17), []epc.Element{{"421", "27601067"}}},
		"an asset of digits":  {nibbles("8004") + nibbles("9521141F"), []epc.Element{{"8004", "9521141"}}},
		"an asset type":       {nibbles("8003") + nibbles("09521141123454") + "00000000", []epc.Element{{"8003", "09521141123454"}}},
		"an SSCC":             {nibbles("00") + nibbles("095201234567891235"), []epc.Element{{"00", "095201234567891235"}}},
		"two elements": {
			nibbles("17") + dayOf(26, 12, 31) + nibbles("30") + bitsOf(1, 4) + bitsOf(5, 4),
			[]epc.Element{{"17", "261231"}, {"30", "5"}},
		},
	} {
		tag, err := epc.Decode(memoryOf(article("1") + c.bits))
		if err != nil || !tag.Toggle || tag.Unread != "" || !slices.Equal(tag.Data, c.want) {
			t.Errorf("%s: %+v, %v", name, tag, err)
			continue
		}
		memory, err := tag.Encode()
		if back, e := epc.Decode(memory); err != nil || e != nil || !equal(back, tag) {
			t.Errorf("%s: encoded as %x, %v, which is %+v, %v", name, memory, err, back, e)
		}
	}
}

func TestWhatCannotBeReadAfterAnEPCIsKept(t *testing.T) {
	day := nibbles("17") + dayOf(26, 12, 31)
	for name, c := range map[string]struct{ toggle, bits, kept string }{
		"special header":                 {"1", nibbles("A0FF"), nibbles("A0FF")},
		"no such application identifier": {"1", nibbles("14") + dayOf(26, 1, 1), nibbles("14") + dayOf(26, 1, 1)},
		"letter in one":                  {"1", nibbles("31A3F1"), nibbles("31A3F1")},
		"impossible day":                 {"1", nibbles("17") + dayOf(26, 2, 30), nibbles("17") + dayOf(26, 2, 30)},
		"after a good one":               {"1", day + nibbles("F1"), nibbles("F1")},
		"memory ends within":             {"1", nibbles("10") + "100" + bitsOf(20, 5) + asciiOf("A"), nibbles("10") + "100" + bitsOf(20, 5) + asciiOf("A")},
		"the serial again":               {"1", nibbles("21") + "000" + bitsOf(1, 5) + bitsOf(9, 4), nibbles("21") + "000" + bitsOf(1, 5) + bitsOf(9, 4)},
		"the same twice":                 {"1", day + day, day},
		"country of no letters":          {"1", nibbles("4307") + bitsOf(63, 6) + bitsOf(1, 6), nibbles("4307") + bitsOf(63, 6) + bitsOf(1, 6)},
		"piece 0 of 3":                   {"1", nibbles("7258") + bitsOf(0, 4) + bitsOf(3, 4), nibbles("7258") + bitsOf(0, 4) + bitsOf(3, 4)},
		"hour 25":                        {"1", nibbles("7003") + dayOf(26, 1, 1) + bitsOf(25, 5) + bitsOf(1, 6), nibbles("7003") + dayOf(26, 1, 1) + bitsOf(25, 5) + bitsOf(1, 6)},
		"Code 40 that is shorter":        {"1", nibbles("10") + "101" + bitsOf(2, 5) + bitsOf(1601, 16), nibbles("10") + "101" + bitsOf(2, 5) + bitsOf(1601, 16)},
		"Code 40 of nothing":             {"1", nibbles("10") + "101" + bitsOf(3, 5) + bitsOf(64001, 16), nibbles("10") + "101" + bitsOf(3, 5) + bitsOf(64001, 16)},
		"count of no digits":             {"1", nibbles("30") + bitsOf(0, 4) + "1", nibbles("30") + bitsOf(0, 4) + "1"},
		"number with a digit too many":   {"1", nibbles("3103") + bitsOf(1000001, 20), nibbles("3103") + bitsOf(1000001, 20)},
		"nothing announced":              {"0", day, day},
	} {
		tag, err := epc.Decode(memoryOf(article(c.toggle) + c.bits))
		kept := strings.TrimRight(c.kept, "0")
		if err != nil || tag.Key() != gtin || tag.Serial != "7" || tag.Unread != kept {
			t.Errorf("%s: %+v, %v; kept %q, want %q", name, tag, err, tag.Unread, kept)
			continue
		}
		if memory, err := tag.Encode(); err != nil || string(memory) != string(memoryOf(article(c.toggle)+c.bits)) {
			t.Errorf("%s: encoded as %x, %v", name, memory, err)
		}
	}
}

func TestHosts(t *testing.T) {
	pallet := nibbles("EF") + "0000" + nibbles("095201234567891235")
	for name, c := range map[string]struct{ bits, want string }{
		"Code 40":          {"0" + bitsOf(3, 6) + bitsOf(1600*1+40*28+2+1, 16), "a.b"},
		"ASCII":            {"1" + bitsOf(7, 6) + asciiOf("a-b.c_d"), "a-b.c_d"},
		"capitals":         {"1" + bitsOf(3, 6) + asciiOf("A.b"), "a.b"},
		"com.br and qr":    {"1" + bitsOf(7, 6) + bitsOf(30, 7) + asciiOf("loja") + bitsOf(2, 7) + bitsOf(6, 7), "qr.loja.com.br"},
		"de and www":       {"1" + bitsOf(6, 6) + bitsOf(31, 7) + asciiOf("abc") + bitsOf(0, 7) + bitsOf(55, 7), "www.abc.de"},
		"tech":             {"1" + bitsOf(3, 6) + asciiOf("x") + bitsOf(3, 7) + bitsOf(0, 7), "x.tech"},
		"last of table B2": {"1" + bitsOf(3, 6) + asciiOf("x") + bitsOf(1, 7) + bitsOf(116, 7), "x.zw"},
	} {
		tag, err := epc.Decode(memoryOf(pallet + c.bits))
		if err != nil || tag.Host != c.want || tag.Unread != "" || tag.DigitalLink() != "https://"+c.want+"/00/095201234567891235" {
			t.Errorf("%s: %+v, %v", name, tag, err)
			continue
		}
		memory, err := tag.Encode()
		if back, e := epc.Decode(memory); err != nil || e != nil || !equal(back, tag) {
			t.Errorf("%s: encoded as %x, %v", name, memory, err)
		}
		if len(memory) > len(memoryOf(pallet+c.bits)) {
			t.Errorf("%s: encoded in %d bytes", name, len(memory))
		}
	}
}

// The host of the standard's example is the only one whose bits are published; a short one is better off in Code 40.
func TestAHostIsWrittenInTheFewestBits(t *testing.T) {
	for host, bits := range map[string]int{"id.example.com": 63, "tallydock.eu": 64, "a.b": 16, "shop.example.co.uk": 96} {
		id := epc.Identity{Scheme: epc.SSCC, Reference: "09520123456789123"}
		memory, err := epc.Tag{Identity: id, Coding: epc.SSCCPlusPlus, Host: host}.Encode()
		if want := (8 + 4 + 72 + 7 + bits + 15) / 16 * 2; err != nil || len(memory) != want {
			t.Errorf("%s: %x is %d bytes, not %d; %v", host, memory, len(memory), want, err)
		}
	}
}
