package ingest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"github.com/tallydock/tallydock/devices/wire"
	"github.com/tallydock/tallydock/hub/lease"
)

// errAnew ends a connection because this hub is another replica by now.
var errAnew = errors.New("this hub was struck off and begins anew")

func (g *Ingest) stayConnected(ctx context.Context) {
	wait := firstWait
	for ctx.Err() == nil {
		began := time.Now()
		if err := g.session(ctx); err != nil {
			g.log.Warn("no connection to the broker; trying again", "broker", g.cfg.Broker, "wait", wait, "error", err)
		}
		if time.Since(began) > time.Minute {
			wait = firstWait
		}
		if time.Since(g.gone) > unreadyAfter {
			g.leases.Ready(false)
		}
		if !sleep(ctx, wait) {
			return
		}
		wait = min(2*wait, longestWait)
	}
}

// session is one connection, from its beginning to its end. It returns nil when ctx ended.
func (g *Ingest) session(ctx context.Context) error {
	id, err := g.awaitLife(ctx)
	if err != nil || ctx.Err() != nil {
		return err
	}
	lost := make(chan error, 1)
	c := mqtt.NewClient(g.options(g.clientID(id), lost))
	defer c.Disconnect(250)
	if err := await(ctx, c.Connect(), connectTimeout); err != nil {
		return fmt.Errorf("cannot connect: %w", err)
	}
	g.use(c)
	defer func() {
		g.use(nil)
		g.gone = time.Now()
	}()
	g.leases.Ready(true)
	e := ear{Ingest: g, client: c, serves: map[int]lease.Claim{}, heard: map[string]bool{}}
	g.log.Info("connected to the broker", "broker", g.cfg.Broker)
	for {
		s := g.leases.Share()
		if s.ID != id {
			return errAnew
		}
		all, err := e.follow(ctx, s)
		if err != nil {
			return err
		}
		var again <-chan time.Time
		if all {
			g.once.Do(func() { close(g.ready) })
		} else {
			again = time.After(listenAgain)
		}
		select {
		case <-ctx.Done():
			return nil
		case err := <-lost:
			return fmt.Errorf("connection lost: %w", err)
		case <-s.Changed:
		case <-again:
		}
	}
}

// awaitLife waits until this hub is a replica that is alive, so that it connects by an id that is its own.
func (g *Ingest) awaitLife(ctx context.Context) (id string, err error) {
	for !g.leases.Sure() {
		if !sleep(ctx, firstWait) {
			return "", nil
		}
	}
	return g.leases.Share().ID, nil
}

func (g *Ingest) clientID(replica string) string {
	if g.cfg.Leases == nil {
		return g.cfg.ClientID
	}
	return g.cfg.ClientID + "-" + replica
}

// options of a connection. A clean session: what is missed while away, edges send again.
func (g *Ingest) options(id string, lost chan<- error) *mqtt.ClientOptions {
	o := mqtt.NewClientOptions().AddBroker(g.cfg.Broker).SetClientID(id).SetUsername(g.cfg.User).
		SetPassword(g.cfg.Password).SetCleanSession(true).SetAutoReconnect(false).SetConnectTimeout(connectTimeout).
		SetAutoAckDisabled(true).SetOrderMatters(true).SetWriteTimeout(answerTimeout).
		SetConnectionLostHandler(func(_ mqtt.Client, err error) { lost <- err })
	if g.cfg.TLS != nil {
		o.SetTLSConfig(g.cfg.TLS)
	}
	return o
}

// ear is what a connection listens to.
type ear struct {
	*Ingest
	client mqtt.Client
	serves map[int]lease.Claim // by partition
	heard  map[string]bool     // filters
}

// follow listens to the partitions of a share and to no others. It reports whether it does; what the broker refused is asked
// for again by the next call.
func (e *ear) follow(ctx context.Context, s lease.Share) (all bool, err error) {
	e.depose(ctx, s.Deposed)
	serves, want := map[int]lease.Claim{}, map[string]bool{}
	for p := range wire.Partitions {
		if claim, ours := s.Claims[lease.Partition(p)]; ours {
			serves[p], want[e.filter(p)] = claim, true
		}
	}
	gone, more := without(e.heard, want), without(want, e.heard)
	if err := e.leave(ctx, gone); err != nil {
		return false, err
	}
	e.welcome(serves)
	for part := range slices.Chunk(more, listenAtOnce) {
		if err := e.listen(ctx, part); err != nil {
			return false, err
		}
		e.welcome(serves)
	}
	return len(without(want, e.heard)) == 0, nil
}

// welcome has the edges of partitions told how far they were taken that are heard now and were not before, or whose lease
// another hub may have had in between.
func (e *ear) welcome(serves map[int]lease.Claim) {
	var fresh []int
	for p := range wire.Partitions {
		claim, ours := serves[p]
		if !ours || !e.heard[e.filter(p)] {
			delete(e.serves, p)
			continue
		}
		if before, had := e.serves[p]; !had || before != claim {
			fresh = append(fresh, p)
		}
		e.serves[p] = claim
	}
	if len(fresh) > 0 {
		e.tellWorker(fresh)
	}
}

// without gives the keys of a that are not in b.
func without(a, b map[string]bool) (keys []string) {
	for k := range a {
		if !b[k] {
			keys = append(keys, k)
		}
	}
	return keys
}

func (e *ear) filter(p int) string {
	if e.cfg.OneFilter {
		return wire.HubFilter
	}
	return wire.PartitionFilter(p)
}

// depose takes the connections of replicas that did not give their partitions up, once each. A broker that goes by names of
// users instead of client ids would end this hub's own by that; then it is left.
func (e *ear) depose(ctx context.Context, replicas []string) {
	for _, id := range replicas {
		if e.deposed[id] || e.sameName {
			continue
		}
		e.deposed[id] = true
		c := mqtt.NewClient(e.options(e.clientID(id), make(chan error, 1)))
		err := await(ctx, c.Connect(), deposeTimeout)
		c.Disconnect(0)
		if err != nil {
			e.log.Warn("cannot take the connection of a hub that was struck off", "replica", id, "error", err)
			continue
		}
		if sleep(ctx, deposeGrace) && !e.client.IsConnectionOpen() {
			e.sameName = true
			e.log.Warn("the broker takes the user's name for the client id, so the connection of a hub that was struck off cannot be taken; what it says late is put right by the next ack")
		}
	}
}

func (e *ear) leave(ctx context.Context, filters []string) error {
	if len(filters) == 0 {
		return nil
	}
	if err := await(ctx, e.client.Unsubscribe(filters...), listenTimeout); err != nil {
		return fmt.Errorf("cannot unsubscribe from %d partitions: %w", len(filters), err)
	}
	for _, f := range filters {
		delete(e.heard, f)
	}
	return nil
}

// listen subscribes, and notes what the broker granted.
func (e *ear) listen(ctx context.Context, filters []string) error {
	ask := map[string]byte{}
	for _, f := range filters {
		ask[f] = 1
	}
	token := e.client.SubscribeMultiple(ask, func(_ mqtt.Client, m mqtt.Message) { e.enqueue(m) })
	if err := await(ctx, token, listenTimeout); err != nil {
		return fmt.Errorf("cannot subscribe to %d partitions: %w", len(filters), err)
	}
	var refused []string
	for f, code := range token.(*mqtt.SubscribeToken).Result() { // paho reports no error for the code that means refusal
		if code > 2 {
			refused = append(refused, f)
		} else {
			e.heard[f] = true
		}
	}
	if len(refused) > 0 {
		slices.Sort(refused)
		e.log.Warn("the broker refuses to let this hub hear edges; asking again. Check the user's permissions; on NATS, too, that "+
			"mqtt.max_ack_pending is not too much for all", "most", maxAckPending, "user", e.cfg.User, "refused", refused)
	}
	return nil
}

// maxAckPending times all partitions is what NATS lets one session have.
const maxAckPending = 65535 / wire.Partitions

// tellWorker says that the edges of partitions are heard from now on.
func (e *ear) tellWorker(partitions []int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, p := range partitions {
		e.fresh[p] = true
	}
	select {
	case e.joined <- struct{}{}:
	default: // the worker has yet to see the one before
	}
}

// takeFresh gives the partitions that are heard since the last time.
func (g *Ingest) takeFresh() map[int]bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	fresh := g.fresh
	g.fresh = map[int]bool{}
	return fresh
}

func (g *Ingest) use(c mqtt.Client) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.client = c
}

// alone are the leases of a hub that serves all edges.
type alone struct{ all lease.Share }

func newAlone(id string) alone {
	all := lease.Share{ID: id, Claims: map[string]lease.Claim{}}
	for p := range wire.Partitions {
		all.Claims[lease.Partition(p)] = lease.Claim{}
	}
	return alone{all}
}

func (a alone) Share() lease.Share { return a.all }
func (alone) Settle(lease.Share)   {}
func (alone) Sure() bool           { return true }
func (alone) Ready(bool)           {}
