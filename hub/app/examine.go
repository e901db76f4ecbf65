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
		doctor.Port("console's port", c.Listen, runs), doctor.Port("broker's port", c.MQTT.Listen, runs),
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

func brokerCheck(c config.Config, runs bool) doctor.Check {
	if _, port, _ := net.SplitHostPort(c.MQTT.Listen); !runs || port == "0" {
		return doctor.Broker(c.MQTT.Listen, nil)
	}
	return doctor.Broker(c.MQTT.Listen, func(ctx context.Context) error {
		logins, err := config.EnsureCredentials(c)
		if err != nil {
			return err
		}
		var ca *enrol.CA
		if c.Enrol.On() {
			if ca, err = OpenCA(c); err != nil {
				return err
			}
		}
		url, conf := ownBroker(c.MQTT.Listen, c, ca)
		return ingest.Try(ctx, ingest.Config{
			Broker: url, TLS: conf, User: logins.Hub.User, Password: string(logins.Hub.Password), ClientID: config.HubUser + "-doctor",
		})
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
