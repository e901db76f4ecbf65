package api

import (
	"context"

	"github.com/tallydock/tallydock/hub/intake"
	"github.com/tallydock/tallydock/hub/tenant"
)

// policyRoutes are for how sure the movements of a read point must be to be booked by themselves.
func (s *server) policyRoutes() []route {
	f := s.policyForm()
	return []route{
		{"GET", "/policies", all(tenant.EdgeRead), "policies", "Confidence that read points need", answer(s, f.page), 0},
		{"GET", "/policies/{id}", all(tenant.EdgeRead), "policy", "The confidence that a read point needs", f.read1, 0},
		{"PUT", "/policies/{id}", all(tenant.EdgeManage), "putPolicy", "Say which confidence a read point, or all of a name*, need", f.put1, 0},
		{"DELETE", "/policies/{id}", all(tenant.EdgeManage), "dropPolicy", "Go by the hub's own threshold again", f.drop1, 0},
	}
}

func (s *server) policyForm() form[intake.Policy] {
	return form[intake.Policy]{
		s, s.PolicyDocs,
		[]string{"read_point"},
		func(p intake.Policy) []string { return []string{p.ReadPoint} },
		func(ctx context.Context, p intake.Policy) (intake.Policy, error) {
			p.Actor, p.At = sessionFrom(ctx).User, s.now()
			return p, p.Check()
		},
	}
}
