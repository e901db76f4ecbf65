package app

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/tallydock/tallydock/hub/config"
	"github.com/tallydock/tallydock/hub/doctor"
	"github.com/tallydock/tallydock/hub/enrol"
	"github.com/tallydock/tallydock/hub/fault"
	"github.com/tallydock/tallydock/hub/ingest"
	"github.com/tallydock/tallydock/hub/store"
)

// Examination lists what hub doctor looks at for a configuration.
func Examination(c config.Config) []doctor.Check {
	runs := atWork(c.Data)
	host, _, _ := net.SplitHostPort(c.Listen)
	ip := net.ParseIP(host)
	all := []doctor.Check{
		doctor.Folder(c.Data), doctor.Limits(), doctor.Clock(ClockSynced),
		doctor.Certificate(c.TLS.Cert, c.TLS.Key, c.Listen, host == "localhost" || ip != nil && ip.IsLoopback(), time.Now()),
		doctor.Port("console's port", c.Listen, runs),
	}
	if c.MQTT.Broker == "" {
		all = append(all, doctor.Port("broker's port", c.MQTT.Listen, runs))
	}
	if c.Enrol.On() {
		all = append(all, doctor.Port("edges' port", c.Enrol.Listen, runs))
	}
	if AsOwner(c.Data) != nil {
		return all // what comes now would leave files that the hub's user cannot open
	}
	return append(all, doctor.Disk(c.Data), brokerCheck(c, runs),
		doctor.OfDatabase(func(ctx context.Context) (doctor.Database, error) { return databaseOf(ctx, c) }))
}

// atWork reports whether a hub has the data folder.
func atWork(data string) bool {
	if _, err := os.Stat(filepath.Join(data, "hub.lock")); err != nil {
		return false
	}
	release, err := Lock(data)
	if err == nil {
		release()
	}
	return errors.Is(err, fault.Conflict)
}

// brokerCheck signs in at the broker outside, or at the hub's own while it runs.
func brokerCheck(c config.Config, runs bool) doctor.Check {
	at := c.MQTT.Broker
	if at == "" {
		at = c.MQTT.Listen
		if _, port, _ := net.SplitHostPort(at); !runs || port == "0" {
			return doctor.Broker(at, nil)
		}
	}
	return doctor.Broker(at, func(ctx context.Context) (err error) {
		var logins config.Credentials
		var ca *enrol.CA
		if c.MQTT.Broker == "" {
			if logins, err = config.EnsureCredentials(c); err != nil {
				return err
			}
		}
		if c.Enrol.On() {
			if ca, err = OpenCA(c); err != nil {
				return err
			}
		}
		broker, err := brokerOf(c, c.MQTT.Listen, logins, ca)
		if err != nil {
			return err
		}
		broker.ClientID = config.HubUser + "-doctor"
		return ingest.Try(ctx, broker)
	})
}

// databaseOf connects to the database without making or changing it; nil where it is yet to be made.
func databaseOf(ctx context.Context, c config.Config) (doctor.Database, error) {
	if c.Database == (config.Database{}) {
		if _, err := os.Stat(filepath.Join(c.Data, DatabaseFile)); errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
	}
	db, err := ConnectDatabase(ctx, c, time.Now, nil)
	if err != nil {
		return nil, err
	}
	return store.Doctor{DB: db}, nil
}
