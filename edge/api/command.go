package api

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/tallydock/tallydock/devices/alarm"
	"github.com/tallydock/tallydock/edge/watch"
)

// order is the body of a command.
type order struct {
	Name    string    `json:"name"`    // who asks; needed
	Comment string    `json:"comment"` // needed to shelve
	For     string    `json:"for"`     // to shelve: a duration such as 30m or 8h,
	Until   time.Time `json:"until"`   // or a moment
}

// Bounds of an order.
const (
	longestOrder   = 4 << 10 // bytes
	longestName    = 60      // runes
	longestComment = 500
)

// commandFor is how long a command may take to be kept, machine time.
const commandFor = 5 * time.Second

// LocalActor is what stands before a person's name in the record of what was done at the gateway itself.
const LocalActor = "local:"

// actions lists what a person may do with an alarm as it stands.
func (s *Server) actions(a watch.Standing) []string {
	out := []string{}
	for _, do := range []alarm.Action{alarm.Acknowledge, alarm.Shelve, alarm.Unshelve, alarm.Reset} {
		if s.allows(a, do, s.Now().Add(time.Minute), "x") == nil {
			out = append(out, string(do))
		}
	}
	return out
}

// allows tells why an action cannot be done with an alarm; nil where it can.
func (s *Server) allows(a watch.Standing, do alarm.Action, until time.Time, reason string) error {
	now := alarm.Alarm{State: a.State, Active: a.Active, Occurrence: a.ID, ShelvedUntil: a.ShelvedUntil, Was: true}
	_, _, err := now.Step(alarm.Input{Action: do, Until: until, Reason: reason}, s.Now())
	return err
}

// commands gives the handler of one action: it does it and answers with the alarm's new state; one that has ended is
// normal. A command that the alarm's state does not allow is a conflict.
func (s *Server) commands(do alarm.Action) func(*http.Request) (standing, error) {
	return func(r *http.Request) (standing, error) {
		if err := known(r); err != nil {
			return standing{}, err
		}
		c, err := s.localOf(r, do)
		if err != nil {
			return standing{}, err
		}
		before, ok := s.find(c.Alarm)
		if !ok {
			return standing{}, &problem{http.StatusNotFound, "not_found", fmt.Sprintf("alarm %q does not stand here: it has returned to normal, or never was", c.Alarm)}
		}
		if err := s.allows(before, do, c.Until, c.Reason); err != nil {
			return standing{}, conflict(err)
		}
		ctx, cancel := context.WithTimeout(r.Context(), commandFor)
		defer cancel()
		if err := s.do(ctx, c); err != nil {
			return standing{}, err
		}
		return s.after(before), nil
	}
}

func conflict(err error) error { return &problem{http.StatusConflict, "conflict", err.Error()} }

// do carries a command out. What the alarm's state no longer allows is a conflict; else the trouble is the road's own.
func (s *Server) do(ctx context.Context, c watch.Local) error {
	err := s.Road.Local(ctx, c)
	if err == nil || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return err
	}
	if a, ok := s.find(c.Alarm); ok && s.allows(a, c.Do, c.Until, c.Reason) == nil {
		return err
	}
	return conflict(err)
}

// after tells how an alarm stands after a command.
func (s *Server) after(before watch.Standing) standing {
	now, ok := s.find(before.ID)
	if !ok {
		now = before
		now.State, now.Active, now.ShelvedUntil = alarm.Normal, false, time.Time{}
	}
	return s.standingOf(now)
}

func (s *Server) find(id string) (watch.Standing, bool) {
	for _, a := range s.Road.Standing() {
		if a.ID == id {
			return a, true
		}
	}
	return watch.Standing{}, false
}

// localOf reads a command.
func (s *Server) localOf(r *http.Request, do alarm.Action) (watch.Local, error) {
	o, err := readOrder(r)
	if err != nil {
		return watch.Local{}, &problem{http.StatusBadRequest, "bad_command", "cannot read the command: " + err.Error()}
	}
	c := watch.Local{Do: do, Alarm: r.PathValue("id"), Actor: LocalActor + o.Name, Reason: o.Comment}
	if do != alarm.Shelve {
		if o.For != "" || !o.Until.IsZero() {
			return watch.Local{}, &problem{http.StatusBadRequest, "bad_command", "for and until belong to shelving"}
		}
		return c, nil
	}
	if c.Until, err = o.until(s.Now()); err != nil {
		return watch.Local{}, &problem{http.StatusBadRequest, "bad_command", err.Error()}
	}
	return c, nil
}

func readOrder(r *http.Request) (order, error) {
	var o order
	if err := readJSON(r, longestOrder, &o); err != nil {
		return o, err
	}
	o.Name, o.Comment = strings.TrimSpace(o.Name), strings.TrimSpace(o.Comment)
	if o.Name == "" {
		return o, errors.New("name is missing: say who asks")
	}
	return o, cmp.Or(plainText("name", o.Name, longestName), plainText("comment", o.Comment, longestComment))
}

// readJSON reads the one object of a body of at most so many bytes.
func readJSON(r *http.Request, most int64, v any) error {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return errors.New("its Content-Type must be application/json")
	}
	text, err := io.ReadAll(io.LimitReader(r.Body, most+1))
	switch {
	case err != nil:
		return err
	case int64(len(text)) > most:
		return fmt.Errorf("it is longer than %d bytes", most)
	}
	in := json.NewDecoder(strings.NewReader(string(text)))
	in.DisallowUnknownFields()
	if err := in.Decode(v); err != nil {
		return err
	}
	if in.More() {
		return errors.New("something follows the object")
	}
	return nil
}

// plainText refuses what would make a mess of a record.
func plainText(field, text string, most int) error {
	if n := utf8.RuneCountInString(text); n > most {
		return fmt.Errorf("%s has %d characters; at most %d are kept", field, n, most)
	}
	if strings.ContainsFunc(text, func(r rune) bool { return unicode.IsControl(r) || r == utf8.RuneError }) {
		return fmt.Errorf("%s has control characters", field)
	}
	return nil
}

// until is when a shelving ends.
func (o order) until(now time.Time) (time.Time, error) {
	if (o.For == "") == o.Until.IsZero() {
		return time.Time{}, errors.New("shelving needs an end: give for, such as 30m or 8h, or until, such as 2026-01-02T15:04:05Z")
	}
	if o.For == "" {
		return o.Until.UTC(), nil
	}
	d, err := time.ParseDuration(o.For)
	if err != nil {
		return time.Time{}, fmt.Errorf("for %q is no duration such as 30m or 8h", o.For)
	}
	return now.Add(d), nil
}
