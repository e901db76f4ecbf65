package formula_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/tallydock/tallydock/devices/formula"
)

const message = `{"t":246,"temp":"24.6","n":null,"door":"open","deep":{"a":[{"x y":1.5},{"x y":null}],"f":50},"raw":65336,"on":true,"id":"A4:C1"}`

func scope(t testing.TB, text string) formula.Scope {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	return formula.Of(v, v, "site/gw-1/data")
}

func compile(t testing.TB, source string) formula.Formula {
	t.Helper()
	f, err := formula.Compile(source)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestFormulas(t *testing.T) {
	s := scope(t, message)
	for source, want := range map[string]string{
		"t / 10":                                  "24.6",
		"(t - 32.0) * 2 + 1":                      "429",
		"number(temp) + 1":                        "25.6",
		`deep.a[0]["x y"]`:                        "1.5",
		`deep["a"][-2]["x y"] * 2`:                "3",
		"f2c(deep.f)":                             "10",
		"raw > 32767 ? raw - 65536 : raw":         "-200",
		`door == "open"`:                          "true",
		`door == "open" && t > 100 or false`:      "true",
		"missing ?? t":                            "246",
		"deep.missing ?? deep.f":                  "50",
		"min(t, 100) + max(1, 2) + abs(-3)":       "105",
		"round(1.6) + ceil(t / 100) - floor(2.5)": "3",
		"topic(1)":                                `"gw-1"`,
		`hex("0x1F")`:                             "31",
		`number(split("a;7", ";")[1])`:            "7",
		"$root.t":                                 "246",
		"on":                                      "true",
		"len(deep.a)":                             "2",
		"3":                                       "3",
		// Nothing of it is there: the message says nothing.
		"missing":            "nothing",
		"missing / 10":       "nothing",
		"missing ?? 5":       "nothing",
		"deep.x.y.z":         "nothing",
		"deep.a[7]":          "nothing",
		"missing == 3":       "nothing",
		"t + missing":        "nothing",
		`number("x" + door)`: "nothing",
		"t.x":                "nothing",
		// null is there: the message says that there is no value.
		"n":                "null",
		"n / 10":           "null",
		"n ?? 5":           "null",
		`deep.a[1]["x y"]`: "null",
		"t + n":            "null",
		"f2c(n)":           "null",
	} {
		if got, err := compile(t, source).Eval(s); err != nil || got.String() != want {
			t.Errorf("%s is %s, %v; want %s", source, got, err, want)
		}
	}
}

func TestAMessageThatIsNoObject(t *testing.T) {
	for text, want := range map[string]string{"21.5": "21.5", `"21.5"`: "21.5", "null": "null", "[1,21.5]": "a list is no number"} {
		got := ""
		v, err := compile(t, "value").Eval(scope(t, text))
		if err != nil {
			t.Fatal(err)
		}
		if n, err := v.Number(); err == nil {
			got = fmt.Sprint(n)
		} else if got = v.String(); !v.Null() {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s is %s, want %s", text, got, want)
		}
	}
	if v, err := compile(t, "value[1]").Eval(scope(t, "[1,21.5]")); err != nil || v.Text() != "21.5" {
		t.Errorf("value[1] is %s, %v", v, err)
	}
}

func TestPartsThatDoNotFitAreAnErrorWithItsPlace(t *testing.T) {
	s := scope(t, message)
	for source, want := range map[string]string{
		`t / door`:          "column 3",
		`abs(deep)`:         "column 1",
		`t / 0`:             "no number that can be",
		`hex("zz")`:         "no hexadecimal number",
		"topic(9)":          "out of range",
		"number(on) + door": "column 12",
	} {
		if got, err := compile(t, source).Eval(s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s is %s, %v; want an error with %q", source, got, err, want)
		}
	}
}

func TestWhatIsNoFormulaIsRefusedWithItsPlace(t *testing.T) {
	for source, want := range map[string]string{
		"":                        "column 1",
		"t +":                     "column 3",
		"(t":                      "column 2",
		"t $ 3":                   "column 3",
		"1..100000000":            "a range is not for formulas",
		"map([1], # + 1)":         "column 1",
		"nope(t)":                 "there is no such function",
		"t.nope()":                "there is no such function",
		`repeat("x", 9)`:          "there is no such function",
		"let x = 1; x":            "not for formulas",
		"$env":                    "there is no such name",
		`1 + "a"`:                 "column 3",
		"topic()":                 "column 1",
		strings.Repeat("1+", 600): "at most 1000",
	} {
		if f, err := formula.Compile(source); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q gives %v, %v; want an error with %q", source, f.Source(), err, want)
		}
	}
}

func TestBooleansOfContacts(t *testing.T) {
	s := scope(t, `{"a":"ON","b":"closed","c":1,"d":0,"e":true,"f":"ajar","g":2}`)
	for name, want := range map[string]string{"a": "true", "b": "false", "c": "true", "d": "false", "e": "true", "f": "error", "g": "error"} {
		v, err := compile(t, name).Eval(s)
		if err != nil {
			t.Fatal(err)
		}
		got := "error"
		if yes, err := v.Bool(); err == nil {
			got = fmt.Sprint(yes)
		}
		if got != want {
			t.Errorf("%s is %s, want %s", v, got, want)
		}
	}
}

func FuzzFormula(f *testing.F) {
	for _, s := range []string{"t / 10", `deep.a[0]["x y"] ?? f2c(t)`, "raw > 3 ? raw : -raw", `number(split(temp, ".")[0])`, "topic(1) matches \"a+\"", "[1,2][t]", "{a: t}.a"} {
		f.Add(s, message)
	}
	f.Fuzz(func(t *testing.T, source, text string) {
		var v any
		if json.Unmarshal([]byte(text), &v) != nil {
			return
		}
		x, err := formula.Compile(source)
		if err != nil {
			return
		}
		got, err := x.Eval(formula.Of(v, v, "a/b"))
		if err != nil {
			return
		}
		_, _ = got.Number()
		_, _ = got.Bool()
		_, _ = got.List()
		_ = got.Text() + got.String()
	})
}

func BenchmarkEval(b *testing.B) {
	f, s := compile(b, "raw > 32767 ? (raw - 65536) / 10 : raw / 10"), scope(b, message)
	for b.Loop() {
		if _, err := f.Eval(s); err != nil {
			b.Fatal(err)
		}
	}
}
