package world

import "time"

// Pace fits the world to the speed at which its time passes, so that what takes a while in the world also takes the
// machines a while, and the readers never have more to say than they can.
type Pace struct {
	Speed float64 // seconds of the world in a second of the machine; 0 = 1
}

// shelfReads is how many reads of tags at rest are made in a second of the machine, all readers together.
const shelfReads = 1200

// Wall is how much of the world's time passes in d of the machine's.
func (p Pace) Wall(d time.Duration) time.Duration {
	if p.Speed <= 0 {
		return d
	}
	return time.Duration(float64(d) * p.Speed)
}

// Pass is how long a load takes through a door.
func (p Pace) Pass() time.Duration { return max(20*time.Second, p.Wall(600*time.Millisecond)) }

// Quiet is after how long without a read a pass is over; a gateway at this pace should be told so.
func (p Pace) Quiet() time.Duration { return max(3*time.Second, p.Wall(250*time.Millisecond)) }

// Gap is the least time between two passes of a door.
func (p Pace) Gap() time.Duration { return 10*time.Second + 2*p.Quiet() }

// Visit is how long a card lies on a pad.
func (p Pace) Visit() time.Duration { return max(30*time.Second, p.Wall(2*time.Second)) }

// Grace is for how long after a pass or a visit a device that goes down makes the staff repeat it.
func (p Pace) Grace() time.Duration { return p.Wall(3 * time.Second) }

// ShelfEvery is the mean time between two reads of a tag at rest, where the scenario wants base and there are so many
// tags.
func (p Pace) ShelfEvery(base time.Duration, tags int) time.Duration {
	return max(base, p.Wall(time.Duration(tags)*time.Second/shelfReads))
}

// AbsentAfter is after how long without a read a tag may be taken for absent; a gateway at this pace should be told so.
func (p Pace) AbsentAfter(base time.Duration, tags int) time.Duration {
	return max(10*time.Minute, 8*p.ShelfEvery(base, tags)).Round(time.Second)
}
