package app

import (
	"fmt"
	"reflect"
	"time"

	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/edge/config"
	"github.com/tallydock/tallydock/edge/settings"
)

// stallLimit is how long the pipeline may keep nothing before the gateway counts as stuck.
const stallLimit = 30 * time.Second

// first decides by which configuration a program starts.
func (k *Keeper) first(own config.Config) (config.Config, error) {
	k.folder, k.present = settings.In(own.Data), own
	book, err := k.folder.Load()
	if err != nil {
		k.log.Error("the gateway works by its own file, until the hub sends again", "error", err)
	}
	k.book = book
	next := book.Vet(k.judgeOf(own)).Begin()
	if err := k.keep(next); err != nil && next.Trial != nil {
		k.book = next.Revert("it cannot be noted that it is on trial: " + err.Error())
	}
	return k.choose()
}

// choose reads the configuration that counts. One of the hub that does not go together with the gateway's own file is left
// out: a gateway that does not run cannot be told a better one.
func (k *Keeper) choose() (config.Config, error) {
	k.misfit = ""
	version, text := k.book.Running()
	conf, err := k.opt.Load(text)
	if err == nil || version == 0 {
		return conf, err
	}
	reason := "it does not go together with the gateway's own file: " + err.Error()
	if k.book.Trial != nil {
		k.keep(k.book.Revert(reason))
		return k.choose()
	}
	k.log.Error("the hub's configuration does not run; the gateway works by its own file", "version", version, "error", err)
	k.misfit = reason
	k.say()
	return k.opt.Load("")
}

func (k *Keeper) judgeOf(c config.Config) settings.Judge {
	return settings.Judge{Edge: c.Edge, Key: c.Hub.Key(), Check: k.check}
}

// check tells whether the gateway can work by a text of the hub.
func (k *Keeper) check(text string) error {
	conf, err := k.opt.Load(text)
	if err != nil {
		return err
	}
	if _, err := conf.Plan(); err != nil {
		return err
	}
	return k.fits(conf)
}

// fits tells whether this program can go over to a configuration.
func (k *Keeper) fits(c config.Config) error {
	if c.Edge != k.present.Edge || c.Data != k.present.Data {
		return fmt.Errorf("edge or data is another than when the gateway started (%s in %s): stop it and start it again", k.present.Edge, k.present.Data)
	}
	return nil
}

// hear takes a configuration from the uplink; a newer one takes the place of one that waits.
func (k *Keeper) hear(c wire.Configuration) {
	for {
		select {
		case k.offers <- c:
			return
		default:
		}
		select {
		case <-k.offers:
		default:
		}
	}
}

// consider decides on a configuration from the hub; it gives the one to run next, nil where all stays as it is.
func (k *Keeper) consider(a *App, c wire.Configuration) *config.Config {
	book, verdict := k.book.Offer(c, k.judgeOf(k.present))
	if verdict == settings.Same {
		return nil
	}
	if verdict == settings.Refused {
		k.keep(book)
		return nil
	}
	conf, err := k.opt.Load(c.Text)
	if err == nil {
		err = k.keep(book.Begin())
	}
	if err != nil {
		k.log.Error("the hub's configuration cannot be tried", "version", c.Version, "error", err)
		return nil
	}
	if k.before == nil {
		was := k.present
		k.before = &was
	}
	k.misfit, k.linked = "", a.uplink.State().Connected
	k.say()
	_ = k.opt.Manager.Reloading()
	return &conf
}

// trial is when the trial of what is about to run is over; nil, which never comes, where there is none.
func (k *Keeper) trial() <-chan time.Time {
	if k.book.Trial == nil {
		return nil
	}
	return k.after(k.opt.Trial)
}

// judge ends a trial; it gives what to go back to where it went badly.
func (k *Keeper) judge(a *App) *config.Config {
	reason := "the gateway did not start with it in time"
	if k.app.Load() == a {
		reason = a.unwell(k.linked)
	}
	if reason == "" {
		k.keep(k.book.Confirm())
		k.before = nil
		return nil
	}
	next, err := k.revert(reason)
	if err != nil {
		k.log.Error("there is nothing to go back to; the gateway goes on", "error", err)
	}
	return next
}

// revert ends a trial that went badly and gives what to go back to.
func (k *Keeper) revert(reason string) (*config.Config, error) {
	k.keep(k.book.Revert(reason))
	back, err := k.choose()
	if err != nil && k.before != nil { // the file was spoilt meanwhile
		back, err = *k.before, nil
	}
	k.before = nil
	if err != nil {
		return nil, err
	}
	return &back, nil
}

// keep makes a book the present one, on disk too, and tells of what is new. Where it cannot be kept on disk it counts all the
// same, but for one with a trial, which must not run unnoted.
func (k *Keeper) keep(b settings.Book) error {
	if reflect.DeepEqual(b, k.book) {
		k.say()
		return nil
	}
	err := k.folder.Save(b)
	if err != nil {
		k.log.Error("the next start of the gateway will not know of this", "error", err)
		if b.Trial != nil {
			return err
		}
	}
	was := k.book
	k.book = b
	if was.State != b.State || was.Offered != b.Offered || was.Reason != b.Reason {
		k.tell(b.Status())
	}
	k.say()
	return err
}

// tell writes into the log what became of a configuration from the hub.
func (k *Keeper) tell(s wire.ConfigStatus) {
	log := k.log.With("version", s.Offered, "running", s.Version)
	switch s.State {
	case wire.ConfigTrial:
		log.Info("a configuration from the hub is tried", "for", k.opt.Trial)
	case wire.ConfigConfirmed:
		log.Info("the hub's configuration ran well and stays")
	case wire.ConfigRefused:
		log.Warn("a configuration from the hub is refused", "reason", s.Reason)
	case wire.ConfigReverted:
		log.Error("a configuration from the hub is given up again", "reason", s.Reason)
	}
}

// say makes what became of the hub's configurations known, to the hub too.
func (k *Keeper) say() {
	s := k.book.Status()
	if k.misfit != "" {
		s = wire.ConfigStatus{State: wire.ConfigRefused, Reason: k.misfit, Offered: s.Version}
	}
	if old := k.told.Swap(&s); *old == s {
		return
	}
	if a := k.app.Load(); a != nil {
		a.uplink.Tell()
	}
}

// unwell says what is wrong with a gateway that runs on trial; "" = nothing. linked: the hub could be reached before.
func (a *App) unwell(linked bool) string {
	p, link := a.store.Position(), a.uplink.State()
	switch {
	case p.Err != nil:
		return "the store failed: " + p.Err.Error()
	case a.stuck():
		return fmt.Sprintf("nothing was kept for %s", a.pipeline.Stalled().Round(time.Second))
	case linked && !link.Connected && link.Err == nil:
		return "the hub was not reached with it, though it was before"
	case linked && !link.Connected:
		return "the hub was not reached with it, though it was before: " + link.Err.Error()
	}
	return ""
}
