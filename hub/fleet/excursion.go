package fleet

import "time"

// Excursion is a time outside a rule's limit that was long enough for an alarm.
type Excursion struct {
	ID         string     `json:"id"`
	Edge       string     `json:"edge"`
	Alarm      string     `json:"alarm"` // id of its alarm
	Rule       string     `json:"rule"`
	Source     string     `json:"source"`
	Location   string     `json:"location"`
	Quantity   string     `json:"quantity"`
	Unit       string     `json:"unit"`
	Kind       string     `json:"kind"` // high or low
	Limit      float64    `json:"limit"`
	BeganAt    time.Time  `json:"began_at"` // first value outside
	EndedAt    *time.Time `json:"ended_at"` // first of the values that were back; nil while it lasts
	Worst      float64    `json:"worst"`
	WorstAt    time.Time  `json:"worst_at"`
	Outside    float64    `json:"outside_s"`    // seconds measured outside the limit
	Cumulative float64    `json:"cumulative_s"` // and all that was measured outside it since the last reset
	MKT        *float64   `json:"mkt"`          // mean kinetic temperature from its beginning; nil where it is not one of temperature
	Gap        float64    `json:"gap_s"`        // seconds of which nothing is known
	Gaps       int        `json:"gaps"`
	Correction string     `json:"correction"` // how values were corrected; "" = not
	Goods      int        `json:"goods"`      // tags that were there
	Incomplete bool       `json:"incomplete"` // some may be missing
}

// Exposed is a tag that was there during an excursion. Item and Lot are "" where the hub knows none.
type Exposed struct {
	Tag     string  `json:"tag"`
	Item    string  `json:"item"`
	Lot     string  `json:"lot"`
	Exposed float64 `json:"exposed_s"`
	Still   bool    `json:"still"` // it was there at the end, or is
}

// ExposedLot is how much of a lot was there.
type ExposedLot struct {
	Item    string  `json:"item"`
	Lot     string  `json:"lot"`
	Tags    int     `json:"tags"`
	Exposed float64 `json:"exposed_s"` // the longest of them
}

// Escalation says that an alarm reached a level of its rule's escalation.
type Escalation struct {
	At     time.Time `json:"at"`
	Level  int       `json:"level"`
	Repeat int       `json:"repeat"` // 0 = the first time
	Notify string    `json:"notify"`
}

// ExcursionDetail is an excursion with what was there.
type ExcursionDetail struct {
	Excursion
	Tags        []Exposed    `json:"tags"` // the longest exposed first; Goods may be more than these
	Lots        []ExposedLot `json:"lots"` // of Tags; those without an item are one
	Escalations []Escalation `json:"escalations"`
}

// ExcursionFilter chooses excursions.
type ExcursionFilter struct {
	Location string // "" = everywhere
	Item     string // that touched an item; "" = any
	Lot      string // and of it a lot
	Before   string // cursor: what the page before gave as next; "" = from the newest
	Limit    int    // 1 to 500; 0 = 100
}

// Verdict is what a pass was against the list of its door.
type Verdict struct {
	Pass       string    `json:"pass"`
	List       string    `json:"list"`
	Edge       string    `json:"edge"`
	Door       string    `json:"door"`
	Direction  string    `json:"direction"`
	Signal     string    `json:"signal"` // ok, missing or unexpected
	At         time.Time `json:"at"`
	Matched    uint32    `json:"matched"`
	Missing    uint32    `json:"missing"` // what the list still lacks after it
	Unexpected uint32    `json:"unexpected"`
	Named
}

// Named is what a verdict names, at most 100 of each.
type Named struct {
	MissingTags     []string    `json:"missing_tags"`
	UnexpectedTags  []string    `json:"unexpected_tags"`
	MissingItems    []ItemCount `json:"missing_items"`
	UnexpectedItems []ItemCount `json:"unexpected_items"`
}

// ItemCount is a number of units of one item.
type ItemCount struct {
	GTIN     string `json:"gtin"` // 14 digits
	Quantity uint32 `json:"quantity"`
}
