package api

import (
	"context"
	"time"

	"github.com/tallydock/tallydock/hub/catalog"
	"github.com/tallydock/tallydock/hub/view"
)

// StockSnapshot is a page of a site's stock, in columns: a third of the size of rows, and quicker to read.
type StockSnapshot struct {
	Seq       int64       `json:"seq" doc:"events after this bring the rows of the page up to date; events after that of the first page, the whole site"`
	NowMS     int64       `json:"now_ms"`
	Site      string      `json:"site"`
	Locations []Place     `json:"locations" doc:"of the site, with the first page of all items"`
	Doors     []DoorName  `json:"doors" doc:"so too"`
	Items     []ItemName  `json:"items" doc:"that the rows name"`
	Places    []string    `json:"places" doc:"codes of the locations that the rows name"`
	Cols      StockColumn `json:"cols"`
	Next      string      `json:"next" doc:"cursor of the page after; empty at the end"`
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
	Location []int   `json:"location" doc:"index into places"`
	OnHand   []int64 `json:"on_hand"`
	Unseen   []int64 `json:"unseen"`
	Min      []int64 `json:"min"`
	Max      []int64 `json:"max"`
	SeenMS   []int64 `json:"seen_ms" doc:"0 = never"`
}

type snapshotInput struct {
	Site  string `query:"site" maxLength:"200" doc:"default: the first of those that one may see"`
	Item  string `query:"item" maxLength:"200" doc:"only the rows of this item"`
	After string `query:"after" maxLength:"1000" doc:"cursor: next of the page before"`
	Limit int    `query:"limit" minimum:"1" maximum:"1000" default:"1000"`
}

func (s *server) stockSnapshot(ctx context.Context, in *snapshotInput) (StockSnapshot, error) {
	p, err := s.View.StockPage(ctx, view.PageFilter{Site: in.Site, Item: in.Item, After: in.After, Limit: in.Limit})
	if err != nil {
		return StockSnapshot{}, err
	}
	return snapshotBody(p, s.Clock.Now()), nil
}

func snapshotBody(v view.StockPage, now time.Time) StockSnapshot {
	out := StockSnapshot{
		Seq: v.Seq, NowMS: now.UnixMilli(), Site: v.Site, Locations: make([]Place, 0, len(v.Places)), Doors: make([]DoorName, 0, len(v.Doors)),
		Items: make([]ItemName, 0, len(v.Items)), Places: []string{}, Next: v.Next,
	}
	for _, p := range v.Places {
		out.Locations = append(out.Locations, Place{p.Location, p.TempLow, p.TempHigh})
	}
	for _, d := range v.Doors {
		out.Doors = append(out.Doors, DoorName{d.ID, d.Name})
	}
	items := map[string]int{}
	for _, i := range v.Items {
		items[i.ID] = len(out.Items)
		out.Items = append(out.Items, ItemName{i.ID, i.Name, i.Category, i.Unit})
	}
	out.Cols = columns(v.Rows, items, &out)
	return out
}

// columns turns rows, which are by location, into columns. A row of an item that the catalogue has lost is still stock: it is
// shown under its bare id.
func columns(rows []view.StockRow, items map[string]int, out *StockSnapshot) StockColumn {
	n := len(rows)
	c := StockColumn{
		make([]int, n), make([]int, n), make([]int64, n), make([]int64, n), make([]int64, n), make([]int64, n), make([]int64, n),
	}
	for i, r := range rows {
		item, ok := items[r.Item]
		if !ok {
			item = len(out.Items)
			items[r.Item] = item
			out.Items = append(out.Items, ItemName{ID: r.Item})
		}
		if i == 0 || rows[i-1].Location != r.Location {
			out.Places = append(out.Places, r.Location)
		}
		c.Item[i], c.Location[i], c.OnHand[i], c.Unseen[i], c.Min[i], c.Max[i] = item, len(out.Places)-1, r.OnHand, r.Unseen, r.Min, r.Max
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
	Tags      []TagAt    `json:"tags" doc:"the first 500"`
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
