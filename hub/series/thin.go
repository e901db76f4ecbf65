package series

import (
	"slices"
	"sort"
	"time"
)

// Thin makes at most most points of points, which rise in time: of each stretch with more than two, its lowest and its
// highest in the order they came. Where nothing came for longer than three times the usual spacing (the median), a Point
// without value marks the gap.
func Thin(points []Point, most int) []Point { return fit(markGaps(points), most) }

// fit is Thin of points that have their gaps marked.
func fit(points []Point, most int) []Point {
	if len(points) <= most {
		return points
	}
	// A bucket gives at most three points: lowest, highest, one gap.
	buckets := max(most/3, 1)
	from := points[0].At
	width := points[len(points)-1].At.Sub(from)/time.Duration(buckets) + 1
	thin := make([]Point, 0, most)
	for len(points) > 0 {
		k := points[0].At.Sub(from) / width
		end := from.Add((k + 1) * width)
		n := sort.Search(len(points), func(i int) bool { return !points[i].At.Before(end) })
		thin = append(thin, extremes(points[:n])...)
		points = points[n:]
	}
	return thin
}

// extremes gives the lowest and the highest of the points and the first gap among them, in their order.
func extremes(points []Point) []Point {
	low, high, gap := -1, -1, -1
	for i, p := range points {
		switch {
		case p.Value == nil:
			if gap < 0 {
				gap = i
			}
		case low < 0:
			low, high = i, i
		case *p.Value < *points[low].Value:
			low = i
		case *p.Value > *points[high].Value:
			high = i
		}
	}
	kept := make([]Point, 0, 3)
	for i := range points {
		if i == low || i == high || i == gap {
			kept = append(kept, points[i])
		}
	}
	return kept
}

func markGaps(points []Point) []Point {
	longest := 3 * spacing(len(points), func(i int) time.Time { return points[i].At })
	if longest == 0 {
		return points
	}
	marked := make([]Point, 0, len(points))
	for i, p := range points {
		if i > 0 && p.At.Sub(points[i-1].At) > longest && points[i-1].Value != nil {
			marked = append(marked, Point{At: points[i-1].At.Add(longest / 3)})
		}
		marked = append(marked, p)
	}
	return marked
}

// spacing is the median time between two of n times; 0 with fewer than three.
func spacing(n int, at func(i int) time.Time) time.Duration {
	if n < 3 {
		return 0
	}
	steps := make([]time.Duration, n-1)
	for i := range steps {
		steps[i] = at(i + 1).Sub(at(i))
	}
	slices.Sort(steps)
	return steps[len(steps)/2]
}
