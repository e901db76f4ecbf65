// Package reconcile turns reads into movements: it decides where a tag is, that it went through a door, and that it is
// no longer seen.
//
// The road: a Read gets a time (stamp.go), its antenna a read point (package site); a shelf's read goes to the mobility
// rule (shelf.go), a table's moves at once, a door's goes into the door's window (door.go, window.go). A window is looked at
// while it lasts (due.go): its reads become a film of power by tag, time and side (film.go), tags that change sides are
// crossers (cross.go), crossers of one time and way are a load (load.go), as are tags that were as loud as what passes and left
// again, or that were heard but for a moment (visit.go); how each tag goes with the load (course.go, pool.go, traits.go), weighed by a fitted
// forest (forest.go), says who was in it, their course of sides (bearing.go) which way it went, and all that together (mark.go) whether it was
// a load at all. A load is told, and its tags move, once it is over and nothing
// about it is uncertain (verdict.go). Silence is judged on each Tick (absence.go), and when a count
// asks for it (count.go). What was decided goes out as Events; what must survive a restart is handed out by Flush and taken
// back by Load (state.go).
//
// Invariants:
//   - The machine is pure: time comes in with every Step, and the same inputs give the same events.
//   - It is blind to duplicates: a read that is not newer than the last of its tag at its read point changes nothing.
//   - A load is told once. Reads that are older than what is still needed are dropped (due.go, trim), so that a window at a
//     door that is never quiet stays bounded.
//   - A tag is at one place. A movement is told once; the same place again is none.
//   - Silence counts only while the reader is alive: a reader that is down, degraded or stalled, or a gateway that is
//     off, makes nothing absent.
//   - Load of what Flush gave, at any moment, changes no later event (with Params.Refresh 0; else a shelf tag's last
//     read may be older by up to Refresh).
package reconcile
