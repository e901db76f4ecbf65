package web_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/tallydock/tallydock/hub/web"
)

func files() fstest.MapFS {
	return fstest.MapFS{
		"index.html":             {Data: []byte("<html>page")},
		"index.html.gz":          {Data: []byte("page, gzip")},
		"placeholder.html":       {Data: []byte("placeholder")},
		"icon.svg":               {Data: []byte("<svg>")},
		"assets/app-1a2b.js":     {Data: []byte("app")},
		"assets/app-1a2b.js.gz":  {Data: []byte("app, gzip")},
		"assets/app-1a2b.js.br":  {Data: []byte("app, br")},
		"assets/font-3c4d.woff2": {Data: []byte("font")},
	}
}

func get(h http.Handler, path, encodings string) *http.Response {
	r := httptest.NewRequest("GET", path, nil)
	r.Header.Set("Accept-Encoding", encodings)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func body(r *http.Response) string {
	var b strings.Builder
	buf := make([]byte, 512)
	for {
		n, err := r.Body.Read(buf)
		b.Write(buf[:n])
		if err != nil {
			return b.String()
		}
	}
}

func TestFilesAreServedByTheRules(t *testing.T) {
	const forever, ask = "public, max-age=31536000, immutable", "no-cache"
	for name, c := range map[string]struct {
		path, encodings            string
		status                     int
		body, cache, encoding, typ string
	}{
		"the start page":                     {"/", "", 200, "<html>page", ask, "", "text/html; charset=utf-8"},
		"the start page, gzip":               {"/", "gzip, deflate", 200, "page, gzip", ask, "gzip", "text/html; charset=utf-8"},
		"a page of the console":              {"/alarms/0193?state=all", "", 200, "<html>page", ask, "", "text/html; charset=utf-8"},
		"a page with a dot":                  {"/products/SKU-1.5", "", 200, "<html>page", ask, "", "text/html; charset=utf-8"},
		"an asset":                           {"/assets/app-1a2b.js", "", 200, "app", forever, "", "text/javascript; charset=utf-8"},
		"an asset, best way":                 {"/assets/app-1a2b.js", "gzip, br", 200, "app, br", forever, "br", "text/javascript; charset=utf-8"},
		"an asset, way refused":              {"/assets/app-1a2b.js", "br;q=0, gzip", 200, "app, gzip", forever, "gzip", "text/javascript; charset=utf-8"},
		"an asset never compressed":          {"/assets/font-3c4d.woff2", "gzip, br", 200, "font", forever, "", "font/woff2"},
		"a missing asset is not the page":    {"/assets/app-9z9z.js", "", 404, "404 page not found\n", "no-store", "", "text/plain; charset=utf-8"},
		"a folder is not listed":             {"/assets/", "", 200, "<html>page", ask, "", "text/html; charset=utf-8"},
		"a file beside the assets":           {"/icon.svg", "", 200, "<svg>", ask, "", "image/svg+xml"},
		"the placeholder is no page":         {"/placeholder.html", "", 200, "<html>page", ask, "", "text/html; charset=utf-8"},
		"a way out of the folder is no file": {"/../../etc/passwd", "", 200, "<html>page", ask, "", "text/html; charset=utf-8"},
	} {
		t.Run(name, func(t *testing.T) {
			r := get(web.New(files()), c.path, c.encodings)
			h := r.Header
			if got := body(r); r.StatusCode != c.status || got != c.body {
				t.Errorf("%d %q, want %d %q", r.StatusCode, got, c.status, c.body)
			}
			if h.Get("Cache-Control") != c.cache || h.Get("Content-Encoding") != c.encoding || h.Get("Content-Type") != c.typ {
				t.Errorf("headers %v", h)
			}
			if !strings.Contains(h.Get("Content-Security-Policy"), "frame-ancestors 'none'") || h.Get("X-Content-Type-Options") != "nosniff" {
				t.Errorf("security headers %v", h)
			}
		})
	}
}

func TestScriptsMustBeFiles(t *testing.T) {
	csp := get(web.New(files()), "/", "").Header.Get("Content-Security-Policy")
	for directive := range strings.SplitSeq(csp, ";") {
		if strings.Contains(directive, "unsafe") && !strings.HasPrefix(strings.TrimSpace(directive), "style-src") {
			t.Errorf("directive %q", directive)
		}
	}
}

func TestConsoleThatWasNotBuiltSaysSo(t *testing.T) {
	h := web.New(fstest.MapFS{"placeholder.html": {Data: []byte("run make")}})
	if r := get(h, "/alarms", "gzip"); r.StatusCode != 503 || body(r) != "run make" {
		t.Errorf("status %d", r.StatusCode)
	}
}

func TestOnlyReading(t *testing.T) {
	w := httptest.NewRecorder()
	web.New(files()).ServeHTTP(w, httptest.NewRequest("POST", "/", nil))
	if w.Code != 405 || w.Header().Get("Allow") == "" {
		t.Errorf("POST: %d %v", w.Code, w.Header())
	}
}

func TestEmbeddedConsoleAnswers(t *testing.T) {
	if r := get(web.Handler(), "/", ""); r.StatusCode != 200 && r.StatusCode != 503 {
		t.Errorf("status %d", r.StatusCode)
	}
}
