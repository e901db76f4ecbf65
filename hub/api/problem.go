package api

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/intake"
	"github.com/tallydock/tallydock/hub/ledger"
	"github.com/tallydock/tallydock/hub/once"
	"github.com/tallydock/tallydock/hub/sheet"
	"github.com/tallydock/tallydock/hub/tenant"
)

// Problem is an answer that tells what went wrong (RFC 9457). Consoles make their text from Code and Params.
type Problem struct {
	Type   string            `json:"type" doc:"urn:tallydock:problem: and the code"`
	Title  string            `json:"title"`
	Status int               `json:"status"`
	Detail string            `json:"detail" doc:"for people who read logs, in English"`
	Code   string            `json:"code" doc:"for programs, stable"`
	Params map[string]string `json:"params,omitempty"`
	Errors []ProblemPart     `json:"errors,omitempty" doc:"everything that is wrong with what was sent; of an import the first 100"`
	Report *sheet.Report     `json:"report,omitempty" doc:"of an import that was refused: all that is wrong, in both languages"`
}

// ProblemPart is one thing that is wrong with a body.
type ProblemPart struct {
	Line     int    `json:"line,omitempty" doc:"of an imported file; 1 is the header"`
	Column   string `json:"column,omitempty" doc:"of an imported file"`
	Location string `json:"location,omitempty" doc:"path of a value, e.g. body.minutes"`
	Pointer  string `json:"pointer,omitempty" doc:"JSON pointer to a value of the body, e.g. #/minutes"`
	Code     string `json:"code,omitempty" doc:"for programs, stable"`
	Message  string `json:"message"`
}

// Error makes a Problem an error.
func (p *Problem) Error() string { return p.Code + ": " + p.Detail }

// GetStatus is the answer's HTTP status.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType says that the JSON is a problem.
func (p *Problem) ContentType(string) string { return problemJSON }

const problemJSON = "application/problem+json"

// What a guard refuses.
var (
	errCSRF         = fault.New(fault.Forbidden, "the change came without the session's X-CSRF-Token")
	errPermission   = fault.New(fault.Forbidden, "the user's roles, or the token's scopes, do not allow this")
	errInPerson     = fault.New(fault.Forbidden, "this is not for API tokens: sign in")
	errMustPassword = fault.New(fault.Forbidden, "the password was made for the user, who must change it first")
	errMustFactor   = fault.New(fault.Forbidden, "the user's role needs an authenticator, which must be set up first")
	errNoProvider   = fault.New(fault.NotFound, "this hub has no OIDC provider")
)

// kinds maps errors to answers: first those that have a code of their own, then the kinds of fault. The first that
// matches counts, and what none matches is internal.
var kinds = []struct {
	is     error
	status int
	code   string
}{
	{tenant.ErrCredentials, http.StatusUnauthorized, "bad_credentials"},
	{tenant.ErrNeedsCode, http.StatusUnauthorized, "totp_required"},
	{tenant.ErrCode, http.StatusUnauthorized, "bad_code"},
	{tenant.ErrNoSession, http.StatusUnauthorized, "login_required"},
	{tenant.ErrNoToken, http.StatusUnauthorized, "bad_token"},
	{tenant.ErrNoGrant, http.StatusForbidden, "no_grant"},
	{tenant.ErrTooMany, http.StatusTooManyRequests, "too_many_attempts"},
	{errCSRF, http.StatusForbidden, "csrf"},
	{errPermission, http.StatusForbidden, "permission_required"},
	{errInPerson, http.StatusForbidden, "in_person"},
	{errMustPassword, http.StatusForbidden, "password_change_required"},
	{errMustFactor, http.StatusForbidden, "totp_enrolment_required"},
	{once.ErrInFlight, http.StatusConflict, "idempotency_in_flight"},
	{once.ErrReused, http.StatusUnprocessableEntity, "idempotency_key_reused"},
	{errKeyNeeded, http.StatusBadRequest, "idempotency_key_required"},
	{errBadKey, http.StatusBadRequest, "idempotency_key_invalid"},
	{errToldOnce, http.StatusConflict, "idempotency_told_once"},
	{errNoCondition, http.StatusPreconditionRequired, "precondition_required"},
	{errChanged, http.StatusPreconditionFailed, "precondition_failed"},
	{ledger.ErrShort, http.StatusConflict, "short"},
	{ledger.ErrDuplicate, http.StatusConflict, "duplicate"},
	{fault.Invalid, http.StatusUnprocessableEntity, "invalid"},
	{intake.ErrRefused, http.StatusUnprocessableEntity, "invalid"},
	{fault.NotFound, http.StatusNotFound, "not_found"},
	{fault.Conflict, http.StatusConflict, "conflict"},
	{fault.Forbidden, http.StatusForbidden, "forbidden"},
	{fault.Unavailable, http.StatusServiceUnavailable, "unavailable"},
	{context.DeadlineExceeded, http.StatusServiceUnavailable, "unavailable"},
	{context.Canceled, 499, "cancelled"}, // the client went away; nobody reads this
}

// codes of answers that huma or net/http make by themselves.
var codes = map[int]string{
	http.StatusBadRequest: "malformed", http.StatusNotFound: "not_found", http.StatusMethodNotAllowed: "method",
	http.StatusNotAcceptable: "not_acceptable", http.StatusRequestTimeout: "timeout",
	http.StatusRequestEntityTooLarge: "too_large", http.StatusUnsupportedMediaType: "media_type",
	http.StatusUnprocessableEntity: "invalid", http.StatusInternalServerError: "internal",
}

func newProblem(status int, code, detail string) *Problem {
	return &Problem{
		Type: "urn:tallydock:problem:" + code, Title: title(status), Status: status, Detail: detail, Code: code,
	}
}

func title(status int) string {
	if t := http.StatusText(status); t != "" {
		return t
	}
	return "Error"
}

// problemOf turns a room's error into an answer; what nobody foresaw is logged and told without its words.
func problemOf(ctx context.Context, log *slog.Logger, where string, err error) *Problem {
	var already *Problem
	if errors.As(err, &already) {
		return already
	}
	var file *sheet.Refused
	if errors.As(err, &file) {
		return importProblem(file.Report)
	}
	var soon limited
	if errors.As(err, &soon) {
		return waitProblem("too_many_requests", err, soon.wait)
	}
	var locked tenant.Locked
	if errors.As(err, &locked) {
		return waitProblem("too_many_attempts", err, locked.Wait)
	}
	for _, k := range kinds {
		if errors.Is(err, k.is) {
			return newProblem(k.status, k.code, err.Error())
		}
	}
	log.ErrorContext(ctx, "request failed", "route", where, "err", err)
	return newProblem(http.StatusInternalServerError, "internal", "the hub could not do this; its log says why")
}

func waitProblem(code string, err error, wait time.Duration) *Problem {
	p := newProblem(http.StatusTooManyRequests, code, err.Error())
	p.Params = map[string]string{"seconds": seconds(wait)}
	return p
}

// problemStatus is the status that an error is answered with.
func problemStatus(err error) int {
	return problemOf(context.Background(), slog.New(slog.DiscardHandler), "", err).Status
}

// GetHeaders is what huma adds to the answer.
func (p *Problem) GetHeaders() http.Header {
	if after := p.Params["seconds"]; after != "" {
		return http.Header{"Retry-After": {after}}
	}
	return nil
}

// mostParts is how many of an import's problems are also listed as errors; the report has all.
const mostParts = 100

func importProblem(r sheet.Report) *Problem {
	p := newProblem(http.StatusUnprocessableEntity, "import_refused", "nothing was imported")
	p.Params, p.Report = map[string]string{"kind": r.Table}, &r
	for _, f := range r.Problems[:min(len(r.Problems), mostParts)] {
		p.Errors = append(p.Errors, ProblemPart{Line: f.Row, Column: f.Column, Code: string(f.Code), Message: f.Text("en")})
	}
	return p
}

// wrong is a problem with values of a body.
func wrong(parts ...ProblemPart) *Problem {
	p := newProblem(http.StatusUnprocessableEntity, "invalid", "the request cannot be right: errors say why")
	p.Errors = parts
	return p
}

// pointer makes a JSON pointer (RFC 6901), as a fragment, of the place of a value as huma names it; "" where it is not in
// the body.
func pointer(location string) string {
	rest, ok := strings.CutPrefix(location, "body")
	if !ok {
		return ""
	}
	rest = strings.NewReplacer("~", "~0", "/", "~1", ".", "/", "[", "/", "]", "").Replace(rest)
	return "#" + rest
}

// ownProblems turns the errors that huma itself makes (unreadable or invalid input) into ours.
func ownProblems(_ huma.Context, _ string, v any) (any, error) {
	m, ok := v.(*huma.ErrorModel)
	if !ok {
		return v, nil
	}
	code, ok := codes[m.Status]
	if !ok {
		code = "error"
	}
	p := newProblem(m.Status, code, m.Detail)
	for _, e := range m.Errors {
		p.Errors = append(p.Errors, ProblemPart{Pointer: pointer(e.Location), Location: e.Location, Message: e.Message})
	}
	return p, nil
}
