#!/bin/sh
# Makes the passwords and the configuration of compose.yaml: setup.sh SITE EDGE... writes the folder generated, which must not be
# there yet. It needs openssl and mosquitto_passwd (Debian: mosquitto), or docker in place of the latter.
set -eu

[ $# -ge 2 ] || { echo "usage: setup.sh SITE EDGE..., for example setup.sh SZ1 SZ1-E1" >&2; exit 2; }
cd "$(dirname "$0")"
[ ! -e generated ] || { echo "generated is there already: move it away, or keep it" >&2; exit 1; }
site=$1
shift
umask 077
work=$(mktemp -d ./generated.XXXXXX)
trap 'rm -rf "$work"' EXIT
password() { openssl rand -hex 24; }
keep() { printf '%s\n' "$2" >"$work/$1"; }

database=$(password)
keep database.password "$database"
keep database.url "postgres://hub:$database@postgres:5432/hub?sslmode=disable"
keep grafana.password "$(password)"
hub=$(password)
keep hub.password "$hub"

mkdir "$work/mosquitto"
{
	echo "hub:$hub"
	for edge; do
		secret=$(password)
		keep "$edge.password" "$secret"
		echo "$edge:$secret"
	done
	secret=$(password)
	keep "devices-$site.password" "$secret"
	echo "devices-$site:$secret"
} >"$work/mosquitto/passwords"
if command -v mosquitto_passwd >/dev/null; then
	mosquitto_passwd -U "$work/mosquitto/passwords"
else
	docker run --rm -u 0:0 -v "$PWD/$work/mosquitto:/users" eclipse-mosquitto:2.0.20 mosquitto_passwd -U /users/passwords
fi
{
	printf 'user hub\ntopic read td/v1/+/+/up/#\ntopic write td/v1/+/+/down/#\n\n'
	for edge; do
		printf 'user %s\ntopic write td/v1/+/%s/up/#\ntopic read td/v1/+/%s/down/#\ntopic read site/%s/#\ntopic write site/%s/#\n\n' \
			"$edge" "$edge" "$edge" "$site" "$site"
	done
	printf 'user devices-%s\ntopic readwrite site/%s/#\n' "$site" "$site"
} >"$work/mosquitto/acl"

{
	printf 'data: /var/lib/tallydock-hub\nlisten: 0.0.0.0:8080\ndatabase: {url_file: /run/secrets/database_url}\n'
	printf 'mqtt: {broker: "tcp://mosquitto:1883", user: hub, password_file: /run/secrets/hub_password}\nedges:\n'
	for edge; do printf '  - {id: %s, site: %s}\n' "$edge" "$site"; done
	printf 'device_sites: [%s]\nlog: {format: json}\n' "$site"
} >"$work/hub.yaml"

# What containers read by their own users; the folder itself is for this user alone.
chmod 0755 "$work/mosquitto"
chmod 0644 "$work"/mosquitto/* "$work/hub.yaml" "$work/database.url" "$work/hub.password" "$work/grafana.password" "$work/database.password"
mv "$work" generated
echo "generated has the passwords: those of edges and devices go to them (EDGE.password, devices-$site.password)"
