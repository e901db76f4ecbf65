package api

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/epc"
	"github.com/tallydock/tallydock/edge/reconcile"
	"github.com/tallydock/tallydock/edge/site"
)

// found is a tag that was searched for, and where it is.
type found struct {
	Tag      string    `json:"tag"`
	State    string    `json:"state"`    // present, unseen, left (through a door) or undecided (read, but not placed yet)
	Location string    `json:"location"` // "" where it is left or undecided
	Since    time.Time `json:"since"`    // when it came there
	LastSeen time.Time `json:"last_seen"`
	Identity identity  `json:"identity"`
	Passes   []tagPass `json:"passes"` // the last passes in which it was read, the latest first
}

// identity is what a tag's memory says. Fields that it does not have are "".
type identity struct {
	Scheme      string `json:"scheme"` // e.g. sgtin-96; raw where it is no EPC; uid for cards
	GTIN        string `json:"gtin"`   // 14 digits
	Serial      string `json:"serial"`
	URI         string `json:"uri"`
	TagURI      string `json:"tag_uri"`
	DigitalLink string `json:"digital_link"`
	Elements    string `json:"element_string"`
	Reason      string `json:"reason"` // why it is raw
}

// tagPass is a pass in which a tag was read.
type tagPass struct {
	Pass   string    `json:"pass"`
	Door   string    `json:"door"`
	At     time.Time `json:"at"`
	Member bool      `json:"member"`
	Reads  int       `json:"reads"`
	Why    string    `json:"why"`
}

// tags answers with the tags that q names, in the order of their ids: limit of them, behind the tag that after names.
func (s *Server) tags(r *http.Request) (list[found], error) {
	after, limit, err := pageAsked(r, "q")
	if err != nil {
		return list[found]{}, err
	}
	ctx, cancel := context.WithTimeout(r.Context(), patientFor)
	defer cancel()
	return s.search(ctx, r.URL.Query().Get("q"), after, limit)
}

func (s *Server) search(ctx context.Context, text, after string, limit int) (list[found], error) {
	q, err := wantedOf(text)
	if err != nil {
		return list[found]{}, &problem{http.StatusBadRequest, "bad_query", err.Error()}
	}
	type hit struct {
		id    string
		where reconcile.Whereabouts
	}
	first := firstOf[hit]{most: limit + 1, key: func(h hit) string { return h.id }}
	err = s.Road.Ask(ctx, func(m *reconcile.Machine) {
		m.Each(func(w reconcile.Whereabouts) bool {
			if !q.names(w.Tag) {
				return true
			}
			if id := w.Tag.String(); id > after {
				first.add(hit{id, w})
			}
			return true
		})
	})
	if err != nil {
		return list[found]{}, err
	}
	var out []found
	next := ""
	for i, h := range first.sorted() {
		if i == limit {
			next = out[limit-1].Tag
			break
		}
		out = append(out, s.foundOf(h.where))
	}
	return listOf(out, next), nil
}

func (s *Server) foundOf(w reconcile.Whereabouts) found {
	f := found{
		Tag: w.Tag.String(), State: "present", Location: w.Location, Since: w.Since.UTC(), LastSeen: w.LastRead.UTC(),
		Identity: identityOf(w.Tag), Passes: s.passesOf(w.Tag),
	}
	switch {
	case w.Location == "":
		f.State = "undecided"
	case w.Location == site.Customer:
		f.State, f.Location = "left", ""
	case w.Unseen:
		f.State = "unseen"
	}
	return f
}

func (s *Server) passesOf(t devices.Tag) []tagPass {
	out := []tagPass{}
	for _, p := range s.traces() {
		if i := slices.IndexFunc(p.Tags, func(x reconcile.TagTrace) bool { return x.Tag == t }); i >= 0 {
			x := &p.Tags[i]
			out = append(out, tagPass{p.Pass, p.Door, p.From.UTC(), x.Member, len(x.Reads), x.Why})
		}
	}
	return out
}

func identityOf(t devices.Tag) identity {
	if t.Kind() == devices.TagUID {
		return identity{Scheme: "uid"}
	}
	d, err := epc.Describe(hex.EncodeToString(t.Bytes()))
	if err != nil {
		return identity{Scheme: "raw", Reason: err.Error()}
	}
	id := identity{
		Scheme: d.Scheme, URI: d.URI, TagURI: d.TagURI, DigitalLink: d.DigitalLink, Elements: d.ElementString, Reason: d.Reason,
	}
	elements, _ := epc.ParseElementString(d.ElementString)
	id.GTIN, id.Serial = valueOf(elements, "01"), valueOf(elements, "21")
	return id
}

func valueOf(elements []epc.Element, ai string) string {
	for _, e := range elements {
		if e.AI == ai {
			return e.Value
		}
	}
	return ""
}

// wanted is what a search looks for. A tag is named by any of it.
type wanted struct {
	part  []byte   // lower-case hexadecimal digits anywhere in its identity
	exact [][]byte // its identity
	gtin  string   // the GTIN that it carries
	unit  string   // with gtin: the begin of its element string
}

const longestQuery = 300

// wantedOf reads what a person types: a part of the tag's hexadecimal digits, a GTIN, or a URI, Digital Link or element
// string of a thing or of a kind of trade item.
func wantedOf(text string) (wanted, error) {
	text = strings.TrimSpace(text)
	if text == "" || len(text) > longestQuery {
		return wanted{}, fmt.Errorf("q has %d characters; give 1 to %d: hexadecimal digits, a GTIN, a URI, a Digital Link or an element string",
			len(text), longestQuery)
	}
	if digits, ok := hexDigits(text); ok {
		return wanted{part: []byte(digits), gtin: gtinOf(digits)}, nil
	}
	if kind, ok := strings.CutSuffix(text, ".*"); ok { // urn:epc:idpat:sgtin:PREFIX.REFERENCE.*
		d, err := epc.Describe(strings.Replace(kind, "urn:epc:idpat:", "urn:epc:id:", 1) + ".0")
		if id, _, _ := strings.Cut(d.ElementString, "(21)"); err == nil && strings.HasPrefix(id, "(01)") {
			return wanted{gtin: id[len("(01)"):]}, nil
		}
	}
	return wantedThing(text)
}

// wantedThing reads what names a thing, or a kind of trade item.
func wantedThing(text string) (wanted, error) {
	var w wanted
	d, err := epc.Describe(text)
	if err != nil {
		if w.gtin = kindOf(text); w.gtin == "" {
			return w, err
		}
		return w, nil
	}
	for filter := range uint8(8) { // a URI does not tell it, the memory has it
		if d, err := (epc.Options{Filter: filter}).Describe(text); err == nil {
			if memory, err := hex.DecodeString(d.Hex); err == nil && len(memory) > 0 {
				w.exact = append(w.exact, memory)
			}
		}
	}
	if elements, err := epc.ParseElementString(d.ElementString); err == nil {
		if gtin, serial := valueOf(elements, "01"), valueOf(elements, "21"); gtin != "" && serial != "" {
			w.gtin, w.unit = gtin, epc.Element{AI: "01", Value: gtin}.String()+epc.Element{AI: "21", Value: serial}.String()
		}
	}
	return w, nil
}

// kindOf gives the GTIN of a Digital Link or an element string without a serial.
func kindOf(text string) string {
	elements, err := epc.ParseElementString(text)
	if err != nil {
		elements, err = epc.ParseLink(text)
	}
	if err != nil || valueOf(elements, "21") != "" {
		return ""
	}
	return valueOf(elements, "01")
}

// hexDigits cleans what may be hexadecimal digits of how people write them.
func hexDigits(text string) (string, bool) {
	text = strings.ToLower(text)
	for _, before := range []string{"epc:", "uid:", "0x"} {
		text = strings.TrimPrefix(text, before)
	}
	text = strings.NewReplacer(" ", "", "-", "", ":", "").Replace(text)
	return text, text != "" && strings.Trim(text, "0123456789abcdef") == ""
}

// gtinOf gives the 14 digits of a GTIN of 8, 12, 13 or 14 digits, with a right check digit; else "".
func gtinOf(digits string) string {
	if !slices.Contains([]int{8, 12, 13, 14}, len(digits)) || strings.Trim(digits, "0123456789") != "" {
		return ""
	}
	digits = strings.Repeat("0", 14-len(digits)) + digits
	sum := 0
	for i, c := range []byte(digits) {
		sum += int(c-'0') * (3 - i%2*2)
	}
	if sum%10 != 0 {
		return ""
	}
	return digits
}

// names tells whether a tag is among those that are wanted.
func (w *wanted) names(t devices.Tag) bool {
	var room [devices.MaxTagBytes]byte
	memory := t.AppendBytes(room[:0])
	if len(w.part) > 0 {
		var digits [2 * devices.MaxTagBytes]byte
		if bytes.Contains(digits[:hex.Encode(digits[:], memory)], w.part) {
			return true
		}
	}
	for _, e := range w.exact {
		if bytes.Equal(memory, e) {
			return true
		}
	}
	if w.gtin == "" {
		return false
	}
	gtin, ok := epc.GTIN14(t)
	if !ok || gtin != w.gtin {
		return false
	}
	if w.unit == "" {
		return true
	}
	rest, ok := strings.CutPrefix(identityOf(t).Elements, w.unit)
	return ok && (rest == "" || rest[0] == '(')
}
