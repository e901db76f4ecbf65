package main

import (
	"cmp"
	"math"
	"slices"
	"sync"

	"github.com/tallydock/tallydock/edge/reconcile"
)

// Boosting of regression trees on the logistic loss: each tree is fitted to the gradient of the sum so far, grown leaf by leaf
// where that gains most, over binned traits (J. H. Friedman, Annals of Statistics 29, 2001; the gain of second order is that of
// T. Chen and C. Guestrin, KDD 2016).
type booster struct {
	trees, leaves int
	rate, ridge   float64
	least         float64 // of a leaf's hessian
	rising        []int8  // by trait: 1 where the sum may only rise with it, -1 where only fall
}

// examples are what is fitted to: traits by column, as the number of their bin.
type examples struct {
	bins   [][]uint8
	edges  [][]float32 // by trait; bin b holds what is less than edges[b], and not less than edges[b-1]
	truth  []float32
	weight []float32
}

const mostBins = 128

// newExamples bins rows, so that about as many fall into each bin.
func newExamples(rows []row) *examples {
	e := &examples{}
	for i := range rows {
		e.truth, e.weight = append(e.truth, rows[i].truth), append(e.weight, rows[i].weight)
	}
	for k := range rows[0].traits {
		values := make([]float32, 0, len(rows)/7+1)
		for i := 0; i < len(rows); i += 7 {
			values = append(values, rows[i].traits[k])
		}
		slices.Sort(values)
		var edges []float32
		for b := 1; b < mostBins; b++ {
			v := values[b*len(values)/mostBins]
			if v > values[0] && (len(edges) == 0 || v > edges[len(edges)-1]) {
				edges = append(edges, v)
			}
		}
		col := make([]uint8, len(rows))
		for i := range rows {
			col[i] = binOf(edges, rows[i].traits[k])
		}
		e.edges, e.bins = append(e.edges, edges), append(e.bins, col)
	}
	return e
}

func binOf(edges []float32, v float32) uint8 {
	i, ok := slices.BinarySearch(edges, v)
	if ok {
		i++
	}
	return uint8(i)
}

type cell struct{ grad, hess float64 }

// leaf is a part of the examples, while a tree grows.
type leaf struct {
	rows     []int32
	hist     [][mostBins]cell
	sum      cell
	low, top float64 // bounds of its value, so that the whole stays monotone
	split    split
	node     *branch
}

type split struct {
	gain        float64
	trait       int
	bin         uint8 // what is in it and below goes left
	left, right cell
}

type branch struct {
	trait       int
	at          float32
	value       float64
	left, right *branch
}

// fit gives the forest.
func (b *booster) fit(e *examples) *reconcile.Forest {
	n := len(e.truth)
	score, grad, hess := make([]float64, n), make([]float64, n), make([]float64, n)
	yes, all := 0.0, 0.0
	for i := range n {
		yes += float64(e.truth[i] * e.weight[i])
		all += float64(e.weight[i])
	}
	f := &reconcile.Forest{Over: uint8(len(e.bins)), Bias: float32(math.Log(yes / (all - yes)))}
	for i := range score {
		score[i] = float64(f.Bias)
	}
	for range b.trees {
		for i := range n {
			p := 1 / (1 + math.Exp(-score[i]))
			grad[i] = (p - float64(e.truth[i])) * float64(e.weight[i])
			hess[i] = p * (1 - p) * float64(e.weight[i])
		}
		root := b.grow(e, grad, hess, score)
		f.Trees = append(f.Trees, flat(root, nil))
	}
	return f
}

// grow makes one tree, and adds it to the scores.
func (b *booster) grow(e *examples, grad, hess, score []float64) *branch {
	rows := make([]int32, len(score))
	for i := range rows {
		rows[i] = int32(i)
	}
	root := &leaf{rows: rows, low: math.Inf(-1), top: math.Inf(1), node: &branch{}}
	root.hist = histogram(e, rows, grad, hess)
	for _, c := range root.hist[0] {
		root.sum.grad += c.grad
		root.sum.hess += c.hess
	}
	b.seek(e, root)
	leaves := []*leaf{root}
	for len(leaves) < b.leaves {
		best := slices.MaxFunc(leaves, func(x, y *leaf) int { return cmp.Compare(x.split.gain, y.split.gain) })
		if best.split.gain <= 1e-6 {
			break
		}
		left, right := b.divide(e, best, grad, hess)
		i := slices.Index(leaves, best)
		leaves[i] = left
		leaves = append(leaves, right)
	}
	for _, l := range leaves {
		l.node.value = b.rate * b.value(l.sum, l.low, l.top)
		for _, i := range l.rows {
			score[i] += l.node.value
		}
	}
	return root.node
}

// value is the best of a leaf within its bounds.
func (b *booster) value(c cell, low, top float64) float64 {
	return min(max(-c.grad/(c.hess+b.ridge), low), top)
}

// gain is how much a value lowers the loss.
func (b *booster) gain(c cell, value float64) float64 {
	return -(c.grad*value + (c.hess+b.ridge)*value*value/2)
}

// seek finds the best split of a leaf.
func (b *booster) seek(e *examples, l *leaf) {
	l.split = split{}
	stays := b.gain(l.sum, b.value(l.sum, l.low, l.top))
	for k := range l.hist {
		var left cell
		for bin := range len(e.edges[k]) {
			left.grad += l.hist[k][bin].grad
			left.hess += l.hist[k][bin].hess
			right := cell{l.sum.grad - left.grad, l.sum.hess - left.hess}
			if left.hess < b.least || right.hess < b.least {
				continue
			}
			lv, rv := b.value(left, l.low, l.top), b.value(right, l.low, l.top)
			if r := b.rising[k]; r > 0 && lv > rv || r < 0 && lv < rv {
				continue
			}
			if g := b.gain(left, lv) + b.gain(right, rv) - stays; g > l.split.gain {
				l.split = split{g, k, uint8(bin), left, right}
			}
		}
	}
}

// divide splits a leaf in two. The smaller one is counted; the other is the rest.
func (b *booster) divide(e *examples, l *leaf, grad, hess []float64) (left, right *leaf) {
	s, n := l.split, l.node
	n.trait, n.at = s.trait, e.edges[s.trait][s.bin]
	n.left, n.right = &branch{}, &branch{}
	left = &leaf{sum: s.left, low: l.low, top: l.top, node: n.left}
	right = &leaf{sum: s.right, low: l.low, top: l.top, node: n.right}
	if r := b.rising[s.trait]; r != 0 {
		mid := (b.value(s.left, l.low, l.top) + b.value(s.right, l.low, l.top)) / 2
		if r > 0 {
			left.top, right.low = mid, mid
		} else {
			left.low, right.top = mid, mid
		}
	}
	col := e.bins[s.trait]
	for _, i := range l.rows {
		if col[i] <= s.bin {
			left.rows = append(left.rows, i)
		} else {
			right.rows = append(right.rows, i)
		}
	}
	small, big := left, right
	if len(small.rows) > len(big.rows) {
		small, big = big, small
	}
	small.hist = histogram(e, small.rows, grad, hess)
	big.hist = l.hist
	for k := range big.hist {
		for i := range big.hist[k] {
			big.hist[k][i].grad -= small.hist[k][i].grad
			big.hist[k][i].hess -= small.hist[k][i].hess
		}
	}
	l.hist, l.rows = nil, nil
	b.seek(e, left)
	b.seek(e, right)
	return left, right
}

// histogram sums the gradients of rows by trait and bin.
func histogram(e *examples, rows []int32, grad, hess []float64) [][mostBins]cell {
	out := make([][mostBins]cell, len(e.bins))
	var wait sync.WaitGroup
	const workers = 4
	for worker := range workers {
		wait.Go(func() {
			for k := worker; k < len(e.bins); k += workers {
				col, h := e.bins[k], &out[k]
				for _, i := range rows {
					c := &h[col[i]&(mostBins-1)]
					c.grad += grad[i]
					c.hess += hess[i]
				}
			}
		})
	}
	wait.Wait()
	return out
}

// flat lays a tree out as a forest has it: what is less comes next.
func flat(b *branch, out []reconcile.Node) []reconcile.Node {
	if b.left == nil {
		return append(out, reconcile.Node{Trait: reconcile.Leaf, At: float32(b.value)})
	}
	at := len(out)
	out = flat(b.left, append(out, reconcile.Node{Trait: uint8(b.trait), At: b.at}))
	out[at].Right = uint8(len(out))
	return flat(b.right, out)
}
