// Package arch guards the plan of the house: which room may lean on which. Its tests read the source by go list and
// compare it with the rules here and with plan.txt, so that a new arrow is a visible line in a review.
package arch

// Module is the path that all modules of the house share.
const Module = "github.com/tallydock/tallydock/"

// Houses are the modules. devices is the ground; edge, hub and simulators stand on it side by side; deploy is the roof.
var Houses = []string{"devices", "edge", "hub", "simulators", "deploy"}

// MayUse says which other houses a house may import.
var MayUse = map[string][]string{
	"devices":    {},
	"edge":       {"devices"},
	"hub":        {"devices"},
	"simulators": {"devices"},
	"deploy":     {"devices", "edge", "hub", "simulators"},
}

// Pure rooms have no os, net, log, sync or sql, no clock, no goroutine and no global source of randomness.
var Pure = []string{
	"devices", "devices/epc", "devices/unit", "devices/alarm", "devices/wire", "devices/catalog", "devices/formula", "devices/ruuvi",
	"devices/sparkplug",
	"edge/site", "edge/reconcile", "edge/watch",
	"hub/connect/epcis", "hub/sheet", "hub/ledger", "hub/lease", "hub/stock", "hub/forecast", "hub/replenish", "hub/transfer", "hub/twin",
	"simulators/world", "simulators/scenario", "simulators/radio",
}

// Forbidden are the standard packages (and all below them) that a pure room does without.
var Forbidden = []string{"os", "net", "log", "sync", "database", "syscall", "io/fs", "embed"}

// Allowed excepts what a pure room may use of Forbidden: what is embedded is a constant.
var Allowed = map[string][]string{
	"devices/catalog":     {"embed", "io/fs"},
	"edge/reconcile":      {"embed"},
	"hub/connect/epcis":   {"net/url"},
	"simulators/scenario": {"embed", "io/fs"},
}

// Adapters speak with the world; they never import one another.
var Adapters = []string{
	"edge/api", "edge/store", "edge/uplink", "hub/api", "hub/broker", "hub/ingest", "hub/series/influx", "hub/store/sqlite",
	"hub/store/postgres", "hub/connect/webhook",
}

// Owners says which rooms may import an outside library; nobody else may. A name stands for all packages below it.
var Owners = map[string][]string{
	"go.bug.st/serial":                    {"devices/port"},
	"github.com/dgraph-io/badger":         {"edge/store"},
	"github.com/nats-io/nats-server":      {"hub/broker"},
	"github.com/influxdata":               {"hub/series/influx"},
	"github.com/jackc/pgx":                {"hub/store/postgres", "hub/store/postgres/postgrestest"},
	"modernc.org/sqlite":                  {"hub/store/sqlite"},
	"database/sql":                        {"hub/store", "hub/store/sqlite", "hub/store/postgres"},
	"github.com/eclipse/paho.mqtt.golang": {"devices/mqttnode", "edge/uplink", "hub/ingest", "simulators/node"},
	"github.com/expr-lang/expr":           {"devices/formula"},
	"github.com/xuri/excelize":            {}, // a peer in tests
	"golang.org/x/text":                   {"hub/sheet"},
	"github.com/danielgtaylor/huma":       {"hub/api"},
	"github.com/creack/pty":               {"simulators/handheld", "simulators/pad", "simulators/probe", "simulators/line"},
}
