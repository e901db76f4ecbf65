package radio

import (
	"encoding/hex"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/tallydock/tallydock/devices"
)

// timeLayout has microseconds, as readers do.
const timeLayout = "2006-01-02T15:04:05.000000Z"

// AppendRead appends a read as a line of a recording:
// {"t":"2026-01-02T03:04:05.678901Z","reader":"dock1","antenna":1,"epc":"3034…","rssi_dbm":-61.5,"phase_deg":123.45,"channel_khz":866900}
func AppendRead(b []byte, r Read) []byte {
	b = appendHead(b, r.At, r.Reader)
	b = append(b, `,"antenna":`...)
	b = strconv.AppendUint(b, uint64(r.Antenna), 10)
	b = append(b, `,"epc":"`...)
	var room [devices.MaxTagBytes]byte
	b = hex.AppendEncode(b, r.Tag.AppendBytes(room[:0]))
	b = append(b, `","rssi_dbm":`...)
	b = strconv.AppendFloat(b, float64(r.RSSI)/100, 'f', -1, 64)
	b = append(b, `,"phase_deg":`...)
	b = strconv.AppendFloat(b, r.Phase.Degrees(), 'f', -1, 64)
	b = append(b, `,"channel_khz":`...)
	b = strconv.AppendUint(b, uint64(r.ChannelKHz), 10)
	return append(b, "}\n"...)
}

// AppendEdge appends a photocell's change as a line of a recording:
// {"t":"2026-01-02T03:04:05.678901Z","reader":"dock1","gpi":1,"state":"high"}
func AppendEdge(b []byte, e Edge) []byte {
	b = appendHead(b, e.At, e.Reader)
	b = append(b, `,"gpi":`...)
	b = strconv.AppendUint(b, uint64(e.GPI), 10)
	if e.High {
		return append(b, `,"state":"high"}`+"\n"...)
	}
	return append(b, `,"state":"low"}`+"\n"...)
}

func appendHead(b []byte, at time.Time, reader string) []byte {
	b = append(b, `{"t":"`...)
	b = at.AppendFormat(b, timeLayout)
	b = append(b, `","reader":"`...)
	b = append(b, reader...)
	return append(b, '"')
}

// MarshalJSON gives {"pass":"p0001","read_point":"dock1","pass_from":…,"pass_to":…,"direction":"in","epcs":["3034…"],
// "unread":[…],"unseen":[…],"setting":"clean","kind":"forklift","ware":"dry","stops":0}.
func (p Pass) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Pass      string    `json:"pass"`
		ReadPoint string    `json:"read_point"`
		From      string    `json:"pass_from"`
		To        string    `json:"pass_to"`
		Direction Direction `json:"direction"`
		EPCs      []string  `json:"epcs"`
		Unread    []string  `json:"unread"`
		Unseen    []string  `json:"unseen"`
		Setting   Setting   `json:"setting"`
		Kind      string    `json:"kind"`
		Ware      string    `json:"ware"`
		Stops     int       `json:"stops"`
	}{
		p.ID, p.Door, p.From.Format(timeLayout), p.To.Format(timeLayout), p.Direction, epcs(p.Tags), epcs(p.Unread), epcs(p.Unseen),
		p.Setting, p.Carrier, p.Ware, p.Stops,
	})
}

// MarshalJSON gives {"kind":"standing","read_point":"dock1","from":…,"to":…,"x":1.2,"y":3.4,"epcs":["3034…"]}.
func (s Stray) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Kind      string   `json:"kind"`
		ReadPoint string   `json:"read_point"`
		From      string   `json:"from"`
		To        string   `json:"to"`
		X         float64  `json:"x"`
		Y         float64  `json:"y"`
		EPCs      []string `json:"epcs"`
	}{s.Kind, s.Door, s.From.Format(timeLayout), s.To.Format(timeLayout), s.X, s.Y, epcs(s.Tags)})
}

func epcs(tags []devices.Tag) []string {
	list := make([]string, len(tags))
	for i, t := range tags {
		list[i] = strings.TrimPrefix(t.String(), "epc:")
	}
	return list
}
