// Package catalog is what a company deals in and where: items, locations, suppliers, tags, and the levels that it wants
// to hold.
package catalog

// Text is a name in the console's languages; an empty one falls back to the other.
type Text struct {
	EN string `json:"en"`
	ZH string `json:"zh"`
}

// Item is one thing that is stocked.
type Item struct {
	ID       string `json:"id"`   // SKU
	GTIN     string `json:"gtin"` // 14 digits, "" where it has none
	Name     Text   `json:"name"`
	Unit     string `json:"unit"` // UN/ECE Recommendation 20 code, e.g. "EA"
	Category string `json:"category"`
	Cost     int64  `json:"cost"` // of one unit, in 1/10000 of the currency
}

// LocationKind says what a location is.
type LocationKind string

// The kinds of location.
const (
	Site     LocationKind = "site"
	Zone     LocationKind = "zone"      // an area of a site
	Bay      LocationKind = "bay"       // a shelf that a reader sees, in a zone
	ColdRoom LocationKind = "cold_room" // a zone with temperature limits
	Dock     LocationKind = "dock"      // the floor behind a door
	Table    LocationKind = "table"     // a work place, e.g. inspection
	Door     LocationKind = "door"      // a portal; no place for goods, named here for people
)

// Location is a place.
type Location struct {
	Code   string       `json:"code"`
	Site   string       `json:"site"`
	Parent string       `json:"parent"` // "" for a site
	Kind   LocationKind `json:"kind"`
	Name   Text         `json:"name"`
	// X, Y, W, H place it on the site's floor plan, in decimetres; all 0 = not drawn.
	X int `json:"x"`
	Y int `json:"y"`
	W int `json:"w"`
	H int `json:"h"`
}

// Supplier delivers items.
type Supplier struct {
	ID   string `json:"id"`
	Name Text   `json:"name"`
}

// Source is the terms on which a supplier delivers an item.
type Source struct {
	Item         string  `json:"item"`
	Supplier     string  `json:"supplier"`
	LeadTime     float64 `json:"lead_time_days"`
	LeadTimeSD   float64 `json:"lead_time_sd_days"`
	MOQ          int64   `json:"moq"`           // least order, in units
	PackMultiple int64   `json:"pack_multiple"` // orders are a multiple of this; 0 = 1
	Price        int64   `json:"price"`         // of one unit, in 1/10000 of the currency
}

// Level is how much of an item a location should hold.
type Level struct {
	Item     string `json:"item"`
	Location string `json:"location"`
	Min      int64  `json:"min"`
	Max      int64  `json:"max"`
}

// TagItem says what a tag is on, for tags whose content does not name the item (cards, unregistered EPCs).
type TagItem struct {
	Tag   string `json:"tag"` // devices.Tag text, "epc:…" or "uid:…"
	Item  string `json:"item"`
	Lot   string `json:"lot"`
	Units int64  `json:"units"` // that the tag stands for, in the item's smallest unit
}

// Pack is a unit in which an item is also handled: a case, a pallet.
type Pack struct {
	Item  string `json:"item"`
	Code  string `json:"code"`  // UN/ECE Recommendation 20 or 21 code, e.g. "CS"
	Units int64  `json:"units"` // in it, in the item's smallest unit
	GTIN  string `json:"gtin"`  // 14 digits, "" where it has none; a tag with it stands for Units
	Name  Text   `json:"name"`
}

// Lot is a batch of an item.
type Lot struct {
	Item     string `json:"item"`
	Lot      string `json:"lot"`
	Made     string `json:"made"`     // YYYY-MM-DD, "" where nobody said so
	Expires  string `json:"expires"`  // YYYY-MM-DD, the last day on which it may be used; "" = never
	Supplier string `json:"supplier"` // "" where nobody said so
}

// GLN is a name that the world outside has for a location: a GLN, a URI of one, or the URI that a partner uses.
type GLN struct {
	GLN      string `json:"gln"`
	Location string `json:"location"`
}

// PageFilter chooses a page of entries.
type PageFilter struct {
	Item  string // of packs and lots: those of one item; "" = all
	After string // cursor: the entries after it; "" = from the beginning
	Limit int    // 1 to 500; 0 = 100
}

// References are entries that another one names.
type References struct{ Items, Locations, Suppliers []string }
