#!/bin/sh
# Builds the Debian package of the gateway: build.sh ARCH VERSION BINARY FOLDER puts it into FOLDER and prints its name. ARCH
# is Debian's, amd64 or arm64; VERSION is as git describe prints it. It needs dpkg-deb and no root.
set -eu

arch=$1 version=$2 binary=$3 out=$4
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

put 0755 "$binary" /usr/bin/tallydock-edge
put 0644 "$repo/deploy/systemd/tallydock-edge.service" /lib/systemd/system/tallydock-edge.service
put 0644 "$repo/deploy/systemd/tallydock-edge.sysusers" /usr/lib/sysusers.d/tallydock-edge.conf
put 0644 "$repo/deploy/systemd/70-tallydock.rules" /lib/udev/rules.d/70-tallydock.rules
put 0644 "$repo/deploy/docs/edge.example.yaml" /etc/tallydock/edge.yaml.example
put 0644 "$here/edge/copyright" /usr/share/doc/tallydock-edge/copyright
put 0644 "$repo/deploy/docs/install.md" /usr/share/doc/tallydock-edge/README
put 0644 "$here/edge/lintian-overrides" /usr/share/lintian/overrides/tallydock-edge
put 0644 "$here/edge/tallydock-edge.1" /usr/share/man/man1/tallydock-edge.1
{
	echo "tallydock-edge ($version) unstable; urgency=medium"
	echo
	echo "  * See https://github.com/tallydock/tallydock/blob/main/CHANGELOG.md"
	echo
	echo " -- Tallydock <tallydock@users.noreply.github.com>  $(date -u -R -d "@${SOURCE_DATE_EPOCH:-$(date +%s)}")"
} >"$root/usr/share/doc/tallydock-edge/changelog"
chmod 0644 "$root/usr/share/doc/tallydock-edge/changelog"
gzip -9n "$root/usr/share/doc/tallydock-edge/changelog" "$root/usr/share/doc/tallydock-edge/README" "$root/usr/share/man/man1/tallydock-edge.1"

mkdir "$root/DEBIAN"
size=$(du -sk --apparent-size --exclude=DEBIAN "$root" | cut -f1)
sed "s/@VERSION@/$version/; s/@ARCH@/$arch/; s/@SIZE@/$size/" "$here/edge/control.in" >"$root/DEBIAN/control"
install -m 0644 "$here/edge/conffiles" "$root/DEBIAN/conffiles"
install -m 0755 "$here/edge/postinst" "$here/edge/prerm" "$here/edge/postrm" "$root/DEBIAN/"
(cd "$root" && find . -type f ! -path './DEBIAN/*' -printf '%P\0' | LC_ALL=C sort -z | xargs -0 md5sum) >"$root/DEBIAN/md5sums"
chmod 0644 "$root/DEBIAN/control" "$root/DEBIAN/md5sums"

mkdir -p "$out"
dpkg-deb --root-owner-group -Zxz --build "$root" "$out/tallydock-edge_${version}_$arch.deb" >/dev/null
echo "$out/tallydock-edge_${version}_$arch.deb"
