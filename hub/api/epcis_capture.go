package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/tallydock/tallydock/hub/connect/capture"
	"github.com/tallydock/tallydock/hub/connect/epcis"
	"github.com/tallydock/tallydock/hub/fault"
)

// errCaptureSize is of documents that are more than is captured at once.
var errCaptureSize = fault.New(fault.Invalid, "the document is too large")

// captureError tells a document that is too large from an answer that is.
func captureError(err error) error {
	var much *http.MaxBytesError
	if errors.Is(err, epcis.ErrTooLarge) || errors.As(err, &much) {
		return fmt.Errorf("%w: %w", errCaptureSize, err)
	}
	return err
}

// epcisCapture captures a document. It is done when the answer comes; the job says what became of it.
func (s *server) epcisCapture(ctx context.Context, w http.ResponseWriter, r *http.Request) error {
	behaviour := capture.Behaviour(r.Header.Get("GS1-Capture-Error-Behaviour"))
	switch behaviour {
	case "":
		behaviour = capture.Rollback
	case capture.Rollback, capture.Proceed:
	default:
		return fmt.Errorf("%w: GS1-Capture-Error-Behaviour %.20q is neither rollback nor proceed", fault.Invalid, behaviour)
	}
	body, err := jsonBody(w, r)
	if err != nil {
		return err
	}
	job, err := s.Capture.Capture(ctx, body, behaviour, sessionFrom(ctx).User)
	if err != nil {
		return captureError(err)
	}
	w.Header().Set("Location", epcisRoot+"/capture/"+job.ID)
	w.Header().Set("GS1-Capture-Error-Behaviour", string(behaviour))
	w.WriteHeader(http.StatusAccepted)
	return nil
}

// epcisCaptureEvent captures one event.
func (s *server) epcisCaptureEvent(ctx context.Context, w http.ResponseWriter, r *http.Request) error {
	body, err := jsonBody(w, r)
	if err != nil {
		return err
	}
	e, err := s.Capture.CaptureEvent(ctx, body, sessionFrom(ctx).User)
	if err != nil {
		return captureError(err)
	}
	w.Header().Set("Location", epcisRoot+"/events/"+url.PathEscape(e.Identity()))
	w.Header().Set("Content-Type", answerType(r))
	w.WriteHeader(http.StatusCreated)
	return epcis.Document{Type: e.Type, Events: []epcis.Event{e}}.Encode(w)
}

// captureJob is a job as the binding has it. Members with a prefix are ours.
type captureJob struct {
	ID            string         `json:"captureID"`
	Created       time.Time      `json:"createdAt"`
	Finished      time.Time      `json:"finishedAt"`
	Running       bool           `json:"running"`
	Success       bool           `json:"success"`
	Behaviour     string         `json:"captureErrorBehaviour"`
	Errors        []epcisProblem `json:"errors"`
	Captured      int            `json:"tallydock:captured"`
	Known         int            `json:"tallydock:known"`
	Discrepancies int            `json:"tallydock:discrepancies"`
}

func captureJobOf(j capture.Job) captureJob {
	out := captureJob{
		ID: j.ID, Created: j.At, Finished: j.Finished, Success: j.Success, Behaviour: string(j.Behaviour), Errors: []epcisProblem{},
		Captured: j.Captured, Known: j.Known, Discrepancies: j.Parked,
	}
	for _, e := range j.Errors {
		exception := "Validation"
		if e.Status == http.StatusConflict {
			exception = "ResourceAlreadyExists"
		}
		path := e.Path
		if path == "" {
			path = e.Event
		}
		out.Errors = append(out.Errors, newEPCISProblem(e.Status, exception, e.What, []epcis.Problem{{Path: path, What: e.What, Do: e.Do}}))
	}
	return out
}

func (s *server) epcisJob(ctx context.Context, w http.ResponseWriter, r *http.Request) error {
	job, err := s.Capture.Job(ctx, r.PathValue("captureID"))
	if err != nil {
		return err
	}
	return writeEPCIS(w, r, captureJobOf(job))
}

func (s *server) epcisJobs(ctx context.Context, w http.ResponseWriter, r *http.Request) error {
	perPage, token, err := epcisPage(r)
	if err != nil {
		return err
	}
	all, err := s.Capture.Jobs(ctx, token, perPage+1)
	if err != nil {
		return err
	}
	if len(all) > perPage {
		all = all[:perPage]
		s.nextPage(w, r, all[perPage-1].ID)
	}
	out := make([]captureJob, 0, len(all))
	for _, j := range all {
		out = append(out, captureJobOf(j))
	}
	return writeEPCIS(w, r, out)
}
