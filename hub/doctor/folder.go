package doctor

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"
)

// What a data folder should have free.
const (
	leastFree  = 256 << 20 // bytes below which the hub will soon stop
	wishedFree = 2 << 30
	leastParts = 20 // a twentieth of the disk
	leastFiles = 1000
)

// Folder looks at the rights and the space of a data folder.
func Folder(dir string) Check {
	return Check{"data folder", func(context.Context) []Finding {
		info, err := os.Stat(dir)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return []Finding{parent(dir)}
		case err != nil:
			return []Finding{problem("give the hub's user the right to enter the folders above it", "%v", err)}
		case !info.IsDir():
			return []Finding{problem("name a folder in data", "%s is a file", dir)}
		}
		found := rights(dir, info)
		if !slices.ContainsFunc(found, func(f Finding) bool { return f.Level == Problem }) {
			found = append(found, writable(dir))
		}
		return append(found, space(dir)...)
	}}
}

// parent looks at where the hub will make its folder.
func parent(dir string) Finding {
	for up := filepath.Dir(dir); ; up = filepath.Dir(up) {
		info, err := os.Stat(up)
		if errors.Is(err, fs.ErrNotExist) && up != filepath.Dir(up) {
			continue
		}
		const writeAndEnter = 0o3
		if err != nil || !info.IsDir() || syscall.Access(up, writeAndEnter) != nil {
			return problem("make the folder and give it to the hub's user", "%s is not there, and cannot be made in %s", dir, up)
		}
		return ok("%s is not there yet; the hub makes it when it starts", dir)
	}
}

func rights(dir string, info fs.FileInfo) []Finding {
	if st, known := info.Sys().(*syscall.Stat_t); known && int(st.Uid) != os.Geteuid() {
		return []Finding{problem("run hub doctor as the user that the hub runs as, and give the folder to it (chown -R)",
			"%s belongs to user number %d, and this is %d", dir, st.Uid, os.Geteuid())}
	}
	var found []Finding
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		found = append(found, problem("chmod 0700 "+dir, "others may look into %s (mode %04o): it has passwords and keys", dir, mode))
	}
	for _, f := range secretFiles(dir) {
		if info, err := os.Stat(f); err == nil && info.Mode().Perm()&0o077 != 0 {
			found = append(found, problem("chmod 0600 "+f, "others may read %s (mode %04o)", f, info.Mode().Perm()))
		}
	}
	if len(found) == 0 {
		found = []Finding{ok("%s is this user's alone", dir)}
	}
	return found
}

func secretFiles(dir string) (all []string) {
	for _, pattern := range []string{"*.yaml", "*.key", "*.txt", "*.db", "*.pem"} {
		found, _ := filepath.Glob(filepath.Join(dir, pattern)) // fails only for a wrong pattern
		all = append(all, found...)
	}
	return all
}

func writable(dir string) Finding {
	f, err := os.CreateTemp(dir, ".doctor-*")
	if err != nil {
		return problem("find out why nothing can be written there: a disk that is full or read-only, or rights", "%v", err)
	}
	defer os.Remove(f.Name())
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return problem("look at the disk: dmesg and smartctl say more", "what is written to %s does not stay: %v", dir, err)
	}
	return ok("files can be made in %s", dir)
}

func space(dir string) []Finding {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(dir, &fs); err != nil {
		return []Finding{problem("look at the disk", "cannot ask for free space: %v", err)}
	}
	return spaceOf(dir, int64(fs.Bavail)*fs.Bsize, int64(fs.Blocks)*fs.Bsize, int64(fs.Ffree), int64(fs.Files))
}

// spaceOf judges free and all bytes, and free and all files; a file system that counts no files says 0.
func spaceOf(dir string, free, all, filesFree, files int64) []Finding {
	const mib = 1 << 20
	const do = "make room: a bigger disk, old backups elsewhere, a shorter series.raw"
	var found []Finding
	switch {
	case free < leastFree:
		found = append(found, problem(do, "%d MiB are free at %s; below %d MiB the database soon cannot write", free/mib, dir, leastFree/mib))
	case free < min(wishedFree, all/leastParts):
		found = append(found, warning(do, "%d MiB of %d MiB are free at %s", free/mib, all/mib, dir))
	default:
		found = append(found, ok("%d MiB of %d MiB are free", free/mib, all/mib))
	}
	if files > 0 && filesFree < leastFiles {
		found = append(found, problem("remove small files that nobody needs", "%s has room for %d more files", dir, filesFree))
	}
	return found
}

// What a durable write may take.
const (
	writes   = 60
	slowSync = 50 * time.Millisecond
	badSync  = 500 * time.Millisecond
	syncsFor = 10 * time.Second
)

// Disk measures how long durable writes take in a data folder.
func Disk(dir string) Check {
	return Check{"disk", func(ctx context.Context) []Finding {
		took, err := syncs(ctx, dir)
		if errors.Is(err, fs.ErrNotExist) {
			return []Finding{skipped("there is no %s yet", dir)}
		}
		if err != nil {
			return []Finding{problem("look at the disk: dmesg and smartctl say more", "cannot write durably: %v", err)}
		}
		return []Finding{judgeSyncs(took)}
	}}
}

// syncs appends blocks to a file, each made durable by itself, and gives what each took.
func syncs(ctx context.Context, dir string) ([]time.Duration, error) {
	f, err := os.CreateTemp(dir, ".doctor-*")
	if err != nil {
		return nil, err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	block := make([]byte, 4096)
	var took []time.Duration
	for began := time.Now(); len(took) < writes && time.Since(began) < syncsFor && ctx.Err() == nil; {
		start := time.Now()
		if _, err := f.Write(block); err != nil {
			return nil, err
		}
		if err := syscall.Fdatasync(int(f.Fd())); err != nil {
			return nil, err
		}
		took = append(took, time.Since(start))
	}
	return took, ctx.Err()
}

func judgeSyncs(took []time.Duration) Finding {
	slices.Sort(took)
	middle, slow := took[len(took)/2].Round(10*time.Microsecond), took[len(took)*99/100].Round(10*time.Microsecond)
	const do = "move the data folder to a disk of its own, best a solid one with power-loss protection; network disks are slow here"
	switch {
	case slow > badSync:
		return problem(do, "of %d durable writes the slowest took %v, half of them %v", len(took), slow, middle)
	case slow > slowSync:
		return warning(do, "of %d durable writes the slowest took %v, half of them %v; each movement waits for one", len(took), slow, middle)
	}
	return ok("durable writes take %v, the slowest %v", middle, slow)
}
