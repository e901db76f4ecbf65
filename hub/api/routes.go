package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/tallydock/tallydock/hub/tenant"
)

// slowest is how many bytes a second a client must send at least, once the first half minute is over.
const slowest = 128 << 10

// prefix of every path of the table.
const prefix = "/api/v1"

// kind says by what a route lets people in.
type kind uint8

const (
	open      kind = 1 + iota // anybody
	early                     // whoever is signed in, also while a password or an authenticator is still to be set
	signedIn                  // whoever is signed in
	inPerson                  // who is signed in and is no API token
	permitted                 // who has the permission
)

// access is who may use a route. There is no default: a route that says nothing is refused at start.
type access struct {
	kind  kind
	need  tenant.Permission // "" = none
	whole bool              // at all sites; else at one at least, and what is answered is narrowed to those (narrow.go)
}

var (
	public  = access{kind: open}
	coming  = access{kind: early}
	anybody = access{kind: signedIn}
	myself  = access{kind: inPerson}
)

// at is for those who have a permission at a site; they see and touch what is there.
func at(p tenant.Permission) access { return access{kind: permitted, need: p} }

// all is for those who have a permission at all sites.
func all(p tenant.Permission) access { return access{kind: permitted, need: p, whole: true} }

// String says it in a word, for the description and for tests.
func (a access) String() string {
	switch a.kind {
	case open:
		return "public"
	case early:
		return "signed in, also with something to set up first"
	case signedIn:
		return "signed in"
	case inPerson:
		return "in person"
	case permitted:
		if a.whole {
			return string(a.need) + " at all sites"
		}
		return string(a.need) + " at a site"
	}
	return ""
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
	return slices.Concat(s.houseRoutes(), s.ledgerRoutes(), s.reservationRoutes(), s.unitRoutes(), s.countRoutes(), s.policyRoutes(),
		s.documentRoutes(), s.sheetRoutes(), s.epcisRoutes(), s.webhookRoutes(), s.valuationRoutes())
}

func (s *server) houseRoutes() []route {
	return []route{
		{"POST", "/session", public, "signIn", "Sign in", s.signIn, 0},
		{"GET", "/session", coming, "session", "Who is signed in", answer(s, s.session), 0},
		{"DELETE", "/session", coming, "signOut", "Sign out", s.signOut, 0},
		{"GET", "/sessions", myself, "sessions", "The user's open sessions", answer(s, s.sessions), 0},
		{"DELETE", "/sessions/{id}", myself, "endSession", "End one of them", nothing(s, s.endSession), 0},
		{"GET", "/oidc", public, "provider", "The OIDC provider, where there is one", answer(s, s.provider), 0},
		{"GET", "/oidc/start", public, "startLogin", "Go to the provider to sign in", s.startLogin, 0},
		{"GET", "/oidc/callback", public, "finishLogin", "Come back from there", s.finishLogin, 0},

		{"GET", "/account", coming, "account", "The user who is signed in", answer(s, s.account), 0},
		{"POST", "/account/password", coming, "changePassword", "Change the own password", s.changePassword, 0},
		{"POST", "/account/totp", coming, "beginFactor", "Begin to set up an authenticator", answer(s, s.beginFactor), 0},
		{"POST", "/account/totp/confirm", coming, "confirmFactor", "Confirm it by its first code", answer(s, s.confirmFactor), 0},
		{"POST", "/account/totp/remove", myself, "removeFactor", "Take the own authenticator away", nothing(s, s.removeFactor), 0},
		{"GET", "/tokens", myself, "tokens", "The own API tokens", answer(s, s.tokens), 0},
		{"POST", "/tokens", myself, "makeToken", "Make an API token, which is shown this once", answer(s, s.makeToken), 0},
		{"DELETE", "/tokens/{id}", myself, "revokeToken", "End one of them", nothing(s, s.revokeToken), 0},

		{"GET", "/roles", anybody, "roles", "The roles with what each may do", answer(s, s.roles), 0},
		{"GET", "/users", all(tenant.UserManage), "users", "Users with their grants", answer(s, s.users), 0},
		{"POST", "/users", all(tenant.UserManage), "addUser", "Make a local user, whose password is shown this once", answer(s, s.addUser), 0},
		{"GET", "/users/{id}", all(tenant.UserManage), "user", "A user", answer(s, s.user), 0},
		{"POST", "/users/{id}/grants", all(tenant.UserManage), "setGrants", "Give a user other grants", answer(s, s.setGrants), 0},
		{"POST", "/users/{id}/disabled", all(tenant.UserManage), "disableUser", "Keep a user out, or let one in again", answer(s, s.disableUser), 0},
		{"POST", "/users/{id}/password", all(tenant.UserManage), "resetPassword", "Give a user a new password, which is shown this once", answer(s, s.resetPassword), 0},
		{"POST", "/users/{id}/totp/reset", all(tenant.UserManage), "resetFactor", "Take a user's authenticator away", nothing(s, s.resetFactor), 0},
		{"GET", "/users/{id}/tokens", all(tenant.UserManage), "userTokens", "API tokens of a user", answer(s, s.userTokens), 0},
		{"DELETE", "/users/{id}/tokens/{token}", all(tenant.UserManage), "revokeUserToken", "End one of them", nothing(s, s.revokeUserToken), 0},

		{"GET", "/audit", all(tenant.AuditRead), "audit", "The log of changes, newest first", answer(s, s.audit), 0},
		{"GET", "/audit/export", all(tenant.AuditRead), "exportAudit", "The log of changes as NDJSON, newest first", s.exportAudit, 0},
		{"GET", "/audit/verify", all(tenant.AuditRead), "verifyAudit", "Follow the log's chain", answer(s, s.verifyAudit), 0},

		{"GET", "/about", public, "about", "Version, hub and clock", answer(s, s.about), 0},
		{"GET", "/openapi.json", public, "openapi", "This description", s.openapi, 0},
		{"GET", "/events", anybody, "events", "What happens, as server-sent events", s.events, 0},

		{"GET", "/sites", at(tenant.StockRead), "sites", "Sites that one may see", answer(s, s.sites), 0},
		{"GET", "/stock/snapshot", at(tenant.StockRead), "stockSnapshot", "A page of a site's stock, in columns", answer(s, s.stockSnapshot), 0},
		{"GET", "/stock/{item}/{location}", at(tenant.StockRead), "stockRow", "A row of stock, explained", answer(s, s.stockRow), 0},
		{"GET", "/movements", at(tenant.StockRead), "movements", "Movements, newest first", answer(s, s.movements), 0},
		{"GET", "/movements/{id}", at(tenant.StockRead), "movement", "A movement with its entries", answer(s, s.movement), 0},

		{"GET", "/doors", at(tenant.StockRead), "doors", "Dock doors", answer(s, s.doors), 0},
		{"GET", "/doors/{id}/passes", at(tenant.StockRead), "passes", "Passes of a door, newest first", answer(s, s.passes), 0},
		{"GET", "/doors/{id}/verdicts", at(tenant.StockRead), "verdicts", "What passes were against the lists of a door", answer(s, s.verdicts), 0},
		{"POST", "/doors/{id}/expected", at(tenant.DoorExpect), "expect", "Put a list at a door; without tags and items, take it away", answer(s, s.expect), 256 << 10},
		{"GET", "/passes/{id}", at(tenant.StockRead), "pass", "A pass with what it moved", answer(s, s.pass), 0},

		{"GET", "/alarms", at(tenant.AlarmRead), "alarms", "Alarms", answer(s, s.alarms), 0},
		{"GET", "/alarms/{id}", at(tenant.AlarmRead), "alarm", "An alarm with its life", answer(s, s.alarm), 0},
		{"POST", "/alarms/{id}/acknowledge", at(tenant.AlarmAnswer), "acknowledgeAlarm", "Take note of an alarm", answer(s, s.acknowledge), 0},
		{"POST", "/alarms/{id}/shelve", at(tenant.AlarmAnswer), "shelveAlarm", "Hide an alarm for a time", answer(s, s.shelve), 0},
		{"POST", "/alarms/{id}/unshelve", at(tenant.AlarmAnswer), "unshelveAlarm", "Show a shelved alarm again", answer(s, s.unshelve), 0},

		{"POST", "/alarms/{id}/remove-from-service", at(tenant.AlarmAnswer), "removeAlarm", "Take an alarm out for maintenance", answer(s, s.removeFromService), 0},
		{"POST", "/alarms/{id}/return-to-service", at(tenant.AlarmAnswer), "returnAlarm", "Bring an alarm back from maintenance", answer(s, s.returnToService), 0},
		{"POST", "/alarms/{id}/reset", at(tenant.AlarmAnswer), "resetAlarm", "End a latched alarm", answer(s, s.resetAlarm), 0},
		{"GET", "/excursions", at(tenant.AlarmRead), "excursions", "Times outside limits, newest first", answer(s, s.excursions), 0},
		{"GET", "/excursions/{id}", at(tenant.AlarmRead), "excursion", "An excursion with the goods and lots that were there", answer(s, s.excursion), 0},

		{"GET", "/edges", at(tenant.EdgeRead), "edges", "Edge gateways with their devices", answer(s, s.edges), 0},
		{"GET", "/series", at(tenant.SeriesRead), "series", "Measured values over time", answer(s, s.series), 0},

		{"GET", "/catalog/items", at(tenant.CatalogRead), "items", "Items", answer(s, s.items), 0},
		{"GET", "/catalog/locations", at(tenant.CatalogRead), "locations", "Locations", answer(s, s.locations), 0},
		{"GET", "/catalog/suppliers", at(tenant.CatalogRead), "suppliers", "Suppliers", answer(s, s.suppliers), 0},

		{"GET", "/proposals", at(tenant.PlanRead), "proposals", "Orders that the planner suggests", answer(s, s.proposals), 0},
		{"GET", "/proposals/{id}", at(tenant.PlanRead), "proposal", "A proposal with every figure behind it", answer(s, s.proposal), 0},
		{"POST", "/proposals/{id}/approve", at(tenant.PlanApprove), "approveProposal", "Order what is proposed", answer(s, s.approve), 0},
		{"POST", "/proposals/{id}/reject", at(tenant.PlanApprove), "rejectProposal", "Say no, and why", answer(s, s.reject), 0},
		{"POST", "/plan", all(tenant.PlanRun), "plan", "Run the planner now", answer(s, s.plan), 0},
		{"GET", "/orders", at(tenant.OrderRead), "orders", "Purchase orders, newest first", answer(s, s.orders), 0},

		{"GET", "/quarantine", at(tenant.DiscrepancyRead), "quarantine", "Records that could not be applied", answer(s, s.quarantine), 0},
		{"POST", "/quarantine/{id}/retry", at(tenant.DiscrepancySettle), "retryQuarantine", "Apply a record, whatever its confidence", answer(s, s.retryQuarantine), 0},
		{"POST", "/quarantine/{id}/discard", at(tenant.DiscrepancySettle), "discardQuarantine", "Give a record up", answer(s, s.discardQuarantine), 0},
	}
}

// empty is the input of a route that takes none.
type empty struct{}

type body[T any] struct{ Body T }

// answer registers a handler that gives what the body says, or a room's error.
func answer[I, O any](s *server, f func(context.Context, *I) (O, error)) func(huma.API, huma.Operation) {
	var o O
	if _, ok := any(o).(linked); ok {
		return register(s, f, func(ctx context.Context, out O) *pageBody[O] {
			return &pageBody[O]{nextLink(ctx, any(out).(linked)), out}
		})
	}
	return register(s, f, func(_ context.Context, out O) *body[O] { return &body[O]{out} })
}

// register registers a handler whose answer is made of what it gives.
func register[I, O, A any](s *server, f func(context.Context, *I) (O, error), write func(context.Context, O) *A) func(huma.API, huma.Operation) {
	return func(a huma.API, op huma.Operation) {
		huma.Register(a, op, func(ctx context.Context, in *I) (*A, error) {
			out, err := f(ctx, in)
			if err != nil {
				return nil, s.problem(ctx, op, err)
			}
			return write(ctx, out), nil
		})
	}
}

// nothing registers a handler that answers 204, or a room's error.
func nothing[I any](s *server, f func(context.Context, *I) error) func(huma.API, huma.Operation) {
	return func(a huma.API, op huma.Operation) {
		huma.Register(a, op, func(ctx context.Context, in *I) (*struct{}, error) {
			if err := f(ctx, in); err != nil {
				return nil, s.problem(ctx, op, err)
			}
			return nil, nil
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
		if r.access.String() == "" {
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
		Description: "Access: " + r.access.String() + ".", Middlewares: huma.Middlewares{s.guard(r), s.once(r)},
		MaxBodyBytes: max(r.maxBody, 64<<10), BodyReadTimeout: 30*time.Second + time.Duration(r.maxBody/slowest)*time.Second,
	}
	if r.keyed() {
		op.Parameters = []*huma.Param{keyParameter}
	}
	switch r.access.kind {
	case open:
	case inPerson:
		op.Security = []map[string][]string{{"session": {}}}
	default:
		op.Security = []map[string][]string{{"session": {}}, {"token": {}}}
	}
	return op
}
