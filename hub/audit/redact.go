package audit

import (
	"bytes"
	"encoding/json"
	"strings"
)

// hidden are parts of the names of values that no log may have.
var hidden = []string{"password", "secret", "token", "csrf", "cookie", "authorization", "credential", "recovery", "otp", "private"}

const mask = "(secret)"

// maxState bounds what an entry keeps of a state, in bytes.
const maxState = 16 << 10

// State gives a thing as an entry has it: JSON, with the values of secret names masked. What is longer than 16 KiB is told
// by its length alone.
func State(v any) json.RawMessage {
	if v == nil {
		return json.RawMessage("null")
	}
	b, err := json.Marshal(v)
	if err != nil {
		return json.RawMessage(`{"unreadable":true}`)
	}
	var tree any
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if d.Decode(&tree) != nil {
		return json.RawMessage(`{"unreadable":true}`)
	}
	b, err = json.Marshal(redact(tree))
	if err != nil {
		return json.RawMessage(`{"unreadable":true}`)
	}
	if len(b) > maxState {
		b, _ = json.Marshal(map[string]int{"bytes": len(b)})
	}
	return b
}

func redact(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name, value := range v {
			if isHidden(name) && !plain(value) {
				v[name] = mask
				continue
			}
			v[name] = redact(value)
		}
	case []any:
		for i := range v {
			v[i] = redact(v[i])
		}
	}
	return v
}

// plain values give nothing away: whether there is one at all.
func plain(v any) bool {
	switch v := v.(type) {
	case nil, bool:
		return true
	case string:
		return v == ""
	}
	return false
}

func isHidden(name string) bool {
	name = strings.ToLower(name)
	for _, h := range hidden {
		if strings.Contains(name, h) {
			return true
		}
	}
	return false
}
