package broker

import (
	"fmt"
	"strings"

	"github.com/nats-io/nats-server/v2/server"
)

// permissions of a user in NATS's words. Where a list is empty, nothing is allowed.
func permissions(u User) (*server.Permissions, error) {
	publish, err := Subjects(u.Publish)
	if err != nil {
		return nil, err
	}
	subscribe, err := Subjects(u.Subscribe)
	if err != nil {
		return nil, err
	}
	return &server.Permissions{Publish: only(publish), Subscribe: only(subscribe)}, nil
}

func only(allow []string) *server.SubjectPermission {
	if len(allow) == 0 {
		return &server.SubjectPermission{Deny: []string{">"}}
	}
	return &server.SubjectPermission{Allow: allow}
}

// Subjects gives the NATS subjects that MQTT topic filters cover.
func Subjects(filters []string) ([]string, error) {
	var all []string
	for _, f := range filters {
		s, err := subject(f)
		if err != nil {
			return nil, err
		}
		all = append(all, s)
		if parent, ok := strings.CutSuffix(s, ".>"); ok {
			all = append(all, parent) // in MQTT a/# covers a as well
		}
	}
	return all, nil
}

// subject gives the NATS subject of an MQTT topic filter as NATS's own MQTT listener maps it: '/' becomes '.', '+' '*',
// a final '#' '>', and a '.' within a level "//", so that the edge id SZ1.E1 is one token and stays apart from SZ1/E1.
func subject(filter string) (string, error) {
	levels := strings.Split(filter, "/")
	for i, l := range levels {
		switch {
		case l == "":
			return "", fmt.Errorf("topic filter %q has an empty level", filter)
		case l == "#" && i == len(levels)-1:
			levels[i] = ">"
		case l == "+":
			levels[i] = "*"
		case strings.ContainsAny(l, "#+*> \t\r\n\x00\x7f"):
			return "", fmt.Errorf("topic filter %q has a character that it cannot have in the level %q", filter, l)
		default:
			levels[i] = strings.ReplaceAll(l, ".", "//")
		}
	}
	return strings.Join(levels, "."), nil
}
