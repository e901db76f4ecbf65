package identity

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"os"
	"time"
)

// All of these are less for certificates that are valid for less than some hours.
const (
	lookEvery  = 30 * time.Second // for a file that another program has changed, and for a clock that was set
	waitEvery  = time.Second      // so while there is no identity: somebody may wait for it
	firstRetry = time.Minute      // doubled up to lastRetry
	lastRetry  = time.Hour
	askSoon    = time.Minute   // for the hub's roots and clock, after the start
	askEvery   = 6 * time.Hour // and then
)

// Run keeps the certificate renewed until ctx ends, and returns nil then. It takes up a certificate that another program, the
// command edge enrol, has put into the folder.
func (i *Identity) Run(ctx context.Context) error {
	p := plan{}
	changed := i.changed()
	for {
		if changed() {
			i.reload()
		}
		next := waitEvery
		if m := i.has.Load(); m != nil {
			i.work(ctx, m, &p)
			next = min(lookEvery, m.life()/60)
		}
		wait := time.NewTimer(next)
		select {
		case <-ctx.Done():
			wait.Stop()
			return nil
		case <-wait.C:
		}
	}
}

// plan is when to ask the hub next.
type plan struct {
	of     *material // for which it was made
	renew  time.Time
	look   time.Time // for the roots
	failed int       // renewals in a row
}

// begin makes a plan for a certificate: the renewal up to a thirtieth of its life after two thirds of it, so that gateways
// that were enrolled together do not come together. A certificate that just came is not asked for again at once, even if the
// clock here says that it is old.
func (p *plan) begin(m *material, now time.Time) {
	if p.of == m {
		return
	}
	renew := m.renewAt().Add(rand.N(m.life()/30 + 1))
	if soonest := now.Add(min(lastRetry, m.life()/6)); p.of != nil && renew.Before(soonest) {
		renew = soonest
	}
	*p = plan{of: m, renew: renew, look: now.Add(rand.N(askSoon))}
}

// work does what is due.
func (i *Identity) work(ctx context.Context, m *material, p *plan) {
	now := i.cfg.Now()
	p.begin(m, now)
	switch {
	case !now.Before(p.renew):
		err := i.renew(ctx, m)
		if err == nil || ctx.Err() != nil {
			return // a new certificate makes a new plan
		}
		wait := pause(p.failed, m.life())
		p.failed, p.renew = p.failed+1, now.Add(wait)
		i.cfg.Log.Warn("cannot renew this gateway's certificate", "until", m.leaf().NotAfter.UTC(), "err", err, "again_within", wait)
	case !now.Before(p.look):
		p.look = now.Add(askEvery/2 + rand.N(askEvery/2))
		if err := i.learn(ctx, m); err != nil && ctx.Err() == nil {
			i.cfg.Log.Warn("cannot ask the hub for its roots", "hub", i.hubOf(m), "err", err)
		}
	}
}

// pause is how long to wait after so many failures before: half of it certain, half by chance.
func pause(failed int, life time.Duration) time.Duration {
	d := min(lastRetry, life/20)
	if failed < 6 {
		d = min(d, min(firstRetry, life/100)<<failed)
	}
	return d/2 + rand.N(d/2+1)
}

// changed tells, each time it is asked, whether the file is another one than before.
func (i *Identity) changed() func() bool {
	var last os.FileInfo
	return func() bool {
		st, err := os.Stat(i.file())
		if err != nil {
			return false
		}
		same := last != nil && os.SameFile(st, last) && st.ModTime().Equal(last.ModTime())
		last = st
		return !same
	}
}

func (i *Identity) reload() {
	i.busy.Lock()
	defer i.busy.Unlock()
	m, err := i.load()
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	i.observe(func(o *observed) { o.broken = err })
	if err != nil {
		i.cfg.Log.Error("cannot use this gateway's identity", "err", err)
		return
	}
	if had := i.has.Load(); had == nil || !had.leaf().Equal(m.leaf()) || had.Trust != m.Trust {
		i.use(m)
	}
}

func (i *Identity) hubOf(m *material) string {
	if i.cfg.Hub != "" {
		return i.cfg.Hub
	}
	return m.Hub
}

// exchange prepares to ask the hub. The certificate is shown while it is valid: after that the hub takes it as evidence only.
func (i *Identity) exchange(m *material) *hub {
	base := i.hubOf(m)
	conf := i.TLS(hostOf(base))
	if i.cfg.Now().After(m.leaf().NotAfter) {
		conf.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &tls.Certificate{}, nil }
	}
	return i.dialHub(base, conf)
}

// renew gets the next certificate for the same key.
func (i *Identity) renew(ctx context.Context, m *material) error {
	i.busy.Lock()
	defer i.busy.Unlock()
	h := i.exchange(m)
	var nonce nonceBody
	if err := h.ask(ctx, http.MethodGet, "/nonce", nil, &nonce); err != nil {
		return err
	}
	if nonce.Nonce == "" {
		return errors.New("the hub gives no nonce")
	}
	csr, err := request(m.Edge, m.key)
	if err != nil {
		return fmt.Errorf("cannot make the certificate request: %w", err)
	}
	signature, err := prove(m.key, nonce.Nonce, csr)
	if err != nil {
		return fmt.Errorf("cannot sign the request: %w", err)
	}
	var got issuedBody
	err = h.ask(ctx, http.MethodPost, "/renew", renewBody{m.papers.Certificate, requestPEM(csr), nonce.Nonce, signature}, &got)
	var no *Refusal
	if errors.As(err, &no) && no.Status == http.StatusForbidden {
		i.observe(func(o *observed) { o.refusal = no })
	}
	if err != nil {
		return err
	}
	p := m.papers
	p.Certificate, p.Trust, p.Brokers = got.Certificate, got.Trust, got.Brokers
	return i.replace(m, p, h)
}

// learn gets the roots that the hub is known by from now on.
func (i *Identity) learn(ctx context.Context, m *material) error {
	i.busy.Lock()
	defer i.busy.Unlock()
	h := i.exchange(m)
	var got trustBody
	if err := h.ask(ctx, http.MethodGet, "/trust", nil, &got); err != nil {
		return err
	}
	if got.Trust == m.Trust {
		return nil
	}
	p := m.papers
	p.Trust = got.Trust
	return i.replace(m, p, h)
}

// replace keeps papers in the place of m's. They must still be those of the file, and the hub must be known by them.
func (i *Identity) replace(m *material, p papers, h *hub) error {
	if on, err := i.load(); err != nil || !on.leaf().Equal(m.leaf()) {
		return errors.New("this gateway's identity was changed by another program meanwhile; its own counts")
	}
	next, err := p.read(i.cfg.Edge, m.key)
	if err != nil {
		return fmt.Errorf("the hub's answer is not right, and is not kept: %w", err)
	}
	if err := i.verify(next.roots, h.peer, hostOf(h.base)); err != nil {
		return fmt.Errorf("the hub gave roots by which it is not known itself; they are not kept: %w", err)
	}
	if next.leaf().NotAfter.Before(m.leaf().NotAfter) {
		return errors.New("the hub gave a certificate that ends before the one that is there; it is not kept")
	}
	return i.keep(next)
}
