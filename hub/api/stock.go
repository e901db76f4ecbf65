package api

import (
	"context"
	"time"

	"github.com/tallydock/tallydock/hub/catalog"
	"github.com/tallydock/tallydock/hub/view"
)

// StockSnapshot is all stock at one moment, in columns: a third of the size of rows, and quicker to read.
type StockSnapshot struct {
	Seq       int64       `json:"seq" doc:"events after this bring the snapshot up to date"`
	NowMS     int64       `json:"now_ms"`
	Site      string      `json:"site"`
	Locations []Place     `json:"locations"`
	Doors     []DoorName  `json:"doors"`
	Items     []ItemName  `json:"items"`
	Cols      StockColumn `json:"cols"`
}

// Place is a location with the limits of its temperature.
type Place struct {
	catalog.Location
	TempLow  *float64 `json:"temp_low" doc:"°C"`
	TempHigh *float64 `json:"temp_high" doc:"°C"`
}

// DoorName is a door as lists show it.
type DoorName struct {
	ID   string       `json:"id"`
	Name catalog.Text `json:"name"`
}

// ItemName is an item as lists show it.
type ItemName struct {
	ID       string       `json:"id"`
	Name     catalog.Text `json:"name"`
	Category string       `json:"category"`
	Unit     string       `json:"unit"`
}

// StockColumn has a value per row in each list.
type StockColumn struct {
	Item     []int   `json:"item" doc:"index into items"`
	Location []int   `json:"location" doc:"index into locations"`
	OnHand   []int64 `json:"on_hand"`
	Unseen   []int64 `json:"unseen"`
	Min      []int64 `json:"min"`
	Max      []int64 `json:"max"`
	SeenMS   []int64 `json:"seen_ms" doc:"0 = never"`
}

func (s *server) stockSnapshot(ctx context.Context, _ *empty) (StockSnapshot, error) {
	v, err := s.View.Snapshot(ctx)
	if err != nil {
		return StockSnapshot{}, err
	}
	return snapshotBody(v, s.Clock.Now()), nil
}

func snapshotBody(v view.Snapshot, now time.Time) StockSnapshot {
	out := StockSnapshot{
		Seq: v.Seq, NowMS: now.UnixMilli(), Locations: make([]Place, 0, len(v.Places)), Doors: make([]DoorName, 0, len(v.Doors)),
		Items: make([]ItemName, 0, len(v.Items)),
	}
	items := nameIndex{at: map[string]int{}}
	for _, i := range v.Items {
		items.add(i.ID)
		out.Items = append(out.Items, ItemName{i.ID, i.Name, i.Category, i.Unit})
	}
	places := nameIndex{at: map[string]int{}}
	for _, p := range v.Places {
		places.add(p.Code)
		out.Locations = append(out.Locations, Place{p.Location, p.TempLow, p.TempHigh})
		if out.Site == "" && p.Kind == catalog.Site {
			out.Site = p.Code
		}
	}
	for _, d := range v.Doors {
		out.Doors = append(out.Doors, DoorName{d.ID, d.Name})
	}
	out.Cols = columns(v.StockRows, items, places, &out)
	return out
}

// nameIndex finds the place of an id in a list.
type nameIndex struct {
	at map[string]int
}

func (x nameIndex) add(id string) int {
	x.at[id] = len(x.at)
	return x.at[id]
}

// columns turns rows into columns. A row of an item or location that the catalogue has lost is still stock: it is shown
// under its bare id.
func columns(rows []view.StockRow, items, places nameIndex, out *StockSnapshot) StockColumn {
	n := len(rows)
	c := StockColumn{
		make([]int, n), make([]int, n), make([]int64, n), make([]int64, n), make([]int64, n), make([]int64, n), make([]int64, n),
	}
	for i, r := range rows {
		item, ok := items.at[r.Item]
		if !ok {
			item = items.add(r.Item)
			out.Items = append(out.Items, ItemName{ID: r.Item})
		}
		place, ok := places.at[r.Location]
		if !ok {
			place = places.add(r.Location)
			out.Locations = append(out.Locations, Place{Location: catalog.Location{Code: r.Location, Site: out.Site}})
		}
		c.Item[i], c.Location[i], c.OnHand[i], c.Unseen[i], c.Min[i], c.Max[i] = item, place, r.OnHand, r.Unseen, r.Min, r.Max
		if !r.SeenAt.IsZero() {
			c.SeenMS[i] = r.SeenAt.UnixMilli()
		}
	}
	return c
}

// StockRow is the stock of one item at one location.
type StockRow struct {
	Item     string     `json:"item"`
	Location string     `json:"location"`
	OnHand   int64      `json:"on_hand"`
	Unseen   int64      `json:"unseen" doc:"of on_hand: not seen for longer than its readers allow"`
	Min      int64      `json:"min"`
	Max      int64      `json:"max"`
	SeenAt   *time.Time `json:"seen_at"`
}

// TagAt is a tag at a place.
type TagAt struct {
	Tag    string    `json:"tag"`
	Lot    string    `json:"lot"`
	State  string    `json:"state"`
	Since  time.Time `json:"since"`
	SeenAt time.Time `json:"seen_at"`
}

// StockDetail is a row of stock with what explains it.
type StockDetail struct {
	Row       StockRow   `json:"row"`
	Tags      []TagAt    `json:"tags"`
	Movements []Movement `json:"movements" doc:"the newest 50"`
}

type stockRowInput struct {
	Item     string `path:"item" maxLength:"200"`
	Location string `path:"location" maxLength:"200"`
}

func (s *server) stockRow(ctx context.Context, in *stockRowInput) (StockDetail, error) {
	d, err := s.View.Stock(ctx, in.Item, in.Location)
	if err != nil {
		return StockDetail{}, err
	}
	r := d.Row
	out := StockDetail{
		Row:  StockRow{r.Item, r.Location, r.OnHand, r.Unseen, r.Min, r.Max, timeOrNull(r.SeenAt)},
		Tags: make([]TagAt, 0, len(d.Tags)), Movements: movementBodies(d.Movements),
	}
	for _, t := range d.Tags {
		out.Tags = append(out.Tags, TagAt{t.Tag.String(), t.Lot, string(t.State), t.Since, t.SeenAt})
	}
	return out, nil
}

func timeOrNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}
