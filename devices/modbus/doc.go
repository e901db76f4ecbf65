// Package modbus speaks Modbus, over serial lines (RTU), over TCP, and over serial device servers (RTU in a TCP
// connection), in both directions, and reads and switches the Modbus models of devices/catalog.
//
// The road of a value: Driver.Run polls what Plan says -> Client.Ask asks and waits -> frame with a good checksum, or with the
// transaction's number, found among whatever else the line carries -> registers -> catalogue model -> Sample or GPI. The
// road back: Driver.SetOutput -> Client.Ask, in turn with the polls.
//
// Several devices on one RS-485 line share it through port.Shared: one request is on the line at a time, with 3.5
// characters of silence before it. An answer that comes too late is never taken for the answer to another request: on a
// line see talk, in TCP by the transaction's number.
//
// Frames after "MODBUS over Serial Line, Specification and Implementation Guide V1.02" and "MODBUS Messaging on TCP/IP
// Implementation Guide V1.0b", functions after "MODBUS Application Protocol Specification V1.1b3". Functions 1 to 6, 15
// and 16 are known.
package modbus
