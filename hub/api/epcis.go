package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/tallydock/tallydock/hub/tenant"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/tallydock/tallydock/hub/connect/capture"
	"github.com/tallydock/tallydock/hub/connect/epcis"
	"github.com/tallydock/tallydock/hub/fault"
)

// epcisRoot is where the REST binding of EPCIS 2.0 begins.
const epcisRoot = "/epcis/v2"

// Who may read events, and who may capture them, which books stock.
var (
	epcisReads  = all(tenant.StockRead)
	epcisWrites = all(tenant.LedgerPost)
)

// Limits of what is captured at once; both are told to clients.
const (
	epcisMaxBytes  = 8 << 20
	epcisMaxEvents = 10_000
)

// EPCISLimits are the limits of what is captured at once, for who builds a Capture.
func EPCISLimits() epcis.Limits { return epcis.Limits{Bytes: epcisMaxBytes, Events: epcisMaxEvents} }

// Capture takes events; *capture.Service is one.
type Capture interface {
	Capture(ctx context.Context, r io.Reader, b capture.Behaviour, actor string) (capture.Job, error)
	CaptureEvent(ctx context.Context, r io.Reader, actor string) (epcis.Event, error)
	Job(ctx context.Context, id string) (capture.Job, error)
	Jobs(ctx context.Context, before string, limit int) ([]capture.Job, error)
}

// EPCIS is the events that were captured; a store.EPCIS is one.
type EPCIS interface {
	epcis.Store
	// Names lists what events name as epcs, bizSteps, dispositions, readPoints, bizLocations or eventTypes, rising, above after.
	Names(ctx context.Context, of, after string, limit int) ([]string, error)
	NamedQueries
}

// NamedQueries are queries that people keep. Errors: fault.Conflict, fault.NotFound.
type NamedQueries interface {
	AddQuery(ctx context.Context, q epcis.NamedQuery, actor string) error
	RemoveQuery(ctx context.Context, name string) error
	Queries(ctx context.Context) ([]epcis.NamedQuery, error)
}

// fullPath is the route's path with what stands before it.
func (r route) fullPath() string {
	if strings.HasPrefix(r.path, epcisRoot) {
		return r.path
	}
	return prefix + r.path
}

// epcisKinds are the resources that list what events name, with the parameter that asks for the events of one.
var epcisKinds = []struct{ kind, variable, parameter, id string }{
	{"eventTypes", "eventType", "eventType", "EventType"},
	{"epcs", "epc", "MATCH_anyEPC", "EPC"},
	{"bizSteps", "bizStep", "EQ_bizStep", "BizStep"},
	{"bizLocations", "bizLocation", "EQ_bizLocation", "BizLocation"},
	{"readPoints", "readPoint", "EQ_readPoint", "ReadPoint"},
	{"dispositions", "disposition", "EQ_disposition", "Disposition"},
}

// epcisRoutes is the table of the binding.
func (s *server) epcisRoutes() []route {
	table := []route{
		{"GET", "", epcisReads, "epcis", "EPCIS: what there is", s.epcis(s.epcisTop), 0},
		{"POST", "/capture", epcisWrites, "epcisCapture", "EPCIS: capture a document", s.epcis(s.epcisCapture), 0},
		{"GET", "/capture", epcisReads, "epcisCaptures", "EPCIS: captures, newest first", s.epcis(s.epcisJobs), 0},
		{"GET", "/capture/{captureID}", epcisReads, "epcisCaptureJob", "EPCIS: what became of a capture", s.epcis(s.epcisJob), 0},
		{"POST", "/events", epcisWrites, "epcisCaptureEvent", "EPCIS: capture one event", s.epcis(s.epcisCaptureEvent), 0},
		{"GET", "/events", epcisReads, "epcisEvents", "EPCIS: events that a query asks for", s.epcis(s.epcisEvents), 0},
		{"GET", "/events/{eventID}", epcisReads, "epcisEvent", "EPCIS: an event, and the declarations that it was wrong", s.epcis(s.epcisEvent), 0},
		{"POST", "/queries", epcisWrites, "epcisAddQuery", "EPCIS: keep a query", s.epcis(s.epcisAddQuery), 0},
		{"GET", "/queries", epcisReads, "epcisQueries", "EPCIS: queries that are kept", s.epcis(s.epcisQueries), 0},
		{"GET", "/queries/{queryName}", epcisReads, "epcisQuery", "EPCIS: a query that is kept", s.epcis(s.epcisQuery), 0},
		{"DELETE", "/queries/{queryName}", epcisWrites, "epcisRemoveQuery", "EPCIS: forget a query", s.epcis(s.epcisRemoveQuery), 0},
		{"GET", "/queries/{queryName}/events", epcisReads, "epcisQueryEvents", "EPCIS: events that a kept query asks for", s.epcis(s.epcisQueryEvents), 0},
		{"DELETE", "/nextPageToken/{token}", epcisReads, "epcisForgetToken", "EPCIS: tokens of pages are not kept", s.epcis(s.epcisForgetToken), 0},
	}
	for _, k := range epcisKinds {
		one := "/" + k.kind + "/{" + k.variable + "}"
		table = append(table,
			route{"GET", "/" + k.kind, epcisReads, "epcisAll" + k.id, "EPCIS: " + k.kind + " that events name", s.epcis(s.epcisNames(k.kind)), 0},
			route{"GET", one, epcisReads, "epcisOne" + k.id, "EPCIS: what there is of one", s.epcis(s.epcisName(k.variable, k.parameter)), 0},
			route{"GET", one + "/events", epcisReads, "epcisEventsOf" + k.id, "EPCIS: events of one", s.epcis(s.epcisEventsOf(k.variable, k.parameter)), 0})
	}
	return withOptions(s, table)
}

// withOptions completes the paths, and has each answer OPTIONS.
func withOptions(s *server, table []route) []route {
	allowed, order := map[string][]string{}, []string{}
	for i := range table {
		r := &table[i]
		r.path = epcisRoot + r.path
		if len(allowed[r.path]) == 0 {
			order = append(order, r.path)
		}
		allowed[r.path] = append(allowed[r.path], r.method)
	}
	for _, path := range order {
		allow := strings.Join(append(allowed[path], http.MethodOptions), ", ")
		id := "epcisOptions" + strings.NewReplacer("/", "_", "{", "", "}", "").Replace(strings.TrimPrefix(path, epcisRoot))
		table = append(table, route{"OPTIONS", path, epcisReads, id, "EPCIS: what is possible here", s.epcis(epcisOptions(allow)), 0})
	}
	return table
}

type epcisHandler = func(ctx context.Context, w http.ResponseWriter, r *http.Request) error

// epcis registers a handler of the binding, which speaks HTTP itself.
func (s *server) epcis(h epcisHandler) func(huma.API, huma.Operation) {
	return func(a huma.API, op huma.Operation) {
		op.Responses = map[string]*huma.Response{"200": {Description: "as the REST binding of EPCIS 2.0 has it"}}
		huma.Register(a, op, func(ctx context.Context, _ *empty) (*huma.StreamResponse, error) {
			return &huma.StreamResponse{Body: func(c huma.Context) {
				r, w := humago.Unwrap(c)
				w.Header().Set("GS1-EPCIS-Version", epcisVersion)
				w.Header().Set("GS1-CBV-Version", epcisVersion)
				w.Header().Set("Cache-Control", "no-store")
				err := acceptable(r)
				if err == nil {
					err = h(ctx, w, r)
				}
				if err != nil {
					s.epcisFailed(ctx, w, op, err)
				}
			}}, nil
		})
	}
}

const epcisVersion = "2.0.0"

// epcisOptions tells what is possible at a path.
func epcisOptions(allow string) epcisHandler {
	return func(_ context.Context, w http.ResponseWriter, _ *http.Request) error {
		for name, value := range map[string]string{
			"Allow": allow, "GS1-EPCIS-Min": epcisVersion, "GS1-EPCIS-Max": epcisVersion, "GS1-CBV-Min": epcisVersion, "GS1-CBV-Max": epcisVersion,
			"GS1-EPC-Format": "Never_Translates", "GS1-Vendor-Version": "tallydock", "GS1-EPCIS-Capture-Limit": strconv.Itoa(epcisMaxEvents),
			"GS1-EPCIS-Capture-File-Size-Limit": strconv.Itoa(epcisMaxBytes), "GS1-Capture-Error-Behaviour": "rollback, proceed",
		} {
			w.Header().Set(name, value)
		}
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
}

// What the binding refuses besides what rooms do.
var (
	errNotAcceptable = fault.New(fault.Invalid, "not acceptable")
	errMediaType     = fault.New(fault.Invalid, "media type is not taken")
	errTokens        = fault.New(fault.Invalid, "tokens of pages are not kept: there is nothing to forget")
)

// acceptable reports what a request asks for that answers cannot be.
func acceptable(r *http.Request) error {
	if accept := r.Header.Get("Accept"); accept != "" && !strings.Contains(accept, "json") && !strings.Contains(accept, "*/*") &&
		!strings.Contains(accept, "application/*") {
		return fmt.Errorf("%w: answers are application/json or application/ld+json", errNotAcceptable)
	}
	for _, name := range []string{"GS1-EPCIS-Version", "GS1-CBV-Version", "GS1-EPCIS-Min", "GS1-CBV-Min"} {
		if v := r.Header.Get(name); v != "" && v != epcisVersion && v != "2.0" {
			return fmt.Errorf("%w: %s is %s here", errNotAcceptable, name, epcisVersion)
		}
	}
	if v := r.Header.Get("GS1-EPC-Format"); strings.HasPrefix(v, "Always") {
		return fmt.Errorf("%w: names are given back as they came (GS1-EPC-Format: Never_Translates)", errNotAcceptable)
	}
	return nil
}

// jsonBody gives the body of a request that brings JSON.
func jsonBody(w http.ResponseWriter, r *http.Request) (io.Reader, error) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" && kind != "application/ld+json" {
		return nil, fmt.Errorf("%w: send application/json or application/ld+json", errMediaType)
	}
	return http.MaxBytesReader(w, r.Body, epcisMaxBytes+1), nil // one more, so that the decoder says that it is too much
}

// answerType is the type of an answer: JSON-LD where only that is asked for.
func answerType(r *http.Request) string {
	if accept := r.Header.Get("Accept"); strings.Contains(accept, "ld+json") && !strings.Contains(accept, "application/json") {
		return "application/ld+json"
	}
	return "application/json"
}

func writeEPCIS(w http.ResponseWriter, r *http.Request, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", answerType(r))
	_, _ = w.Write(text) // a client that is gone needs no answer
	return nil
}

// epcisProblem is what the binding answers where something went wrong (RFC 7807).
type epcisProblem struct {
	Type   string          `json:"type"` // epcisException: and the exception's name
	Title  string          `json:"title"`
	Status int             `json:"status"`
	Detail string          `json:"detail"`
	Errors []epcis.Problem `json:"errors,omitempty"`
}

func newEPCISProblem(status int, exception, detail string, errs []epcis.Problem) epcisProblem {
	return epcisProblem{"epcisException:" + exception + "Exception", title(status), status, detail, errs}
}

func writeEPCISProblem(w http.ResponseWriter, status int, exception, detail string, errs []epcis.Problem) {
	w.Header().Set("Content-Type", problemJSON)
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(newEPCISProblem(status, exception, detail, errs))
}

// epcisExceptions maps errors to the exceptions of the standard. The first that matches counts.
var epcisExceptions = []struct {
	is        error
	status    int
	exception string
}{
	{errNotAcceptable, http.StatusNotAcceptable, "NotAcceptable"},
	{errMediaType, http.StatusUnsupportedMediaType, "UnsupportedMediaType"},
	{errTokens, http.StatusNotImplemented, "NotImplemented"},
	{errCaptureSize, http.StatusRequestEntityTooLarge, "CaptureLimitExceeded"},
	{epcis.ErrTooLarge, http.StatusRequestEntityTooLarge, "QueryTooLarge"},
	{epcis.ErrContradiction, http.StatusConflict, "ResourceAlreadyExists"},
	{fault.Invalid, http.StatusBadRequest, "Validation"},
	{fault.NotFound, http.StatusNotFound, "NoSuchResource"},
	{fault.Conflict, http.StatusConflict, "ResourceAlreadyExists"},
}

// epcisFailed answers an error in the words of the standard.
func (s *server) epcisFailed(ctx context.Context, w http.ResponseWriter, op huma.Operation, err error) {
	var refusal *epcis.Refusal
	var errs []epcis.Problem
	if errors.As(err, &refusal) {
		errs = refusal.Problems
	}
	for _, e := range epcisExceptions {
		if errors.Is(err, e.is) {
			writeEPCISProblem(w, e.status, e.exception, err.Error(), errs)
			return
		}
	}
	p := problemOf(ctx, s.Log, op.Method+" "+op.Path, err)
	writeEPCISProblem(w, p.Status, "Implementation", p.Detail, nil)
}

// collection is a list of names of resources.
type collection struct {
	Context string   `json:"@context"`
	Type    string   `json:"type"`
	Member  []string `json:"member"`
}

func collectionOf(members []string) collection {
	return collection{epcis.StandardContext, "Collection", members}
}

func (s *server) epcisTop(_ context.Context, w http.ResponseWriter, r *http.Request) error {
	members := []string{"capture", "events", "queries"}
	for _, k := range epcisKinds {
		members = append(members, k.kind)
	}
	return writeEPCIS(w, r, collectionOf(members))
}

// epcisPage reads the size of a page, and its token.
func epcisPage(r *http.Request) (perPage int, token string, err error) {
	perPage = epcis.PerPage
	if text := r.URL.Query().Get("perPage"); text != "" {
		if perPage, err = strconv.Atoi(text); err != nil || perPage < 1 {
			return 0, "", fmt.Errorf("%w: perPage %.20q is no whole number above 0", fault.Invalid, text)
		}
	}
	return min(perPage, epcis.MostPerPage), r.URL.Query().Get("nextPageToken"), nil
}

// tokenLife is for how long a token is sure to lead on.
const tokenLife = 24 * time.Hour

// nextPage tells where the next page is.
func (s *server) nextPage(w http.ResponseWriter, r *http.Request, token string) {
	if token == "" {
		return
	}
	u := *r.URL
	q := u.Query()
	q.Set("nextPageToken", token)
	u.RawQuery = q.Encode()
	w.Header().Set("Link", "<"+u.RequestURI()+`>; rel="next"`)
	w.Header().Set("GS1-Next-Page-Token-Expires", s.Clock.Now().Add(tokenLife).UTC().Format(time.RFC3339))
}
