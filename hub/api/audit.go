package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/tallydock/tallydock/hub/audit"
	"github.com/tallydock/tallydock/hub/fault"
)

var errNoAudit = fault.New(fault.Unavailable, "this hub keeps no log of changes")

type auditInput struct {
	From     time.Time `query:"from"`
	To       time.Time `query:"to" doc:"before it"`
	User     string    `query:"user" maxLength:"100"`
	Resource string    `query:"resource" maxLength:"100" doc:"kind of thing, such as user or api-token"`
	ID       string    `query:"id" maxLength:"300" doc:"and of it this one"`
	Before   string    `query:"before" maxLength:"30" doc:"cursor: next of the page before"`
	Limit    int       `query:"limit" minimum:"1" maximum:"1000" default:"100"`
}

func (in *auditInput) filter() (f audit.Filter, err error) {
	f = audit.Filter{From: in.From, To: in.To, User: in.User, Resource: in.Resource, ID: in.ID, Limit: in.Limit}
	if in.Before != "" {
		if f.Before, err = strconv.ParseInt(in.Before, 10, 64); err != nil || f.Before < 1 {
			return f, fmt.Errorf("%w: before %q is no cursor of this list", fault.Invalid, in.Before)
		}
	}
	return f, nil
}

// Change is an entry of the log of changes.
type Change struct {
	Seq        int64           `json:"seq" doc:"1, 2, 3 … without a gap"`
	At         time.Time       `json:"at"`
	User       string          `json:"user"`
	Token      string          `json:"token" doc:"id of the API token; empty = in person"`
	Address    string          `json:"address"`
	Request    string          `json:"request" doc:"X-Request-ID of the answer"`
	Permission string          `json:"permission"`
	Action     string          `json:"action"`
	Resource   string          `json:"resource"`
	ID         string          `json:"id"`
	Before     json.RawMessage `json:"before" doc:"null where it was not there; secrets are masked"`
	After      json.RawMessage `json:"after"`
	Outcome    string          `json:"outcome" enum:"done,refused,failed"`
	Hash       string          `json:"hash" doc:"SHA-256 of the entry and of the one before it"`
}

func changeBody(e audit.Entry) Change {
	return Change{
		e.Seq, e.At.UTC(), e.User, e.Token, e.Address, e.Request, e.Permission, e.Action, e.Resource, e.ID, e.Before, e.After,
		string(e.Outcome), fmt.Sprintf("%x", e.Hash),
	}
}

func (s *server) audit(ctx context.Context, in *auditInput) (list[Change], error) {
	f, err := in.filter()
	if err != nil {
		return list[Change]{}, err
	}
	if s.Audit == nil {
		return list[Change]{}, errNoAudit
	}
	page, next, err := s.Audit.Entries(ctx, f)
	out := make([]Change, 0, len(page))
	for _, e := range page {
		out = append(out, changeBody(e))
	}
	cursor := ""
	if next > 0 {
		cursor = strconv.FormatInt(next, 10)
	}
	return listOf(out, cursor), err
}

// exportAudit answers a line of JSON for each entry; who reads slowly is waited for page by page, as long as lines are taken.
func (s *server) exportAudit(a huma.API, op huma.Operation) {
	op.Responses = map[string]*huma.Response{"200": {
		Description: "an entry a line", Content: map[string]*huma.MediaType{"application/x-ndjson": {Schema: &huma.Schema{Type: "string"}}},
	}}
	huma.Register(a, op, func(ctx context.Context, in *auditInput) (*huma.StreamResponse, error) {
		f, err := in.filter()
		if err == nil && s.Audit == nil {
			err = errNoAudit
		}
		if err != nil {
			return nil, s.problem(ctx, op, err)
		}
		f.Limit = audit.MaxPage
		page, next, err := s.Audit.Entries(ctx, f)
		if err != nil {
			return nil, s.problem(ctx, op, err)
		}
		return &huma.StreamResponse{Body: func(c huma.Context) {
			req, w := humago.Unwrap(c)
			w.Header().Set("Content-Type", "application/x-ndjson")
			w.Header().Set("Content-Disposition", `attachment; filename="changes.ndjson"`)
			ctrl, lines := http.NewResponseController(w), json.NewEncoder(w)
			for {
				err := ctrl.SetWriteDeadline(time.Now().Add(writeWithin))
				for i := 0; i < len(page) && err == nil; i++ {
					err = lines.Encode(changeBody(page[i]))
				}
				if f.Before = next; next == 0 || err != nil {
					return
				}
				if page, next, err = s.Audit.Entries(req.Context(), f); err != nil {
					s.Log.ErrorContext(req.Context(), "export of the log of changes was cut off", "err", err)
					lines.Encode(map[string]bool{"incomplete": true})
					return
				}
			}
		}}, nil
	})
}

// Verification is what a walk along the log of changes found.
type Verification struct {
	Entries int64    `json:"entries"`
	Wrong   []string `json:"wrong" doc:"what does not fit; empty = all is as it was written"`
	Seal    string   `json:"seal" doc:"the end of the chain: keep it elsewhere, to show later that nothing before was changed"`
}

func (s *server) verifyAudit(ctx context.Context, _ *empty) (Verification, error) {
	if s.Audit == nil {
		return Verification{}, errNoAudit
	}
	v, err := s.Audit.Verify(ctx)
	return Verification{v.Entries, listOf(v.Wrong, "").Items, v.Seal}, err
}
