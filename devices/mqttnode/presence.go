package mqttnode

import (
	"bytes"
	"encoding/json"
	"strings"
)

// parsePresence reads what devices say of their presence: "online" and "offline" in any case, bare (Tasmota's LWT, old
// Zigbee2MQTT), or as JSON text, or as {"state":"online"} (Zigbee2MQTT). Anything else is no sign of life.
func parsePresence(b []byte) presence {
	b = bytes.TrimSpace(b)
	var object struct {
		State string `json:"state"`
	}
	word := string(b)
	if json.Unmarshal(b, &object) == nil {
		word = object.State
	} else {
		_ = json.Unmarshal(b, &word) // bare text stays as it is
	}
	switch strings.ToLower(word) {
	case "online", "connected":
		return online
	case "offline", "disconnected":
		return offline
	}
	return mute
}

// EncodePresence writes what a device, or its will, publishes of its presence.
func EncodePresence(there bool) []byte {
	if there {
		return []byte("online")
	}
	return []byte("offline")
}
