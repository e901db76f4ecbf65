package mqttnode_test

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"

	"github.com/tallydock/tallydock/devices/mqttnode"
)

// take receives the next message or fails.
func take(t *testing.T, s *mqttnode.Subscription) mqttnode.Message {
	t.Helper()
	select {
	case m := <-s.Messages():
		return m
	case <-time.After(10 * time.Second):
		t.Fatalf("no message came; the link is %v", s.Link().Err)
		return mqttnode.Message{}
	}
}

func linked(t *testing.T, s *mqttnode.Subscription, want func(error) bool) {
	t.Helper()
	for deadline := time.After(15 * time.Second); ; {
		link := s.Link()
		if want(link.Err) {
			return
		}
		select {
		case <-link.Changed:
		case <-deadline:
			t.Fatalf("the link stays %v", link.Err)
		}
	}
}

func isUp(err error) bool { return err == nil }

func subscribe(t *testing.T, b *mqttnode.Broker, filters ...string) *mqttnode.Subscription {
	t.Helper()
	return must[*mqttnode.Subscription](t)(b.Subscribe(filters...))
}

func numbers(from, to int) (payloads [][]byte) {
	for i := from; i < to; i++ {
		payloads = append(payloads, fmt.Appendf(nil, "%d", i))
	}
	return payloads
}

func TestWhatIsSaidWhileTheGatewayIsAwayArrivesInOrder(t *testing.T) {
	m := startMosquitto(t)
	b, run := m.gateway(t)
	s := subscribe(t, b, "site/+/x")
	stop := run()
	linked(t, s, isUp)
	stop()
	m.say(t, "site/SZ1/x", false, numbers(0, 50)...)
	b, run = m.gateway(t)
	s = subscribe(t, b, "site/+/x")
	run()
	for i := range 50 {
		msg := take(t, s)
		if string(msg.Payload) != fmt.Sprint(i) {
			t.Fatalf("message %d is %s", i, msg.Payload)
		}
		msg.Ack()
	}
}

func TestAMessageComesAgainUntilItIsAcknowledged(t *testing.T) {
	m := startMosquitto(t)
	for round := range 3 {
		b, run := m.gateway(t)
		s := subscribe(t, b, "x")
		stop := run()
		linked(t, s, isUp)
		if round == 0 {
			m.say(t, "x", false, []byte("taken"), []byte("not taken"))
			take(t, s).Ack()
		}
		msg := take(t, s)
		if string(msg.Payload) != "not taken" || msg.Again != (round > 0) {
			t.Errorf("round %d: %q came, again: %v", round, msg.Payload, msg.Again)
		}
		stop() // without an acknowledgement: as if the gateway had died
	}
}

func TestASlowDriverLosesNothing(t *testing.T) {
	const n = 4 * mqttnode.QueueLength
	m := startMosquitto(t)
	b, run := m.gateway(t)
	s := subscribe(t, b, "x")
	run()
	linked(t, s, isUp)
	m.say(t, "x", false, numbers(0, n)...) // nobody takes anything yet
	for i := range n {
		msg := take(t, s)
		if string(msg.Payload) != fmt.Sprint(i) {
			t.Fatalf("message %d is %s", i, msg.Payload)
		}
		msg.Ack()
	}
}

func TestABrokerThatComesLateOrComesBackIsFound(t *testing.T) {
	m := startMosquitto(t)
	m.stop()
	b, run := m.gateway(t)
	s := subscribe(t, b, "x")
	run()
	linked(t, s, func(err error) bool { return err != nil && strings.Contains(err.Error(), "cannot connect") })
	m.start(t)
	linked(t, s, isUp)
	m.stop()
	linked(t, s, func(err error) bool { return err != nil })
	m.start(t)
	linked(t, s, isUp)
	m.say(t, "x", false, []byte("hello"))
	if msg := take(t, s); string(msg.Payload) != "hello" {
		t.Errorf("message is %s", msg.Payload)
	}
}

func TestEverySubscriptionGetsItsCopyAndAClosedOneNone(t *testing.T) {
	m := startMosquitto(t)
	b, run := m.gateway(t)
	one, two, gone := subscribe(t, b, "a/b"), subscribe(t, b, "a/#"), subscribe(t, b, "a/b", "c")
	run()
	for _, s := range []*mqttnode.Subscription{one, two, gone} {
		linked(t, s, isUp)
	}
	gone.Close()
	gone.Close()
	m.say(t, "a/b", false, []byte("1"))
	for _, s := range []*mqttnode.Subscription{one, two} {
		if msg := take(t, s); string(msg.Payload) != "1" {
			t.Errorf("message is %s", msg.Payload)
		}
	}
	late := subscribe(t, b, "d")
	linked(t, late, isUp)
	if n := len(gone.Messages()); n != 0 {
		t.Errorf("the closed subscription got %d messages", n)
	}
}

// refusing is a broker that takes every connection and refuses every subscription.
func refusing(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go refuse(c)
		}
	}()
	return "tcp://" + l.Addr().String()
}

func refuse(c net.Conn) {
	defer c.Close()
	for {
		p, err := packets.ReadPacket(c)
		if err != nil {
			return
		}
		switch p := p.(type) {
		case *packets.ConnectPacket:
			_ = packets.NewControlPacket(packets.Connack).Write(c)
		case *packets.SubscribePacket:
			answer := packets.NewControlPacket(packets.Suback).(*packets.SubackPacket)
			answer.MessageID, answer.ReturnCodes = p.MessageID, slices.Repeat([]byte{0x80}, len(p.Topics))
			_ = answer.Write(c)
		}
	}
}

func TestARefusedSubscriptionIsNamed(t *testing.T) {
	b := must[*mqttnode.Broker](t)(mqttnode.New(mqttnode.Config{URL: refusing(t), ClientID: "x"}))
	s := subscribe(t, b, "site/SZ2/#")
	runBroker(t, b)
	linked(t, s, func(err error) bool {
		return err != nil && strings.Contains(err.Error(), `refuses the subscription to "site/SZ2/#"`)
	})
}

func TestRunEndsWhileTheBrokerSaysNothing(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0") // connections are taken by the system and never answered
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	b := must[*mqttnode.Broker](t)(mqttnode.New(mqttnode.Config{URL: "tcp://" + l.Addr().String(), ClientID: "x"}))
	stop := runBroker(t, b)
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	stop()
}

func TestBadBrokersAndTopicsAreRefused(t *testing.T) {
	for _, url := range []string{"", "localhost:1883", "tcp://", "tcp://host", "http://host:80", "tcp://%zz:1"} {
		if _, err := mqttnode.New(mqttnode.Config{URL: url, ClientID: "x"}); err == nil || !strings.Contains(err.Error(), "tcp://HOST:PORT") {
			t.Errorf("%q: error is %v", url, err)
		}
	}
	if _, err := mqttnode.New(mqttnode.Config{URL: "tcp://h:1"}); err == nil {
		t.Error("no client id was accepted")
	}
	b := must[*mqttnode.Broker](t)(mqttnode.New(mqttnode.Config{URL: "tcp://h:1", ClientID: "x"}))
	for _, filter := range []string{"", "a/#/b", "a+", "a/b#", "a\x00"} {
		if _, err := b.Subscribe(filter); err == nil {
			t.Errorf("%q was accepted", filter)
		}
	}
	if _, err := b.Subscribe(); err == nil {
		t.Error("no topic was accepted")
	}
}

func TestMatches(t *testing.T) {
	for _, c := range []struct {
		filter, topic string
		want          bool
	}{
		{"a/b", "a/b", true},
		{"a/b", "a/b/c", false},
		{"a/b/c", "a/b", false},
		{"a/+", "a/b", true},
		{"a/+", "a/", true},
		{"a/+", "a", false},
		{"a/+/c", "a/b/c", true},
		{"a/#", "a", true},
		{"a/#", "a/b/c", true},
		{"a/#", "ab", false},
		{"#", "a/b", true},
		{"#", "$SYS/x", false},
		{"+/x", "$SYS/x", false},
		{"$SYS/#", "$SYS/x", true},
		{"+", "/a", false},
		{"/+", "/a", true},
	} {
		if got := mqttnode.Matches(c.filter, c.topic); got != c.want {
			t.Errorf("Matches(%q, %q) = %v", c.filter, c.topic, got)
		}
	}
}
