// Package api is a gateway's own HTTP server, for a technician who stands before it, for monitoring, and for scripts: what
// the gateway's devices do, which tags are where, which alarms stand, and what the hub still lacks. It changes nothing.
//
// The table of routes is in routes.go, each with who may use it. A caller on the gateway's own machine, who names it
// 127.0.0.1 or localhost, needs no credentials; anybody else needs the token, as Bearer, or as the password of any user
// for browsers. A server without a token listens on loopback addresses only.
//
// JSON has snake_case names, times in RFC 3339 UTC, lists as {"items": […], "next": ""}; errors are
// application/problem+json with a stable code.
package api
