package api

import (
	"compress/gzip"
	"net/http"
	"strings"
)

// recorder notes what was answered, and compresses JSON for those who take it. Streams are left alone.
type recorder struct {
	http.ResponseWriter
	gzip   bool   // the client takes it
	route  string // id of the API's route, "" for other paths
	packer *gzip.Writer
	status int
	bytes  int64 // before compression
}

func takesGzip(r *http.Request) bool {
	return r.Method != http.MethodHead && strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") &&
		strings.HasPrefix(r.URL.Path, "/api/")
}

// WriteHeader decides on compression, which the content type tells.
func (w *recorder) WriteHeader(status int) {
	if w.status != 0 {
		return
	}
	w.status = status
	h := w.Header()
	kind, _, _ := strings.Cut(h.Get("Content-Type"), ";")
	if w.gzip && strings.HasSuffix(kind, "json") && h.Get("Content-Encoding") == "" && status != http.StatusNoContent &&
		status != http.StatusNotModified {
		h.Set("Content-Encoding", "gzip")
		h.Add("Vary", "Accept-Encoding")
		h.Del("Content-Length")
		w.packer, _ = gzip.NewWriterLevel(w.ResponseWriter, gzip.BestSpeed)
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write writes a piece of the body.
func (w *recorder) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	w.bytes += int64(len(b))
	if w.packer != nil {
		return w.packer.Write(b)
	}
	return w.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *recorder) finish() {
	if w.packer != nil {
		w.packer.Close() // an error means that the client is gone
	}
}
