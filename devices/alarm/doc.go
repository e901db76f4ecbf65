// Package alarm is the life of an alarm after ISA-18.2 (IEC 62682) as a state machine.
//
// An Alarm is one alarm point: one rule on one source. Its condition comes in as Raise and Return; what people and
// the plant do with it comes in as the other actions. Step gives the alarm as it is afterwards and the transitions
// that led there; it has no clock and keeps nothing, so the same inputs always give the same life.
//
//	               raise                       acknowledge
//	┌────────┐ ─────────────► ┌─────────┐ ─────────────────► ┌───────┐
//	│ Normal │                │ Unacked │                    │ Acked │
//	└────────┘ ◄───────┐      └─────────┘                    └───────┘
//	   ▲    ▲          │        │     ▲                          │
//	   │    │  acknow- │ return │     │ raise                    │
//	   │    │  ledge   │        ▼     │                          │
//	   │    │       ┌──┴───────────────┐                         │
//	   │    └───────│    RTNUnacked    │                         │
//	   │            └──────────────────┘                         │
//	   └───────────────────────── return ────────────────────────┘
//
// Where the rule is latching, the two ways into Normal lead into Latched instead:
//
//	┌───────┐  return                      ┌─────────┐   reset   ┌────────┐
//	│ Acked │ ───────────────────────────► │ Latched │ ────────► │ Normal │
//	└───────┘                              └─────────┘           └────────┘
//	┌────────────┐  acknowledge               ▲   │   raise   ┌─────────┐
//	│ RTNUnacked │ ───────────────────────────┘   └─────────► │ Unacked │
//	└────────────┘                                            └─────────┘
//
// And from the states above into the hidden ones and back:
//
//	each shown but Normal      ── shelve ──────────────► Shelved            ── unshelve, or time ran out ─┐
//	each but the two below     ── suppress ────────────► SuppressedByDesign ── unsuppress ────────────────┤
//	each but the one below     ── remove from service ─► OutOfService       ── return to service ─────────┤
//	                                                                                                      ▼
//	                                     condition present: Unacked; absent: Normal, or Latched where the rule is
//	                                     latching and the condition was present in this occurrence
//
// What the states say:
//
//   - Normal: the condition is absent and nobody owes an answer.
//   - Unacked: the condition is present and nobody has acknowledged it.
//   - Acked: the condition is present and somebody has taken note.
//   - RTNUnacked: the condition went away before anybody acknowledged it, and somebody still must.
//   - Shelved: a person hid it for a reason and a limited time.
//   - SuppressedByDesign: the plant's own logic hides it, e.g. a door alarm while the dock is open.
//   - OutOfService: a person took it out for maintenance, with a reason, until somebody returns it.
//   - Latched: the condition went away and somebody has taken note, but the rule wants a person to look and reset it.
//
// Invariants: in the three hidden states the condition is still judged, and each change of it is a transition from the
// state to itself, so that nothing goes unrecorded; who unhides an alarm whose condition is present gets it Unacked,
// whoever acknowledged it before. An occurrence is the time from leaving Normal until being Normal again, and has one
// id. Whether an alarm latches is its rule's data (Alarm.Latching); most do not.
package alarm
