package reconcile

import "math"

// poolReach is how many bins before and after a load count in its pooled course.
const poolReach = 16

// pool compares each tag's power over time and sides with that of the tags that surely were in the load: those that go
// together rise and fall together, each as strong as it is.
func (m *Machine) pool(door int, w *window, f *film, l *load, list []course) {
	if f.bins == 0 {
		return
	}
	from, to := max(0, f.bin(l.enter)-poolReach), min(f.bins, f.bin(l.leave)+poolReach+1)
	if to <= from {
		return
	}
	shape, n := make([][2]float64, to-from), 0.0
	usual := m.doors[door].usual()
	for i := range w.tracks {
		k := 0.0
		switch c := l.by[int32(i)]; {
		case c != nil:
			k = c.weight(usual)
		case l.backers[int32(i)]:
			k = 0.5
		}
		if k > 0.1 {
			n += k * addShape(shape, f.of(int32(i))[from:to], k)
		}
	}
	if n < 0.5 {
		return
	}
	smooth(shape)
	even := 1 / float64(2*len(shape))
	for i := range list {
		list[i].like = likeness(shape, f.of(int32(i))[from:to], even)
	}
}

// addShape adds a tag's shares of power, weighted; it gives 1 where there are some.
func addShape(shape, bins [][2]float64, weight float64) float64 {
	sum := 0.0
	for _, p := range bins {
		sum += p[inside] + p[outside]
	}
	if sum == 0 {
		return 0
	}
	for k, p := range bins {
		shape[k][inside] += weight * p[inside] / sum
		shape[k][outside] += weight * p[outside] / sum
	}
	return 1
}

// smooth spreads a shape over the bins beside, as tags in a load are before and behind one another, and makes its sum 1.
func smooth(shape [][2]float64) {
	sum := 0.0
	var before [2]float64
	for k := range shape {
		now := shape[k]
		for s := range now {
			next := 0.0
			if k+1 < len(shape) {
				next = shape[k+1][s]
			}
			shape[k][s] = 0.25*before[s] + 0.5*now[s] + 0.25*next
			sum += shape[k][s]
		}
		before = now
	}
	for k := range shape {
		for s := range shape[k] {
			shape[k][s] /= sum
		}
	}
}

// likeness is how much likelier a tag's power is by the shape than by an even one, the mean over its bins; log odds.
func likeness(shape, bins [][2]float64, even float64) float64 {
	all, sum, top := 0.0, 0.0, strongest(bins)
	for k, p := range bins {
		for s := range p {
			if p[s] > 0 {
				weight := math.Sqrt(p[s] / top)
				all += weight
				sum += weight * math.Log((0.9*shape[k][s]+0.1*even)/even)
			}
		}
	}
	return sum / max(all, 1e-9)
}
