// Package watch judges samples and device health against rules and leads the alarms that come of it.
//
// The road: a Sample of good quality goes to every limit rule of its device and quantity (limit.go); a sentinel or a value
// out of range is no value, it only raises the sensor's quality alarm; silence is judged on each Tick (silence.go); people's
// commands come from the hub (command.go). Each alarm point is one rule on one source and lives by package devices/alarm
// (point.go). What was decided goes out as Events; Flush and Load carry the state over a restart (state.go).
//
// Invariants:
//   - The machine is pure: time comes in with every Step, ids are made of what they name.
//   - A limit's own value is in alarm. A value comes back only below (above) the limit by the deadband.
//   - A gap is missing evidence: a silence longer than a rule's MaxGap, or a device that was down, counts for neither
//     delay, and no alarm returns to normal because nothing is heard.
//   - A shelved alarm is still judged, and an alarm survives a restart as it was.
package watch
