package external_test

import (
	"bufio"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/url"
	"testing"
	"time"

	"github.com/tallydock/tallydock/devices/wire"
)

// TestNobodyGetsInWhereHeMayNot makes the same attempts on the hub's own broker and on those outside.
func TestNobodyGetsInWhereHeMayNot(t *testing.T) {
	total := 0
	for name, ground := range map[string]func(*testing.T, *office) *ground{
		"embedded": embedded, "Mosquitto": mosquitto, "NATS cluster": cluster,
	} {
		t.Run(name, func(t *testing.T) {
			s := set(t, ground(t, newOffice(t)))
			s.connections()
			s.speech()
			s.otherNames()
			s.wills()
			s.memory()
			s.ears()
			s.takeovers()
			s.backDoors()
			s.revokedWhileConnected()
			total += s.attempts
			if !t.Failed() {
				t.Logf("%s: %d attempts, 0 got in", name, s.attempts)
			}
		})
	}
	if !t.Failed() {
		t.Logf("%d attempts, 0 got in", total)
	}
}

// connections are attempts to connect, none of which may succeed.
func (s *scene) connections() {
	expired, early, revoked := s.enrolled("SZ1-E3", -100*day), s.enrolled("SZ1-E4", 2*day), s.enrolled("SZ1-E5", 0)
	s.revoke("SZ1-E5")
	replaced, next := s.enrolled("SZ1-E6", 0), s.enrolled("SZ1-E6", 0)
	s.update()
	s.connect(s.t, dial{id: s.idOf("SZ1-E6"), certificate: next}) // it is the certificate that is refused, not the edge
	other := newOffice(s.t).enrolled("SZ1-E2", 0)
	mixed, stolen := *other, *s.own
	mixed.Certificate = append([][]byte{other.Certificate[0]}, s.own.Certificate[1:]...)
	stolen.PrivateKey = newKey(s.t)
	_, server := s.server(false, "localhost")
	all := map[string]dial{
		"no certificate":                             {},
		"a certificate of another hub":               {certificate: other},
		"of another hub, with this hub's chain":      {certificate: &mixed},
		"one that it signed itself":                  {certificate: signed(s.t, nil)},
		"one that an edge's certificate signed":      {certificate: signed(s.t, s.own)},
		"an edge's certificate without its key":      {certificate: &stolen},
		"an expired certificate":                     {id: "SZ1-E3", certificate: expired},
		"a certificate that is not valid yet":        {id: "SZ1-E4", certificate: early},
		"a revoked certificate":                      {id: "SZ1-E5", certificate: revoked},
		"the certificate of a gateway replaced":      {id: "SZ1-E6", certificate: replaced},
		"a server's certificate":                     {certificate: pair(s.t, server.Chain, server.Key)},
		"its own, by TLS 1.1":                        {certificate: s.own, newest: tls.VersionTLS11},
		"a server of another name":                   {certificate: s.own, server: "hub.example"},
		"a server of another address":                {certificate: s.own, server: "127.0.0.9"},
		"a guess of the hub's password":              {id: "hub-1-y", user: "hub-1", password: "hub"},
		"an empty password of the hub":               {id: "hub-1-y", user: "hub-1"},
		"a guess of an edge's password":              {user: "SZ1-E2", password: "SZ1-E2"},
		"an empty password of an edge":               {user: "SZ1-E2"},
		"an empty password of a URI":                 {user: "urn:tallydock:edge:SZ1-E2"},
		"no TLS, nobody":                             {open: true},
		"no TLS, a guess of the hub's password":      {open: true, id: "hub-1-y", user: "hub-1", password: "hub"},
		"no TLS, an empty password of an edge":       {open: true, user: "SZ1-E2"},
		"no TLS, an empty password of an edge's URI": {open: true, user: "urn:tallydock:edge:SZ1-E2"},
	}
	if s.node != nil {
		all["a node's certificate"] = dial{certificate: s.node}
	}
	for name, d := range all {
		if d.id == "" {
			d.id = "SZ1-E2"
		}
		d.node = 1
		client, err := s.try(d)
		s.attempt(name, err == nil)
		if err == nil {
			client.Disconnect(0)
		}
	}
}

// signed makes an edge's certificate without the CA.
func signed(t *testing.T, by *tls.Certificate) *tls.Certificate {
	t.Helper()
	key := newKey(t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "SZ1-E2"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageDigitalSignature, BasicConstraintsValid: true,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}, URIs: []*url.URL{{Scheme: "urn", Opaque: "tallydock:edge:SZ1-E2"}},
	}
	parent, signer, chain := template, any(key), [][]byte(nil)
	if by != nil {
		parent, signer, chain = by.Leaf, by.PrivateKey, by.Certificate
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Certificate{Certificate: append([][]byte{der}, chain...), PrivateKey: key}
}

// speech is to publish where the attacker may not. What it says honestly after each shows that the broker has dealt with it.
func (s *scene) speech() {
	a := s.attacker()
	wrong := fmt.Sprintf("td/v1/%d/SZ1-E2/up/movements", (wire.Partition("SZ1-E2")+1)%wire.Partitions)
	for i, topic := range []string{
		wire.Topic("SZ1-E1", wire.UpMovements), wire.Topic("SZ1-E1", wire.UpAlarms), wire.Topic("SZ1-E1", wire.UpSamples),
		wire.Topic("SZ1-E1", wire.UpStatus), wire.Topic("SZ1-E1", wire.DownAck), wire.Topic("SZ1-E1", wire.DownCommand),
		wire.Topic("SZ1-E1", wire.DownConfig), wire.Topic("SZ1-E1", wire.DownCatalog), wire.Topic("SZ1-E2", wire.DownAck), wrong,
		"td/v1/0/SZ1-E1/up/movements", "site/SZ1/probe/tele/SENSOR", "$SYS/broker/x", "$JS/API/INFO", "$MQTT/sub/x", "td", "x",
	} {
		for _, retained := range []bool{false, true} {
			text := fmt.Sprintf("forged %d %v.", i, retained)
			say(s.t, a, topic, text, retained)
			if !a.IsConnectionOpen() { // a broker may cut off who does that
				a = s.attacker()
			}
			honest := fmt.Sprintf("honest %d %v.", i, retained)
			say(s.t, a, wire.Topic("SZ1-E2", wire.UpSamples), honest, false)
			s.hubEar.until(s.t, honest)
			s.steady()
			s.attempt("to publish on "+topic, s.hubEar.has(text) || s.victimEar.has(text))
		}
	}
	a.Disconnect(0)
}

// otherNames is to be somebody else by a name beside one's own certificate.
func (s *scene) otherNames() {
	for name, d := range map[string]dial{
		"the victim's name": {user: "SZ1-E1"}, "the victim's URI": {user: "urn:tallydock:edge:SZ1-E1"},
		"the hub's name and password": {user: "hub-1", password: "hub-pw"}, "the hub's URI": {user: "urn:tallydock:hub:hub-1"},
	} {
		d.id, d.certificate, d.node = s.idOf("SZ1-E2"), s.own, 1
		a, err := s.try(d)
		if err != nil {
			s.attempt(name, false)
			continue
		}
		say(s.t, a, wire.Topic("SZ1-E1", wire.UpAlarms), "as "+name, false)
		say(s.t, a, wire.Topic("SZ1-E1", wire.DownAck), "as "+name, false)
		if !a.IsConnectionOpen() {
			a = s.attacker()
		}
		say(s.t, a, wire.Topic("SZ1-E2", wire.UpSamples), "honest: "+name, false)
		s.hubEar.until(s.t, "honest: "+name)
		s.steady()
		s.attempt(name, s.hubEar.has("as "+name) || s.victimEar.has("as "+name))
		a.Disconnect(0)
	}
}

// wills lets connections break whose wills are for others. That its own will comes shows that wills are dealt with.
func (s *scene) wills() {
	for _, topic := range []string{
		wire.Topic("SZ1-E1", wire.UpStatus), wire.Topic("SZ1-E1", wire.DownAck), wire.Topic("SZ1-E1", wire.DownCommand), "site/SZ1/x",
	} {
		s.die(topic)
		s.listen()
		s.die(wire.Topic("SZ1-E2", wire.UpStatus))
		s.hubEar.until(s.t, wire.Topic("SZ1-E2", wire.UpStatus)+" forged will")
		s.steady()
		s.attempt("a will on "+topic, s.hubEar.has("SZ1-E1/", "forged") || s.victimEar.has("forged"))
	}
}

// die connects as the attacker with a will, if the broker lets it, and breaks the line.
func (s *scene) die(will string) {
	var line net.Conn
	if _, err := s.try(dial{id: s.idOf("SZ1-E2"), certificate: s.own, node: 1, will: will, line: &line}); err == nil {
		line.Close()
	}
}

// memory looks for retained messages that were planted by all that went before.
func (s *scene) memory() {
	say(s.t, s.victim, wire.Topic("SZ1-E1", wire.UpStatus), "kept", true)
	say(s.t, s.hub, wire.Topic("SZ1-E1", wire.DownAck), "kept", true)
	for range 20 { // a broker may need a moment to keep a message
		s.steady()
		s.listen()
		if s.hubEar.soon("SZ1-E1/up/status kept") && s.victimEar.soon("SZ1-E1/down/ack kept") {
			break
		}
	}
	s.hubEar.until(s.t, "SZ1-E1/up/status kept")
	s.victimEar.until(s.t, "SZ1-E1/down/ack kept")
	s.steady()
	s.attempt("to leave a message to the hub", s.hubEar.has("SZ1-E1/", "forged") || s.hubEar.has("/up/movements", "forged"))
	s.attempt("to leave a message to the victim", s.victimEar.has("forged"))
}

// ears is to hear what is not for the attacker.
func (s *scene) ears() {
	a := s.attacker()
	for _, filter := range []string{
		wire.Topic("SZ1-E1", wire.DownCommand), wire.Topic("SZ1-E1", "down/#"), wire.Topic("SZ1-E1", wire.UpSamples), wire.HubFilter,
		"td/v1/+/+/down/#", "td/v1/+/SZ1-E1/#", "td/#", "#", "+/+/+/+/down/command", "+/+/+/+/+/+", "$SYS/#", "$JS/#", "$MQTT/#",
		"$share/g/" + wire.Topic("SZ1-E1", "down/#"), "$share/g/" + wire.HubFilter,
	} {
		own, foreign := newEar(), newEar()
		foreign.on(s.t, a, filter)
		if !a.IsConnectionOpen() {
			s.attempt("to hear "+filter, false)
			a = s.attacker()
			continue
		}
		if !own.on(s.t, a, wire.Topic("SZ1-E2", wire.DownAck)) {
			s.t.Fatal("its own ack is refused")
		}
		s.steady()
		say(s.t, s.hub, wire.Topic("SZ1-E2", wire.DownAck), "for you", false)
		own.until(s.t, "for you")
		s.attempt("to hear "+filter, foreign.has("SZ1-E1/") || foreign.has("$"))
		a.Unsubscribe(filter).WaitTimeout(patience)
	}
	a.Disconnect(0)
}

// takeovers is to connect by a client id of the hub or the victim, whose connection would end by that.
func (s *scene) takeovers() {
	for _, id := range []string{"SZ1-E1", "edge-SZ1-E1", "SZ1-E1-", "SZ1-E1-x", "x-SZ1-E1", "hub-1", "hub", "hub-1-x", "any", "", "SZ1-E1-SZ1-E2"} {
		client, err := s.try(dial{id: id, certificate: s.own, node: 1})
		if err == nil {
			client.Disconnect(0)
		}
		s.steady()
		s.mu.Lock()
		s.attempt("to displace by the client id "+id, len(s.gone) > 0)
		s.gone = nil
		s.mu.Unlock()
	}
}

// backDoors is to come in where only the nodes of a cluster speak with one another.
func (s *scene) backDoors() {
	for address, first := range s.inside {
		if err := s.speak(address, first, s.node); err != nil {
			s.t.Errorf("a node cannot come in at %s, so that the attempts show nothing: %v", address, err)
		}
		for name, c := range map[string]*tls.Certificate{"an edge's certificate": s.own, "none": nil, "another's": signed(s.t, nil)} {
			s.attempt("a node's door by "+name, s.speak(address, first, c) == nil)
		}
	}
}

// speak opens NATS's own protocol; nil means that the server spoke to who came with the certificate.
func (s *scene) speak(address string, first bool, c *tls.Certificate) error {
	line, err := net.Dial("tcp", address)
	if err != nil {
		return err
	}
	defer line.Close()
	_ = line.SetDeadline(time.Now().Add(patience))
	if first {
		if _, err := line.Read(make([]byte, 4096)); err != nil {
			return err
		}
	}
	safe := tls.Client(line, s.tls(dial{certificate: c}))
	if _, err := io.WriteString(safe, "CONNECT {\"verbose\":false}\r\nPING\r\n"); err != nil {
		return err
	}
	_, err = bufio.NewReader(safe).ReadString('\n')
	return err
}

// revokedWhileConnected is to go on with a connection when its certificate is revoked.
func (s *scene) revokedWhileConnected() {
	certificate := s.enrolled("SZ1-E7", 0)
	s.update()
	cut := make(chan struct{})
	d := dial{id: s.idOf("SZ1-E7"), certificate: certificate, node: 1, lost: func() { close(cut) }}
	thief := s.connect(s.t, d)
	say(s.t, thief, wire.Topic("SZ1-E7", wire.UpSamples), "before", false)
	s.hubEar.until(s.t, "before")
	heard := newEar()
	if !heard.on(s.t, thief, wire.Topic("SZ1-E7", wire.DownCommand)) {
		s.t.Fatal("its own commands are refused")
	}
	s.revoke("SZ1-E7")
	s.update()
	if s.name != "Mosquitto" { // there the connection stays, without its rights
		select {
		case <-cut:
		case <-time.After(patience):
			s.t.Errorf("%s: the connection was not cut", s.name)
		}
	}
	thief.Publish(wire.Topic("SZ1-E7", wire.UpSamples), 1, false, "after").WaitTimeout(time.Second)
	say(s.t, s.hub, wire.Topic("SZ1-E7", wire.DownCommand), "secret", false)
	s.steady()
	s.attempt("to speak on after revocation", s.hubEar.has("after"))
	s.attempt("to hear on after revocation", heard.has("secret"))
	d.lost = nil
	client, err := s.try(d)
	s.attempt("to come again after revocation", err == nil)
	if err == nil {
		client.Disconnect(0)
	}
	thief.Disconnect(0)
	if len(s.gone) > 0 {
		s.t.Errorf("%v was cut off as well", s.gone)
	}
}
