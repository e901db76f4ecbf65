package app

import (
	"os"

	"github.com/tallydock/tallydock/devices/wire"
)

// inherited is what a gateway has from those before it in one program. The zero inherited is a gateway of its own.
type inherited struct {
	lock   *os.File                 // of the data folder; nil = the gateway locks it
	time   *steady                  // the business time that was shown so far; nil = it begins with what the store knows
	offer  func(wire.Configuration) // gets what the hub wants the gateway to work by, and must not block; nil = nobody does
	config func() wire.ConfigStatus // what became of that; nil = nothing is told
}

// takeFolder locks the data folder, unless that is done.
func (a *App) takeFolder() error {
	if a.had.lock != nil {
		return nil
	}
	lock, err := lockFolder(a.conf.Data)
	if err != nil {
		return err
	}
	a.closeLater("folder lock", lock.Close)
	return nil
}

// configStatus is what the hub is told of its configurations.
func (a *App) configStatus() wire.ConfigStatus {
	if a.had.config == nil {
		return wire.ConfigStatus{}
	}
	return a.had.config()
}
