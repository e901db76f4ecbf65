package ingest

// Connected reports whether there is a connection to the broker now.
func (g *Ingest) Connected() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.client != nil && g.client.IsConnectionOpen()
}
