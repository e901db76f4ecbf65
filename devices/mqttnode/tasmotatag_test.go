package mqttnode_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/mqttnode"
)

func TestEveryCollectedTasmotaCardIsRead(t *testing.T) {
	lines := bufio.NewScanner(bytes.NewReader(fixture(t, "sensors/tasmota/payloads.jsonl")))
	lines.Buffer(nil, 1<<20)
	var got []string
	payloads := 0
	for lines.Scan() {
		payloads++
		wrapped, err := mqttnode.DecodeTasmotaTag(lines.Bytes())
		if err != nil {
			t.Errorf("%s: %v", lines.Bytes(), err)
		}
		var said struct{ Payload string }
		if err := json.Unmarshal(lines.Bytes(), &said); err != nil {
			t.Fatal(err)
		}
		cards, err := mqttnode.TasmotaTags([]byte(said.Payload))
		if err != nil {
			t.Errorf("%s: %v", said.Payload, err)
		}
		reads := 0
		for _, r := range wrapped {
			if r.Read != nil {
				reads++
				got = append(got, line(r))
			}
		}
		if mentions := strings.Contains(said.Payload, "PN532") || strings.Contains(said.Payload, "RC522"); mentions != (len(cards) > 0) || reads != len(cards) {
			t.Errorf("%s has %d cards, of which the decoder gives %d", said.Payload, len(cards), reads)
		}
	}
	if payloads == 0 || len(got) == 0 || !strings.Contains(strings.Join(got, "\n"), `uid:94d8fc5f antenna 0 "ILOVETASMOTA"`) {
		t.Errorf("%d payloads give %v", payloads, got)
	}
}

func TestTasmotaCardsInEveryWriting(t *testing.T) {
	for in, want := range map[string]string{
		`{"Time":"2019-01-10T18:23:24","PN532":{"UID":"94D8FC5F", "DATA":""}}`:                                  `uid:94d8fc5f antenna 0`,
		`{"Time":"2023-02-24T20:05:48","PN532":{"UID":"53BB1F05110001","Data":"I love tasmota","Auth":"None"}}`: `uid:53bb1f05110001 antenna 0 "I love tasmota"`,
		`{"Time":"2021-01-01T00:00:00","RC522":{"UID":"BA839D07","Data":"","Type":"MIFARE 1KB"}}`:               `uid:ba839d07 antenna 0`,
		`{"Time":"2021-01-01T00:00:00Z","RC522":{"Type":null,"Data":null,"UID":"ba839d07"}}`:                    `uid:ba839d07 antenna 0 at 2021-01-01T00:00:00Z`,
		`{"Time":7,"RC522":{"UID":"BA839D07","Data":"a\u0000b\u0007  \n"}}`:                                     `uid:ba839d07 antenna 0 "ab"`,
		`{"RC522":{"UID":"BA839D07","Data":"\ud83d\ude00 née","x":[{}]},"AM2301":{"Temperature":24.6}}`:         `uid:ba839d07 antenna 0 "😀 née"`,
		`{"AM2301":{"Temperature":24.6},"Switch1":"ON"}`:                                                        `no_tag neither PN532 nor RC522 tells of a card`,
		`{"topic":"tele/x/SENSOR","payload":"{\"PN532\":{\"UID\":\"94D8FC5F\"}}"}`:                              `uid:94d8fc5f antenna 0`,
		`{"topic":"tele/x/LWT","payload":"Online"}`:                                                             `online`,
	} {
		decodes(t, mqttnode.DecodeTasmotaTag, in, "", want)
	}
	decodes(t, mqttnode.DecodeTasmotaTag, `[{"PN532":{"UID":"94D8FC5F"},"RC522":{"UID":"BA839D07"}},{"PN532":{"UID":"94D8FC60"}}]`, "",
		"uid:94d8fc5f antenna 0", "uid:ba839d07 antenna 0", "uid:94d8fc60 antenna 0")
	for in, want := range map[string]string{
		`{"PN532":{}}`: "UID is missing", `{"PN532":{"UID":null}}`: "UID is missing", `{"PN532":{"UID":7}}`: `"UID" is no text`, `{"PN532":7}`: "no object",
		`{"PN532":null}`: "UID is missing", `{"PN532":{"UID":"zzzzzzzz"}}`: "hexadecimal", `{"RC522":{"UID":""}}`: "4 to 10 bytes",
		`{"RC522":{"UID":"94D8FC"}}`: "4 to 10 bytes", `{"RC522":{"UID":"94D8FC5F1"}}`: "hexadecimal", `{"RC522":{"UID":"94D8FC5F94D8FC5F94D8FC"}}`: "4 to 10 bytes",
		`7`: "no JSON object", `{"PN532":{"UID":"94D8FC5F"}`: "ends too early", `{"RC522":{"UID":"94D8FC5F","Data":{}}}`: "no text",
	} {
		decodes(t, mqttnode.DecodeTasmotaTag, in, want)
	}
	if cards, err := mqttnode.TasmotaTags([]byte(`{"RC522":{"UID":"BA839D07","Type":"MIFARE 1KB"}} x`)); err == nil {
		t.Errorf("what follows the object was passed over: %+v", cards)
	}
	cards, err := mqttnode.TasmotaTags([]byte(`{"Time":"2021-01-01T00:00:00","RC522":{"UID":"BA839D07","Type":"MIFARE 1KB"},"PN532":{}}`))
	if err == nil || len(cards) != 1 || cards[0].Sensor != "RC522" || cards[0].Type != "MIFARE 1KB" || cards[0].Time != "2021-01-01T00:00:00" {
		t.Errorf("cards are %+v, %v", cards, err)
	}
}

func TestACardReadersDriver(t *testing.T) {
	m := startMosquitto(t)
	const topic, lwt = "site/SZ1/desk-1/tele/SENSOR", "site/SZ1/desk-1/tele/LWT"
	m.say(t, lwt, true, []byte("Online"))
	m.say(t, topic, true, []byte(`{"PN532":{"UID":"00000000"}}`)) // retained: of unknown age
	sink := watch(t, m, func(d mqttnode.Device) (*mqttnode.Listener, error) {
		return mqttnode.NewTasmotaTag(mqttnode.Tasmota{Device: d, Zone: time.FixedZone("CST", 8*3600)})
	}, mqttnode.Device{ID: "desk-1", Topic: topic, Status: lwt})
	sink.WaitState(t, devices.Up)
	m.say(t, topic, false, []byte(`{"Time":"2026-01-05T16:00:00","PN532":{"UID":"94D8FC5F","DATA":"ILOVETASMOTA"},"DS18B20":{"Temperature":4.2}}`),
		[]byte(`{"Time":"1970-01-01T00:00:09","RC522":{"UID":"BA839D07"}}`))
	sink.Wait(t, "two reads", func() bool { return len(sink.Reads()) == 2 })
	one, two := sink.Reads()[0], sink.Reads()[1]
	if one.Tag.String() != "uid:94d8fc5f" || one.Text != "ILOVETASMOTA" || !one.ReaderTime.Equal(someDay) || one.Device != "desk-1" || one.Count != 1 || one.HostTime.IsZero() {
		t.Errorf("the first read is %+v", one)
	}
	if !two.ReaderTime.IsZero() || len(sink.Samples()) > 0 {
		t.Errorf("the second read is %+v; samples are %+v", two, sink.Samples())
	}
	m.say(t, topic, false, []byte(`{"PN532":{"UID":"short"}}`))
	sink.WaitState(t, devices.Degraded)
	m.say(t, lwt, true, []byte("Offline"))
	sink.WaitState(t, devices.Down)
}

func FuzzDecodeTasmotaTag(f *testing.F) {
	f.Add([]byte(`{"Time":"2019-01-10T18:23:24","PN532":{"UID":"94D8FC5F", "DATA":"x"},"RC522":{"UID":"53BB1F05110001","Type":"MIFARE 1KB"}}`))
	f.Add([]byte(`{"topic":"tele/x/SENSOR","payload":"{\"PN532\":{\"UID\":\"94D8FC5F\"}}"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		reports, _ := mqttnode.DecodeTasmotaTag(b)
		sane(t, b, reports)
		for _, r := range reports {
			if r.Read != nil && (len(r.Read.Tag.Bytes()) < 4 || len(r.Read.Tag.Bytes()) > 10 || len(r.Read.Text) > len(b)*3) {
				t.Errorf("read is %+v", r.Read)
			}
		}
	})
}

func FuzzTasmotaCardIsReadBack(f *testing.F) {
	f.Add([]byte{0x94, 0xd8, 0xfc, 0x5f}, "ILOVETASMOTA", true)
	f.Fuzz(func(t *testing.T, id []byte, text string, pn532 bool) {
		tag, err := devices.NewTag(devices.TagUID, id)
		if err != nil || len(id) < 4 || len(id) > 10 {
			t.Skip("no card")
		}
		card := mqttnode.TasmotaTag{Sensor: "RC522", Tag: tag, Text: text, Type: "MIFARE 1KB"}
		if pn532 {
			card.Sensor = "PN532"
		}
		cards, err := mqttnode.TasmotaTags(must[[]byte](t)(mqttnode.EncodeTasmotaTag(someDay, card)))
		if err != nil || len(cards) != 1 || cards[0].Tag != tag || cards[0].Sensor != card.Sensor || cards[0].Type != card.Type {
			t.Fatalf("%+v, %v", cards, err)
		}
		if again, err := mqttnode.TasmotaTags(must[[]byte](t)(mqttnode.EncodeTasmotaTag(someDay, cards[0]))); err != nil || again[0] != cards[0] {
			t.Errorf("%+v became %+v, %v", cards[0], again, err)
		}
	})
}
