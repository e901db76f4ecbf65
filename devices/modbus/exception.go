package modbus

import "fmt"

// Exception is a unit's reason for not doing as asked. It is an error.
type Exception byte

// Exceptions of the specification.
const (
	IllegalFunction    Exception = 1
	IllegalAddress     Exception = 2
	IllegalValue       Exception = 3
	DeviceFailure      Exception = 4
	Acknowledge        Exception = 5 // it works on it; ask again later
	DeviceBusy         Exception = 6 // ask again later
	NegativeAck        Exception = 7 // of the first specifications
	MemoryParity       Exception = 8
	GatewayUnavailable Exception = 10
	GatewayNoAnswer    Exception = 11
)

// exceptions has the name in the specification, and what it means to a technician.
var exceptions = map[Exception]struct{ name, code, text string }{
	IllegalFunction:    {"IllegalFunction", "illegal_function", "it does not know the function"},
	IllegalAddress:     {"IllegalDataAddress", "illegal_data_address", "it has no such register"},
	IllegalValue:       {"IllegalDataValue", "illegal_data_value", "it does not accept the value or count"},
	DeviceFailure:      {"SlaveDeviceFailure", "slave_device_failure", "it failed"},
	Acknowledge:        {"Acknowledge", "acknowledge", "it needs more time"},
	DeviceBusy:         {"SlaveDeviceBusy", "slave_device_busy", "it is busy"},
	NegativeAck:        {"NegativeAcknowledge", "negative_acknowledge", "it cannot do it"},
	MemoryParity:       {"MemoryParityError", "memory_parity_error", "its memory is damaged"},
	GatewayUnavailable: {"GatewayPathUnavailable", "gateway_path_unavailable", "the gateway has no path to it"},
	GatewayNoAnswer: {
		"GatewayTargetDeviceFailedToRespond", "gateway_target_device_failed_to_respond", "it does not answer the gateway",
	},
}

// Name gives the exception's name as the specification has it, e.g. "SlaveDeviceBusy".
func (e Exception) Name() string {
	if x, ok := exceptions[e]; ok {
		return x.name
	}
	return fmt.Sprintf("exception %d", byte(e))
}

// code is Name as a Notice has it.
func (e Exception) code() string {
	if x, ok := exceptions[e]; ok {
		return x.code
	}
	return fmt.Sprintf("exception_%d", byte(e))
}

// Error implements error.
func (e Exception) Error() string {
	if x, ok := exceptions[e]; ok {
		return fmt.Sprintf("modbus exception %d %s: %s", byte(e), x.name, x.text)
	}
	return fmt.Sprintf("modbus exception %d", byte(e))
}

// busy: the same request may be answered a moment later.
func (e Exception) busy() bool { return e == DeviceBusy || e == Acknowledge }

// silent: not the unit but a gateway before it has answered.
func (e Exception) silent() bool { return e == GatewayUnavailable || e == GatewayNoAnswer }

// failed: the unit is there, but it has no value.
func (e Exception) failed() bool { return e == DeviceFailure || e == MemoryParity }
