package main

import (
	"bytes"
	"strings"
	"sync"
)

// notify calls found once when what was written has want.
type notify struct {
	want  string
	found func()

	mu   sync.Mutex
	text bytes.Buffer
	done bool
}

func (n *notify) Write(b []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.text.Write(b)
	if !n.done && strings.Contains(n.text.String(), n.want) {
		n.done = true
		n.found()
	}
	return len(b), nil
}
