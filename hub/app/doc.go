// Package app is the hub as a whole: it opens what the hub keeps, starts its parts one after the other, and stops them
// in the opposite order.
//
// Start: the data folder is locked, then database, broker, its place among the hubs on the database, ingest, planner, and
// last the API, so that nobody meets a hub that is not ready. Stop: the other way round, each part with a bound; a part that
// does not end in time is named in the error. A part that fails stops the whole hub, because half a hub is harder to notice
// than none.
//
// Several hubs may work on one PostgreSQL database and one broker outside of them: package replica shares out the edges, and
// what is to be done once (planner, retention, reservations, the samples on their way to InfluxDB) runs on one of them. People
// may use any of them.
package app
