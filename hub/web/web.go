// Package web serves the operator console, which is built by Vite into dist and embedded.
//
// Files under assets/ have a hash in their name: they are cached for ever, and a missing one is 404, never the page,
// so that a browser with yesterday's page notices. Every other path is a page of the console and answers index.html,
// to be asked for again each time. Files compressed at build time (.br, .gz) are sent where the browser takes them.
package web

import (
	"embed"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
)

//go:embed all:dist
var dist embed.FS

// ContentSecurityPolicy of the console's pages: everything from this host, no inline scripts. Component library and
// charts need inline styles.
const ContentSecurityPolicy = "default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; " +
	"worker-src 'self'; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"

const (
	page        = "index.html"
	placeholder = "placeholder.html"
)

// Handler serves the embedded console; where it was not built, a page that says so.
func Handler() http.Handler {
	built, err := fs.Sub(dist, "dist")
	if err != nil { // impossible: the folder is embedded
		panic(err)
	}
	return New(built)
}

// New serves a console from files.
func New(files fs.FS) http.Handler { return handler{files} }

type handler struct{ files fs.FS }

// ServeHTTP answers GET and HEAD.
func (h handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	head := w.Header()
	head.Set("Content-Security-Policy", ContentSecurityPolicy)
	head.Set("X-Content-Type-Options", "nosniff")
	head.Set("Referrer-Policy", "same-origin")
	name := strings.TrimPrefix(path.Clean("/"+r.URL.Path), "/")
	asset := strings.HasPrefix(name, "assets/")
	switch {
	case h.isFile(name) && name != placeholder:
	case asset:
		head.Set("Cache-Control", "no-store")
		http.NotFound(w, r)
		return
	default:
		name = page
	}
	if asset {
		head.Set("Cache-Control", "public, max-age=31536000, immutable")
	} else {
		head.Set("Cache-Control", "no-cache")
	}
	h.serve(w, r, name)
}

func (h handler) serve(w http.ResponseWriter, r *http.Request, name string) {
	status := http.StatusOK
	if name == page && !h.isFile(page) {
		name, status = placeholder, http.StatusServiceUnavailable
	}
	head := w.Header()
	head.Set("Content-Type", contentType(name))
	head.Set("Vary", "Accept-Encoding")
	body, err := h.compressed(head, r, name)
	if err != nil {
		body, err = fs.ReadFile(h.files, name)
	}
	if err != nil {
		http.Error(w, "console not built: run make", http.StatusServiceUnavailable)
		return
	}
	head.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	if r.Method == http.MethodGet {
		w.Write(body)
	}
}

// compressed gives the file as it was compressed at build time, in the best way that the browser takes.
func (h handler) compressed(head http.Header, r *http.Request, name string) ([]byte, error) {
	for _, c := range []struct{ encoding, suffix string }{{"br", ".br"}, {"gzip", ".gz"}} {
		if !accepts(r.Header.Get("Accept-Encoding"), c.encoding) {
			continue
		}
		if b, err := fs.ReadFile(h.files, name+c.suffix); err == nil {
			head.Set("Content-Encoding", c.encoding)
			return b, nil
		}
	}
	return nil, fs.ErrNotExist
}

// accepts reads an Accept-Encoding header; "br;q=0" is a refusal.
func accepts(header, encoding string) bool {
	for part := range strings.SplitSeq(header, ",") {
		name, params, _ := strings.Cut(strings.TrimSpace(part), ";")
		if strings.TrimSpace(name) != encoding {
			continue
		}
		q, weighted := strings.CutPrefix(strings.ReplaceAll(params, " ", ""), "q=")
		v, err := strconv.ParseFloat(q, 64)
		return !weighted || err == nil && v > 0
	}
	return false
}

func (h handler) isFile(name string) bool {
	if !fs.ValidPath(name) {
		return false
	}
	st, err := fs.Stat(h.files, name)
	return err == nil && !st.IsDir()
}

// contentType does not ask the machine's tables, which differ from host to host.
func contentType(name string) string {
	types := map[string]string{
		".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8",
		".json": "application/json", ".svg": "image/svg+xml", ".png": "image/png", ".ico": "image/x-icon",
		".woff2": "font/woff2", ".wasm": "application/wasm", ".webmanifest": "application/manifest+json",
		".txt": "text/plain; charset=utf-8",
	}
	if t, ok := types[path.Ext(name)]; ok {
		return t
	}
	return "application/octet-stream"
}
