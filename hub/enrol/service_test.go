package enrol_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tallydock/tallydock/hub/enrol"
	"github.com/tallydock/tallydock/hub/fault"
)

// freshNonce asks for one as an edge does.
func (h *hub) freshNonce() string {
	h.t.Helper()
	w := httptest.NewRecorder()
	h.Handler(nil).ServeHTTP(w, httptest.NewRequest("GET", "/nonce", nil))
	var b struct{ Nonce string }
	if err := json.Unmarshal(w.Body.Bytes(), &b); err != nil || b.Nonce == "" {
		h.t.Fatalf("%s, %v", w.Body, err)
	}
	return b.Nonce
}

func TestEdgeGetsACertificateForItsKey(t *testing.T) {
	h := newHub(t)
	g := newGateway(t, "SZ1.E-1")
	facts, err := h.enrol(g, h.order(enrol.Order{Edge: g.id, Site: "SZ1", By: "admin"}))
	if err != nil {
		t.Fatal(err)
	}
	leaf := leafOf(t, g.Chain)
	edge, site, err := enrol.EdgeOf(leaf)
	if edge != g.id || site != "SZ1" || err != nil || leaf.URIs[0].String() != "urn:tallydock:edge:SZ1.E-1" {
		t.Errorf("it is for %q at %q (%v), %v", edge, site, leaf.URIs, err)
	}
	if leaf.URIs[1].String() != enrol.KeyName(g.Certificate.Key) {
		t.Errorf("the key's name is %v", leaf.URIs[1])
	}
	if !g.key.PublicKey.Equal(leaf.PublicKey) || leaf.IsCA || len(leaf.ExtKeyUsage) != 1 || leaf.ExtKeyUsage[0] != x509.ExtKeyUsageClientAuth {
		t.Errorf("key or use is wrong: %+v", leaf.ExtKeyUsage)
	}
	if leaf.NotBefore != start.Add(-10*time.Minute) || leaf.NotAfter != start.Add(90*day) || leaf.SerialNumber.BitLen() < 120 {
		t.Errorf("valid from %v to %v, serial of %d bits", leaf.NotBefore, leaf.NotAfter, leaf.SerialNumber.BitLen())
	}
	roots, between := x509.NewCertPool(), x509.NewCertPool()
	if !roots.AppendCertsFromPEM(g.Trust) || !between.AppendCertsFromPEM(g.Chain) {
		t.Fatal("no trust or no chain")
	}
	if _, err := leaf.Verify(x509.VerifyOptions{
		Roots: roots, Intermediates: between, CurrentTime: start, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}); err != nil {
		t.Error(err)
	}
	if id, err := h.Identify(leaf); id != g.id || err != nil {
		t.Errorf("identified as %q, %v", id, err)
	}
	if len(facts) != 1 || facts[0].Act != enrol.Enrolled || facts[0].Serial != g.Certificate.Serial || facts[0].Token == "" {
		t.Errorf("facts %+v", facts)
	}
}

func TestTokensThatAreNotGoodAreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(h *hub, g *gateway, secret []byte)
		kind  error
		says  string
	}{
		"another secret":         {func(_ *hub, _ *gateway, s []byte) { s[3] ^= 1 }, fault.Forbidden, "not known here"},
		"expired":                {func(h *hub, _ *gateway, _ []byte) { h.clock.add(24 * time.Hour) }, fault.Forbidden, "expired at"},
		"for another edge":       {func(_ *hub, g *gateway, _ []byte) { g.id = "SZ1-E2" }, fault.Forbidden, "is for edge SZ1-E1"},
		"withdrawn":              {withdraw, fault.Forbidden, "was used at"},
		"used by another key":    {func(h *hub, _ *gateway, s []byte) { h.enrol(newGateway(h.t, "SZ1-E1"), s) }, fault.Forbidden, "have the edge revoked"},
		"its key was revoked":    {revokeKey, fault.Forbidden, "never comes back"},
		"edge got a certificate": {otherToken, fault.Conflict, "make a token that replaces it"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHub(t)
			g := newGateway(t, "SZ1-E1")
			secret := h.order(enrol.Order{Edge: "SZ1-E1", Site: "SZ1"})
			c.spoil(h, g, secret)
			held, _ := h.Certificates(t.Context(), "")
			facts, err := h.enrol(g, secret)
			refused(t, err, c.kind, c.says)
			if len(facts) != 1 || facts[0].Act != enrol.Refused || facts[0].From == "" || !strings.Contains(facts[0].Reason, c.says) {
				t.Errorf("facts %+v", facts)
			}
			if after, _ := h.Certificates(t.Context(), ""); len(after) != len(held) {
				t.Error("a certificate was kept")
			}
		})
	}
}

func withdraw(h *hub, _ *gateway, _ []byte) {
	list, err := h.Tokens(h.t.Context())
	if err == nil {
		_, err = h.Withdraw(h.t.Context(), list[0].ID(), "admin")
	}
	if err != nil {
		h.t.Error(err)
	}
}

func revokeKey(h *hub, g *gateway, secret []byte) {
	h.enrol(g, secret)
	if _, err := h.Revoke(h.t.Context(), enrol.Target{Edge: g.id}, "stolen", "admin"); err != nil {
		h.t.Error(err)
	}
}

// otherToken uses a second token for the same edge, which was made when the edge had no certificate either.
func otherToken(h *hub, g *gateway, _ []byte) {
	if _, err := h.enrol(newGateway(h.t, g.id), h.order(enrol.Order{Edge: g.id, Site: "SZ1"})); err != nil {
		h.t.Error(err)
	}
}

func TestSameKeyGetsTheSameCertificateAgain(t *testing.T) {
	h := newHub(t)
	g := newGateway(t, "SZ1-E1")
	secret := h.order(enrol.Order{Edge: g.id, Site: "SZ1"})
	for range 2 {
		serial := g.Certificate.Serial
		if _, err := h.enrol(g, secret); err != nil || serial != "" && g.Certificate.Serial != serial {
			t.Errorf("got %s after %s, %v", g.Certificate.Serial, serial, err)
		}
	}
	serial := g.Certificate.Serial
	h.clock.add(60 * day)
	for range 2 {
		if _, err := h.renew(g); err != nil {
			t.Fatal(err)
		}
	}
	if list, _ := h.Certificates(t.Context(), g.id); len(list) != 2 || list[0].Serial == serial {
		t.Errorf("two renewals at once issued %v", list)
	}
}

func TestOfManyEnrolmentsAtOnceOneWins(t *testing.T) {
	h := newHub(t)
	secret := h.order(enrol.Order{Edge: "SZ1-E1", Site: "SZ1"})
	var all sync.WaitGroup
	var mu sync.Mutex
	won := 0
	for range 8 {
		g := newGateway(t, "SZ1-E1")
		all.Go(func() {
			_, err := h.enrol(g, secret)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				won++
			} else {
				refused(t, err, fault.Forbidden, "was used at")
			}
		})
	}
	all.Wait()
	if list, _ := h.Certificates(t.Context(), ""); won != 1 || len(list) != 1 {
		t.Errorf("%d won, %d certificates", won, len(list))
	}
}

func TestReplacementEndsTheOldKey(t *testing.T) {
	h := newHub(t)
	old := h.enrolled("SZ1-E1")
	_, _, err := h.CreateToken(t.Context(), enrol.Order{Edge: "SZ1-E1", Site: "SZ1"})
	refused(t, err, fault.Conflict, "make a token that replaces it")
	h.clock.add(100 * day) // the old one has expired, but is within the grace
	next := newGateway(t, "SZ1-E1")
	facts, err := h.enrol(next, h.order(enrol.Order{Edge: "SZ1-E1", Site: "SZ1", Replace: true}))
	if err != nil || len(facts) != 2 || facts[0].Act != enrol.Revoked || facts[0].Serial != old.Certificate.Serial {
		t.Fatalf("facts %+v, %v", facts, err)
	}
	if !h.gone(old) || h.gone(next) || h.changed != 1 {
		t.Errorf("old revoked %v, new %v, told %d times", h.gone(old), h.gone(next), h.changed)
	}
	_, err = h.renew(old)
	refused(t, err, fault.Forbidden, "never comes back")
}

func TestRequestsAreTakenForTheRightKeyAndNameOnly(t *testing.T) {
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	weak, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	g := newGateway(t, "SZ1-E1")
	named := func(name string) *x509.CertificateRequest {
		return &x509.CertificateRequest{Subject: pkix.Name{CommonName: name}}
	}
	forged := strings.Replace(string(g.csr(t)), "A", "B", 1)
	for name, c := range map[string]struct {
		csr  []byte
		says string
	}{
		"another name":     {csrPEM(t, named("SZ1-E2"), g.key), `is for "SZ1-E2"`},
		"no name":          {csrPEM(t, named(""), g.key), `is for ""`},
		"RSA":              {csrPEM(t, named("SZ1-E1"), weak), "use ECDSA on P-256"},
		"P-384":            {csrPEM(t, named("SZ1-E1"), p384), "use ECDSA on P-256"},
		"nothing":          {nil, "not PEM"},
		"a certificate":    {[]byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), "not PEM of the type CERTIFICATE REQUEST"},
		"changed on a way": {[]byte(forged), "certificate request"},
		"too long":         {make([]byte, 9000), "at most 8192"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHub(t)
			secret := h.order(enrol.Order{Edge: "SZ1-E1", Site: "SZ1"})
			_, _, err := h.Enrol(t.Context(), enrol.Enrolment{Secret: secret, Edge: "SZ1-E1", CSR: c.csr})
			refused(t, err, fault.Invalid, c.says)
			if _, err := h.enrol(g, secret); err != nil {
				t.Errorf("the token was used up: %v", err)
			}
		})
	}
}

func TestWhatElseARequestAsksForIsNotGiven(t *testing.T) {
	h := newHub(t)
	g := newGateway(t, "SZ1-E1")
	greedy := csrPEM(t, &x509.CertificateRequest{
		Subject:  pkix.Name{CommonName: g.id, OrganizationalUnit: []string{"SZ9"}},
		DNSNames: []string{"hub.example"}, EmailAddresses: []string{"hub"},
	}, g.key)
	i, _, err := h.Enrol(t.Context(), enrol.Enrolment{Secret: h.order(enrol.Order{Edge: g.id, Site: "SZ1"}), Edge: g.id, CSR: greedy})
	if err != nil {
		t.Fatal(err)
	}
	leaf := leafOf(t, i.Chain)
	if len(leaf.DNSNames)+len(leaf.EmailAddresses) > 0 || len(leaf.URIs) != 2 || leaf.Subject.OrganizationalUnit[0] != "SZ1" {
		t.Errorf("got %v %v %v %v", leaf.Subject, leaf.DNSNames, leaf.EmailAddresses, leaf.URIs)
	}
}

func TestOrdersThatCannotBeRightAreRefused(t *testing.T) {
	h := newHub(t)
	for says, o := range map[string]enrol.Order{
		"edge id":             {Edge: "SZ1/E1", Site: "SZ1"},
		"not for edges":       {Edge: "hub-1", Site: "SZ1"},
		"names like":          {Edge: "devices-SZ1", Site: "SZ1"},
		"site of edge SZ1-E1": {Edge: "SZ1-E1"},
		"not a site code":     {Edge: "SZ1-E1", Site: "SZ1/#"},
		"use 1m":              {Edge: "SZ1-E1", Site: "SZ1", Life: 8 * day},
	} {
		_, _, err := h.CreateToken(t.Context(), o)
		refused(t, err, fault.Invalid, says)
	}
}

func TestRenewal(t *testing.T) {
	for name, c := range map[string]struct {
		after time.Duration
		act   enrol.Act
		kind  error
		says  string
	}{
		"at once":                    {0, enrol.Renewed, nil, ""},
		"at two thirds":              {60 * day, enrol.Renewed, nil, ""},
		"a moment before its end":    {90*day - time.Second, enrol.Renewed, nil, ""},
		"expired, within the grace":  {119 * day, enrol.RenewedLate, nil, ""},
		"when the grace is over":     {120 * day, "", fault.Forbidden, "could be renewed until"},
		"by a hub whose clock lags":  {-time.Hour, "", fault.Invalid, "check the hub's clock"},
		"by a clock a little behind": {-9 * time.Minute, enrol.Renewed, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHub(t)
			g := h.enrolled("SZ1-E1")
			old := leafOf(t, g.Chain)
			h.clock.add(c.after)
			facts, err := h.renew(g)
			if c.kind != nil {
				refused(t, err, c.kind, c.says)
				return
			}
			if err != nil || len(facts) != 1 || facts[0].Act != c.act {
				t.Fatalf("facts %+v, %v", facts, err)
			}
			if leaf := leafOf(t, g.Chain); c.after > time.Hour && leaf.NotAfter != h.clock.Now().Add(90*day) || !g.key.PublicKey.Equal(leaf.PublicKey) {
				t.Errorf("valid to %v", leaf.NotAfter)
			}
			if _, err := h.Identify(old); (err == nil) != (c.after < 90*day) {
				t.Errorf("the old certificate: %v", err)
			}
		})
	}
}

func TestRenewalTakesTheKeyAndAFreshNonce(t *testing.T) {
	foreign := newHub(t)
	for name, c := range map[string]struct {
		change func(h *hub, g *gateway, r *enrol.Renewal)
		kind   error
		says   string
	}{
		"a nonce that was used": {func(h *hub, _ *gateway, r *enrol.Renewal) { h.Renew(h.t.Context(), *r) }, fault.Forbidden, "was used"},
		"an old nonce":          {func(h *hub, _ *gateway, _ *enrol.Renewal) { h.clock.add(5 * time.Minute) }, fault.Forbidden, "older than"},
		"a nonce made up": {func(h *hub, g *gateway, r *enrol.Renewal) {
			r.Nonce = strings.Repeat("A", 75)
			r.Signature = g.prove(h.t, *r)
		}, fault.Forbidden, "not of this hub"},
		"no nonce":       {func(h *hub, g *gateway, r *enrol.Renewal) { r.Nonce = ""; r.Signature = g.prove(h.t, *r) }, fault.Forbidden, "not of this hub"},
		"another nonce":  {func(h *hub, _ *gateway, r *enrol.Renewal) { r.Nonce = h.freshNonce() }, fault.Forbidden, "not signed by"},
		"no signature":   {func(_ *hub, _ *gateway, r *enrol.Renewal) { r.Signature = nil }, fault.Forbidden, "not signed by"},
		"a thief's key":  {func(h *hub, g *gateway, r *enrol.Renewal) { r.Signature = newGateway(h.t, g.id).prove(h.t, *r) }, fault.Forbidden, "not signed by"},
		"a thief's CSR":  {func(h *hub, g *gateway, r *enrol.Renewal) { r.CSR = newGateway(h.t, g.id).csr(h.t) }, fault.Forbidden, "a new key takes a token"},
		"another's CSR":  {func(h *hub, _ *gateway, r *enrol.Renewal) { r.CSR = newGateway(h.t, "SZ1-E2").csr(h.t) }, fault.Invalid, `for "SZ1-E2"`},
		"another hub's":  {func(_ *hub, g *gateway, r *enrol.Renewal) { r.Certificate = foreign.enrolled(g.id).Chain }, fault.Forbidden, "not of this hub"},
		"no certificate": {func(_ *hub, _ *gateway, r *enrol.Renewal) { r.Certificate = nil }, fault.Invalid, "not PEM"},
		"a hub's own":    {hubPair, fault.Forbidden, "not an edge's"},
		"a revoked one": {func(h *hub, g *gateway, _ *enrol.Renewal) {
			h.Revoke(h.t.Context(), enrol.Target{Edge: g.id}, "stolen", "x")
		}, fault.Forbidden, "never comes back"},
		"the CA's own one": {func(_ *hub, g *gateway, r *enrol.Renewal) { r.Certificate = g.Trust }, fault.Forbidden, "not an edge's"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHub(t)
			g := h.enrolled("SZ1-E1")
			h.clock.add(60 * day)
			r := g.renewal(t, h.freshNonce())
			c.change(h, g, &r)
			held, _ := h.Certificates(t.Context(), "")
			_, _, err := h.Renew(t.Context(), r)
			refused(t, err, c.kind, c.says)
			if after, _ := h.Certificates(t.Context(), ""); len(after) != len(held) {
				t.Error("a certificate was kept")
			}
		})
	}
}

func hubPair(h *hub, _ *gateway, r *enrol.Renewal) {
	p, err := h.ca.IssueHub("hub-1", nil, h.clock.Now(), day)
	if err != nil {
		h.t.Error(err)
	}
	r.Certificate = p.Chain
}

func TestRevocationIsOfTheKey(t *testing.T) {
	h := newHub(t)
	g, other := h.enrolled("SZ1-E1"), h.enrolled("SZ1-E2")
	first := g.Certificate
	h.clock.add(60 * day)
	if _, err := h.renew(g); err != nil {
		t.Fatal(err)
	}
	facts, err := h.Revoke(t.Context(), enrol.Target{Serial: first.Serial}, "stolen", "admin")
	if err != nil || len(facts) != 2 || facts[0].By != "admin" || facts[0].Reason != "stolen" {
		t.Fatalf("facts %+v, %v", facts, err)
	}
	if !h.gone(g) || h.gone(other) {
		t.Errorf("revoked: %v, and another's: %v", h.gone(g), h.gone(other))
	}
	if _, err := h.Identify(leafOf(t, g.Chain)); err == nil || h.changed != 1 {
		t.Errorf("identified: %v; told %d times", err, h.changed)
	}
	_, err = h.Revoke(t.Context(), enrol.Target{Edge: g.id}, "again", "admin")
	refused(t, err, fault.NotFound, "no certificate that could still be used")
	_, err = h.Revoke(t.Context(), enrol.Target{Serial: "00"}, "", "admin")
	refused(t, err, fault.NotFound, "serial number")
}

func TestHubsOfOneStoreHearOfEachOthersRevocations(t *testing.T) {
	h := newHub(t)
	g := h.enrolled("SZ1-E1")
	told := make(chan struct{}, 1)
	second, err := enrol.New(t.Context(), enrol.Config{
		Store: h.store, CA: h.ca, Hub: "https://two.example", Now: h.clock.Now, Changed: func() { told <- struct{}{} },
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.Revoke(t.Context(), enrol.Target{Edge: g.id}, "stolen", "admin"); err != nil {
		t.Fatal(err)
	}
	go second.Run(t.Context())
	<-told
	if !second.Revoked(leafOf(t, g.Chain)) {
		t.Error("the second hub does not know")
	}
}

func TestUsableAreTheNewestOfEachKey(t *testing.T) {
	h := newHub(t)
	gone := h.enrolled("SZ1-E3")
	h.clock.add(60 * day)
	g, revoked := h.enrolled("SZ1-E1"), h.enrolled("SZ1-E2")
	h.clock.add(60 * day) // gone is beyond its grace
	if _, err := h.renew(g); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Revoke(t.Context(), enrol.Target{Edge: revoked.id}, "stolen", "admin"); err != nil {
		t.Fatal(err)
	}
	list, err := h.Usable(t.Context())
	if err != nil || len(list) != 1 || list[0].Serial != g.Certificate.Serial {
		t.Errorf("got %+v, %v; not %s", list, err, gone.id)
	}
}

func TestWhatIsOverIsForgotten(t *testing.T) {
	h := newHub(t)
	h.enrolled("SZ1-E1")
	h.clock.add(300 * day)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := h.Run(ctx); err != nil {
		t.Fatal(err)
	}
	certificates, _ := h.Certificates(t.Context(), "")
	tokens, _ := h.Tokens(t.Context())
	if len(certificates)+len(tokens) != 0 {
		t.Errorf("kept %v, %v", certificates, tokens)
	}
}

func TestWithdrawnTokenIsSaidOnce(t *testing.T) {
	h := newHub(t)
	h.order(enrol.Order{Edge: "SZ1-E1", Site: "SZ1"})
	list, _ := h.Tokens(t.Context())
	if f, err := h.Withdraw(t.Context(), list[0].ID(), "admin"); err != nil || f.Act != enrol.TokenWithdrawn || f.By != "admin" {
		t.Errorf("%+v, %v", f, err)
	}
	_, err := h.Withdraw(t.Context(), list[0].ID(), "admin")
	refused(t, err, fault.Conflict, "was used or withdrawn")
	_, err = h.Withdraw(t.Context(), "none", "admin")
	refused(t, err, fault.NotFound, "no token is named none")
}

func TestLivesThatAreTooShortAreRefused(t *testing.T) {
	h := newHub(t)
	_, err := enrol.New(t.Context(), enrol.Config{Store: h.store, CA: h.ca, Hub: "https://hub.example", Life: time.Second})
	refused(t, err, fault.Invalid, "use 10s or more")
}

func TestWithoutGraceAnExpiredCertificateIsOver(t *testing.T) {
	h := newHub(t)
	g := h.enrolled("SZ1-E1")
	var err error
	h.Service, err = enrol.New(t.Context(), enrol.Config{Store: h.store, CA: h.ca, Hub: "https://hub.example", Now: h.clock.Now, Grace: -1})
	if err != nil {
		t.Fatal(err)
	}
	h.clock.add(90 * day)
	_, err = h.renew(g)
	refused(t, err, fault.Forbidden, "could be renewed until")
}

func TestHubsAddressMustBeOne(t *testing.T) {
	h := newHub(t)
	for _, address := range []string{"", "http://hub.example", "hub.example:8443"} {
		_, err := enrol.New(t.Context(), enrol.Config{Store: h.store, CA: h.ca, Hub: address})
		refused(t, err, fault.Invalid, "https://")
	}
}

func TestMetricsSayWhenCertificatesEnd(t *testing.T) {
	h := newHub(t)
	reg := prometheus.NewRegistry()
	s, err := enrol.New(t.Context(), enrol.Config{Store: h.store, CA: h.ca, Hub: "https://hub.example", Now: h.clock.Now, Metrics: reg})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.EdgeTLS([]string{"hub.example"}); err != nil {
		t.Fatal(err)
	}
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, f := range families {
		got[f.GetName()] = f.GetMetric()[0].GetGauge().GetValue()
	}
	if got["tallydock_enrol_server_certificate_expiry_timestamp_seconds"] != float64(start.Add(90*day).Unix()) ||
		got["tallydock_enrol_ca_expiry_timestamp_seconds"] != float64(start.Add(20*365*day).Unix()) {
		t.Errorf("got %v", got)
	}
}
