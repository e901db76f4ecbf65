package forecast

// Class says what kind of demand a series is.
type Class string

// The classes of Syntetos and Boylan (2005), by the mean time between demands (ADI, limit 1.32 days) and the squared
// coefficient of variation of the demand sizes (CV², limit 0.49).
const (
	Smooth       Class = "smooth"       // often, alike
	Erratic      Class = "erratic"      // often, unlike
	Intermittent Class = "intermittent" // seldom, alike
	Lumpy        Class = "lumpy"        // seldom, unlike
	New          Class = "new"          // too short or too empty to say
)

const (
	limitADI = 1.32
	limitCV2 = 0.49
	// minDays and minDemands are the least history from which a class is told.
	minDays    = 14
	minDemands = 3
)

// Classify tells the class of a series of daily demand, oldest first.
func Classify(demand []float64) Class {
	n, sum, squares := 0.0, 0.0, 0.0
	for _, d := range demand {
		if d > 0 {
			n++
			sum += d
			squares += d * d
		}
	}
	if len(demand) < minDays || n < minDemands {
		return New
	}
	adi := float64(len(demand)) / n
	mean := sum / n
	cv2 := max(0, squares/n-mean*mean) / (mean * mean)
	switch {
	case adi < limitADI && cv2 < limitCV2:
		return Smooth
	case adi < limitADI:
		return Erratic
	case cv2 < limitCV2:
		return Intermittent
	default:
		return Lumpy
	}
}
