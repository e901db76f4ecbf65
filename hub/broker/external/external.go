// Package external writes the configuration of brokers outside the hub, Mosquitto and NATS, so that they let in whom the
// hub's own broker lets in, and to the same topics: users come by certificate, each has the filters that it has there, and
// nobody can take another's place.
//
// What each of them cannot do is made up for:
//
//   - Mosquitto takes the common name for the user and, by use_username_as_clientid, for the client id as well. So a name
//     has one connection at a time, and each program of the hub that connects needs a certificate of its own.
//   - Mosquitto's pattern lines would let an edge write to every partition, and would leave an open connection its rights
//     when its certificate is revoked. So each user has lines of its own, which are gone with the user after a reload.
//   - NATS knows no revocation lists, and cannot change its pinned keys without a restart. So a user there is a key, by the
//     URI of the key in its certificates; one that is gone after a reload is cut off. A renewed certificate has the key of the
//     one before, so renewals need no reload.
//   - NATS binds no client id to a user. So clients must use ids that nobody can guess.
//   - To a NATS cluster, whoever comes by a route is one of its nodes. So the routes take the keys of the nodes only.
//
// The files are to be written anew when edges come, go or are revoked, and the broker told to reload (SIGHUP). Mosquitto's
// revocation list grows old: write it at least twice within its life.
package external

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tallydock/tallydock/hub/broker"
	"github.com/tallydock/tallydock/hub/fault"
)

// User signs in by certificate: one whose common name is the user's Name, and that has a URI of its key.
type User struct {
	broker.User
	Keys []string // the URIs of the keys that may be used
}

// Server is what a broker shows to its clients, and by what it knows them; all PEM.
type Server struct {
	Chain []byte // its certificate and those between it and the root
	Key   []byte
	Trust []byte // roots
}

// Files are a configuration's files by name.
type Files map[string][]byte

// Write puts the files into a folder, each whole or not at all. Keys are for their owner only.
func (f Files) Write(dir string) error {
	for name, text := range f {
		mode := os.FileMode(0o644)
		if strings.HasSuffix(name, ".key") {
			mode = 0o600
		}
		if err := writeFile(filepath.Join(dir, name), text, mode); err != nil {
			return fmt.Errorf("cannot write the broker's configuration: %w", err)
		}
	}
	return nil
}

func writeFile(file string, text []byte, mode os.FileMode) error {
	tmp, err := os.CreateTemp(filepath.Dir(file), filepath.Base(file)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(text)
	if err = errors.Join(err, tmp.Chmod(mode), tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), file)
}

// check finds users that cannot be written, and gives the others in the order of their names.
func check(users []User) ([]User, error) {
	var errs []error
	seen := map[string]bool{}
	for _, u := range users {
		if u.PasswordHash != "" || u.Shared || !u.Certificate {
			errs = append(errs, fmt.Errorf("%w: user %q signs in by password, which binds no client id there; give it a certificate", fault.Invalid, u.Name))
		}
		if u.Name == "" || strings.ContainsAny(u.Name, " \t\r\n#+/\"") || seen[u.Name] {
			errs = append(errs, fmt.Errorf("%w: user %q is there twice, or its name cannot be written", fault.Invalid, u.Name))
		}
		seen[u.Name] = true
		for _, filters := range [][]string{u.Publish, u.Subscribe} {
			if _, err := broker.Subjects(filters); err != nil {
				errs = append(errs, fmt.Errorf("%w: user %q: %w", fault.Invalid, u.Name, err))
			}
		}
	}
	sorted := slices.SortedFunc(slices.Values(users), func(a, b User) int { return strings.Compare(a.Name, b.Name) })
	return sorted, errors.Join(errs...)
}

// path is a file of a folder, which must be written in a line of a configuration.
func path(dir, name string) (string, error) {
	p := filepath.Join(dir, name)
	if !filepath.IsAbs(p) || strings.ContainsAny(p, "\"\\\r\n") {
		return "", fmt.Errorf("%w: folder %q is not an absolute path that a configuration can name", fault.Invalid, dir)
	}
	return p, nil
}

func hostPort(what, address string) (host, port string, err error) {
	host, port, err = net.SplitHostPort(address)
	if err == nil && (host == "" || strings.ContainsAny(address, "\" \r\n")) {
		err = errors.New("the host is missing")
	}
	if err != nil {
		err = fmt.Errorf("%w: %s %q is not host:port: %w", fault.Invalid, what, address, err)
	}
	return host, port, err
}
