package mqttnode

import (
	"fmt"
	"strings"
)

// ParseAddress takes the topic filter out of an address "mqtt:site/SZ1/r700-b/events" and checks it.
func ParseAddress(address string) (string, error) {
	filter, ok := strings.CutPrefix(address, "mqtt:")
	if !ok {
		return "", fmt.Errorf("address %q is no topic: write mqtt:TOPIC", address)
	}
	if err := validFilter(filter); err != nil {
		return "", fmt.Errorf("address %q: %w", address, err)
	}
	return filter, nil
}

func validFilter(filter string) error {
	if filter == "" || len(filter) > 1024 || strings.ContainsRune(filter, 0) {
		return fmt.Errorf("topic %q is empty, too long or has a zero byte", filter)
	}
	levels := strings.Split(filter, "/")
	for i, l := range levels {
		if l == "#" && i < len(levels)-1 || len(l) > 1 && strings.ContainsAny(l, "#+") {
			return fmt.Errorf("topic %q: + and # have to be a level of their own, # the last", filter)
		}
	}
	return nil
}

// Matches reports whether a filter of MQTT 3.1.1 covers a topic.
func Matches(filter, topic string) bool {
	if strings.HasPrefix(topic, "$") != strings.HasPrefix(filter, "$") {
		return false
	}
	for {
		f, fRest, fMore := strings.Cut(filter, "/")
		if f == "#" {
			return true
		}
		t, tRest, tMore := strings.Cut(topic, "/")
		if f != "+" && f != t {
			return false
		}
		if !fMore || !tMore {
			return fMore == tMore || fMore && fRest == "#"
		}
		filter, topic = fRest, tRest
	}
}

// Sibling replaces a topic's last level: Sibling("a/b/events", "status") is "a/b/status".
func Sibling(topic, last string) string {
	i := strings.LastIndexByte(topic, '/')
	return topic[:i+1] + last
}

// cover is the one filter under which all filters lie: the levels that they begin with alike, and "#". It is "" for less
// than two filters, and where they begin with nothing alike.
func cover(filters []string) string {
	if len(filters) < 2 {
		return ""
	}
	common := strings.Split(filters[0], "/")
	common = common[:len(common)-1]
	for _, f := range filters[1:] {
		levels := strings.Split(f, "/")
		n := 0
		for n < len(common) && n < len(levels)-1 && common[n] == levels[n] {
			n++
		}
		common = common[:n]
	}
	for i, l := range common {
		if l == "+" {
			common = common[:i]
			break
		}
	}
	if len(common) == 0 || strings.HasPrefix(common[0], "$") {
		return ""
	}
	return strings.Join(common, "/") + "/#"
}
