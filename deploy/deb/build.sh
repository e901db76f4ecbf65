#!/bin/sh
# Builds the Debian package of a program: build.sh PROGRAM ARCH VERSION BINARY FOLDER puts it into FOLDER and prints its name.
# PROGRAM is edge or hub; ARCH is Debian's, amd64 or arm64; VERSION is as git describe prints it. It needs dpkg-deb and no root.
set -eu

program=$1 arch=$2 version=$3 binary=$4 out=$5
name=tallydock-$program
here=$(cd "$(dirname "$0")" && pwd)
repo=$(cd "$here/../.." && pwd)
umask 022

# Debian's versions begin with a digit; what comes before the first release sorts before it.
case "$version" in
v[0-9]*) version=${version#v} ;;
[0-9]*.[0-9]*) ;;
*) version=0~git${SOURCE_DATE_EPOCH:+$(date -u -d "@$SOURCE_DATE_EPOCH" +%Y%m%d%H%M%S)}.$version ;;
esac
version=$(printf %s "$version" | sed 's/-/+/g; s/[^A-Za-z0-9.+~]/./g')

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
chmod 0755 "$root"
put() { install -D -m "$1" "$2" "$root$3"; }

put 0755 "$binary" /usr/bin/$name
put 0644 "$repo/deploy/systemd/$name.service" /lib/systemd/system/$name.service
put 0644 "$repo/deploy/systemd/$name.sysusers" /usr/lib/sysusers.d/$name.conf
put 0644 "$repo/deploy/docs/$program.example.yaml" /etc/tallydock/$program.yaml.example
put 0644 "$here/$program/copyright" /usr/share/doc/$name/copyright
put 0644 "$repo/deploy/docs/install.md" /usr/share/doc/$name/README
put 0644 "$here/$program/lintian-overrides" /usr/share/lintian/overrides/$name
put 0644 "$here/$program/$name.1" /usr/share/man/man1/$name.1
case $program in
edge)
	put 0644 "$repo/deploy/systemd/70-tallydock.rules" /lib/udev/rules.d/70-tallydock.rules
	;;
hub)
	sed -i 's|^data: var/hub  *|data: /var/lib/tallydock-hub   |' "$root/etc/tallydock/hub.yaml.example"
	for unit in service timer; do put 0644 "$repo/deploy/systemd/$name-backup.$unit" /lib/systemd/system/$name-backup.$unit; done
	for file in backup runbook metrics; do put 0644 "$repo/deploy/docs/$file.md" /usr/share/doc/$name/$file.md; done
	for file in alerts.yaml records.yaml prometheus.yml; do put 0644 "$repo/deploy/prometheus/$file" /usr/share/doc/$name/examples/$file; done
	for file in "$repo"/deploy/grafana/*.json; do put 0644 "$file" "/usr/share/doc/$name/examples/$(basename "$file")"; done
	gzip -9n "$root"/usr/share/doc/$name/*.md
	;;
esac
{
	echo "$name ($version) unstable; urgency=medium"
	echo
	echo "  * See https://github.com/tallydock/tallydock/blob/main/CHANGELOG.md"
	echo
	echo " -- Tallydock <tallydock@users.noreply.github.com>  $(date -u -R -d "@${SOURCE_DATE_EPOCH:-$(date +%s)}")"
} >"$root/usr/share/doc/$name/changelog"
chmod 0644 "$root/usr/share/doc/$name/changelog"
gzip -9n "$root/usr/share/doc/$name/changelog" "$root/usr/share/doc/$name/README" "$root/usr/share/man/man1/$name.1"

mkdir "$root/DEBIAN"
size=$(du -sk --apparent-size --exclude=DEBIAN "$root" | cut -f1)
sed "s/@VERSION@/$version/; s/@ARCH@/$arch/; s/@SIZE@/$size/" "$here/$program/control.in" >"$root/DEBIAN/control"
install -m 0644 "$here/$program/conffiles" "$root/DEBIAN/conffiles"
for script in postinst prerm postrm; do
	sed "s/@NAME@/$name/g; s/@CONF@/$program.yaml/g" "$here/$script.in" >"$root/DEBIAN/$script"
	chmod 0755 "$root/DEBIAN/$script"
done
(cd "$root" && find . -type f ! -path './DEBIAN/*' -printf '%P\0' | LC_ALL=C sort -z | xargs -0 md5sum) >"$root/DEBIAN/md5sums"
chmod 0644 "$root/DEBIAN/control" "$root/DEBIAN/md5sums"

mkdir -p "$out"
dpkg-deb --root-owner-group -Zxz --build "$root" "$out/${name}_${version}_$arch.deb" >/dev/null
echo "$out/${name}_${version}_$arch.deb"
