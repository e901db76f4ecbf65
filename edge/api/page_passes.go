package api

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/epc"
	"github.com/tallydock/tallydock/edge/reconcile"
)

// passLine is a pass on a page.
type passLine struct {
	pass
	Pass   pass // so that a template can name it
	Sure   string
	Unsure bool
	Length string
}

// doubtful is the confidence, permille, below which a pass needs a look.
const doubtful = 800

func passLineOf(t *reconcile.Trace) passLine {
	p := passOf(t)
	return passLine{
		pass: p, Pass: p, Sure: fmt.Sprintf("%.0f %%", float64(p.Confidence)/10), Unsure: p.Confidence < doubtful,
		Length: fmt.Sprintf("%.1f s", t.To.Sub(t.From).Seconds()),
	}
}

func (s *Server) passesPage(*http.Request, *view) (any, error) {
	var lines []passLine
	for _, t := range s.traces() {
		lines = append(lines, passLineOf(t))
	}
	return lines, nil
}

// passView is one pass, drawn.
type passView struct {
	passLine
	Zero   string // the time that the drawing counts from
	Show   string // all, members or others
	Query  string
	Views  []viewLink
	All    int // tags of the pass
	Chart  chart
	Rows   []tagRow
	Picked bool
}

// viewLink chooses which tags are shown.
type viewLink struct {
	Href, Key string
	Here      bool
}

// tagRow is a tag of a pass in the list.
type tagRow struct {
	N                       int // of its line in the drawing
	Head, Tail              string
	Name                    string // GTIN and serial
	Href                    string
	Picked, Member          bool
	Score, Peak, Why        string
	Inside, Middle, Outside int // reads
	Foreign                 int // reads while another door heard the tag better
}

func (s *Server) passPage(r *http.Request, _ *view) (any, error) {
	t, err := s.trace(r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	q := r.URL.Query()
	b := passView{passLine: passLineOf(t), Zero: t.From.Local().Format("15:04:05.000"), Show: q.Get("show"), Query: strings.TrimSpace(q.Get("q")), All: len(t.Tags)}
	if !oneOf(b.Show, "members", "others") {
		b.Show = "all"
	}
	for _, key := range []string{"all", "members", "others"} {
		b.Views = append(b.Views, viewLink{"?" + url.Values{"show": {key}, "q": {b.Query}}.Encode(), "show." + key, key == b.Show})
	}
	var shown []*reconcile.TagTrace
	for i := range t.Tags {
		x := &t.Tags[i]
		if (b.Show == "all" || x.Member == (b.Show == "members")) && b.matches(x.Tag) {
			shown = append(shown, x)
		}
	}
	for i, x := range shown {
		row := tagRowOf(i, x)
		row.Picked = x.Tag.String() == q.Get("tag")
		row.Href = "?" + url.Values{"show": {b.Show}, "q": {b.Query}, "tag": {x.Tag.String()}}.Encode()
		b.Picked = b.Picked || row.Picked
		b.Rows = append(b.Rows, row)
	}
	b.Chart = chartOf(t, shown, b.Rows)
	return b, nil
}

// matches tells whether a tag is among those that are filtered for.
func (b *passView) matches(t devices.Tag) bool {
	if b.Query == "" {
		return true
	}
	w, err := wantedOf(b.Query)
	return err == nil && w.names(t)
}

// tailDigits are those by which people tell tags apart.
const tailDigits = 8

func tagRowOf(n int, t *reconcile.TagTrace) tagRow {
	id := t.Tag.String()
	_, id, _ = strings.Cut(id, ":")
	cut := max(0, len(id)-tailDigits)
	row := tagRow{
		N: n, Head: id[:cut], Tail: id[cut:], Member: t.Member, Why: t.Why, Peak: "–",
		Score: fmt.Sprintf("%+.1f", min(max(t.Score, -mostScore), mostScore)),
	}
	if gtin, ok := epc.GTIN14(t.Tag); ok {
		row.Name = gtin + " · " + identityOf(t.Tag).Serial
	}
	peak, known := 0.0, false
	for _, r := range t.Reads {
		switch r.Side {
		case "inside":
			row.Inside++
		case "outside":
			row.Outside++
		default:
			row.Middle++
		}
		if r.Foreign {
			row.Foreign++
		}
		if dBm := float64(r.RSSI) / 100; r.HasRSSI && (!known || dBm > peak) {
			peak, known = dBm, true
		}
	}
	if known {
		row.Peak = fmt.Sprintf("%.1f dBm", peak)
	}
	return row
}

// since is a moment in seconds of a pass.
func since(t *reconcile.Trace, at time.Time) float64 { return at.Sub(t.From).Seconds() }
