package reconcile

import "github.com/tallydock/tallydock/devices"

// index finds the slot of a tag: a table with open addressing that holds slots only, because the table of tags has the tags
// already. A map would keep each tag twice.
type index struct {
	slots []int32 // slot + 1; 0 is free. Its length is a power of two.
	n     int
}

// fewest entries of a table that has any.
const fewest = 64

// find gives the slot of a tag.
func (x *index) find(tags []tag, id *devices.Tag) (int32, bool) {
	if x.n == 0 {
		return 0, false
	}
	for at := x.home(id); ; at = (at + 1) & (len(x.slots) - 1) {
		s := x.slots[at] - 1
		if s < 0 {
			return 0, false
		}
		if tags[s].id == *id {
			return s, true
		}
	}
}

func (x *index) home(id *devices.Tag) int { return int(id.Hash() & uint64(len(x.slots)-1)) }

// insert adds the slot of a tag that is not in the table.
func (x *index) insert(tags []tag, s int32) {
	if 4*(x.n+1) > 3*len(x.slots) {
		x.grow(tags)
	}
	x.place(tags, s)
	x.n++
}

func (x *index) place(tags []tag, s int32) {
	at := x.home(&tags[s].id)
	for x.slots[at] != 0 {
		at = (at + 1) & (len(x.slots) - 1)
	}
	x.slots[at] = s + 1
}

func (x *index) grow(tags []tag) {
	old := x.slots
	x.slots = make([]int32, max(fewest, 2*len(old)))
	for _, s := range old {
		if s != 0 {
			x.place(tags, s-1)
		}
	}
}

// remove takes a tag out; those that its place had pushed on move up.
func (x *index) remove(tags []tag, id *devices.Tag) {
	if x.n == 0 {
		return
	}
	mask := len(x.slots) - 1
	at := x.home(id)
	for {
		s := x.slots[at] - 1
		if s < 0 {
			return
		}
		if tags[s].id == *id {
			break
		}
		at = (at + 1) & mask
	}
	x.n--
	for next := (at + 1) & mask; x.slots[next] != 0; next = (next + 1) & mask {
		home := x.home(&tags[x.slots[next]-1].id)
		if (next-home)&mask >= (next-at)&mask {
			x.slots[at] = x.slots[next]
			at = next
		}
	}
	x.slots[at] = 0
}

// each calls fn with every slot, until it returns false.
func (x *index) each(fn func(int32) bool) {
	for _, s := range x.slots {
		if s != 0 && !fn(s-1) {
			return
		}
	}
}
