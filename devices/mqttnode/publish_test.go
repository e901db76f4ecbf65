package mqttnode_test

import (
	"context"
	"strings"
	"testing"

	"github.com/tallydock/tallydock/devices/mqttnode"
)

func TestPublishedIsHeardAndKept(t *testing.T) {
	m := startMosquitto(t)
	b, run := m.gateway(t)
	s := subscribe(t, b, "cmnd/#")
	if err := b.Publish(t.Context(), "cmnd/siren/POWER", []byte("ON"), true); err == nil || !strings.Contains(err.Error(), "no connection to the site's broker") {
		t.Errorf("before there is a connection: %v", err)
	}
	stop := run()
	linked(t, s, isUp)
	if err := b.Publish(t.Context(), "cmnd/siren/POWER", []byte("ON"), true); err != nil {
		t.Fatal(err)
	}
	if msg := take(t, s); string(msg.Payload) != "ON" || msg.Topic != "cmnd/siren/POWER" {
		t.Errorf("heard %+v", msg)
	} else {
		msg.Ack()
	}
	if err := b.Publish(t.Context(), "cmnd/lamp/POWER", []byte("ON"), false); err != nil {
		t.Fatal(err)
	}
	take(t, s).Ack()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := b.Publish(ended, "cmnd/lamp/POWER", []byte("OFF"), false); err == nil { // it may have been quick
		take(t, s).Ack()
	}
	stop()
	if err := b.Publish(t.Context(), "cmnd/siren/POWER", []byte("ON"), true); err == nil {
		t.Error("it was published without a connection")
	}
}

func TestEveryNewConnectionIsTold(t *testing.T) {
	m := startMosquitto(t)
	joined := make(chan struct{}, 10)
	b := must[*mqttnode.Broker](t)(mqttnode.New(mqttnode.Config{URL: m.url, ClientID: "gateway", Joined: func() { joined <- struct{}{} }}))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- b.Run(ctx) }()
	<-joined
	m.stop()
	m.start(t)
	<-joined
	cancel()
	<-done
}
