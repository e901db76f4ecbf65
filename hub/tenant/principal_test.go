package tenant_test

import (
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/tenant"
)

func TestRolesAreWhatTheyAreSaidToBe(t *testing.T) {
	for role, may := range map[tenant.Role][2][]tenant.Permission{
		tenant.Viewer:   {{tenant.StockRead, tenant.AlarmRead}, {tenant.AlarmAnswer, tenant.FinanceRead, tenant.AuditRead, tenant.CatalogWrite}},
		tenant.Operator: {{tenant.StockRead, tenant.AlarmAnswer, tenant.DiscrepancySettle}, {tenant.PlanApprove, tenant.CatalogWrite, tenant.UserManage}},
		tenant.Quality:  {{tenant.AlarmAnswer, tenant.LotHold}, {tenant.PlanApprove, tenant.LedgerPost}},
		tenant.Planner:  {{tenant.PlanRun, tenant.PlanApprove, tenant.CatalogWrite}, {tenant.AlarmAnswer, tenant.OrderPlace}},
		tenant.Buyer:    {{tenant.OrderPlace}, {tenant.PlanApprove}},
		tenant.Approver: {{tenant.PlanApprove}, {tenant.OrderPlace, tenant.PlanRun}},
		tenant.Finance:  {{tenant.FinanceRead, tenant.PeriodClose}, {tenant.LedgerPost, tenant.PlanApprove}},
		tenant.Customer: {{tenant.TrackingRead}, {tenant.StockRead, tenant.OrderRead, tenant.CatalogRead, tenant.AlarmRead}},
		tenant.Admin:    {tenant.Permissions(), nil},
	} {
		for _, p := range may[0] {
			if !role.Has(p) {
				t.Errorf("%s has no %s", role, p)
			}
		}
		for _, p := range may[1] {
			if role.Has(p) {
				t.Errorf("%s has %s", role, p)
			}
		}
	}
	if got := tenant.Customer.Permissions(); len(got) != 1 {
		t.Errorf("a customer may %v", got)
	}
	if len(tenant.Roles()) != 9 {
		t.Errorf("roles %v", tenant.Roles())
	}
	if _, err := tenant.ParseRole("king"); !errors.Is(err, fault.Invalid) {
		t.Error(err)
	}
}

func anyGrants(t *rapid.T, name string) tenant.Grants {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) tenant.Grant {
		return tenant.Grant{Role: rapid.SampledFrom(tenant.Roles()).Draw(t, "role"), Site: rapid.SampledFrom([]string{"", "A", "B", "C"}).Draw(t, "site")}
	}), 0, 5).Draw(t, name)
}

// Laws of a principal: what it can is what a grant says; a token can no more than its user, and only its scopes and sites;
// who covers grants can all that they allow.
func TestPrincipalLaws(t *testing.T) {
	sites := []string{"", "A", "B", "C", "D"}
	rapid.Check(t, func(t *rapid.T) {
		p := tenant.Principal{User: "u", Grants: anyGrants(t, "grants")}
		k := p
		k.Token = "t"
		k.Scopes = rapid.SliceOfN(rapid.SampledFrom(tenant.Permissions()), 0, 6).Draw(t, "scopes")
		k.Only = rapid.SliceOfN(rapid.SampledFrom(sites[1:]), 0, 3).Draw(t, "only")
		for _, perm := range tenant.Permissions() {
			anywhere := false
			for _, site := range sites {
				want := slices.ContainsFunc(p.Grants, func(g tenant.Grant) bool { return g.Role.Has(perm) && (g.Site == "" || g.Site == site) })
				if got := p.Can(perm, site); got != want {
					t.Fatalf("%v can %s at %q: %v", p.Grants, perm, site, got)
				}
				anywhere = anywhere || want
				may := want && slices.Contains(k.Scopes, perm) && (len(k.Only) == 0 || slices.Contains(k.Only, site))
				if got := k.Can(perm, site); got != may {
					t.Fatalf("token %v at %v of %v can %s at %q: %v", k.Scopes, k.Only, p.Grants, perm, site, got)
				}
			}
			if p.Anywhere(perm) != anywhere {
				t.Fatalf("%v can %s anywhere: %v", p.Grants, perm, p.Anywhere(perm))
			}
		}
		given := anyGrants(t, "given")
		err := p.Covers(given)
		for _, g := range given {
			for _, perm := range g.Role.Permissions() {
				if err == nil && !p.Can(perm, g.Site) {
					t.Fatalf("%v covers %v and cannot %s at %q", p.Grants, given, perm, g.Site)
				}
			}
		}
		if err != nil && !errors.Is(err, fault.Forbidden) {
			t.Fatal(err)
		}
	})
}
