package webhook_test

import (
	"bufio"
	"compress/gzip"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tallydock/tallydock/hub/connect/webhook"
)

// loopback allows the server at raw, on whatever loopback address.
func loopback(t *testing.T, raw string) webhook.Policy {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(u.Port())
	if err != nil {
		t.Fatal(err)
	}
	return webhook.Policy{AllowPlain: []string{u.Hostname()}, AllowPrivate: prefixes("127.0.0.0/8"), Ports: []uint16{uint16(port)}}
}

func TestWhatIsSent(t *testing.T) {
	current, previous := newSecret(t), newSecret(t)
	var problem atomic.Value
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		h := r.Header
		switch {
		case r.Method != "POST" || r.URL.RequestURI() != "/hook?key=1":
			problem.Store(r.Method + " " + r.URL.RequestURI())
		case h.Get("Content-Type") != "application/cloudevents+json" || h.Get("Accept-Encoding") != "" || h.Get("Referer") != "" || r.ContentLength != int64(len(message.Body)):
			problem.Store("headers")
		case string(body) != string(message.Body) || h.Get("webhook-id") != "msg_1" || h.Get("webhook-timestamp") != "1772452800":
			problem.Store("content")
		case webhook.Verify(h, body, []webhook.Secret{current}, noon) != nil || webhook.Verify(h, body, []webhook.Secret{previous}, noon) != nil:
			problem.Store("signature")
		}
		w.WriteHeader(http.StatusAccepted)
		io.WriteString(w, "thanks")
	}))
	t.Cleanup(s.Close)
	e := endpointAt(t, s.URL+"/hook?key=1")
	e.Secrets = webhook.Secrets{Current: previous}.Rotate(current, noon.Add(time.Hour))
	o := webhook.NewClient(loopback(t, s.URL), webhook.ClientConfig{}).Send(t.Context(), e, message, noon)
	if !o.OK() || o.Status != 202 || o.Excerpt != "thanks" || o.Detail != "" || o.Cause != webhook.Answered || problem.Load() != nil {
		t.Errorf("%+v; receiver: %v", o, problem.Load())
	}
}

// rude is a server that speaks raw TCP: serve gets each connection after a request was read whole.
func rude(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				r, err := http.ReadRequest(bufio.NewReader(c))
				if err == nil {
					io.Copy(io.Discard, r.Body)
					serve(c)
				}
			}()
		}
	}()
	return "http://" + l.Addr().String() + "/"
}

// slowly writes text a byte at a time, for as long as the other side takes it.
func slowly(c net.Conn, text string) {
	for i := 0; ; i = (i + 1) % len(text) {
		if _, err := c.Write([]byte{text[i]}); err != nil {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func TestRudeReceivers(t *testing.T) {
	hang := func(c net.Conn) { io.Copy(io.Discard, c) } // until the other side goes
	say := func(text string) func(net.Conn) { return func(c net.Conn) { io.WriteString(c, text) } }
	for _, c := range []struct {
		name    string
		serve   func(net.Conn)
		status  int
		cause   webhook.Cause
		excerpt string // its beginning
	}{
		{"hangs", hang, 0, webhook.TimedOut, ""},
		{"closes at once", func(net.Conn) {}, 0, webhook.CutOff, ""},
		{"is cut in the head", say("HTTP/1.1 200 OK\r\nContent-Le"), 0, webhook.CutOff, ""},
		{"is cut in the body", say("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nso far"), 200, webhook.Answered, "so far"},
		{"is cut in the body of an error", say("HTTP/1.1 500 No\r\nContent-Length: 100\r\n\r\nso far"), 500, webhook.Answered, "so far"},
		{"resets", func(c net.Conn) { c.(*net.TCPConn).SetLinger(0) }, 0, webhook.CutOff, ""},
		{"answers its head byte by byte", func(c net.Conn) { slowly(c, "HTTP/1.1 200 OK") }, 0, webhook.TimedOut, ""},
		{"answers its body byte by byte", func(c net.Conn) {
			io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n")
			slowly(c, "drip ")
		}, 200, webhook.Answered, "drip"},
		{"hangs after the head", func(c net.Conn) {
			io.WriteString(c, "HTTP/1.1 204 No Content\r\nX-A: b\r\n\r\n")
			hang(c)
		}, 204, webhook.Answered, ""},
		{"speaks something else", say("SSH-2.0-OpenSSH_9.2\r\n"), 0, webhook.CutOff, ""},
		{"only ever promises", func(c net.Conn) {
			for {
				if _, err := io.WriteString(c, "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"); err != nil {
					return
				}
			}
		}, 0, webhook.CutOff, ""},
		{"switches protocols", say("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"), 101, webhook.Answered, ""},
		{"lies about its length", say("HTTP/1.1 200 OK\r\nContent-Length: 9223372036854775807\r\n\r\nx"), 200, webhook.Answered, "x"},
		{"has no length that could be", say("HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nx"), 0, webhook.CutOff, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			raw := rude(t, c.serve)
			within := 20 * time.Second
			if c.cause == webhook.TimedOut || strings.HasSuffix(c.name, "byte by byte") || strings.HasPrefix(c.name, "hangs") {
				within = 300 * time.Millisecond
			}
			client := webhook.NewClient(loopback(t, raw), webhook.ClientConfig{Within: within})
			t.Cleanup(client.Close)
			o := client.Send(t.Context(), endpointAt(t, raw), message, noon)
			if o.Status != c.status || o.Cause != c.cause || !strings.HasPrefix(o.Excerpt, c.excerpt) || o.OK() != (o.Detail == "") {
				t.Errorf("%+v", o)
			}
		})
	}
}

// endless is a server that goes on after beginning for as long as the other side takes it, and then tells how much it took.
func endless(t *testing.T, beginning, more string) (raw string, taken chan int) {
	t.Helper()
	taken = make(chan int, 1)
	return rude(t, func(c net.Conn) {
		n, err := io.WriteString(c, beginning)
		for m := 0; err == nil; n += m {
			m, err = io.WriteString(c, more)
		}
		taken <- n
	}), taken
}

// What the buffers of both sides take is some megabytes at most.
const buffers = 8 << 20

func TestAHugeBodyIsNotRead(t *testing.T) {
	raw, taken := endless(t, "HTTP/1.1 500 No\r\n\r\n", strings.Repeat("no ", 10_000))
	o := webhook.NewClient(loopback(t, raw), webhook.ClientConfig{}).Send(t.Context(), endpointAt(t, raw), message, noon)
	if o.Status != 500 || len(o.Excerpt) > 1024 || !strings.HasPrefix(o.Excerpt, "no no no") {
		t.Errorf("%d, %d bytes kept", o.Status, len(o.Excerpt))
	}
	if n := <-taken; n > buffers {
		t.Errorf("%d bytes were taken", n)
	}
}

func TestAHugeHeadIsNotRead(t *testing.T) {
	raw, taken := endless(t, "HTTP/1.1 200 OK\r\n", "X-A: "+strings.Repeat("a", 1000)+"\r\n")
	o := webhook.NewClient(loopback(t, raw), webhook.ClientConfig{}).Send(t.Context(), endpointAt(t, raw), message, noon)
	if n := <-taken; o.Cause != webhook.CutOff || n > buffers {
		t.Errorf("%d bytes were taken: %+v", n, o)
	}
}

func TestACompressedBodyDoesNotSwell(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		io.WriteString(z, strings.Repeat("a", 1<<20))
		z.Close()
	}))
	t.Cleanup(s.Close)
	o := webhook.NewClient(loopback(t, s.URL), webhook.ClientConfig{}).Send(t.Context(), endpointAt(t, s.URL), message, noon)
	if !o.OK() || strings.Contains(o.Excerpt, "aaaa") {
		t.Errorf("%d: %q", o.Status, o.Excerpt)
	}
}

func TestRetryAfterIsHeard(t *testing.T) {
	for status, want := range map[int]time.Duration{429: time.Minute, 503: time.Minute, 500: 0, 200: 0} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "60")
			w.WriteHeader(status)
		}))
		o := webhook.NewClient(loopback(t, s.URL), webhook.ClientConfig{}).Send(t.Context(), endpointAt(t, s.URL), message, noon)
		s.Close()
		if o.RetryAfter != want || o.Status != status {
			t.Errorf("%d: %+v", status, o)
		}
	}
}

func TestNobodyThere(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	raw := "http://" + l.Addr().String() + "/"
	l.Close()
	o := webhook.NewClient(loopback(t, raw), webhook.ClientConfig{}).Send(t.Context(), endpointAt(t, raw), message, noon)
	if o.Cause != webhook.NoConnect || o.OK() {
		t.Errorf("%+v", o)
	}
}

func TestAStopIsNotAFailure(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	raw := rude(t, func(c net.Conn) {
		cancel()
		io.Copy(io.Discard, c)
	})
	if o := webhook.NewClient(loopback(t, raw), webhook.ClientConfig{}).Send(ctx, endpointAt(t, raw), message, noon); o.Cause != webhook.Stopped {
		t.Errorf("%+v", o)
	}
}

// certificate makes one for 127.0.0.1 that signs itself, good from from until until.
func certificate(t *testing.T, from, until time.Time) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "receiver"}, NotBefore: from, NotAfter: until,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(parsed)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

func TestTLS(t *testing.T) {
	now := time.Now()
	good, roots := certificate(t, now.Add(-time.Hour), now.Add(time.Hour))
	expired, expiredRoots := certificate(t, now.Add(-2*time.Hour), now.Add(-time.Hour))
	_, resolver := startNameServer(t, map[string][]string{"other.test": {"127.0.0.1"}})
	for _, c := range []struct {
		name  string
		cert  tls.Certificate
		most  uint16 // version of TLS
		roots *x509.CertPool
		host  string
		says  string // "" = it goes well
	}{
		{"a good one", good, tls.VersionTLS13, roots, "127.0.0.1", ""},
		{"TLS 1.2", good, tls.VersionTLS12, roots, "127.0.0.1", ""},
		{"TLS 1.1", good, tls.VersionTLS11, roots, "127.0.0.1", "TLS 1.2 or later"},
		{"one that nobody signed", good, tls.VersionTLS13, nil, "127.0.0.1", "nobody known signed it"},
		{"one for another host", good, tls.VersionTLS13, roots, "other.test", "for another host"},
		{"one that has expired", expired, tls.VersionTLS13, expiredRoots, "127.0.0.1", "expired"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var heard atomic.Int64
			s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { heard.Add(1) }))
			s.TLS = &tls.Config{Certificates: []tls.Certificate{c.cert}, MinVersion: tls.VersionTLS10, MaxVersion: c.most}
			s.Config.ErrorLog = quiet
			s.StartTLS()
			defer s.Close()
			raw := strings.Replace(s.URL, "127.0.0.1", c.host, 1)
			client := webhook.NewClient(loopback(t, raw), webhook.ClientConfig{Roots: c.roots, Resolver: resolver})
			defer client.Close()
			o := client.Send(t.Context(), endpointAt(t, raw), message, noon)
			switch {
			case c.says == "" && (!o.OK() || heard.Load() != 1):
				t.Errorf("%+v", o)
			case c.says != "" && (o.Cause != webhook.NoTLS || !strings.Contains(o.Detail, c.says) || heard.Load() != 0):
				t.Errorf("%d heard: %+v", heard.Load(), o)
			}
		})
	}
}

func TestTLSWithWhomSpeaksPlain(t *testing.T) {
	s := httptest.NewUnstartedServer(http.NotFoundHandler())
	s.Config.ErrorLog = quiet
	s.Start()
	t.Cleanup(s.Close)
	raw := strings.Replace(s.URL, "http:", "https:", 1)
	if o := webhook.NewClient(loopback(t, raw), webhook.ClientConfig{}).Send(t.Context(), endpointAt(t, raw), message, noon); o.Cause != webhook.NoTLS {
		t.Errorf("%+v", o)
	}
}
