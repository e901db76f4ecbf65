package mqttnode

import (
	"strings"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices"
)

var noon = time.Date(2026, 1, 5, 12, 0, 0, 0, time.UTC)

func (v *vitals) says(t *testing.T, now time.Time, lost uint64, want string) {
	t.Helper()
	got := "nothing"
	if h, ok := v.due("dev", lost, now); ok {
		got = strings.TrimSpace(h.State.String() + " " + h.Reason)
	}
	if !strings.HasPrefix(got, want) || want == "nothing" != (got == want) && want == "nothing" {
		t.Errorf("at %s health is %q, want %q", now.Sub(noon), got, want)
	}
}

func TestNothingIsSaidBeforeTheDeviceIsHeard(t *testing.T) {
	v := vitals{expect: time.Minute}
	v.says(t, noon, 0, "nothing")
	v.says(t, noon.Add(time.Hour), 0, "nothing")
	if d := v.next(noon); d != 0 {
		t.Errorf("next change in %s", d)
	}
	v.heard(noon)
	v.says(t, noon, 0, "up")
	v.says(t, noon, 0, "nothing")
}

func TestSilenceOfTwiceTheExpectedTimeDegrades(t *testing.T) {
	v := vitals{expect: time.Minute}
	v.heard(noon)
	v.says(t, noon, 0, "up")
	if d := v.next(noon); d < 2*time.Minute || d > 2*time.Minute+time.Second {
		t.Errorf("next change in %s", d)
	}
	v.says(t, noon.Add(2*time.Minute), 0, "nothing")
	v.says(t, noon.Add(v.next(noon)), 0, "degraded nothing was heard for 2m0s")
	if d := v.next(noon.Add(time.Hour)); d != 0 {
		t.Errorf("a silent device may change in %s by itself", d)
	}
	v.heard(noon.Add(time.Hour))
	v.says(t, noon.Add(time.Hour), 0, "up")
}

func TestLossShowsForAWhile(t *testing.T) {
	v := vitals{}
	v.heard(noon)
	v.says(t, noon, 0, "up")
	v.lost("12 events", noon)
	v.says(t, noon, 12, "degraded 12 events")
	v.says(t, noon, 0, "nothing")
	v.says(t, noon, 3, "degraded 12 events")
	v.says(t, noon.Add(v.next(noon)), 0, "up")
}

func TestAnUnconnectedAntennaAndAGoodbye(t *testing.T) {
	v := vitals{}
	v.heard(noon)
	v.antenna(3, false)
	v.antenna(1, false)
	v.says(t, noon, 0, "degraded not connected to the reader: antenna 1 3;")
	v.presence(false, noon)
	v.says(t, noon, 0, "down")
	v.presence(true, noon)
	v.antenna(1, true)
	v.says(t, noon, 0, "degraded not connected to the reader: antenna 3;")
	v.antenna(3, true)
	v.says(t, noon, 0, "up")
}

func TestPresence(t *testing.T) {
	for in, want := range map[string]presence{
		"Online": online, "offline": offline, `"online"`: online, `{"state":"offline"}`: offline, " online\r\n": online,
		"": mute, "{}": mute, "null": mute, "7": mute, "[1": mute, "busy": mute, string(EncodePresence(true)): online,
		string(EncodePresence(false)): offline,
	} {
		if got := parsePresence([]byte(in)); got != want {
			t.Errorf("%q is %d, want %d", in, got, want)
		}
	}
}

var _ devices.Driver = (*Listener)(nil)
