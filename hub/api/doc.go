// Package api is the hub's HTTP interface: JSON resources under /api/v1, one stream of server-sent events, health,
// metrics, and the console behind everything else.
//
// The road of a request: headers and access log (server.go) -> the route's guard: rate limits, session or API token, CSRF,
// permission (guard.go, limit.go) -> the answer that it got before, where it comes again under the same Idempotency-Key
// (once.go) -> its handler, a file a resource, which reads and changes through rooms that end at the sites of who asks
// (narrow.go, reach.go, live.go) -> JSON, or a problem of the one table that maps errors to HTTP (problem.go). All routes
// stand in tables (routes.go, and one of each resource), from which they are registered, guarded and described (openapi.json).
//
// Invariants: a route without an access is refused at start; every change by a session needs its CSRF token, but for signing
// in; every change is in the log of changes, whatever came of it; a list is [] when empty, never null; texts for people are
// codes with parameters, never sentences to parse.
package api
