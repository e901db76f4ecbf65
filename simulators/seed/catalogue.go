package seed

import (
	"bytes"
	"encoding/csv"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/tallydock/tallydock/simulators/scenario"
	"github.com/tallydock/tallydock/simulators/world"
)

// table is a CSV file with the columns that the hub imports.
type table struct {
	name string
	head []string
	rows [][]string
}

func (t table) csv() ([]byte, error) {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	if err := w.WriteAll(append([][]string{t.head}, t.rows...)); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// Tables names the CSV files, without ".csv", in the order in which a hub has to import them.
func Tables() []string {
	return []string{"items", "locations", "suppliers", "sources", "levels", "tags", "demand"}
}

func catalogue(s *scenario.Scenario) []table {
	return []table{items(s), locations(s), suppliers(s), sources(s), levels(s), tags(s), demand(s)}
}

func items(s *scenario.Scenario) table {
	t := table{name: "items", head: []string{"id", "gtin", "name_en", "name_zh", "unit", "category", "cost"}}
	for _, it := range s.Items {
		t.rows = append(t.rows, []string{it.ID, it.GTIN, it.Name.EN, it.Name.ZH, it.Unit, it.Category, it.Cost.String()})
	}
	return t
}

func locations(s *scenario.Scenario) table {
	t := table{name: "locations", head: []string{"code", "site", "kind", "parent", "name_en", "name_zh", "x", "y", "w", "h"}}
	site, n := s.Site, strconv.Itoa
	t.rows = append(t.rows, []string{site.Code, site.Code, "site", "", site.Name.EN, site.Name.ZH, "0", "0", "0", "0"})
	for _, l := range s.Locations {
		parent := l.Parent
		if parent == "" {
			parent = site.Code
		}
		t.rows = append(t.rows, []string{
			l.Code, site.Code, l.Kind, parent, l.Name.EN, l.Name.ZH, n(l.Plan.X), n(l.Plan.Y), n(l.Plan.W), n(l.Plan.H),
		})
	}
	for _, d := range s.Doors {
		t.rows = append(t.rows, []string{d.ID, site.Code, "door", d.Floor, d.Name.EN, d.Name.ZH, "0", "0", "0", "0"})
	}
	return t
}

func suppliers(s *scenario.Scenario) table {
	t := table{name: "suppliers", head: []string{"id", "name_en", "name_zh"}}
	for _, v := range s.Suppliers {
		t.rows = append(t.rows, []string{v.ID, v.Name.EN, v.Name.ZH})
	}
	return t
}

func sources(s *scenario.Scenario) table {
	t := table{name: "sources", head: []string{
		"item", "supplier", "lead_time_days", "lead_time_sd_days", "moq", "pack_multiple", "price",
	}}
	by := map[string]scenario.Supplier{}
	for _, v := range s.Suppliers {
		by[v.ID] = v
	}
	days := func(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }
	for _, it := range s.Items {
		if v, ok := by[it.Supplier]; ok {
			t.rows = append(t.rows, []string{
				it.ID, v.ID, days(v.LeadTime), days(v.LeadTimeSD), strconv.Itoa(it.MOQ), strconv.Itoa(it.Pack), it.Price.String(),
			})
		}
	}
	return t
}

func levels(s *scenario.Scenario) table {
	t := table{name: "levels", head: []string{"item", "location", "min", "max"}}
	for _, it := range s.Items {
		if len(it.Bays) > 0 && it.Max > 0 {
			t.rows = append(t.rows, []string{it.ID, it.Bays[0], strconv.Itoa(it.Min), strconv.Itoa(it.Max)})
		}
	}
	return t
}

func tags(s *scenario.Scenario) table {
	t := table{name: "tags", head: []string{"tag", "item", "lot"}}
	for _, v := range s.Totes {
		t.rows = append(t.rows, []string{"uid:" + v.UID, v.Item, v.Lot})
	}
	return t
}

// demand draws the days before the start as the world draws those after it, from a source of its own.
func demand(s *scenario.Scenario) table {
	t := table{name: "demand", head: []string{"item", "site", "day", "quantity"}}
	rng := rand.New(rand.NewPCG(s.Seed, 0x6869_7374_6f72_7921))
	for _, it := range s.Items {
		if it.Demand.Kind == "none" {
			continue
		}
		for back := HistoryDays; back > 0; back-- {
			day := s.Start.AddDate(0, 0, -back).Format(time.DateOnly)
			t.rows = append(t.rows, []string{it.ID, s.Site.Code, day, strconv.Itoa(world.DailyDemand(rng, it.Demand))})
		}
	}
	return t
}
