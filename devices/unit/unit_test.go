package unit_test

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/tallydock/tallydock/devices/unit"
)

func TestMilliReadsWhatItWrites(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := unit.Milli(rapid.Int64Range(-1e15, 1e15).Draw(t, "m"))
		if got, err := unit.ParseMilli(m.String()); err != nil || got != m {
			t.Fatalf("%d is written %q and read %d, %v", int64(m), m, got, err)
		}
	})
}

func TestMilli(t *testing.T) {
	for text, want := range map[string]unit.Milli{"8": 8000, "-20.5": -20500, "0.001": 1, "-0.05": -50, "+2": 2000} {
		if got, err := unit.ParseMilli(text); err != nil || got != want {
			t.Errorf("%q reads as %d, %v; want %d", text, int64(got), err, int64(want))
		}
	}
	for _, bad := range []string{"", "-", ".5", "1.0005", "1e3", "8 °C", "1.-5", "0x10", "--1", "1_000", "99999999999999999999"} {
		if got, err := unit.ParseMilli(bad); err == nil {
			t.Errorf("%q is read as %v", bad, got)
		}
	}
	for m, want := range map[unit.Milli]string{-50: "-0.05", 0: "0", 10250: "10.25", math.MinInt64: "-9223372036854775.808"} {
		if m.String() != want {
			t.Errorf("%d is written %s; want %s", int64(m), m, want)
		}
	}
}

func TestMilliFromFloatRefusesWhatIsNoNumber(t *testing.T) {
	for _, v := range []float64{math.NaN(), math.Inf(1), 1e300} {
		if _, err := unit.MilliFromFloat(v); err == nil {
			t.Errorf("%v is taken for a value", v)
		}
	}
	if m, err := unit.MilliFromFloat(-20.4996); err != nil || m != -20500 {
		t.Errorf("-20.4996 rounds to %v, %v", m, err)
	}
}

func TestDBm(t *testing.T) {
	if s := unit.DBm(-5525).String(); s != "-55.25 dBm" {
		t.Errorf("written %q", s)
	}
	if mw := unit.DBm(-3000).Milliwatt(); math.Abs(mw-0.001) > 1e-12 {
		t.Errorf("-30 dBm is %v mW; want 0.001", mw)
	}
}

func TestQuantityNamesAreReadBack(t *testing.T) {
	if n := len(unit.Quantities()); n < 14 {
		t.Errorf("there are %d quantities", n)
	}
	for _, q := range unit.Quantities() {
		if q.UCUM() == "" {
			t.Errorf("%s has no UCUM code", q)
		}
		if got, err := unit.ParseQuantity(q.String()); err != nil || got != q {
			t.Errorf("%s is read as %v, %v", q, got, err)
		}
	}
	if _, err := unit.ParseQuantity("smell"); err == nil {
		t.Error("smell is taken for a quantity")
	}
}
