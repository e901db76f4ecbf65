package influx_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	lineprotocol "github.com/influxdata/line-protocol"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/unit"
	"github.com/tallydock/tallydock/hub/series"
	"github.com/tallydock/tallydock/hub/series/influx"
)

func TestLines(t *testing.T) {
	at := time.UnixMicro(1_772_452_800_000_001)
	key := series.Key{Edge: "SZ1-E1", Device: "probe r", Quantity: unit.Temperature}
	for name, c := range map[string]struct {
		sample series.Sample
		want   string
	}{
		"a value": {
			series.Sample{Key: key, At: at, Value: -20_500, HasValue: true, Location: "SZ1-R"},
			`temperature,device=probe\ r,edge=SZ1-E1,location=SZ1-R milli=-20500i,value=-20.5 1772452800000001`,
		},
		"no value": {
			series.Sample{Key: key, At: at.Add(999), Value: 85_000, Quality: devices.Sentinel, Reason: `says "85", \o/`},
			`temperature,device=probe\ r,edge=SZ1-E1 quality="sentinel",reason="says \"85\", \\o/" 1772452800000001`,
		},
		"a value in doubt": {
			series.Sample{Key: key, At: at, Value: 1, HasValue: true, Quality: devices.Stuck},
			`temperature,device=probe\ r,edge=SZ1-E1 milli=1i,value=0.001,quality="stuck" 1772452800000001`,
		},
		"a name with everything": {
			series.Sample{Key: series.Key{Edge: "e", Device: "d", Channel: "a,b=c \\\n%é", Quantity: 200}, At: at, HasValue: true},
			`quantity\ 200,channel=a\,b\=c\ %5C%0A%25é,device=d,edge=e milli=0i,value=0 1772452800000001`,
		},
	} {
		if got := string(influx.AppendLine(nil, c.sample)); got != c.want+"\n" {
			t.Errorf("%s:\n%swant\n%s", name, got, c.want)
		}
	}
}

// FuzzLine reads what was written by another reader of line protocol.
func FuzzLine(f *testing.F) {
	f.Add("SZ1-E1", "probe r", "a,b=c", "SZ1 R", "", int64(-20_500), uint8(1), uint8(0))
	f.Add("e", `d\`, "\n\t ", "%41", `say "hi"\`+"\n", int64(85_000), uint8(200), uint8(3))
	f.Fuzz(func(t *testing.T, edge, device, channel, location, reason string, value int64, quantity, quality uint8) {
		s := series.Sample{
			Key: series.Key{Edge: edge, Device: device, Channel: channel, Quantity: unit.Quantity(quantity)}, At: noon,
			Value: unit.Milli(value), HasValue: quality == 0, Quality: devices.Quality(quality), Reason: reason, Location: location,
		}
		if s.Validate() != nil {
			t.Skip()
		}
		line := influx.AppendLine(nil, s)
		handler := lineprotocol.NewMetricHandler()
		handler.SetTimePrecision(time.Microsecond)
		all, err := lineprotocol.NewParser(handler).Parse(line)
		if err != nil || len(all) != 1 {
			t.Fatalf("%q: %d points, %v", line, len(all), err)
		}
		got := all[0]
		if got.Name() != s.Quantity.String() || !got.Time().Equal(noon) {
			t.Errorf("%q is of %q at %s", line, got.Name(), got.Time())
		}
		tags := map[string]string{"edge": edge, "device": device, "channel": channel, "location": location}
		for _, tag := range got.TagList() {
			if name := decoded(t, tag.Value); name != tags[tag.Key] {
				t.Errorf("%q: tag %s is %q, want %q", line, tag.Key, name, tags[tag.Key])
			}
			delete(tags, tag.Key)
		}
		for key, name := range tags {
			if name != "" {
				t.Errorf("%q: tag %s is lost", line, key)
			}
		}
		for _, field := range got.FieldList() {
			if field.Key == "milli" && field.Value != value || field.Key == "reason" && field.Value != oneLine(reason) {
				t.Errorf("%q: field %s is %q", line, field.Key, field.Value)
			}
		}
	})
}

// oneLine is text with spaces for control characters.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, text)
}

// decoded is the name that a tag's value stands for.
func decoded(t *testing.T, value string) string {
	var b strings.Builder
	for i := 0; i < len(value); i++ {
		if value[i] != '%' {
			b.WriteByte(value[i])
			continue
		}
		c, err := strconv.ParseUint(value[i+1:i+3], 16, 8)
		if err != nil {
			t.Fatalf("%q: %v", value, err)
		}
		b.WriteByte(byte(c))
		i += 2
	}
	return b.String()
}

// FuzzFluxString: Flux and Go agree on \xNN within double quotes, and nothing else is left to disagree on.
func FuzzFluxString(f *testing.F) {
	for _, s := range []string{"", "plain", `"`, `\`, "${r}", "\n", "温度", `") |> drop() //`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := influx.FluxString(text)
		if back, err := strconv.Unquote(got); err != nil || back != text {
			t.Errorf("%q becomes %s, which is %q, %v", text, got, back, err)
		}
		if strings.ContainsAny(got[1:len(got)-1], "\"\n$ ") {
			t.Errorf("%q becomes %s", text, got)
		}
	})
}

const answerOf18 = `#datatype,string,long,dateTime:RFC3339,long,string,string
#group,false,false,false,false,true,true
#default,_result,,,,,
,result,table,_time,_value,_field,location
,,0,2026-03-02T12:00:00Z,4000,milli,SZ1-R
,,0,2026-03-02T12:01:00.000001Z,-1,milli,SZ1-R

#datatype,string,long,dateTime:RFC3339,string,string,string
#group,false,false,false,false,true,true
#default,_result,,,,,
,result,table,_time,_value,_field,location
,,1,2026-03-02T12:00:30Z,no_data,quality,SZ1-R

`

const errorOf18 = `#datatype,string,string
#group,true,true
#default,,
,error,reference
,something broke,

`

func TestAnswersAreRead(t *testing.T) {
	got, err := influx.Collect(answerOf18, "", noon, noon.Add(time.Hour))
	if err != nil || len(got) != 3 || got[0].Value != 4000 || got[1].HasValue || got[2].At != noon.Add(time.Minute+time.Microsecond) {
		t.Errorf("%+v, %v", got, err)
	}
	if got, err := influx.Collect(answerOf18, "other", noon, noon.Add(time.Hour)); err != nil || len(got) != 0 {
		t.Errorf("of another channel: %+v, %v", got, err)
	}
	for name, answer := range map[string]string{
		"an error":                 errorOf18,
		"an error after points":    answerOf18 + errorOf18,
		"a value of another type":  strings.ReplaceAll(answerOf18, ",long,string,string", ",double,string,string"),
		"a point without its time": strings.ReplaceAll(answerOf18, "2026-03-02T12:00:00Z", ""),
		"half a row":               answerOf18[:len(answerOf18)-20],
	} {
		if got, err := influx.Collect(answer, "", noon, noon.Add(time.Hour)); err == nil {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func FuzzAnswer(f *testing.F) {
	f.Add(answerOf18, "")
	f.Add(errorOf18, "")
	f.Add("#datatype\n#group,a\n,,", "a")
	f.Fuzz(func(t *testing.T, answer, channel string) {
		all, _ := influx.Collect(answer, channel, noon, noon.Add(time.Hour))
		if len(all) > len(answer) {
			t.Errorf("%d readings of %d bytes", len(all), len(answer))
		}
		for i, r := range all {
			if r.At.Before(noon) || !r.At.Before(noon.Add(time.Hour)) || i > 0 && !r.At.After(all[i-1].At) {
				t.Errorf("reading %d is of %s", i, r.At)
			}
		}
	})
}
