#!/usr/bin/env bash
# Unpacks servers that can't be installed beside Postfix, for the tests to run from there: into $1, else into
# $MAILTEE_PEERS, else below the cache of this user. Nothing is installed.
set -euo pipefail
folder=${1:-${MAILTEE_PEERS:-${XDG_CACHE_HOME:-$HOME/.cache}/mailtee/peers}}
[ -e "$folder/etc/passwd" ] && exit 0
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }
making=$(mktemp -d)
trap 'rm -rf "$making"' EXIT
chmod 755 "$making"

mkdir -p "$making/archives/partial" "$making/root/etc"
as_root apt-get update -qq
for package in exim4-daemon-light opensmtpd courier-pop python3-aiosmtpd; do
  as_root apt-get install -y -qq --download-only --no-install-recommends -o Dir::Cache::archives="$making/archives" "$package"
done
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

mkdir -p "$(dirname "$folder")"
rm -rf "$folder"
mv "$making/root" "$folder"
