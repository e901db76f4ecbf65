package influx_test

import (
	"context"
	"os"
	"sync"
	"testing"

	"github.com/tallydock/tallydock/hub/series"
	"github.com/tallydock/tallydock/hub/series/influx"
	"github.com/tallydock/tallydock/hub/series/influx/influxtest"
	"github.com/tallydock/tallydock/hub/series/seriestest"
)

// first is the influxd of all tests that do no harm to it.
var first struct {
	sync.Once
	*influxtest.Server
	err error
}

// shared gives first, and starts it for the first test that asks.
func shared(t testing.TB) *influxtest.Server {
	t.Helper()
	server := influxtest.New(t, "")
	first.Do(func() {
		first.Server = server
		if server.Dir, first.err = os.MkdirTemp("", "influxd"); first.err == nil {
			first.err = server.Start(true)
		}
	})
	if first.err != nil {
		t.Fatal(first.err)
	}
	return first.Server
}

func TestMain(m *testing.M) {
	code := m.Run()
	if first.Server != nil {
		first.Kill()
		os.RemoveAll(first.Dir)
	}
	os.Exit(code)
}

func open(t testing.TB, c influx.Config, directory influx.Directory) *influx.DB {
	t.Helper()
	db, err := influx.New(c, directory)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	return db
}

// hub writes to InfluxDB what it notes the sensors of, as a hub's own database does.
type hub struct {
	*influx.DB
	sensors *seriestest.Memory
}

func openHub(t testing.TB, addr, database string) hub {
	h := hub{sensors: new(seriestest.Memory)}
	h.DB = open(t, influx.Config{URL: "http://" + addr, Bucket: database + "/autogen"}, h.sensors)
	return h
}

func (h hub) Write(ctx context.Context, samples []series.Sample) error {
	if err := h.sensors.Write(ctx, samples); err != nil {
		return err
	}
	return h.DB.Write(ctx, samples)
}

func TestContract(t *testing.T) {
	s := shared(t)
	seriestest.Run(t, func(t *testing.T) seriestest.Harness {
		h := openHub(t, s.Addr, s.Database(t))
		return seriestest.Harness{Sink: h, Source: h}
	})
}
