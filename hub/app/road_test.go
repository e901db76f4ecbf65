package app_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/hub/app"
	"github.com/tallydock/tallydock/hub/config"
)

// browser is a signed-in user.
type browser struct {
	t       *testing.T
	hub     *app.App
	csrf    string
	cookies []*http.Cookie
}

func (b browser) do(method, path, contentType, body string) (int, string) {
	b.t.Helper()
	r, err := http.NewRequest(method, b.hub.URL()+"/api/v1"+path, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Content-Type", contentType)
	r.Header.Set("X-CSRF-Token", b.csrf)
	r.AddCookie(b.cookies[0])
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return res.StatusCode, string(text)
}

// A movement that an edge publishes becomes stock that the console shows, with a value soon after, and the edge is told so.
func TestMovementBecomesStockAndIsAcknowledged(t *testing.T) {
	c := configuration(t)
	hub, out, _ := run(t, c)
	_, csrf, cookies := signIn(t, hub, password(t, out))
	b := browser{t, hub, csrf, cookies}
	for _, f := range [][2]string{
		{"items", "id,name_en,cost\nSKU-1,Milk,2.5\n"},
		{"locations", "code,site,parent,kind\nSZ1,SZ1,,site\nSZ1-A-01,SZ1,SZ1,bay\n"},
		{"tags", "tag,item,lot\nuid:04a1b2c3,SKU-1,L1\n"},
	} {
		if status, text := b.do("POST", "/catalog/"+f[0]+"/import", "text/csv", f[1]); status != 200 {
			t.Fatalf("import of %s: %d %s", f[0], status, text)
		}
	}
	ack := publishMovement(t, hub, c)
	if ack.Upto != 1 || ack.Edge != "SZ1-E1" || ack.Hub == "" {
		t.Errorf("ack %+v", ack)
	}
	status, text := b.do("GET", "/stock/SKU-1/SZ1-A-01", "", "")
	var row struct {
		Row struct {
			OnHand int `json:"on_hand"`
		}
		Tags []struct{ Tag string }
	}
	if err := json.Unmarshal([]byte(text), &row); err != nil || status != 200 || row.Row.OnHand != 1 || row.Tags[0].Tag != "uid:04a1b2c3" {
		t.Errorf("%d %s (%v)", status, text, err)
	}
	const worth = `{"item":"SKU-1","site":"SZ1","quantity":1,"value":25000,`
	for deadline := time.Now().Add(30 * time.Second); !strings.Contains(text, worth); <-time.After(50 * time.Millisecond) {
		if status, text = b.do("GET", "/valuation/stock?item=SKU-1", "", ""); status != 200 || time.Now().After(deadline) {
			t.Fatalf("value: %d %s", status, text)
		}
	}
}

// publishMovement publishes one movement as the edge does, and waits for the hub's ack.
func publishMovement(t *testing.T, hub *app.App, c config.Config) wire.Ack {
	t.Helper()
	return publishMovementTo(t, hub.MQTT(), c)
}

func publishMovementTo(t *testing.T, broker string, c config.Config) wire.Ack {
	t.Helper()
	return connectEdge(t, broker, c).send(wire.UpMovements, movement(t), func(a wire.Ack) bool { return a.Upto > 0 })
}

// gateway is edge SZ1-E1 at the hub's broker.
type gateway struct {
	t      *testing.T
	client mqtt.Client
	acks   chan wire.Ack
}

func connectEdge(t *testing.T, broker string, c config.Config) gateway {
	t.Helper()
	logins, err := config.EnsureCredentials(c)
	if err != nil {
		t.Fatal(err)
	}
	login := logins.Edges["SZ1-E1"]
	g := gateway{t, mqtt.NewClient(mqtt.NewClientOptions().AddBroker("tcp://" + broker).SetUsername(login.User).
		SetPassword(string(login.Password)).SetClientID("SZ1-E1")), make(chan wire.Ack, 64)}
	g.wait("connect", g.client.Connect())
	t.Cleanup(func() { g.client.Disconnect(100) })
	sub := g.client.Subscribe(wire.Topic("SZ1-E1", wire.DownAck), 1, func(_ mqtt.Client, m mqtt.Message) {
		if a, err := wire.DecodeAck(m.Payload()); err == nil {
			select {
			case g.acks <- a:
			default: // nobody waits
			}
		}
	})
	g.wait("subscribe", sub)
	if code := sub.(*mqtt.SubscribeToken).Result()[wire.Topic("SZ1-E1", wire.DownAck)]; code > 2 {
		t.Fatalf("subscription refused: %d", code)
	}
	return g
}

func (g gateway) wait(what string, token mqtt.Token) {
	g.t.Helper()
	if !token.WaitTimeout(10*time.Second) || token.Error() != nil {
		g.t.Fatalf("%s: %v", what, token.Error())
	}
}

// send publishes a message until an ack is as it should be.
func (g gateway) send(leaf string, payload []byte, right func(wire.Ack) bool) wire.Ack {
	g.t.Helper()
	deadline := time.After(30 * time.Second)
	for {
		g.wait("publish", g.client.Publish(wire.Topic("SZ1-E1", leaf), 1, false, payload))
		again := time.After(time.Second) // the hub may not have subscribed yet; an edge sends again too
		for waiting := true; waiting; {
			select {
			case a := <-g.acks:
				if right(a) {
					return a
				}
			case <-again:
				waiting = false
			case <-deadline:
				g.t.Fatal("no ack came")
			}
		}
	}
}

func movement(t *testing.T) []byte {
	t.Helper()
	tag, err := devices.ParseTag("uid:04a1b2c3")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now().UTC()
	record, err := wire.EncodeRecord(wire.Record{Seq: 1, Movement: &wire.Movement{
		Tag: tag, To: "SZ1-A-01", BizStep: wire.Storing, Disposition: wire.Accessible, ReadPoint: "uhf-a1", EventTime: now,
		FirstRead: now, LastRead: now, Reads: 3, Confidence: 950,
	}})
	if err != nil {
		t.Fatal(err)
	}
	codec, err := wire.NewCodec()
	if err != nil {
		t.Fatal(err)
	}
	b, err := codec.Encode(wire.Envelope{
		Edge: "SZ1-E1", Epoch: 1, EpochStart: 1, Stream: wire.MainStream, FirstSeq: 1, Records: [][]byte{record},
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}
