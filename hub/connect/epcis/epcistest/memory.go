// Package epcistest has what every store of EPCIS events must do, and the plainest store that does it.
package epcistest

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/tallydock/tallydock/hub/connect/epcis"
)

// Memory is a store that forgets all when it goes. Safe for concurrent use.
type Memory struct {
	mu   sync.Mutex
	kept []kept
}

type kept struct {
	event epcis.Event
	keys  epcis.Keys
}

// Put implements epcis.Store.
func (m *Memory) Put(_ context.Context, events []epcis.Event) ([]epcis.Event, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := slices.Clone(m.kept)
	var fresh []epcis.Event
	for _, e := range events {
		k := e.Keys()
		i := slices.IndexFunc(all, func(have kept) bool { return have.keys.Key == k.Key })
		switch {
		case i < 0:
			all, fresh = append(all, kept{e, k}), append(fresh, e)
		case all[i].keys.Hash != k.Hash:
			return nil, fmt.Errorf("event %s: %w", k.Key, epcis.ErrContradiction)
		}
	}
	m.kept = all
	return fresh, nil
}

// Find implements epcis.Store.
func (m *Memory) Find(_ context.Context, b epcis.Bounds, o epcis.Order, after epcis.Cursor, limit int) ([]epcis.Event, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var found []kept
	for _, k := range m.kept {
		if b.Admits(k.keys) && o.After(k.keys, after) {
			found = append(found, k)
		}
	}
	slices.SortFunc(found, func(a, b kept) int { return o.Compare(a.keys, b.keys) })
	var events []epcis.Event
	for _, k := range found[:min(limit, len(found))] {
		events = append(events, k.event)
	}
	return events, nil
}

// ByID implements epcis.Store.
func (m *Memory) ByID(_ context.Context, id string) ([]epcis.Event, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var events []epcis.Event
	for _, k := range m.kept {
		if k.keys.Identity == id {
			events = append(events, k.event)
		}
	}
	slices.SortStableFunc(events, func(a, b epcis.Event) int { return a.RecordTime.Compare(b.RecordTime) })
	return events, nil
}
