package api

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/tallydock/tallydock/devices/alarm"
)

//go:embed page
var pageFiles embed.FS

// policy lets the pages use what this server gives them, and nothing else: no other server, nothing written into the page.
const policy = "default-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; style-src 'self'; " +
	"script-src 'self'; connect-src 'self'; img-src 'self'"

// pageSpec is one page.
type pageSpec struct {
	path, title string   // title is a key of words
	parameters  []string // of the query, beside lang and theme
	still       bool     // it is not asked for again every second: only its frame is
	body        func(*http.Request, *view) (any, error)
}

// pages are by the names of their templates.
func (s *Server) pages() map[string]pageSpec {
	return map[string]pageSpec{
		"overview": {path: "/{$}", title: "overview", body: s.overviewPage},
		"devices":  {path: "/devices", title: "devices", body: s.devicesPage},
		"samples":  {path: "/samples", title: "samples", body: s.samplesPage},
		"alarms":   {path: "/alarms", title: "alarms", body: s.alarmsPage},
		"tags":     {path: "/tags", title: "tags", parameters: []string{"q", "after"}, still: true, body: s.tagsPage},
		"passes":   {path: "/passes", title: "passes", body: s.passesPage},
		"pass":     {path: "/passes/{id}", title: "passes", parameters: []string{"show", "q", "tag"}, still: true, body: s.passPage},
		"gateway":  {path: "/gateway", title: "gateway", body: s.gatewayPage},
		"live":     {path: framePath, title: "gateway", still: true, body: func(*http.Request, *view) (any, error) { return nil, nil }},
	}
}

// framePath is a page without content, from which still pages take a fresh frame.
const framePath = "/live"

// pageRoutes are the pages, and the files that they need.
func (s *Server) pageRoutes() []route {
	var table []route
	for name, spec := range s.pages() {
		table = append(table, route{spec.path, guarded, s.servePage(name, spec)})
	}
	for name, kind := range map[string]string{"page.css": "text/css; charset=utf-8", "page.js": "text/javascript; charset=utf-8", "logo.svg": "image/svg+xml"} {
		table = append(table, route{assetPath(name), guarded, serveAsset(name, kind)})
	}
	return table
}

// assetPath names a file by what is in it, so that browsers keep it until there is another.
func assetPath(name string) string {
	b, _ := pageFiles.ReadFile("page/" + name)
	sum := sha256.Sum256(b)
	return "/assets/" + hex.EncodeToString(sum[:6]) + "/" + name
}

func serveAsset(name, kind string) http.Handler {
	b, _ := pageFiles.ReadFile("page/" + name)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := known(r); err != nil {
			refuse(w, problemOf(err))
			return
		}
		w.Header().Set("Content-Type", kind)
		w.Header().Set("Cache-Control", "private, max-age=31536000, immutable")
		_, _ = w.Write(b)
	})
}

func templateOf(name string) *template.Template {
	return template.Must(template.ParseFS(pageFiles, "page/layout.html", "page/"+name+".html"))
}

func (s *Server) servePage(name string, spec pageSpec) http.Handler {
	t := templateOf(name)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := known(r, append(spec.parameters, "lang", "theme")...); err != nil {
			refuse(w, problemOf(err))
			return
		}
		if choose(w, r) {
			return
		}
		v := s.view(r, spec)
		var err error
		if v.Body, err = spec.body(r, v); err != nil {
			refuse(w, problemOf(err))
			return
		}
		var b bytes.Buffer
		if err := t.ExecuteTemplate(&b, "layout.html", v); err != nil {
			s.Log.Error("page cannot be written", "page", name, "error", err)
			refuse(w, &problem{http.StatusInternalServerError, "internal", "the page cannot be written; see the log"})
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Language", v.Tag())
		w.Header().Set("Vary", "Accept-Language, Cookie")
		_, _ = w.Write(b.Bytes())
	})
}

// Cookies that keep how a person wants the pages.
const (
	langCookie  = "tallydock_edge_lang"
	themeCookie = "tallydock_edge_theme"
)

// choose keeps the language or theme that a link asks for, and leads to the page without that question.
func choose(w http.ResponseWriter, r *http.Request) bool {
	q := r.URL.Query()
	if !q.Has("lang") && !q.Has("theme") {
		return false
	}
	for parameter, name := range map[string]string{"lang": langCookie, "theme": themeCookie} {
		if v := q.Get(parameter); oneOf(v, "en", "zh-CN", "light", "dark") {
			http.SetCookie(w, &http.Cookie{
				Name: name, Value: v, Path: "/", MaxAge: int((365 * 24 * time.Hour).Seconds()), HttpOnly: true, SameSite: http.SameSiteStrictMode,
			})
		}
		q.Del(parameter)
	}
	to := url.URL{Path: path.Clean(r.URL.Path), RawQuery: q.Encode()}
	http.Redirect(w, r, to.String(), http.StatusSeeOther)
	return true
}

func oneOf(v string, of ...string) bool {
	for _, x := range of {
		if v == x {
			return true
		}
	}
	return false
}

// view is what a page shows: its frame, and its body.
type view struct {
	language
	Edge, Site string
	Theme      string // light, dark, or "" as the machine has it
	Title      string
	Poll       string // from where the page is refreshed
	Still      bool
	Now        time.Time // business time
	Speed      float64
	Nav        []navLine
	Counts     []alarmCount
	Body       any
	uri        url.URL
	alarms     []standing
}

// alarmCount is how many alarms of a priority stand, those that are hidden aside.
type alarmCount struct {
	P, N  int
	Blink bool // some are not acknowledged
}

// navLine is one link of the navigation.
type navLine struct {
	Href, Key string
	Icon      template.HTML // paths of 24 by 24
	Here      bool
	N         int // how many need attention
}

func (s *Server) view(r *http.Request, spec pageSpec) *view {
	v := &view{
		language: languageOf(r.Header.Get("Accept-Language")), Edge: s.Edge, Site: s.Site, Title: spec.title, Still: spec.still,
		Now: s.Now(), Speed: s.Speed, uri: *r.URL, Poll: r.URL.RequestURI(), alarms: s.standing(),
	}
	if spec.still {
		v.Poll = framePath
	}
	if c, err := r.Cookie(langCookie); err == nil {
		v.language = map[string]language{"en": english, "zh-CN": chinese}[c.Value]
	}
	if c, err := r.Cookie(themeCookie); err == nil && oneOf(c.Value, "light", "dark") {
		v.Theme = c.Value
	}
	v.Counts = countAlarms(v.alarms)
	v.Nav = s.navigation(r, v)
	return v
}

func countAlarms(list []standing) []alarmCount {
	out := []alarmCount{{P: 1}, {P: 2}, {P: 3}, {P: 9}}
	for _, a := range list {
		if a.hidden() {
			continue
		}
		i := len(out) - 1
		if a.Priority >= 1 && a.Priority <= 3 {
			i = int(a.Priority) - 1
		}
		out[i].N++
		out[i].Blink = out[i].Blink || a.unacknowledged() && out[i].P != int(alarm.Quality)
	}
	return out
}

// hidden tells that somebody or the plant does not want to see an alarm now.
func (a standing) hidden() bool {
	return oneOf(a.State, alarm.Shelved.String(), alarm.SuppressedByDesign.String(), alarm.OutOfService.String())
}

func (a standing) unacknowledged() bool {
	return oneOf(a.State, alarm.Unacked.String(), alarm.RTNUnacked.String())
}

func unacknowledged(list []standing) int {
	n := 0
	for _, a := range list {
		if a.unacknowledged() {
			n++
		}
	}
	return n
}

func (s *Server) navigation(r *http.Request, v *view) []navLine {
	bad := 0
	for _, d := range s.Devices.Snapshot() {
		if d.Reason != "" {
			bad++
		}
	}
	nav := []navLine{
		{Href: "/", Key: "overview", Icon: `<path d="M12 21a9 9 0 1 1 9-9M12 12l4-4M7 12a5 5 0 0 1 5-5"/>`},
		{Href: "/devices", Key: "devices", Icon: `<path d="M12 12v9M8.5 15.5a5 5 0 0 1 0-7M15.5 8.5a5 5 0 0 1 0 7M5.6 18.4a9 9 0 0 1 0-12.8M18.4 5.6a9 9 0 0 1 0 12.8"/>`, N: bad},
		{Href: "/samples", Key: "samples", Icon: `<path d="M10 13.5V5a2 2 0 1 1 4 0v8.5a4 4 0 1 1-4 0zM10 9h4"/>`},
		{Href: "/alarms", Key: "alarms", Icon: `<path d="M10 5a2 2 0 1 1 4 0 7 7 0 0 1 4 6v3a4 4 0 0 0 2 3H4a4 4 0 0 0 2-3v-3a7 7 0 0 1 4-6M9 17v1a3 3 0 0 0 6 0v-1"/>`, N: unacknowledged(v.alarms)},
		{Href: "/tags", Key: "tags", Icon: `<path d="M4 4h7l9 9-7 7-9-9zM8 8h.01"/>`},
		{Href: "/passes", Key: "passes", Icon: `<path d="M13 4h6v17M5 21V4l8-1v18M3 21h18M9.5 12h.01"/>`},
		{Href: "/gateway", Key: "gateway", Icon: `<path d="M4 5h16v6H4zM4 13h16v6H4zM7.5 8h.01M7.5 16h.01"/>`},
	}
	for i := range nav {
		h := nav[i].Href
		nav[i].Here = r.URL.Path == h || h != "/" && strings.HasPrefix(r.URL.Path, h+"/")
	}
	return nav
}

// Asset gives the address of a file.
func (v *view) Asset(name string) string { return assetPath(name) }

// Swap gives this page's address with a question for another language or theme.
func (v *view) Swap(parameter, value string) string {
	q := v.uri.Query()
	q.Set(parameter, value)
	return "?" + q.Encode()
}

// OtherTag is the language that the page is not in.
func (v *view) OtherTag() string { return (1 - v.language).Tag() }

// OtherName is that language's own name.
func (v *view) OtherName() string { return [...]string{"EN", "中文"}[1-v.language] }

// Day writes a moment's date, in the gateway's time zone, as all moments.
func (v *view) Day(t time.Time) string { return t.Local().Format("2006-01-02") }

// Clock writes a moment: of today its time, else its date and time.
func (v *view) Clock(t time.Time) string { return clockText(t, v.Now) }

// MachineClock writes a moment of machine time.
func (v *view) MachineClock(t time.Time) string { return clockText(t, time.Now()) }

func clockText(t, now time.Time) string {
	if t, now = t.Local(), now.Local(); t.Format(time.DateOnly) == now.Format(time.DateOnly) {
		return t.Format("15:04:05")
	}
	return t.Format("2006-01-02 15:04")
}

// Ago tells how long ago a moment was; "–" where there was none.
func (v *view) Ago(t *time.Time) string {
	if t == nil {
		return "–"
	}
	return v.Fill("ago", "span", v.Span(v.Now.Sub(*t)))
}

// MachineAgo is Ago for machine time.
func (v *view) MachineAgo(t *time.Time) string { return v.Fill("ago", "span", v.Span(time.Since(*t))) }

// Bytes writes a size.
func (v *view) Bytes(n int64) string { return bytesOf(n) }

// Figure writes a rate: with a decimal where it is small.
func (v *view) Figure(f float64) string {
	if f == 0 || f >= 10 {
		return fmt.Sprintf("%.0f", f)
	}
	return fmt.Sprintf("%.1f", f)
}

// ScriptWords are the texts that the script needs.
func (v *view) ScriptWords() map[string]string {
	out := map[string]string{}
	for _, key := range scriptWords {
		out[key] = v.Say(key)
	}
	return out
}
