package portal

import (
	"time"

	"github.com/tallydock/tallydock/devices/llrp"
)

// obey does what a message says, and answers it.
func (r *Reader) obey(c *client, m llrp.Message) {
	if m.Version > c.version && m.Body.Kind() != llrp.GetSupportedVersionType && m.Body.Kind() != llrp.SetProtocolVersionType {
		r.fail(m, llrp.UnsupportedVersion, "say SET_PROTOCOL_VERSION first")
		return
	}
	switch b := m.Body.(type) {
	case *llrp.GetReaderCapabilities:
		r.say(m.ID, r.capabilities())
	case *llrp.GetReaderConfig:
		r.say(m.ID, r.config())
	case *llrp.SetReaderConfig:
		r.setUp(c, b)
		r.done(m)
	case *llrp.AddROSpec:
		r.add(m, b.Spec)
	case *llrp.SpecCommand:
		r.command(m, b)
	case *llrp.SetProtocolVersion:
		r.setVersion(c, m, b.Version)
	case *llrp.CustomMessage:
		if r.cfg.Flavour == Impinj && llrp.AsksForImpinjExtensions(b) {
			r.say(m.ID, llrp.ImpinjExtensionsEnabled(llrp.Status{}))
			return
		}
		r.fail(m, llrp.UnsupportedMessage, "no such vendor")
	case *llrp.Bare:
		r.obeyBare(c, m)
	default:
		r.fail(m, llrp.UnsupportedMessage, "not for a reader")
	}
}

func (r *Reader) obeyBare(c *client, m llrp.Message) {
	switch m.Body.Kind() {
	case llrp.GetReportType:
		if !c.held {
			r.flush(r.cfg.Flavour == Zebra || r.cfg.Flavour == Impinj)
		}
	case llrp.EnableEventsAndReportsType:
		c.held = false
		r.release()
	case llrp.GetROSpecsType:
		all := &llrp.GetROSpecsResponse{}
		for _, s := range r.specs {
			all.Specs = append(all.Specs, *s)
		}
		r.say(m.ID, all)
	case llrp.GetAccessSpecsType:
		r.say(m.ID, &llrp.GetAccessSpecsResponse{})
	case llrp.GetSupportedVersionType:
		if r.cfg.Flavour == Impinj {
			r.fail(m, llrp.UnsupportedVersion, "")
			return
		}
		r.say(m.ID, &llrp.GetSupportedVersionResponse{Current: c.version, Supported: llrp.Version11})
	case llrp.CloseConnectionType:
		r.done(m)
	case llrp.KeepAliveAckType:
	default:
		r.fail(m, llrp.UnsupportedMessage, "not for a reader")
	}
}

// done says that a command was done.
func (r *Reader) done(m llrp.Message) { r.say(m.ID, &llrp.Response{Type: m.Body.Kind().Answer()}) }

// fail says that a command failed; where the command has no answer of its own, by ERROR_MESSAGE.
func (r *Reader) fail(m llrp.Message, code llrp.StatusCode, text string) {
	kind := m.Body.Kind().Answer()
	switch m.Body.(type) {
	case *llrp.AddROSpec, *llrp.SpecCommand:
	default:
		kind = llrp.ErrorMessageType
	}
	r.say(m.ID, &llrp.Response{Type: kind, Status: llrp.Status{Code: code, Text: text}})
}

func (r *Reader) setVersion(c *client, m llrp.Message, v llrp.Version) {
	if r.cfg.Flavour == Impinj || v < llrp.Version101 || v > llrp.Version11 {
		r.fail(m, llrp.UnsupportedVersion, "")
		return
	}
	c.version = v
	r.done(m)
}

func (r *Reader) setUp(c *client, b *llrp.SetReaderConfig) {
	if b.Reset {
		r.hold, r.events = false, map[llrp.EventType]bool{}
	}
	if b.Events != nil {
		for _, e := range b.Events.States {
			r.events[e.Type] = e.Enabled
		}
	}
	if b.Holding != nil {
		r.hold = b.Holding.Hold
	}
	if k := b.KeepAlive; k != nil {
		var d time.Duration
		if k.Periodic {
			d = time.Duration(k.Period) * time.Millisecond
		}
		select {
		case <-c.period: // one that was not taken yet
		default:
		}
		c.period <- d
	}
}

// add takes an ROSpec over; there is room for one.
func (r *Reader) add(m llrp.Message, s llrp.ROSpec) {
	switch {
	case s.ID == 0 || s.State != llrp.ROSpecDisabled || len(s.AISpecs) == 0:
		r.fail(m, llrp.FieldInvalid, "an ROSpec has an id, is disabled and has something to do")
	case len(r.specs) > 0:
		r.fail(m, llrp.FieldOutOfRange, "there is room for one ROSpec")
	case !r.canDo(s):
		r.fail(m, llrp.FieldOutOfRange, "there is no such antenna")
	default:
		r.specs[s.ID] = &s
		r.done(m)
	}
}

func (r *Reader) canDo(s llrp.ROSpec) bool {
	for _, ai := range s.AISpecs {
		for _, a := range ai.Antennas {
			if a > r.cfg.Antennas {
				return false
			}
		}
	}
	return true
}

// command changes the state of ROSpecs. Spec 0 means all of them.
func (r *Reader) command(m llrp.Message, b *llrp.SpecCommand) {
	switch b.Type {
	case llrp.DeleteAccessSpecType, llrp.EnableAccessSpecType, llrp.DisableAccessSpecType:
		r.done(m) // there are none
		return
	}
	var meant []*llrp.ROSpec
	for id, s := range r.specs {
		if b.Spec == 0 || b.Spec == id {
			meant = append(meant, s)
		}
	}
	if len(meant) == 0 && b.Spec != 0 {
		r.fail(m, llrp.FieldInvalid, "there is no such ROSpec")
		return
	}
	for _, s := range meant {
		if b.Type == llrp.StartROSpecType && s.State == llrp.ROSpecDisabled {
			r.fail(m, llrp.FieldInvalid, "the ROSpec is disabled")
			return
		}
	}
	for _, s := range meant {
		r.change(b.Type, s)
	}
	r.done(m)
}

func (r *Reader) change(command llrp.MessageType, s *llrp.ROSpec) {
	switch command {
	case llrp.EnableROSpecType:
		s.State = max(s.State, llrp.ROSpecInactive)
		if s.Boundary.Start.Trigger == llrp.StartImmediate {
			r.start(s)
		}
	case llrp.StartROSpecType:
		r.start(s)
	case llrp.StopROSpecType:
		r.stop(s, min(s.State, llrp.ROSpecInactive))
	case llrp.DisableROSpecType:
		r.stop(s, llrp.ROSpecDisabled)
	case llrp.DeleteROSpecType:
		r.stop(s, llrp.ROSpecDisabled)
		delete(r.specs, s.ID)
	}
}

func (r *Reader) start(s *llrp.ROSpec) {
	if s.State != llrp.ROSpecActive {
		s.State = llrp.ROSpecActive
		r.tell(llrp.ROSpecEvents, llrp.Events{ROSpec: &llrp.ROSpecEvent{Event: llrp.ROSpecStarted, ROSpecID: s.ID}})
	}
}

// stop ends what an ROSpec does, and reports what it saw.
func (r *Reader) stop(s *llrp.ROSpec, state uint8) {
	if s.State == llrp.ROSpecActive {
		r.flush(false)
		r.tell(llrp.ROSpecEvents, llrp.Events{ROSpec: &llrp.ROSpecEvent{Event: llrp.ROSpecEnded, ROSpecID: s.ID}})
		r.lapsed = true
	}
	s.State = state
}

// End ends the active ROSpecs by the reader's own will, as a fault or a local user does.
func (r *Reader) End() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.specs {
		r.stop(s, min(s.State, llrp.ROSpecInactive))
	}
}
