package faults_test

import (
	"context"
	"sync"
	"time"

	"github.com/tallydock/tallydock/edge/store"
)

// pendingMost is how many batches of one producer may wait for the disk at once.
const pendingMost = 3

// load is producers that keep a store busy, and what was answered to them.
type load struct {
	s     *store.Store
	first [producers]int // the batch with which each begins
	pause time.Duration  // of each between two batches
	said  func(producer, batch int)

	mu        sync.Mutex
	submitted [producers]int // batches of each that were begun
	acked     [producers]int // batches of each that were answered as durable
	err       error
}

// newLoad makes the load of a store whose producers have so many batches each.
func newLoad(s *store.Store, first [producers]int) *load {
	return &load{s: s, first: first, submitted: first, acked: first}
}

// run submits batch after batch until ctx ends or the store fails.
func (l *load) run(ctx context.Context) error {
	var all sync.WaitGroup
	for p := range producers {
		all.Go(func() { l.produce(ctx, p) })
	}
	all.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

func (l *load) produce(ctx context.Context, p int) {
	var waiting []*store.Pending
	for n := l.first[p]; ctx.Err() == nil; n++ {
		if l.pause > 0 {
			<-time.After(l.pause)
		}
		l.set(func() { l.submitted[p] = n + 1 })
		pending, err := l.s.Submit(ctx, goods(p, n))
		if err != nil {
			l.set(func() { l.submitted[p] = n })
			l.fail(ctx, err)
			break
		}
		if waiting = append(waiting, pending); len(waiting) < pendingMost {
			continue
		}
		if !l.settle(ctx, p, waiting[0]) {
			return
		}
		waiting = waiting[1:]
	}
	for _, pending := range waiting {
		if !l.settle(ctx, p, pending) {
			return
		}
	}
}

// settle waits until a batch is answered.
func (l *load) settle(ctx context.Context, p int, pending *store.Pending) bool {
	if _, err := pending.Result(); err != nil {
		l.fail(ctx, err)
		return false
	}
	l.set(func() {
		if l.said != nil {
			l.said(p, l.acked[p])
		}
		l.acked[p]++
	})
	return true
}

func (l *load) fail(ctx context.Context, err error) {
	if ctx.Err() == nil {
		l.set(func() { l.err = err })
	}
}

func (l *load) set(change func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change()
}

// look gives what was begun and what was answered until now.
func (l *load) look() (submitted, acked [producers]int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.submitted, l.acked
}

// movementsOf counts the movements of so many batches of each producer.
func movementsOf(batches [producers]int) (n int) {
	for p, most := range batches {
		for b := range most {
			n += movementsIn(p, b)
		}
	}
	return n
}
