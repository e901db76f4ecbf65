package api_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices/alarm"
	"github.com/tallydock/tallydock/edge/watch"
)

// post sends a command as the page does.
func post(t *testing.T, url, body string, change func(*http.Request)) reply {
	t.Helper()
	return send(t, http.MethodPost, url, strings.NewReader(body), func(r *http.Request) {
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Tallydock-Command", "1")
		if change != nil {
			change(r)
		}
	})
}

// firstAlarm gives the address of the alarm that is first in the list.
func firstAlarm(t *testing.T, url string) string {
	t.Helper()
	list := items(t, get(t, url+"/api/v1/alarms").object(t))
	if len(list) == 0 {
		t.Fatal("no alarm stands")
	}
	return url + "/api/v1/alarms/" + list[0].(map[string]any)["id"].(string)
}

func TestAlarmIsAcknowledgedWithoutTheHub(t *testing.T) {
	g := alarmed(t)
	url := g.serve(t)
	at := firstAlarm(t, url)
	r := post(t, at+"/acknowledge", `{"name":" 李伟 ","comment":"on my way"}`, nil)
	if r.status != http.StatusOK {
		t.Fatalf("answers %d %s", r.status, r.body)
	}
	says(t, r.object(t), map[string]string{"rule": "cold-r-high", "state": "acked", "active": "true", "actions": "[shelve]"})
	says(t, items(t, get(t, url+"/api/v1/alarms").object(t))[1], map[string]string{"rule": "cold-r-high", "state": "acked"})
	if c := g.road.commands[0]; c.Actor != "local:李伟" || c.Reason != "on my way" || c.Do != alarm.Acknowledge {
		t.Errorf("the command is %+v", c)
	}
	r = post(t, at+"/acknowledge", `{"name":"li"}`, nil)
	if r.status != http.StatusConflict || r.object(t)["code"] != "conflict" || !strings.Contains(r.body, "cannot acknowledge an alarm that is acked") {
		t.Errorf("twice answers %d %s", r.status, r.body)
	}
	if len(g.road.commands) != 1 {
		t.Errorf("%d commands were handed over", len(g.road.commands))
	}
}

func TestReturnedAlarmIsNormalOnceItIsAcknowledged(t *testing.T) {
	g := alarmed(t)
	g.measure(4000, noon)
	g.measure(4000, noon.Add(time.Hour))
	url := g.serve(t)
	var id string
	for _, a := range items(t, get(t, url+"/api/v1/alarms").object(t)) {
		if m := a.(map[string]any); m["state"] == "rtn_unacked" {
			id = m["id"].(string)
		}
	}
	r := post(t, url+"/api/v1/alarms/"+id+"/acknowledge", `{"name":"li"}`, nil)
	if r.status != http.StatusOK {
		t.Fatalf("answers %d %s", r.status, r.body)
	}
	says(t, r.object(t), map[string]string{"id": id, "state": "normal", "active": "false", "actions": "[]"})
}

func TestAlarmIsShelvedForATimeAndTakenOff(t *testing.T) {
	g := alarmed(t)
	url := g.serve(t)
	at := firstAlarm(t, url)
	r := post(t, at+"/shelve", `{"name":"li","comment":"defrosting","for":"8h"}`, nil)
	says(t, r.object(t), map[string]string{"state": "shelved", "shelved_until": "2026-11-22T20:00:00Z", "actions": "[shelve unshelve]"})
	r = post(t, at+"/shelve", `{"name":"li","comment":"goes on","until":"2026-11-23T06:00:00+08:00"}`, nil)
	says(t, r.object(t), map[string]string{"state": "shelved", "shelved_until": "2026-11-22T22:00:00Z"})
	if c := g.road.commands[1]; c.Reason != "goes on" || c.Actor != "local:li" {
		t.Errorf("the command is %+v", c)
	}
	r = post(t, at+"/unshelve", `{"name":"li"}`, nil)
	says(t, r.object(t), map[string]string{"state": "unacked", "shelved_until": "<nil>"})
}

func TestBadCommandsAreRefusedWhole(t *testing.T) {
	g := alarmed(t)
	url := g.serve(t)
	at := firstAlarm(t, url)
	for name, c := range map[string]struct {
		path, body, says string
		status           int
	}{
		"no name":             {"/acknowledge", `{}`, "name is missing", 400},
		"blank name":          {"/acknowledge", `{"name":"  "}`, "name is missing", 400},
		"long name":           {"/acknowledge", `{"name":"` + strings.Repeat("李", 61) + `"}`, "61 characters", 400},
		"line in a name":      {"/acknowledge", `{"name":"a\nb"}`, "control characters", 400},
		"long comment":        {"/acknowledge", `{"name":"a","comment":"` + strings.Repeat("b", 501) + `"}`, "501 characters", 400},
		"slip of the pen":     {"/acknowledge", `{"name":"a","coment":"b"}`, "coment", 400},
		"no JSON":             {"/acknowledge", `name=a`, "cannot read the command", 400},
		"two objects":         {"/acknowledge", `{"name":"a"}{}`, "something follows", 400},
		"too long":            {"/acknowledge", `{"name":"a","comment":"` + strings.Repeat(" ", 5000) + `"}`, "longer than 4096", 400},
		"for elsewhere":       {"/acknowledge", `{"name":"a","for":"1h"}`, "belong to shelving", 400},
		"query":               {"/acknowledge?name=a", `{"name":"a"}`, "unknown_parameter", 400},
		"shelve without end":  {"/shelve", `{"name":"a","comment":"b"}`, "shelving needs an end", 400},
		"shelve, two ends":    {"/shelve", `{"name":"a","comment":"b","for":"1h","until":"2026-11-23T06:00:00Z"}`, "shelving needs an end", 400},
		"shelve, no duration": {"/shelve", `{"name":"a","comment":"b","for":"long"}`, "no duration", 400},
		"shelve, no reason":   {"/shelve", `{"name":"a","for":"1h"}`, "without a reason", 409},
		"shelve for ever":     {"/shelve", `{"name":"a","comment":"b","for":"9999h"}`, "by at most 168h", 409},
		"shelve until before": {"/shelve", `{"name":"a","comment":"b","until":"2020-01-01T00:00:00Z"}`, "later than now", 409},
		"nothing shelved":     {"/unshelve", `{"name":"a"}`, "cannot unshelve an alarm that is unacked", 409},
		"nothing to reset":    {"/reset", `{"name":"a"}`, "cannot reset an alarm that is unacked", 409},
	} {
		if r := post(t, at+c.path, c.body, nil); r.status != c.status || !strings.Contains(r.body, c.says) {
			t.Errorf("%s: answers %d %s; want %d, %q", name, r.status, r.body, c.status, c.says)
		}
	}
	if r := post(t, url+"/api/v1/alarms/0193544c/acknowledge", `{"name":"a"}`, nil); r.status != http.StatusNotFound {
		t.Errorf("an alarm that is not there answers %d %s", r.status, r.body)
	}
	if len(g.road.commands) != 0 {
		t.Errorf("%d commands were handed over", len(g.road.commands))
	}
}

func TestCommandsFromOtherSitesPagesAreRefused(t *testing.T) {
	g := alarmed(t)
	at := firstAlarm(t, g.serve(t))
	for name, c := range map[string]struct {
		change func(*http.Request)
		status int
		code   string
	}{
		"another origin":      {func(r *http.Request) { r.Header.Set("Origin", "http://evil.example") }, 403, "cross_origin"},
		"another site":        {func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }, 403, "cross_origin"},
		"another port":        {func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-site") }, 403, "cross_origin"},
		"without the header":  {func(r *http.Request) { r.Header.Del("Tallydock-Command") }, 403, "header_required"},
		"a form":              {func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }, 400, "bad_command"},
		"rebound name":        {func(r *http.Request) { r.Host = "evil.example:7810" }, 401, "login_required"},
		"through a forwarder": {func(r *http.Request) { r.Header.Set("X-Forwarded-For", "192.0.2.7") }, 401, "login_required"},
	} {
		if r := post(t, at+"/acknowledge", `{"name":"a"}`, c.change); r.status != c.status || r.object(t)["code"] != c.code {
			t.Errorf("%s: answers %d %s", name, r.status, r.body)
		}
	}
	if len(g.road.commands) != 0 {
		t.Errorf("%d commands were handed over", len(g.road.commands))
	}
	own := func(r *http.Request) {
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		r.Header.Set("Origin", "http://"+r.Host)
	}
	if r := post(t, at+"/acknowledge", `{"name":"a"}`, own); r.status != http.StatusOK {
		t.Errorf("the own page's command answers %d %s", r.status, r.body)
	}
}

func TestCommandsNeedTheTokenWhereThereIsOne(t *testing.T) {
	g := alarmed(t)
	g.conf.Token = token
	at := firstAlarm(t, g.serve(t)) // reading needs none on this machine
	if r := post(t, at+"/acknowledge", `{"name":"a"}`, nil); r.status != http.StatusUnauthorized || !strings.Contains(r.body, "from this machine too") {
		t.Errorf("without: answers %d %s", r.status, r.body)
	}
	if r := post(t, at+"/acknowledge", `{"name":"a"}`, func(r *http.Request) { r.SetBasicAuth("li", token) }); r.status != http.StatusOK {
		t.Errorf("with: answers %d %s", r.status, r.body)
	}
}

func TestCommandOnABusyGatewayIsUnavailable(t *testing.T) {
	g := alarmed(t)
	url := g.serve(t)
	at := firstAlarm(t, url)
	g.road.busy = true
	if r := post(t, at+"/acknowledge", `{"name":"a"}`, nil); r.status != http.StatusServiceUnavailable || len(g.road.commands) != 0 {
		t.Errorf("answers %d %s", r.status, r.body)
	}
}

func TestLatchedAlarmIsReset(t *testing.T) {
	g := newGateway(t)
	g.latch(t)
	url := g.serve(t)
	at := firstAlarm(t, url)
	says(t, items(t, get(t, url+"/api/v1/alarms").object(t))[0], map[string]string{"state": "latched", "actions": "[shelve reset]"})
	holds(t, page(t, url+"/alarms", "en").body, "returned, waits for a reset", `data-do="reset"`)
	r := post(t, at+"/reset", `{"name":"li"}`, nil)
	if r.status != http.StatusOK {
		t.Fatalf("answers %d %s", r.status, r.body)
	}
	says(t, r.object(t), map[string]string{"state": "normal"})
}

// latch brings an alarm to Latched.
func (g *gateway) latch(t *testing.T) {
	t.Helper()
	spec := watch.Spec{
		Occurrence: g.conf.Plan.Occurrence, Devices: []watch.Device{{ID: "probe-r"}},
		Rules: []watch.Rule{{ID: "hot", Kind: watch.High, Device: "probe-r", Quantity: 1, Limit: 8000, Priority: alarm.Critical, Latch: true}},
	}
	g.road.watch = watch.New(spec)
	g.measure(9000, noon.Add(-time.Hour))
	for i := range 5 {
		g.measure(4000, noon.Add(time.Duration(i-50)*time.Minute))
	}
	for _, a := range g.road.Standing() {
		if err := g.road.Local(t.Context(), watch.Local{Do: alarm.Acknowledge, Alarm: a.ID, Actor: "local:li"}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestRefusalsOfTheRoadAreTold(t *testing.T) {
	g := alarmed(t)
	at := firstAlarm(t, g.serve(t))
	g.road.refuses = fmt.Errorf("it is done, but it cannot be kept yet: %w", context.DeadlineExceeded)
	if r := post(t, at+"/acknowledge", `{"name":"a"}`, nil); r.status != http.StatusServiceUnavailable || !strings.Contains(r.body, "cannot be kept yet") {
		t.Errorf("answers %d %s", r.status, r.body)
	}
	g.road.refuses = errors.New("the gateway is stopping")
	if r := post(t, at+"/acknowledge", `{"name":"a"}`, nil); r.status != http.StatusServiceUnavailable || !strings.Contains(r.body, "stopping") {
		t.Errorf("answers %d %s", r.status, r.body)
	}
}
