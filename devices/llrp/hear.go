package llrp

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// hear takes what the reader says unasked. It ends with an error where the connection cannot go on.
func (r *run) hear(h Header, payload []byte) error {
	switch h.Type {
	case ROAccessReportType:
		r.deliver(payload)
	case KeepAliveType:
		return r.write(Message{Version: r.version, ID: h.ID, Body: &Bare{Type: KeepAliveAckType}})
	case ReaderEventNotificationType:
		return r.happened(payload)
	case ErrorMessageType:
		r.complained(payload)
	}
	return nil
}

// deliver hands the tags of a report on, in their order.
func (r *run) deliver(payload []byte) {
	now := r.Now()
	r.asked = 0
	for r.tags.Reset(payload); r.tags.Next(); {
		t := r.tags.Tag()
		switch {
		case t.Has&HasLastSeenUptime != 0:
			r.learnEpoch(t.LastSeenUptime)
		case t.Has&HasFirstSeenUptime != 0:
			r.learnEpoch(t.FirstSeenUptime)
		}
		read, err := r.terms.read(t)
		if err != nil {
			r.unusable(1)
			continue
		}
		read.Device, read.HostTime = r.ID, now
		r.sink.Read(read)
	}
	if r.tags.Err() != nil {
		r.unusable(1)
	}
}

func (r *run) unusable(lost uint64) {
	r.quality.trouble("reports have an EPC that is missing, empty or too long, or are no LLRP", lost)
}

// learnEpoch fixes when the reader was switched on, by the first uptime that it tells.
func (r *run) learnEpoch(uptime uint64) {
	if r.terms.epoch.IsZero() && uptime <= longestUptime {
		r.terms.epoch = r.Now().Add(-time.Duration(uptime) * time.Microsecond)
	}
}

// errClosed is the reader's word that it ends the connection.
var errClosed = errors.New("it closes the connection; another program may have taken it over, or it restarts")

func (r *run) happened(payload []byte) error {
	b, err := ParseBody(ReaderEventNotificationType, payload)
	if err != nil {
		r.quality.trouble(fmt.Sprintf("it tells of events in a way that makes no sense: %s", err), 0)
		return nil
	}
	e := &b.(*ReaderEventNotification).Events
	if e.Uptime != nil {
		r.learnEpoch(*e.Uptime)
	}
	if e.GPI != nil {
		r.input(e)
	}
	if e.Antenna != nil {
		r.antenna(e.Antenna)
	}
	if s := e.ROSpec; s != nil && s.ROSpecID == r.spec && s.Event != ROSpecStarted && r.up {
		r.lapsed = true
	}
	r.troubles(e)
	if e.Close != nil {
		return errClosed
	}
	return nil
}

func (r *run) input(e *Events) {
	g, err := r.terms.input(e)
	if err != nil {
		r.quality.trouble(err.Error(), 0)
		return
	}
	g.Device, g.HostTime = r.ID, r.Now()
	r.sink.GPI(g)
}

// antenna notes that one of ours came or went. A reader may leave out one that was not there when the ROSpec started, so
// that is given once more.
func (r *run) antenna(e *AntennaEvent) {
	if len(r.Antennas) > 0 && !slices.Contains(r.Antennas, e.Antenna) {
		return
	}
	r.quality.antenna(e.Antenna, e.Connected)
	if e.Connected && r.up {
		r.lapsed = true
	}
}

func (r *run) troubles(e *Events) {
	if e.Overflow != nil {
		r.quality.trouble("its buffer was full and it lost reports, it does not say how many: check the network", 1)
	}
	if e.Buffer != nil {
		r.quality.trouble("its buffer of reports fills: check the network", 0)
	}
	if e.Exception != nil {
		r.quality.trouble("it reports a fault: "+e.Exception.String(), 0)
	}
	if e.Connection != nil && e.Connection.Status != Connected {
		r.quality.trouble(e.Connection.Status.String(), 0)
	}
}

// complained takes an ERROR_MESSAGE that answers nothing but a GET_REPORT: the reader does not know that.
func (r *run) complained(payload []byte) {
	b, err := ParseBody(ErrorMessageType, payload)
	if err != nil {
		r.quality.trouble("it complains in a way that makes no sense", 0)
		return
	}
	if s := b.(*Response).Status; r.up && !r.single && s.Code != Success {
		r.single, r.lapsed = true, true
	}
}
