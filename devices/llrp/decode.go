package llrp

import (
	"fmt"
	"strings"
	"time"

	"github.com/tallydock/tallydock/devices"
)

// Decode tells what one or several whole messages say, headers included: the tags of a RO_ACCESS_REPORT as Reads, an
// input's event as GPI, every other message as a Notice that names it with its key figures. Times of readers without a
// clock count from 1970. It is a devices.Decoder.
func Decode(data []byte) ([]devices.Report, error) {
	var reports []devices.Report
	if len(data) == 0 {
		return nil, fmt.Errorf("%w: it is empty", errShort)
	}
	for at := 0; at < len(data); {
		m, rest, err := ParseMessage(data[at:])
		if err != nil {
			return reports, fmt.Errorf("message at byte %d: %w", at, err)
		}
		more, err := tell(m.Body)
		reports = append(reports, more...)
		if err != nil {
			return reports, fmt.Errorf("message at byte %d: %s: %w", at, m.Body.Kind(), err)
		}
		at = len(data) - len(rest)
	}
	return reports, nil
}

func tell(b Body) ([]devices.Report, error) {
	switch m := b.(type) {
	case *ROAccessReport:
		return tellTags(m)
	case *ReaderEventNotification:
		return tellEvents(&m.Events)
	default:
		return notice(b.Kind().code(), figures(b)), nil
	}
}

func notice(code, text string) []devices.Report {
	return []devices.Report{{Notice: &devices.Notice{Code: code, Text: text}}}
}

func tellTags(m *ROAccessReport) ([]devices.Report, error) {
	if len(m.Tags) == 0 {
		return notice("no_tag", "an empty report"), nil
	}
	k := terms{epoch: time.Unix(0, 0).UTC()}
	var reports []devices.Report
	for i := range m.Tags {
		r, err := k.read(&m.Tags[i])
		if err != nil {
			return reports, err
		}
		reports = append(reports, devices.Report{Read: &r})
	}
	return reports, nil
}

func tellEvents(e *Events) ([]devices.Report, error) {
	k := terms{epoch: time.Unix(0, 0).UTC()}
	var reports []devices.Report
	if e.GPI != nil {
		g, err := k.input(e)
		if err != nil {
			return nil, err
		}
		reports = append(reports, devices.Report{GPI: &g})
	}
	for _, n := range e.notices() {
		if at := k.at(e); !at.IsZero() {
			n.Text = strings.TrimSpace(n.Text + " at " + at.Format(time.RFC3339Nano))
		}
		reports = append(reports, devices.Report{Notice: &n})
	}
	if len(reports) == 0 {
		return notice("reader_event_notification", "no event that is known"), nil
	}
	return reports, nil
}

// notices are the events but those of inputs.
func (e *Events) notices() []devices.Notice {
	var all []devices.Notice
	add := func(code, format string, args ...any) {
		all = append(all, devices.Notice{Code: code, Text: fmt.Sprintf(format, args...)})
	}
	if v := e.Connection; v != nil {
		add("connection_attempt", "%s", v.Status)
	}
	if e.Close != nil {
		add("connection_close", "")
	}
	if v := e.Antenna; v != nil {
		add(map[bool]string{true: "antenna_connected", false: "antenna_disconnected"}[v.Connected], "antenna %d", v.Antenna)
	}
	if v := e.ROSpec; v != nil {
		what := [...]string{"started", "ended", "preempted"}[min(v.Event, ROSpecPreempted)]
		add("rospec_"+what, "ROSpec %d", v.ROSpecID)
	}
	if v := e.AISpec; v != nil {
		add("aispec_ended", "ROSpec %d, AISpec %d", v.ROSpecID, v.SpecIndex)
	}
	if v := e.Buffer; v != nil {
		add("report_buffer_level_warning", "%d %% full", v.Percent)
	}
	if e.Overflow != nil {
		add("report_buffer_overflow", "reports were lost")
	}
	if v := e.Exception; v != nil {
		add("reader_exception", "%s", v)
	}
	if v := e.Hop; v != nil {
		add("hopping", "hop table %d, next channel %d", v.HopTable, v.Channel)
	}
	return all
}

// String tells what went wrong and where.
func (p *ReaderException) String() string {
	s := fmt.Sprintf("%q", p.Text)
	if p.Antenna != nil {
		s += fmt.Sprintf(" at antenna %d", *p.Antenna)
	}
	return s
}

// figures are what a message says in one line.
func figures(b Body) string {
	switch m := b.(type) {
	case *Response:
		return m.Status.String()
	case *SpecCommand:
		return fmt.Sprintf("spec %d", m.Spec)
	case *GetReaderCapabilitiesResponse:
		return m.figures()
	case *GetReaderConfigResponse:
		return fmt.Sprintf("%s, %d antennas, %d inputs", m.Status, len(m.Properties), len(m.Inputs))
	case *SetReaderConfig:
		return m.figures()
	case *AddROSpec:
		return m.Spec.figures()
	case *GetROSpecsResponse:
		return fmt.Sprintf("%s, %d ROSpecs", m.Status, len(m.Specs))
	case *AddAccessSpec:
		return fmt.Sprintf("AccessSpec %d for ROSpec %d, %d reads", m.Spec.ID, m.Spec.ROSpecID, len(m.Spec.Command.Reads))
	case *GetAccessSpecsResponse:
		return fmt.Sprintf("%s, %d AccessSpecs", m.Status, len(m.Specs))
	case *GetSupportedVersionResponse:
		return fmt.Sprintf("%s, speaks %s, could speak %s", m.Status, m.Current, m.Supported)
	case *SetProtocolVersion:
		return m.Version.String()
	case *CustomMessage:
		return fmt.Sprintf("vendor %d, subtype %d, %d bytes", m.Vendor, m.Subtype, len(m.Data))
	}
	return ""
}

func (m *GetReaderCapabilitiesResponse) figures() string {
	parts := []string{m.Status.String()}
	if g := m.General; g != nil {
		parts = append(parts, fmt.Sprintf("vendor %d, model %d, firmware %q, %d antennas, UTC clock %t",
			g.Manufacturer, g.Model, g.Firmware, g.MaxAntennas, g.HasUTCClock))
	}
	if p := m.LLRP; p != nil {
		parts = append(parts, fmt.Sprintf("%d ROSpecs, holds reports %t", p.MaxROSpecs, p.CanHoldEventsAndReports))
	}
	if p := m.powers(); len(p) > 0 {
		parts = append(parts, fmt.Sprintf("power %s to %s in %d steps", p[0].Power, p[len(p)-1].Power, len(p)))
	}
	table, _ := m.channels()
	parts = append(parts, fmt.Sprintf("%d channels", len(table)))
	return strings.Join(parts, "; ")
}

func (m *SetReaderConfig) figures() string {
	var parts []string
	if m.Reset {
		parts = append(parts, "reset to factory defaults")
	}
	if m.KeepAlive != nil {
		parts = append(parts, fmt.Sprintf("keep-alive every %d ms", m.KeepAlive.Period))
	}
	if m.Holding != nil {
		parts = append(parts, fmt.Sprintf("hold events and reports %t", m.Holding.Hold))
	}
	return strings.Join(append(parts, fmt.Sprintf("%d antennas, %d inputs", len(m.Antennas), len(m.Inputs))), ", ")
}

func (p *ROSpec) figures() string {
	s := fmt.Sprintf("ROSpec %d, %d AISpecs", p.ID, len(p.AISpecs))
	if r := p.Report; r != nil {
		s += fmt.Sprintf(", report trigger %d with N=%d", r.Trigger, r.N)
	}
	return s
}
