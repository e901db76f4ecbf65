package api

import (
	"cmp"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/tallydock/tallydock/devices/alarm"
	"github.com/tallydock/tallydock/devices/unit"
	"github.com/tallydock/tallydock/edge/watch"
)

// standing is an alarm that is not normal.
type standing struct {
	ID           string     `json:"id"`
	Rule         string     `json:"rule"`
	Source       string     `json:"source"`
	Location     string     `json:"location"`
	Class        string     `json:"class"`
	Priority     uint8      `json:"priority"`
	State        string     `json:"state"`
	Active       bool       `json:"active"` // the condition is present
	RaisedAt     *time.Time `json:"raised_at"`
	Reason       string     `json:"reason"`
	Quantity     string     `json:"quantity"`
	Unit         string     `json:"unit"`
	Value        *float64   `json:"value"`
	Limit        *float64   `json:"limit"`
	ShelvedUntil *time.Time `json:"shelved_until"`
	Recovering   bool       `json:"recovering"` // the value is on its way back
	Actions      []string   `json:"actions"`    // what a person may do with it now, see commands
}

// alarms lists the alarms that stand: those that nobody has acknowledged first, then by priority, the newest first.
func (s *Server) alarms(r *http.Request) (list[standing], error) {
	if err := known(r); err != nil {
		return list[standing]{}, err
	}
	return listOf(s.standing(), ""), nil
}

func (s *Server) standing() []standing {
	var out []standing
	for _, a := range s.Road.Standing() {
		out = append(out, s.standingOf(a))
	}
	slices.SortStableFunc(out, func(a, b standing) int {
		return cmp.Or(cmp.Compare(urgency(a), urgency(b)), cmp.Compare(a.Priority, b.Priority), cmp.Compare(b.ID, a.ID))
	})
	return out
}

// urgency orders alarms by whether somebody owes an answer.
func urgency(a standing) int {
	return slices.Index([]string{
		alarm.Unacked.String(), alarm.RTNUnacked.String(), alarm.Acked.String(), alarm.Latched.String(), alarm.Shelved.String(),
		alarm.SuppressedByDesign.String(), alarm.OutOfService.String(),
	}, a.State)
}

func (s *Server) standingOf(a watch.Standing) standing {
	out := standing{
		ID: a.ID, Rule: a.Rule, Source: a.Source, Location: a.Location, Class: a.Class, Priority: uint8(a.Priority),
		State: a.State.String(), Active: a.Active, RaisedAt: began(a.ID), Reason: a.Reason,
		Recovering: a.Recovering, Actions: s.actions(a),
	}
	if a.Quantity != 0 {
		out.Quantity, out.Unit = a.Quantity.String(), a.Quantity.Symbol()
	}
	out.Value, out.Limit = number(a.HasValue, a.Value), number(a.HasLimit, a.Limit)
	if !a.ShelvedUntil.IsZero() {
		t := a.ShelvedUntil.UTC()
		out.ShelvedUntil = &t
	}
	return out
}

func number(has bool, v unit.Milli) *float64 {
	if !has {
		return nil
	}
	f := v.Float()
	return &f
}

// began reads when an occurrence began from its id, a UUIDv7, whose first 48 bits are milliseconds since 1970.
func began(id string) *time.Time {
	b, err := hex.DecodeString(strings.ReplaceAll(id, "-", ""))
	if err != nil || len(b) != 16 || b[6]>>4 != 7 {
		return nil
	}
	var ms int64
	for _, x := range b[:6] {
		ms = ms<<8 | int64(x)
	}
	t := time.UnixMilli(ms).UTC()
	return &t
}
