// Package mqttnode hears the devices that speak MQTT: UHF readers with an MQTT interface (Impinj R700, Zebra IoT
// Connector, Zebra RFD40 and RFD90), card readers of Tasmota nodes, and sensor nodes (Tasmota, Zigbee2MQTT).
//
// A Broker is the gateway's one connection to the site's broker, shared by all of these drivers. The road of a message:
// broker -> Broker -> the Subscription's bounded queue -> the driver's goroutine -> decoder -> Sink -> acknowledgement.
//
// A message is acknowledged to the broker only after the Sink took what was in it, and the session is persistent, so
// what arrives while the gateway is down waits in the broker, and what was not taken comes again. A message may thus
// come twice, never not at all; QoS 0 publishers give no such promise. When the Sink is slow the queue fills, then the
// connection stands still, then the broker's queue and the device take the pressure.
//
// A message may hold many events. One that cannot be read is counted as lost, and tells why in the device's Health; the
// others of its message stay, in their order. Readers' messages are read by a scanner that builds nothing, because they come
// by the thousand per second; sensors' by encoding/json.
//
// Decoders are pure functions: DecodeR700, DecodeZebra, DecodeTasmotaTag, DecodeTasmota, DecodeZigbee. Encoders of the same
// messages serve simulators.
package mqttnode
