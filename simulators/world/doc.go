// Package world plays a scenario: goods that come, lie, are picked and leave; the radio by which readers see them; the
// weather of cold rooms; and the ground truth of all of it.
//
// World.Step runs everything that happens up to a moment and gives what the readers would see (Read, Card, Weather) and
// what really happened (Fact). It is a discrete-event simulation: each event has its own time, so that the result
// depends on the scenario, its seed, the Pace and the devices that were down, not on how often Step is called.
//
// People wait for the lamp: a load passes a door, or a card is put on a pad, only while the devices there are up, and
// does so again when one of them was down during it or shortly after.
package world
