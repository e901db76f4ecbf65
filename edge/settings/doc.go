// Package settings keeps what a hub tells a gateway to work by, and decides whether it is taken, kept or given up.
//
//	          offered: well signed, newer, right
//	  own or ------------------------------------> trial --ran well for the period--> confirmed
//	confirmed <------------------------------------- | (the one before is forgotten)
//	          ran badly, or the program ended in it: reverted
//
//	own        No configuration of a hub counts; the gateway works by its own file alone.
//	trial      The newest one runs, and the one before waits in case it runs badly.
//	confirmed  It has run well, and nothing but a newer one takes its place.
//
// A configuration that is not taken is refused whole, and changes nothing but what is told of it. A version that was once
// taken, however it ended, is never taken again, nor is a lower one: who kept an old message cannot bring old doors back.
// The count belongs to the hub's key; with another key it begins anew.
//
// What is kept is one file, written beside the old one and put in its place when it is durable, so that a power cut leaves
// one or the other. It holds how often the trial was begun: a gateway that finds one begun when it starts was killed by it,
// or in it, and goes back.
package settings
