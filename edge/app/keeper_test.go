package app

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"github.com/tallydock/tallydock/devices/systemd"
	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/edge/config"
	"github.com/tallydock/tallydock/edge/settings"
	"github.com/tallydock/tallydock/edge/store"
)

// post is a broker with the hub's end of it: what gateways say of themselves, and what they are told.
type post struct {
	t      *testing.T
	url    string
	cmd    *exec.Cmd
	conf   string
	client mqtt.Client
	key    ed25519.PrivateKey

	mu     sync.Mutex
	status []wire.Status
}

func newPost(t *testing.T) *post {
	t.Helper()
	if _, err := exec.LookPath("mosquitto"); err != nil {
		t.Skip("mosquitto is not installed: apt-get install mosquitto")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	l.Close()
	p := &post{t: t, url: "tcp://127.0.0.1:" + port, key: ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))}
	p.conf = filepath.Join(t.TempDir(), "mosquitto.conf")
	text := "listener " + port + " 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\npersistence false\n"
	if err := os.WriteFile(p.conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p.open()
	t.Cleanup(p.shut)
	return p
}

// open starts the broker and connects the hub's end.
func (p *post) open() {
	p.t.Helper()
	p.cmd = exec.Command("mosquitto", "-c", p.conf)
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	eventually(p.t, "the broker", func() bool {
		c, err := net.Dial("tcp", strings.TrimPrefix(p.url, "tcp://"))
		if err == nil {
			c.Close()
		}
		return err == nil
	})
	p.client = mqtt.NewClient(mqtt.NewClientOptions().AddBroker(p.url).SetClientID("hub").SetAutoReconnect(false))
	p.done(p.client.Connect())
	p.done(p.client.Subscribe(wire.Topic("E1", wire.UpStatus), 1, func(_ mqtt.Client, m mqtt.Message) {
		s, err := wire.DecodeStatus(m.Payload())
		if err != nil {
			p.t.Error(err)
			return
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		p.status = append(p.status, s)
	}))
}

// shut ends the broker at once.
func (p *post) shut() {
	p.client.Disconnect(0)
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
}

func (p *post) done(token mqtt.Token) {
	p.t.Helper()
	if !token.WaitTimeout(10*time.Second) || token.Error() != nil {
		p.t.Fatal("the broker does not answer", token.Error())
	}
}

func (p *post) say(topic string, retained bool, payload []byte) {
	p.t.Helper()
	p.done(p.client.Publish(topic, 1, retained, payload))
}

// offer tells the gateway to work by a text.
func (p *post) offer(version uint64, text string, key ed25519.PrivateKey) {
	p.t.Helper()
	b, err := wire.EncodeConfiguration(wire.Configuration{Edge: "E1", Version: version, Text: text}.Sign(key))
	if err != nil {
		p.t.Fatal(err)
	}
	p.say(wire.Topic("E1", wire.DownConfig), true, b)
}

// await waits until the gateway tells this of itself.
func (p *post) await(want wire.ConfigStatus) {
	p.t.Helper()
	var last wire.ConfigStatus
	defer func() {
		if p.t.Failed() {
			p.t.Logf("it says %+v", last)
		}
	}()
	eventually(p.t, fmt.Sprintf("%+v", want), func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		for i := len(p.status) - 1; i >= 0; i-- {
			s := p.status[i]
			if last = s.Config; !s.Online {
				continue
			}
			return last.Version == want.Version && last.State == want.State && last.Offered == want.Offered && strings.Contains(last.Reason, want.Reason)
		}
		return false
	})
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for limit := time.Now().Add(30 * time.Second); !ok(); {
		if time.Now().After(limit) {
			t.Fatalf("it did not come to: %s", what)
		}
		<-time.After(10 * time.Millisecond)
	}
}

// kept is a gateway that a Keeper runs.
type kept struct {
	*Keeper
	t     *testing.T
	file  string
	over  chan time.Time // ends a trial
	again chan os.Signal
	ready chan *App
	stop  func() error
}

// own writes the gateway's own file.
func own(t *testing.T, file, broker, extra string) {
	t.Helper()
	text := `
edge: E1
site: S1
data: data
api: {listen: "127.0.0.1:0"}
space: {min_free: 1, ballast: -1}
` + strings.ReplaceAll(extra, "BROKER", broker)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// hubWith is the section that trusts a key.
func hubWith(key ed25519.PrivateKey) string {
	return fmt.Sprintf("hub: {broker: \"BROKER\", config_key: %q}\n", base64.StdEncoding.EncodeToString(key.Public().(ed25519.PublicKey)))
}

func keep(t *testing.T, file string, m *systemd.Manager) *kept {
	t.Helper()
	g := &kept{t: t, file: file, over: make(chan time.Time), again: make(chan os.Signal, 1), ready: make(chan *App, 16)}
	none := func(string) (string, bool) { return "", false }
	g.Keeper = NewKeeper(KeeperOptions{
		Options: Options{Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Software: "test", Level: &slog.LevelVar{}},
		Load:    func(hub string) (config.Config, error) { return config.LoadWith(file, hub, none) },
		Manager: m, Reload: g.again,
	})
	g.after = func(time.Duration) <-chan time.Time { return g.over }
	g.shown = func(a *App) { g.ready <- a }
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- g.Run(ctx) }()
	g.stop = sync.OnceValue(func() error {
		cancel()
		return <-done
	})
	t.Cleanup(func() {
		if err := g.stop(); err != nil {
			t.Errorf("at the end: %v", err)
		}
	})
	return g
}

// next waits for the next gateway that runs.
func (g *kept) next() *App {
	g.t.Helper()
	select {
	case a := <-g.ready:
		return a
	case <-time.After(30 * time.Second):
		g.t.Fatal("no gateway runs")
		return nil
	}
}

// pass ends the trial of a gateway that has reached the hub.
func (g *kept) pass(a *App) {
	g.t.Helper()
	eventually(g.t, "the hub is reached", func() bool { return a.uplink.State().Connected })
	g.over <- time.Now()
}

func (g *kept) reload() { g.again <- syscall.SIGHUP }

func (g *kept) onDisk() settings.Book {
	g.t.Helper()
	b, err := settings.In(filepath.Join(filepath.Dir(g.file), "data")).Load()
	if err != nil {
		g.t.Fatal(err)
	}
	return b
}

const oneDevice = "devices: [{id: uhf-b, driver: uhf, address: \"serial:/dev/tty-nowhere-b\"}]\n"

func TestHubsConfigurationIsTriedAndConfirmed(t *testing.T) {
	p := newPost(t)
	file := filepath.Join(t.TempDir(), "edge.yaml")
	own(t, file, p.url, hubWith(p.key))
	g := keep(t, file, nil)
	if a := g.next(); len(a.conf.Devices) != 0 {
		t.Fatalf("its own file says %+v", a.conf.Devices)
	}
	p.await(wire.ConfigStatus{})
	p.offer(3, oneDevice, p.key)
	a := g.next()
	if len(a.conf.Devices) != 1 || a.conf.Devices[0].ID != "uhf-b" {
		t.Fatalf("on trial: %+v", a.conf.Devices)
	}
	p.await(wire.ConfigStatus{Version: 3, State: wire.ConfigTrial, Offered: 3})
	if b := g.onDisk(); b.Trial == nil || b.Attempts != 1 {
		t.Errorf("on disk: %+v", b)
	}
	g.pass(a)
	p.await(wire.ConfigStatus{Version: 3, State: wire.ConfigConfirmed, Offered: 3})

	p.offer(4, "devices: [{id: uhf-b, driver: nothing}]\n", p.key)
	p.await(wire.ConfigStatus{Version: 3, State: wire.ConfigRefused, Offered: 4, Reason: `devices[0]: device uhf-b: driver "nothing" is not known`})
	p.offer(5, "hub: {broker: \"tcp://127.0.0.1:9\"}\n", p.key)
	p.await(wire.ConfigStatus{Version: 3, State: wire.ConfigRefused, Offered: 5, Reason: `"hub" is not for a hub to change`})
	p.offer(2, oneDevice, p.key)
	p.await(wire.ConfigStatus{Version: 3, State: wire.ConfigRefused, Offered: 2, Reason: "not newer than version 3"})
	p.offer(6, oneDevice, ed25519.NewKeyFromSeed([]byte(strings.Repeat("x", ed25519.SeedSize))))
	p.await(wire.ConfigStatus{Version: 3, State: wire.ConfigRefused, Offered: 6, Reason: "not signed"})

	if err := g.stop(); err != nil {
		t.Fatal(err)
	}
	if len(g.ready) != 0 {
		t.Error("a refused configuration ran")
	}
	g = keep(t, file, nil)
	if a := g.next(); len(a.conf.Devices) != 1 {
		t.Errorf("after a restart: %+v", a.conf.Devices)
	}
	p.await(wire.ConfigStatus{Version: 3, State: wire.ConfigRefused, Offered: 6, Reason: "not signed"})
}

func TestGatewayWithoutAKeyTakesNothing(t *testing.T) {
	p := newPost(t)
	file := filepath.Join(t.TempDir(), "edge.yaml")
	own(t, file, p.url, "hub: {broker: \"BROKER\"}\n")
	p.offer(3, oneDevice, p.key)
	g := keep(t, file, nil)
	g.next()
	p.await(wire.ConfigStatus{State: wire.ConfigRefused, Offered: 3, Reason: "its own file has no hub.config_key"})
}

func TestTrialWithoutTheHubIsReverted(t *testing.T) {
	p := newPost(t)
	file := filepath.Join(t.TempDir(), "edge.yaml")
	own(t, file, p.url, hubWith(p.key))
	g := keep(t, file, nil)
	g.next()
	p.offer(1, oneDevice, p.key)
	a := g.next()
	eventually(t, "the hub is reached", func() bool { return a.uplink.State().Connected })
	p.shut()
	eventually(t, "the connection is lost", func() bool { return !a.uplink.State().Connected })
	g.over <- time.Now()
	if a := g.next(); len(a.conf.Devices) != 0 {
		t.Errorf("after the trial: %+v", a.conf.Devices)
	}
	p.open()
	p.await(wire.ConfigStatus{State: wire.ConfigReverted, Offered: 1, Reason: "the hub was not reached with it"})
	p.offer(1, oneDevice, p.key) // as a broker does that kept it
	p.offer(2, oneDevice, p.key)
	g.next()
	p.await(wire.ConfigStatus{Version: 2, State: wire.ConfigTrial, Offered: 2})
}

func TestTrialWithWhichAPartFailsIsReverted(t *testing.T) {
	p := newPost(t)
	file := filepath.Join(t.TempDir(), "edge.yaml")
	own(t, file, p.url, hubWith(p.key))
	g := keep(t, file, nil)
	g.next()
	p.offer(1, oneDevice, p.key)
	a := g.next()
	a.stage.failed <- fmt.Errorf("fleet: no")
	if a := g.next(); len(a.conf.Devices) != 0 {
		t.Errorf("after the failure: %+v", a.conf.Devices)
	}
	p.await(wire.ConfigStatus{State: wire.ConfigReverted, Offered: 1, Reason: "failed with it: fleet: no"})
}

func TestOrderlyStopInATrialSaysNothingOfItButADeathDoes(t *testing.T) {
	p := newPost(t)
	file := filepath.Join(t.TempDir(), "edge.yaml")
	own(t, file, p.url, hubWith(p.key))
	g := keep(t, file, nil)
	g.next()
	p.offer(1, oneDevice, p.key)
	g.next()
	if err := g.stop(); err != nil {
		t.Fatal(err)
	}
	g = keep(t, file, nil)
	if a := g.next(); len(a.conf.Devices) != 1 {
		t.Fatalf("after an orderly stop: %+v", a.conf.Devices)
	}
	inTrial := g.onDisk()
	if err := g.stop(); err != nil {
		t.Fatal(err)
	}
	if err := g.folder.Save(inTrial); err != nil { // what a program that is killed leaves behind
		t.Fatal(err)
	}
	g = keep(t, file, nil)
	if a := g.next(); len(a.conf.Devices) != 0 {
		t.Fatalf("after a death: %+v", a.conf.Devices)
	}
	p.await(wire.ConfigStatus{State: wire.ConfigReverted, Offered: 1, Reason: "was killed or lost its power"})
}

func TestHubsConfigurationThatNoLongerFitsIsLeftOut(t *testing.T) {
	p := newPost(t)
	file := filepath.Join(t.TempDir(), "edge.yaml")
	own(t, file, p.url, hubWith(p.key)+oneDevice)
	g := keep(t, file, nil)
	g.next()
	p.offer(1, "shelves: [{location: A, device: uhf-b}]\n", p.key)
	g.pass(g.next())
	p.await(wire.ConfigStatus{Version: 1, State: wire.ConfigConfirmed, Offered: 1})
	if err := g.stop(); err != nil {
		t.Fatal(err)
	}
	own(t, file, p.url, hubWith(p.key)) // the device is gone
	g = keep(t, file, nil)
	if a := g.next(); len(a.conf.Shelves) != 0 {
		t.Fatalf("shelves: %+v", a.conf.Shelves)
	}
	p.await(wire.ConfigStatus{State: wire.ConfigRefused, Offered: 1, Reason: "does not go together with the gateway's own file"})
	p.offer(2, "shelves: []\n", p.key)
	g.next()
	p.await(wire.ConfigStatus{Version: 2, State: wire.ConfigTrial, Offered: 2})
}

func TestReloadTakesAGoodFileAndLeavesABadOne(t *testing.T) {
	file := filepath.Join(t.TempDir(), "edge.yaml")
	hub := "hub: {broker: \"tcp://127.0.0.1:1\"}\n"
	own(t, file, "", hub)
	g := keep(t, file, nil)
	first := g.next()
	own(t, file, "", hub+"devices: [{id: x}]\n")
	g.reload()
	own2 := func(extra string) { own(t, file, "", hub+extra) }
	eventually(t, "the bad file is read", func() bool { return len(g.again) == 0 })
	own2("edge2: x\n")
	g.reload()
	eventually(t, "the other bad file is read", func() bool { return len(g.again) == 0 })
	own2(oneDevice + "log: {level: debug}\n")
	g.reload()
	second := g.next() // and nothing ran between
	if len(second.conf.Devices) != 1 || g.opt.Level.Level() != slog.LevelDebug {
		t.Fatalf("the good file: %+v, level %s", second.conf.Devices, g.opt.Level.Level())
	}
	if first.time != second.time {
		t.Error("the business time began anew")
	}
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	text = []byte(strings.Replace(string(text), "127.0.0.1:0", busy.Addr().String(), 1))
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	g.reload() // right, but it does not run
	if a := g.next(); a.conf.API.Listen != "127.0.0.1:0" {
		t.Errorf("went back to %+v", a.conf.API)
	}
}

func TestNothingIsLostOverReloads(t *testing.T) {
	p := newPost(t)
	file := filepath.Join(t.TempDir(), "edge.yaml")
	conf := func(every string) {
		own(t, file, p.url, `
hub: {broker: "tcp://127.0.0.1:1"}
mqtt: {broker: "BROKER"}
devices: [{id: r, driver: r700, address: "mqtt:site/S1/r/events"}]
tables: [{location: QA, device: r}]
samples: {every: `+every+"}\n")
	}
	conf("1m")
	g := keep(t, file, nil)
	a := g.next()
	up := func(a *App) bool { return len(a.fleet.Snapshot()) == 1 && a.fleet.Snapshot()[0].Reads > 0 }
	tap := func(n int) {
		at := time.Now().UTC().Format(time.RFC3339Nano)
		p.say("site/S1/r/events", false, fmt.Appendf(nil,
			`{"timestamp":%q,"eventType":"tagInventory","tagInventoryEvent":{"epcHex":"3034257BF7194E40%08X","antennaPort":1,"peakRssiCdbm":-4500}}`, at, n))
	}
	sent := 0
	eventually(t, "the first read", func() bool { // the gateway has to subscribe first
		tap(0)
		return up(a)
	})
	for _, every := range []string{"2m", "3m", "4m"} {
		conf(every)
		g.reload()
		for range 40 { // some before, some while, some after nobody listens
			sent++
			tap(sent)
		}
		a = g.next()
	}
	defer func() { t.Logf("%d sent, %d kept", sent+1, len(tags(t, a.store))) }()
	eventually(t, "all are kept", func() bool { return len(tags(t, a.store)) == sent+1 })
	for tag, n := range tags(t, a.store) {
		if n != 1 {
			t.Errorf("%s moved %d times", tag, n)
		}
	}
}

// tags counts the movements of each tag.
func tags(t *testing.T, s *store.Store) map[string]int {
	t.Helper()
	run, err := s.ReadMain(1, 1000, 1<<20)
	if err != nil {
		return nil // it is being closed
	}
	out := map[string]int{}
	for _, r := range run.Records {
		if rec, err := wire.DecodeRecord(r.Bytes); err == nil && rec.Movement != nil {
			out[rec.Movement.Tag.String()]++
		}
	}
	return out
}

// manager is a service manager that remembers what it was told.
func manager(t *testing.T) (m *systemd.Manager, heard func() string) {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "notify")
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	m, err = systemd.Connect(func(name string) (string, bool) {
		v, ok := map[string]string{"NOTIFY_SOCKET": socket, "WATCHDOG_USEC": "150000"}[name]
		return v, ok
	})
	if err != nil {
		t.Fatal(err)
	}
	return m, func() string {
		b := make([]byte, 4096)
		_ = l.SetReadDeadline(time.Now().Add(30 * time.Second))
		n, err := l.Read(b)
		if err != nil {
			t.Fatal(err)
		}
		return string(b[:n])
	}
}

func TestServiceManagerFollowsTheGatewaysLife(t *testing.T) {
	m, heard := manager(t)
	file := filepath.Join(t.TempDir(), "edge.yaml")
	hub := "hub: {broker: \"tcp://127.0.0.1:1\"}\n"
	own(t, file, "", hub)
	g := keep(t, file, m)
	want := func(prefix string) {
		t.Helper()
		for got := ""; !strings.HasPrefix(got, prefix); {
			got = heard()
			if strings.HasPrefix(got, "READY") || strings.HasPrefix(got, "RELOADING") || strings.HasPrefix(got, "STOPPING") {
				if !strings.HasPrefix(got, prefix) {
					t.Fatalf("heard %q before %q", got, prefix)
				}
			}
		}
	}
	want("READY=1\nSTATUS=no connection to the hub, 0 of 0 devices at work")
	g.next()
	want("WATCHDOG=1")
	want("STATUS=no connection")
	own(t, file, "", hub+"devices: [{}]\n")
	g.reload()
	want("RELOADING=1")
	want("READY=1\nSTATUS=the new configuration is wrong")
	own(t, file, "", hub+"# a remark\n")
	g.reload()
	want("RELOADING=1")
	want("READY=1\nSTATUS=the configuration says what it said before")
	own(t, file, "", hub+oneDevice)
	g.reload()
	want("RELOADING=1")
	want("READY=1\nSTATUS=no connection to the hub, 0 of 1 devices at work")
	if err := g.stop(); err != nil {
		t.Fatal(err)
	}
	want("STOPPING=1")
}

func TestWatchdogIsFedWhileSomethingIsUnderWay(t *testing.T) {
	k := NewKeeper(KeeperOptions{})
	now := time.Now()
	if !k.alive(now.Add(between-time.Second)) || k.alive(now.Add(between+time.Second)) {
		t.Error("between two gateways")
	}
	file := filepath.Join(t.TempDir(), "edge.yaml")
	own(t, file, "", "hub: {broker: \"tcp://127.0.0.1:1\"}\n")
	g := keep(t, file, nil)
	g.next()
	if !g.alive(now.Add(time.Hour)) {
		t.Error("a gateway at work is not alive")
	}
}
