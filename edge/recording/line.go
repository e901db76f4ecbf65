// Package recording is what a gateway's devices said, as text that people and other programs can read and write: NDJSON,
// one object a line, in the order of time. Kinds of lines, by the keys that they have:
//
//	{"t":"2026-01-02T03:04:05.678Z","reader":"dock1","antenna":1,"epc":"3034…","rssi_dbm":-61.5,"phase_deg":12.5,"channel_khz":866900,"count":1}
//	{"t":…,"reader":"pad1","uid":"04a2…","text":"https://…"}
//	{"t":…,"reader":"dock1","gpi":1,"state":"high"}
//	{"t":…,"device":"probe1","channel":"0000056CC39","quantity":"temperature","value":4.2,"unit":"Cel","quality":"good","reason":"…"}
//	{"t":…,"device":"dock1","health":"down","reason":"…"}
//
// What may be missing of a read: antenna (0), rssi_dbm, phase_deg, channel_khz, count. Keys that are not known are left out of
// account, so that other programs may add theirs.
package recording

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/unit"
)

// Entry is one line. Exactly one of the pointers is set.
type Entry struct {
	At     time.Time
	Read   *devices.Read
	GPI    *devices.GPI
	Sample *devices.Sample
	Health *devices.Health
}

// line is an Entry as JSON has it.
type line struct {
	T        string   `json:"t"`
	Reader   string   `json:"reader,omitempty"`
	Antenna  *int     `json:"antenna,omitempty"`
	EPC      string   `json:"epc,omitempty"`
	UID      string   `json:"uid,omitempty"`
	RSSI     *float64 `json:"rssi_dbm,omitempty"`
	Relative *float64 `json:"rssi_raw,omitempty"`
	Phase    *float64 `json:"phase_deg,omitempty"`
	KHz      *float64 `json:"channel_khz,omitempty"`
	Count    *float64 `json:"count,omitempty"`
	Text     string   `json:"text,omitempty"`
	GPI      *int     `json:"gpi,omitempty"`
	State    string   `json:"state,omitempty"`
	Device   string   `json:"device,omitempty"`
	Channel  string   `json:"channel,omitempty"`
	Quantity string   `json:"quantity,omitempty"`
	Value    *float64 `json:"value,omitempty"`
	Unit     string   `json:"unit,omitempty"`
	Quality  string   `json:"quality,omitempty"`
	Health   string   `json:"health,omitempty"`
	Reason   string   `json:"reason,omitempty"`
}

// Parse reads one line. The error says what is wrong with it.
func Parse(text []byte) (Entry, error) {
	var l line
	if err := json.Unmarshal(text, &l); err != nil {
		return Entry{}, fmt.Errorf("it is no JSON object of a recording: %w", err)
	}
	at, err := time.Parse(time.RFC3339Nano, l.T)
	if err != nil {
		return Entry{}, fmt.Errorf("t %q is no time such as 2026-01-02T03:04:05.678Z", l.T)
	}
	e := Entry{At: at.UTC()}
	switch {
	case l.GPI != nil:
		e.GPI, err = l.gpi(e.At)
	case l.EPC != "" || l.UID != "":
		e.Read, err = l.read(e.At)
	case l.Quantity != "":
		e.Sample, err = l.sample(e.At)
	case l.Health != "":
		e.Health, err = l.health(e.At)
	default:
		err = errors.New("it has none of epc, uid, gpi, quantity and health")
	}
	return e, err
}

func (l *line) read(at time.Time) (*devices.Read, error) {
	if l.Reader == "" {
		return nil, errors.New("reader is missing")
	}
	kind, digits := devices.TagEPC, l.EPC
	if digits == "" {
		kind, digits = devices.TagUID, l.UID
	}
	id, err := hex.DecodeString(strings.TrimPrefix(strings.ReplaceAll(digits, " ", ""), "epc:"))
	if err != nil {
		return nil, fmt.Errorf("epc %q is not hexadecimal", digits)
	}
	tag, err := devices.NewTag(kind, id)
	if err != nil {
		return nil, err
	}
	r := &devices.Read{Device: l.Reader, Tag: tag, ReaderTime: at, HostTime: at, Count: 1, Text: l.Text}
	if r.Antenna, err = small("antenna", l.Antenna, 0); err != nil {
		return nil, err
	}
	strength := l.RSSI
	if strength == nil {
		strength, r.RSSIRelative = l.Relative, l.Relative != nil
	}
	if strength != nil {
		if math.Abs(*strength) > 300 {
			return nil, fmt.Errorf("rssi %v is no signal strength", *strength)
		}
		r.HasRSSI, r.RSSI = true, unit.DBm(math.Round(*strength*100))
	}
	if l.Phase != nil {
		r.HasPhase, r.Phase = true, unit.PhaseOf(*l.Phase)
	}
	if l.KHz != nil && *l.KHz > 0 && *l.KHz < math.MaxUint32 {
		r.ChannelKHz = uint32(*l.KHz)
	}
	if l.Count != nil && *l.Count >= 1 && *l.Count < math.MaxUint32 {
		r.Count = uint32(*l.Count)
	}
	return r, nil
}

func small(name string, v *int, standard uint8) (uint8, error) {
	switch {
	case v == nil:
		return standard, nil
	case *v < 0 || *v > math.MaxUint8:
		return 0, fmt.Errorf("%s %d is not from 0 to 255", name, *v)
	}
	return uint8(*v), nil
}

func (l *line) gpi(at time.Time) (*devices.GPI, error) {
	device := l.Reader
	if device == "" {
		device = l.Device
	}
	if device == "" {
		return nil, errors.New("reader is missing")
	}
	port, err := small("gpi", l.GPI, 0)
	if err != nil {
		return nil, err
	}
	g := &devices.GPI{Device: device, Port: port, ReaderTime: at, HostTime: at}
	switch strings.ToLower(l.State) {
	case "high", "1", "on", "true":
		g.High = true
	case "low", "0", "off", "false":
	default:
		return nil, fmt.Errorf("state %q is neither high nor low", l.State)
	}
	return g, nil
}

func (l *line) sample(at time.Time) (*devices.Sample, error) {
	q, err := unit.ParseQuantity(l.Quantity)
	if err != nil {
		return nil, err
	}
	s := &devices.Sample{Device: l.Device, Channel: l.Channel, Quantity: q, Reason: l.Reason, HostTime: at}
	if s.Device == "" {
		return nil, errors.New("device is missing")
	}
	if s.Quality, err = devices.ParseQuality(l.Quality); err != nil {
		return nil, err
	}
	if l.Value == nil {
		s.Quality = devices.NoData
		return s, nil
	}
	s.Value, err = unit.MilliFromFloat(*l.Value)
	return s, err
}

func (l *line) health(at time.Time) (*devices.Health, error) {
	h := &devices.Health{Device: l.Device, Reason: l.Reason, At: at}
	switch l.Health {
	case "up":
		h.State = devices.Up
	case "degraded":
		h.State = devices.Degraded
	case "down":
		h.State = devices.Down
	default:
		return nil, fmt.Errorf("health %q is none of up, degraded and down", l.Health)
	}
	if h.Device == "" {
		return nil, errors.New("device is missing")
	}
	return h, nil
}

// timeForm has milliseconds, which is what readers tell apart.
const timeForm = "2006-01-02T15:04:05.000000Z"

// Append writes the line of an entry, with its end, to b.
func (e *Entry) Append(b []byte) []byte {
	l := line{T: e.At.UTC().Format(timeForm)}
	switch {
	case e.Read != nil:
		l.ofRead(e.Read)
	case e.GPI != nil:
		port := int(e.GPI.Port)
		l.Reader, l.GPI, l.State = e.GPI.Device, &port, "low"
		if e.GPI.High {
			l.State = "high"
		}
	case e.Sample != nil:
		s := e.Sample
		l.Device, l.Channel, l.Quantity, l.Unit = s.Device, s.Channel, s.Quantity.String(), s.Quantity.UCUM()
		l.Quality, l.Reason = s.Quality.String(), s.Reason
		if s.Quality != devices.NoData {
			v := s.Value.Float()
			l.Value = &v
		}
	case e.Health != nil:
		l.Device, l.Health, l.Reason = e.Health.Device, e.Health.State.String(), e.Health.Reason
	}
	out, err := json.Marshal(l)
	if err != nil { // all it holds are texts and finite numbers
		return b
	}
	return append(append(b, out...), '\n')
}

func (l *line) ofRead(r *devices.Read) {
	antenna := int(r.Antenna)
	l.Reader, l.Antenna, l.Text = r.Device, &antenna, r.Text
	if id := hex.EncodeToString(r.Tag.Bytes()); r.Tag.Kind() == devices.TagUID {
		l.UID = id
	} else {
		l.EPC = id
	}
	if r.HasRSSI {
		v := float64(r.RSSI) / 100
		if r.RSSIRelative {
			l.Relative = &v
		} else {
			l.RSSI = &v
		}
	}
	if r.HasPhase {
		v := r.Phase.Degrees()
		l.Phase = &v
	}
	if r.ChannelKHz > 0 {
		v := float64(r.ChannelKHz)
		l.KHz = &v
	}
	if r.Count > 1 {
		v := float64(r.Count)
		l.Count = &v
	}
}
