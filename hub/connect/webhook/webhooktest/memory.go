package webhooktest

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/tallydock/tallydock/hub/connect/webhook"
	"github.com/tallydock/tallydock/hub/fault"
)

// Memory is a webhook.Store in memory, for tests and as the plainest reading of the contract. Safe for concurrent use.
type Memory struct {
	mu         sync.Mutex
	endpoints  map[string]webhook.Endpoint
	messages   map[string]webhook.Message
	deliveries map[string]*webhook.Entry
	pairs      map[pair]bool // of which there is a delivery
}

type pair struct{ endpoint, message string }

var _ webhook.Store = (*Memory)(nil)

// NewMemory makes an empty one.
func NewMemory() *Memory {
	return &Memory{
		endpoints: map[string]webhook.Endpoint{}, messages: map[string]webhook.Message{}, deliveries: map[string]*webhook.Entry{},
		pairs: map[pair]bool{},
	}
}

// Enqueue inserts what Source.Fan gave.
func (m *Memory) Enqueue(_ context.Context, all []webhook.Outgoing) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, out := range all {
		m.messages[out.ID] = out.Message
		for _, d := range out.Deliveries {
			if p := (pair{d.Endpoint, d.Message}); !m.pairs[p] {
				m.pairs[p] = true
				m.deliveries[d.ID] = &webhook.Entry{Delivery: d}
			}
		}
	}
	return nil
}

// remove removes a delivery.
func (m *Memory) remove(e *webhook.Entry) {
	delete(m.pairs, pair{e.Endpoint, e.Message})
	delete(m.deliveries, e.ID)
}

// Claim is webhook.Queue's.
func (m *Memory) Claim(_ context.Context, c webhook.Claim) ([]webhook.Claimed, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var candidates []webhook.Candidate
	for _, e := range m.deliveries {
		if to := m.endpoints[e.Endpoint]; e.Claimable(c.Now) && to.Ready(c.Now) {
			candidates = append(candidates, webhook.Candidate{ID: e.ID, Endpoint: e.Endpoint, Due: e.Due, Failing: !to.Health.Failing.IsZero()})
		}
	}
	var all []webhook.Claimed
	for _, p := range c.Pick(candidates) {
		e := m.deliveries[p.ID]
		e.Delivery = e.Leased(c.Worker, c.Now.Add(c.Lease))
		all = append(all, webhook.Claimed{Delivery: e.Delivery, Message: m.messages[e.Message], Endpoint: m.endpoints[e.Endpoint]})
	}
	return all, nil
}

// Settle is webhook.Queue's.
func (m *Memory) Settle(_ context.Context, s webhook.Settlement) (webhook.Endpoint, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e, ok := m.deliveries[s.Delivery.ID]
	if !ok || !e.Lease.Held() || e.Lease.Term != s.Delivery.Lease.Term {
		return webhook.Endpoint{}, fmt.Errorf("%w: delivery %s is not leased under term %d", fault.Conflict, s.Delivery.ID, s.Delivery.Lease.Term)
	}
	e.Delivery = s.Delivery
	if s.Attempt != nil {
		e.Attempts = append(e.Attempts, *s.Attempt)
	}
	after, _ := m.endpoints[e.Endpoint].After(s.Change)
	m.endpoints[after.ID] = after
	return after, nil
}

// Endpoints is webhook.Endpoints'.
func (m *Memory) Endpoints(context.Context) ([]webhook.Endpoint, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.SortedFunc(maps.Values(m.endpoints), func(a, b webhook.Endpoint) int { return cmp.Compare(a.ID, b.ID) }), nil
}

// AddEndpoint is webhook.Endpoints'.
func (m *Memory) AddEndpoint(_ context.Context, e webhook.Endpoint) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.endpoints[e.ID]; ok {
		return fmt.Errorf("%w: webhook endpoint %s is there already", fault.Conflict, e.ID)
	}
	m.endpoints[e.ID] = e
	return nil
}

// ChangeEndpoint is webhook.Endpoints'.
func (m *Memory) ChangeEndpoint(_ context.Context, id string, f func(webhook.Endpoint) (webhook.Endpoint, error)) (webhook.Endpoint, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e, ok := m.endpoints[id]
	if !ok {
		return e, webhook.NoEndpoint(id)
	}
	after, err := f(e)
	if err != nil {
		return e, err
	}
	m.endpoints[id] = after
	return after, nil
}

// RemoveEndpoint is webhook.Endpoints'.
func (m *Memory) RemoveEndpoint(_ context.Context, id string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.endpoints[id]; !ok {
		return webhook.NoEndpoint(id)
	}
	delete(m.endpoints, id)
	for _, e := range m.deliveries {
		if e.Endpoint == id {
			m.remove(e)
		}
	}
	return nil
}

// Log is webhook.Log's.
func (m *Memory) Log(_ context.Context, q webhook.LogQuery) ([]webhook.Entry, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []webhook.Entry
	for _, e := range m.deliveries {
		if e.Endpoint == q.Endpoint && (q.State == "" || e.State == q.State) && (q.Before == "" || e.ID < q.Before) {
			all = append(all, shown(e))
		}
	}
	slices.SortFunc(all, func(a, b webhook.Entry) int { return cmp.Compare(b.ID, a.ID) })
	return all[:min(len(all), q.Limit)], nil
}

// shown gives an entry with its newest attempts.
func shown(e *webhook.Entry) webhook.Entry {
	newest := e.Attempts[max(0, len(e.Attempts)-webhook.MaxAttempts):]
	return webhook.Entry{Delivery: e.Delivery, Attempts: slices.Clone(newest)}
}

// Delivery is webhook.Log's.
func (m *Memory) Delivery(_ context.Context, id string) (webhook.Entry, webhook.Message, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e, ok := m.deliveries[id]
	if !ok {
		return webhook.Entry{}, webhook.Message{}, webhook.NoDelivery(id)
	}
	return shown(e), m.messages[e.Message], nil
}

// ChangeDelivery is webhook.Log's.
func (m *Memory) ChangeDelivery(_ context.Context, id string, f func(webhook.Delivery) (webhook.Delivery, error)) (webhook.Delivery, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e, ok := m.deliveries[id]
	if !ok {
		return webhook.Delivery{}, webhook.NoDelivery(id)
	}
	after, err := f(e.Delivery)
	if err != nil {
		return e.Delivery, err
	}
	e.Delivery = after
	return after, nil
}

// RedeliverSince is webhook.Log's.
func (m *Memory) RedeliverSince(_ context.Context, endpoint string, since, now time.Time) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := 0
	for _, e := range m.deliveries {
		if e.Endpoint != endpoint || e.State != webhook.Failed || e.At.Before(since) {
			continue
		}
		again, err := webhook.Redeliver(e.Delivery, now)
		if err != nil {
			return n, err
		}
		e.Delivery = again
		n++
	}
	return n, nil
}

// Forget is webhook.Forgetter's.
func (m *Memory) Forget(_ context.Context, h webhook.Horizon, limit int) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n, newer := 0, map[string]int{}
	for _, id := range slices.Backward(slices.Sorted(maps.Keys(m.deliveries))) {
		e := m.deliveries[id]
		if e.State == webhook.Pending {
			newer[e.Endpoint]++
		}
		if n < limit && m.forget(e, h, newer[e.Endpoint]) {
			n++
		}
	}
	used := map[string]bool{}
	for _, e := range m.deliveries {
		used[e.Message] = true
	}
	maps.DeleteFunc(m.messages, func(id string, _ webhook.Message) bool { return !used[id] })
	return n, nil
}

// forget does what the horizon says of a delivery; place is its place among the Pending of its endpoint, 1 the newest.
func (m *Memory) forget(e *webhook.Entry, h webhook.Horizon, place int) bool {
	if e.State != webhook.Pending {
		if !h.Keeps(e.Delivery) {
			m.remove(e)
			return true
		}
		return false
	}
	given, over := h.GiveUp(e.Delivery, place)
	e.Delivery = given
	return over
}
