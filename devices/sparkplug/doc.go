// Package sparkplug speaks Sparkplug B 3.0: the payload's codec, the topics, and the host's side of the sessions as a state
// machine that takes time as a value.
//
// The road of a metric: edge node -> NBIRTH, DBIRTH (names, aliases, types, values) -> NDATA, DDATA (alias or name, value) ->
// Host.Hear, which keeps a session per edge node -> Event.
//
// What a session guarantees: a value comes out only under a name of which the host is sure. An alias is believed only within
// the session whose birth gave it; messages out of their order are held for a while, and when one stays missing the host asks
// the edge node for its births anew.
//
//	          data                   NBIRTH
//	unborn ---------> asks for births -------> born <----.
//	   ^                                       | | seq   | the missing one, or NBIRTH
//	   |        NDEATH with the birth's bdSeq  | v gap   |
//	   '---------------------------------------'  holds -+-> reorder time is over: asks for births
//
// Sources: Sparkplug Specification 3.0.0 (Eclipse, 2022-11-16), sparkplug_b.proto of Eclipse Tahu.
package sparkplug
