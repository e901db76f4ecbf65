package mqttnode

import "github.com/tallydock/tallydock/devices"

// drop counts an event that cannot be read as lost, and lets the others of its message go on. Where the scan itself ends
// it does nothing: the message is then not understood as a whole.
func (r *report) drop(s *scanner, err error) error {
	if err == nil || s.cut != nil {
		return err
	}
	if r.lost++; r.lostWhy == "" {
		r.lostWhy = "an event was not understood: " + err.Error()
	}
	return nil
}

// addInput keeps an input's change between the reads that it came between.
func (r *report) addInput(input devices.GPI) {
	for len(r.before) < len(r.inputs) {
		r.before = append(r.before, 0)
	}
	r.inputs, r.before = append(r.inputs, input), append(r.before, len(r.reads))
}

// forget keeps of a retained message what still holds. When the rest was nobody knows, and it comes again with each
// connection.
func (r *report) forget() {
	r.reads, r.inputs, r.before, r.samples = nil, nil, nil, nil
	r.lost, r.lostWhy = 0, ""
}

// hand gives what was read and measured to the sink, in the order of the message.
func (r *report) hand(sink devices.Sink) {
	n := 0
	for i, input := range r.inputs {
		for ; i < len(r.before) && n < r.before[i]; n++ {
			sink.Read(r.reads[n])
		}
		sink.GPI(input)
	}
	for _, read := range r.reads[n:] {
		sink.Read(read)
	}
	for _, s := range r.samples {
		sink.Sample(s)
	}
}
