package epc

import (
	"fmt"
	"strings"
)

// format is how the value of an application identifier is built and written in binary: one part, or two.
type format [2]part

// formats are the application identifiers and how their values are written (TDS 2.3, tables F and K). A key that ends
// in an x stands for the ten last digits.
var formats = map[string]format{
	"00": {bcd(18)}, "01": {bcd(14)}, "02": {bcd(14)}, "10": {text(20)},
	"11": {date}, "12": {date}, "13": {date}, "15": {date}, "16": {date}, "17": {date},
	"20": {decimal(2)}, "21": {text(20)}, "22": {text(20)}, "235": {text(28)}, "240": {text(30)}, "241": {text(30)},
	"242": {digits(6)}, "243": {text(20)}, "250": {text(30)}, "251": {text(30)}, "253": {bcd(13), text(17).orNone(8)},
	"254": {text(20)}, "255": {bcd(13), digits(12).orNone(4)}, "30": {digits(8)},

	"310x": {decimal(6)}, "311x": {decimal(6)}, "312x": {decimal(6)}, "313x": {decimal(6)}, "314x": {decimal(6)},
	"315x": {decimal(6)}, "316x": {decimal(6)}, "320x": {decimal(6)}, "321x": {decimal(6)}, "322x": {decimal(6)},
	"323x": {decimal(6)}, "324x": {decimal(6)}, "325x": {decimal(6)}, "326x": {decimal(6)}, "327x": {decimal(6)},
	"328x": {decimal(6)}, "329x": {decimal(6)}, "330x": {decimal(6)}, "331x": {decimal(6)}, "332x": {decimal(6)},
	"333x": {decimal(6)}, "334x": {decimal(6)}, "335x": {decimal(6)}, "336x": {decimal(6)}, "337x": {decimal(6)},
	"340x": {decimal(6)}, "341x": {decimal(6)}, "342x": {decimal(6)}, "343x": {decimal(6)}, "344x": {decimal(6)},
	"345x": {decimal(6)}, "346x": {decimal(6)}, "347x": {decimal(6)}, "348x": {decimal(6)}, "349x": {decimal(6)},
	"350x": {decimal(6)}, "351x": {decimal(6)}, "352x": {decimal(6)}, "353x": {decimal(6)}, "354x": {decimal(6)},
	"355x": {decimal(6)}, "356x": {decimal(6)}, "357x": {decimal(6)}, "360x": {decimal(6)}, "361x": {decimal(6)},
	"362x": {decimal(6)}, "363x": {decimal(6)}, "364x": {decimal(6)}, "365x": {decimal(6)}, "366x": {decimal(6)},
	"367x": {decimal(6)}, "368x": {decimal(6)}, "369x": {decimal(6)},

	"37": {digits(8)}, "390x": {digits(15)}, "391x": {decimal(3), digits(15)}, "392x": {digits(15)},
	"393x": {decimal(3), digits(15)}, "394x": {decimal(4)}, "395x": {decimal(6)},

	"400": {text(30)}, "401": {text(30)}, "402": {decimal(17)}, "403": {text(30)}, "410": {bcd(13)}, "411": {bcd(13)},
	"412": {bcd(13)}, "413": {bcd(13)}, "414": {bcd(13)}, "415": {bcd(13)}, "416": {bcd(13)}, "417": {bcd(13)},
	"420": {text(20)}, "421": {decimal(3), text(9)}, "422": {decimal(3)}, "423": {digits(15)}, "424": {decimal(3)},
	"425": {digits(15)}, "426": {decimal(3)}, "427": {text(3)},

	"4300": {text(35)}, "4301": {text(35)}, "4302": {text(70)}, "4303": {text(70)}, "4304": {text(70)}, "4305": {text(70)},
	"4306": {text(70)}, "4307": {country}, "4308": {text(30)}, "4309": {decimal(20)}, "4310": {text(35)}, "4311": {text(35)},
	"4312": {text(70)}, "4313": {text(70)}, "4314": {text(70)}, "4315": {text(70)}, "4316": {text(70)}, "4317": {country},
	"4318": {text(20)}, "4319": {text(30)}, "4320": {text(35)}, "4321": {flag}, "4322": {flag}, "4323": {flag},
	"4324": {dateTime}, "4325": {dateTime}, "4326": {date}, "4330": {decimal(6), minus}, "4331": {decimal(6), minus},
	"4332": {decimal(6), minus}, "4333": {decimal(6), minus},

	"7001": {decimal(13)}, "7002": {text(30)}, "7003": {dateTime}, "7004": {digits(4)}, "7005": {text(12)}, "7006": {date},
	"7007": {dateRange}, "7008": {text(3)}, "7009": {text(10)}, "7010": {text(2)}, "7011": {datePrecise}, "7020": {text(20)},
	"7021": {text(20)}, "7022": {text(20)}, "7023": {delimited(30)}, "703x": {decimal(3), text(27)}, "7040": {text(4)},
	"7041": {text(4)}, "710": {text(20)}, "711": {text(20)}, "712": {text(20)}, "713": {text(20)}, "714": {text(20)},
	"715": {text(20)}, "716": {text(20)}, "723x": {text(30)}, "7240": {text(20)}, "7241": {bcd(2)}, "7242": {text(25)},
	"7250": {decimal(8)}, "7251": {decimal(12)}, "7252": {decimal(1)}, "7253": {text(40)}, "7254": {text(40)},
	"7255": {text(10)}, "7256": {text(90)}, "7257": {text(70)}, "7258": {sequence}, "7259": {text(40)},

	"8001": {decimal(14)}, "8002": {text(20)}, "8003": {bcd(14), text(16).orNone(8)}, "8004": {delimited(30)},
	"8005": {decimal(6)}, "8006": {bcd(18)}, "8007": {text(24)}, "8008": {datePrecise}, "8009": {text(50)},
	"8010": {delimited(30)}, "8011": {digits(12)}, "8012": {text(20)}, "8013": {text(25)}, "8017": {bcd(18)},
	"8018": {bcd(18)}, "8019": {digits(10)}, "8020": {text(25)}, "8026": {bcd(18)}, "8030": {text(90)}, "8110": {text(70)},
	"8111": {decimal(4)}, "8112": {text(70)}, "8200": {text(70)},

	"90": {text(30)}, "91": {text(90)}, "92": {text(90)}, "93": {text(90)}, "94": {text(90)}, "95": {text(90)},
	"96": {text(90)}, "97": {text(90)}, "98": {text(90)}, "99": {text(90)},
}

// lastDigits are the highest last digit of an application identifier with an x in formats: most count decimals up to 5.
var lastDigits = map[string]byte{"390": '9', "391": '9', "392": '9', "393": '9', "394": '3', "395": '3', "703": '9', "723": '9'}

// findAI gives the format of an application identifier; nil where it is not known.
func findAI(ai string) *format {
	if f, ok := formats[ai]; ok && !strings.HasSuffix(ai, "x") {
		return &f
	}
	if len(ai) != 4 || !isDigit(ai[3]) {
		return nil
	}
	last, ok := lastDigits[ai[:3]]
	if !ok {
		last = '5'
	}
	if f, ok := formats[ai[:3]+"x"]; ok && ai[3] <= last {
		return &f
	}
	return nil
}

// lengthOfAI tells by its first two digits how long the application identifier is that s starts with (table K).
func lengthOfAI(s string) int {
	if len(s) < 2 {
		return 2
	}
	switch s[:2] {
	case "23", "24", "25", "40", "41", "42", "71":
		return 3
	case "31", "32", "33", "34", "35", "36", "39", "43", "70", "72", "80", "81", "82":
		return 4
	default:
		return 2
	}
}

// check says why an element cannot be, nil where it can.
func (e Element) check() error {
	err := e.write(&writer{})
	if err == nil && hasCheckDigit(e.AI) && withCheckDigit(e.Value[:len(e.Value)-1]) != e.Value {
		return fmt.Errorf("(%s): key %s has the wrong check digit; %s would be right", e.AI, e.Value, withCheckDigit(e.Value[:len(e.Value)-1]))
	}
	return err
}

// hasCheckDigit reports whether a value ends with one.
func hasCheckDigit(ai string) bool {
	switch ai {
	case "00", "01", "02", "402", "410", "411", "412", "413", "414", "415", "416", "417", "8017", "8018":
		return true
	default:
		return false
	}
}

// write puts the value into binary.
func (e Element) write(w *writer) error {
	f := findAI(e.AI)
	if f == nil {
		return fmt.Errorf("application identifier (%s) is not known", e.AI)
	}
	first, second := e.Value, ""
	if f[1].write != nil {
		n := min(f[0].chars, len(first))
		first, second = first[:n], first[n:]
	}
	err := f[0].write(w, first)
	if err == nil && f[1].write != nil {
		err = f[1].write(w, second)
	}
	if err != nil {
		return fmt.Errorf("(%s): %w", e.AI, err)
	}
	return nil
}

// readValue reads the value of an application identifier.
func readValue(r *reader, ai string) (Element, error) {
	f := findAI(ai)
	if f == nil {
		return Element{}, fmt.Errorf("application identifier (%s) is not known", ai)
	}
	value, err := f[0].read(r)
	if err == nil && f[1].read != nil {
		var second string
		second, err = f[1].read(r)
		value += second
	}
	if err == nil && r.short {
		err = fmt.Errorf("the memory ends within it")
	}
	if err != nil {
		return Element{}, fmt.Errorf("(%s): %w", ai, err)
	}
	return Element{ai, value}, nil
}
