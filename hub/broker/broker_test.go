package broker_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"golang.org/x/crypto/bcrypt"

	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/hub/broker"
)

// serveDir names the environment variable that makes the test binary a broker, to be killed.
const serveDir = "TALLYDOCK_TEST_BROKER_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(serveDir); dir != "" {
		b, err := broker.New(broker.Config{Dir: dir, Listen: "127.0.0.1:0", Users: testUsers(), Log: quiet()})
		if err != nil {
			panic(err)
		}
		go func() { <-b.Ready(); fmt.Println(b.Addr()) }()
		panic(b.Run(context.Background()))
	}
	os.Exit(m.Run())
}

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

func hash(password string) string {
	h, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	if err != nil {
		panic(err)
	}
	return string(h)
}

func edgeUser(id, password string) broker.User {
	root := strings.TrimSuffix(wire.Topic(id, ""), "/")
	return broker.User{
		Name: id, PasswordHash: hash(password), Publish: []string{root + "/up/#"},
		Subscribe: []string{root + "/down/#", "site/SZ1/#"},
	}
}

func testUsers() []broker.User {
	return []broker.User{
		{Name: "hub", PasswordHash: hash("hub-pw"), Publish: []string{"td/v1/#"}, Subscribe: []string{"td/v1/#"}},
		edgeUser("SZ1-E1", "e1-pw"), edgeUser("SZ1.E2", "e2-pw"), edgeUser("SZ1", "sz1-pw"),
		{Name: "SZ1-devices", PasswordHash: hash("dev-pw"), Publish: []string{"site/SZ1/#"}, Shared: true},
	}
}

// start runs a broker until the test ends or stop is called.
func start(t *testing.T, dir string) (b *broker.Broker, stop func()) {
	t.Helper()
	b, err := broker.New(broker.Config{Dir: dir, Listen: "127.0.0.1:0", Users: testUsers(), Log: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- b.Run(ctx) }()
	select {
	case <-b.Ready():
	case err := <-done:
		t.Fatal(err)
	}
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(stop)
	return b, stop
}

func options(addr, user, password string) *mqtt.ClientOptions {
	return mqtt.NewClientOptions().AddBroker("tcp://" + addr).SetClientID(strings.ReplaceAll("test-"+user, ".", "_")).SetUsername(user).
		SetPassword(password).SetAutoReconnect(false).SetConnectTimeout(10 * time.Second).SetOrderMatters(false)
}

func connect(t *testing.T, o *mqtt.ClientOptions) mqtt.Client {
	t.Helper()
	c := mqtt.NewClient(o)
	wait(t, c.Connect())
	t.Cleanup(func() { c.Disconnect(50) })
	return c
}

func wait(t *testing.T, token mqtt.Token) {
	t.Helper()
	if !token.WaitTimeout(20*time.Second) || token.Error() != nil {
		t.Fatalf("no answer from the broker: %v", token.Error())
	}
}

// subscribe gives the SUBACK's code and what arrives.
func subscribe(t *testing.T, c mqtt.Client, filter string) (code byte, got chan mqtt.Message) {
	t.Helper()
	got = make(chan mqtt.Message, 1000)
	token := c.Subscribe(filter, 1, func(_ mqtt.Client, m mqtt.Message) { got <- m })
	wait(t, token)
	return token.(*mqtt.SubscribeToken).Result()[filter], got
}

func receive(t *testing.T, got <-chan mqtt.Message) string {
	t.Helper()
	select {
	case m := <-got:
		return string(m.Payload())
	case <-time.After(20 * time.Second):
		t.Fatal("nothing came")
		return ""
	}
}

func TestWrongPasswordIsRefused(t *testing.T) {
	b, _ := start(t, t.TempDir())
	for _, c := range []struct{ user, password string }{
		{"SZ1-E1", "wrong"}, {"SZ1-E1", ""}, {"nobody", "e1-pw"}, {"", ""}, {"SZ1-E1", "e2-pw"},
	} {
		token := mqtt.NewClient(options(b.Addr(), c.user, c.password)).Connect()
		if !token.WaitTimeout(20*time.Second) || token.Error() == nil {
			t.Errorf("%q with password %q came in", c.user, c.password)
		}
	}
	connect(t, options(b.Addr(), "SZ1-E1", "e1-pw"))
	connect(t, options(b.Addr(), "SZ1-E1", "e1-pw")) // again, without bcrypt
	token := mqtt.NewClient(options(b.Addr(), "SZ1-E1", "wrong")).Connect()
	if !token.WaitTimeout(20*time.Second) || token.Error() == nil {
		t.Error("a wrong password came in after a right one")
	}
}

func TestAnEdgeHasOnlyItsOwnTopics(t *testing.T) {
	b, _ := start(t, t.TempDir())
	hub := connect(t, options(b.Addr(), "hub", "hub-pw"))
	if code, _ := subscribe(t, hub, "td/v1/+/+/down/#"); code != 1 {
		t.Fatalf("the hub's subscription got code %#x", code)
	}
	_, heard := subscribe(t, hub, wire.HubFilter)
	edges := map[string]mqtt.Client{}
	for id, pw := range map[string]string{"SZ1-E1": "e1-pw", "SZ1.E2": "e2-pw", "SZ1": "sz1-pw"} {
		edges[id] = connect(t, options(b.Addr(), id, pw))
	}
	for id, c := range edges {
		for _, f := range []string{
			wire.HubFilter, "#", "td/#", "+/+/+/+/down/ack", "$MQTT/#", "$MQTT/sub/#", "$JS/#", "site/XX/#", "site/#",
			wire.Topic("other", wire.DownAck),
		} {
			if code, _ := subscribe(t, c, f); code != 0x80 {
				t.Errorf("edge %s may subscribe to %s (code %#x)", id, f, code)
			}
		}
		for _, f := range []string{wire.Topic(id, "down/#"), wire.Topic(id, wire.DownAck), "site/SZ1/#"} {
			if code, _ := subscribe(t, c, f); code != 1 {
				t.Errorf("edge %s may not subscribe to %s (code %#x)", id, f, code)
			}
		}
		for other := range edges {
			if other == id {
				continue
			}
			if code, _ := subscribe(t, c, wire.Topic(other, wire.DownAck)); code != 0x80 {
				t.Errorf("edge %s may subscribe to %s's acks", id, other)
			}
			wait(t, c.Publish(wire.Topic(other, wire.UpMovements), 1, false, "forged by "+id))
			wait(t, c.Publish(wire.Topic(other, wire.UpStatus), 1, true, "forged by "+id))
		}
		wait(t, c.Publish(wire.Topic(id, wire.DownAck), 1, true, "forged ack"))
	}
	for id, c := range edges {
		wait(t, c.Publish(wire.Topic(id, wire.UpMovements), 1, false, "own "+id))
		if got := receive(t, heard); got != "own "+id {
			t.Fatalf("the hub heard %q, want %q", got, "own "+id)
		}
	}
}

func TestQoS1ReachesASubscriberWithinItsPermissions(t *testing.T) {
	b, _ := start(t, t.TempDir())
	edge := connect(t, options(b.Addr(), "SZ1-E1", "e1-pw"))
	_, got := subscribe(t, edge, "site/SZ1/probe/tele/SENSOR")
	node := connect(t, options(b.Addr(), "SZ1-devices", "dev-pw"))
	wait(t, node.Publish("site/SZ1/probe/tele/SENSOR", 1, false, "4.2"))
	if v := receive(t, got); v != "4.2" {
		t.Errorf("got %q", v)
	}
	if code, _ := subscribe(t, node, "site/SZ1/#"); code != 0x80 {
		t.Error("a device may listen to its neighbours")
	}
}

func TestSetUsersClosesWhatChanged(t *testing.T) {
	b, _ := start(t, t.TempDir())
	lost := make(chan string, 4)
	for user, pw := range map[string]string{"SZ1-E1": "e1-pw", "SZ1.E2": "e2-pw"} {
		o := options(b.Addr(), user, pw)
		o.SetConnectionLostHandler(func(mqtt.Client, error) { lost <- user })
		connect(t, o)
	}
	if err := b.SetUsers([]broker.User{{Name: "x", PasswordHash: "plain"}}); err == nil {
		t.Fatal("a plain password was taken for a hash")
	}
	// The hashes of testUsers are salted anew, so this changes every user's.
	if err := b.SetUsers(testUsers()); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		select {
		case <-lost:
		case <-time.After(20 * time.Second):
			t.Fatal("connections of changed users stayed open")
		}
	}
	connect(t, options(b.Addr(), "SZ1-E1", "e1-pw"))
}

func TestRetainedAndQueuedMessagesSurvive(t *testing.T) {
	const messages = 20_000
	for _, how := range []string{"stop", "kill"} {
		t.Run(how, func(t *testing.T) {
			dir := t.TempDir()
			addr, end := serve(t, how, dir)
			o := options(addr, "SZ1-E1", "e1-pw").SetCleanSession(false)
			edge := connect(t, o)
			if code, _ := subscribe(t, edge, wire.Topic("SZ1-E1", wire.DownCommand)); code != 1 {
				t.Fatal("not subscribed")
			}
			edge.Disconnect(250)
			publish(t, addr, messages)
			end()

			addr, _ = serve(t, how, dir)
			var count atomic.Int64
			all := make(chan struct{})
			o = options(addr, "SZ1-E1", "e1-pw").SetCleanSession(false)
			o.SetDefaultPublishHandler(func(_ mqtt.Client, m mqtt.Message) {
				if !m.Duplicate() && count.Add(1) == messages {
					close(all)
				}
			})
			back := connect(t, o)
			select {
			case <-all:
			case <-time.After(120 * time.Second):
				t.Fatalf("%d of %d queued messages came", count.Load(), messages)
			}
			_, acks := subscribe(t, back, wire.Topic("SZ1-E1", wire.DownAck))
			if got := receive(t, acks); got != "ack 2" {
				t.Errorf("retained message is %q", got)
			}
		})
	}
}

func publish(t *testing.T, addr string, n int) {
	t.Helper()
	hub := connect(t, options(addr, "hub", "hub-pw"))
	wait(t, hub.Publish(wire.Topic("SZ1-E1", wire.DownAck), 1, true, "ack 1"))
	wait(t, hub.Publish(wire.Topic("SZ1-E1", wire.DownAck), 1, true, "ack 2"))
	window := make([]mqtt.Token, 0, 500)
	for i := range n {
		window = append(window, hub.Publish(wire.Topic("SZ1-E1", wire.DownCommand), 1, false, fmt.Sprintf("command %d", i)))
		if len(window) == cap(window) || i == n-1 {
			for _, token := range window {
				wait(t, token)
			}
			window = window[:0]
		}
	}
	hub.Disconnect(250)
}

// serve runs a broker in this process, or in one of its own that is killed by end.
func serve(t *testing.T, how, dir string) (addr string, end func()) {
	t.Helper()
	if how == "stop" {
		b, stop := start(t, dir)
		return b.Addr(), stop
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), serveDir+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	end = func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }
	t.Cleanup(end)
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(line), end
}

func TestRunSaysWhenItsAddressIsTaken(t *testing.T) {
	b, _ := start(t, t.TempDir())
	second, err := broker.New(broker.Config{Dir: filepath.Join(t.TempDir(), "b"), Listen: b.Addr(), Log: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	if err := second.Run(context.Background()); err == nil || !strings.Contains(err.Error(), "address already in use") {
		t.Errorf("got %v", err)
	}
}

func TestNewRefusesBadFilters(t *testing.T) {
	for _, filter := range []string{"", "a//b", "a/#/b", "a b", "a/b+", "a/*", "a/>"} {
		_, err := broker.New(broker.Config{
			Dir: t.TempDir(), Listen: "127.0.0.1:0", Log: quiet(),
			Users: []broker.User{{Name: "x", PasswordHash: hash("x"), Publish: []string{filter}}},
		})
		if err == nil {
			t.Errorf("filter %q was taken", filter)
		}
	}
}

// TestMoreSubscriptionsThanAStreamHasByItself: a thousand queues of QoS 1 and some more, each of a subscriber of its own.
func TestMoreSubscriptionsThanAStreamHasByItself(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	b, _ := start(t, t.TempDir())
	for i := range 42 {
		c := connect(t, options(b.Addr(), "hub", "hub-pw").SetClientID(fmt.Sprintf("hub-%d", i)))
		topics := map[string]byte{}
		for k := range 25 {
			topics[fmt.Sprintf("td/v1/+/+/up/%d", k)] = 1
		}
		token := c.SubscribeMultiple(topics, nil)
		wait(t, token)
		for topic, code := range token.(*mqtt.SubscribeToken).Result() {
			if code != 1 {
				t.Fatalf("subscription %d of %s: answer %#x", i, topic, code)
			}
		}
	}
}
