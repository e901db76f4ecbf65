package replay

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// Truth is one pass as it really was.
type Truth struct {
	Pass      string
	ReadPoint string // "" = any
	From, To  time.Time
	Direction string // in, out or turned_back; "" = not known
	EPCs      map[string]bool
	Unread    map[string]bool // of these, those that the door did not read while they were in it
}

// truthLine is a pass, or one tag of a pass, as a truth file has it.
type truthLine struct {
	T         *time.Time `json:"t"`
	Pass      string     `json:"pass"`
	ReadPoint string     `json:"read_point"`
	From      *time.Time `json:"pass_from"`
	To        *time.Time `json:"pass_to"`
	Direction string     `json:"direction"`
	EPC       string     `json:"epc"`
	EPCs      []string   `json:"epcs"`
	Unread    []string   `json:"unread"` // by no antenna at all
	Unseen    []string   `json:"unseen"` // by none of the door's while in it
}

// ReadTruth reads a truth file: NDJSON, a line a pass with its "epcs", or a line a tag with its "epc"; "pass", "pass_from",
// "pass_to", "read_point" and "direction" as in a replay's answer.
func ReadTruth(r io.Reader) ([]Truth, error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 64<<10), 16<<20)
	var out []Truth
	byPass := map[string]int{}
	for n := 1; lines.Scan(); n++ {
		text := bytes.TrimSpace(lines.Bytes())
		if len(text) == 0 {
			continue
		}
		var l truthLine
		if err := json.Unmarshal(text, &l); err != nil {
			return nil, fmt.Errorf("line %d of the truth is no JSON object of a pass: %w", n, err)
		}
		if l.From == nil {
			l.From = l.T
		}
		if l.To == nil {
			l.To = l.From
		}
		if l.From == nil || l.EPC == "" && len(l.EPCs) == 0 {
			return nil, fmt.Errorf("line %d of the truth lacks pass_from, or epc and epcs", n)
		}
		key := l.Pass + "\x00" + l.ReadPoint
		i, known := byPass[key]
		if !known || l.Pass == "" {
			i = len(out)
			byPass[key] = i
			out = append(out, Truth{
				Pass: l.Pass, ReadPoint: l.ReadPoint, From: *l.From, To: *l.To, Direction: strings.ToLower(l.Direction),
				EPCs: map[string]bool{}, Unread: map[string]bool{},
			})
		}
		t := &out[i]
		for _, e := range append(l.EPCs, l.EPC) {
			if e != "" {
				t.EPCs[strings.ToLower(e)] = true
			}
		}
		for _, e := range append(l.Unread, l.Unseen...) {
			t.Unread[strings.ToLower(e)] = true
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("cannot read the truth: %w", err)
	}
	return out, nil
}

// Score says how a replay's answer compares with the truth. A tag counts once for each pass that it is in; a tag that the door did
// not read while it was in it is no miss where it is not told, and no mistake where it is.
type Score struct {
	Passes     int     `json:"passes"` // that there were
	Told       int     `json:"told"`   // that were told
	True       int     `json:"true_positives"`
	False      int     `json:"false_positives"`
	Missed     int     `json:"false_negatives"`
	Unread     int     `json:"unread"` // tags of passes that the door did not read then, and that were not told
	Precision  float64 `json:"precision"`
	Recall     float64 `json:"recall"`
	F1         float64 `json:"f1"`
	Exact      int     `json:"passes_exact"` // passes told as one, with just their tags and the right direction
	ExactShare float64 `json:"passes_exact_share"`
	// Confusion counts passes by true and told direction; a pass of which no tag was told has "missed".
	Confusion map[string]map[string]int `json:"direction_confusion"`
	Decided   int                       `json:"passes_decided"` // told, and not as undecided
	Right     float64                   `json:"direction_right_share"`
	Undecided float64                   `json:"undecided_share"` // of the passes told
}

// slack is how far apart in time a told pass and a true one may lie and still be the same.
const slack = 2 * time.Second

// told is a pass of the answer.
type told struct{ Truth }

// Compare scores movements of passes against the truth.
func Compare(truth []Truth, movements []Movement) Score {
	s := Score{Passes: len(truth), Confusion: map[string]map[string]int{}}
	passes := gather(movements)
	s.Told = len(passes)
	owner := make(map[string]map[string]int) // told pass -> EPC -> index of the true pass
	used := map[[2]string]bool{}             // true pass and EPC
	type pair struct {
		apart time.Duration
		epc   string
		t, p  int
	}
	var pairs []pair
	for i := range truth {
		for j := range passes {
			gap, ok := truth[i].apart(&passes[j])
			if !ok {
				continue
			}
			for e := range passes[j].EPCs {
				if truth[i].EPCs[e] {
					pairs = append(pairs, pair{gap, e, i, j})
				}
			}
		}
	}
	slices.SortFunc(pairs, func(a, b pair) int {
		return cmp.Or(cmp.Compare(a.apart, b.apart), cmp.Compare(a.t, b.t), cmp.Compare(a.p, b.p), cmp.Compare(a.epc, b.epc))
	})
	for _, pr := range pairs {
		t, p := fmt.Sprint(pr.t), fmt.Sprint(pr.p)
		if used[[2]string{t, pr.epc}] {
			continue
		}
		if owner[p] == nil {
			owner[p] = map[string]int{}
		}
		if _, taken := owner[p][pr.epc]; taken {
			continue
		}
		owner[p][pr.epc] = pr.t
		used[[2]string{t, pr.epc}] = true
		s.True++
	}
	all := 0
	for j := range passes {
		all += len(passes[j].EPCs)
	}
	s.False = all - s.True
	for i := range truth {
		for e := range truth[i].EPCs {
			switch {
			case used[[2]string{fmt.Sprint(i), e}]:
			case truth[i].Unread[e]:
				s.Unread++
			default:
				s.Missed++
			}
		}
	}
	s.directions(truth, passes, owner)
	s.shares()
	return s
}

// directions counts, for each true pass, what was told of the pass that has most of its tags.
func (s *Score) directions(truth []Truth, passes []told, owner map[string]map[string]int) {
	right := 0
	for i := range truth {
		best, most := -1, 0
		for j := range passes {
			n := 0
			for _, t := range owner[fmt.Sprint(j)] {
				if t == i {
					n++
				}
			}
			if n > most {
				best, most = j, n
			}
		}
		was := cmp.Or(truth[i].Direction, "unknown")
		is := "missed"
		if best >= 0 {
			is = passes[best].Direction
		}
		if s.Confusion[was] == nil {
			s.Confusion[was] = map[string]int{}
		}
		s.Confusion[was][is]++
		if best >= 0 && is != "undecided" {
			s.Decided++
			if is == was || was == "unknown" {
				right++
			}
		}
		if best < 0 {
			if len(truth[i].EPCs) == len(truth[i].Unread) {
				s.Exact++ // nothing could be read, and nothing was told
			}
			continue
		}
		lacks := false
		for e := range truth[i].EPCs {
			if _, ok := owner[fmt.Sprint(best)][e]; !ok && !truth[i].Unread[e] {
				lacks = true
			}
		}
		if !lacks && len(passes[best].EPCs) == most && (is == was || was == "unknown") {
			s.Exact++
		}
	}
	if s.Decided > 0 {
		s.Right = float64(right) / float64(s.Decided)
	}
	undecided := 0
	for _, row := range s.Confusion {
		undecided += row["undecided"]
	}
	if s.Passes > 0 {
		s.Undecided = float64(undecided) / float64(s.Passes)
	}
}

func (s *Score) shares() {
	ratio := func(a, b int) float64 {
		if b == 0 {
			return 0
		}
		return float64(a) / float64(b)
	}
	s.Precision, s.Recall = ratio(s.True, s.True+s.False), ratio(s.True, s.True+s.Missed)
	if s.Precision+s.Recall > 0 {
		s.F1 = 2 * s.Precision * s.Recall / (s.Precision + s.Recall)
	}
	s.ExactShare = ratio(s.Exact, s.Passes)
}

// apart is how far apart the middles of two passes are, where they are the same within the slack.
func (t *Truth) apart(p *told) (time.Duration, bool) {
	if t.ReadPoint != "" && p.ReadPoint != "" && t.ReadPoint != p.ReadPoint {
		return 0, false
	}
	if p.From.After(t.To.Add(slack)) || p.To.Before(t.From.Add(-slack)) {
		return 0, false
	}
	mid := func(a, b time.Time) time.Time { return a.Add(b.Sub(a) / 2) }
	return mid(t.From, t.To).Sub(mid(p.From, p.To)).Abs(), true
}

// gather puts the movements of one pass together, in the order in which passes were told.
func gather(movements []Movement) []told {
	var out []told
	index := map[string]int{}
	for _, m := range movements {
		if m.Pass == "" {
			continue
		}
		i, ok := index[m.Pass]
		if !ok {
			i = len(out)
			index[m.Pass] = i
			out = append(out, told{Truth: Truth{
				Pass: m.Pass, ReadPoint: m.ReadPoint, From: *m.PassFrom, To: *m.PassTo, Direction: m.Direction, EPCs: map[string]bool{},
			}})
		}
		out[i].EPCs[cmp.Or(m.EPC, m.UID)] = true
	}
	return out
}
