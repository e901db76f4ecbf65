package radio

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// Setting is what goes on at the doors.
type Setting string

// The settings.
const (
	Clean      Setting = "clean"      // one load at a time, dry goods, nothing stands near
	Neighbours Setting = "neighbours" // all doors busy at once, gaps of 2 to 10 s
	Strays     Setting = "strays"     // tagged pallets stand 1.8 to 6 m from the doors, others drive by; power and tilt are less
	TurnBacks  Setting = "turnbacks"  // two loads in five turn back, one in three stops in the door
	Dense      Setting = "dense"      // 120 to 200 tags a pallet
	Liquids    Setting = "liquids"    // liquids and metal goods
	Mix        Setting = "mix"        // shifts of 12 to 30 passes, each drawn from all of these and set up in its own way
)

// Settings lists them.
func Settings() []Setting {
	return []Setting{Clean, Neighbours, Strays, TurnBacks, Dense, Liquids, Mix}
}

// ParseSetting reads a setting's name.
func ParseSetting(name string) (Setting, error) {
	if !slices.Contains(Settings(), Setting(name)) {
		return "", fmt.Errorf("setting %q is not known; use one of %s", name, strings.Trim(fmt.Sprint(Settings()), "[]"))
	}
	return Setting(name), nil
}

// parseInventory reads Options.Inventory; "" gives nil.
func parseInventory(name string) (*session, error) {
	if name == "" {
		return nil, nil
	}
	number, rest, _ := strings.Cut(name, "-")
	s := session{number: strings.Index("s0s1s2", number) / 2, dual: rest == "dual"}
	if len(number) != 2 || s.number < 0 || name != fmt.Sprintf("s%d", s.number) && name != fmt.Sprintf("s%d-dual", s.number) {
		return nil, fmt.Errorf("inventory %q is not known; use s0, s1, s2, s0-dual, s1-dual or s2-dual", name)
	}
	return &s, nil
}

// scene is a setting in figures.
type scene struct {
	setting   Setting
	alone     bool       // one load at a time over all doors
	gap       [2]float64 // s between two passes, evenly on a logarithmic scale
	tags      [2]int     // cases a pallet, the same
	wares     [len(wares)]float64
	hand      float64 // of the loads that people pull; forklifts carry the others
	turns     float64 // of the loads that turn back at first
	stops     float64 // of the loads that stop in the door
	standing  [2]int  // pallets that stand at each door all the time
	standTags [2]int  // cases on these and on pallets that drive by
	staged    float64 // of the loads that stand near the door before they leave or after they came
	stay      float64 // s, the mean of how long
	passing   float64 // tagged loads that drive by each door, a minute
	walkers   float64 // people who walk through each door, a minute
	returns   float64 // of the gaps in which the forklift comes back empty, where they are long enough

	apart, tilt float64 // m of wall between doors; degrees
	less        float64 // dB below the permitted power
	crowded     bool    // the readers' slow and robust link profile
	dwell       float64
	near        float64
	session     session
	trailers    bool
}

// base is what the settings change.
func base(s Setting) scene {
	return scene{
		setting: s, gap: [2]float64{8, 60}, tags: [2]int{5, 40}, wares: [len(wares)]float64{7, 3, 0, 0}, hand: 0.4,
		stops: 0.03, standTags: [2]int{1, 40}, stay: 400, walkers: 0.1, returns: 0.6,
		apart: 3, tilt: 20, dwell: 0.15, near: 8, trailers: true,
	}
}

// scene draws the next shift, with how many passes of those that are left.
func (s Setting) scene(rng *rand.Rand, left int) (scene, int) {
	if s == Mix {
		return mixed(rng), min(left, 12+rng.IntN(19))
	}
	sc := base(s)
	switch s {
	case Clean:
		sc.alone, sc.gap, sc.walkers, sc.stops = true, [2]float64{15, 60}, 0, 0
		sc.wares = [len(wares)]float64{1, 0, 0, 0}
	case Neighbours:
		sc.gap, sc.tags, sc.staged, sc.stay = [2]float64{2, 10}, [2]int{5, 80}, 0.1, 120
	case Strays:
		sc.standing, sc.staged, sc.stay, sc.passing = [2]int{1, 4}, 0.6, 300, 0.4
		sc.less, sc.tilt = 2.2, 10 // as sites with strays are tuned
	case TurnBacks:
		sc.gap, sc.turns, sc.stops, sc.staged, sc.stay = [2]float64{5, 30}, 0.4, 0.33, 0.2, 120
	case Dense:
		sc.tags = [2]int{120, 200}
	case Liquids:
		sc.tags, sc.wares = [2]int{5, 80}, [len(wares)]float64{0, 2, 5, 3}
	}
	return sc, left
}

// mixed draws a shift: one of the settings leads, the others come in with half their strength or less, and the site is
// set up in its own way.
func mixed(rng *rand.Rand) scene {
	lead := Settings()[rng.IntN(len(Settings())-1)]
	sc, _ := lead.scene(rng, 1)
	spice := func() float64 { return 0.5 * rng.Float64() * rng.Float64() }
	if lead != Clean {
		sc.gap[0] = 2 + (sc.gap[0]-2)*rng.Float64()
		sc.turns = max(sc.turns, 0.4*spice())
		sc.stops = max(sc.stops, 0.33*spice())
		sc.staged = max(sc.staged, 0.7*spice())
		sc.passing = max(sc.passing, spice())
		sc.standing[1] = max(sc.standing[1], rng.IntN(3))
		sc.wares[2], sc.wares[3] = sc.wares[2]+2*spice(), sc.wares[3]+2*spice()
		sc.tags = [2]int{max(1, sc.tags[0]-rng.IntN(20)), sc.tags[1] + rng.IntN(201-sc.tags[1])}
		sc.alone = rng.IntN(4) == 0 && lead != Neighbours
	}
	sc.hand, sc.returns = rng.Float64(), rng.Float64()
	sc.apart, sc.tilt, sc.less = 0.8+2.4*rng.Float64(), 35*rng.Float64(), 3*rng.Float64()
	sc.crowded, sc.dwell, sc.near = rng.IntN(3) == 0, 0.1+0.1*rng.Float64(), 5+6*rng.Float64()
	sc.trailers = rng.IntN(10) < 7
	sc.session = [...]session{{0, false}, {0, false}, {0, false}, {1, true}, {2, true}}[rng.IntN(5)]
	return sc
}
