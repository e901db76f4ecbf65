package mqttnode_test

import (
	"encoding/hex"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/clock"
	"github.com/tallydock/tallydock/devices/devicetest"
	"github.com/tallydock/tallydock/devices/mqttnode"
	"github.com/tallydock/tallydock/devices/sparkplug"
	"github.com/tallydock/tallydock/devices/unit"
)

// edgeNode is a pretend edge node "n" of group "G" with one device "d".
type edgeNode struct {
	t      *testing.T
	url    string
	mu     sync.Mutex
	client mqtt.Client
	bdSeq  uint64
	seq    uint64
	births int
	state  chan string
}

func newEdgeNode(t *testing.T, url string) *edgeNode {
	n := &edgeNode{t: t, url: url, bdSeq: 255, state: make(chan string, 100)}
	t.Cleanup(n.vanish)
	return n
}

func spTopic(verb sparkplug.Verb, device string) string {
	return sparkplug.Topic{Verb: verb, Group: "G", Node: "n", Device: device}.String()
}

func long(name string, v uint64) sparkplug.Metric {
	return sparkplug.Metric{Name: name, Datatype: sparkplug.UInt64, Value: sparkplug.Value{Kind: sparkplug.Long, Bits: v}}
}

func temperature(v float64) sparkplug.Metric {
	return sparkplug.Metric{Alias: 7, HasAlias: true, Value: sparkplug.Value{Kind: sparkplug.Double, Number: v}}
}

// connect begins a new session.
func (n *edgeNode) connect() {
	n.mu.Lock()
	n.bdSeq = (n.bdSeq + 1) % 256
	o := mqtt.NewClientOptions().AddBroker(n.url).SetClientID("edge-node").SetCleanSession(true).SetAutoReconnect(false).SetOrderMatters(false)
	o.SetBinaryWill(spTopic(sparkplug.NDeath, ""), sparkplug.Encode(sparkplug.Payload{Metrics: []sparkplug.Metric{long("bdSeq", n.bdSeq)}}), 1, false)
	o.SetDefaultPublishHandler(func(_ mqtt.Client, m mqtt.Message) {
		if strings.Contains(m.Topic(), "/STATE/") {
			n.state <- string(m.Payload())
			return
		}
		if p, err := sparkplug.Decode(m.Payload()); err == nil && sparkplug.IsRebirth(p) && m.Qos() == 0 && !m.Retained() {
			n.born()
		}
	})
	n.client = mqtt.NewClient(o)
	n.mu.Unlock()
	n.wait(n.client.Connect())
	n.wait(n.client.SubscribeMultiple(map[string]byte{spTopic(sparkplug.NCmd, ""): 1, "spBv1.0/STATE/#": 1}, nil))
	n.born()
}

func (n *edgeNode) wait(token mqtt.Token) {
	if !token.WaitTimeout(5*time.Second) || token.Error() != nil {
		n.t.Errorf("the pretend edge node: %v", token.Error())
	}
}

// born publishes the births.
func (n *edgeNode) born() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.seq = 0
	n.births++
	n.publish(sparkplug.NBirth, "", long("bdSeq", n.bdSeq), sparkplug.Metric{Name: sparkplug.RebirthMetric, Value: sparkplug.Value{Kind: sparkplug.Boolean}})
	m := temperature(0)
	m.Name, m.Datatype, m.Null, m.Value = "Sensors/Temp1", sparkplug.TypeDouble, true, sparkplug.Value{}
	m.Properties = []sparkplug.Property{{Key: "engUnit", Type: sparkplug.TypeString, Value: sparkplug.Value{Kind: sparkplug.Text, Bytes: []byte("degF")}}}
	door := sparkplug.Metric{Name: "Door/Open", Alias: 8, HasAlias: true, Datatype: sparkplug.TypeBoolean, Value: sparkplug.Value{Kind: sparkplug.Boolean}}
	n.publish(sparkplug.DBirth, "d", m, door)
}

func (n *edgeNode) publish(verb sparkplug.Verb, device string, metrics ...sparkplug.Metric) {
	p := sparkplug.Payload{Timestamp: sparkplug.Millis(someDay), HasTimestamp: true, Metrics: metrics, Seq: n.seq, HasSeq: true}
	n.seq = (n.seq + 1) % 256
	n.wait(n.client.Publish(spTopic(verb, device), 0, false, sparkplug.Encode(p)))
}

// data publishes values; skip is how many messages are lost on their way.
func (n *edgeNode) data(skip uint64, metrics ...sparkplug.Metric) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.seq = (n.seq + skip) % 256
	n.publish(sparkplug.DData, "d", metrics...)
}

// vanish breaks the connection without a word, so that the broker publishes the will.
func (n *edgeNode) vanish() {
	n.mu.Lock()
	client := n.client
	n.client = nil
	n.mu.Unlock()
	if client != nil {
		client.Disconnect(0)
	}
}

func sparkplugMetrics(t *testing.T) []mqttnode.SparkplugMetric {
	t.Helper()
	list := must[[]mqttnode.SparkplugMetric](t)(mqttnode.ParseSparkplugMetrics(unit.Temperature, "Sensors/Temp1:Cel"))
	door := mqttnode.SparkplugMetric{Input: 1}
	door.Field.Field = "d/Door/Open"
	return append(list, door)
}

func sparkplugDevice(t *testing.T, m *mosquitto) (*mqttnode.SparkplugHost, *edgeNode) {
	t.Helper()
	gateway, _ := m.gateway(t)                                          // the driver has a connection of its own
	fast := must[clock.Clock](t)(clock.Scaled(someDay, time.Now(), 20)) // births may be asked for every ten seconds only
	d := must[*mqttnode.SparkplugHost](t)(mqttnode.NewSparkplug(mqttnode.Sparkplug{
		Device: mqttnode.Device{ID: "line-1", Topic: "spBv1.0/G/+/n/#", Broker: gateway, Clock: fast}, Metrics: sparkplugMetrics(t),
		Reorder: time.Second,
	}))
	return d, newEdgeNode(t, m.url)
}

func TestSparkplugDriver(t *testing.T) {
	devicetest.Run(t, func(t *testing.T) devicetest.Bench {
		m := startMosquitto(t)
		driver, node := sparkplugDevice(t, m)
		said := 0
		return devicetest.Bench{
			Driver: driver,
			Answer: func() { node.vanish(); node.connect() },
			Report: func(k int) (keys []string) {
				for range k {
					said++
					v := unit.Milli(1000 + 100*said)
					node.data(0, temperature(v.Float()))
					keys = append(keys, v.String())
				}
				return keys
			},
			Babble: func(b []byte) { m.say(t, spTopic(sparkplug.DData, "d"), false, b) },
			Unplug: m.stop,
			Replug: func() { m.start(t) },
		}
	})
}

func TestASparkplugSessionThroughARealBroker(t *testing.T) {
	m := startMosquitto(t)
	driver, node := sparkplugDevice(t, m)
	node.connect() // before the host: its births are gone
	births := func() int {
		node.mu.Lock()
		defer node.mu.Unlock()
		return node.births
	}
	sink := &devicetest.Sink{}
	running := devicetest.Start(t, driver, sink)
	sink.WaitState(t, devices.Up)
	if births() < 2 {
		t.Error("the host did not ask for the births")
	}
	historical := temperature(4.3)
	historical.Historical, historical.Timestamp, historical.HasTimestamp = true, sparkplug.Millis(someDay.Add(-time.Minute)), true
	null := temperature(0)
	null.Null, null.Value = true, sparkplug.Value{}
	open := sparkplug.Metric{Alias: 8, HasAlias: true, Value: sparkplug.Value{Kind: sparkplug.Boolean, Bits: 1}}
	node.data(0, historical, temperature(4.5), null, open)
	node.data(3, temperature(4.6)) // three messages are lost
	sink.Wait(t, "the value behind the gap", func() bool { return has(sink, "4.6") })
	var got []string
	for _, s := range sink.Samples() {
		if s.Device != "line-1" || s.Quantity != unit.Temperature {
			t.Errorf("sample is %+v", s)
		}
		got = append(got, saySample(s))
	}
	const birth = "d/Sensors/Temp1 temperature no data at 2026-01-05T08:00:00Z"
	for _, want := range []string{
		"d/Sensors/Temp1 temperature 4.3 historical at 2026-01-05T07:59:00Z",
		"d/Sensors/Temp1 temperature 4.5 at 2026-01-05T08:00:00Z", birth, "d/Sensors/Temp1 temperature 4.6 at 2026-01-05T08:00:00Z",
	} {
		if !strings.Contains(strings.Join(got, "\n"), want) {
			t.Errorf("%s is not among\n%s", want, strings.Join(got, "\n"))
		}
	}
	sink.Wait(t, "the loss", func() bool {
		for _, h := range sink.Healths() {
			if h.Lost == 3 && strings.Contains(h.Reason, "3 messages of edge node n are missing") {
				return true
			}
		}
		return false
	})
	if g := sink.GPIs(); len(g) < 2 || g[0].High || !g[1].High || g[0].Port != 1 {
		t.Errorf("inputs are %+v", g)
	}
	node.vanish()
	if p := sparkplug.Encode(sparkplug.Payload{Metrics: []sparkplug.Metric{long("bdSeq", node.bdSeq)}}); true {
		m.say(t, spTopic(sparkplug.NDeath, ""), false, p)
	}
	sink.WaitState(t, devices.Down)
	node.connect()
	sink.Wait(t, "it is there again", func() bool { return sink.State() != devices.Down })
	m.say(t, spTopic(sparkplug.NDeath, ""), false, sparkplug.Encode(sparkplug.Payload{Metrics: []sparkplug.Metric{long("bdSeq", 255)}}))
	node.data(0, temperature(5))
	sink.Wait(t, "a value after a stale death", func() bool { return has(sink, "5") })
	if sink.State() == devices.Down {
		t.Error("a stale death was believed")
	}
	running.Stop(t)
	states := map[string]bool{}
	for len(node.state) > 0 || len(states) < 2 {
		select {
		case s := <-node.state:
			states[s[:len(`{"online":tru`)]] = true
		case <-time.After(10 * time.Second):
			t.Fatalf("STATE messages are %v", states)
		}
	}
	if !states[`{"online":tru`] || !states[`{"online":fal`] {
		t.Errorf("STATE messages are %v", states)
	}
}

func has(sink *devicetest.Sink, key string) bool {
	for _, k := range sink.Keys() {
		if k == key {
			return true
		}
	}
	return false
}

func TestTheHostSaysAgainThatItIsThere(t *testing.T) {
	m := startMosquitto(t)
	driver, node := sparkplugDevice(t, m)
	const state = "spBv1.0/STATE/SZ1-E1-line-1"
	node.connect()
	sink := &devicetest.Sink{}
	devicetest.Start(t, driver, sink)
	sink.WaitState(t, devices.Up)
	m.say(t, state, true, []byte(`{"online":false,"timestamp":1}`)) // the will of a connection before
	deadline := time.After(15 * time.Second)
	for denied := false; ; {
		select {
		case s := <-node.state:
			if denied && strings.HasPrefix(s, `{"online":true`) {
				return
			}
			denied = denied || s == `{"online":false,"timestamp":1}`
		case <-deadline:
			t.Fatal("the host does not say again that it is there")
		}
	}
}

func TestSparkplugHostsNeedNamesAndTopicsOfTheirOwn(t *testing.T) {
	b := must[*mqttnode.Broker](t)(mqttnode.New(mqttnode.Config{URL: "tcp://h:1", ClientID: "gw"}))
	make := func(id, topic, host string) (*mqttnode.SparkplugHost, error) {
		return mqttnode.NewSparkplug(mqttnode.Sparkplug{Device: mqttnode.Device{ID: id, Topic: topic, Broker: b}, Host: host})
	}
	first, err := make("a", "spBv1.0/G/#", "plant")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ id, topic, host, want string }{
		{"b", "spBv1.0/G/#", "plant", "is taken"},
		{"b", "spBv1.0/G/#", "gw", "is taken"},
		{"b", "spBv1.0/G/#", "a/b", "cannot be a host's name"},
		{"", "spBv1.0/G/#", "", "no id"},
		{"b", "G/#", "", "spBv1.0/GROUP/+/NODE/#"},
		{"b", "spBv1.0/G/NDATA/n", "", "spBv1.0/GROUP/+/NODE/#"},
		{"b", "spBv1.0/G/+/n/d", "", "spBv1.0/GROUP/+/NODE/#"},
		{"b", "spBv1.0/G/#", "", ""},
		{"b", "spBv1.0/G/NDATA/#", "", "spBv1.0/GROUP/+/NODE/#"},
		{"b", "spBv1.0/STATE/#", "", "spBv1.0/GROUP/+/NODE/#"},
	} {
		d, err := make(c.id, c.topic, c.host)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: error is %v", c, err)
		}
		if err == nil {
			d.Close()
		}
	}
	first.Close()
	if _, err := make("b", "spBv1.0/#", "plant"); err != nil {
		t.Errorf("a name that was given back: %v", err)
	}
	if _, err := mqttnode.NewSparkplug(mqttnode.Sparkplug{Device: mqttnode.Device{ID: "x", Topic: "spBv1.0/#"}}); err == nil {
		t.Error("a driver without a broker was made")
	}
}

func TestSparkplugMappingIsReadFromText(t *testing.T) {
	list, err := mqttnode.ParseSparkplugMetrics(unit.Temperature, "Sensors/Temp1:Cel, d/Sensors/Temp2 : degF,Plain")
	if got := fmt.Sprintln(len(list), err, list[0].Field.Field, list[0].Unit, list[1].Field.Field, list[1].Unit, list[2].Field.Field); got != "3 <nil> Sensors/Temp1 Cel d/Sensors/Temp2 degF Plain\n" {
		t.Errorf("mapping is %s", got)
	}
	for _, bad := range []string{"", "a,,b", "a:furlong", "a:", ":Cel"} {
		if list, err := mqttnode.ParseSparkplugMetrics(unit.Temperature, bad); err == nil {
			t.Errorf("%q is %+v", bad, list)
		}
	}
}

func TestDecodeSparkplug(t *testing.T) {
	historical := must[[]byte](t)(hex.DecodeString("08eaf2f5a8a02b12270a115a6f6e65312f54656d7065726174757265188acbe3a8a02b200a280169333333333333114018ff01"))
	const values = "Zone1/Temperature temperature 4.3 historical at 2017-02-03T17:50:02.122Z"
	births := sparkplug.Encode(sparkplug.Payload{Seq: 1, HasSeq: true, Metrics: []sparkplug.Metric{
		{Name: "Zone1/Temperature", Alias: 7, HasAlias: true, Datatype: sparkplug.Int16, Value: sparkplug.Value{Kind: sparkplug.Int, Bits: 5}, Properties: []sparkplug.Property{
			{Key: "engUnit", Value: sparkplug.Value{Kind: sparkplug.Text, Bytes: []byte("K")}},
		}},
		{Name: "Temperature Setpoint", Datatype: sparkplug.TypeDouble, Value: sparkplug.Value{Kind: sparkplug.Double, Number: 4}},
	}})
	line := func(topic string, payload []byte) string {
		return fmt.Sprintf(`{"topic":%q,"payload":"%x"}`+"\n", topic, payload)
	}
	nbirth := line("spBv1.0/G/NBIRTH/n", sparkplug.Encode(sparkplug.Payload{HasSeq: true, Metrics: []sparkplug.Metric{long("bdSeq", 0)}}))
	data := sparkplug.Payload{Seq: 2, HasSeq: true, Metrics: []sparkplug.Metric{{Alias: 7, HasAlias: true, Value: sparkplug.Value{Kind: sparkplug.Int, Bits: 277}}}}
	for in, want := range map[string]string{
		string(historical): values,
		nbirth + line("spBv1.0/G/DBIRTH/n/d", births) + line("spBv1.0/G/DDATA/n/d", sparkplug.Encode(data)): "birth G/n, metric n/bdSeq=0, n/d/Zone1/Temperature temperature -268.15 out_of_range, birth G/n/d, " +
			"metric n/d/Temperature Setpoint=4, n/d/Zone1/Temperature temperature 3.85",
		line("spBv1.0/G/DDATA/n/d", historical):                                "birth_missing G/n: a host would ask for its births",
		`{"topic":"spBv1.0/STATE/h","payload":{"online":true,"timestamp":1}}`:  "state host h is online: true",
		line("spBv1.0/G/NCMD/n", sparkplug.Encode(sparkplug.Rebirth(someDay))): "ncmd spBv1.0/G/NCMD/n, metric Node Control/Rebirth=true",
		`{"timestamp":1767600000000,"metrics":[{"name":"Zone1/Humidity","dataType":"Double","value":55.5},{"name":"Inputs/A","dataType":"Boolean","value":false},{"alias":3,"isNull":true}],"seq":2}`: "Zone1/Humidity humidity 55.5 at 2026-01-05T08:00:00Z, metric Inputs/A=false, metric alias 3=null, seq 2",
	} {
		reports, err := mqttnode.DecodeSparkplug([]byte(in))
		if got := say(reports); err != nil || want != "" && !strings.Contains(got, want) {
			t.Errorf("%q\nis   %s, %v\nwant %s", in, got, err, want)
		}
	}
	for in, want := range map[string]string{
		"\x08":                         "no Sparkplug B",
		`{"a":1}`:                      "timestamp, metrics and seq are missing",
		`{"topic":"x","payload":"00"}`: "none of Sparkplug B",
		`{"topic":"spBv1.0/G/NDATA/n","payload":"zzz"}`:            "neither hexadecimal nor base64",
		`{"metrics":[{"name":"a","dataType":"Int8","value":1.5}]}`: "metric 0: value 1.5 is none of Int8",
		`{"metrics":[{"name":"a","dataType":"Int9"}]}`:             `dataType "Int9" is not known`,
	} {
		if reports, err := mqttnode.DecodeSparkplug([]byte(in)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is %s, %v; want an error with %q", in, say(reports), err, want)
		}
	}
}

func TestEverySparkplugExampleIsDecoded(t *testing.T) {
	for name, want := range map[string]string{
		"01_DDATA.bin":  "metric Inputs/A=true, metric Inputs/C=true, seq 0",
		"02_NCMD.bin":   "metric Node Control/Rebirth=true",
		"04_NDEATH.bin": "metric bdSeq=0",
		"05_DDEATH.bin": "seq 123",
		"06_DDATA_historical_null.bin": "Zone1/Temperature temperature 4.3 historical at 2017-02-03T17:50:02.122Z, Zone1/Temperature temperature 4.5 historical at 2017-02-03T17:51:02.122Z, " +
			"Zone1/Temperature temperature no data at 2017-02-03T17:55:02.122Z, seq 255",
	} {
		if reports, err := mqttnode.DecodeSparkplug(fixture(t, "sensors/sparkplug/"+name)); err != nil || say(reports) != want {
			t.Errorf("%s\nis   %s, %v\nwant %s", name, say(reports), err, want)
		}
	}
	if reports, err := mqttnode.DecodeSparkplug(fixture(t, "sensors/sparkplug/spec_examples.json")); err != nil || !strings.Contains(say(reports), "death") {
		t.Errorf("%s, %v", say(reports), err)
	}
}

func FuzzDecodeSparkplug(f *testing.F) {
	f.Add([]byte(`{"topic":"spBv1.0/G/DDATA/n/d","payload":"08eaf2f5a8a02b187b"}`))
	f.Add([]byte(`{"timestamp":1,"metrics":[{"name":"T","dataType":"Int8","value":-1}],"seq":2}`))
	f.Add([]byte("\x08\xea\xf2\xf5\xa8\xa0+\x18{"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if reports, err := mqttnode.DecodeSparkplug(b); err == nil && len(reports) > 2*len(b)+2 {
			t.Errorf("%d reports of %d bytes", len(reports), len(b))
		}
	})
}
