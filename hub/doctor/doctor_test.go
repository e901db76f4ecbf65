package doctor_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tallydock/tallydock/hub/doctor"
)

// worst runs a check and gives its worst finding.
func worst(t *testing.T, c doctor.Check) (w doctor.Finding) {
	t.Helper()
	doctor.Examine(t.Context(), []doctor.Check{c}, func(f doctor.Finding) {
		if f.Level >= w.Level {
			w = f
		}
	})
	if w.Level > doctor.Skipped && w.Do == "" {
		t.Errorf("%q does not say what to do", w.Says)
	}
	return w
}

func expect(t *testing.T, name string, got doctor.Finding, level doctor.Level, says string) {
	t.Helper()
	if got.Level != level || !strings.Contains(got.Says, says) {
		t.Errorf("%s: %v %q; want %v with %q", name, got.Level, got.Says, level, says)
	}
}

func TestFolderFindsWrongRightsAndPlaces(t *testing.T) {
	fresh := func() string {
		dir := filepath.Join(t.TempDir(), "data")
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	open, secret, file := fresh(), fresh(), filepath.Join(fresh(), "hub.db")
	for _, err := range []error{
		os.Chmod(open, 0o755), os.WriteFile(filepath.Join(secret, "credentials.yaml"), nil, 0o644), os.WriteFile(file, nil, 0o600),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	expect(t, "sound", worst(t, doctor.Folder(fresh())), doctor.OK, "are free")
	expect(t, "open", worst(t, doctor.Folder(open)), doctor.Problem, "mode 0755")
	expect(t, "secret", worst(t, doctor.Folder(secret)), doctor.Problem, "credentials.yaml (mode 0644)")
	expect(t, "file", worst(t, doctor.Folder(file)), doctor.Problem, "is a file")
	expect(t, "to be made", worst(t, doctor.Folder(filepath.Join(fresh(), "a", "b"))), doctor.OK, "the hub makes it")
	if os.Geteuid() == 0 {
		other := fresh()
		if err := os.Chown(other, 65534, 65534); err != nil {
			t.Fatal(err)
		}
		expect(t, "another's", worst(t, doctor.Folder(other)), doctor.Problem, "belongs to user number 65534")
		expect(t, "no place", worst(t, doctor.Folder(filepath.Join(file, "data"))), doctor.Problem, "not a directory")
	}
}

func TestSpaceThatEndsIsFound(t *testing.T) {
	const gib = 1 << 30
	for name, c := range map[string]struct {
		free, all, filesFree, files int64
		want                        doctor.Level
	}{
		"plenty": {50 * gib, 100 * gib, 1e6, 2e6, doctor.OK}, "little": {gib, 100 * gib, 1e6, 2e6, doctor.Warning},
		"small disk": {gib, 10 * gib, 1e6, 2e6, doctor.OK}, "full": {100 << 20, 100 * gib, 1e6, 2e6, doctor.Problem},
		"no files": {50 * gib, 100 * gib, 10, 2e6, doctor.Problem}, "files not counted": {50 * gib, 100 * gib, 0, 0, doctor.OK},
	} {
		got := worst(t, doctor.Check{Name: "space", Run: func(context.Context) []doctor.Finding {
			return doctor.SpaceOf("/data", c.free, c.all, c.filesFree, c.files)
		}})
		expect(t, name, got, c.want, "")
	}
}

func TestSlowDiskIsFound(t *testing.T) {
	for name, c := range map[string]struct {
		slowest time.Duration
		want    doctor.Level
	}{"fast": {time.Millisecond, doctor.OK}, "slow": {60 * time.Millisecond, doctor.Warning}, "bad": {time.Second, doctor.Problem}} {
		took := make([]time.Duration, 60)
		for i := range took {
			took[i] = time.Millisecond / 2
		}
		took[7] = c.slowest
		expect(t, name, doctor.Syncs(took), c.want, "durable writes")
	}
	expect(t, "real", worst(t, doctor.Disk(filepath.Join(t.TempDir(), "none"))), doctor.Skipped, "yet")
	if f := worst(t, doctor.Disk(t.TempDir())); !strings.Contains(f.Says, "durable writes") {
		t.Errorf("%+v", f)
	}
}

func TestFewFilesAndLittleMemoryAreFound(t *testing.T) {
	for name, c := range map[string]struct {
		machine doctor.Machine
		want    doctor.Level
	}{
		"good": {doctor.Machine{Files: 65536, Available: 4 << 30}, doctor.OK}, "few files": {doctor.Machine{Files: 4096, Available: 4 << 30}, doctor.Warning},
		"no files": {doctor.Machine{Files: 256, Available: 4 << 30}, doctor.Problem}, "no memory": {doctor.Machine{Files: 65536, Available: 1 << 20}, doctor.Warning},
	} {
		expect(t, name, worst(t, doctor.Check{Name: "limits", Run: func(context.Context) []doctor.Finding { return c.machine.Judge() }}), c.want, "")
	}
	if got := doctor.Meminfo([]byte("MemTotal:  10 kB\nMemAvailable:    2048 kB\n"), "MemAvailable"); got != 2<<20 {
		t.Errorf("got %d", got)
	}
	if f := worst(t, doctor.Limits()); f.Check != "limits" {
		t.Errorf("%+v", f)
	}
}

func TestClockWithoutATimeServiceIsFound(t *testing.T) {
	for _, c := range []struct {
		synced, known bool
		want          doctor.Level
	}{{true, true, doctor.OK}, {false, true, doctor.Warning}, {false, false, doctor.Skipped}} {
		expect(t, "clock", worst(t, doctor.Clock(func() (bool, bool) { return c.synced, c.known })), c.want, "clock")
	}
}

func TestCertificateThatEndsIsFound(t *testing.T) {
	begin := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	end := begin.AddDate(0, 3, 0)
	cert, key := pair(t, begin, end)
	for name, c := range map[string]struct {
		now  time.Time
		want doctor.Level
		says string
	}{
		"good": {begin.AddDate(0, 1, 0), doctor.OK, "valid until 2026-04-01"}, "early": {begin.Add(-time.Hour), doctor.Problem, "valid from"},
		"soon": {end.AddDate(0, 0, -10), doctor.Warning, "ends on"}, "now": {end.Add(-time.Hour), doctor.Problem, "ends on"}, "over": {end.Add(time.Hour), doctor.Problem, "ended"},
	} {
		expect(t, name, worst(t, doctor.Certificate(cert, key, "0.0.0.0:443", false, c.now)), c.want, c.says)
	}
	expect(t, "none here", worst(t, doctor.Certificate("", "", "127.0.0.1:8080", true, begin)), doctor.OK, "needs none")
	expect(t, "none there", worst(t, doctor.Certificate("", "", "0.0.0.0:8080", false, begin)), doctor.Warning, "without TLS")
	expect(t, "missing", worst(t, doctor.Certificate(cert+"x", key, "0.0.0.0:8080", false, begin)), doctor.Problem, "no such file")
	if err := os.Chmod(key, 0o644); err != nil {
		t.Fatal(err)
	}
	expect(t, "key", worst(t, doctor.Certificate(cert, key, "", false, begin.AddDate(0, 1, 0))), doctor.Problem, "mode 0644")
}

func pair(t *testing.T, begin, end time.Time) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: begin, NotAfter: end}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(t.TempDir(), "hub.crt"), filepath.Join(t.TempDir(), "hub.key")
	for file, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

func TestPortOfAnotherProgramIsFound(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at := l.Addr().String()
	expect(t, "taken", worst(t, doctor.Port("port", at, false)), doctor.Problem, "taken")
	expect(t, "the hub's", worst(t, doctor.Port("port", at, true)), doctor.OK, "answers")
	l.Close()
	expect(t, "free", worst(t, doctor.Port("port", at, false)), doctor.OK, "free")
	expect(t, "dead", worst(t, doctor.Port("port", at, true)), doctor.Problem, "does not answer")
	expect(t, "elsewhere", worst(t, doctor.Port("port", "192.0.2.1:80", false)), doctor.Problem, "cannot listen")
	expect(t, "any", worst(t, doctor.Port("port", "127.0.0.1:0", false)), doctor.Skipped, "any free port")
}

func TestBrokerThatRefusesIsFound(t *testing.T) {
	refuse := func(context.Context) error { return errors.New("bad user name or password") }
	expect(t, "refused", worst(t, doctor.Broker("b:1883", refuse)), doctor.Problem, "bad user name")
	expect(t, "good", worst(t, doctor.Broker("b:1883", func(context.Context) error { return nil })), doctor.OK, "may sign in")
	expect(t, "own", worst(t, doctor.Broker("b:1883", nil)), doctor.Skipped, "")
}

// base is a database that says what a test wants.
type base struct {
	has     int
	remarks []doctor.Remark
	ahead   time.Duration
	wrong   []string
	err     error
}

func (base) Dialect() string                                     { return "sqlite" }
func (b base) Schema(context.Context) (int, int, error)          { return b.has, 9, nil }
func (base) Close() error                                        { return nil }
func (b base) ClockAhead(context.Context) (time.Duration, error) { return b.ahead, nil }
func (b base) Remarks(context.Context) (string, []doctor.Remark, error) {
	return "3", b.remarks, b.err
}
func (b base) Tail(context.Context) (int, []string, error) { return 5, b.wrong, nil }

func TestDatabaseThatIsNotAsItShouldBeIsFound(t *testing.T) {
	for name, c := range map[string]struct {
		base
		want doctor.Level
		says string
	}{
		"sound": {base{has: 9}, doctor.OK, "as they were written"}, "old": {base{has: 8}, doctor.Warning, "version 8"},
		"newer": {base{has: 10}, doctor.Problem, "version 10"}, "clock": {base{has: 9, ahead: -3 * time.Second}, doctor.Warning, "-3s ahead"},
		"changed": {base{has: 9, wrong: []string{"movement x"}}, doctor.Problem, "movement x"}, "gone": {base{err: errors.New("EOF")}, doctor.Problem, "EOF"},
		"unsafe": {base{has: 9, remarks: []doctor.Remark{{Says: "fsync is off", Do: "set it", Bad: true}}}, doctor.Problem, "fsync"},
	} {
		open := func(context.Context) (doctor.Database, error) { return c.base, nil }
		expect(t, name, worst(t, doctor.OfDatabase(open)), c.want, c.says)
	}
	expect(t, "none", worst(t, doctor.OfDatabase(func(context.Context) (doctor.Database, error) { return nil, nil })), doctor.OK, "none yet")
	refuse := func(context.Context) (doctor.Database, error) { return nil, errors.New("refused") }
	expect(t, "away", worst(t, doctor.OfDatabase(refuse)), doctor.Problem, "refused")
}

func TestCheckThatHangsIsAFinding(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		hang := doctor.Check{Name: "nfs", Run: func(context.Context) []doctor.Finding { <-release; return nil }}
		expect(t, "hangs", worst(t, hang), doctor.Problem, "no answer")
		close(release)
	})
}

func TestFindingIsJSON(t *testing.T) {
	text, err := json.Marshal(doctor.Finding{Check: "disk", Level: doctor.Warning, Says: "slow", Do: "buy one"})
	if err != nil || string(text) != `{"check":"disk","level":"warning","says":"slow","do":"buy one"}` {
		t.Errorf("%s %v", text, err)
	}
}
