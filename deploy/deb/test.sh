#!/bin/sh
# Tests Debian packages of the gateway: test.sh FILE.deb... Of each it looks at files, modes and scripts. As root it also
# installs, upgrades, removes and purges the one of this machine's architecture, in a copy of this system that is thrown away
# (an overlay in memory), so that nothing here changes.
set -eu

fail() { echo "FAIL: $*" >&2; exit 1; }

files='drwxr-xr-x root/root ./
drwxr-xr-x root/root ./etc/
drwxr-xr-x root/root ./etc/tallydock/
-rw-r--r-- root/root ./etc/tallydock/edge.yaml.example
drwxr-xr-x root/root ./lib/
drwxr-xr-x root/root ./lib/systemd/
drwxr-xr-x root/root ./lib/systemd/system/
-rw-r--r-- root/root ./lib/systemd/system/tallydock-edge.service
drwxr-xr-x root/root ./lib/udev/
drwxr-xr-x root/root ./lib/udev/rules.d/
-rw-r--r-- root/root ./lib/udev/rules.d/70-tallydock.rules
drwxr-xr-x root/root ./usr/
drwxr-xr-x root/root ./usr/bin/
-rwxr-xr-x root/root ./usr/bin/tallydock-edge
drwxr-xr-x root/root ./usr/lib/
drwxr-xr-x root/root ./usr/lib/sysusers.d/
-rw-r--r-- root/root ./usr/lib/sysusers.d/tallydock-edge.conf
drwxr-xr-x root/root ./usr/share/
drwxr-xr-x root/root ./usr/share/doc/
drwxr-xr-x root/root ./usr/share/doc/tallydock-edge/
-rw-r--r-- root/root ./usr/share/doc/tallydock-edge/README.gz
-rw-r--r-- root/root ./usr/share/doc/tallydock-edge/changelog.gz
-rw-r--r-- root/root ./usr/share/doc/tallydock-edge/copyright
drwxr-xr-x root/root ./usr/share/lintian/
drwxr-xr-x root/root ./usr/share/lintian/overrides/
-rw-r--r-- root/root ./usr/share/lintian/overrides/tallydock-edge
drwxr-xr-x root/root ./usr/share/man/
drwxr-xr-x root/root ./usr/share/man/man1/
-rw-r--r-- root/root ./usr/share/man/man1/tallydock-edge.1.gz'

work=$(mktemp -d)
cleanup() {
	umount "$work/all/root/proc" "$work/all/root/dev" "$work/all/root" "$work/all" 2>/dev/null || true
	rm -rf "$work"
}
trap cleanup EXIT

look() {
	got=$(dpkg-deb -c "$1" | awk '{ print $1, $2, $6 }')
	[ "$got" = "$files" ] || { echo "$got" | diff - "$work/files" >&2 || true; fail "$1: other files or modes"; }
	dir="$work/$(basename "$1")"
	dpkg-deb -R "$1" "$dir"
	(cd "$dir" && md5sum --quiet -c DEBIAN/md5sums) || fail "$1: a file is not what its checksum says"
	for script in postinst prerm postrm; do
		[ "$(stat -c %a "$dir/DEBIAN/$script")" = 755 ] || fail "$1: $script is not executable"
		sh -n "$dir/DEBIAN/$script" || fail "$1: $script is no shell script"
	done
	if command -v file >/dev/null; then
		file "$dir/usr/bin/tallydock-edge" | grep -q 'statically linked' || fail "$1: the program is not static"
	fi
	echo "$1: files, modes and scripts are right"
}

# inside runs a command in the copy of the system.
inside() { chroot "$work/all/root" "$@"; }

copy() {
	mkdir "$work/all"
	mount -t tmpfs -o size=512m tmpfs "$work/all" 2>/dev/null || return 1
	mkdir "$work/all/upper" "$work/all/work" "$work/all/root"
	mount -t overlay overlay -o "lowerdir=/,upperdir=$work/all/upper,workdir=$work/all/work" "$work/all/root" 2>/dev/null || return 1
	mount --bind /proc "$work/all/root/proc" && mount --bind /dev "$work/all/root/dev"
	rm -rf "$work/all/root/run/systemd/system" # in the copy no service manager runs
}

life() {
	cp "$1" "$work/all/root/tmp/edge.deb"
	inside dpkg -i /tmp/edge.deb >/dev/null
	inside id tallydock-edge >/dev/null || fail "there is no user"
	[ "$(inside stat -c '%U:%G %a' /etc/tallydock)" = "root:tallydock-edge 750" ] || fail "/etc/tallydock: $(inside stat -c '%U:%G %a' /etc/tallydock)"
	inside test -L /etc/systemd/system/multi-user.target.wants/tallydock-edge.service || fail "the service is not enabled"
	inside tallydock-edge version
	inside sh -c 'cd /etc/tallydock && sed "s/^data:.*/data: \/var\/lib\/tallydock-edge/; s/password_file:.*//; s/^  user:.*//" edge.yaml.example >edge.yaml'
	inside tallydock-edge check --config /etc/tallydock/edge.yaml
	inside systemd-analyze verify --man=no /lib/systemd/system/tallydock-edge.service 2>&1 | grep -i tallydock && fail "the unit is wrong"
	inside mkdir -p /var/lib/tallydock-edge
	inside touch /var/lib/tallydock-edge/kept
	inside dpkg -i /tmp/edge.deb >/dev/null
	inside test -f /etc/tallydock/edge.yaml || fail "an upgrade takes the configuration away"
	inside dpkg -r tallydock-edge >/dev/null
	inside test -f /var/lib/tallydock-edge/kept || fail "a removal takes away what was kept"
	inside dpkg -i /tmp/edge.deb >/dev/null
	inside test -L /etc/systemd/system/multi-user.target.wants/tallydock-edge.service || fail "after it came back the service is not enabled"
	inside dpkg -P tallydock-edge >/dev/null
	for left in /var/lib/tallydock-edge /etc/tallydock /usr/bin/tallydock-edge; do
		inside test ! -e $left || fail "$left is left after a purge"
	done
	echo "$1: installs, upgrades, goes and comes back, and leaves nothing after a purge"
}

echo "$files" >"$work/files"
for deb; do look "$deb"; done
if [ "$(id -u)" != 0 ]; then
	echo "not root: the installation is not tested"
	exit 0
fi
if ! copy; then
	echo "this system has no overlay of its own root: the installation is not tested"
	exit 0
fi
for deb; do
	[ "$(dpkg-deb -f "$deb" Architecture)" = "$(dpkg --print-architecture)" ] && life "$deb"
done
exit 0
