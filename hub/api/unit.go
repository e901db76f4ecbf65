package api

import (
	"context"
	"errors"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/hub/ledger"
	"github.com/tallydock/tallydock/hub/tenant"
)

// Units tells what is packed in what; a store.Ledger does.
type Units interface {
	Unit(ctx context.Context, t devices.Tag) (ledger.Unit, error)
	// Whereabouts gives where the ledger has tags; those that it never had are left out.
	Whereabouts(ctx context.Context, tags []devices.Tag) (map[devices.Tag]ledger.Location, error)
}

// unitRoutes are for tags that hold others: cases, pallets.
func (s *server) unitRoutes() []route {
	return []route{
		{"GET", "/units/{id}", at(tenant.StockRead), "unit", "What a tag is packed in, and what is in it", answer(s, s.unit), 0},
		{"POST", "/units/{id}/pack", at(tenant.LedgerPost), "packUnit", "Put tags into another one", answer(s, s.pack), 256 << 10},
		{"POST", "/units/{id}/unpack", at(tenant.LedgerPost), "unpackUnit", "Take tags, or all, out of another one", answer(s, s.unpack), 256 << 10},
	}
}

// Unit is a tag with what it is packed in and what is in it.
type Unit struct {
	Tag      string   `json:"tag"`
	Parent   string   `json:"parent" doc:"empty = it is in nothing"`
	Contents []string `json:"contents" doc:"at any depth"`
}

// byTag reads the tag of a path.
func byTag(id string) (devices.Tag, error) {
	tag, err := devices.ParseTag(id)
	if err != nil {
		return tag, wrong(ProblemPart{Location: "path.id", Code: "not_a_tag", Message: err.Error()})
	}
	return tag, nil
}

func (s *server) unit(ctx context.Context, in *ByID) (Unit, error) {
	tag, err := byTag(in.ID)
	if err != nil {
		return Unit{}, err
	}
	return s.unitOf(ctx, tag)
}

func (s *server) unitOf(ctx context.Context, tag devices.Tag) (Unit, error) {
	u, err := s.Units.Unit(ctx, tag)
	out := Unit{Tag: tag.String(), Contents: bodies(u.Contents, devices.Tag.String)}
	if !u.Parent.IsZero() {
		out.Parent = u.Parent.String()
	}
	return out, err
}

type packInput struct {
	ByID
	Body struct {
		Children []string `json:"children" minItems:"1" maxItems:"2000" doc:"tags; what was in another one leaves that"`
	}
}

func (s *server) pack(ctx context.Context, in *packInput) (Unit, error) {
	return s.aggregate(ctx, in.ID, in.Body.Children, true)
}

type unpackInput struct {
	ByID
	Body struct {
		Children []string `json:"children,omitempty" maxItems:"2000" doc:"left out = all"`
	}
}

func (s *server) unpack(ctx context.Context, in *unpackInput) (Unit, error) {
	return s.aggregate(ctx, in.ID, in.Body.Children, false)
}

// aggregate puts children into a parent or takes them out, and gives the parent as it is then.
func (s *server) aggregate(ctx context.Context, id string, children []string, add bool) (Unit, error) {
	parent, err := byTag(id)
	if err != nil {
		return Unit{}, err
	}
	tags, err := parseTags(children, "#/children")
	if err != nil {
		return Unit{}, err
	}
	now, who := s.now(), sessionFrom(ctx).User
	err = s.Books.Do(ctx, &ledger.Pack{All: len(tags) == 0, Aggregation: ledger.Aggregation{
		ID: s.NewID(), Key: s.ledgerKey(ctx), Parent: parent, Children: tags, Add: add, At: now, RecordedAt: now, Actor: who,
		Source: "user:" + who,
	}})
	if err != nil && !errors.Is(err, ledger.ErrDuplicate) { // else it was done under this key already
		return Unit{}, err
	}
	return s.unitOf(ctx, parent)
}
