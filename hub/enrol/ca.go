package enrol

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/tallydock/tallydock/hub/fault"
)

// caLife is how long roots and issuing certificates are valid.
const caLife = 20 * 365 * 24 * time.Hour

// CA is the hub's certificate authority: generations of a root and an issuing key. The newest issues; what any of them
// issued is trusted until it is retired. It may be used by many goroutines.
//
// Each generation is one file of its folder, generation-N.pem (0600): root, its key, issuing certificate, its key, and the
// root once more as signed by each root before it, so that who knows only an older root trusts the new one. Beside them are
// the keys of hubs, NAME.key. Keys are sealed. A generation is there whole or not at all.
type CA struct {
	dir  string
	keys Sealer

	mu          sync.RWMutex
	generations []*generation // oldest first, never empty
	pool        *x509.CertPool
}

// generation is one root with its issuing key. It is never changed.
type generation struct {
	number     int
	root       *x509.Certificate
	sealedRoot []byte
	issuing    *x509.Certificate
	key        *ecdsa.PrivateKey // of issuing
	cross      []*x509.Certificate
}

// Generation is what people see of one.
type Generation struct {
	Number      int
	Fingerprint [32]byte // SHA-256 of the root in DER
	NotBefore   time.Time
	NotAfter    time.Time
	Issues      bool // whether new certificates are of it
}

// OpenCA reads the CA of a folder, and makes the first generation where there is none. keys seal the private keys; they should
// not be kept in the same folder.
func OpenCA(dir string, keys Sealer, now time.Time) (*CA, error) {
	c := &CA{dir: dir, keys: keys}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("cannot make the CA's folder: %w", err)
	}
	files, err := c.files()
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return c, c.Rollover(now)
	}
	return c, c.load(files)
}

// Reload takes up generations that another program, the command hub ca, has added to the folder or retired. Where they
// cannot be read, those that are there already go on.
func (c *CA) Reload() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	files, err := c.files()
	if err != nil {
		return err
	}
	var known []string
	for _, g := range c.generations {
		known = append(known, c.file(g.number))
	}
	slices.Sort(known)
	switch {
	case slices.Equal(files, known):
		return nil
	case len(files) == 0:
		return fmt.Errorf("the CA's folder %s has nothing in it any more; put it back from a backup", c.dir)
	}
	return c.load(files)
}

// files lists those of the generations, by name.
func (c *CA) files() ([]string, error) {
	files, err := filepath.Glob(filepath.Join(c.dir, "generation-*.pem"))
	if err != nil {
		return nil, fmt.Errorf("cannot look for the CA in %s: %w", c.dir, err)
	}
	slices.Sort(files)
	return files, nil
}

// load reads generations, all or none. The caller holds the lock, or is alone.
func (c *CA) load(files []string) error {
	var all []*generation
	for _, f := range files {
		g, err := c.read(f)
		if err != nil {
			return fmt.Errorf("cannot read the CA's file %s: %w", f, err)
		}
		all = append(all, g)
	}
	slices.SortFunc(all, func(a, b *generation) int { return a.number - b.number })
	c.generations, c.pool = all, poolOf(all)
	return nil
}

// Rollover makes a new generation, which issues from now on. The ones before stay trusted until they are retired, when the
// last certificate of theirs has expired: a life and a grace later.
func (c *CA) Rollover(now time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 1
	if len(c.generations) > 0 {
		n = c.active().number + 1
	}
	g, err := c.generate(n, now)
	if err != nil {
		return fmt.Errorf("cannot make generation %d of the CA in %s: %w", n, c.dir, err)
	}
	c.generations = append(c.generations, g)
	c.pool = poolOf(c.generations)
	return nil
}

// Reseal writes the files anew, sealed by the keys as they are now, and gives how many.
func (c *CA) Reseal() (files int, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, g := range c.generations {
		fresh := *g
		if fresh.sealedRoot, err = c.sealAnew(rootLabel(g.number), g.sealedRoot); err == nil {
			err = c.write(&fresh)
		}
		if err != nil {
			return files, fmt.Errorf("cannot seal generation %d of the CA anew: %w", g.number, err)
		}
		files++
	}
	hubs, err := c.resealHubs()
	return files + hubs, err
}

// Retire ends the trust in a generation. Its file stays, as retired-N.pem.
func (c *CA) Retire(number int) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := slices.IndexFunc(c.generations, func(g *generation) bool { return g.number == number })
	switch {
	case i < 0:
		return fmt.Errorf("%w: the CA has no generation %d", fault.NotFound, number)
	case i == len(c.generations)-1:
		return fmt.Errorf("%w: generation %d of the CA is the one that issues; make a new one first", fault.Conflict, number)
	}
	err := os.Rename(c.file(number), filepath.Join(c.dir, fmt.Sprintf("retired-%d.pem", number)))
	if err = errors.Join(err, syncDir(c.dir)); err != nil {
		return fmt.Errorf("cannot retire generation %d of the CA: %w", number, err)
	}
	c.generations = slices.Delete(slices.Clone(c.generations), i, i+1)
	c.pool = poolOf(c.generations)
	return nil
}

// Generations lists those that are trusted, oldest first.
func (c *CA) Generations() []Generation {
	all := c.trusted()
	list := make([]Generation, len(all))
	for i, g := range all {
		list[i] = Generation{
			Number: g.number, Fingerprint: sha256.Sum256(g.root.Raw), NotBefore: g.root.NotBefore, NotAfter: g.root.NotAfter,
			Issues: i == len(all)-1,
		}
	}
	return list
}

// Trust gives the roots that are trusted, in PEM.
func (c *CA) Trust() []byte {
	var text []byte
	for _, g := range c.trusted() {
		text = append(text, certificatePEM(g.root.Raw)...)
	}
	return text
}

// Roots are those of Trust as a pool, which must not be changed.
func (c *CA) Roots() *x509.CertPool {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.pool
}

// fingerprint is of the root that issues.
func (c *CA) fingerprint() [32]byte { return sha256.Sum256(c.issuer().root.Raw) }

func (c *CA) issuer() *generation {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.active()
}

func (c *CA) active() *generation { return c.generations[len(c.generations)-1] }

func (c *CA) trusted() []*generation {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return slices.Clone(c.generations)
}

func (c *CA) file(number int) string {
	return filepath.Join(c.dir, fmt.Sprintf("generation-%d.pem", number))
}

func poolOf(all []*generation) *x509.CertPool {
	p := x509.NewCertPool()
	for _, g := range all {
		p.AddCert(g.root)
	}
	return p
}

func certificatePEM(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}
