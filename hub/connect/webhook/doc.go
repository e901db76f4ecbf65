// Package webhook tells other systems what happened: it sends the hub's events to the endpoints that people set up, by
// Standard Webhooks 1.0, each with a CloudEvents 1.0 body.
//
// The road: an event is written -> Fan makes a message for the endpoints that want it, in the same transaction -> Claim
// leases what is due to one worker among all replicas -> Client sends it -> Step says what the outcome means -> Settle
// writes that down, with the attempt.
//
//	           claim            2xx
//	Pending ─────────→ leased ─────────→ Delivered ─┐
//	  ↑ ↑                │ │                        │ a person asks
//	  │ └─ tries left ───┘ └─ 410, or none left ─→ Failed
//	  └─────────────────────────────────────────────┴┘
//
// What holds:
//   - A message is sent at least once, with the same webhook-id at every attempt, by which receivers know it again. It is
//     in the database before anybody tries, and stays there until a 2xx was written down or its tries are used up.
//   - A lease has a term. Whoever settles under an old one is refused, so that an outcome is never overwritten by one that
//     comes late; its message may have gone out twice.
//   - Order is not promised. The attribute sequence in the body tells which of two events came first.
//   - A worker has at most Config.PerEndpoint messages of one endpoint in hand, and one where the endpoint fails: one that
//     is slow takes no time from the others.
//   - No connection is made to an address that is not public, unless the configuration allows its network. That is looked
//     at where the connection is made, after every name was resolved, so no name, redirect or changed record gets around it.
//   - Secrets never appear in logs, errors or what is printed.
package webhook
