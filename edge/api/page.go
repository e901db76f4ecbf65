package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed" // the page
	"encoding/base64"
	"html/template"
	"net/http"
	"strconv"
	"strings"
	"time"
)

//go:embed page.html
var pageText string

//go:embed page.css
var pageStyle string

var pageTemplate = template.Must(template.New("page").Parse(pageText))

// policy lets the page use its own style and nothing else: no script, no picture, no other server.
var policy = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; style-src 'sha256-" + styleHash() + "'"

func styleHash() string {
	h := sha256.Sum256([]byte(pageStyle))
	return base64.StdEncoding.EncodeToString(h[:])
}

// view is what the page shows.
type view struct {
	language
	Style               template.CSS
	Edge, Site, Version string
	Now                 string
	Speed               float64
	Status              string
	Reasons             []reason // but those of devices, which are shown with them
	Devices             []device
	Uplink              uplink
	Free                string
	Alarms              []alarmLine
	State               state
	Busy                bool // the counts could not be had in time
}

// alarmLine is an alarm as a sentence.
type alarmLine struct {
	standing
	Sentence, StateName, Raised string
}

func (s *Server) servePage(w http.ResponseWriter, r *http.Request) {
	v := s.view(r)
	var b bytes.Buffer
	if err := pageTemplate.Execute(&b, v); err != nil {
		s.Log.Error("page cannot be written", "error", err)
		refuse(w, &problem{http.StatusInternalServerError, "internal", "the page cannot be written; see the log"})
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Language", v.Tag())
	_, _ = w.Write(b.Bytes())
}

func (s *Server) view(r *http.Request) view {
	ctx, cancel := context.WithTimeout(r.Context(), patientFor)
	defer cancel()
	h, up := s.health(), s.uplinkNow()
	v := view{
		language: languageOf(r.Header.Get("Accept-Language")), Style: template.CSS(pageStyle), Edge: s.Edge, Site: s.Site,
		Version: s.Version, Now: clockText(s.Now()), Speed: s.Speed, Status: h.Status, Devices: s.deviceList(), Uplink: up,
		Free: bytesOf(up.FreeBytes),
	}
	for _, reason := range h.Reasons {
		if reason.Subject == "" {
			v.Reasons = append(v.Reasons, reason)
		}
	}
	for _, a := range s.standing() {
		v.Alarms = append(v.Alarms, v.line(a))
	}
	st, err := s.counts(ctx)
	v.State, v.Busy = st, err != nil
	return v
}

// Clock writes a moment in the gateway's time zone.
func (v view) Clock(t time.Time) string { return clockText(t) }

func clockText(t time.Time) string { return t.Local().Format("2006-01-02 15:04:05") }

// line makes an alarm's sentence in the page's language.
func (l language) line(a standing) alarmLine {
	text := l.Say("alarm." + a.Reason)
	if strings.HasPrefix(text, "alarm.") {
		text = a.Reason
	}
	text = strings.NewReplacer(
		"{quantity}", l.Say(a.Quantity), "{value}", figure(a.Value, a.Unit), "{limit}", figure(a.Limit, a.Unit),
	).Replace(text)
	out := alarmLine{standing: a, Sentence: text, StateName: l.Say(a.State)}
	if a.State == "acked" {
		out.StateName = l.Say("acked_state")
	}
	if a.RaisedAt != nil {
		out.Raised = clockText(*a.RaisedAt)
	}
	return out
}

func figure(v *float64, unit string) string {
	if v == nil {
		return "?"
	}
	return strings.TrimSpace(strconv.FormatFloat(*v, 'f', -1, 64) + " " + unit)
}
