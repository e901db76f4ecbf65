// Package enrol gives edges their identity: a certificate of the hub's own CA for a key that is made on the edge and never
// leaves it.
//
// The road of an edge:
//
//	operator: CreateToken ──text──> person ──pastes──> edge
//	edge: key, CSR ── POST /enrol ──> token used up, certificate kept, in one commit ──> certificate, trust, brokers
//	  at 2/3 of its life: GET /nonce, POST /renew, signed by the key of the certificate ──> next certificate, same key
//	operator: Revoke ──> nobody with that key comes in, and who is in is cut off
//
// A token is for one edge, once, and for a day. It is kept as a hash. Who asks again with the same token and the same key
// gets the same certificate again, because the answer may have been lost on its way; who comes with another key is refused.
// Enrolling an edge that has a certificate takes a token that says Replace, and ends the old key.
//
// A renewal is for the same key, so that it can be had by nobody but the holder of the one before; a new key takes a token.
// A certificate that has expired may still be renewed for the grace, 30 days: a gateway that was in a box for a month is
// the same gateway. It can do nothing else with it.
//
// An edge's certificate has its id as the common name, its site as the organisational unit, and two URIs:
// urn:tallydock:edge:ID, and urn:tallydock:key:HASH with the SHA-256 of its SubjectPublicKeyInfo in hexadecimal digits.
//
// Revocation is of a key: a certificate is revoked with all others of its key, and the key never comes back.
//
// # The edge's side of it
//
// Handler answers HTTPS with a certificate of the CA. Bodies and answers are JSON; keys, requests and certificates in them
// are PEM, instants RFC 3339. Paths are below the address that is in the token.
//
//	POST /enrol  {"secret": base64url, "edge": id, "csr": PEM}
//	POST /renew  {"certificate": PEM, "csr": PEM, "nonce": text, "signature": base64}
//	  both 200   {"certificate": PEM (the edge's, then its CA's), "trust": PEM (roots), "brokers": ["ssl://host:port", …]}
//	GET  /nonce  200 {"nonce": text, "expires": instant}
//	GET  /trust  200 {"trust": PEM}
//	  errors     {"error": kind, "message": what is wrong and what to do}
//
// The kinds and their status: invalid 400, not permitted 403, not found 404, conflict 409, too many 429, unavailable 503,
// failed 500. The signature of a renewal is ECDSA (ASN.1) over the SHA-256 of RenewalProof(nonce, CSR in DER). A nonce is
// for one use within five minutes. The Date header is the hub's clock.
//
// A token is "td1." and the base64url without padding of
//
//	n(1) URL(n)  m(1) edge(m)  SHA-256 of the root in DER(32)  secret(20)  CRC-32 (IEEE, big endian) of all before(4)
//
// The hub's chain contains the root, so that an edge can find it by its hash at the first contact, before it sends the
// secret.
package enrol
