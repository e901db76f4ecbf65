package event

// Last is the number of the newest event that was told; 0 where none was yet.
func (b *Bus) Last() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.ring) == 0 {
		return 0
	}
	return b.ring[len(b.ring)-1].Seq
}
