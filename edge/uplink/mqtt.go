package uplink

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"github.com/tallydock/tallydock/devices/wire"
)

const (
	patience  = 10 * time.Second // for one answer of the broker
	quiesce   = 250              // milliseconds for the last messages when disconnecting
	subRefuse = 0x80
)

// link is one connection to the broker.
type link struct {
	client mqtt.Client
	login  Login
	lost   chan error
	acks   chan heardAck
}

// heardAck is an ack and whether the broker had kept it.
type heardAck struct {
	wire.Ack
	retained bool
}

// dial connects and subscribes.
func (u *Uplink) dial(ctx context.Context) (*link, error) {
	login, err := u.cfg.Login()
	if err != nil {
		return nil, err
	}
	l := &link{login: login, lost: make(chan error, 1), acks: make(chan heardAck, 64)}
	will, err := wire.EncodeStatus(u.status(false))
	if err != nil {
		return nil, fmt.Errorf("cannot encode the will: %w", err)
	}
	id := login.ClientID
	if id == "" {
		id = "edge-" + strings.ReplaceAll(u.cfg.Edge, ".", "_") // NATS takes no id with a dot
	}
	o := mqtt.NewClientOptions().AddBroker(login.Broker).SetClientID(id).SetUsername(login.User).
		SetPassword(login.Password).SetCleanSession(true).SetAutoReconnect(false).SetConnectRetry(false).
		SetOrderMatters(true).SetConnectTimeout(patience).SetWriteTimeout(patience).SetKeepAlive(15*time.Second).
		SetPingTimeout(patience).SetBinaryWill(wire.Topic(u.cfg.Edge, wire.UpStatus), will, 1, true).
		SetConnectionLostHandler(func(_ mqtt.Client, err error) { l.lost <- err })
	if login.TLS != nil {
		o.SetTLSConfig(login.TLS)
	}
	l.client = mqtt.NewClient(o)
	if err := await(ctx, l.client.Connect()); err != nil {
		l.client.Disconnect(0)
		return nil, fmt.Errorf("cannot connect to %s as %s: %w", login.Broker, login.name(), err)
	}
	if err := u.subscribe(ctx, l); err != nil {
		l.client.Disconnect(0)
		return nil, err
	}
	return l, nil
}

func (u *Uplink) subscribe(ctx context.Context, l *link) error {
	handlers := map[string]mqtt.MessageHandler{
		wire.DownAck:     func(_ mqtt.Client, m mqtt.Message) { u.hearAck(l, m) },
		wire.DownCommand: func(_ mqtt.Client, m mqtt.Message) { u.hearCommand(m) },
	}
	if u.cfg.Configuration != nil {
		handlers[wire.DownConfig] = func(_ mqtt.Client, m mqtt.Message) { u.hearConfiguration(m) }
	}
	if u.cfg.Catalog != nil {
		handlers[wire.DownCatalog] = func(_ mqtt.Client, m mqtt.Message) { u.hearCatalog(m) }
	}
	for leaf, handle := range handlers {
		topic := wire.Topic(u.cfg.Edge, leaf)
		// QoS 0: what comes down is retained, or said again with every status, and a broker keeps nothing for it. A
		// subscription of QoS 1 is a queue of its own, which costs a hub with thousands of edges more than all they say.
		token := l.client.Subscribe(topic, 0, handle)
		if err := await(ctx, token); err != nil {
			return fmt.Errorf("cannot subscribe to %s: %w", topic, err)
		}
		// The token has no error where the broker refuses.
		code := token.(*mqtt.SubscribeToken).Result()[topic]
		if code >= subRefuse && leaf == wire.DownConfig {
			u.cfg.Log.Warn("the broker refuses the subscription to configurations from the hub; going on without", "topic", topic, "user", l.login.name())
			continue
		}
		if code >= subRefuse {
			return fmt.Errorf("cannot subscribe to %s: the broker refuses it to user %s; check the broker's permissions",
				topic, l.login.name())
		}
	}
	return nil
}

// name is as whom a Login connects, for people.
func (l Login) name() string {
	if l.User == "" && l.TLS != nil {
		return "who its certificate says"
	}
	return l.User
}

// hearAck must not block: an ack that finds no place is said again.
func (u *Uplink) hearAck(l *link, m mqtt.Message) {
	a, err := wire.DecodeAck(m.Payload())
	if err != nil {
		u.metrics.refused.Inc()
		u.cfg.Log.Warn("ack is not readable", "topic", m.Topic(), "err", err)
		return
	}
	select {
	case l.acks <- heardAck{a, m.Retained()}:
	default:
	}
}

// hearCommand must not block: a command that finds no place is sent again with the next Status.
func (u *Uplink) hearCommand(m mqtt.Message) {
	c, err := wire.DecodeCommand(m.Payload())
	if err != nil {
		u.metrics.refused.Inc()
		u.cfg.Log.Warn("command is not readable", "topic", m.Topic(), "err", err)
		return
	}
	select {
	case u.commands <- c:
	default:
		u.cfg.Log.Warn("command finds no place and waits to be sent again", "command", c.ID)
	}
}

// hearConfiguration must not block: a newer one takes the place of one that waits.
func (u *Uplink) hearConfiguration(m mqtt.Message) {
	if len(m.Payload()) == 0 { // a retained one that was cleared
		return
	}
	c, err := wire.DecodeConfiguration(m.Payload())
	if err != nil {
		u.metrics.refused.Inc()
		u.cfg.Log.Warn("configuration is not readable", "topic", m.Topic(), "err", err)
		return
	}
	for {
		select {
		case u.configs <- c:
			return
		default:
		}
		select {
		case <-u.configs:
		default:
		}
	}
}

// publish hands a message to the connection. That it was handed over says nothing about its arrival.
func (u *Uplink) publish(l *link, leaf string, retained bool, payload []byte) error {
	token := l.client.Publish(wire.Topic(u.cfg.Edge, leaf), 1, retained, payload)
	select {
	case <-token.Done():
		if err := token.Error(); err != nil {
			return fmt.Errorf("cannot publish to %s: %w", leaf, err)
		}
	default:
	}
	return nil
}

// hangUp says good-bye, or that it stays where there is another connection at once, and closes. What is said last is waited for,
// so that all before it has arrived.
func (u *Uplink) hangUp(l *link, again bool) {
	if payload, err := wire.EncodeStatus(u.status(again)); err == nil && l.client.IsConnectionOpen() {
		token := l.client.Publish(wire.Topic(u.cfg.Edge, wire.UpStatus), 1, true, payload)
		token.WaitTimeout(quiesce * time.Millisecond)
	}
	l.client.Disconnect(quiesce)
}

func await(ctx context.Context, t mqtt.Token) error {
	limit := time.NewTimer(2 * patience)
	defer limit.Stop()
	select {
	case <-t.Done():
		return t.Error()
	case <-ctx.Done():
		return ctx.Err()
	case <-limit.C:
		return errors.New("the broker does not answer")
	}
}
