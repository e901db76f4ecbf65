package e2e_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/tallydock/tallydock/deploy/e2e"
	"github.com/tallydock/tallydock/devices/mqttnode"
	"github.com/tallydock/tallydock/devices/unit"
)

const (
	crowdTags    = 100_000
	crowdRate    = 5000 // reads a second over MQTT while the memory is watched
	crowdMoves   = 50   // tags a second that change their bay
	crowdSpan    = 60 * time.Second
	crowdMessage = 20        // reads in an MQTT message
	crowdLimit   = 128 << 20 // bytes that the edge may keep resident
	crowdSerial  = 2         // of the bays are read by serial readers, which are slow
	serialTags   = 400       // so they have few tags
)

// crowdReaders are 64 bays with a reader each: networked ones, and two serial ones.
var crowdReaders = manyReaders()

func manyReaders() (list []benchReader) {
	for bay := range benchBays {
		r := benchReader{id: fmt.Sprintf("r700-%02d", bay), driver: "r700", bays: []int{bay}}
		if bay >= benchBays-crowdSerial {
			r.id, r.driver = fmt.Sprintf("uhf-%02d", bay), "uhf"
		}
		list = append(list, r)
	}
	return list
}

// measureEdgeMemory fills 64 bays with 100,000 tags, keeps reading and moving them for a minute, with a hub that takes
// all, and looks at what the edge keeps in memory meanwhile.
func measureEdgeMemory(t *testing.T, f *figures) {
	bin, profiles := programs(t), ""
	if os.Getenv("TALLYDOCK_BENCH_HEAP") != "" {
		bin, profiles = profiledPrograms(t)
	}
	h := openBench(t, bin, []string{"SZ1-E1"}, crowdReaders)
	c := newCrowd(t, h)
	began := time.Now()
	c.readAll()
	h.eventually(time.Minute, "the edge knows every tag and the hub has them", func() (bool, string) {
		m := metrics(t, h.EdgeAPI)
		return m["edge_store_head"] >= crowdTags && m["edge_uplink_lag_records"] == 0,
			fmt.Sprintf("%v reads of %d, %v records, of which the hub lacks %v", m["tallydock_edge_device_reads_total"], 2*crowdTags,
				m["edge_store_head"], m["edge_uplink_lag_records"])
	})
	t.Logf("all %d tags are known to edge and hub after %v", crowdTags, time.Since(began).Round(100*time.Millisecond))
	first := memory(t, h.PID("edge"))
	before, m0 := used(t, h.PID("edge")), metrics(t, h.EdgeAPI)
	most := c.watch()
	after, m1 := used(t, h.PID("edge")), metrics(t, h.EdgeAPI)
	last := memory(t, h.PID("edge"))
	seconds := after.at.Sub(before.at).Seconds()
	row := func(what string, bytes int64) {
		f.add(what, mebibytes(bytes), "MiB", "what the edge may keep resident", mebibytes(crowdLimit))
	}
	row(fmt.Sprintf("edge memory, %d tags: resident, most in %v of load", crowdTags, crowdSpan), most)
	row("  resident at its end (VmRSS)", last["VmRSS"])
	row("  of that anonymous (RssAnon)", last["RssAnon"])
	row("  of that of files (RssFile)", last["RssFile"])
	row("  most since its start (VmHWM)", last["VmHWM"])
	t.Logf("after the first sight of all: RSS %.1f MiB (anonymous %.1f, files %.1f)",
		mebibytes(first["VmRSS"]), mebibytes(first["RssAnon"]), mebibytes(first["RssFile"]))
	t.Logf("load: %.0f reads/s, %.0f movements/s, %.2f cores; Go heap in use %.1f MiB, from the system %.1f MiB, %.1f collections/s",
		(m1["tallydock_edge_device_reads_total"]-m0["tallydock_edge_device_reads_total"])/seconds,
		(m1["edge_store_head"]-m0["edge_store_head"])/seconds, (after.cpu-before.cpu).Seconds()/seconds,
		m1["go_memstats_heap_inuse_bytes"]/(1<<20), m1["go_memstats_sys_bytes"]/(1<<20),
		(m1["go_gc_duration_seconds_count"]-m0["go_gc_duration_seconds_count"])/seconds)
	hub := memory(t, h.PID("hub"))
	t.Logf("the hub beside it: RSS %.1f MiB, most %.1f MiB", mebibytes(hub["VmRSS"]), mebibytes(hub["VmHWM"]))
	if profiles != "" {
		if err := h.Stop("edge"); err != nil {
			t.Fatal(err)
		}
		t.Logf("live memory of the edge\n%s", top(t, 25, "-sample_index=inuse_space", filepath.Join(profiles, "heap.pprof")))
	}
}

// crowd reads many tags on many bays.
type crowd struct {
	t      *testing.T
	h      *benchHouse
	mqtt   *e2e.MQTT
	lines  map[string]*feeder
	rand   *rand.Rand
	epc    [][]byte
	bay    []int // where each tag is
	reader []benchReader
	port   []int // by bay: the antenna port

	pending map[string][]byte // by reader: events of the next message
	held    map[string]int
}

func newCrowd(t *testing.T, h *benchHouse) *crowd {
	c := &crowd{
		t: t, h: h, lines: map[string]*feeder{}, rand: rand.New(rand.NewPCG(50, 128)), reader: make([]benchReader, benchBays),
		port: make([]int, benchBays), pending: map[string][]byte{}, held: map[string]int{},
	}
	for _, r := range crowdReaders {
		for i, bay := range r.bays {
			c.reader[bay], c.port[bay] = r, i+1
		}
		if r.driver == "uhf" {
			c.lines[r.id] = newFeeder(t, filepath.Join(h.Dir, "tty-"+r.id))
			go c.lines[r.id].answer()
		}
	}
	for n := range crowdTags {
		bay := n % (benchBays - crowdSerial)
		if n < crowdSerial*serialTags {
			bay = benchBays - 1 - n%crowdSerial
		}
		c.epc, c.bay = append(c.epc, sgtin(t, n).Bytes()), append(c.bay, bay)
	}
	h.start("hub", "edge")
	login := h.logins.Devices[benchSite]
	var err error
	if c.mqtt, err = e2e.DialMQTT(h.MQTT, login.User, string(login.Password), 64, nil); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.mqtt.Close() })
	for _, l := range c.lines {
		l.awaitPolling()
	}
	h.eventually(30*time.Second, "the edge listens to the networked readers", func() (bool, string) {
		for _, r := range crowdReaders {
			if r.driver == "r700" {
				c.say(r.id, event(t, mqttnode.R700Event{
					Timestamp: time.Now().UTC().Format(time.RFC3339Nano), EventType: mqttnode.R700InventoryStatus,
					InventoryStatus: &mqttnode.R700Inventory{Status: "running"},
				}))
			}
		}
		up := metrics(t, h.EdgeAPI)["tallydock_edge_device_up"]
		return up == float64(len(crowdReaders)), fmt.Sprintf("%v devices are up", up)
	})
	return c
}

func event(t *testing.T, e mqttnode.R700Event) []byte {
	t.Helper()
	b, err := mqttnode.EncodeR700(e)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (c *crowd) say(reader string, events []byte) {
	c.t.Helper()
	if err := c.mqtt.Publish("site/"+benchSite+"/"+reader+"/events", events); err != nil {
		c.t.Fatal(err)
	}
}

// read lets a bay's antenna see a tag.
func (c *crowd) read(n, bay int, rssi unit.DBm) {
	r := c.reader[bay]
	if l := c.lines[r.id]; l != nil {
		l.say(sighting(c.t, nil, c.epc[n], int8(rssi/100)))
		return
	}
	e := event(c.t, mqttnode.R700Read(time.Now(), c.epc[n], c.port[bay], rssi))
	c.pending[r.id] = append(append(c.pending[r.id], e...), '\n')
	if c.held[r.id]++; c.held[r.id] == crowdMessage {
		c.flush(r.id)
	}
}

func (c *crowd) flush(reader string) {
	if c.held[reader] > 0 {
		c.say(reader, c.pending[reader])
	}
	c.pending[reader], c.held[reader] = nil, 0
}

func (c *crowd) flushAll() {
	for _, r := range crowdReaders {
		c.flush(r.id)
	}
}

// readAll shows each tag twice, which is what the shelf rule needs. It waits for the edge now and then: of what a session
// has on its way the hub's broker holds everything beyond its limit back for seconds where the session has several
// subscriptions.
func (c *crowd) readAll() {
	const atOnce = 100 * crowdMessage
	for round := range 2 {
		for n := range c.epc {
			c.read(n, c.bay[n], c.level())
			if n%atOnce == atOnce-1 || n == len(c.epc)-1 {
				c.flushAll()
				c.awaitReads(round*len(c.epc) + n + 1)
			}
		}
	}
}

// awaitReads waits until the edge has had so many reads.
func (c *crowd) awaitReads(n int) {
	c.t.Helper()
	c.h.eventually(time.Minute, "the edge has the reads", func() (bool, string) {
		had := metrics(c.t, c.h.EdgeAPI)["tallydock_edge_device_reads_total"]
		return had >= float64(n), fmt.Sprintf("%.0f of %d", had, n)
	})
}

// level is how a tag's home antenna hears it.
func (c *crowd) level() unit.DBm { return unit.DBm(-6000 + c.rand.IntN(800)) }

// watch keeps reading at crowdRate: mostly at home, a fifth of the reads weakly by a neighbouring bay, and some tags
// change their bay. It gives the most memory that it saw the edge keep.
func (c *crowd) watch() (most int64) {
	const beat = 20 * time.Millisecond
	perBeat := crowdRate * int(beat) / int(time.Second)
	moves, n := 0.0, 0
	began := time.Now()
	for k := 0; time.Since(began) < crowdSpan; k++ {
		time.Sleep(time.Until(began.Add(time.Duration(k) * beat)))
		for range perBeat {
			n = (n + 1) % crowdTags
			if bay := c.bay[n]; c.rand.IntN(5) == 0 {
				c.read(n, (bay+1)%(benchBays-crowdSerial), c.level()-1500)
			} else {
				c.read(n, bay, c.level())
			}
		}
		for moves += crowdMoves * beat.Seconds(); moves >= 1; moves-- {
			c.move(crowdSerial*serialTags + c.rand.IntN(crowdTags-crowdSerial*serialTags))
		}
		if k%10 == 0 {
			c.flushAll()
			most = max(most, memory(c.t, c.h.PID("edge"))["VmRSS"])
		}
	}
	c.flushAll()
	return most
}

// move puts a tag on another bay, whose antenna sees it well.
func (c *crowd) move(n int) {
	c.bay[n] = (c.bay[n] + 1 + c.rand.IntN(benchBays-crowdSerial-1)) % (benchBays - crowdSerial)
	for range 2 {
		c.read(n, c.bay[n], -3500)
	}
}
