package api_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/edge/api"
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

func TestUplinkTellsWhatTheHubLacks(t *testing.T) {
	g := newGateway(t)
	g.link = api.Link{Since: noon, Err: errors.New("connection refused")}
	o := get(t, g.serve(t)+"/api/v1/uplink").object(t)
	says(t, o, map[string]string{
		"edge": "SZ1-E1", "connected": "false", "since": "2026-11-22T12:00:00Z", "error": "connection refused", "epoch": "3", "epoch_start": "100",
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
