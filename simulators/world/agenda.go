package world

import (
	"container/heap"
	"time"
)

// appointment is something that happens at a time; n keeps those of one time in the order in which they were made.
type appointment struct {
	at time.Time
	n  uint64
	do func()
}

// agenda is a heap of appointments, the next one first.
type agenda struct {
	list []appointment
	n    uint64
}

func (a *agenda) Len() int { return len(a.list) }

func (a *agenda) Less(i, j int) bool {
	if !a.list[i].at.Equal(a.list[j].at) {
		return a.list[i].at.Before(a.list[j].at)
	}
	return a.list[i].n < a.list[j].n
}

func (a *agenda) Swap(i, j int) { a.list[i], a.list[j] = a.list[j], a.list[i] }

func (a *agenda) Push(x any) { a.list = append(a.list, x.(appointment)) }

func (a *agenda) Pop() any {
	last := a.list[len(a.list)-1]
	a.list[len(a.list)-1] = appointment{}
	a.list = a.list[:len(a.list)-1]
	return last
}

func (a *agenda) add(at time.Time, do func()) {
	a.n++
	heap.Push(a, appointment{at: at, n: a.n, do: do})
}

// next takes the next appointment that is not after until.
func (a *agenda) next(until time.Time) (appointment, bool) {
	if len(a.list) == 0 || a.list[0].at.After(until) {
		return appointment{}, false
	}
	return heap.Pop(a).(appointment), true
}
