package enrol

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/tallydock/tallydock/hub/fault"
)

// maxBody is the longest request in bytes.
const maxBody = 32 << 10

// handler answers edges.
type handler struct {
	*Service
	audit func([]Fact)
	limit limiter
}

// What goes over the wire; the package's comment has it.
type (
	enrolBody struct {
		Secret string `json:"secret"`
		Edge   string `json:"edge"`
		CSR    string `json:"csr"`
	}
	renewBody struct {
		Certificate string `json:"certificate"`
		CSR         string `json:"csr"`
		Nonce       string `json:"nonce"`
		Signature   []byte `json:"signature"`
	}
	issuedBody struct {
		Certificate string   `json:"certificate"`
		Trust       string   `json:"trust"`
		Brokers     []string `json:"brokers"`
	}
	nonceBody struct {
		Nonce   string    `json:"nonce"`
		Expires time.Time `json:"expires"`
	}
	trustBody struct {
		Trust string `json:"trust"`
	}
	errorBody struct {
		Error   string `json:"error"`
		Message string `json:"message"`
	}
)

// errTooMany is its own kind: it has its own status.
var errTooMany = errors.New("too many")

// Handler answers edges. Mount it at the path of Config.Hub, on a listener with EdgeTLS. audit hears what happened, from many
// goroutines, before the edge does; nil = it is logged only.
func (s *Service) Handler(audit func([]Fact)) http.Handler {
	h := &handler{Service: s, audit: audit, limit: limiter{visitors: map[netip.Prefix]visitor{}}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /enrol", h.enrol)
	mux.HandleFunc("POST /renew", h.renew)
	mux.HandleFunc("GET /nonce", h.nonce)
	mux.HandleFunc("GET /trust", h.trust)
	return h.guard(mux)
}

// guard bounds what an address may ask for, and says what time it is here.
func (h *handler) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		now := h.cfg.Now()
		w.Header().Set("Date", now.UTC().Format(http.TimeFormat))
		w.Header().Set("Cache-Control", "no-store")
		if !h.limit.allow(r.RemoteAddr, now) {
			w.Header().Set("Retry-After", "10")
			h.fail(w, r, fmt.Errorf("%w requests from this address; ask again in some seconds", errTooMany))
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (h *handler) enrol(w http.ResponseWriter, r *http.Request) {
	var b enrolBody
	if err := decode(w, r, &b); err != nil {
		h.fail(w, r, err)
		return
	}
	secret, err := base64.RawURLEncoding.DecodeString(b.Secret)
	if err != nil {
		h.fail(w, r, fmt.Errorf("%w: the secret is not base64url", fault.Invalid))
		return
	}
	issued, facts, err := h.Enrol(r.Context(), Enrolment{Secret: secret, Edge: b.Edge, CSR: []byte(b.CSR), From: r.RemoteAddr})
	h.issued(w, r, issued, facts, err)
}

func (h *handler) renew(w http.ResponseWriter, r *http.Request) {
	var b renewBody
	if err := decode(w, r, &b); err != nil {
		h.fail(w, r, err)
		return
	}
	issued, facts, err := h.Renew(r.Context(), Renewal{
		Certificate: []byte(b.Certificate), CSR: []byte(b.CSR), Nonce: b.Nonce, Signature: b.Signature, From: r.RemoteAddr,
	})
	h.issued(w, r, issued, facts, err)
}

func (h *handler) nonce(w http.ResponseWriter, _ *http.Request) {
	nonce, expires := h.nonces.make(h.cfg.Now())
	reply(w, http.StatusOK, nonceBody{nonce, expires.UTC()})
}

func (h *handler) trust(w http.ResponseWriter, _ *http.Request) {
	reply(w, http.StatusOK, trustBody{string(h.cfg.CA.Trust())})
}

func (h *handler) issued(w http.ResponseWriter, r *http.Request, i Issued, facts []Fact, err error) {
	for _, f := range facts {
		h.cfg.Log.Info("edge's identity: "+string(f.Act), "edge", f.Edge, "serial", f.Serial, "token", f.Token, "from", f.From, "reason", f.Reason)
	}
	if h.audit != nil {
		h.audit(facts)
	}
	if err != nil {
		h.fail(w, r, err)
		return
	}
	reply(w, http.StatusOK, issuedBody{string(i.Chain), string(i.Trust), append([]string{}, i.Brokers...)})
}

// decode reads a body whole.
func decode(w http.ResponseWriter, r *http.Request, into any) error {
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("%w: the body cannot be read: %w", fault.Invalid, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: the body has more than one JSON value", fault.Invalid)
	}
	return nil
}

// fail says what is wrong. What is wrong within the hub is for its log alone.
func (h *handler) fail(w http.ResponseWriter, r *http.Request, err error) {
	for _, k := range []struct {
		kind   error
		status int
	}{
		{fault.Invalid, http.StatusBadRequest},
		{fault.Forbidden, http.StatusForbidden},
		{fault.NotFound, http.StatusNotFound},
		{fault.Conflict, http.StatusConflict},
		{errTooMany, http.StatusTooManyRequests},
		{fault.Unavailable, http.StatusServiceUnavailable},
	} {
		if errors.Is(err, k.kind) {
			reply(w, k.status, errorBody{k.kind.Error(), strings.TrimPrefix(err.Error(), k.kind.Error()+": ")})
			return
		}
	}
	h.cfg.Log.Error("cannot answer an edge", "path", r.URL.Path, "from", r.RemoteAddr, "err", err)
	reply(w, http.StatusInternalServerError, errorBody{"failed", "the hub failed; try again later, and look into its log"})
}

func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // who has gone does not hear it
}
