package catalog_test

import (
	"strings"
	"testing"

	"github.com/tallydock/tallydock/devices/catalog"
)

const device = `name: x
title: X
modbus:
  line: {baud: 9600, data: 8, parity: N, stop: 1}
  unit: 1
  poll: 30s
  values:
    - {quantity: temperature, table: input, register: 1, type: INT16, scale: "0.1", min: "-40", max: "60"}
`

// Every error says where in the file it is.
func TestBadModbusModelsAreRefusedWithTheirPaths(t *testing.T) {
	if _, err := catalog.ParseModel([]byte(device)); err != nil {
		t.Fatal(err)
	}
	value := func(from, to string) string { return strings.Replace(device, from, to, 1) }
	more := func(lines string) string { return device + lines }
	for _, c := range []struct{ yaml, want string }{
		{value("INT16", "int24"), "modbus.values[0].type \"int24\""},
		{value("INT16", "string"), "modbus.values[0].type \"string\" is no type of a number"},
		{value("table: input", "table: discrete"), "modbus.values[0].table \"discrete\""},
		{value(`scale: "0.1"`, `scale: "-1"`), "modbus.values[0].scale"},
		{value(`scale: "0.1"`, `scale: "0.1234567891"`), "up to 9 decimals"},
		{value("type: INT16", "type: INT16, order: ABDC"), `modbus.values[0].order "ABDC"`},
		{value("type: INT16", "type: FLOAT32, order: HGFEDCBA"), `modbus.values[0].order "HGFEDCBA" is not for 2 registers`},
		{value("type: INT16", "type: INT16, bit: 3"), "modbus.values[0].bit 3"},
		{value("type: INT16", "type: BIT, bit: 16"), "modbus.values[0].bit 16"},
		{value(`register: 1, type: INT16`, `register: 65535, type: INT32`), "modbus.values[0].register 0xffff is too high"},
		{value("type: INT16", "type: INT16, codes: [{raw: 0x10000, reason: r}]"), "modbus.values[0].codes[0].raw 0x10000"},
		{value("type: INT16", "type: INT16, codes: [{raw: 1}]"), "modbus.values[0].codes[0] needs a reason"},
		{value("type: INT16", "type: INT16, status: {register: 200, good: 0}"), "modbus.values[0].status is too far"},
		{value(`max: "60"`, `max: "-41"`), "modbus.values[0]: min -40 is not below max -41"},
		{value("quantity: temperature, ", ""), "modbus.values[0].quantity is missing"},
		{value("stop: 1", "stop: 3"), "modbus.line"},
		{value("parity: N", "parity: M"), `modbus.line: parity "M"`},
		{value("unit: 1", "unit: 248"), "modbus.unit 248"},
		{value("poll: 30s", "poll: 30s\n  max_insert: 125"), "modbus.max_insert 125"},
		{value("poll: 30s", "poll: 30s\n  max_read: 126"), "modbus.max_read 126"},
		{value("poll: 30s", "poll: 30s\n  pause_after_connect: -1s"), "modbus.pause_after_connect"},
		{value("poll: 30s", "poll: 30s\n  pause_between_requests: -1s"), "modbus.pause_between_requests"},
		{value("poll: 30s", "poll: 30s\n  pause: 1s"), "field pause not found"},
		{more(`    - {quantity: temperature, table: input, register: 2, type: int16, scale: "1", min: "0", max: "1"}`), "modbus.values[1] is temperature of channel \"\""},
		{more(`  corrections: [{quantity: humidity, table: holding, register: 2, type: int16, scale: "1", min: "0", max: "1"}]`), "modbus.corrections[0].name is missing"},
		{more("  identity: [{name: serial, table: coil, register: 1, type: string}]"), "modbus.identity[0].table \"coil\""},
		{more("  identity: [{name: serial, table: input, register: 1, type: string}]"), "modbus.identity[0].length 0"},
		{more("  identity: [{name: serial, table: input, register: 1, type: uint32, length: 2}]"), "modbus.identity[0].length is for"},
		{more("  identity: [{name: serial, table: input, register: 1, type: float32}]"), "modbus.identity[0].type \"float32\""},
		{more("  inputs: [{port: 0, table: coil, register: 1}]"), "modbus.inputs[0]: ports 0 to 0"},
		{more("  inputs: [{port: 250, table: coil, register: 1, count: 8}]"), "modbus.inputs[0]: ports 250 to 257"},
		{more("  inputs: [{port: 1, table: holding, register: 1, bit: 9, count: 8}]"), "modbus.inputs[0].bit: bits 9 to 16"},
		{more("  inputs: [{port: 1, table: coil, register: 0xFFFF, count: 2}]"), "modbus.inputs[0].register 0xffff"},
		{more("  inputs: [{port: 1, table: coil, register: 1}, {port: 1, table: coil, register: 2}]"), "modbus.inputs[1]: port 1 is there twice"},
		{more("  outputs: [{port: 1, table: discrete, register: 1}]"), "modbus.outputs[0].table \"discrete\""},
	} {
		_, err := catalog.ParseModel([]byte(c.yaml))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error is %v, want one with %q", err, c.want)
		}
	}
	nothing := device[:strings.Index(device, "  values:")]
	if _, err := catalog.ParseModel([]byte(nothing)); err == nil || !strings.Contains(err.Error(), "nothing would tell that the device is there") {
		t.Errorf("a device without values and inputs: %v", err)
	}
}

func TestAllErrorsOfAModelComeAtOnce(t *testing.T) {
	bad := strings.NewReplacer("unit: 1", "unit: 0", "INT16", "int24", "stop: 1", "stop: 0", `scale: "0.1"`, `scale: "0"`).Replace(device)
	_, err := catalog.ParseModel([]byte(bad))
	for _, want := range []string{"modbus.line", "modbus.unit", "values[0].type", "values[0].scale"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want one with %q", err, want)
		}
	}
}
