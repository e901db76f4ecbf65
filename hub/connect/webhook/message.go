package webhook

import (
	"encoding/json"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/tallydock/tallydock/hub/event"
)

const (
	// MaxBody is the most bytes of a message's body.
	MaxBody = 20_000
	// ContentType is that of a body.
	ContentType = "application/cloudevents+json"

	maxSubject = 256  // bytes
	maxLink    = 2048 // bytes
)

// PingType is the type of the message that only tests an endpoint. It tells of nothing.
const PingType event.Type = "ping"

// TypeName gives a type as receivers see it, with the version of its Data's shape.
func TypeName(t event.Type) string { return "com.tallydock." + string(t) + ".v1" }

// Occurrence is an event as the outside may hear of it.
type Occurrence struct {
	event.Event
	Subject string   // what it is about, such as an item or an edge; "" = not one thing
	Sites   []string // the sites that Data is of; none = of the company
	Link    string   // where the API has the same Data; goes along instead of Data that cannot; "" = nowhere
}

// Message is what is sent, byte for byte the same at every attempt.
type Message struct {
	ID   string // webhook-id and the event's id: a-z A-Z 0-9 _ -
	Type string
	At   time.Time // when what it tells of happened
	Body []byte
}

// Source is the hub that messages come from.
type Source struct {
	Hub string // UUID of its database
}

// cloudEvent is the JSON form of CloudEvents 1.0, with its extensions sequence and dataref.
type cloudEvent struct {
	SpecVersion string          `json:"specversion"`
	ID          string          `json:"id"`
	Source      string          `json:"source"`
	Type        string          `json:"type"`
	Time        string          `json:"time"`
	Subject     string          `json:"subject,omitempty"`
	Sequence    string          `json:"sequence,omitempty"`
	ContentType string          `json:"datacontenttype,omitempty"`
	DataRef     string          `json:"dataref,omitempty"`
	Data        json.RawMessage `json:"data,omitempty"`
}

// message makes one. Data that would make it larger than MaxBody, or that is not JSON, or that the receiver may not have
// (open false) is left out, with a link in its place. It never fails: a transaction must not end for a message's sake.
func (s Source) message(id string, o Occurrence, open bool) Message {
	c := cloudEvent{
		SpecVersion: "1.0", ID: id, Source: "urn:uuid:" + s.Hub, Type: TypeName(o.Type),
		Time: o.At.UTC().Format(time.RFC3339Nano), Subject: cutText(o.Subject, maxSubject), ContentType: "application/json",
	}
	if o.Seq > 0 {
		c.Sequence = fmt.Sprintf("%019d", o.Seq)
	}
	m := Message{ID: id, Type: c.Type, At: o.At.UTC()}
	if open && len(o.Data) > 0 && len(o.Data) <= MaxBody {
		c.Data = o.Data
		body, err := json.Marshal(c)
		if err == nil && len(body) <= MaxBody {
			m.Body = body
			return m
		}
		c.Data = nil
	}
	if len(o.Link) <= maxLink {
		c.DataRef = o.Link
	}
	m.Body, _ = json.Marshal(c) // strings alone: nothing that could fail
	return m
}

// cutText gives the first bytes of s, in whole characters.
func cutText(s string, most int) string {
	if len(s) <= most {
		return s
	}
	for most > 0 && !utf8.RuneStart(s[most]) {
		most--
	}
	return s[:most]
}

// Outgoing is a message with its deliveries, one for each endpoint that gets it.
type Outgoing struct {
	Message
	Deliveries []Delivery
}

// Fan makes what must go out for an occurrence: nothing, one message, or two, where some endpoints may not have the Data.
// The store inserts it in the transaction of the event. newID gives ids that rise.
func (s Source) Fan(endpoints []Endpoint, o Occurrence, now time.Time, newID func() string) []Outgoing {
	var whole, bare []string
	for _, e := range endpoints {
		switch want, open := e.Wants(o); {
		case want && open:
			whole = append(whole, e.ID)
		case want:
			bare = append(bare, e.ID)
		}
	}
	var all []Outgoing
	if len(whole) > 0 {
		all = append(all, enqueue(s.message(messageID(newID), o, true), whole, now, newID))
	}
	if len(bare) > 0 {
		all = append(all, enqueue(s.message(messageID(newID), o, false), bare, now, newID))
	}
	return all
}

func messageID(newID func() string) string { return "msg_" + newID() }

func enqueue(m Message, endpoints []string, now time.Time, newID func() string) Outgoing {
	out := Outgoing{Message: m, Deliveries: make([]Delivery, len(endpoints))}
	for i, e := range endpoints {
		out.Deliveries[i] = Delivery{
			ID: newID(), Endpoint: e, Message: m.ID, Type: m.Type, At: m.At, State: Pending, Due: now.Add(Schedule[0]),
		}
	}
	return out
}

// ping makes the message that tests an endpoint.
func (s Source) ping(e Endpoint, now time.Time, newID func() string) Message {
	data, _ := json.Marshal(map[string]string{"endpoint": e.ID})
	return s.message(messageID(newID), Occurrence{Event: event.Event{At: now, Type: PingType, Data: data}}, true)
}
