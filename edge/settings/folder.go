package settings

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// fileName is the one file.
const fileName = "settings.json"

// Folder keeps a Book on disk. One goroutine uses it.
type Folder struct{ dir string }

// In gives the Folder below a gateway's data folder.
func In(data string) Folder { return Folder{filepath.Join(data, "settings")} }

// Load reads the Book. Where there is none it is empty. A file that cannot be read is put aside, as settings.json.bad, and
// told: the gateway can work by its own file, and the hub will offer its configuration again.
func (f Folder) Load() (Book, error) {
	file := filepath.Join(f.dir, fileName)
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return Book{}, nil
	}
	var b Book
	if err == nil {
		err = json.Unmarshal(text, &b)
	}
	if err == nil {
		return b, nil
	}
	err = fmt.Errorf("cannot read what the hub told to work by: %w; it is put aside as %s.bad", err, file)
	return Book{}, errors.Join(err, os.Rename(file, file+".bad"))
}

// Save writes the Book, whole or not at all, for this program's user only; it is durable when Save returns.
func (f Folder) Save(b Book) error {
	if err := f.save(b); err != nil {
		return fmt.Errorf("cannot keep what the hub told to work by: %w", err)
	}
	return nil
}

func (f Folder) save(b Book) error {
	text, err := json.MarshalIndent(b, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(f.dir, 0o700); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(f.dir, fileName+".*") // made 0600
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(text)
	if err = errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	if err := os.Rename(tmp.Name(), filepath.Join(f.dir, fileName)); err != nil {
		return err
	}
	return sync(f.dir)
}

// sync makes the names in a folder durable.
func sync(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
