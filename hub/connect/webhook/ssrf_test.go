package webhook_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/tallydock/tallydock/hub/connect/webhook"
)

// fortress is a place that nobody may reach: it listens on 127.0.0.1 and ::1 and counts who gets in. Beside it, on the
// same port of 127.0.0.2, is the one place that the configuration allows.
type fortress struct {
	port    int
	in      atomic.Int64
	allowed *httptest.Server
	heard   atomic.Int64 // requests of the allowed one
	reply   http.HandlerFunc
}

func buildFortress(t *testing.T) *fortress {
	t.Helper()
	f := &fortress{reply: func(http.ResponseWriter, *http.Request) {}}
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f.port = inner.Addr().(*net.TCPAddr).Port
	f.guard(t, inner)
	if six, err := net.Listen("tcp", fmt.Sprintf("[::1]:%d", f.port)); err == nil {
		f.guard(t, six)
	}
	beside, err := net.Listen("tcp", fmt.Sprintf("127.0.0.2:%d", f.port))
	if err != nil {
		t.Skipf("this machine has no 127.0.0.2: %v", err)
	}
	f.allowed = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.heard.Add(1)
		f.reply(w, r)
	}))
	f.allowed.Listener.Close()
	f.allowed.Listener = beside
	f.allowed.Start()
	t.Cleanup(f.allowed.Close)
	return f
}

func (f *fortress) guard(t *testing.T, l net.Listener) {
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			f.in.Add(1)
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecret")
			c.Close()
		}
	}()
}

// policy allows 127.0.0.2 at the fortress's port, and http to whatever host is in raw, so that the scheme stops nobody.
func (f *fortress) policy(raw string) webhook.Policy {
	p := webhook.Policy{AllowPrivate: prefixes("127.0.0.2/32"), Ports: []uint16{uint16(f.port)}}
	if u, err := url.Parse(raw); err == nil {
		p.AllowPlain = []string{strings.ToLower(u.Hostname())}
	}
	return p
}

func endpointAt(t *testing.T, raw string) webhook.Endpoint {
	t.Helper()
	return webhook.Endpoint{ID: "e", URL: raw, State: webhook.Enabled, Secrets: webhook.Secrets{Current: newSecret(t)}}
}

var message = webhook.Message{ID: "msg_1", Type: "com.tallydock.ping.v1", Body: []byte(`{"a":1}`)}

// Every attempt is made twice: as an endpoint's URL, and behind the look at the URL, where only the look at the connection
// is left.
func TestNobodyGetsIn(t *testing.T) {
	f := buildFortress(t)
	_, resolver := startNameServer(t, map[string][]string{
		"inner.test": {"127.0.0.1"}, "six.test": {"::1"}, "mapped.test": {"::ffff:127.0.0.1"}, "zero.test": {"0.0.0.0"},
		"unspecified.test": {"::"}, "private.test": {"10.0.0.1"}, "metadata.test": {"169.254.169.254"}, "ten.test": {"10.0.0.1 127.0.0.1"},
		"nat64.test": {"64:ff9b::7f00:1"}, "sixtofour.test": {"2002:7f00:1::1"}, "teredo.test": {"2001:0:1::1"}, "compatible.test": {"::7f00:1"},
		"linklocal.test": {"fe80::1"}, "ula.test": {"fd00::1"}, "carrier.test": {"100.64.0.1"}, "multicast.test": {"224.0.0.1"},
	})
	for _, host := range []string{
		// plainly
		"127.0.0.1", "localhost", "LOCALHOST", "127.0.0.3", "127.255.255.254", "[::1]", "[0:0:0:0:0:0:0:1]",
		// what the system takes for this machine
		"0.0.0.0", "[::]", "0", "0.0", "0.1.2.3",
		// other ways to write an address
		"127.1", "127.0.1", "2130706433", "017700000001", "0177.0.0.1", "0x7f000001", "0x7f.0.0.1", "0x7F.1", "00127.0.0.1", "127.0.0.01",
		"%31%32%37.0.0.1", "１２７.０.０.１", "127。0。0。1", "①②⑦.⓪.⓪.①", "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ",
		// IPv4 within IPv6
		"[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:ffff:127.0.0.1]", "[::127.0.0.1]", "[64:ff9b::127.0.0.1]", "[64:ff9b:1::7f00:1]",
		"[2002:7f00:1::1]", "[2001:0:53aa:64c::80ff:fffe]", "[::ffff:0:127.0.0.1]",
		// zones
		"[::1%25lo]", "[fe80::1%25lo]", "[fe80::1%251]",
		// dots at the end
		"localhost.", "127.0.0.1.", "inner.test.", "localhost..",
		// user and password
		"example.com@127.0.0.1", "127.0.0.2@127.0.0.1", "user:pass@localhost", "127.0.0.2%40127.0.0.1", "127.0.0.2%2f@127.0.0.1",
		// parsers that disagree
		`127.0.0.2\@127.0.0.1`, "127.0.0.1#@127.0.0.2", "127.0.0.1?@127.0.0.2", "127.0.0.2 @127.0.0.1", "127.0.0.1\t", "127.0.0.1%00.example.com",
		// metadata and other networks
		"169.254.169.254", "[fd00:ec2::254]", "100.100.100.200", "10.0.0.1", "192.168.0.1", "172.16.0.1", "[fd00::1]", "100.64.0.1", "224.0.0.1",
		// names
		"inner.test", "INNER.test", "six.test", "mapped.test", "zero.test", "unspecified.test", "private.test", "metadata.test", "ten.test",
		"nat64.test", "sixtofour.test", "teredo.test", "compatible.test", "linklocal.test", "ula.test", "carrier.test", "multicast.test",
		"metadata.google.internal", "localtest.test", "127.0.0.1.nip.test", "localhost6.test",
	} {
		for _, scheme := range []string{"http", "https"} {
			raw := fmt.Sprintf("%s://%s:%d/x", scheme, host, f.port)
			client := webhook.NewClient(f.policy(raw), webhook.ClientConfig{Resolver: resolver})
			o := client.Send(t.Context(), endpointAt(t, raw), message, noon)
			if o.Status != 0 || o.Excerpt != "" || o.Detail == "" || o.Cause != webhook.Refused && o.Cause != webhook.BadURL {
				t.Errorf("%s: %+v", raw, o)
			}
			if answer, err := client.HTTP().Post(raw, webhook.ContentType, strings.NewReader("{}")); err == nil {
				answer.Body.Close()
				t.Errorf("%s, behind the look at the URL: %s", raw, answer.Status)
			}
			client.Close()
		}
		if n := f.in.Swap(0); n != 0 {
			t.Errorf("%s got in %d times", host, n)
		}
	}
	if n := f.heard.Load(); n != 0 {
		t.Errorf("the allowed one was asked %d times", n)
	}
}

func TestAnAllowedOneIsReached(t *testing.T) {
	f := buildFortress(t)
	_, resolver := startNameServer(t, map[string][]string{"beside.test": {"127.0.0.2"}})
	for _, host := range []string{"127.0.0.2", "beside.test"} {
		raw := fmt.Sprintf("http://%s:%d/x", host, f.port)
		if o := webhook.NewClient(f.policy(raw), webhook.ClientConfig{Resolver: resolver}).Send(t.Context(), endpointAt(t, raw), message, noon); !o.OK() {
			t.Errorf("%s: %+v", raw, o)
		}
	}
	if f.heard.Load() != 2 {
		t.Errorf("heard %d", f.heard.Load())
	}
}

func TestAPortThatIsNotAllowedIsNotReached(t *testing.T) {
	f := buildFortress(t)
	raw := fmt.Sprintf("http://127.0.0.2:%d/x", f.port)
	p := f.policy(raw)
	p.Ports = nil
	client := webhook.NewClient(p, webhook.ClientConfig{})
	if o := client.Send(t.Context(), endpointAt(t, raw), message, noon); o.Cause != webhook.Refused {
		t.Errorf("%+v", o)
	}
	if _, err := client.HTTP().Post(raw, "", nil); err == nil || f.heard.Load() != 0 {
		t.Errorf("heard %d: %v", f.heard.Load(), err)
	}
}

// A name that first leads to an allowed address and then to another: what counts is where the connection goes.
func TestRebinding(t *testing.T) {
	f := buildFortress(t)
	names, resolver := startNameServer(t, map[string][]string{"rebind.test": {"127.0.0.2", "127.0.0.1"}})
	raw := fmt.Sprintf("http://rebind.test:%d/x", f.port)
	client := webhook.NewClient(f.policy(raw), webhook.ClientConfig{Resolver: resolver})
	if o := client.Send(t.Context(), endpointAt(t, raw), message, noon); !o.OK() {
		t.Fatalf("first: %+v", o)
	}
	client.Close() // or the open connection would be used again
	if o := client.Send(t.Context(), endpointAt(t, raw), message, noon); o.Cause != webhook.Refused {
		t.Errorf("then: %+v", o)
	}
	names.mu.Lock()
	asked := names.asked["rebind.test"]
	names.mu.Unlock()
	if f.in.Load() != 0 || f.heard.Load() != 1 || asked != 2 {
		t.Errorf("%d got in, %d were heard, the name was asked for %d times", f.in.Load(), f.heard.Load(), asked)
	}
}

// Of a name with several addresses only those are tried that are allowed.
func TestMixedAnswers(t *testing.T) {
	f := buildFortress(t)
	_, resolver := startNameServer(t, map[string][]string{"mixed.test": {"127.0.0.1 127.0.0.2 ::1"}})
	raw := fmt.Sprintf("http://mixed.test:%d/x", f.port)
	for range 5 {
		client := webhook.NewClient(f.policy(raw), webhook.ClientConfig{Resolver: resolver})
		if o := client.Send(t.Context(), endpointAt(t, raw), message, noon); !o.OK() {
			t.Errorf("%+v", o)
		}
		client.Close()
	}
	if f.in.Load() != 0 || f.heard.Load() != 5 {
		t.Errorf("%d got in, %d were heard", f.in.Load(), f.heard.Load())
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	f := buildFortress(t)
	raw := fmt.Sprintf("http://127.0.0.2:%d/x", f.port)
	for _, status := range []int{301, 302, 303, 307, 308} {
		for _, to := range []string{
			fmt.Sprintf("http://127.0.0.1:%d/", f.port), "http://169.254.169.254/latest/meta-data/", fmt.Sprintf("http://127.0.0.2:%d/y", f.port), "//localhost/", "file:///etc/passwd",
		} {
			f.reply = func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Location", to)
				w.Header().Set("Refresh", "0; url="+to)
				w.WriteHeader(status)
			}
			o := webhook.NewClient(f.policy(raw), webhook.ClientConfig{}).Send(t.Context(), endpointAt(t, raw), message, noon)
			if o.Status != status || o.OK() || !strings.Contains(o.Detail, "redirect") {
				t.Errorf("%d to %s: %+v", status, to, o)
			}
		}
	}
	if f.in.Load() != 0 || f.heard.Load() != 25 {
		t.Errorf("%d got in, %d were heard; want 0, 25", f.in.Load(), f.heard.Load())
	}
}

// TestMain names a proxy at which nobody is, before anything could have read the environment.
func TestMain(m *testing.M) {
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"} {
		os.Setenv(name, "http://127.0.0.1:1")
	}
	m.Run()
}

func TestNoProxyComesFromTheEnvironment(t *testing.T) {
	f := buildFortress(t)
	_, resolver := startNameServer(t, map[string][]string{"beside.test": {"127.0.0.2"}})
	raw := fmt.Sprintf("http://beside.test:%d/x", f.port) // a name: no proxy is asked for what is plainly loopback
	o := webhook.NewClient(f.policy(raw), webhook.ClientConfig{Resolver: resolver}).Send(t.Context(), endpointAt(t, raw), message, noon)
	if !o.OK() || os.Getenv("HTTP_PROXY") == "" {
		t.Errorf("%+v", o)
	}
}

func TestAProxyThatIsConfiguredTakesAllConnections(t *testing.T) {
	var asked atomic.Value
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Store(r.Method + " " + r.Host)
		w.WriteHeader(http.StatusNoContent)
	}))
	t.Cleanup(proxy.Close)
	at, err := url.Parse(proxy.URL)
	if err != nil {
		t.Fatal(err)
	}
	client := webhook.NewClient(webhook.Policy{AllowPlain: []string{"erp.test", "127.0.0.1"}}, webhook.ClientConfig{Proxy: at})
	if o := client.Send(t.Context(), endpointAt(t, "http://erp.test/x"), message, noon); !o.OK() || asked.Load() != "POST erp.test" {
		t.Errorf("the proxy was asked for %v: %+v", asked.Load(), o)
	}
	client.Send(t.Context(), endpointAt(t, "https://erp.test/x"), message, noon)
	if asked.Load() != "CONNECT erp.test:443" {
		t.Errorf("the proxy was asked for %v", asked.Load())
	}
	if o := client.Send(t.Context(), endpointAt(t, "http://127.0.0.1/x"), message, noon); o.Cause != webhook.Refused {
		t.Errorf("an address in the URL: %+v", o)
	}
}

func TestWhatIsToldHasNoInnerAddress(t *testing.T) {
	_, resolver := startNameServer(t, map[string][]string{"private.test": {"10.11.12.13"}, "none.test": {""}})
	client := webhook.NewClient(webhook.Policy{}, webhook.ClientConfig{Resolver: resolver})
	for raw, cause := range map[string]webhook.Cause{"https://private.test/": webhook.Refused, "https://none.test/": webhook.NoName} {
		o := client.Send(context.Background(), endpointAt(t, raw), message, noon)
		if o.Cause != cause || strings.Contains(o.Detail, "10.11") || strings.Contains(o.Detail, "127.0.0.1") || strings.Contains(o.Detail, ".test") {
			t.Errorf("%s: %+v", raw, o)
		}
	}
}
