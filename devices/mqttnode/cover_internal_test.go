package mqttnode

import "testing"

func TestCoverIsTheLongestCommonBeginning(t *testing.T) {
	for want, filters := range map[string][]string{
		"site/SZ1/#":      {"site/SZ1/r700-b/events", "site/SZ1/node-r/tele/SENSOR", "site/SZ1/z/#"},
		"site/SZ1/r700/#": {"site/SZ1/r700/events", "site/SZ1/r700/status"},
		"a/#":             {"a/+/x", "a/b/x"},
		"":                {"tele/n1/SENSOR", "zigbee2mqtt/s1"},
	} {
		if got := cover(filters); got != want {
			t.Errorf("%q are covered by %q; want %q", filters, got, want)
		}
		for _, f := range filters {
			if want != "" && !Matches(want, f) {
				t.Errorf("%q does not cover %q", want, f)
			}
		}
	}
	for _, filters := range [][]string{nil, {"one/topic"}, {"+/a", "+/b"}, {"$SYS/a/b", "$SYS/a/c"}} {
		if got := cover(filters); got != "" {
			t.Errorf("%q are covered by %q; want none", filters, got)
		}
	}
}
