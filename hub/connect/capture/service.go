package capture

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/tallydock/tallydock/hub/connect/epcis"
	"github.com/tallydock/tallydock/hub/fault"
)

// Config is what a Service works with; all but Limits is needed.
type Config struct {
	Now    func() time.Time
	NewID  func() string // UUIDv7
	Limits epcis.Limits
}

// Service captures events. Safe for concurrent use.
type Service struct {
	Config
	store Store
}

// New makes a Service.
func New(c Config, s Store) *Service { return &Service{c, s} }

// errUndone ends a transaction of which a job tells.
var errUndone = errors.New("nothing of the document is taken")

// Capture takes a document. What is wrong with a whole document, or with an event of one that is to be taken whole, comes as
// the error of epcis.Decode, and no job is made. An event that contradicts one that there is, is the job's to tell.
func (s *Service) Capture(ctx context.Context, r io.Reader, b Behaviour, actor string) (Job, error) {
	began := s.Now().UTC()
	doc, err := epcis.Decode(r, s.Limits)
	var refusal *epcis.Refusal
	if partly := b == Proceed && errors.As(err, &refusal) && len(doc.Events) > 0; err != nil && !partly {
		return Job{}, err
	}
	job := Job{ID: s.NewID(), At: began, Actor: actor, Behaviour: b}
	if refusal != nil {
		for _, p := range refusal.Problems {
			job.Errors = append(job.Errors, Problem{Path: p.Path, What: p.What, Do: p.Do, Status: http.StatusBadRequest})
		}
		if refusal.More > 0 {
			job.Errors = append(job.Errors, Problem{What: fmt.Sprintf("%d problems more", refusal.More), Status: http.StatusBadRequest})
		}
	}
	wrong := len(job.Errors)
	for i, e := range doc.Events {
		doc.Events[i] = e.Recorded(began)
	}
	err = s.store.Capture(ctx, func(tx Tx) error {
		job.Errors, job.Captured, job.Known, job.Parked = job.Errors[:wrong], 0, 0, 0
		if err := s.take(tx, doc.Events, &job); err != nil {
			return err
		}
		if b == Rollback && len(job.Errors) > 0 {
			return errUndone
		}
		return tx.PutJob(s.finished(&job))
	})
	if errors.Is(err, errUndone) {
		job.Captured, job.Known, job.Parked = 0, 0, 0
		err = s.store.Capture(ctx, func(tx Tx) error { return tx.PutJob(s.finished(&job)) })
	}
	return job, err
}

func (s *Service) finished(j *Job) Job {
	j.Finished, j.Success = s.Now().UTC(), len(j.Errors) == 0
	return *j
}

// CaptureEvent takes one event and gives it as it is kept. Errors: those of epcis.Decode; epcis.ErrContradiction.
func (s *Service) CaptureEvent(ctx context.Context, r io.Reader, actor string) (epcis.Event, error) {
	doc, err := epcis.Decode(r, s.Limits)
	if err != nil {
		return epcis.Event{}, err
	}
	if len(doc.Events) != 1 || doc.Type == epcis.CaptureDocument || doc.Type == epcis.QueryDocument {
		return epcis.Event{}, fmt.Errorf("%w: this is no single event: send documents to /capture", fault.Invalid)
	}
	e := doc.Events[0].Recorded(s.Now().UTC())
	err = s.store.Capture(ctx, func(tx Tx) error {
		job := Job{Actor: actor}
		if err := s.take(tx, []epcis.Event{e}, &job); err != nil || len(job.Errors) == 0 {
			return err
		}
		return fmt.Errorf("event %s: %w", e.Key(), epcis.ErrContradiction)
	})
	return e, err
}

// take keeps the events that are new, and books them.
func (s *Service) take(tx Tx, events []epcis.Event, job *Job) error {
	known, err := tx.KnownEvents(events)
	if err != nil {
		return err
	}
	var fresh []epcis.Event
	for i, e := range events {
		switch {
		case known[i] == nil:
			fresh = append(fresh, e)
		case *known[i] == epcis.EventHash(e):
			job.Known++
		default:
			job.Errors = append(job.Errors, Problem{
				Event: e.Key(), What: epcis.ErrContradiction.Error(), Do: "give it an id of its own, or declare the other one wrong", Status: http.StatusConflict,
			})
		}
	}
	if job.Behaviour == Rollback && len(job.Errors) > 0 {
		return nil
	}
	if err := tx.PutEvents(fresh); err != nil {
		return err
	}
	job.Captured = len(fresh)
	b := s.booker(tx, job.Actor)
	slices.SortStableFunc(fresh, func(a, b epcis.Event) int { return happened(a).Compare(happened(b)) })
	if err := b.expect(fresh); err != nil {
		return err
	}
	for _, e := range fresh {
		why, err := b.book(e)
		if err == nil && why != nil {
			job.Parked++
			err = s.park(tx, e, *why)
		}
		if err != nil {
			return fmt.Errorf("event %s: %w", e.Key(), err)
		}
	}
	return nil
}

// happened is when an event counts.
func happened(e epcis.Event) time.Time {
	if e.Error != nil {
		return e.Error.Time
	}
	return e.Time
}

// Job reads what became of a capture. Errors: fault.NotFound.
func (s *Service) Job(ctx context.Context, id string) (Job, error) { return s.store.Job(ctx, id) }

// Jobs lists captures, newest first.
func (s *Service) Jobs(ctx context.Context, before string, limit int) ([]Job, error) {
	return s.store.Jobs(ctx, before, limit)
}
