// Package modbus speaks Modbus RTU, in both directions, and reads the Modbus models of devices/catalog.
//
// The road of a value: Driver.Run polls -> Client.Read asks and waits -> frame with a good CRC found among whatever else
// the line carries -> registers -> catalogue model -> Sample. Several devices on one RS-485 line share it through
// port.Shared: one request is on the line at a time, with 3.5 characters of silence before it.
//
// Frames after "MODBUS over Serial Line, Specification and Implementation Guide V1.02", functions after "MODBUS
// Application Protocol Specification V1.1b3". Read holding registers (03), read input registers (04) and write single
// register (06) are known.
package modbus
