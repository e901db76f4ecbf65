package node_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/devicetest"
	"github.com/tallydock/tallydock/simulators/node"
)

var morning = time.Date(2026, 1, 5, 7, 0, 0, 0, time.UTC)

func later(s int) time.Time { return morning.Add(time.Duration(s) * time.Second) }

// reason gives the reason of the health reported last.
func reason(sink *devicetest.Sink) string {
	h := sink.Healths()
	if len(h) == 0 {
		return ""
	}
	return h[len(h)-1].Reason
}

func TestTheDriverHearsWhatBefallsAnR700(t *testing.T) {
	m := broker(t)
	sink := gateway(t, m, devices.Settings{ID: "r700-b", Driver: "r700", Address: "mqtt:site/SZ1/r700-b/events"})
	r := node.NewR700(node.Config{
		ID: "r700-b", URL: m.url, Topic: "site/SZ1/r700-b/events", Status: "site/SZ1/r700-b/status",
	}, time.Now)
	run(t, r.Run)
	sink.WaitState(t, devices.Up)
	r.Antenna(later(1), 3, false)
	sink.Wait(t, "the antenna is gone", func() bool { return strings.Contains(reason(sink), "antenna 3;") })
	r.Antenna(later(2), 3, true)
	sink.WaitState(t, devices.Up)
	r.Inventory(later(3), "idle")
	sink.Wait(t, "it is idle", func() bool { return strings.Contains(reason(sink), "idle") })
	r.Inventory(later(4), "armed")
	sink.WaitState(t, devices.Up)
	r.KeepAlive()
	r.Input(later(5), 1, true)
	r.Sight(later(6), 1, tag(t, 1), -5500)
	r.Input(later(7), 1, false)
	sink.Wait(t, "the inputs and the read", func() bool { return len(sink.GPIs()) == 2 && len(sink.Reads()) == 1 })
	if g := sink.GPIs(); !g[0].High || g[1].High || g[0].Port != 1 || !g[0].ReaderTime.Equal(later(5)) || !g[1].ReaderTime.Equal(later(7)) {
		t.Errorf("inputs are %+v", g)
	}
	if sink.State() != devices.Up {
		t.Errorf("the reader is %s: %s", sink.State(), reason(sink))
	}
	r.Overflow(later(8), 17)
	sink.Wait(t, "the overflow", func() bool { return lost(sink) == 17 && sink.State() == devices.Degraded })
}

func zebra(t *testing.T, m *mosquitto) (*node.Zebra, *devicetest.Sink) {
	t.Helper()
	sink := gateway(t, m, devices.Settings{
		ID: "zebra-x", Driver: "zebra", Address: "mqtt:site/SZ1/zebra-x/tags",
		Options: map[string]string{"events": "site/SZ1/zebra-x/management"},
	})
	z := node.NewZebra(node.Config{
		ID: "zebra-x", URL: m.url, Topic: "site/SZ1/zebra-x/tags", Status: "site/SZ1/zebra-x/status",
	}, "site/SZ1/zebra-x/management")
	run(t, z.Run)
	sink.WaitState(t, devices.Up)
	return z, sink
}

func TestTheDriverReadsWhatTheZebraPublishes(t *testing.T) {
	z, sink := zebra(t, broker(t))
	for i := range 300 {
		z.Sight(later(i), uint8(1+i%4), tag(t, i), -5550)
	}
	sink.Wait(t, "all reads", func() bool { return len(sink.Reads()) == 300 })
	for i, got := range sink.Reads() {
		if got.Tag != tag(t, i) || got.Antenna != uint8(1+i%4) || got.Seq != uint64(i+1) || !got.ReaderTime.Equal(later(i)) || got.RSSI != -5550 {
			t.Fatalf("read %d is %+v", i, got)
		}
	}
	if lost(sink) > 0 || sink.State() != devices.Up {
		t.Errorf("%d are lost, the reader is %s", lost(sink), sink.State())
	}
}

func TestWhatGoesAstrayIsLostAndWhatComesTwiceOrAnewIsNot(t *testing.T) {
	z, sink := zebra(t, broker(t))
	z.Sight(later(0), 1, tag(t, 0), -5500)
	z.Lose(5)
	z.Sight(later(1), 1, tag(t, 1), -5500)
	z.Again()
	z.Sight(later(2), 1, tag(t, 2), -5500)
	sink.Wait(t, "four reads", func() bool { return len(sink.Reads()) == 4 })
	if lost(sink) != 5 || !strings.Contains(reason(sink), "5 events of the reader are missing before number 7") {
		t.Errorf("%d are lost: %s", lost(sink), reason(sink))
	}
	z.Reboot()
	for i := range 3 {
		z.Sight(later(100+i), 1, tag(t, 10+i), -5500)
	}
	z.Lose(2)
	z.Sight(later(200), 1, tag(t, 20), -5500)
	sink.Wait(t, "eight reads", func() bool { return len(sink.Reads()) == 8 })
	var numbers []uint64
	for _, r := range sink.Reads() {
		numbers = append(numbers, r.Seq)
	}
	if !slices.Equal(numbers, []uint64{1, 7, 7, 8, 1, 2, 3, 6}) || lost(sink) != 7 {
		t.Errorf("numbers are %v, %d are lost", numbers, lost(sink))
	}
}

func TestTheDriverHearsWhatAZebraTellsOfItself(t *testing.T) {
	z, sink := zebra(t, broker(t))
	z.Heartbeat(later(0), map[uint8]bool{1: true, 2: true, 3: false, 4: false})
	z.Input(later(1), 2, false)
	sink.Wait(t, "the input", func() bool { return len(sink.GPIs()) == 1 })
	if g := sink.GPIs()[0]; g.Port != 2 || g.High || !g.ReaderTime.Equal(later(1)) || sink.State() != devices.Up {
		t.Errorf("input is %+v, the reader %s: %s", g, sink.State(), reason(sink))
	}
	z.Heartbeat(later(2), map[uint8]bool{1: true, 2: false, 3: false, 4: false})
	sink.Wait(t, "the antenna is gone", func() bool { return strings.Contains(reason(sink), "antenna 2;") })
	z.Sight(later(3), 2, tag(t, 1), -5500) // it reads again before the next heartbeat
	sink.WaitState(t, devices.Up)
	z.Fault(later(4), "PA over temperature")
	sink.Wait(t, "the fault", func() bool { return strings.Contains(reason(sink), "PA over temperature") })
	if lost(sink) > 0 {
		t.Errorf("%d are lost", lost(sink))
	}
}

func TestTheDriverReadsAHandheldsBatches(t *testing.T) {
	m := broker(t)
	sink := gateway(t, m, devices.Settings{
		ID: "hand-1", Driver: "rfd40", Address: "mqtt:t1/DATA/clients/data1event/S1",
		Options: map[string]string{"status": "t1/DATA/clients/rfid/S1", "events": "t1/MGMT/clients/event/S1"},
	})
	h := node.NewHandheld(node.Config{
		ID: "hand-1", URL: m.url, Topic: "t1/DATA/clients/data1event/S1", Status: "t1/DATA/clients/rfid/S1",
	}, "t1/MGMT/clients/event/S1")
	run(t, h.Run)
	sink.WaitState(t, devices.Up)
	var want []string
	for round := range 3 {
		batch := []devices.Tag{tag(t, 10*round), tag(t, 10*round+1), tag(t, 10*round+2)}
		for _, tag := range batch {
			want = append(want, tag.String())
		}
		if round == 2 {
			h.Go(later(10*round), batch...)
		} else {
			h.Pull(later(10*round), batch...) // counts from 1 again
		}
	}
	sink.Wait(t, "nine reads", func() bool { return len(sink.Reads()) == 9 })
	if !slices.Equal(sink.Keys(), want) || lost(sink) > 0 {
		t.Errorf("reads are %v, %d are lost", sink.Keys(), lost(sink))
	}
	h.Alert(later(40), "BATTERY", "SET", "CRITICAL")
	sink.Wait(t, "the alert", func() bool { return strings.Contains(reason(sink), "BATTERY") })
	h.Alert(later(50), "BATTERY", "CLEAR", "CRITICAL")
	sink.WaitState(t, devices.Up)
}

func TestTheDriverReadsTheCardsOfATasmotaNode(t *testing.T) {
	m := broker(t)
	sink := gateway(t, m, devices.Settings{
		ID: "desk-1", Driver: "tasmota-tag", Address: "mqtt:site/SZ1/desk-1/tele/SENSOR", Options: map[string]string{"timezone": "Asia/Shanghai"},
	})
	r := node.NewCardReader(node.Config{
		ID: "desk-1", URL: m.url, Topic: "site/SZ1/desk-1/tele/SENSOR", Status: "site/SZ1/desk-1/tele/LWT",
	}, "PN532")
	run(t, r.Run)
	sink.WaitState(t, devices.Up)
	zone := time.FixedZone("CST", 8*3600)
	for i := range 20 {
		card, err := devices.ParseTag(fmt.Sprintf("uid:94d8fc%02x", i))
		if err != nil {
			t.Fatal(err)
		}
		r.Show(later(i).In(zone), card, fmt.Sprint("pallet ", i))
	}
	sink.Wait(t, "all cards", func() bool { return len(sink.Reads()) == 20 })
	for i, got := range sink.Reads() {
		if got.Tag.String() != fmt.Sprintf("uid:94d8fc%02x", i) || got.Text != fmt.Sprint("pallet ", i) || !got.ReaderTime.Equal(later(i)) {
			t.Errorf("read %d is %+v", i, got)
		}
	}
}
