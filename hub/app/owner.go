package app

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"strconv"
	"syscall"

	"github.com/tallydock/tallydock/hub/fault"
)

// AsOwner reports, as an error, that a data folder is another user's than this process's: files that this process would make
// in it, root's above all, keep its hub from its own database. One that is not there yet is nobody's. Errors: fault.Forbidden.
func AsOwner(data string) error {
	info, err := os.Stat(data)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("cannot look at the data folder: %w", err)
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok || int(st.Uid) == os.Geteuid() {
		return nil
	}
	name := strconv.Itoa(int(st.Uid))
	if u, err := user.LookupId(name); err == nil {
		name = u.Username
	}
	return fmt.Errorf("%w: the data folder %s belongs to %s; say it as that user: sudo -u %s tallydock-hub …", fault.Forbidden, data, name, name)
}
