package api

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"

	"github.com/tallydock/tallydock/hub/connect/epcis"
	"github.com/tallydock/tallydock/hub/fault"
)

// ownMovements asks for the movements that the hub's own readers decided, in place of events that were captured.
const ownMovements = "tallydock:movements"

func (s *server) epcisEvents(ctx context.Context, w http.ResponseWriter, r *http.Request) error {
	return s.answerQuery(ctx, w, r, r.URL.Query(), epcis.SimpleEventQuery)
}

// answerQuery answers a page of the events that a query asks for.
func (s *server) answerQuery(ctx context.Context, w http.ResponseWriter, r *http.Request, values url.Values, name string) error {
	var from epcis.Store = s.EPCIS
	if values.Get(ownMovements) == "true" {
		from = s.OwnEvents
		values.Del(ownMovements)
	}
	q, err := epcis.ParseQuery(values)
	if err != nil {
		return err
	}
	page, err := q.Answer(ctx, from)
	if err != nil {
		return err
	}
	s.nextPage(w, r, page.Next)
	return s.writeEvents(w, r, page.Events, name)
}

func (s *server) writeEvents(w http.ResponseWriter, r *http.Request, events []epcis.Event, query string) error {
	w.Header().Set("Content-Type", answerType(r))
	return epcis.Document{Type: epcis.QueryDocument, Created: s.Clock.Now().UTC(), Query: query, Events: events}.Encode(w)
}

func (s *server) epcisEvent(ctx context.Context, w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("eventID")
	events, err := s.EPCIS.ByID(ctx, id)
	if err == nil && len(events) == 0 {
		events, err = s.OwnEvents.ByID(ctx, id)
	}
	if err == nil && len(events) == 0 {
		err = fmt.Errorf("%w: event %.200q", fault.NotFound, id)
	}
	if err != nil {
		return err
	}
	return s.writeEvents(w, r, events, epcis.SimpleEventQuery)
}

// epcisNames answers what events name of a kind.
func (s *server) epcisNames(kind string) epcisHandler {
	return func(ctx context.Context, w http.ResponseWriter, r *http.Request) error {
		perPage, token, err := epcisPage(r)
		if err != nil {
			return err
		}
		after, err := base64.RawURLEncoding.DecodeString(token)
		if err != nil {
			return fmt.Errorf("%w: nextPageToken %.40q is none that was given here: ask from the start", fault.Invalid, token)
		}
		names, err := s.EPCIS.Names(ctx, kind, string(after), perPage+1)
		if err != nil {
			return err
		}
		if len(names) > perPage {
			names = names[:perPage]
			s.nextPage(w, r, base64.RawURLEncoding.EncodeToString([]byte(names[perPage-1])))
		}
		return writeEPCIS(w, r, collectionOf(names))
	}
}

// named gives the parameters of a query for the events of one name.
func named(r *http.Request, variable, parameter string) (url.Values, error) {
	values := r.URL.Query()
	if values.Has(parameter) {
		return nil, fmt.Errorf("%w: %s is in the path already: leave it out, or ask /events", fault.Invalid, parameter)
	}
	if v := r.PathValue(variable); v != "all" || variable != "eventType" {
		values.Set(parameter, v)
	}
	return values, nil
}

// epcisName answers what there is of one name.
func (s *server) epcisName(variable, parameter string) epcisHandler {
	return func(ctx context.Context, w http.ResponseWriter, r *http.Request) error {
		q, err := epcis.ParseQuery(url.Values{parameter: {r.PathValue(variable)}, "perPage": {"1"}})
		if err != nil {
			return err
		}
		page, err := q.Answer(ctx, s.EPCIS)
		if err == nil && len(page.Events) == 0 {
			err = fmt.Errorf("%w: no event names %.200q", fault.NotFound, r.PathValue(variable))
		}
		if err != nil {
			return err
		}
		return writeEPCIS(w, r, collectionOf([]string{"events"}))
	}
}

// epcisEventsOf answers the events of one name.
func (s *server) epcisEventsOf(variable, parameter string) epcisHandler {
	return func(ctx context.Context, w http.ResponseWriter, r *http.Request) error {
		values, err := named(r, variable, parameter)
		if err != nil {
			return err
		}
		return s.answerQuery(ctx, w, r, values, epcis.SimpleEventQuery)
	}
}

// maxQuery is the longest query that is kept, in bytes.
const maxQuery = 64 << 10

func (s *server) epcisAddQuery(ctx context.Context, w http.ResponseWriter, r *http.Request) error {
	body, err := jsonBody(w, r)
	if err != nil {
		return err
	}
	var q epcis.NamedQuery
	text, err := io.ReadAll(io.LimitReader(body, maxQuery+1))
	if err != nil {
		return fmt.Errorf("%w: cannot read the query: %w", fault.Invalid, err)
	}
	if err := json.Unmarshal(text, &q); err != nil || len(text) > maxQuery {
		return fmt.Errorf("%w: a query has a name and a query, and up to %d bytes", fault.Invalid, maxQuery)
	}
	if err := q.Check(); err != nil {
		return err
	}
	if err := s.EPCIS.AddQuery(ctx, q, sessionFrom(ctx).User); err != nil {
		return err
	}
	w.Header().Set("Location", epcisRoot+"/queries/"+q.Name)
	w.WriteHeader(http.StatusCreated)
	return nil
}

func (s *server) epcisQueries(ctx context.Context, w http.ResponseWriter, r *http.Request) error {
	all, err := s.EPCIS.Queries(ctx)
	if err != nil {
		return err
	}
	return writeEPCIS(w, r, all)
}

// keptQuery reads the query of the request's path.
func (s *server) keptQuery(ctx context.Context, r *http.Request) (q epcis.NamedQuery, err error) {
	name := r.PathValue("queryName")
	if name == epcis.SimpleEventQuery {
		return epcis.NamedQuery{Name: name, Query: json.RawMessage(`{}`)}, nil
	}
	all, err := s.EPCIS.Queries(ctx)
	if err != nil {
		return q, err
	}
	i := slices.IndexFunc(all, func(q epcis.NamedQuery) bool { return q.Name == name })
	if i < 0 {
		return q, fmt.Errorf("%w: query %.100q", fault.NotFound, name)
	}
	return all[i], nil
}

func (s *server) epcisQuery(ctx context.Context, w http.ResponseWriter, r *http.Request) error {
	q, err := s.keptQuery(ctx, r)
	if err != nil {
		return err
	}
	return writeEPCIS(w, r, q)
}

func (s *server) epcisRemoveQuery(ctx context.Context, w http.ResponseWriter, r *http.Request) error {
	if err := s.EPCIS.RemoveQuery(ctx, r.PathValue("queryName")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// epcisQueryEvents answers a kept query, by pages as the address asks for them.
func (s *server) epcisQueryEvents(ctx context.Context, w http.ResponseWriter, r *http.Request) error {
	q, err := s.keptQuery(ctx, r)
	if err != nil {
		return err
	}
	values, err := q.Values()
	if err != nil {
		return err
	}
	for name, v := range r.URL.Query() {
		if name != "perPage" && name != "nextPageToken" {
			err = errors.Join(err, fmt.Errorf("%w: parameter %.40q: a kept query takes perPage and nextPageToken alone", fault.Invalid, name))
		}
		values[name] = v
	}
	if err != nil {
		return err
	}
	return s.answerQuery(ctx, w, r, values, q.Name)
}

func (s *server) epcisForgetToken(context.Context, http.ResponseWriter, *http.Request) error {
	return errTokens
}
