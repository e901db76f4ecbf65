#!/bin/sh
# Tests Debian packages of the programs: test.sh FILE.deb... Of each it looks at files, modes and scripts. As root it also
# installs, upgrades, removes and purges the one of this machine's architecture, in a copy of this system that is thrown away
# (an overlay in memory), so that nothing here changes.
set -eu

fail() { echo "FAIL: $*" >&2; exit 1; }

# listed prints what a package must have; $1 is its program.
listed() {
	name=tallydock-$1
	for dir in ./ ./etc/ ./etc/tallydock/ ./lib/ ./lib/systemd/ ./lib/systemd/system/ ./usr/ ./usr/bin/ ./usr/lib/ ./usr/lib/sysusers.d/ \
		./usr/share/ ./usr/share/doc/ ./usr/share/doc/$name/ ./usr/share/lintian/ ./usr/share/lintian/overrides/ ./usr/share/man/ ./usr/share/man/man1/; do
		echo "drwxr-xr-x root/root $dir"
	done
	for file in ./etc/tallydock/$1.yaml.example ./lib/systemd/system/$name.service ./usr/lib/sysusers.d/$name.conf \
		./usr/share/doc/$name/README.gz ./usr/share/doc/$name/changelog.gz ./usr/share/doc/$name/copyright \
		./usr/share/lintian/overrides/$name ./usr/share/man/man1/$name.1.gz; do
		echo "-rw-r--r-- root/root $file"
	done
	echo "-rwxr-xr-x root/root ./usr/bin/$name"
	case $1 in
	edge)
		printf 'drwxr-xr-x root/root %s\n' ./lib/udev/ ./lib/udev/rules.d/
		echo "-rw-r--r-- root/root ./lib/udev/rules.d/70-tallydock.rules"
		;;
	hub)
		echo "drwxr-xr-x root/root ./usr/share/doc/$name/examples/"
		for unit in service timer; do echo "-rw-r--r-- root/root ./lib/systemd/system/$name-backup.$unit"; done
		for file in backup runbook metrics; do echo "-rw-r--r-- root/root ./usr/share/doc/$name/$file.md.gz"; done
		for file in alerts.yaml records.yaml prometheus.yml hub.json fleet.json ledger.json coldchain.json; do
			echo "-rw-r--r-- root/root ./usr/share/doc/$name/examples/$file"
		done
		;;
	esac
}

work=$(mktemp -d)
cleanup() {
	umount "$work/all/root/proc" "$work/all/root/dev" "$work/all/root" "$work/all" 2>/dev/null || true
	rm -rf "$work"
}
trap cleanup EXIT

look() {
	program=$(dpkg-deb -f "$1" Package | sed 's/^tallydock-//')
	listed "$program" | LC_ALL=C sort >"$work/files"
	dpkg-deb -c "$1" | awk '{ print $1, $2, $6 }' | LC_ALL=C sort | diff - "$work/files" >&2 || fail "$1: other files or modes"
	dir="$work/$(basename "$1")"
	dpkg-deb -R "$1" "$dir"
	(cd "$dir" && md5sum --quiet -c DEBIAN/md5sums) || fail "$1: a file is not what its checksum says"
	for script in postinst prerm postrm; do
		[ "$(stat -c %a "$dir/DEBIAN/$script")" = 755 ] || fail "$1: $script is not executable"
		sh -n "$dir/DEBIAN/$script" || fail "$1: $script is no shell script"
	done
	if command -v file >/dev/null; then
		file "$dir/usr/bin/tallydock-$program" | grep -q 'statically linked' || fail "$1: the program is not static"
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

# configure writes a configuration, as install.md says.
configure() {
	case $1 in
	edge) inside sh -c 'cd /etc/tallydock && sed "s/^data:.*/data: \/var\/lib\/tallydock-edge/; s/password_file:.*//; s/^  user:.*//" edge.yaml.example >edge.yaml' ;;
	hub) inside install -m 0640 -g tallydock-hub /etc/tallydock/hub.yaml.example /etc/tallydock/hub.yaml ;;
	esac
}

# works runs a hub as its service would, in the copy; it is not for gateways, which smoke-arm64.sh runs.
works() {
	[ "$1" = hub ] || return 0
	as="setpriv --reuid=tallydock-hub --regid=tallydock-hub --clear-groups"
	hub="$as /usr/bin/tallydock-hub"
	inside install -d -m 0700 -o tallydock-hub -g tallydock-hub /var/lib/tallydock-hub /var/lib/tallydock-hub-backup
	inside sed -i 's/127.0.0.1:8080/127.0.0.1:18480/; s/127.0.0.1:1883/127.0.0.1:18483/' /etc/tallydock/hub.yaml
	inside $hub doctor --config /etc/tallydock/hub.yaml || fail "hub doctor finds a problem on a fresh machine"
	chroot "$work/all/root" $hub run --config /etc/tallydock/hub.yaml >"$work/hub.log" 2>&1 &
	pid=$!
	i=0
	until [ "$(curl -fsS http://127.0.0.1:18480/readyz 2>/dev/null)" = '{"status":"ok"}' ]; do
		i=$((i + 1))
		[ $i -lt 300 ] || { cat "$work/hub.log" >&2; kill $pid; fail "the hub does not get ready"; }
		sleep 0.2
	done
	inside $hub doctor --config /etc/tallydock/hub.yaml || fail "hub doctor finds a problem with a hub that runs"
	inside $hub backup --config /etc/tallydock/hub.yaml /var/lib/tallydock-hub-backup/first || fail "hub backup"
	kill -TERM $pid
	wait $pid || fail "the hub does not end well"
	inside $hub verify --config /etc/tallydock/hub.yaml || fail "hub verify"
	inside mv /var/lib/tallydock-hub /var/lib/tallydock-hub.lost
	inside install -d -m 0700 -o tallydock-hub -g tallydock-hub /var/lib/tallydock-hub
	inside $hub restore --config /etc/tallydock/hub.yaml /var/lib/tallydock-hub-backup/first || fail "hub restore"
	inside $hub doctor --config /etc/tallydock/hub.yaml || fail "hub doctor finds a problem after a restore"
	inside rm -rf /var/lib/tallydock-hub.lost
	echo "$name: runs, is examined, backed up and restored as its own user"
}

life() {
	program=$(dpkg-deb -f "$1" Package | sed 's/^tallydock-//')
	name=tallydock-$program
	cp "$1" "$work/all/root/tmp/it.deb"
	inside dpkg -i /tmp/it.deb >/dev/null
	inside id $name >/dev/null || fail "there is no user"
	[ "$(inside stat -c '%U:%G %a' /etc/tallydock)" = "root:root 755" ] || fail "/etc/tallydock: $(inside stat -c '%U:%G %a' /etc/tallydock)"
	inside test -L /etc/systemd/system/multi-user.target.wants/$name.service || fail "the service is not enabled"
	inside $name version
	configure "$program"
	inside $name check --config /etc/tallydock/$program.yaml
	for unit in $(inside sh -c "ls /lib/systemd/system/$name*"); do
		inside systemd-analyze verify --man=no "$unit" 2>&1 | grep -i tallydock && fail "the unit $unit is wrong"
	done
	works "$program"
	inside mkdir -p /var/lib/$name
	inside touch /var/lib/$name/kept
	inside dpkg -i /tmp/it.deb >/dev/null
	inside test -f /etc/tallydock/$program.yaml || fail "an upgrade takes the configuration away"
	inside dpkg -r $name >/dev/null
	inside test -f /var/lib/$name/kept || fail "a removal takes away what was kept"
	inside dpkg -i /tmp/it.deb >/dev/null
	inside test -L /etc/systemd/system/multi-user.target.wants/$name.service || fail "after it came back the service is not enabled"
	inside dpkg -P $name >/dev/null
	for left in /var/lib/$name /etc/tallydock /usr/bin/$name; do
		inside test ! -e $left || fail "$left is left after a purge"
	done
	echo "$1: installs, upgrades, goes and comes back, and leaves nothing after a purge"
}

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
