package backup

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/tallydock/tallydock/hub/fault"
)

// maxManifest bounds a manifest in bytes.
const maxManifest = 1 << 20

// Check reads a backup's manifest and compares every file with it. Errors: fault.NotFound where the folder is no backup;
// fault.Invalid, naming every file that is not as it was written.
func Check(dir string) (Manifest, error) {
	m, err := readManifest(dir)
	if err != nil {
		return m, err
	}
	var wrong []error
	for _, f := range m.Files {
		n, sum, err := sumOf(filepath.Join(dir, filepath.FromSlash(f.Name)))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			wrong = append(wrong, fmt.Errorf("%s is missing", f.Name))
		case err != nil:
			wrong = append(wrong, err)
		case n != f.Bytes || sum != f.SHA256:
			wrong = append(wrong, fmt.Errorf("%s has %d bytes that are not the %d that were written", f.Name, n, f.Bytes))
		}
	}
	if len(wrong) > 0 {
		return m, fmt.Errorf("%w: the backup %s is damaged; take another one:\n%w", fault.Invalid, dir, errors.Join(wrong...))
	}
	return m, nil
}

func readManifest(dir string) (m Manifest, err error) {
	file := filepath.Join(dir, ManifestFile)
	info, err := os.Stat(file)
	if errors.Is(err, fs.ErrNotExist) {
		return m, fmt.Errorf("%w: %s has no %s: it is no backup, or one that was not finished", fault.NotFound, dir, ManifestFile)
	}
	if err != nil {
		return m, fmt.Errorf("cannot read the backup: %w", err)
	}
	if info.Size() > maxManifest {
		return m, fmt.Errorf("%w: %s has %d bytes: that is no manifest", fault.Invalid, file, info.Size())
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return m, fmt.Errorf("cannot read the backup: %w", err)
	}
	m, err = ParseManifest(text)
	if err != nil {
		return m, fmt.Errorf("%s: %w", file, err)
	}
	return m, nil
}

// ParseManifest reads a manifest. Errors: fault.Invalid.
func ParseManifest(text []byte) (m Manifest, err error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&m); err != nil {
		return m, fmt.Errorf("%w: %w", fault.Invalid, err)
	}
	if m.Format != format {
		return m, fmt.Errorf("%w: format %d; this hub knows %d", fault.Invalid, m.Format, format)
	}
	names := map[string]bool{}
	for _, f := range slices.Concat(m.Files, m.Aside) {
		if !filepath.IsLocal(filepath.FromSlash(f.Name)) || f.Name == ManifestFile || names[f.Name] {
			return m, fmt.Errorf("%w: %q cannot be the name of a file in it", fault.Invalid, f.Name)
		}
		names[f.Name] = true
	}
	return m, nil
}

// Restore puts a backup, which it checks first, into a data folder that is not there yet or empty but for hub.lock. Errors:
// as of Check; fault.Conflict where the folder has something in it.
func Restore(dir, data string) (Manifest, error) {
	m, err := Check(dir)
	if err != nil {
		return m, err
	}
	if err := os.MkdirAll(data, 0o700); err != nil {
		return m, fmt.Errorf("cannot make the data folder: %w", err)
	}
	there, err := os.ReadDir(data)
	if err != nil {
		return m, fmt.Errorf("cannot look into the data folder: %w", err)
	}
	there = slices.DeleteFunc(there, func(e fs.DirEntry) bool { return e.Name() == "hub.lock" })
	if len(there) > 0 {
		return m, fmt.Errorf("%w: %s has %s in it already; move it away first, so that nothing is lost if this was a mistake",
			fault.Conflict, data, there[0].Name())
	}
	for _, f := range m.Files {
		to := filepath.Join(data, filepath.FromSlash(f.Name))
		err := os.MkdirAll(filepath.Dir(to), 0o700)
		if err == nil {
			err = copyFile(filepath.Join(dir, filepath.FromSlash(f.Name)), to)
		}
		if err == nil {
			err = syncFolder(filepath.Dir(to))
		}
		if err != nil {
			return m, fmt.Errorf("cannot restore %s: %w", f.Name, err)
		}
	}
	return m, nil
}
