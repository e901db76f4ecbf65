package sparkplug

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Namespace is the first level of every topic.
const Namespace = "spBv1.0"

// Verb is what a message is.
type Verb string

// The messages.
const (
	NBirth Verb = "NBIRTH" // an edge node's session begins, with all its metrics
	NDeath Verb = "NDEATH" // it has ended; the broker says so
	DBirth Verb = "DBIRTH" // a device of an edge node is there
	DDeath Verb = "DDEATH"
	NData  Verb = "NDATA"
	DData  Verb = "DDATA"
	NCmd   Verb = "NCMD" // a host commands
	DCmd   Verb = "DCMD"
	State  Verb = "STATE" // a host tells whether it is there
)

// ofDevices are the verbs whose topic has a device.
var ofDevices = map[Verb]bool{NBirth: false, NDeath: false, NData: false, NCmd: false, DBirth: true, DDeath: true, DData: true, DCmd: true}

// Topic is a topic taken apart.
type Topic struct {
	Verb   Verb
	Group  string
	Node   string // the edge node
	Device string // "" where the verb is a node's
	Host   string // of STATE alone
}

// ParseTopic takes "spBv1.0/GROUP/VERB/NODE", "spBv1.0/GROUP/VERB/NODE/DEVICE" and "spBv1.0/STATE/HOST" apart.
func ParseTopic(topic string) (Topic, error) {
	l := strings.Split(topic, "/")
	for _, level := range l {
		if level == "" || strings.ContainsAny(level, "+#") {
			return Topic{}, fmt.Errorf("topic %q has an empty level or a wildcard", topic)
		}
	}
	if l[0] != Namespace || len(l) < 3 {
		return Topic{}, fmt.Errorf("topic %q is none of Sparkplug B: %s/GROUP/VERB/NODE or %[2]s/GROUP/VERB/NODE/DEVICE", topic, Namespace)
	}
	if l[1] == string(State) {
		if len(l) != 3 {
			return Topic{}, fmt.Errorf("topic %q is not %s/STATE/HOST", topic, Namespace)
		}
		return Topic{Verb: State, Host: l[2]}, nil
	}
	t := Topic{Group: l[1], Verb: Verb(l[2])}
	device, known := ofDevices[t.Verb]
	if !known {
		return Topic{}, fmt.Errorf("topic %q: message type %q is not known", topic, l[2])
	}
	if device != (len(l) == 5) || !device && len(l) != 4 {
		return Topic{}, fmt.Errorf("topic %q: a %s has a node%s", topic, t.Verb, map[bool]string{true: " and a device", false: " and no device"}[device])
	}
	t.Node = l[3]
	if device {
		t.Device = l[4]
	}
	return t, nil
}

// String writes the topic.
func (t Topic) String() string {
	switch {
	case t.Verb == State:
		return Namespace + "/STATE/" + t.Host
	case t.Device != "":
		return strings.Join([]string{Namespace, t.Group, string(t.Verb), t.Node, t.Device}, "/")
	}
	return strings.Join([]string{Namespace, t.Group, string(t.Verb), t.Node}, "/")
}

// EncodeState writes a STATE message's payload: whether the host is there, since when.
func EncodeState(online bool, at time.Time) []byte {
	return fmt.Appendf(nil, `{"online":%t,"timestamp":%d}`, online, Millis(at))
}

// DecodeState reads what EncodeState wrote.
func DecodeState(b []byte) (online bool, at time.Time, err error) {
	var s struct {
		Online    *bool
		Timestamp uint64
	}
	if err := json.Unmarshal(b, &s); err != nil {
		return false, time.Time{}, fmt.Errorf("STATE is no JSON: %w", err)
	}
	if s.Online == nil {
		return false, time.Time{}, errors.New("STATE does not say whether the host is online")
	}
	return *s.Online, Time(s.Timestamp), nil
}

// RebirthMetric is the name of the command by which a host asks an edge node for its births.
const RebirthMetric = "Node Control/Rebirth"

// Rebirth makes the NCMD that asks an edge node for its births.
func Rebirth(at time.Time) Payload {
	ms := Millis(at)
	return Payload{Timestamp: ms, HasTimestamp: true, Metrics: []Metric{{
		Name: RebirthMetric, Timestamp: ms, HasTimestamp: true, Datatype: TypeBoolean, Value: Value{Kind: Boolean, Bits: 1},
	}}}
}

// IsRebirth reports whether an NCMD asks for births.
func IsRebirth(p Payload) bool {
	for _, m := range p.Metrics {
		if m.Name == RebirthMetric && m.Value.Kind == Boolean && m.Value.Bits != 0 {
			return true
		}
	}
	return false
}
