package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/tallydock/tallydock/hub/catalog"
	"github.com/tallydock/tallydock/hub/tenant"
)

// prefix of every path of the table.
const prefix = "/api/v1"

// access is who may use a route. There is no default: a route that says nothing is refused at start.
type access uint8

const (
	public   access = 1 + iota
	viewer          // and above
	operator        // and above
	planning        // planners and above
	admin
)

var accessNames = map[access]string{public: "public", viewer: "viewer", operator: "operator", planning: "planner", admin: "admin"}

// role is the least role that has this access.
func (a access) role() tenant.Role {
	return map[access]tenant.Role{viewer: tenant.Viewer, operator: tenant.Operator, planning: tenant.Planner, admin: tenant.Admin}[a]
}

// route is one line of the API.
type route struct {
	method, path string
	access       access
	id, summary  string
	register     func(huma.API, huma.Operation)
	maxBody      int64 // bytes; 0 = 64 KiB
}

// changes reports whether the route is a change, which needs the CSRF token.
func (r route) changes() bool { return r.method != http.MethodGet && r.method != http.MethodOptions }

// routes is the table.
func (s *server) routes() []route {
	return append(append(s.epcisRoutes(), s.webhookRoutes()...), []route{
		{"POST", "/session", public, "signIn", "Sign in", s.signIn, 0},
		{"GET", "/session", viewer, "session", "Who is signed in", answer(s, s.session), 0},
		{"DELETE", "/session", viewer, "signOut", "Sign out", s.signOut, 0},
		{"GET", "/about", public, "about", "Version, hub and clock", answer(s, s.about), 0},
		{"GET", "/openapi.json", public, "openapi", "This description", s.openapi, 0},
		{"GET", "/events", viewer, "events", "What happens, as server-sent events", s.events, 0},

		{"GET", "/stock/snapshot", viewer, "stockSnapshot", "All stock, in columns", answer(s, s.stockSnapshot), 0},
		{"GET", "/stock/{item}/{location}", viewer, "stockRow", "A row of stock, explained", answer(s, s.stockRow), 0},
		{"GET", "/movements", viewer, "movements", "Movements, newest first", answer(s, s.movements), 0},
		{"GET", "/movements/{id}", viewer, "movement", "A movement with its entries", answer(s, s.movement), 0},

		{"GET", "/doors", viewer, "doors", "Dock doors", answer(s, s.doors), 0},
		{"GET", "/doors/{id}/passes", viewer, "passes", "Passes of a door, newest first", answer(s, s.passes), 0},
		{"GET", "/doors/{id}/verdicts", viewer, "verdicts", "What passes were against the lists of a door", answer(s, s.verdicts), 0},
		{"POST", "/doors/{id}/expected", operator, "expect", "Put a list at a door; without tags and items, take it away", answer(s, s.expect), 256 << 10},
		{"GET", "/passes/{id}", viewer, "pass", "A pass with what it moved", answer(s, s.pass), 0},

		{"GET", "/alarms", viewer, "alarms", "Alarms", answer(s, s.alarms), 0},
		{"GET", "/alarms/{id}", viewer, "alarm", "An alarm with its life", answer(s, s.alarm), 0},
		{"POST", "/alarms/{id}/acknowledge", operator, "acknowledgeAlarm", "Take note of an alarm", answer(s, s.acknowledge), 0},
		{"POST", "/alarms/{id}/shelve", operator, "shelveAlarm", "Hide an alarm for a time", answer(s, s.shelve), 0},
		{"POST", "/alarms/{id}/unshelve", operator, "unshelveAlarm", "Show a shelved alarm again", answer(s, s.unshelve), 0},

		{"POST", "/alarms/{id}/remove-from-service", operator, "removeAlarm", "Take an alarm out for maintenance", answer(s, s.removeFromService), 0},
		{"POST", "/alarms/{id}/return-to-service", operator, "returnAlarm", "Bring an alarm back from maintenance", answer(s, s.returnToService), 0},
		{"POST", "/alarms/{id}/reset", operator, "resetAlarm", "End a latched alarm", answer(s, s.resetAlarm), 0},
		{"GET", "/excursions", viewer, "excursions", "Times outside limits, newest first", answer(s, s.excursions), 0},
		{"GET", "/excursions/{id}", viewer, "excursion", "An excursion with the goods and lots that were there", answer(s, s.excursion), 0},

		{"GET", "/edges", viewer, "edges", "Edge gateways with their devices", answer(s, s.edges), 0},
		{"GET", "/series", viewer, "series", "Measured values over time", answer(s, s.series), 0},

		{"GET", "/catalog/items", viewer, "items", "Items", answer(s, s.items), 0},
		{"GET", "/catalog/locations", viewer, "locations", "Locations", answer(s, s.locations), 0},
		{"GET", "/catalog/suppliers", viewer, "suppliers", "Suppliers", answer(s, s.suppliers), 0},
		{"POST", "/catalog/import/{kind}", planning, "import", "Import a CSV file, all rows or none", answer(s, s.importFile), catalog.MaxImportBytes},

		{"GET", "/proposals", viewer, "proposals", "Orders that the planner suggests", answer(s, s.proposals), 0},
		{"GET", "/proposals/{id}", viewer, "proposal", "A proposal with every figure behind it", answer(s, s.proposal), 0},
		{"POST", "/proposals/{id}/approve", planning, "approveProposal", "Order what is proposed", answer(s, s.approve), 0},
		{"POST", "/proposals/{id}/reject", planning, "rejectProposal", "Say no, and why", answer(s, s.reject), 0},
		{"POST", "/plan", planning, "plan", "Run the planner now", answer(s, s.plan), 0},
		{"GET", "/orders", viewer, "orders", "Purchase orders, newest first", answer(s, s.orders), 0},

		{"GET", "/quarantine", viewer, "quarantine", "Records that could not be applied", answer(s, s.quarantine), 0},
		{"POST", "/quarantine/{id}/retry", operator, "retryQuarantine", "Apply a record, whatever its confidence", answer(s, s.retryQuarantine), 0},
		{"POST", "/quarantine/{id}/discard", operator, "discardQuarantine", "Give a record up", answer(s, s.discardQuarantine), 0},
	}...)
}

// list is a page of things. Next is the cursor (before=) of the page after, "" at the end.
type list[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next"`
}

func listOf[T any](items []T, next string) list[T] {
	if items == nil {
		items = []T{}
	}
	return list[T]{items, next}
}

// empty is the input of a route that takes none.
type empty struct{}

type body[T any] struct{ Body T }

// answer registers a handler that gives what the body says, or a room's error.
func answer[I, O any](s *server, f func(context.Context, *I) (O, error)) func(huma.API, huma.Operation) {
	return func(a huma.API, op huma.Operation) {
		huma.Register(a, op, func(ctx context.Context, in *I) (*body[O], error) {
			out, err := f(ctx, in)
			if err != nil {
				return nil, s.problem(ctx, op, err)
			}
			return &body[O]{out}, nil
		})
	}
}

func (s *server) problem(ctx context.Context, op huma.Operation, err error) error {
	return problemOf(ctx, s.Log, op.Method+" "+op.Path, err)
}

// registerAll registers the table; an error tells every route that is wrong.
func (s *server) registerAll(a huma.API, table []route) error {
	var errs []error
	for _, r := range table {
		if accessNames[r.access] == "" {
			errs = append(errs, fmt.Errorf("route %s %s says nothing of who may use it", r.method, r.path))
			continue
		}
		r.register(a, s.operation(r))
	}
	return errors.Join(errs...)
}

func (s *server) operation(r route) huma.Operation {
	op := huma.Operation{
		Method: r.method, Path: r.fullPath(), OperationID: r.id, Summary: r.summary,
		Description: "Access: " + accessNames[r.access] + ".", Middlewares: huma.Middlewares{s.guard(r)},
		MaxBodyBytes: max(r.maxBody, 64<<10), BodyReadTimeout: 30 * time.Second,
	}
	if r.access != public {
		op.Security = []map[string][]string{{"session": {}}}
	}
	return op
}
