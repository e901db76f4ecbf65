package app

import (
	"context"
	"log/slog"
	"os"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tallydock/tallydock/devices/systemd"
	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/edge/config"
	"github.com/tallydock/tallydock/edge/settings"
)

// TrialPeriod is how long a configuration from the hub must run well before it stays.
const TrialPeriod = time.Minute

// KeeperOptions are what a program gives a Keeper.
type KeeperOptions struct {
	Options
	// Load reads and checks the configuration, with the hub's sections in place of the file's own; "" = the file alone.
	Load    func(hub string) (config.Config, error)
	Manager *systemd.Manager // nil = none
	Reload  <-chan os.Signal // asks to read the configuration again; nil = nobody does
	Trial   time.Duration    // 0 = TrialPeriod
}

// Keeper runs a gateway for the life of a program: one App after the other, each with the configuration that counts then. A
// change of the configuration, in the file or by the hub, is checked first; then the App stops in order, with all that was
// read kept, and a new one starts. Where the new one fails, the Keeper goes back.
type Keeper struct {
	opt    KeeperOptions
	log    *slog.Logger
	folder settings.Folder
	offers chan wire.Configuration // the last one that waits

	// What belongs to Run's goroutine.
	book    settings.Book
	misfit  string // why the confirmed configuration does not run, though it counts
	had     inherited
	present config.Config  // what runs
	before  *config.Config // what ran before, until present has shown that it runs; nil = nothing to go back to
	linked  bool           // the uplink had a connection before the trial

	told    atomic.Pointer[wire.ConfigStatus]
	app     atomic.Pointer[App] // the one that is ready; nil between two
	changed atomic.Int64        // machine time when app changed, ns since 1970

	after func(time.Duration) <-chan time.Time // time.After, but for tests
	shown func(*App)                           // told of each App that is ready; for tests
}

// NewKeeper makes a Keeper; it reads nothing yet.
func NewKeeper(o KeeperOptions) *Keeper {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Manager == nil {
		o.Manager = &systemd.Manager{}
	}
	if o.Trial == 0 {
		o.Trial = TrialPeriod
	}
	k := &Keeper{opt: o, log: o.Log, offers: make(chan wire.Configuration, 1), after: time.After, shown: func(*App) {}}
	k.told.Store(&wire.ConfigStatus{})
	k.changed.Store(time.Now().UnixNano())
	return k
}

// Run runs the gateway until ctx ends, or a part fails that no change of the configuration was to blame for. Call it once.
func (k *Keeper) Run(ctx context.Context) error {
	own, err := k.opt.Load("")
	if err != nil {
		return err
	}
	if k.had.lock, err = lockFolder(own.Data); err != nil {
		return err
	}
	defer k.had.lock.Close()
	k.had.offer, k.had.config = k.hear, func() wire.ConfigStatus { return *k.told.Load() }
	if k.present, err = k.first(own); err != nil {
		return err
	}
	life, end := context.WithCancel(context.Background())
	var beside sync.WaitGroup
	beside.Go(func() { k.report(life) })
	defer beside.Wait()
	defer end()
	for {
		next, err := k.turn(ctx)
		if next == nil {
			return err
		}
		k.present = *next
	}
}

// turn runs a gateway with the present configuration. It gives the one to run next, or nil where the program ends.
func (k *Keeper) turn(ctx context.Context) (next *config.Config, err error) {
	if k.opt.Level != nil {
		k.opt.Level.Set(k.present.Log.SlogLevel())
	}
	a, err := New(k.present, k.opt.Options)
	if err != nil {
		return k.failed(err)
	}
	a.had = k.had
	life, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	done := make(chan error, 1)
	go func() { done <- a.Run(life) }()
	next, ended, err := k.mind(ctx, a, done)
	k.show(nil)
	if !ended {
		stop()
		err = <-done
	}
	if a.time != nil {
		k.had.time = a.time
	}
	if ended {
		return k.failed(err)
	}
	if next != nil && err != nil {
		k.log.Error("the gateway did not stop well", "error", err)
		err = nil
	}
	return next, err
}

// mind sees to a gateway until it has to stop or has ended by itself, which err then explains.
func (k *Keeper) mind(ctx context.Context, a *App, done <-chan error) (next *config.Config, ended bool, err error) {
	ready, reload, offers := a.Ready(), (<-chan os.Signal)(nil), (<-chan wire.Configuration)(nil)
	trial := k.trial()
	for {
		select {
		case err := <-done:
			return nil, true, err
		case <-ctx.Done():
			_ = k.opt.Manager.Stopping()
			k.keep(k.book.Pause())
			return nil, false, nil
		case <-ready:
			ready, reload, offers = nil, k.opt.Reload, k.offers
			k.ready(a)
		case <-reload:
			next = k.reread()
		case c := <-offers:
			next = k.consider(a, c)
		case <-trial:
			trial = nil
			next = k.judge(a)
		}
		if next != nil {
			return next, false, nil
		}
	}
}

// ready notes that a gateway runs.
func (k *Keeper) ready(a *App) {
	if k.book.Trial == nil {
		k.before = nil
	}
	k.show(a)
	if err := k.opt.Manager.Ready(a.summary()); err != nil {
		k.log.Warn("the service manager does not hear", "error", err)
	}
	k.shown(a)
}

// show makes a gateway the one that runs; nil = none does.
func (k *Keeper) show(a *App) {
	k.app.Store(a)
	k.changed.Store(time.Now().UnixNano())
}

// reread reads the configuration again; it gives nil where all stays as it is.
func (k *Keeper) reread() *config.Config {
	k.log.Info("the configuration is read again")
	_ = k.opt.Manager.Reloading()
	stay := func(status string) *config.Config {
		_ = k.opt.Manager.Ready(status)
		return nil
	}
	conf, book, err := k.again()
	switch {
	case err != nil:
		k.log.Error("the configuration is wrong; the gateway goes on as before", "error", err)
		return stay("the new configuration is wrong; going on as before")
	case reflect.DeepEqual(conf, k.present):
		k.keep(book)
		k.log.Info("the configuration says what it said before")
		return stay("the configuration says what it said before")
	}
	k.misfit = ""
	k.keep(book)
	if k.before == nil {
		was := k.present
		k.before = &was
	}
	return &conf
}

// again reads the file, and the hub's sections where the file still lets that hub speak.
func (k *Keeper) again() (config.Config, settings.Book, error) {
	own, err := k.opt.Load("")
	if err != nil {
		return config.Config{}, k.book, err
	}
	book := k.book.Vet(k.judgeOf(own))
	_, text := book.Running()
	conf, err := k.opt.Load(text)
	if err == nil {
		err = k.fits(conf)
	}
	return conf, book, err
}

// failed gives the configuration to go back to after a gateway that failed, or why there is none.
func (k *Keeper) failed(err error) (*config.Config, error) {
	if k.book.Trial != nil {
		return k.revert("the gateway failed with it: " + err.Error())
	}
	if k.before == nil {
		return nil, err
	}
	k.log.Error("the gateway does not run with the new configuration; it goes back", "error", err)
	back := k.before
	k.before = nil
	return back, nil
}
