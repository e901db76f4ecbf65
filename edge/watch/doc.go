// Package watch judges samples, silence and device health against rules, leads the alarms that come of it, and keeps the
// record of excursions.
//
// The road: a Sample goes to its series (series.go), which puts it in order of time and corrects it by its probe's
// calibration (calibration.go), and from there to every rule that looks at it (limit.go, trend.go). What must be exact
// in clock time, sums, mean kinetic temperatures and excursions, is kept by record.go, window.go, kinetic.go and
// excursion.go. Silence is judged on each Tick (silence.go). Inputs of the plant prolong delays and suppress alarms (input.go).
// People's commands come from the hub (command.go) and from the gateway's page (local.go). Each alarm point is one rule on
// one source and lives by package devices/alarm (point.go); who is told when, and which local outputs are on, says
// escalate.go; movements of tags say who was in a room (room.go). What was decided goes out as Events; Flush and Load carry
// the state over a restart (state.go, saved.go). Presets (preset.go) are plain rules by a name.
//
// # What a rule asks for
//
//	on delay          so long in a row at or beyond the limit; longer while a door is open, if the rule says so
//	cumulative        so long in sum, in a rolling window or since a person reset it
//	off delay         so long in a row back by the deadband
//	rise, fall        so much per minute, taken over a span
//	mkt               a mean kinetic temperature of a rolling window, or since the last reset
//	stuck             no movement for a time, while a peer moved
//	no data           nothing usable heard for a time
//
// An on delay counts from one violating value to the next, so it needs two; a sum counts each value until the next.
//
// # Time
//
//   - A live sample is of the gateway's clock (HostTime); its value is what is now.
//   - A live sample that is older than the newest by up to a minute came late. It completes the record and says nothing of now.
//   - Older than that, one sample is late too; a second one that goes on from it proves that the clock was put back. Values
//     are then judged on from there, delays run on, and Metrics counts it. Clock time that is in the record already is not
//     counted again: neither in sums nor in kinetic temperatures nor in excursions.
//   - A Historical sample is of its device's clock. It fills gaps of the record, so a sum may be reached by it, and then
//     raises with the next live value; it raises and returns nothing itself, and does not end a silence. One of the future
//     is ignored.
//   - A repeated sample changes nothing.
//
// # Gaps
//
// A value stands until the next, but at most for the rule's MaxGap. A longer time is a gap: missing evidence. It counts
// for neither delay. In the record the value before it stands for MaxGap, and the rest is missing: no part of sums and means,
// told as Missing, and filled by history when that comes. Alarms from sums and means return only when the missing time
// could not keep them up (Cumulative) or is less than a tenth of the window (MKT). So no alarm about a value ever returns because
// nothing is heard.
//
// # What is already getting better
//
// Quality staff want each excursion on record and in the list, but not the third telephone call about one that is ending.
// So a rule with Recovering changes nothing of the alarm: it is raised, shown and sent at once with its priority. Only
// the levels of its escalation wait while the value moves back fast enough, for AtMost in all; then, or as soon as it
// stops recovering, they go on where they were.
//
// # Hidden alarms
//
// A context suppresses where there is something to hide: an alarm that stands, or would be raised now. The alarm is then
// SuppressedByDesign, goes on being judged, and is shown when the context ends or has lasted for AtMost. An input
// whose device is down counts as off, for doors too: what is not known makes no rule milder.
//
// # Excursions
//
// An excursion belongs to a limit rule of a location. It begins with the first value outside, although its alarm comes only
// after the delay, and ends with the first of the values that return it; shorter times outside are only in Cumulative. It is
// told at both ends, with the tags that were there and for how long each: their stays and the excursion, overlapped.
//
// Invariants:
//   - The machine is pure: time comes in with every Step, ids are made of what they name.
//   - A limit's own value is in alarm. A value comes back only below (above) the limit by the deadband.
//   - A shelved, suppressed or removed alarm is still judged, and an alarm survives a restart as it was; so do delays, sums,
//     escalations, inputs, excursions, who is in a room, and the metrics. A silence longer than its rule allows, in which
//     the gateway was off, begins anew.
//   - Memory has a bound: per device channels, per room tags, stays and excursions, per window buckets, per record gaps. What
//     goes beyond is counted or told, never silently lost.
package watch
