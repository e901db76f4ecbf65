package series_test

import (
	"encoding/json"
	"math/rand/v2"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tallydock/tallydock/hub/series"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func at(s int, v float64) series.Point {
	return series.Point{At: noon.Add(time.Duration(s) * time.Second), Value: &v}
}

func TestASilenceIsAGap(t *testing.T) {
	points := []series.Point{at(0, 1), at(30, 2), at(60, 3), at(150, 4), at(241, 5), at(271, 6)}
	got := series.Thin(points, series.MaxPoints)
	// 60 to 150 is three times the usual 30 s: no gap yet. 150 to 241 is more.
	if len(got) != 7 || got[4].Value != nil || !got[4].At.Equal(noon.Add(180*time.Second)) {
		b, _ := json.Marshal(got)
		t.Errorf("got %s", b)
	}
}

func TestThinKeepsWithinItsBoundAndTheExtremes(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(0, 3000).Draw(rt, "points")
		most := rapid.IntRange(30, 300).Draw(rt, "most")
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 1))
		var points []series.Point
		sec, low, high := 0, 1e9, -1e9
		for range n {
			sec += 1 + random.IntN(60)
			if random.IntN(50) == 0 {
				sec += 1000
			}
			p := at(sec, random.NormFloat64())
			if random.IntN(30) == 0 {
				p.Value = nil
			} else {
				low, high = min(low, *p.Value), max(high, *p.Value)
			}
			points = append(points, p)
		}
		got := series.Thin(points, most)
		if len(got) > most {
			rt.Fatalf("%d points where %d are the most", len(got), most)
		}
		for i, p := range got {
			if i > 0 && p.At.Before(got[i-1].At) {
				rt.Fatal("points are not in order")
			}
			if p.Value != nil {
				if *p.Value == low {
					low = 1e9
				}
				if *p.Value == high {
					high = -1e9
				}
			}
		}
		if low != 1e9 || high != -1e9 {
			rt.Fatal("the lowest or the highest value was lost")
		}
	})
}

func TestPointJSON(t *testing.T) {
	b, err := json.Marshal([]series.Point{at(0, 4.25), {At: noon}})
	if want := `[[1772452800000,4.25],[1772452800000,null]]`; err != nil || string(b) != want {
		t.Errorf("got %s, %v", b, err)
	}
}
