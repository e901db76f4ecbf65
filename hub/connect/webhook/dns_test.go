package webhook_test

import (
	"context"
	"encoding/binary"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
)

// nameServer is a DNS server over UDP. Each name has a list of answers, one for each time that it is asked for its
// addresses; the last one stays. Every name that it does not know is at 127.0.0.1, as a hostile one would have it.
type nameServer struct {
	mu      sync.Mutex
	answers map[string][][]netip.Addr
	asked   map[string]int
}

func startNameServer(t *testing.T, names map[string][]string) (*nameServer, *net.Resolver) {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	s := &nameServer{answers: map[string][][]netip.Addr{}, asked: map[string]int{}}
	for name, answers := range names {
		for _, answer := range answers {
			var all []netip.Addr
			for _, a := range strings.Fields(answer) {
				all = append(all, netip.MustParseAddr(a))
			}
			s.answers[name] = append(s.answers[name], all)
		}
	}
	go s.serve(conn)
	return s, &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}

func (s *nameServer) serve(conn net.PacketConn) {
	query := make([]byte, 1500)
	for {
		n, from, err := conn.ReadFrom(query)
		if err != nil {
			return
		}
		if answer := s.answer(query[:n]); answer != nil {
			conn.WriteTo(answer, from)
		}
	}
}

const (
	typeA    = 1
	typeAAAA = 28
)

// answer makes the reply to a query with one question: its head, the question, and an address record for each address.
func (s *nameServer) answer(query []byte) []byte {
	name, end := question(query)
	if end == 0 {
		return nil
	}
	kind := binary.BigEndian.Uint16(query[end-4:])
	reply := append([]byte{query[0], query[1], 0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0}, query[12:end]...)
	count := uint16(0)
	for _, a := range s.addresses(name, kind) {
		if (a.Is4() && kind == typeA) || (a.Is6() && kind == typeAAAA) {
			data := a.AsSlice()
			reply = append(reply, 0xc0, 12, 0, byte(kind), 0, 1, 0, 0, 0, 0, 0, byte(len(data)))
			reply = append(reply, data...)
			count++
		}
	}
	binary.BigEndian.PutUint16(reply[6:], count)
	return reply
}

// addresses gives a name's addresses, and counts the questions for those of IPv4.
func (s *nameServer) addresses(name string, kind uint16) []netip.Addr {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.asked[name]
	if kind == typeA {
		s.asked[name]++
	}
	answers, ok := s.answers[name]
	if !ok {
		return []netip.Addr{netip.MustParseAddr("127.0.0.1")}
	}
	return answers[min(n, len(answers)-1)]
}

// question reads the name that a query asks for, and where the question ends; 0 where it makes no sense.
func question(query []byte) (string, int) {
	var labels []string
	for i := 12; i < len(query); {
		n := int(query[i])
		i++
		if n == 0 {
			if i+4 > len(query) {
				return "", 0
			}
			return strings.ToLower(strings.Join(labels, ".")), i + 4
		}
		if i+n > len(query) {
			return "", 0
		}
		labels = append(labels, string(query[i:i+n]))
		i += n
	}
	return "", 0
}
