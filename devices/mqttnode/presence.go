package mqttnode

import (
	"bytes"
	"strings"
)

// parsePresence reads what devices say of their presence: "online" and "offline", "connected" and "disconnected" in any
// case, bare (Tasmota's LWT, old Zigbee2MQTT, an R700's connect, disconnect and will messages as its owner writes them), as
// JSON text, or in a JSON object: {"state":"online"} (Zigbee2MQTT), or any members of it, or of an object in it, where all
// that say something of presence agree (mqttConnEVT of Zebra's handhelds). Anything else is no sign of life.
func parsePresence(b []byte) presence {
	b = bytes.TrimSpace(b)
	s := &scanner{text: b}
	var v votes
	switch {
	case len(b) == 0:
		return mute
	case b[0] == '{':
		v.object(s, true)
	case b[0] == '"':
		v.state = presenceWord(s.word())
	default:
		return presenceWord(b)
	}
	if s.more() || s.cut != nil {
		return mute
	}
	return v.result()
}

// votes is what the members of an object say of presence.
type votes struct {
	state       presence // by the member of this name; 0 = it says nothing
	there, gone bool
}

func (v *votes) object(s *scanner, outer bool) {
	s.object()
	for name, ok := s.member(); ok; name, ok = s.member() {
		isState := outer && string(name) == "state"
		switch c := s.peek(); {
		case c == '"':
			v.add(presenceWord(s.word()), isState)
		case c == '{' && outer:
			v.object(s, false)
		default:
			s.skip()
		}
	}
}

func (v *votes) add(p presence, isState bool) {
	if isState && p != mute {
		v.state = p
	}
	v.there = v.there || p == online
	v.gone = v.gone || p == offline
}

func (v *votes) result() presence {
	switch {
	case v.state != 0:
		return v.state
	case v.there == v.gone:
		return mute
	case v.there:
		return online
	}
	return offline
}

func presenceWord(word []byte) presence {
	if len(word) > shown {
		return mute
	}
	switch strings.ToLower(string(word)) {
	case "online", "connected":
		return online
	case "offline", "disconnected":
		return offline
	}
	return mute
}

// EncodePresence writes what a device, or its will, publishes of its presence.
func EncodePresence(there bool) []byte {
	if there {
		return []byte("online")
	}
	return []byte("offline")
}
