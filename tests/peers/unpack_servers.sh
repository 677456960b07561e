#!/usr/bin/env bash
# Unpacks servers that can't be installed beside Postfix, for the tests to run from there: into $1, else into
# $MAILTEE_PEERS, else below the cache of this user. Nothing is installed.
set -euo pipefail
folder=${1:-${MAILTEE_PEERS:-${XDG_CACHE_HOME:-$HOME/.cache}/mailtee/peers}}
script=$(realpath "$0")
cmp -s "$script" "$folder/unpacked_by" && exit 0
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }
making=$(mktemp -d)
trap 'rm -rf "$making"' EXIT
chmod 755 "$making"
mkdir -p "$making/archives/partial" "$making/sources" "$making/root/etc"

# Beside this machine's sources the backports of its release: Debian 12's own OpenSMTPD fails in every TLS handshake.
suites() { apt-get indextargets --format '$(REPO_URI) $(CODENAME)' 'Created-By: Packages' 'Component: main'; }
[ -n "$(suites)" ] || as_root apt-get update -qq
read -r uri release < <(suites | awk '$2 !~ /-/')
cp -r /etc/apt/sources.list.d/. "$making/sources/"
if ! suites | grep -q -- "-backports$"; then
  echo "deb $uri $release-backports main" >"$making/sources/backports.list"
fi
apt=(as_root apt-get -qq -o "Dir::Etc::sourceparts=$making/sources")
"${apt[@]}" update
download() {
  "${apt[@]}" install -y --download-only --no-install-recommends -o "Dir::Cache::archives=$making/archives" "$@"
}
for package in exim4-daemon-light courier-pop python3-aiosmtpd; do download "$package"; done
download --target-release "$release-backports" opensmtpd
for archive in "$making"/archives/*.deb; do dpkg -x "$archive" "$making/root"; done
rm -rf "$making"/root/{lib,usr/share,usr/include}

# The users that their packages would make.
cp /etc/passwd /etc/group "$making/root/etc/"
id=801
for user in Debian-exim opensmtpd opensmtpq courier; do
  echo "$user:x:$id:$id::/nonexistent:/usr/sbin/nologin" >>"$making/root/etc/passwd"
  echo "$user:x:$id:" >>"$making/root/etc/group"
  id=$((id + 1))
done

cp "$script" "$making/root/unpacked_by"
mkdir -p "$(dirname "$folder")"
rm -rf "$folder"
mv "$making/root" "$folder"
