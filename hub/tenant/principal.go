package tenant

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"

	"github.com/tallydock/tallydock/hub/fault"
)

// Grant gives a role at a site, or ("") at all of them.
type Grant struct {
	Role Role   `json:"role"`
	Site string `json:"site"`
}

// Grants are what a user has, together.
type Grants []Grant

// maxGrants of one user.
const maxGrants = 200

// siteCode is what a site may be called; the same as in the configuration.
var siteCode = regexp.MustCompile(`^[A-Za-z0-9_-]{1,32}$`)

// Tidy gives the grants in order, each once. Error: fault.Invalid.
func (g Grants) Tidy() (Grants, error) {
	if len(g) > maxGrants {
		return nil, fmt.Errorf("%w: %d grants; %d are possible", fault.Invalid, len(g), maxGrants)
	}
	out := slices.Clone(g)
	for _, one := range out {
		if _, err := ParseRole(string(one.Role)); err != nil {
			return nil, err
		}
		if one.Site != "" && !siteCode.MatchString(one.Site) {
			return nil, fmt.Errorf("%w: site %q of a grant; use 1 to 32 of A-Z a-z 0-9 _ -", fault.Invalid, one.Site)
		}
	}
	slices.SortFunc(out, func(a, b Grant) int { return cmp.Or(cmp.Compare(a.Role, b.Role), cmp.Compare(a.Site, b.Site)) })
	return slices.Compact(out), nil
}

// Has reports whether one of the grants is of this role, at any site.
func (g Grants) Has(r Role) bool {
	return slices.ContainsFunc(g, func(one Grant) bool { return one.Role == r })
}

// Everywhere is the grant of a role at all sites.
func Everywhere(r Role) Grants { return Grants{{Role: r}} }

// Principal is who acts: a user in person, or a program by one of the user's API tokens. Nobody is one without grants.
type Principal struct {
	User   string
	Token  string // id of the token; "" = in person
	Grants Grants // of the user, as they are now
	// Scopes and Only narrow what a token may do, and where; nil and empty = nothing is narrowed. In person both are empty.
	Scopes []Permission
	Only   []string
}

// Can reports whether p may be done at a site; site "" asks for all of them, those that are not there yet included.
func (p Principal) Can(perm Permission, site string) bool {
	sites, all := p.Sites(perm)
	return all || site != "" && slices.Contains(sites, site)
}

// Anywhere reports whether p may be done at one site at least.
func (p Principal) Anywhere(perm Permission) bool {
	sites, all := p.Sites(perm)
	return all || len(sites) > 0
}

// Sites gives where p may be done, in order; all = at every site, and sites is nil.
func (p Principal) Sites(perm Permission) (sites []string, all bool) {
	if p.Token != "" && !slices.Contains(p.Scopes, perm) {
		return nil, false
	}
	for _, g := range p.Grants {
		if !g.Role.Has(perm) {
			continue
		}
		if g.Site == "" {
			all = true
			continue
		}
		sites = append(sites, g.Site)
	}
	if len(p.Only) > 0 {
		mine := sites
		sites = nil
		for _, s := range p.Only {
			if all || slices.Contains(mine, s) {
				sites = append(sites, s)
			}
		}
		all = false
	}
	if all {
		return nil, true
	}
	slices.Sort(sites)
	return slices.Compact(sites), false
}

// Permissions lists what may be done at one site at least, by name.
func (p Principal) Permissions() []Permission {
	out := []Permission{}
	for _, perm := range Permissions() {
		if p.Anywhere(perm) {
			out = append(out, perm)
		}
	}
	return out
}

// Covers reports whether everything that g allows may be done by p too, so that p may give it, take it, or act on who has
// it. Error: fault.Forbidden, with what is lacking.
func (p Principal) Covers(g Grants) error {
	for _, one := range g {
		for _, perm := range one.Role.Permissions() {
			if !p.Can(perm, one.Site) {
				return fmt.Errorf("%w: role %s at %s allows %s, which you may not do there yourself",
					fault.Forbidden, one.Role, cmp.Or(one.Site, "all sites"), perm)
			}
		}
	}
	return nil
}

// Actor names who acts for records that keep one name.
func (p Principal) Actor() string {
	if p.Token == "" {
		return p.User
	}
	return p.User + "/" + p.Token
}
