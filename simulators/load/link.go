package load

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"
)

// Times of a connection, as the real uplink has them.
const (
	patience  = 10 * time.Second // for one answer of the broker
	keepAlive = 15 * time.Second
)

// errRefused is a broker's no to a subscription.
var errRefused = errors.New("the broker refuses it; check its permissions and limits")

// link is one connection to a broker. It is for one goroutine.
type link struct {
	conn  net.Conn
	in    *bufio.Reader
	room  *sync.Pool // of *[]byte, for packets on their way out; shared by all links
	id    uint16
	wrote time.Time // when the last packet went out
	asked time.Time // when a PINGREQ went out that is not answered; zero = none
}

// dial connects and is let in.
func dial(ctx context.Context, broker string, conf *tls.Config, h hello, room *sync.Pool) (*link, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	address, secure := cutScheme(broker)
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("cannot connect to %s: %w", broker, plain(err))
	}
	if secure {
		conf = conf.Clone()
		conf.ServerName, _, _ = net.SplitHostPort(address)
		t := tls.Client(conn, conf)
		if err := t.HandshakeContext(ctx); err != nil {
			conn.Close()
			return nil, fmt.Errorf("cannot connect to %s: %w", broker, err)
		}
		conn = t
	}
	l := &link{conn: conn, in: bufio.NewReaderSize(conn, 512), room: room}
	if err := l.enter(h); err != nil {
		conn.Close()
		return nil, fmt.Errorf("cannot sign in at %s: %w", broker, err)
	}
	return l, nil
}

func cutScheme(broker string) (address string, secure bool) {
	u, err := url.Parse(broker)
	if err != nil {
		return broker, false // Plan.Check has refused it
	}
	return u.Host, u.Scheme == "ssl"
}

func (l *link) enter(h hello) error {
	if err := l.write(h.append); err != nil {
		return err
	}
	p, err := l.await(packetConnack)
	if err == nil && p.code != 0 {
		err = fmt.Errorf("the broker refuses it with code %d", p.code)
	}
	return err
}

// await reads until a packet of a kind comes, within patience; others are passed over.
func (l *link) await(kind byte) (packet, error) {
	limit := time.Now().Add(patience)
	for {
		p, ok, err := l.read(limit)
		switch {
		case err != nil:
			return p, err
		case !ok:
			return p, errors.New("the broker does not answer")
		case p.kind == kind:
			return p, nil
		}
	}
}

// read gives the next packet; false where none has begun to come by a moment.
func (l *link) read(until time.Time) (p packet, ok bool, err error) {
	if l.in.Buffered() == 0 {
		if err := l.conn.SetReadDeadline(until); err != nil {
			return p, false, err
		}
		if _, err := l.in.Peek(1); errors.Is(err, os.ErrDeadlineExceeded) {
			return p, false, nil
		} else if err != nil {
			return p, false, plain(err)
		}
	}
	if err := l.conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return p, false, err
	}
	if p, err = readPacket(l.in); err != nil {
		return p, false, plain(err)
	}
	if p.kind == packetPingresp {
		l.asked = time.Time{}
	}
	if p.kind == packetPublish && p.qos > 0 {
		err = l.write(func(b []byte) []byte { return appendPuback(b, p.id) })
	}
	return p, err == nil, err
}

// subscribe awaits the broker's word. What comes of a topic before it is heard by hear.
func (l *link) subscribe(topic string, qos byte, hear func(packet)) error {
	id := l.next()
	if err := l.write(func(b []byte) []byte { return appendSubscribe(b, id, topic, qos) }); err != nil {
		return err
	}
	limit := time.Now().Add(patience)
	for {
		p, ok, err := l.read(limit)
		switch {
		case err != nil:
			return err
		case !ok:
			return errors.New("the broker does not answer")
		case p.kind == packetSuback && p.code >= subackRefused:
			return errRefused
		case p.kind == packetSuback:
			return nil
		}
		hear(p)
	}
}

// publish hands a message of QoS 1 to the connection. Its PUBACK is of no interest: only the hub's ack counts.
func (l *link) publish(topic string, retained bool, payload []byte) error {
	id := l.next()
	return l.write(func(b []byte) []byte { return appendPublish(b, id, topic, retained, payload) })
}

// keep sees to it that the broker hears something often enough, and answers.
func (l *link) keep(now time.Time) error {
	if !l.asked.IsZero() {
		if now.Sub(l.asked) > patience {
			return errors.New("the broker does not answer")
		}
		return nil
	}
	if now.Sub(l.wrote) < keepAlive {
		return nil
	}
	l.asked = now
	return l.write(func(b []byte) []byte { return appendHead(b, packetPingreq<<4, 0) })
}

func (l *link) next() uint16 {
	if l.id++; l.id == 0 {
		l.id = 1
	}
	return l.id
}

// write sends one packet in one piece.
func (l *link) write(fill func([]byte) []byte) error {
	room, ok := l.room.Get().(*[]byte)
	if !ok {
		room = new([]byte)
	}
	defer l.room.Put(room)
	*room = fill((*room)[:0])
	l.wrote = time.Now()
	if err := l.conn.SetWriteDeadline(l.wrote.Add(patience)); err != nil {
		return err
	}
	_, err := l.conn.Write(*room)
	return plain(err)
}

// close says good-bye.
func (l *link) close() {
	_ = l.write(func(b []byte) []byte { return appendHead(b, packetDisconnect<<4, 0) })
	l.conn.Close()
}

// cut ends the connection at once and loses what is on its way, as a line that breaks does.
func (l *link) cut() {
	conn := l.conn
	if t, ok := conn.(*tls.Conn); ok {
		conn = t.NetConn()
	}
	if t, ok := conn.(*net.TCPConn); ok {
		_ = t.SetLinger(0)
	}
	conn.Close()
}

// plain takes the addresses out of an error of the network, so that a thousand equal ones read alike.
func plain(err error) error {
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return op.Err
	}
	return err
}

// clientID is the one that a real edge uses.
func clientID(edge string) string { return "edge-" + strings.ReplaceAll(edge, ".", "_") }
