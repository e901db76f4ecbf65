// Package backup keeps all that a hub needs to come back in one folder: a copy of its SQLite database, taken while the hub
// works, and the secrets of its data folder, with a manifest that says what each file must be.
//
// What is not in it: the key that secrets in the database are sealed with, which must lie elsewhere than what it opens (the
// manifest says which key that is); the broker's folder, because edges send again what had no ack, and a PostgreSQL database, which has
// tools of its own (deploy/docs/backup.md). A hub that is restored gets what happened since the backup from its edges, as far
// back as they keep what was acknowledged (retention in edge.yaml).
package backup

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/tallydock/tallydock/hub/fault"
)

const (
	// ManifestFile is the name of the manifest in a backup; a folder without it is no backup.
	ManifestFile = "manifest.json"
	// lastFile, in the data folder, says when the last backup of it was done.
	lastFile = "last-backup"
	// format is the version of the manifest.
	format = 1
)

// skipped are the names in a data folder that are not backed up: what the hub makes anew, and what is copied in another way.
var skipped = []string{"broker", "hub.lock", lastFile}

// Manifest says what is in a backup.
type Manifest struct {
	Format  int       `json:"format"`
	Made    time.Time `json:"made"`
	Program string    `json:"program"` // version of the hub that made it
	// Database is the kind of the database: sqlite, whose copy is among Files, or postgres, which is not in the backup.
	Database string `json:"database"`
	Files    []File `json:"files"`
	// Aside are files of the data folder that must be kept elsewhere, and be put back beside the restored ones.
	Aside []File `json:"aside"`
}

// File is a file of a backup.
type File struct {
	Name   string `json:"name"` // relative, with slashes
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// Source is what is backed up.
type Source struct {
	Data     string // the hub's data folder
	Program  string
	Database string // its kind
	// File is the database's name in Data; Copy writes it, as it is at one moment, to a file that is not there yet. Both
	// empty where the database has tools of its own.
	File string
	Copy func(ctx context.Context, file string) error
	// Key is the file of the keys that open the database's secrets, which never lie beside a copy of it.
	Key string
	Now time.Time
}

// Make writes a backup into dir, which must not be there yet or be empty. It is whole or not there: it is made beside dir
// and moved when all is durable. Errors: fault.Conflict where dir has something in it.
func Make(ctx context.Context, s Source, dir string) (Manifest, error) {
	m := Manifest{Format: format, Made: s.Now.UTC(), Program: s.Program, Database: s.Database}
	if err := beEmpty(dir); err != nil {
		return m, err
	}
	tmp, err := os.MkdirTemp(filepath.Dir(filepath.Clean(dir)), ".backup-*") // made 0700
	if err != nil {
		return m, fmt.Errorf("cannot make the backup's folder: %w", err)
	}
	defer os.RemoveAll(tmp)
	if s.Copy != nil {
		if err := s.Copy(ctx, filepath.Join(tmp, s.File)); err != nil {
			return m, err
		}
	}
	if err := copyRest(ctx, s, tmp); err != nil {
		return m, fmt.Errorf("cannot copy the data folder: %w", err)
	}
	if m.Files, err = sums(tmp); err != nil {
		return m, err
	}
	if m.Aside, err = asideOf(s); err != nil {
		return m, err
	}
	if err := writeManifest(tmp, m); err != nil {
		return m, err
	}
	_ = os.Remove(dir) // an empty one; what cannot go is seen by Rename
	if err := os.Rename(tmp, dir); err != nil {
		return m, fmt.Errorf("cannot put the backup in its place: %w", err)
	}
	if err := syncFolder(filepath.Dir(filepath.Clean(dir))); err != nil {
		return m, err
	}
	return m, remember(s.Data, s.Now)
}

func beEmpty(dir string) error {
	names, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("cannot look into %s: %w", dir, err)
	case len(names) > 0:
		return fmt.Errorf("%w: %s is not empty; name a folder of its own for each backup", fault.Conflict, dir)
	}
	return nil
}

// copyRest copies the data folder without the database and what the hub makes anew.
func copyRest(ctx context.Context, s Source, to string) error {
	return filepath.WalkDir(s.Data, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(s.Data, path)
		if err != nil || name == "." {
			return err
		}
		if s.skips(name) {
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if d.IsDir() {
			return os.Mkdir(filepath.Join(to, name), 0o700)
		}
		if !d.Type().IsRegular() {
			return nil
		}
		return errors.Join(ctx.Err(), copyFile(path, filepath.Join(to, name)))
	})
}

func (s Source) skips(name string) bool {
	database := cmp.Or(s.File, "hub.db")
	return slices.Contains(skipped, name) || name == s.key() || name == database || strings.HasPrefix(name, database+"-") ||
		strings.HasSuffix(name, ".tmp")
}

// key is the name of the file of keys in the data folder; "" where it lies elsewhere.
func (s Source) key() string {
	name, err := filepath.Rel(s.Data, s.Key)
	if err != nil || !filepath.IsLocal(name) {
		return ""
	}
	return name
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Sync(), out.Close())
}

// sums lists the files of a backup's folder, with what they are; each is durable then.
func sums(dir string) ([]File, error) {
	files := []File{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		n, sum, err := sumOf(path)
		files = append(files, File{filepath.ToSlash(name), n, sum})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("cannot read the backup: %w", err)
	}
	return files, nil
}

// asideOf describes the file of keys, where the data folder has it.
func asideOf(s Source) ([]File, error) {
	name := s.key()
	if name == "" {
		return []File{}, nil
	}
	n, sum, err := sumOf(filepath.Join(s.Data, name))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return []File{}, nil
	case err != nil:
		return nil, fmt.Errorf("cannot read the data folder: %w", err)
	}
	return []File{{filepath.ToSlash(name), n, sum}}, nil
}

func sumOf(file string) (int64, string, error) {
	f, err := os.Open(file)
	if err != nil {
		return 0, "", err
	}
	defer f.Close()
	h := sha256.New()
	n, err := io.Copy(h, f)
	return n, hex.EncodeToString(h.Sum(nil)), errors.Join(err, f.Sync())
}

func writeManifest(dir string, m Manifest) error {
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	f, err := os.OpenFile(filepath.Join(dir, ManifestFile), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("cannot write the manifest: %w", err)
	}
	_, err = f.Write(append(text, '\n'))
	if err := errors.Join(err, f.Sync(), f.Close(), syncFolder(dir)); err != nil {
		return fmt.Errorf("cannot write the manifest: %w", err)
	}
	return nil
}

func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// remember notes in the data folder that a backup was done. It is for people and metrics: a backup counts without it.
func remember(data string, at time.Time) error {
	err := os.WriteFile(filepath.Join(data, lastFile), []byte(at.UTC().Format(time.RFC3339)+"\n"), 0o600)
	if err != nil {
		return fmt.Errorf("the backup is done; cannot note that in the data folder: %w", err)
	}
	return nil
}

// Last is when the last backup of a data folder was done; zero where none was.
func Last(data string) time.Time {
	text, err := os.ReadFile(filepath.Join(data, lastFile))
	if err != nil {
		return time.Time{}
	}
	at, err := time.Parse(time.RFC3339, strings.TrimSpace(string(text)))
	if err != nil {
		return time.Time{}
	}
	return at
}
