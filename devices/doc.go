// Package devices holds the words of a device: what readers and sensors report (Read, Sample, Health), how a tag
// is named (Tag), and what a driver is (Driver, Sink).
//
// The road of a read: antenna -> reader protocol (uhf, pn532, mqttnode) -> Read -> Sink -> the gateway's
// reconciliation. The road of a value: register or payload (modbus, mqttnode) -> Sample -> Sink -> the gateway's watch.
//
// Invariants: every optional field is really optional, because readers leave them out; a value that a probe uses to
// say "I have no value" (a sentinel) is never handed on as a value; a driver never drops what it read because the
// gateway is slow: it waits, and the reader's own buffer or the cable takes the pressure.
package devices
