package webhook_test

import (
	"errors"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/tallydock/tallydock/hub/connect/webhook"
	"github.com/tallydock/tallydock/hub/event"
	"github.com/tallydock/tallydock/hub/fault"
)

func prefixes(texts ...string) (all []netip.Prefix) {
	for _, t := range texts {
		all = append(all, netip.MustParsePrefix(t))
	}
	return all
}

func TestCheckURL(t *testing.T) {
	strict := webhook.Policy{}
	loose := webhook.Policy{AllowPlain: []string{"erp.lan", "10.1.2.3"}, AllowPrivate: prefixes("10.1.0.0/16"), Ports: []uint16{80, 443, 8069}}
	for _, c := range []struct {
		policy webhook.Policy
		url    string
		says   string // "" = it is good
	}{
		{strict, "https://erp.example.com/hooks/tallydock?key=a%20b", ""},
		{strict, "HTTPS://ERP.Example.COM", ""},
		{strict, "https://erp.example.com:8443/", ""},
		{strict, "https://xn--fiqs8s.example/", ""},
		{strict, "https://93.184.216.34/", ""},
		{strict, "https://[2606:2800:220:1:248:1893:25c8:1946]:443/", ""},
		{strict, "https://erp/", ""},
		{loose, "http://erp.lan:8069/x", ""},
		{loose, "http://ERP.lan:8069/x", ""},
		{loose, "http://10.1.2.3/x", ""},
		{loose, "https://10.1.9.9/x", ""},

		{strict, "", "https://"},
		{strict, "erp.example.com/x", "https://"},
		{strict, "//erp.example.com/x", "https://"},
		{strict, "http://erp.example.com/", "https://"},
		{loose, "http://erp.example.com/", "https://"},
		{loose, "http://10.1.2.4/", "https://"},
		{strict, "ftp://erp.example.com/", "https://"},
		{strict, "file:///etc/passwd", "https://"},
		{strict, "gopher://127.0.0.1:6379/_x", "https://"},
		{strict, "javascript:alert(1)", "https://"},
		{strict, "https:erp.example.com", "no host"},
		{strict, "https:///x", "no host"},
		{strict, "https://user@erp.example.com/", "user or password"},
		{strict, "https://user:pass@erp.example.com/", "user or password"},
		{strict, "https://erp.example.com@127.0.0.1/", "user or password"},
		{strict, "https://erp.example.com%40127.0.0.1/", "cannot be read"},
		{strict, "https://127.0.0.1#@erp.example.com/", "fragment"},
		{strict, "https://erp.example.com/#", "fragment"},
		{strict, `https://erp.example.com\@127.0.0.1/`, "backslash"},
		{strict, "https://erp.example.com/a b", "space"},
		{strict, "https://erp.example.com/\r\nx: y", "space"},
		{strict, "https://中国.example/", "xn--"},
		{strict, "https://１２７.０.０.１/", "xn--"},
		{strict, "https://ⓛocalhost/", "xn--"},
		{strict, "https://erp.example.com./", "dot at its end"},
		{strict, "https://localhost./", "dot at its end"},
		{strict, "https://erp..example.com/", "neither"},
		{strict, "https://-erp.example.com/", "neither"},
		{strict, "https://erp_.example.com-/", "neither"},
		{strict, "https://" + strings.Repeat("a", 64) + ".example.com/", "neither"},
		{strict, "https://" + strings.Repeat("a.", 127) + "com/", "neither"},
		{strict, "https://%31%32%37.0.0.1/", "cannot be read"},
		{strict, "https://2130706433/", "ends in a number"},
		{strict, "https://127.1/", "ends in a number"},
		{strict, "https://0177.0.0.1/", "ends in a number"},
		{strict, "https://0x7f.0.0.1/", "ends in a number"},
		{strict, "https://0x7f000001/", "ends in a number"},
		{strict, "https://0X7F000001/", "ends in a number"},
		{strict, "https://017700000001/", "ends in a number"},
		{strict, "https://a.0x/", "ends in a number"},
		{strict, "https://1.2.3.4.5/", "ends in a number"},
		{strict, "https://127.0.0.1/", "loopback"},
		{strict, "https://[::1]/", "loopback"},
		{strict, "https://[::ffff:127.0.0.1]/", "loopback"},
		{strict, "https://[::ffff:7f00:1]/", "loopback"},
		{strict, "https://[fe80::1%25eth0]/", "zone"},
		{strict, "https://[::1%25lo]/", "zone"},
		{strict, "https://169.254.169.254/latest/meta-data/", "metadata"},
		{strict, "https://10.1.2.3/", "private"},
		{loose, "https://10.2.2.3/", "private"},
		{strict, "https://erp.example.com:25/", "port 25"},
		{strict, "https://93.184.216.34:25/", "port 25"},
		{loose, "https://10.1.2.3:25/", "port 25"},
		{strict, "https://erp.example.com:0/", "port 0"},
		{strict, "https://erp.example.com:/", "port"},
		{strict, "https://erp.example.com:65979/", "port"},
		{strict, "https://erp.example.com:https/", "cannot be read"},
		{strict, "https://" + strings.Repeat("a", 2048), "longer"},
	} {
		err := c.policy.CheckURL(c.url)
		switch {
		case c.says == "" && err != nil:
			t.Errorf("%s: %v", c.url, err)
		case c.says != "" && (!errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), c.says)):
			t.Errorf("%s: %v; want it to say %q", c.url, err, c.says)
		}
	}
}

func TestCheckAddress(t *testing.T) {
	for use, addresses := range map[string][]string{
		"": {
			"8.8.8.8", "93.184.216.34", "100.63.255.255", "100.128.0.0", "172.15.255.255", "172.32.0.0", "192.167.255.255", "223.255.255.255",
			"2606:4700::1111", "2001:4860:4860::8888", "2a00::1", "::ffff:8.8.8.8",
		},
		"unspecified":                  {"0.0.0.0", "0.1.2.3", "::", "::ffff:0.0.0.0"},
		"loopback":                     {"127.0.0.1", "127.255.255.254", "::1", "::ffff:127.0.0.1"},
		"private":                      {"10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.0.1", "fc00::1", "fdff::1", "::ffff:10.0.0.1"},
		"carrier":                      {"100.64.0.1", "100.127.255.255"},
		"link-local":                   {"169.254.0.1", "169.254.1.1", "fe80::1", "febf::1"},
		"multicast":                    {"224.0.0.1", "239.255.255.255", "ff02::1", "ff05::2"},
		"NAT64":                        {"64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b::808:808", "64:ff9b:1::1"},
		"6to4":                         {"2002:7f00:1::", "2002:a00:1::1", "192.88.99.1"},
		"Teredo":                       {"2001:0:53aa:64c::1", "2001::1"},
		"documentation":                {"192.0.2.1", "198.51.100.7", "203.0.113.9", "2001:db8::1", "3fff::1"},
		"measurements":                 {"198.18.0.1", "198.19.255.255"},
		"protocols":                    {"192.0.0.1", "192.0.0.170", "2001:2::1", "2001:10::1", "2001:1ff::1"},
		"reserved":                     {"240.0.0.1", "255.255.255.255"},
		"metadata":                     {"169.254.169.254", "169.254.170.2", "100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254", "fd20:ce::254", "::ffff:169.254.169.254"},
		"not a public":                 {"::7f00:1", "::127.0.0.1", "fec0::1", "5f00::1", "100::1", "4000::1", "::ffff:0:127.0.0.1"},
		"no address, or one of a zone": {"fe80::1%eth0", "2606:4700::1111%1"},
	} {
		for _, text := range addresses {
			err := webhook.Policy{}.CheckAddress(netip.AddrPortFrom(netip.MustParseAddr(text), 443))
			if use == "" && err != nil {
				t.Errorf("%s: %v", text, err)
			}
			if use != "" && (err == nil || !strings.Contains(err.Error(), use)) {
				t.Errorf("%s: %v; want it to say %q", text, err, use)
			}
			if err != nil && strings.Contains(err.Error(), text) {
				t.Errorf("%s is told: %v", text, err)
			}
		}
	}
	if err := (webhook.Policy{}).CheckAddress(netip.AddrPort{}); err == nil {
		t.Error("no address is one")
	}
}

func TestAllowedNetworks(t *testing.T) {
	for _, c := range []struct {
		allowed, address string
		ok               bool
	}{
		{"10.1.0.0/16", "10.1.2.3", true},
		{"10.1.0.0/16", "::ffff:10.1.2.3", true},
		{"10.1.0.0/16", "10.2.2.3", false},
		{"127.0.0.0/8", "127.0.0.1", true},
		{"127.0.0.0/8", "::1", false},
		{"64:ff9b::/96", "64:ff9b::808:808", true},
		{"fd00::/8", "fd12::1", true},
		{"fd00::/8", "fd00:ec2::254", false},
		{"100.64.0.0/10", "100.100.100.199", true},
		{"100.64.0.0/10", "100.100.100.200", false},
		{"0.0.0.0/0", "169.254.169.254", false},
		{"169.254.169.254/32", "169.254.169.254", true},
	} {
		p := webhook.Policy{AllowPrivate: prefixes(c.allowed)}
		if err := p.CheckAddress(netip.AddrPortFrom(netip.MustParseAddr(c.address), 443)); (err == nil) != c.ok {
			t.Errorf("%s with %s: %v", c.address, c.allowed, err)
		}
	}
}

func FuzzCheckURL(f *testing.F) {
	for _, s := range []string{"https://a.example/", "http://[::1]:80/", "https://a@b", "https://0x7f.1/", "https://[fe80::1%25a]/", "https://a:443/?#"} {
		f.Add(s)
	}
	p := webhook.Policy{AllowPlain: []string{"127.0.0.1"}, AllowPrivate: prefixes("10.0.0.0/8")}
	f.Fuzz(func(t *testing.T, text string) {
		if p.CheckURL(text) != nil {
			return
		}
		u, err := url.Parse(text)
		if err != nil || u.Scheme != "https" || u.User != nil || u.Fragment != "" || strings.HasSuffix(u.Host, ".") || len(text) > 2048 {
			t.Fatalf("%q is taken as %+v", text, u)
		}
		if a, err := netip.ParseAddr(u.Hostname()); err == nil && (a.IsLoopback() || a.IsLinkLocalUnicast() || a.IsMulticast() || a.Zone() != "") {
			t.Fatalf("%q is taken", text)
		}
	})
}

func TestCheckEndpoint(t *testing.T) {
	p := webhook.Policy{Types: []event.Type{event.Stock, event.Alarm}}
	good := webhook.Endpoint{URL: "https://erp.example.com/", Description: "ERP 中文", Events: []event.Type{event.Stock}, Sites: []string{"N1"}}
	if err := p.Check(good); err != nil {
		t.Fatal(err)
	}
	for says, change := range map[string]func(*webhook.Endpoint){
		"webhook url":     func(e *webhook.Endpoint) { e.URL = "x" },
		"description":     func(e *webhook.Endpoint) { e.Description = strings.Repeat("é", 201) },
		"more than one":   func(e *webhook.Endpoint) { e.Description = "a\nb" },
		"than 200":        func(e *webhook.Endpoint) { e.Description = "\xff" },
		"no events":       func(e *webhook.Endpoint) { e.Events = nil },
		"no event \"pas":  func(e *webhook.Endpoint) { e.Events = []event.Type{event.Pass} },
		"there twice":     func(e *webhook.Endpoint) { e.Events = []event.Type{event.Stock, event.Stock} },
		"no site's code":  func(e *webhook.Endpoint) { e.Sites = []string{"a b"} },
		"or is there tw":  func(e *webhook.Endpoint) { e.Sites = []string{"N1", "N1"} },
		"more than 256 s": func(e *webhook.Endpoint) { e.Sites = make([]string, 257) },
	} {
		e := good
		change(&e)
		if err := p.Check(e); !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), says) {
			t.Errorf("%v; want it to say %q", err, says)
		}
	}
	if err := p.Check(webhook.Endpoint{Description: "a\tb"}); strings.Count(err.Error(), "\n") != 2 {
		t.Errorf("not all at once: %v", err)
	}
}
