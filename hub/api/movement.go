package api

import (
	"context"
	"time"

	"github.com/tallydock/tallydock/hub/ledger"
	"github.com/tallydock/tallydock/hub/view"
)

// Movement is one fact of the ledger.
type Movement struct {
	ID          string          `json:"id"`
	Kind        string          `json:"kind" doc:"receive, ship, move, found, lost, unseen, reverse"`
	Source      string          `json:"source" doc:"who said so, e.g. edge:SZ1-E1"`
	EffectiveAt time.Time       `json:"effective_at"`
	RecordedAt  time.Time       `json:"recorded_at"`
	Actor       string          `json:"actor"`
	Key         string          `json:"key" doc:"unique name of the fact at its source"`
	Reverses    string          `json:"reverses" doc:"id of the movement that this takes back, or empty"`
	Evidence    ledger.Evidence `json:"evidence"`
	Entries     []Entry         `json:"entries" doc:"quantities of an item add up to 0"`
}

// Entry is one line of a movement.
type Entry struct {
	Item     string `json:"item"`
	Lot      string `json:"lot"`
	Tag      string `json:"tag"`
	Location string `json:"location"`
	State    string `json:"state"`
	Quantity int64  `json:"quantity"`
}

func movementBody(m ledger.Movement) Movement {
	out := Movement{
		ID: m.ID, Kind: string(m.Kind), Source: m.Source, EffectiveAt: m.EffectiveAt.UTC(), RecordedAt: m.RecordedAt.UTC(),
		Actor: m.Actor, Key: m.Key, Reverses: m.Reverses, Evidence: m.Evidence, Entries: make([]Entry, 0, 2*len(m.Lines)),
	}
	for _, e := range m.Entries() {
		out.Entries = append(out.Entries, Entry{e.Item, e.Lot, e.Tag.String(), e.Location, string(e.State), e.Quantity})
	}
	return out
}

func movementBodies(all []ledger.Movement) []Movement {
	out := make([]Movement, 0, len(all))
	for _, m := range all {
		out = append(out, movementBody(m))
	}
	return out
}

type movementsInput struct {
	Item     string `query:"item" maxLength:"200"`
	Location string `query:"location" maxLength:"200"`
	Tag      string `query:"tag" maxLength:"200"`
	Before   string `query:"before" maxLength:"200" doc:"cursor: next of the page before"`
	Limit    int    `query:"limit" minimum:"1" maximum:"500" default:"50"`
}

func (s *server) movements(ctx context.Context, in *movementsInput) (list[Movement], error) {
	f := view.MovementFilter{Item: in.Item, Location: in.Location, Tag: in.Tag, Before: in.Before, Limit: in.Limit}
	page, next, err := s.View.Movements(ctx, f)
	if err != nil {
		return list[Movement]{}, err
	}
	return listOf(movementBodies(page), next), nil
}

// ByID is the input of a route about one thing. (It is exported because huma fills no others when they are embedded.)
type ByID struct {
	ID string `path:"id" maxLength:"200"`
}

func (s *server) movement(ctx context.Context, in *ByID) (Movement, error) {
	m, err := s.Movements.Movement(ctx, in.ID)
	return movementBody(m), err
}
