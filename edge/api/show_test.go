package api_test

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/edge/api"
	"github.com/tallydock/tallydock/edge/reconcile"
	"github.com/tallydock/tallydock/edge/recording"
	"github.com/tallydock/tallydock/edge/site"
	"github.com/tallydock/tallydock/edge/watch"
)

func up(device string, at time.Time) *devices.Health {
	return &devices.Health{Device: device, State: devices.Up, At: at}
}

// quiet is a fleet in which all is well.
type quiet struct{}

func (quiet) Snapshot() []wire.Device {
	return []wire.Device{{ID: "uhf-a1", Driver: "uhf", State: devices.Up, Since: noon}}
}

func TestHealthTellsWhatIsWrong(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*gateway)
		http   int
		status string
		codes  string
		detail string
	}{
		"all is well":    {func(*gateway) {}, 200, "ok", "", ""},
		"no hub yet":     {func(g *gateway) { g.link = api.Link{} }, 200, "degraded", "hub_unreachable", "no connection to the hub yet"},
		"hub refuses":    {func(g *gateway) { g.link = api.Link{Err: errors.New("not authorized")} }, 200, "degraded", "hub_unreachable", "not authorized"},
		"clock unset":    {func(g *gateway) { g.unsynced = true }, 200, "degraded", "clock_unsynced", "NTP"},
		"store was hurt": {func(g *gateway) { g.conf.Recovered = "records 5 to 7 are lost" }, 200, "degraded", "store_recovered", "5 to 7"},
		"store failed":   {func(g *gateway) { g.box.at.Err = errors.New("input/output error") }, 503, "failing", "store_failed", "input/output error"},
		"disk full": {
			func(g *gateway) { g.box.at.LowSpace, g.box.at.Free = true, 20<<20 }, 503, "failing", "low_space",
			"20 MiB of 64 MiB",
		},
		"stuck": {func(g *gateway) { g.road.stalled = 11 * time.Second }, 503, "failing", "stalled", "11s"},
		"disk full and no hub": {
			func(g *gateway) { g.box.at.LowSpace = true; g.link = api.Link{} }, 503, "failing",
			"low_space hub_unreachable", "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGateway(t)
			g.rooms.Devices = quiet{}
			c.change(g)
			r := get(t, g.serve(t)+"/healthz")
			o := r.object(t)
			var codes []string
			reasons, _ := o["reasons"].([]any)
			for _, x := range reasons {
				codes = append(codes, x.(map[string]any)["code"].(string))
			}
			if r.status != c.http || o["status"] != c.status || strings.Join(codes, " ") != c.codes || !strings.Contains(r.body, c.detail) {
				t.Errorf("answers %d %s", r.status, r.body)
			}
		})
	}
}

func TestHealthNamesADeviceThatIsDown(t *testing.T) {
	o := get(t, newGateway(t).serve(t)+"/healthz").object(t)
	says(t, o, map[string]string{"status": "degraded"})
	says(t, o["reasons"].([]any)[0], map[string]string{"code": "device_down", "subject": "uhf-a1"})
}

func TestDevicesTellWhatToDo(t *testing.T) {
	list := items(t, get(t, newGateway(t).serve(t)+"/api/v1/devices").object(t))
	if len(list) != 1 {
		t.Fatalf("got %v", list)
	}
	says(t, list[0], map[string]string{"id": "uhf-a1", "driver": "uhf", "location": "SZ1-A-01", "state": "down", "reads": "0", "lost": "0"})
	if reason := list[0].(map[string]any)["reason"].(string); !strings.Contains(reason, "does not exist; check the cable") {
		t.Errorf("reason is %q", reason)
	}
}

func TestDevicesTellHowMuchEachAntennaReads(t *testing.T) {
	g := newGateway(t)
	g.tapped(t)
	d := items(t, get(t, g.serve(t)+"/api/v1/devices").object(t))[0].(map[string]any)
	says(t, d, map[string]string{"id": "uhf-a1", "last_read": "2026-11-22T12:00:00Z"})
	list := d["antennas"].([]any)
	if len(list) != 2 {
		t.Fatalf("antennas are %v", list)
	}
	says(t, list[0], map[string]string{"antenna": "0", "point": "SZ1-A-01", "side": "shelf", "reads": "2", "last_read": "2026-11-22T11:59:59Z"})
	says(t, list[1], map[string]string{"antenna": "3", "point": "SZ1-A-01", "reads": "1"})
}

func TestAntennasThatReadNothingAreThere(t *testing.T) {
	plan, err := site.New(site.Spec{Edge: "SZ1-E1", Doors: []site.Door{{
		ID: "D1", Location: "DOCK", Inside: []site.Source{{Device: "uhf-a1", Antenna: 1}}, Outside: []site.Source{{Device: "uhf-a1", Antenna: 4}},
		Quiet: time.Second, Longest: time.Minute, MinReads: 2,
	}}})
	if err != nil {
		t.Fatal(err)
	}
	g := newGateway(t)
	g.conf.Plan = plan
	g.rooms.Recording = recording.NewTap(nothing{}, g.conf.Now)
	g.rooms.Recording.Read(devices.Read{Device: "uhf-a1", Antenna: 2, HostTime: noon})
	list := items(t, get(t, g.serve(t)+"/api/v1/devices").object(t))[0].(map[string]any)["antennas"].([]any)
	if len(list) != 3 {
		t.Fatalf("antennas are %v", list)
	}
	says(t, list[0], map[string]string{"antenna": "1", "point": "D1", "side": "inside", "reads": "0", "rate_1s": "0", "last_read": "<nil>"})
	says(t, list[1], map[string]string{"antenna": "2", "point": "", "side": "", "reads": "1"})
	says(t, list[2], map[string]string{"antenna": "4", "point": "D1", "side": "outside"})
}

func TestSamplesTellTheLastValueOfEachChannel(t *testing.T) {
	g := newGateway(t)
	g.tapped(t)
	url := g.serve(t) + "/api/v1/samples"
	list := items(t, get(t, url).object(t))
	if len(list) != 2 {
		t.Fatalf("got %v", list)
	}
	says(t, list[0], map[string]string{
		"key": "probe-r//temperature", "device": "probe-r", "channel": "", "quantity": "temperature", "unit": "°C", "value": "4.2", "quality": "good",
		"at": "2026-11-22T11:59:00Z", "age_s": "60",
		"trend": "[map[at:2026-11-22T11:58:00Z high:4.4 low:4.4] map[at:2026-11-22T11:59:00Z high:4.2 low:4.2]]",
	})
	says(t, list[1], map[string]string{"channel": "2", "quantity": "humidity", "value": "<nil>", "quality": "no_data", "trend": "[]"})
	o := get(t, url+"?limit=1").object(t)
	if o["next"] != "probe-r//temperature" {
		t.Errorf("next is %v", o["next"])
	}
	o = get(t, url+"?limit=1&after=probe-r//temperature").object(t)
	if says(t, items(t, o)[0], map[string]string{"channel": "2"}); o["next"] != "" {
		t.Errorf("next is %v", o["next"])
	}
}

func TestPassesTellHowEachTagWasRead(t *testing.T) {
	g := newGateway(t)
	trace := aTrace(t)
	trace.Tags[0].Score = math.Inf(1)
	g.road.traces = []*reconcile.Trace{trace, {Pass: "p0", Door: "D2"}}
	url := g.serve(t) + "/api/v1/passes"
	list := items(t, get(t, url).object(t))
	if len(list) != 2 {
		t.Fatalf("got %v", list)
	}
	says(t, list[0], map[string]string{
		"pass": "p1", "door": "D1", "direction": "in", "confidence_permille": "970", "from": "2026-11-22T11:59:50Z", "to": "2026-11-22T11:59:54Z",
		"gate_on": "2026-11-22T11:59:51Z", "tags": "2", "others": "1",
	})
	says(t, list[1], map[string]string{"direction": "undecided", "gate_on": "<nil>", "gate_off": "<nil>"})
	o := get(t, url+"/p1").object(t)
	traces := o["traces"].([]any)
	says(t, traces[0], map[string]string{"score": "99"})
	says(t, traces[2], map[string]string{"tag": "epc:3003", "member": "false", "score": "-2.5", "why": "lies beside the door"})
	reads := traces[2].(map[string]any)["reads"].([]any)
	says(t, reads[0], map[string]string{"at": "2026-11-22T11:59:50.1Z", "device": "dock", "antenna": "1", "side": "inside", "rssi_dbm": "-71", "foreign": "true"})
	says(t, traces[0].(map[string]any)["reads"].([]any)[0], map[string]string{"rssi_dbm": "<nil>"})
	if o := get(t, url+"/p0").object(t); fmt.Sprint(o["traces"]) != "[]" {
		t.Errorf("a pass without tags has %v", o["traces"])
	}
}

func TestGatewayTellsOfItself(t *testing.T) {
	g := newGateway(t)
	url := g.serve(t) + "/api/v1/gateway"
	o := get(t, url).object(t)
	says(t, o, map[string]string{"edge": "SZ1-E1", "site": "SZ1", "software": "1.2.3", "status": "degraded", "recovered": ""})
	says(t, o["clock"], map[string]string{"now": "2026-11-22T12:00:00Z", "synced": "true", "speed": "1"})
	says(t, o["config"], map[string]string{"source": "file", "version": "0", "state": "applied", "reason": ""})
	if o["memory_bytes"].(float64) < 1<<20 || o["uptime_s"].(float64) < 0 {
		t.Errorf("memory and uptime are %v and %v", o["memory_bytes"], o["uptime_s"])
	}
	if _, ok := o["clock"].(map[string]any)["offset_s"].(float64); !ok {
		t.Errorf("clock is %v", o["clock"])
	}
}

func TestGatewayTellsWhichConfigurationItHas(t *testing.T) {
	g := newGateway(t)
	g.rooms.Config = func() wire.ConfigStatus {
		return wire.ConfigStatus{Version: 16, Offered: 17, State: wire.ConfigRefused, Reason: "door D9 has no reader"}
	}
	g.conf.Speed = 60
	url := g.serve(t)
	o := get(t, url+"/api/v1/gateway").object(t)
	says(t, o["config"], map[string]string{"source": "hub", "version": "16", "offered": "17", "state": "refused", "reason": "door D9 has no reader"})
	says(t, o["clock"], map[string]string{"offset_s": "<nil>", "speed": "60"})
	holds(t, page(t, url+"/gateway", "en").body, "from the hub", "refused", "door D9 has no reader", "60×")
}

func TestUplinkTellsWhatTheHubLacks(t *testing.T) {
	g := newGateway(t)
	g.link = api.Link{Since: noon, Err: errors.New("connection refused")}
	g.link.AckedAt = noon.Add(-time.Minute)
	o := get(t, g.serve(t)+"/api/v1/uplink").object(t)
	says(t, o, map[string]string{
		"acked_at": "2026-11-22T11:59:00Z",
		"edge":     "SZ1-E1", "connected": "false", "since": "2026-11-22T12:00:00Z", "error": "connection refused", "epoch": "3", "epoch_start": "100",
		"head": "4711", "acked": "4700", "lag": "11", "samples_head": "9", "samples_acked": "8", "low_space": "false", "store_error": "",
	})
}

func TestMetricsShowTheDevices(t *testing.T) {
	r := get(t, newGateway(t).serve(t)+"/metrics")
	if !strings.Contains(r.body, `tallydock_edge_device_up{device="uhf-a1",driver="uhf"} 0`) {
		t.Errorf("answers %s", r.body)
	}
}

// alarmed has a sensor's quality alarm, and a later limit alarm.
func alarmed(t *testing.T) *gateway {
	t.Helper()
	g := newGateway(t)
	s := devices.Sample{Device: "probe-x", Quality: devices.Sentinel, Quantity: 1, Value: 85000, HostTime: noon.Add(-time.Hour)}
	g.road.watch.Step(watch.Input{Sample: &s}, s.HostTime)
	g.measure(9200, noon.Add(-time.Minute))
	return g
}

func TestAlarmsComeMostUrgentFirst(t *testing.T) {
	g := alarmed(t)
	list := items(t, get(t, g.serve(t)+"/api/v1/alarms").object(t))
	if len(list) != 2 {
		t.Fatalf("got %v", list)
	}
	says(t, list[0], map[string]string{
		"rule": "cold-r-high", "source": "probe-r", "location": "SZ1-R", "class": "cold_chain", "priority": "1", "state": "unacked", "active": "true",
		"raised_at": "2026-11-22T11:59:00Z", "reason": "high", "quantity": "temperature", "unit": "°C", "value": "9.2", "limit": "8",
		"shelved_until": "<nil>",
	})
	says(t, list[1], map[string]string{"rule": "sensor-quality", "priority": "9", "reason": "sentinel", "limit": "<nil>"})
}

func TestAcknowledgedAlarmsComeLast(t *testing.T) {
	g := alarmed(t)
	id := items(t, get(t, g.serve(t)+"/api/v1/alarms").object(t))[0].(map[string]any)["id"].(string)
	g.road.watch.Step(watch.Input{Command: &wire.Command{ID: "c1", Actor: "li.wei", Acknowledge: &wire.AlarmAcknowledge{Alarm: id}}}, noon)
	list := items(t, get(t, g.serve(t)+"/api/v1/alarms").object(t))
	says(t, list[0], map[string]string{"rule": "sensor-quality"})
	says(t, list[1], map[string]string{"rule": "cold-r-high", "state": "acked"})
}

func TestNoAlarmsAreAnEmptyList(t *testing.T) {
	if r := get(t, newGateway(t).serve(t)+"/api/v1/alarms"); r.body != `{"items":[],"next":""}`+"\n" || r.status != http.StatusOK {
		t.Errorf("answers %s", r.body)
	}
}
