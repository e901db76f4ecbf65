package main

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/tallydock/tallydock/edge/reconcile"
)

func TestBoosterLearnsWhatNoSumCanTell(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	draw := func() row {
		r := row{traits: []float32{rng.Float32(), rng.Float32(), rng.Float32()}, weight: 1}
		if (r.traits[0] > 0.5) != (r.traits[1] > 0.3) {
			r.truth = 1
		}
		return r
	}
	var rows []row
	for range 4000 {
		rows = append(rows, draw())
	}
	b := booster{trees: 40, leaves: 8, rate: 0.2, ridge: 1, least: 2, rising: make([]int8, 3)}
	f := b.fit(newExamples(rows))
	right := 0
	for range 1000 {
		if r := draw(); (f.Score(r.traits) > 0) == (r.truth == 1) {
			right++
		}
	}
	if right < 970 {
		t.Errorf("%d of 1000 right", right)
	}
	if g, err := reconcile.DecodeForest(f.Encode()); err != nil || math.Abs(g.Score(rows[0].traits)-f.Score(rows[0].traits)) > 1e-6 {
		t.Errorf("it does not come back: %v", err)
	}
}

func TestBoosterKeepsToItsWays(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	var rows []row
	for range 4000 { // falls with the first where it should rise, up to a half
		x, y := rng.Float32(), rng.Float32()
		r := row{traits: []float32{x, y}, weight: 1}
		if p := math.Abs(float64(x) - 0.5); rng.Float64() < p+float64(y)/3 {
			r.truth = 1
		}
		rows = append(rows, r)
	}
	b := booster{trees: 60, leaves: 12, rate: 0.2, ridge: 1, least: 2, rising: []int8{1, -1}}
	f := b.fit(newExamples(rows))
	for i := range 50 {
		y := float32(i) / 50
		before, last := math.Inf(-1), math.Inf(1)
		for k := range 200 {
			x := float32(k) / 200
			up, down := f.Score([]float32{x, y}), f.Score([]float32{y, x})
			if up < before-1e-6 || down > last+1e-6 {
				t.Fatalf("at %v, %v the score goes the wrong way", x, y)
			}
			before, last = up, down
		}
	}
}
