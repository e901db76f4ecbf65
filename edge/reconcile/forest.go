package reconcile

import (
	_ "embed"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/tallydock/tallydock/devices"
)

// Forest is an additive model of regression trees over traits (traits.go) or bearings (bearing.go). Its sum is in units of log odds.
type Forest struct {
	Over  uint8 // so many traits
	Bias  float32
	Trees [][]Node
}

// Node of a tree; the first of a tree is its root. Where a trait is less than At the node after it is next, else that at Right.
// A Node with Trait Leaf ends the way, and At is its value.
type Node struct {
	Trait, Right uint8
	At           float32
}

// Leaf marks the end of a tree's way.
const Leaf = math.MaxUint8

// Score sums the leaves that a tag's traits, or a load's bearings, lead to.
func (f *Forest) Score(v []float32) float64 {
	sum := f.Bias
	for _, tree := range f.Trees {
		i := uint8(0)
		for tree[i].Trait != Leaf {
			if v[tree[i].Trait] < tree[i].At {
				i++
			} else {
				i = tree[i].Right
			}
		}
		sum += tree[i].At
	}
	return float64(sum)
}

// forestMark begins an encoded Forest; its last byte is the version.
const forestMark = "tdf\x01"

// Encode gives a forest as bytes: the mark, the number of traits, the bias, and each tree's nodes after their number.
func (f *Forest) Encode() []byte {
	b := append([]byte(forestMark), f.Over)
	b = binary.LittleEndian.AppendUint32(b, math.Float32bits(f.Bias))
	for _, tree := range f.Trees {
		b = append(b, byte(len(tree)))
		for _, n := range tree {
			b = binary.LittleEndian.AppendUint32(append(b, n.Trait, n.Right), math.Float32bits(n.At))
		}
	}
	return b
}

// DecodeForest reads what Encode gave. Every way in it ends.
func DecodeForest(b []byte) (*Forest, error) {
	const head, node = len(forestMark) + 1 + 4, 6
	if len(b) < head || string(b[:len(forestMark)]) != forestMark {
		return nil, errors.New("it does not begin as a forest")
	}
	f := &Forest{Over: b[len(forestMark)], Bias: math.Float32frombits(binary.LittleEndian.Uint32(b[head-4:]))}
	for b = b[head:]; len(b) > 0; {
		n := int(b[0])
		if b = b[1:]; n == 0 || len(b) < n*node {
			return nil, errors.New("a tree is cut short")
		}
		tree := make([]Node, n)
		for i := range tree {
			tree[i] = Node{b[0], b[1], math.Float32frombits(binary.LittleEndian.Uint32(b[2:]))}
			b = b[node:]
			if t := tree[i]; t.Trait != Leaf && (t.Trait >= f.Over || int(t.Right) <= i+1 || int(t.Right) >= n) {
				return nil, fmt.Errorf("node %d of tree %d leads astray", i, len(f.Trees))
			}
		}
		if tree[n-1].Trait != Leaf {
			return nil, fmt.Errorf("tree %d has no end", len(f.Trees))
		}
		f.Trees = append(f.Trees, tree)
	}
	return f, nil
}

// The forests in use were fitted to simulated passes by deploy/fit, which says how.
var (
	//go:embed evidence.forest
	evidenceBytes []byte
	//go:embed through.forest
	throughBytes []byte

	//go:embed load.forest
	loadBytes []byte

	evidence = mustForest("evidence", evidenceBytes, traitCount) // that a tag was in a load
	through  = mustForest("through", throughBytes, bearCount)    // that a load went through
	isLoad   = mustForest("load", loadBytes, markCount)          // that it is one
)

func mustForest(name string, b []byte, over uint8) *Forest {
	f, err := DecodeForest(b)
	if err == nil && f.Over != over {
		err = fmt.Errorf("it is over %d traits, not %d: fit it anew", f.Over, over)
	}
	if err != nil {
		panic("reconcile: " + name + ".forest: " + err.Error())
	}
	return f
}

// Weighed is a load that was decided on, for those who fit the evidence.
type Weighed struct {
	Door     string
	Pass     string    // "" where it was not told
	Way      float64   // 1 in, -1 out, 0 back: as it was told
	Heading  float64   // the way of which Bearings speak; 0 = they do not
	Bearings []float32 // by BearingNames
	Marks    []float32 // by MarkNames; nil where they were not asked for
	From, To time.Time
	Tags     []WeighedTag
}

// WeighedTag is a tag that was heard while a Weighed load was in the door.
type WeighedTag struct {
	Tag    devices.Tag
	Traits []float32 // by TraitNames
	Score  float64
	Member bool
}

// weighed tells a load with the traits of its tags, where Params.Weigh asks for that.
func (m *Machine) weighed(door int, w *window, f *film, l *load, pass string, members []course) {
	if !m.par.Weigh || l.line || l.alone {
		return
	}
	out := &Weighed{Door: m.plan.Doors[door].ID, Pass: pass, Way: l.way, Heading: l.heading, Bearings: slices.Clone(l.bearings[:]), From: l.enter.time(), To: l.leave.time()}
	if l.bears {
		out.Marks = slices.Clone(l.marks[:])
	}
	for _, c := range m.courses(door, w, f, l) {
		if c.inReads() == 0 || c.known == 0 || c.told >= c.lastIn && c.lastIn != 0 {
			continue
		}
		is := slices.ContainsFunc(members, func(k course) bool { return k.number == c.number })
		out.Tags = append(out.Tags, WeighedTag{m.tags[c.slot].id, slices.Clone(c.traits[:]), c.evidence(l), is})
	}
	m.tell(Event{Weighed: out})
}
