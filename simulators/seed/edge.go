package seed

import (
	"bytes"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/tallydock/tallydock/simulators/line"
	"github.com/tallydock/tallydock/simulators/scenario"
	"github.com/tallydock/tallydock/simulators/world"
)

// edge is a gateway's configuration, as far as a simulated site needs it.
type edge struct {
	Edge    string       `yaml:"edge"`
	Site    string       `yaml:"site"`
	Data    string       `yaml:"data"`
	Hub     broker       `yaml:"hub"`
	MQTT    broker       `yaml:"mqtt"`
	API     edgeAPI      `yaml:"api"`
	Devices []edgeDevice `yaml:"devices"`
	Shelves []edgeShelf  `yaml:"shelves"`
	Tables  []edgeTable  `yaml:"tables"`
	Doors   []edgeDoor   `yaml:"doors"`
	Rules   []edgeRule   `yaml:"rules"`
}

type broker struct {
	Broker       string `yaml:"broker"`
	User         string `yaml:"user"`
	PasswordFile string `yaml:"password_file"`
}

type edgeAPI struct {
	Listen string `yaml:"listen"`
}

type edgeDevice struct {
	ID       string            `yaml:"id"`
	Driver   string            `yaml:"driver"`
	Model    string            `yaml:"model,omitempty"`
	Address  string            `yaml:"address"`
	Poll     time.Duration     `yaml:"poll,omitempty"`
	Location string            `yaml:"location,omitempty"` // of a probe
	Options  map[string]string `yaml:"options,omitempty"`
}

type edgeShelf struct {
	Location    string        `yaml:"location"`
	Device      string        `yaml:"device"`
	Antenna     uint8         `yaml:"antenna"`
	AbsentAfter time.Duration `yaml:"absent_after"`
}

type edgeTable struct {
	Location string `yaml:"location"`
	Device   string `yaml:"device"`
}

type edgeDoor struct {
	ID             string        `yaml:"id"`
	InsideLocation string        `yaml:"inside_location"`
	Inside         []edgeAntenna `yaml:"inside"`
	Outside        []edgeAntenna `yaml:"outside"`
	Quiet          time.Duration `yaml:"quiet"`
	MinReads       int           `yaml:"min_reads"`
}

type edgeAntenna struct {
	Device  string `yaml:"device"`
	Antenna uint8  `yaml:"antenna"`
}

type edgeRule struct {
	ID       string        `yaml:"id"`
	Class    string        `yaml:"class"`
	Location string        `yaml:"location"`
	Device   string        `yaml:"device"`
	Quantity string        `yaml:"quantity"`
	High     string        `yaml:"high,omitempty"`
	Low      string        `yaml:"low,omitempty"`
	Deadband string        `yaml:"deadband,omitempty"`
	OnDelay  time.Duration `yaml:"on_delay,omitempty"`
	OffDelay time.Duration `yaml:"off_delay,omitempty"`
	NoData   time.Duration `yaml:"no_data,omitempty"`
	Priority int           `yaml:"priority"`
}

func edgeOf(c Config) edge {
	s := c.Scenario
	b := broker{
		Broker: "tcp://" + c.MQTT, User: s.Site.Edge, PasswordFile: filepath.Join(c.Dir, "edge.password"),
	}
	e := edge{
		Edge: s.Site.Edge, Site: s.Site.Code, Data: filepath.Join(c.Dir, "edge"), Hub: b, MQTT: b,
		API: edgeAPI{c.EdgeAPI}, Devices: devicesOf(c),
	}
	pace := world.Pace{Speed: c.Speed}
	absent := pace.AbsentAfter(s.Radio.ShelfEvery, world.Stock(s))
	for _, r := range s.Readers {
		for n := range uint8(5) {
			if bay := r.Bays[n]; bay != "" {
				e.Shelves = append(e.Shelves, edgeShelf{bay, r.ID, n, absent})
			}
		}
	}
	for _, p := range s.Pads {
		e.Tables = append(e.Tables, edgeTable{p.Location, p.ID})
	}
	for _, d := range s.Doors {
		e.Doors = append(e.Doors, edgeDoor{
			ID: d.ID, InsideLocation: d.Floor, Inside: []edgeAntenna{{d.Inside.Device, d.Inside.Number}},
			Outside: []edgeAntenna{{d.Outside.Device, d.Outside.Number}}, Quiet: pace.Quiet(), MinReads: 2,
		})
	}
	for _, r := range s.ColdRooms {
		e.Rules = append(e.Rules, rulesOf(s, r)...)
	}
	return e
}

func devicesOf(c Config) []edgeDevice {
	s := c.Scenario
	serial := func(id string, baud int) string {
		return fmt.Sprintf("serial:%s?baud=%d", line.Path(c.Dir, id), baud)
	}
	mqtt := func(id, rest string) string { return "mqtt:site/" + s.Site.Code + "/" + id + rest }
	var list []edgeDevice
	for _, r := range s.Readers {
		d := edgeDevice{ID: r.ID, Driver: r.Driver, Address: mqtt(r.ID, "/events")}
		if r.Driver == scenario.UHF {
			d.Address = serial(r.ID, 115200)
		}
		list = append(list, d)
	}
	for _, p := range s.Pads {
		list = append(list, edgeDevice{ID: p.ID, Driver: scenario.PN532, Address: serial(p.ID, 115200)})
	}
	for _, p := range s.Probes {
		if p.Driver == scenario.Tasmota {
			list = append(list, edgeDevice{ID: p.ID, Driver: p.Driver, Address: mqtt(p.ID, "/tele/SENSOR"), Location: p.Location})
			continue
		}
		list = append(list, edgeDevice{
			ID: p.ID, Driver: p.Driver, Model: p.Model, Address: serial(p.ID, 9600), Poll: p.Period,
			Location: p.Location,
			Options:  map[string]string{"unit": "1"},
		})
	}
	return list
}

// rulesOf watches a cold room by its first probe for its limits, and by every probe for silence.
func rulesOf(s *scenario.Scenario, r scenario.ColdRoom) []edgeRule {
	at := func(p scenario.Probe) bool { return p.Location == r.Location }
	first := slices.IndexFunc(s.Probes, at)
	if first < 0 {
		return nil
	}
	rule := edgeRule{
		Class: "cold_chain", Location: r.Location, Device: s.Probes[first].ID, Quantity: "temperature", Deadband: "0.5",
		OnDelay: 5 * time.Minute, OffDelay: 2 * time.Minute, Priority: 1,
	}
	high, low := rule, rule
	high.ID, high.High = "cold-"+r.Location+"-high", r.High.String()
	low.ID, low.Low = "cold-"+r.Location+"-low", r.Low.String()
	rules := []edgeRule{high, low}
	for _, p := range s.Probes {
		if at(p) {
			rules = append(rules, edgeRule{
				ID: p.ID + "-silent", Class: "cold_chain", Location: r.Location, Device: p.ID, Quantity: "temperature",
				NoData: 15 * time.Minute, Priority: 2,
			})
		}
	}
	return rules
}

func yamlFile(head string, v any) ([]byte, error) {
	var b bytes.Buffer
	fmt.Fprintf(&b, "# %s Written by sim seed.\n", head)
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	if err := enc.Encode(v); err != nil {
		return nil, fmt.Errorf("cannot write a configuration: %w", err)
	}
	return b.Bytes(), enc.Close()
}
