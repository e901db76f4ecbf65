package api

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/ledger"
	"github.com/tallydock/tallydock/hub/once"
)

const (
	// idempotencyHeader names a change, so that it is done once (draft-ietf-httpapi-idempotency-key-header-07).
	idempotencyHeader = "Idempotency-Key"
	// replayedHeader says that an answer is one that was given before.
	replayedHeader = "Idempotency-Replayed"
	// mostKey is how long a key may be.
	mostKey = 255
)

var (
	errKeyNeeded = fault.New(fault.Invalid, "programs must send an Idempotency-Key with each change")
	errBadKey    = fault.New(fault.Invalid, "an Idempotency-Key has 1 to 255 printable characters of ASCII, without spaces and quotation marks")
	errToldOnce  = fault.New(fault.Conflict,
		"this was done already; its answer had a secret, which is not kept: where it is lost, revoke what was made and make a new one")
)

// unkeyed are the changes that take no key, by the route's id: who signs in is nobody yet, and who signed out is nobody any
// more.
var unkeyed = []string{"signIn", "signOut"}

// toldOnce are the changes whose answers have a secret. That they were done is kept; what they were answered is not.
var toldOnce = []string{
	"changePassword", "beginFactor", "confirmFactor", "makeToken", "addUser", "resetPassword", "createWebhook", "rotateWebhook",
}

// keyed reports whether a route's requests may have a key. EPCIS knows its events by their own ids, and its clients know
// nothing of keys.
func (r route) keyed() bool {
	return r.changes() && !slices.Contains(unkeyed, r.id) && !strings.HasPrefix(r.path, epcisRoot)
}

var keyParameter = &huma.Param{
	Name: idempotencyHeader, In: "header", Schema: &huma.Schema{Type: huma.TypeString},
	Description: "A new name for each change, such as a UUID; with the same one the change is done once, and the answer given again. Programs must send it.",
}

// onceKey is the context's key of a request's Idempotency-Key.
type onceKey struct{}

// once answers a change that came before with the answer that it got then, and keeps the answers of others.
func (s *server) once(r route) func(huma.Context, func(huma.Context)) {
	return func(c huma.Context, next func(huma.Context)) {
		req, w := humago.Unwrap(c)
		c = huma.WithValue(c, addressKey{}, req.URL)
		if !r.keyed() {
			next(c)
			return
		}
		key, err := requestKey(req)
		if err != nil {
			writeProblem(w, problemOf(c.Context(), s.Log, r.path, err))
			return
		}
		if key == "" {
			next(c)
			return
		}
		s.keyed(huma.WithValue(c, onceKey{}, key), w, key, next)
	}
}

// requestKey gives the request's key, bare or as a string of a structured field; "" where it has none and needs none.
func requestKey(req *http.Request) (string, error) {
	given := req.Header.Values(idempotencyHeader)
	switch {
	case len(given) == 0 && req.Header.Get("Authorization") != "":
		return "", errKeyNeeded
	case len(given) == 0:
		return "", nil
	}
	key := given[0]
	if n := len(key); n >= 2 && key[0] == '"' && key[n-1] == '"' {
		key = key[1 : n-1]
	}
	bad := func(r rune) bool { return r <= ' ' || r > '~' || r == '"' || r == '\\' }
	if len(given) > 1 || key == "" || len(key) > mostKey || strings.ContainsFunc(key, bad) {
		return "", errBadKey
	}
	return key, nil
}

// keyed does what came with a key.
func (s *server) keyed(c huma.Context, w http.ResponseWriter, key string, next func(huma.Context)) {
	op, ctx := c.Operation(), c.Context()
	req, _ := humago.Unwrap(c)
	text, whole, err := readBody(c, req)
	if err != nil || !whole { // the handler says what is wrong with it
		next(c)
		return
	}
	r, begun := onceRequest(req, sessionFrom(ctx).Principal.Actor(), key, text), time.Now()
	secret := slices.Contains(toldOnce, op.OperationID)
	known, err := s.Answers.Begin(ctx, r, begun)
	if err == nil && known != nil && secret {
		err = errToldOnce
	}
	if err != nil {
		if errors.Is(err, once.ErrInFlight) {
			w.Header().Set("Retry-After", "1")
		}
		writeProblem(w, problemOf(ctx, s.Log, op.Path, err))
		return
	}
	if known != nil {
		w.Header().Set(replayedHeader, "true")
		writeAnswer(w, *known)
		return
	}
	got := &answerWriter{ResponseWriter: w, header: w.Header()}
	defer func() { // also where the handler panics: then nothing was answered
		if !got.done {
			s.give(ctx, s.Answers.Drop(context.WithoutCancel(ctx), r, begun))
		}
	}()
	next(huma.WithContext(humago.NewContext(op, req, got), c.Context()))
	a := got.answer()
	kept := a
	got.done = lasting(a.Status)
	if secret {
		kept = once.Answer{Status: a.Status}
		got.done = a.Status < 400 // what was refused may be sent again
	}
	if got.done {
		s.give(ctx, s.Answers.Finish(context.WithoutCancel(ctx), r, begun, kept))
	}
	w.WriteHeader(a.Status)
	w.Write(a.Body)
}

// give logs that an answer could not be kept; the change itself is done.
func (s *server) give(ctx context.Context, err error) {
	if err != nil {
		s.Log.ErrorContext(ctx, "an answer is not kept for its Idempotency-Key", "err", err)
	}
}

// lasting reports whether an answer would be the same another time. What failed by the moment may be tried again.
func lasting(status int) bool {
	return status < 499 && status != http.StatusRequestTimeout && status != http.StatusTooManyRequests
}

// readBody reads the request's body and puts it back; whole is false where it is longer than the route allows.
func readBody(c huma.Context, req *http.Request) (text []byte, whole bool, err error) {
	op := c.Operation()
	if err := c.SetReadDeadline(time.Now().Add(op.BodyReadTimeout)); err != nil {
		return nil, false, err
	}
	text, err = io.ReadAll(io.LimitReader(req.Body, op.MaxBodyBytes+1))
	rest := req.Body
	req.Body = putBack{io.MultiReader(bytes.NewReader(text), rest), rest}
	return text, int64(len(text)) <= op.MaxBodyBytes, err
}

// putBack is a body of which a part was read and put back.
type putBack struct {
	io.Reader
	io.Closer
}

// onceRequest is a request as it is kept: by hashes from which nobody who does not know its key can guess what was in it.
func onceRequest(req *http.Request, principal, key string, text []byte) once.Request {
	name := sha256.Sum256([]byte("idempotency/1:" + key))
	h := hmac.New(sha256.New, []byte(key))
	fmt.Fprintf(h, "%s %s\n%s\n%s\n%s\n", req.Method, req.URL.RequestURI(), req.Header.Get("Content-Type"), req.Header.Get("If-Match"),
		req.Header.Get("If-None-Match"))
	h.Write(text)
	return once.Request{Principal: principal, Key: hex.EncodeToString(name[:]), Hash: [32]byte(h.Sum(nil))}
}

// answerWriter keeps an answer instead of sending it.
type answerWriter struct {
	http.ResponseWriter
	header http.Header
	status int
	body   bytes.Buffer
	done   bool
}

// WriteHeader notes the status.
func (w *answerWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
}

// Write keeps a piece of the body.
func (w *answerWriter) Write(b []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(b)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *answerWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// keptHeaders are the headers that belong to an answer rather than to a connection or a session.
var keptHeaders = []string{"Content-Type", "Etag", "Location", "Link"}

func (w *answerWriter) answer() once.Answer {
	w.WriteHeader(http.StatusOK)
	a := once.Answer{Status: w.status, Header: map[string]string{}, Body: w.body.Bytes()}
	for _, name := range keptHeaders {
		if v := w.header.Get(name); v != "" {
			a.Header[name] = v
		}
	}
	return a
}

func writeAnswer(w http.ResponseWriter, a once.Answer) {
	for name, value := range a.Header {
		w.Header().Set(name, value)
	}
	w.WriteHeader(a.Status)
	w.Write(a.Body)
}

// ledgerKey is the key under which the ledger keeps what a request does: the request's own, apart from those of other
// users, of tokens and of edges, or a new one.
func (s *server) ledgerKey(ctx context.Context) string {
	key, ok := ctx.Value(onceKey{}).(string)
	if !ok {
		return "api/" + s.NewID()
	}
	return "api/" + sessionFrom(ctx).Principal.Actor() + "/" + key
}

// madeBefore gives the id of what the ledger has under a request's key already, where that is why err came; "" otherwise.
func (s *server) madeBefore(ctx context.Context, err error, key string) (string, error) {
	if !errors.Is(err, ledger.ErrDuplicate) {
		return "", err
	}
	return s.Books.MadeBy(ctx, key)
}
