package broker_test

import (
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

func TestNobodyTakesAnothersConnectionOver(t *testing.T) {
	b, _ := start(t, t.TempDir())
	passwords := map[string]string{"hub": "hub-pw", "SZ1-E1": "e1-pw", "SZ1.E2": "e2-pw", "SZ1": "sz1-pw", "SZ1-devices": "dev-pw"}
	lost := make(chan string, 20)
	for id, user := range map[string]string{
		"edge-SZ1-E1": "SZ1-E1", "td-site-SZ1-E1": "SZ1-E1", "SZ1-E1": "SZ1-E1", "edge-SZ1_E2": "SZ1.E2", "edge-SZ1": "SZ1",
		"hub-0190": "hub", "tallydock-hub": "hub", "DVES_1A2B3C": "SZ1-devices", "SZ1-devices-7": "SZ1-devices",
	} {
		o := options(b.Addr(), user, passwords[user]).SetClientID(id)
		connect(t, o.SetConnectionLostHandler(func(mqtt.Client, error) { lost <- id }))
	}
	for _, c := range []struct{ id, user string }{
		{"edge-SZ1-E1", "SZ1.E2"},
		{"edge-SZ1-E1", "SZ1"},
		{"edge-SZ1-E1", "SZ1-devices"},
		{"SZ1-E1", "SZ1"},
		{"edge-SZ1_E2", "SZ1-E1"},
		{"td-site-SZ1-E1", "hub"},
		{"hub-0190", "SZ1-devices"},
		{"tallydock-hub", "SZ1-E1"},
		{"DVES_1A2B3C", "SZ1-E1"},
		{"", "SZ1-E1"},
		{"SZ1-devices-7", "SZ1"},
		{"hub-SZ1", "hub"},
		{"hub-SZ1", "SZ1-devices"},
		{"SZ1-E1-SZ1_E2", "SZ1-E1"},
	} {
		client := mqtt.NewClient(options(b.Addr(), c.user, passwords[c.user]).SetClientID(c.id))
		token := client.Connect()
		if !token.WaitTimeout(20*time.Second) || token.Error() == nil {
			t.Errorf("%s came in as %q", c.user, c.id)
			client.Disconnect(0)
		}
	}
	select {
	case id := <-lost:
		t.Errorf("the connection %s was displaced", id)
	default:
	}
}
