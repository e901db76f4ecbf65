package api_test

import (
	"errors"
	"math"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/unit"
	"github.com/tallydock/tallydock/edge/api"
	"github.com/tallydock/tallydock/edge/reconcile"
	"github.com/tallydock/tallydock/edge/recording"
)

func page(t *testing.T, url, languages string) reply {
	t.Helper()
	return ask(t, http.MethodGet, url, func(r *http.Request) { r.Header.Set("Accept-Language", languages) })
}

func holds(t *testing.T, text string, want ...string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(text, w) {
			_, text, _ = strings.Cut(text, "<main")
			t.Errorf("%q is not in the page:\n%s", w, text)
		}
	}
}

// pagePaths are all pages.
var pagePaths = []string{"/", "/devices", "/samples", "/alarms", "/tags", "/tags?q=30", "/passes", "/passes/p1", "/passes/p1?show=members&q=30&tag=epc:3001", "/gateway", "/live"}

// shown is a gateway with something on every page.
func shown(t *testing.T) *gateway {
	t.Helper()
	g := alarmed(t)
	g.read(t, noon.Add(-time.Hour), 1, 2)
	g.tapped(t)
	g.road.traces = []*reconcile.Trace{aTrace(t)}
	return g
}

func TestPagesSpeakEnglish(t *testing.T) {
	g := shown(t)
	g.link = api.Link{Since: noon, Err: errors.New("tcp://hub:1883 refuses the connection")}
	url := g.serve(t)
	for path, want := range map[string][]string{
		"/": {
			`<html lang="en">`, "<b>SZ1-E1</b>", "Works, but something is missing", "tcp://hub:1883 refuses the connection", "does not exist; check the cable",
			"Temperature is 9.2 °C, at or above the limit of 8 °C", `<th scope="row">SZ1-A-01</th><td class="r">2</td><td class="r">0</td>`, "Records the hub lacks</dt><dd>11</dd>",
		},
		"/devices": {"does not exist; check the cable", `<section class="panel dev down" id="d-uhf-a1">`, "SZ1-A-01 <small>shelf</small>"},
		"/samples": {"probe-r", "Temperature", "4.2 <small>°C</small>", "good", `<path d="M`, "4.2 to 4.4"},
		"/alarms":  {"Critical", "not acknowledged", `data-do="acknowledge"`, "Data quality", "The probe says that it has no value"},
		"/passes":  {`<a href="/passes/p1">`, "97 %", "in</td>"},
		"/gateway": {"1.2.3", "4711</dd>", "no connection", "from record 100", "file"},
	} {
		r := page(t, url+path, "en-GB,en;q=0.9")
		holds(t, r.body, want...)
		if r.header.Get("Content-Type") != "text/html; charset=utf-8" || r.header.Get("Content-Language") != "en" {
			t.Errorf("headers of %s are %v", path, r.header)
		}
	}
}

func TestPagesSpeakChinese(t *testing.T) {
	url := shown(t).serve(t)
	for path, want := range map[string][]string{
		"/":        {`<html lang="zh-CN">`, "可以工作，但有异常", "温度 9.2 °C，达到或超过上限 8 °C", "离线"},
		"/devices": {"找不到串口设备；请检查数据线", "does not exist; check the cable", "货架"},
		"/samples": {"温度", "良好"}, "/alarms": {"未确认", "紧急", "数据质量"}, "/passes": {"入</td>"}, "/gateway": {"中心最后确认的记录", "文件"},
		"/passes/p1": {"信号强度", "未通过"}, "/tags?q=30": {"在位"},
	} {
		holds(t, page(t, url+path, "zh-CN,zh;q=0.9,en;q=0.5").body, want...)
	}
}

func TestNoPageLacksAText(t *testing.T) {
	url := shown(t).serve(t)
	for _, path := range pagePaths {
		for _, language := range []string{"en", "zh"} {
			r := page(t, url+path, language)
			if r.status != http.StatusOK {
				t.Errorf("%s answers %d %s", path, r.status, r.body)
			}
			body, _, _ := strings.Cut(r.body, `<script type="application/json"`)
			if m := regexp.MustCompile(`>[a-z0-9]+[._][a-z_.]+<|alarm\.\w|<no value>|ZgotmplZ|%!|\{\w+\}`).FindString(body); m != "" {
				t.Errorf("a text is missing: %s is in %s", m, path)
			}
		}
	}
}

func TestPagesWriteWhatDevicesSayAsText(t *testing.T) {
	g := newGateway(t)
	g.rooms.Recording = recording.NewTap(nothing{}, g.conf.Now)
	g.rooms.Recording.Sample(devices.Sample{Device: "<i>", Channel: `"><script>`, Quantity: unit.Temperature, Value: 1, HostTime: noon})
	trace := aTrace(t)
	trace.Door, trace.Tags[0].Why = "<b>door", "<u>why"
	g.road.traces = []*reconcile.Trace{trace}
	url := g.serve(t)
	for path, want := range map[string]string{
		"/": "tty&lt;none&gt;", "/samples": "&lt;script&gt;", "/passes/p1": "&lt;u&gt;why", "/tags?q=%3Cu%3E": "&lt;u&gt;",
	} {
		r := page(t, url+path, "en")
		holds(t, r.body, want)
		for _, raw := range []string{"tty<none>", `"><script>`, "<u>", "<b>door"} {
			if strings.Contains(r.body, raw) {
				t.Errorf("a device can write HTML into %s: %s", path, raw)
			}
		}
	}
}

func TestPagesNeedNothingFromElsewhere(t *testing.T) {
	url := shown(t).serve(t)
	assets := map[string]bool{}
	for _, path := range pagePaths {
		r := page(t, url+path, "en")
		if m := regexp.MustCompile(`(?i)https?:|url\(|@import|\bon\w+=| style=|<style|<script>`).FindString(r.body); m != "" {
			t.Errorf("%s has %s", path, m)
		}
		for _, m := range regexp.MustCompile(`(?:src|href)="(/assets/[^"]+)"`).FindAllStringSubmatch(r.body, -1) {
			assets[m[1]] = true
		}
		policy := r.header.Get("Content-Security-Policy")
		if !strings.Contains(policy, "default-src 'none'") || !strings.Contains(policy, "script-src 'self';") || strings.Contains(policy, "unsafe") {
			t.Errorf("policy of %s is %s", path, policy)
		}
	}
	if len(assets) != 3 {
		t.Errorf("files are %v; want a style, a script and a picture", assets)
	}
	total := 0
	for a := range assets {
		r := get(t, url+a)
		if r.status != http.StatusOK || !strings.Contains(r.header.Get("Cache-Control"), "immutable") || r.header.Get("Content-Type") == "" {
			t.Errorf("%s answers %d %v", a, r.status, r.header)
		}
		if m := regexp.MustCompile(`https?://[^w]|@import|eval\(|innerHTML`).FindString(r.body); m != "" {
			t.Errorf("%s has %s", a, m)
		}
		total += len(r.body)
	}
	if total > 40<<10 {
		t.Errorf("the files have %d bytes together", total)
	}
}

func TestEveryPageButStillOnesIsFreshWithoutAScript(t *testing.T) {
	url := shown(t).serve(t)
	for path, still := range map[string]bool{"/": false, "/alarms": false, "/tags": true, "/passes/p1": true} {
		r := page(t, url+path, "en")
		if got := !strings.Contains(r.body, `http-equiv="refresh"`); got != still {
			t.Errorf("%s stands still: %v", path, got)
		}
		poll := map[bool]string{true: "/live", false: path}[still]
		holds(t, r.body, `data-poll="`+poll+`"`, `name="viewport"`)
	}
}

func TestLanguageAndThemeAreKept(t *testing.T) {
	url := shown(t).serve(t)
	c := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := c.Get(url + "/tags?q=30&lang=zh-CN&theme=dark")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusSeeOther || res.Header.Get("Location") != "/tags?q=30" {
		t.Fatalf("answers %d, %s", res.StatusCode, res.Header.Get("Location"))
	}
	r := ask(t, http.MethodGet, url+"/tags?q=30", func(r *http.Request) {
		r.Header.Set("Accept-Language", "en")
		for _, cookie := range res.Cookies() {
			if !cookie.HttpOnly || cookie.SameSite != http.SameSiteStrictMode {
				t.Errorf("cookie %s can leave", cookie)
			}
			r.AddCookie(cookie)
		}
	})
	holds(t, r.body, `<html lang="zh-CN" data-theme="dark">`)
	if r := get(t, url+"/?theme=%22%3E&lang=xx"); r.status != http.StatusOK || strings.Contains(r.body, "data-theme") {
		t.Errorf("an unknown theme gives %d %s", r.status, r.body)
	}
	if r := get(t, url+"/alarms?them=dark"); r.status != http.StatusBadRequest || r.object(t)["code"] != "unknown_parameter" {
		t.Errorf("an unknown parameter gives %d %s", r.status, r.body)
	}
}

func TestPassIsDrawnWithALineForEachTag(t *testing.T) {
	g := shown(t)
	url := g.serve(t)
	for query, want := range map[string]int{"": 3, "?show=members": 2, "?show=others": 1, "?q=3002": 1, "?q=zz": 0, "?show=others&q=3001": 0} {
		r := page(t, url+"/passes/p1"+query, "en")
		if got := strings.Count(r.body, "<g class="); got != want {
			t.Errorf("%q draws %d lines; want %d", query, got, want)
		}
		if got := strings.Count(r.body, "<tr data-line="); got != want {
			t.Errorf("%q lists %d tags; want %d", query, got, want)
		}
	}
	r := page(t, url+"/passes/p1?tag=epc:3002", "en")
	holds(t, r.body, `<g class="m on" data-line="1">`, `<tr data-line="1" class="on">`, `<rect class="gate"`, "rises and falls", "lies beside the door",
		`class="inside" d="M`, `class="outside" d="M`, `class="middle" d="M`, "reads without strength", "1 / 1 / 2", "-50.0 dBm", "&#43;4.2", ">-60<")
	if r := get(t, url+"/passes/none"); r.status != http.StatusNotFound || r.object(t)["code"] != "not_found" {
		t.Errorf("a pass that is not there answers %d %s", r.status, r.body)
	}
}

func TestManyTagsOfAPassAreDrawn(t *testing.T) {
	g := newGateway(t)
	trace := &reconcile.Trace{Pass: "p1", Door: "D1", From: noon, To: noon.Add(10 * time.Second)}
	for i := range 300 {
		tag, err := devices.NewTag(devices.TagEPC, []byte{0x30, byte(i >> 8), byte(i)})
		if err != nil {
			t.Fatal(err)
		}
		x := reconcile.TagTrace{Tag: tag, Member: i < 280, Score: math.Inf(1)}
		for k := range 60 {
			x.Reads = append(x.Reads, reconcile.ReadTrace{At: noon.Add(time.Duration(k*160+i) * time.Millisecond), Side: "inside", RSSI: unit.DBm(-5000 - 10*k), HasRSSI: true})
		}
		trace.Tags = append(trace.Tags, x)
	}
	g.road.traces = []*reconcile.Trace{trace}
	r := page(t, g.serve(t)+"/passes/p1", "en")
	if n := strings.Count(r.body, "<g class="); n != 300 || len(r.body) > 2<<20 {
		t.Errorf("%d lines in %d bytes", n, len(r.body))
	}
}
