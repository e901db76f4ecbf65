package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	badger "github.com/dgraph-io/badger/v4"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/edge/outbox"
)

// The kinds of failure that a caller tells apart.
var (
	// ErrClosed: the store is closed or closing.
	ErrClosed = errors.New("store is closed")
	// ErrNoSpace: the file system has too little free space; intake stands still until there is more.
	ErrNoSpace = errors.New("too little free space for the store")
	// ErrTooLarge: a batch does not fit into one transaction; it must be split by its producer.
	ErrTooLarge = errors.New("batch is too large")
	// ErrBroken: a write failed, so nobody knows what the disk holds; the program must be started again.
	ErrBroken = errors.New("store has failed and must be opened again")
)

// Options of a Store. Zero values mean the defaults given here.
type Options struct {
	Dir        string // made when absent
	Edge       string // the gateway's id; acks for others are refused
	Log        *slog.Logger
	Now        func() time.Time // for the age of rows; time.Now
	Registerer prometheus.Registerer

	Retention      time.Duration // how long acked records stay for a hub that was restored; 168 h
	RetentionBytes int64         // and at most so many bytes of them; 256 MiB
	SampleBytes    int64         // the most that samples may take before the oldest are thinned out; 128 MiB
	MinFree        int64         // free bytes below which intake stops; 8 memtables, plus always the largest level
	BallastBytes   int64         // size of the ballast file; 64 MiB; negative: none
	MemTable       int64         // size of Badger's memtable; 4 MiB
	Queue          int           // batches that may wait; 512
}

const (
	maxGroupRecords = 1000
	maxGroupBytes   = 256 << 10
	idleConfirm     = 20 * time.Millisecond
	tick            = time.Second
)

func (o Options) withDefaults() (Options, error) {
	if err := wire.ValidEdgeID(o.Edge); err != nil {
		return o, fmt.Errorf("cannot open store: %w", err)
	}
	if o.Dir == "" {
		return o, errors.New("cannot open store: no directory is given")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	o.Retention = orElse(o.Retention, 7*24*time.Hour)
	o.RetentionBytes = orElse(o.RetentionBytes, 256<<20)
	o.SampleBytes = orElse(o.SampleBytes, 128<<20)
	o.BallastBytes = orElse(o.BallastBytes, 64<<20)
	o.MemTable = orElse(o.MemTable, 4<<20)
	o.MinFree = orElse(o.MinFree, 4*2*o.MemTable)
	o.Queue = orElse(o.Queue, 512)
	return o, nil
}

func orElse[T ~int | ~int64](v, standard T) T {
	if v == 0 {
		return standard
	}
	return v
}

// Store is an open store. Its methods are safe for use by many goroutines.
type Store struct {
	opt     Options
	db      *badger.DB
	notes   *headFile
	space   *space
	metrics *metrics

	queue   chan *Pending
	control chan control
	quit    chan struct{} // closed by Close
	stopped chan struct{} // closed when the writer has ended
	closing sync.Once
	changed chan struct{}
	intake  sync.RWMutex // held by Submit while it queues, taken by the writer before it refuses the rest

	view   atomic.Pointer[view]
	broken atomic.Pointer[error]
	done   doneCommands
}

// control is something that the writer does between two commits.
type control struct {
	do   func(*writer) error
	done chan error
}

// view is what readers may know: the state after the last commit.
type view struct {
	cursor
	epochs epochs
}

// Open opens the store in opt.Dir, makes it when there is none, and compares it with its head file. Recovery says
// what it found; the store works in any case unless err is set. ctx bounds the opening only.
func Open(ctx context.Context, opt Options) (*Store, Recovery, error) {
	opt, err := opt.withDefaults()
	if err != nil {
		return nil, Recovery{}, err
	}
	s := &Store{
		opt: opt, queue: make(chan *Pending, opt.Queue), control: make(chan control), quit: make(chan struct{}),
		stopped: make(chan struct{}), changed: make(chan struct{}, 1),
	}
	s.metrics = newMetrics()
	w, recovery, err := s.open(ctx)
	if err != nil {
		return nil, recovery, fmt.Errorf("cannot open store %s: %w", opt.Dir, err)
	}
	s.metrics.register(opt.Registerer, s)
	go w.run()
	return s, recovery, nil
}

// Close commits what was submitted, writes the head file and closes; while intake stands still for want of space it refuses
// what was submitted instead. Reading must have ended. It is safe to call it again.
func (s *Store) Close() error {
	s.closing.Do(func() { close(s.quit) })
	<-s.stopped
	if err := s.failure(); err != nil && !errors.Is(err, ErrClosed) {
		return err
	}
	return nil
}

// Changed gives a signal after commits; one signal may stand for many. It is for one listener, the uplink.
func (s *Store) Changed() <-chan struct{} { return s.changed }

// Position tells where the streams stand.
func (s *Store) Position() outbox.Position {
	v := s.view.Load()
	return outbox.Position{
		Epoch: v.epoch, EpochStart: v.epochStart, Head: v.head, HeadHash: v.headHash, Acked: v.acked.seq, Oldest: v.floor,
		SamplesHead: v.samplesHead, SamplesAcked: v.samplesAcked, Thinned: v.thinned, Damaged: v.damaged,
		Free: s.space.free.Load(), Need: s.space.need.Load(), LowSpace: s.space.low.Load(), Err: s.failure(),
	}
}

// Head is the seq of the last main record.
func (s *Store) Head() uint64 { return s.view.Load().head }

// failure is why the store no longer works, or nil.
func (s *Store) failure() error {
	if p := s.broken.Load(); p != nil {
		return *p
	}
	return nil
}

// command asks the writer to do something between two commits and waits for it.
func (s *Store) command(do func(*writer) error) error {
	c := control{do, make(chan error, 1)}
	select {
	case s.control <- c:
		return <-c.done
	case <-s.stopped:
		if err := s.failure(); err != nil {
			return err
		}
		return ErrClosed
	}
}

func (s *Store) badgerDir() string   { return filepath.Join(s.opt.Dir, "badger") }
func (s *Store) headPath() string    { return filepath.Join(s.opt.Dir, "head") }
func (s *Store) ballastFile() string { return filepath.Join(s.opt.Dir, "ballast") }
