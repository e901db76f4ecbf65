package api_test

import (
	"bufio"
	"net/http"
	"strings"
	"testing"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/edge/recording"
)

func TestRecordingOfALengthEndsByItselfAsAFile(t *testing.T) {
	g := newGateway(t)
	g.rooms.Recording = recording.NewTap(nothing{}, g.conf.Now)
	r := get(t, g.serve(t)+"/api/v1/recording?for=300ms")
	if got := r.header.Get("Content-Disposition"); got != "attachment; filename=SZ1-E1-20261122T120000Z.ndjson" {
		t.Errorf("disposition is %q", got)
	}
	e, err := recording.Parse([]byte(strings.TrimSpace(r.body)))
	if err != nil || e.Health == nil || e.Health.Device != "uhf-a1" || r.header.Get("Content-Type") != "application/x-ndjson" {
		t.Errorf("answers %v %q, %v", r.header, r.body, err)
	}
}

func TestRecordingTellsWhatPasses(t *testing.T) {
	g := newGateway(t)
	tap := recording.NewTap(nothing{}, g.conf.Now)
	g.rooms.Recording = tap
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, g.serve(t)+"/api/v1/recording", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	if !lines.Scan() || !strings.Contains(lines.Text(), `"health":"down"`) || res.Header.Get("Content-Disposition") != "" {
		t.Fatalf("it begins with %q", lines.Text())
	}
	tag, err := devices.NewTag(devices.TagEPC, []byte{0x30, 7})
	if err != nil {
		t.Fatal(err)
	}
	tap.Read(devices.Read{Device: "uhf-a1", Antenna: 1, Tag: tag, HostTime: noon, Count: 1})
	if !lines.Scan() || !strings.Contains(lines.Text(), `"epc":"3007"`) {
		t.Errorf("it goes on with %q", lines.Text())
	}
}

func TestHeadOfARecordingRecordsNothing(t *testing.T) {
	g := newGateway(t)
	g.rooms.Recording = recording.NewTap(nothing{}, g.conf.Now)
	if r := ask(t, http.MethodHead, g.serve(t)+"/api/v1/recording?for=10m", nil); r.status != http.StatusOK || r.body != "" {
		t.Errorf("answers %d %q", r.status, r.body)
	}
}
