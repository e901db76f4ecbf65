package tenant

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tallydock/tallydock/hub/fault"
)

// Permission is one thing that somebody may do.
type Permission string

// The permissions. A right to read is a right to see it in lists, alone and live.
const (
	StockRead         Permission = "stock:read"         // stock, movements, doors, passes
	AlarmRead         Permission = "alarm:read"         // alarms, excursions
	AlarmAnswer       Permission = "alarm:answer"       // acknowledge, shelve, reset, take out of service
	SeriesRead        Permission = "series:read"        // measured values
	EdgeRead          Permission = "edge:read"          // gateways and their devices
	EdgeManage        Permission = "edge:manage"        // enrol, configure and revoke gateways
	DoorExpect        Permission = "door:expect"        // put lists at doors
	DiscrepancyRead   Permission = "discrepancy:read"   // the quarantine
	DiscrepancySettle Permission = "discrepancy:settle" // retry and discard what is in it
	CatalogRead       Permission = "catalog:read"       // items, locations, suppliers
	CatalogWrite      Permission = "catalog:write"      // import and change them
	LotHold           Permission = "lot:hold"           // block lots and release them
	LedgerPost        Permission = "ledger:post"        // book movements by hand
	LedgerCount       Permission = "ledger:count"       // count stock
	PeriodClose       Permission = "period:close"       // close a month
	PlanRead          Permission = "plan:read"          // proposals with their figures
	PlanRun           Permission = "plan:run"           // run the planner, set its terms
	PlanApprove       Permission = "plan:approve"       // approve and reject proposals
	OrderRead         Permission = "order:read"         // orders
	OrderPlace        Permission = "order:place"        // place, change and cancel orders
	FinanceRead       Permission = "finance:read"       // values and valuation
	FinanceWrite      Permission = "finance:write"      // say what goods cost, and by what they are valued
	ReportRead        Permission = "report:read"        // reports and exports
	TrackingRead      Permission = "tracking:read"      // where orders and shipments are
	WebhookManage     Permission = "webhook:manage"     // who is told what happens
	UserManage        Permission = "user:manage"        // users, their grants, sessions and tokens
	AuditRead         Permission = "audit:read"         // the log of changes
	MetricsRead       Permission = "metrics:read"       // how the hub itself is
)

// Role is a set of permissions with a name. Roles are no ladder: none includes another.
type Role string

// The roles.
const (
	Viewer   Role = "viewer"   // sees how the site is
	Operator Role = "operator" // works at it: answers alarms, settles discrepancies, moves and counts
	Quality  Role = "quality"  // judges goods: answers alarms, blocks and releases lots
	Planner  Role = "planner"  // keeps the catalogue, runs the planner and answers what it proposes
	Buyer    Role = "buyer"    // places orders
	Approver Role = "approver" // approves what others propose
	Finance  Role = "finance"  // sees values, says costs, closes periods
	Admin    Role = "admin"    // everything
	Customer Role = "customer" // sees where the own orders are, and nothing else
)

// seeing is what everybody who works here sees.
var seeing = []Permission{
	StockRead, AlarmRead, SeriesRead, EdgeRead, DiscrepancyRead, CatalogRead, PlanRead, OrderRead, ReportRead, TrackingRead,
}

// roles is the one table of who may do what.
var roles = map[Role][]Permission{
	Viewer:   seeing,
	Operator: with(AlarmAnswer, DoorExpect, DiscrepancySettle, LedgerPost, LedgerCount),
	Quality:  with(AlarmAnswer, DiscrepancySettle, LotHold),
	Planner:  with(CatalogWrite, PlanRun, PlanApprove),
	Buyer:    with(OrderPlace),
	Approver: with(PlanApprove),
	Finance:  with(FinanceRead, FinanceWrite, PeriodClose),
	Admin: with(
		AlarmAnswer, EdgeManage, DoorExpect, DiscrepancySettle, CatalogWrite, LotHold, LedgerPost, LedgerCount, PeriodClose,
		PlanRun, PlanApprove, OrderPlace, FinanceRead, FinanceWrite, WebhookManage, UserManage, AuditRead, MetricsRead,
	),
	Customer: {TrackingRead},
}

func with(more ...Permission) []Permission { return slices.Concat(seeing, more) }

// Roles lists the roles, by name.
func Roles() []Role { return slices.Sorted(maps.Keys(roles)) }

// Permissions lists what a role may do, by name; nothing for a role that there is not.
func (r Role) Permissions() []Permission { return slices.Sorted(slices.Values(roles[r])) }

// Has reports whether the role may do p.
func (r Role) Has(p Permission) bool { return slices.Contains(roles[r], p) }

// String gives the role's name.
func (r Role) String() string { return string(r) }

// ParseRole reads a role's name. Error: fault.Invalid.
func ParseRole(name string) (Role, error) {
	if _, ok := roles[Role(name)]; ok {
		return Role(name), nil
	}
	return "", fmt.Errorf("%w: role %q is not %s", fault.Invalid, name, orList(Roles()))
}

// Permissions lists them all, by name: those of Admin.
func Permissions() []Permission { return Admin.Permissions() }

// ParsePermission reads a permission's name. Error: fault.Invalid.
func ParsePermission(name string) (Permission, error) {
	if Admin.Has(Permission(name)) {
		return Permission(name), nil
	}
	return "", fmt.Errorf("%w: permission %q is not %s", fault.Invalid, name, orList(Permissions()))
}

func orList[T ~string](all []T) string {
	texts := make([]string, len(all))
	for i, t := range all {
		texts[i] = string(t)
	}
	return strings.Join(texts[:len(texts)-1], ", ") + " or " + texts[len(texts)-1]
}
