package probe_test

import (
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices/catalog"
	"github.com/tallydock/tallydock/devices/modbus"
	"github.com/tallydock/tallydock/devices/port"
	"github.com/tallydock/tallydock/simulators/probe"
)

// client is a master on a bus behind a TCP port.
func client(t *testing.T, b *probe.Bus, framing modbus.Framing) *modbus.Client {
	t.Helper()
	address, err := port.ParseAddress(onTCP(t, b, framing))
	if err != nil {
		t.Fatal(err)
	}
	shared, err := gateway(t).Ports.Share(address, port.Options{ReadTimeout: 300 * time.Microsecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(shared.Leave)
	return &modbus.Client{Line: shared, Framing: framing, Timeout: 250 * time.Millisecond, Gap: time.Microsecond}
}

// Every register holds its own number, so a value tells whose answer it is.
func TestALateAnswerIsNeverTakenForAnother(t *testing.T) {
	t.Parallel()
	for name, framing := range map[string]modbus.Framing{"rtu": modbus.RTU, "tcp": modbus.TCP} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u := newUnit(t, "xy-md02", 1)
			for i := range uint16(40) {
				u.Poke(catalog.Holding, i, i)
			}
			u.Delay(760 * time.Millisecond) // later than the timeout, and sooner than twice of it
			bus := probe.NewBus(u)
			bus.Quick()
			c := client(t, bus, framing)
			c.Retries, c.Timeout = -1, 700*time.Millisecond
			random := rand.New(rand.NewPCG(7, 9))
			answered, silent := 0, 0
			for range 24 {
				if random.IntN(3) == 0 {
					u.Fail(probe.Late, 1)
				}
				at := uint16(random.IntN(40))
				a, err := c.Ask(t.Context(), modbus.Request{Unit: 1, Function: modbus.ReadHolding, Register: at, Count: 1})
				switch {
				case errors.Is(err, modbus.ErrNoAnswer):
					silent++
				case err != nil:
					t.Fatal(err)
				case a.Registers[0] != at:
					t.Errorf("register %d is %d: the answer of another request", at, a.Registers[0])
				default:
					answered++
				}
			}
			if answered < 8 || silent < 4 {
				t.Errorf("%d were answered and %d were not", answered, silent)
			}
		})
	}
}

// tally counts how exchanges went.
type tally struct {
	right, wrong, refused, failed int
	requests                      uint64
	noise                         probe.NoiseCount
}

func (c *tally) add(more tally) {
	c.right, c.wrong, c.refused, c.failed = c.right+more.right, c.wrong+more.wrong, c.refused+more.refused, c.failed+more.failed
	c.requests += more.requests
	c.noise.Bytes, c.noise.Spoiled = c.noise.Bytes+more.noise.Bytes, c.noise.Spoiled+more.noise.Spoiled
}

// under makes exchanges on a noisy bus of its own. Every register has a value that no other has.
func under(t *testing.T, oneIn, exchanges int, seed uint64) (out tally) {
	value := func(register uint16) uint16 { return register*257 ^ 0x5A5A }
	u := newUnit(t, "xy-md02", 1)
	for i := range uint16(64) {
		u.Poke(catalog.Holding, i, value(i))
	}
	bus := probe.NewBus(u)
	bus.Quick()
	bus.Disturb(probe.Noise{Of: oneIn, Random: rand.New(rand.NewPCG(seed, 13))})
	c := client(t, bus, modbus.RTU)
	random := rand.New(rand.NewPCG(seed, 5))
	for range exchanges {
		ask := modbus.Request{
			Unit: 1, Function: modbus.ReadHolding, Register: uint16(random.IntN(60)), Count: uint16(1 + random.IntN(4)),
		}
		a, err := c.Ask(t.Context(), ask)
		var e modbus.Exception
		switch {
		case errors.As(err, &e):
			out.refused++
		case errors.Is(err, modbus.ErrNoAnswer):
			out.failed++
		case err != nil:
			t.Error(err)
		case slices.ContainsFunc([]int{0, 1, 2, 3}[:ask.Count], func(i int) bool { return a.Registers[i] != value(ask.Register+uint16(i)) }):
			out.wrong++
		default:
			out.right++
		}
	}
	out.requests, out.noise = u.Asked(), bus.Disturbed()
	return out
}

func TestNoNoiseMakesAWrongValue(t *testing.T) {
	t.Parallel()
	const buses, exchanges, oneIn = 8, 1_250, 1_000
	var mu sync.Mutex
	var all tally
	var work sync.WaitGroup
	for i := range uint64(buses) {
		work.Go(func() {
			one := under(t, oneIn, exchanges, i)
			mu.Lock()
			defer mu.Unlock()
			all.add(one)
		})
	}
	work.Wait()
	// Noise that the checksum does not see has a chance of 1 in 65,536 each time.
	t.Logf("%d exchanges: %d right, %d wrong, %d refused, %d without an answer after %d requests that arrived; %d of %d bytes "+
		"spoiled; the checksum would let %.4f wrong ones pass", buses*exchanges, all.right, all.wrong, all.refused, all.failed,
		all.requests, all.noise.Spoiled, all.noise.Bytes, float64(all.noise.Spoiled)/65536)
	if all.wrong != 0 || all.refused != 0 || all.right+all.failed != buses*exchanges {
		t.Errorf("%d wrong, %d refused, %d right", all.wrong, all.refused, all.right)
	}
	if all.noise.Spoiled < buses*exchanges/200 || all.right < buses*exchanges*99/100 {
		t.Errorf("%d bytes were spoiled, and %d exchanges came right", all.noise.Spoiled, all.right)
	}
}
