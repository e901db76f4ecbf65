// Package identity is who the gateway is to its hub: a key that was made here and never leaves, and the certificate that the
// hub's CA has given for it.
//
//	none --Enrol, by a token--> enrolled --Run, at 2/3 of its life--> enrolled, with the next certificate
//	                               | the hub was away for too long: expired; Run goes on asking, and the hub
//	                               | renews for some weeks more what has the same key
//	                               | the hub refuses: revoked, or too late. A new token is needed.
//
// What is kept is one file, identity.json (0600): key, certificate, what the hub is known by, where the brokers are. It is
// written beside the old one and put in its place when it is durable and was found to be right, so that a power cut leaves
// one or the other. A key for which an enrolment was begun waits in pending.key, so that who asks again after a lost answer
// asks with the same key, for which the hub gives the same certificate. A key of its own in Config.KeyFile is not copied.
//
// The hub is known by the root whose hash is in the token, at the first contact already, and later by the roots that it
// gives with each certificate.
//
// # The hub's side of it
//
// Below the hub's https address; JSON with PEM in it, instants in RFC 3339:
//
//	POST /enrol  {"secret": base64url, "edge": id, "csr": PEM}
//	POST /renew  {"certificate": PEM, "csr": PEM, "nonce": text, "signature": base64}
//	  both 200   {"certificate": PEM (the edge's, then its CA's), "trust": PEM (roots), "brokers": ["ssl://host:port", …]}
//	GET  /nonce  200 {"nonce": text, "expires": instant}
//	GET  /trust  200 {"trust": PEM}
//	  errors     {"error": kind, "message": what is wrong and what to do}
//
// The signature is ECDSA (ASN.1) over the SHA-256 of "tallydock renew 1\n", the nonce, "\n", and the SHA-256 of the CSR in
// DER. A token is "td1." and the base64url without padding of
//
//	n(1) URL(n)  m(1) edge(m)  SHA-256 of the root in DER(32)  secret(20)  CRC-32 (IEEE, big endian) of all before(4)
package identity
