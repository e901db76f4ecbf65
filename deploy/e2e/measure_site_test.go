package e2e_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tallydock/tallydock/deploy/house"
	"github.com/tallydock/tallydock/devices"
	"github.com/tallydock/tallydock/devices/epc"
	"github.com/tallydock/tallydock/hub/catalog"
	hubconfig "github.com/tallydock/tallydock/hub/config"
	"github.com/tallydock/tallydock/hub/store"
	"github.com/tallydock/tallydock/hub/store/sqlite"
)

// The measured site.
const (
	benchSite  = "SZ1"
	benchItems = 50
	benchBays  = 64
)

// benchReader is a reader of the measured site with its bays, one an antenna.
type benchReader struct {
	id, driver string
	bays       []int
	address    string // "" = as its driver has it here
}

// benchHouse is a site for measuring: its programs, its folder, and the logins at its broker.
type benchHouse struct {
	*site
	logins hubconfig.Credentials
}

// openBench writes configurations and catalogue of a site with these edges and readers; the first edge is the one that
// runs as a program. The clock is the machine's.
func openBench(t *testing.T, bin string, edges []string, readers []benchReader) *benchHouse {
	t.Helper()
	dir := t.TempDir()
	o := house.Options{Bin: bin, Dir: dir, Speed: 1, Listen: free(t), MQTT: free(t), EdgeAPI: free(t)}
	for name, text := range map[string]string{
		"hub.yaml": hubText(edges), "edge.yaml": edgeText(dir, edges[0], readers), "seeded": "",
		"clock": time.Now().Format(time.RFC3339Nano) + "\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cfg, err := hubconfig.Load(filepath.Join(dir, "hub.yaml"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(cfg.Data, 0o700); err != nil {
		t.Fatal(err)
	}
	logins, err := hubconfig.EnsureCredentials(cfg)
	if err != nil {
		t.Fatal(err)
	}
	fillCatalogue(t, filepath.Join(cfg.Data, "hub.db"))
	h, err := house.New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	b := &benchHouse{&site{House: h, t: t}, logins}
	t.Cleanup(b.close)
	return b
}

// programs is the folder of the built programs.
func programs(t *testing.T) string {
	t.Helper()
	bin, err := filepath.Abs("../../bin")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(bin, "edge")); err != nil {
		t.Fatalf("the programs are not built: make build (%v)", err)
	}
	return bin
}

func hubText(edges []string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "data: hub\ndevice_sites: [%s]\nedges:\n", benchSite)
	for _, e := range edges {
		fmt.Fprintf(&b, "  - {id: %s, site: %s}\n", e, benchSite)
	}
	return b.String()
}

func edgeText(dir, edge string, readers []benchReader) string {
	var devices, shelves strings.Builder
	for _, r := range readers {
		address := "mqtt:site/" + benchSite + "/" + r.id + "/events"
		first := 1
		if r.driver == "uhf" {
			address, first = fmt.Sprintf("serial:%s?baud=115200", filepath.Join(dir, "tty-"+r.id)), 0
		}
		if r.address != "" {
			address = r.address
		}
		fmt.Fprintf(&devices, "  - {id: %s, driver: %s, address: %q}\n", r.id, r.driver, address)
		for i, bay := range r.bays {
			fmt.Fprintf(&shelves, "  - {location: %s, device: %s, antenna: %d}\n", bayCode(bay), r.id, first+i)
		}
	}
	login := fmt.Sprintf("{broker: \"tcp://127.0.0.1:1\", user: %s, password_file: edge.password}", edge)
	return fmt.Sprintf("edge: %s\nsite: %s\ndata: edge\nhub: %s\nmqtt: %s\ndevices:\n%sshelves:\n%s",
		edge, benchSite, login, login, &devices, &shelves)
}

func fillCatalogue(t *testing.T, file string) {
	t.Helper()
	db, err := sqlite.Open(t.Context(), file, time.Now, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	items, places, levels := catalog.Rows{Kind: "items"}, catalog.Rows{Kind: "locations"}, catalog.Rows{Kind: "levels"}
	places.Locations = []catalog.Location{{Code: benchSite, Site: benchSite, Kind: catalog.Site}}
	for bay := range benchBays {
		places.Locations = append(places.Locations, catalog.Location{
			Code: bayCode(bay), Site: benchSite, Parent: benchSite, Kind: catalog.Bay, X: bay * 10, W: 10, H: 10,
		})
	}
	for i := range benchItems {
		id := itemID(i)
		items.Items = append(items.Items, catalog.Item{ID: id, GTIN: gtin(i), Name: catalog.Text{EN: "Item " + id}, Unit: "EA"})
		for bay := range benchBays {
			levels.Levels = append(levels.Levels, catalog.Level{Item: id, Location: bayCode(bay), Max: 1000})
		}
	}
	for _, rows := range []catalog.Rows{items, places, levels} {
		if _, err := (store.Catalog{DB: db}).Put(t.Context(), rows); err != nil {
			t.Fatal(err)
		}
	}
}

func bayCode(bay int) string { return fmt.Sprintf("%s-A-%02d", benchSite, bay+1) }

func itemID(i int) string { return fmt.Sprintf("SKU-%02d", i) }

// companyPrefix is the length of the GS1 company prefix in gtin.
const companyPrefix = 7

func gtin(i int) string {
	body := fmt.Sprintf("06950123%05d", i)
	sum := 0
	for n, d := range body {
		sum += int(d-'0') * (3 - n%2*2)
	}
	return body + fmt.Sprint((10-sum%10)%10)
}

// sgtin is the EPC of unit n; its item is n modulo benchItems.
func sgtin(t *testing.T, n int) devices.Tag {
	t.Helper()
	tag, err := epc.EncodeSGTIN96(gtin(n%benchItems), companyPrefix, 1, uint64(n))
	if err != nil {
		t.Fatal(err)
	}
	return tag
}

// usage is what a process has used so far.
type usage struct {
	at  time.Time
	cpu time.Duration // user and system, all threads
}

// clockTick is the unit of the times in /proc/PID/stat; Linux shows 100 a second on every platform.
const clockTick = 10 * time.Millisecond

func used(t *testing.T, pid int) usage {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	var user, system int64
	if _, err := fmt.Sscan(fields[11]+" "+fields[12], &user, &system); err != nil {
		t.Fatal(err)
	}
	return usage{time.Now(), time.Duration(user+system) * clockTick}
}

// memory gives lines of /proc/PID/status in bytes, such as VmRSS and VmHWM.
func memory(t *testing.T, pid int) map[string]int64 {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]int64{}
	for line := range strings.Lines(string(text)) {
		name, rest, _ := strings.Cut(line, ":")
		var kb int64
		if n, _ := fmt.Sscanf(strings.TrimSpace(rest), "%d kB", &kb); n == 1 {
			out[name] = kb << 10
		}
	}
	return out
}

// metrics reads a program's /metrics and adds up the series of each name.
func metrics(t *testing.T, address string) map[string]float64 {
	t.Helper()
	res, err := http.Get("http://" + address + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]float64{}
	for line := range strings.Lines(string(text)) {
		var v float64
		at := strings.LastIndexByte(strings.TrimSpace(line), ' ')
		if strings.HasPrefix(line, "#") || at < 0 {
			continue
		}
		if _, err := fmt.Sscan(line[at:], &v); err != nil {
			continue
		}
		name, _, _ := strings.Cut(line[:at], "{")
		out[name] += v
	}
	return out
}
