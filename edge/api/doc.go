// Package api is a gateway's own HTTP server, for a technician who stands before it, for monitoring, and for scripts: what
// the gateway's devices do and how much they read, which tags are where, what each pass of a door looked like, which alarms
// stand, and what the hub still lacks. It changes nothing but alarms: people acknowledge, shelve and reset them here, with
// the hub or without.
//
// The table of routes is in routes.go, each with who may use it:
//
//	GET  /healthz                          everybody  200 or 503; {"status"}, and reasons for those who may see them
//	GET  /metrics                          guarded    for Prometheus
//	GET  /api/v1/gateway                   guarded    software, uptime, memory, clock, configuration, health
//	GET  /api/v1/devices                   guarded    devices and their antennas: state, reason, reads, rates, lost
//	GET  /api/v1/samples                   guarded    ?after=&limit=; newest value of each channel, trend of the last hour
//	GET  /api/v1/alarms                    guarded    those that are not normal, the most urgent first
//	POST /api/v1/alarms/{id}/acknowledge   commanding {"name", "comment"}
//	POST /api/v1/alarms/{id}/shelve        commanding {"name", "comment", "for": "8h" or "until": "2026-01-02T15:04:05Z"}
//	POST /api/v1/alarms/{id}/unshelve      commanding {"name", "comment"}
//	POST /api/v1/alarms/{id}/reset         commanding {"name", "comment"}
//	GET  /api/v1/state                     guarded    counts by location; ?location=&after=&limit= the tags of one
//	GET  /api/v1/tags                      guarded    ?q=&after=&limit=; tags by EPC digits, GTIN, URI, Digital Link or element string
//	GET  /api/v1/passes                    guarded    the last passes of all doors, the latest first
//	GET  /api/v1/passes/{id}               guarded    one, with each read of each tag, and why the tag passed or did not
//	GET  /api/v1/counts                    guarded    cycle counts that ended
//	POST /api/v1/doors/{door}/expected     commanding puts a list of what should pass at a door
//	POST /api/v1/locations/{location}/count commanding begins a cycle count
//	GET  /api/v1/uplink                    guarded    connection to the hub, outbox, disk
//	GET  /api/v1/recording                 guarded    what the devices say, package recording; ?for=1m as a file, at most 10 min
//	GET  / /devices /samples /alarms /tags /passes /passes/{id} /gateway    guarded    the pages
//	GET  /live /assets/…                   guarded    the pages' frame and files
//
// A command answers with the alarm's new state. Its errors are not_found (the alarm does not stand), conflict (its state does
// not allow that), bad_command, and unavailable (the gateway is too busy, or cannot keep it).
//
// Guarded: a caller on the gateway's own machine, who names it 127.0.0.1 or localhost, needs no credentials; anybody else
// needs the token, as Bearer, or as the password of any user for browsers. A server without a token listens on loopback
// addresses only. Commanding: as guarded, but where there is a token it is needed from everywhere; the header
// Tallydock-Command must be there, and a browser must send the command from this server's own page.
//
// JSON has snake_case names, times in RFC 3339 UTC, lists as {"items": […], "next": ""}, where next is what to give as
// after; limit is 1 to 5000, by itself 500. Parameters that a route does not know are refused. Errors are
// application/problem+json with a stable code. HEAD works wherever GET does.
//
// The pages (page.go, and templates, style and script in the folder page) are written by the server, in English or
// Simplified Chinese. The script asks for the page again every second and changes what differs; when nothing answers it says
// so, and since when, and holds commands back. Without it the pages can still be read.
package api
