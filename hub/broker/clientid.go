package broker

import (
	"strings"

	"github.com/nats-io/nats-server/v2/server"
)

// mayUse reports whether a user may connect with a client id: one that is its own, or, where its name is Shared, one that
// is nobody's.
//
// A client id is a user's own that is its name, or has it before or after a '-': "SZ1-E1", "edge-SZ1-E1", "hub-1". The
// longest name that fits counts, so that edge-SZ1-E1 is not the edge E1's; where two fit equally, it is neither's.
func (u *users) mayUse(user User, id string) bool {
	fit, rival := 0, 0
	u.mu.Lock()
	defer u.mu.Unlock()
	for name := range u.byName {
		if n := fits(name, id); name == user.Name {
			fit = n
		} else {
			rival = max(rival, n)
		}
	}
	return fit > rival || user.Shared && rival == 0
}

// fits gives the length of a user's name that is in a client id; 0 where it is not. A '.' of the name is a '_' in the
// client id, where NATS takes no '.'.
func fits(name, id string) int {
	name = strings.ReplaceAll(name, ".", "_")
	if id == name || strings.HasPrefix(id, name+"-") || strings.HasSuffix(id, "-"+name) {
		return len(name)
	}
	return 0
}

// clientID of a connection that asks to come in; "" where it is gone already.
func (u *users) clientID(c server.ClientAuthentication) string {
	u.mu.Lock()
	srv := u.srv
	u.mu.Unlock()
	found, err := srv.Connz(&server.ConnzOptions{CID: c.GetID()})
	if err != nil || len(found.Conns) != 1 {
		return ""
	}
	return found.Conns[0].MQTTClient
}
