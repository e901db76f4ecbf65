// Package mqttnode hears the devices that speak MQTT: UHF readers with an MQTT interface (Impinj R700, Zebra IoT
// Connector, Zebra RFD40 and RFD90), card readers of Tasmota nodes, and sensors: Tasmota, Zigbee2MQTT, Shelly, Ruuvi Gateway,
// Sparkplug B edge nodes, and whatever publishes JSON that a catalog.Mapping can read.
//
// A Broker is the gateway's one connection to the site's broker, shared by all of these drivers but a SparkplugHost, which has
// one of its own because its will is the host's STATE. The road of a message:
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
// A value that a sensor says it does not have is a Sample of quality NoData, never a number; a contact that is told of with
// every report is a GPI only when it changes.
//
// Decoders are pure functions: DecodeR700, DecodeZebra, DecodeTasmotaTag, DecodeTasmota, DecodeZigbee2MQTT, DecodeShelly,
// DecodeRuuvi, DecodeSparkplug, and DecodeJSON for a Mapping. Encoders of the same messages serve simulators.
package mqttnode
