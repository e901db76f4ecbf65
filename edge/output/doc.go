// Package output switches the gateway's own lamps, sirens and relays.
//
// Who wants an output on says so by Want: the alarms, and the light of each door (lights.go). It is on while anybody wants
// it. A goroutine for each output brings it to what is wanted last, tries again until it is done, and does it anew when its
// device comes back, when its connection is a new one, and once in a while, because a relay that lost its power is off and
// nobody says so. At the start nothing is known of an output, so it is set at once.
//
// An output that cannot be set for longer than Patience is failing; the gateway makes an alarm of that.
package output
