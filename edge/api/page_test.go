package api_test

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/tallydock/tallydock/edge/api"
)

func page(t *testing.T, url, languages string) reply {
	t.Helper()
	return ask(t, http.MethodGet, url+"/", func(r *http.Request) { r.Header.Set("Accept-Language", languages) })
}

func holds(t *testing.T, text string, want ...string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(text, w) {
			t.Errorf("%q is not in the page:\n%s", w, text)
		}
	}
}

func TestPageSpeaksEnglish(t *testing.T) {
	g := alarmed(t)
	g.read(t, noon.Add(-time.Hour), 1, 2)
	g.link = api.Link{Since: noon, Err: errors.New("tcp://hub:1883 refuses the connection")}
	r := page(t, g.serve(t), "en-GB,en;q=0.9")
	holds(t, r.body, `<html lang="en">`, "Gateway SZ1-E1", "Works, but something is missing", "uhf-a1 · SZ1-A-01 <b>down</b>",
		"does not exist; check the cable", "no connection", "tcp://hub:1883 refuses the connection", "Temperature is 9.2 °C, at or above the limit of 8 °C",
		`<th scope="row">SZ1-A-01</th><td>2</td><td>0</td>`, "<dd>4711</dd>", "priority 1", "not acknowledged")
	if r.header.Get("Content-Type") != "text/html; charset=utf-8" || r.header.Get("Content-Language") != "en" {
		t.Errorf("headers are %v", r.header)
	}
}

func TestPageSpeaksChinese(t *testing.T) {
	r := page(t, alarmed(t).serve(t), "zh-CN,zh;q=0.9,en;q=0.5")
	holds(t, r.body, `<html lang="zh-CN">`, "网关 SZ1-E1", "可以工作，但有异常", "uhf-a1 · SZ1-A-01 <b>离线</b>", "找不到串口设备；请检查数据线",
		"does not exist; check the cable", "温度 9.2 °C，达到或超过上限 8 °C", "未确认")
	_, body, _ := strings.Cut(r.body, "</style>")
	if m := regexp.MustCompile(`alarm\.|status\.|<no value>|ZgotmplZ`).FindString(body); m != "" {
		t.Errorf("a text is missing: %s is in the page", m)
	}
}

func TestPageWritesWhatDevicesSayAsText(t *testing.T) {
	r := page(t, newGateway(t).serve(t), "en")
	holds(t, r.body, "tty&lt;none&gt;")
	if strings.Contains(r.body, "tty<none>") {
		t.Error("a device can write HTML")
	}
}

func TestPageNeedsNothingFromElsewhere(t *testing.T) {
	r := page(t, newGateway(t).serve(t), "en")
	if m := regexp.MustCompile(`(?i)https?:|src=|href=|url\(|@import|<script`).FindString(r.body); m != "" {
		t.Errorf("the page has %s", m)
	}
	style := regexp.MustCompile(`(?s)<style>(.*)</style>`).FindStringSubmatch(r.body)
	if style == nil {
		t.Fatal("the page has no style")
	}
	h := sha256.Sum256([]byte(style[1]))
	want := "style-src 'sha256-" + base64.StdEncoding.EncodeToString(h[:]) + "'"
	if policy := r.header.Get("Content-Security-Policy"); !strings.Contains(policy, want) || !strings.Contains(policy, "default-src 'none'") {
		t.Errorf("policy %s does not let the page's own style in, %s", policy, want)
	}
	holds(t, style[1], "prefers-color-scheme: dark")
	holds(t, r.body, `name="viewport"`, `http-equiv="refresh"`)
}
