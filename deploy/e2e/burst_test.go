package e2e_test

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/tallydock/tallydock/deploy/e2e"
	"github.com/tallydock/tallydock/devices/mqttnode"
	"github.com/tallydock/tallydock/hub/broker"
)

// TestBurstOfReadersArrivesWholeAndInOrder publishes faster than a gateway takes it, from several readers at once, through
// the hub's broker. A broker that puts off what is too much would bring it seconds later and out of order.
func TestBurstOfReadersArrivesWholeAndInOrder(t *testing.T) {
	const readers, each = 6, 1500
	hash, err := bcrypt.GenerateFromPassword([]byte("secret"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	b, err := broker.New(broker.Config{Dir: t.TempDir(), Listen: "127.0.0.1:0", Log: slog.New(slog.DiscardHandler), Users: []broker.User{
		{Name: "E1", PasswordHash: string(hash), Subscribe: []string{"site/S/#"}},
		{Name: "devices-S", PasswordHash: string(hash), Publish: []string{"site/S/#"}, Shared: true},
	}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	defer func() { cancel(); running.Wait() }()
	running.Go(func() { _ = b.Run(ctx) })
	<-b.Ready()
	site, err := mqttnode.New(mqttnode.Config{URL: "tcp://" + b.Addr(), User: "E1", Password: "secret", ClientID: "td-site-E1"})
	if err != nil {
		t.Fatal(err)
	}
	var heard sync.WaitGroup
	var subs []*mqttnode.Subscription
	for r := range readers {
		sub, err := site.Subscribe(fmt.Sprintf("site/S/r%d/events", r), fmt.Sprintf("site/S/r%d/status", r))
		if err != nil {
			t.Fatal(err)
		}
		subs = append(subs, sub)
	}
	running.Go(func() { _ = site.Run(ctx) })
	publisher, err := e2e.DialMQTT(b.Addr(), "devices-S", "secret", 1000, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer publisher.Close()
	for _, sub := range subs {
		for link := sub.Link(); link.Err != nil; link = sub.Link() {
			<-link.Changed
		}
		heard.Go(func() { hear(t, sub, each) })
	}
	began := time.Now()
	for n := range each {
		for r := range readers {
			if err := publisher.Publish(fmt.Sprintf("site/S/r%d/events", r), []byte(fmt.Sprint(n))); err != nil {
				t.Fatal(err)
			}
		}
	}
	heard.Wait()
	t.Logf("%d messages of %d readers in %v", readers*each, readers, time.Since(began).Round(time.Millisecond))
}

// hear takes a reader's messages, a little slower than they come, and checks that they are numbered without a gap;
// a message may come again.
func hear(t *testing.T, sub *mqttnode.Subscription, each int) {
	for due := 0; due < each; {
		select {
		case m := <-sub.Messages():
			m.Ack()
			got, err := strconv.Atoi(string(m.Payload))
			if err == nil && got < due {
				continue // a copy: it was not acknowledged in time
			}
			if got != due || err != nil {
				t.Errorf("%s: message %s where %d is due", m.Topic, m.Payload, due)
				return
			}
			due++
			if due%100 == 0 {
				time.Sleep(20 * time.Millisecond) // the gateway is busy
			}
		case <-time.After(20 * time.Second):
			t.Errorf("nothing came for 20 s after %d messages", due)
			return
		}
	}
}
