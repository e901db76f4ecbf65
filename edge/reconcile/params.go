package reconcile

import "time"

// Params are the constants of the rules. Start from Defaults.
type Params struct {
	// The mobility profile of a shelf: a tag moves to a new read point where its mean signal is stronger than at the old
	// one by an advantage that is Threshold while the old one still hears it (silence up to Holdoff) and falls by Slope
	// with its silence. Where a tag is read more seldom than each Holdoff, silence counts in units of the tag's own pace.
	Threshold float64       // dB
	Holdoff   time.Duration // silence that costs the old place nothing
	Slope     float64       // dB per millisecond of silence; negative
	// Offline is the advantage that a new read point needs where the old one's reader is not alive. dB.
	Offline float64

	Refresh time.Duration // a shelf tag's last read is kept at most so seldom, clocks four times as often; 0 = always
	Stall   time.Duration // longest time between two steps that still counts as reader-alive time
	// The clock of a reader: its smallest delay counts for SkewWindow, and it was set back where all its times have been
	// older than its newest for StepBack.
	SkewWindow, StepBack time.Duration

	// Late is how much longer than its quiet time a window at a door stays open for what a network delays. A network that
	// stands still for longer cuts a pass in two, of which each half looks like a turn.
	Late time.Duration
	// A window at a door in which a reader was away stays open until the reader has been back for Redeliver, which is longer
	// than a broker waits before it sends again what was not acknowledged (the hub's: two seconds); but not longer than Hold
	// after its last read.
	Redeliver, Hold time.Duration

	// Settle is for how many quiet times more than one a load is waited for at most, where who was in it, or that it turned back,
	// is uncertain: a tag that was heard by the way goes through another door, or the same one, soon after.
	Settle float64

	Trace bool // passes are told with all their reads
	Weigh bool // all loads are told with what their tags showed

	AfterOut time.Duration // after a pass, reads at shelves are echoes of it for so long
	Forget   time.Duration // a tag that is on no shelf is forgotten after so long without a read
	MaxLoose int           // tags that are on no shelf and are remembered; the oldest is forgotten first

	// Doors. Signal differences in dB.
	Rise         float64       // of a tag's highest level over its mean or its first; below, it is flat
	Crest        float64       // the same, from which it surely passes by an antenna
	PickUp       float64       // over its usual level from which a tag that lay beside a door moves
	Faint        float64       // below the pass's median peak from which a tag that does not rise is a stray
	Separation   float64       // distance of the two sides' centroids, in standard deviations, from which a direction is told
	FlatReads    uint32        // reads from which a tag without a rise is judged to lie there
	FlatFor      time.Duration // and for how long at least
	StaticPasses uint32        // windows without a direction after which a tag without signal strength is judged to lie there
}

// AtSpeed fits the parameters to a demonstration's time that runs speed times as fast: what is due to the machine, such
// as delays on the way and commits, takes so much more of it.
func (p Params) AtSpeed(speed float64) Params {
	if speed <= 1 {
		return p
	}
	for _, d := range []*time.Duration{&p.Refresh, &p.Stall, &p.SkewWindow, &p.StepBack, &p.Late, &p.Redeliver, &p.Hold} {
		*d = time.Duration(float64(*d) * speed)
	}
	return p
}

// Defaults are the values in use. Threshold, Holdoff and Slope are those of EdgeX's inventory service, so that a site
// that moves from it sees the same behaviour where tags are read many times a second.
func Defaults() Params {
	return Params{
		Threshold: 6, Holdoff: 500 * time.Millisecond, Slope: -0.008, Offline: -3,
		Refresh: 2 * time.Minute, Stall: 5 * time.Second,
		SkewWindow: 10 * time.Minute, StepBack: 30 * time.Second,
		Late: 2 * time.Second, Redeliver: 10 * time.Second, Hold: 15 * time.Minute, Settle: 4, AfterOut: 2 * time.Second,
		Forget: 14 * 24 * time.Hour, MaxLoose: 200_000,
		Rise: 6, Crest: 8, PickUp: 8, Faint: 12, Separation: 1, FlatReads: 6, FlatFor: 12 * time.Second, StaticPasses: 3,
	}
}
