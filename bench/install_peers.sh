#!/usr/bin/env bash
# Installs the programs that mailtee is measured beside, from Debian and npm. A bench names those that are missing.
# What comes from npm goes into $MAILTEE_BENCH_PEERS, else into a folder of the user's cache.
set -euo pipefail
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }
export DEBIAN_FRONTEND=noninteractive
as_root apt-get update -qq
as_root apt-get install -y -qq --no-install-recommends \
  postfix haproxy nginx-light libnginx-mod-stream dovecot-core dovecot-pop3d perdition mpop openssl notmuch \
  maildir-utils strace
peers=${MAILTEE_BENCH_PEERS:-${XDG_CACHE_HOME:-$HOME/.cache}/mailtee-bench}
if ! command -v npm >/dev/null; then
  echo "npm isn't installed: Haraka is left out" >&2
  exit 0
fi
mkdir -p "$peers"
npm install --prefix "$peers" --no-audit --no-fund --loglevel error --omit optional Haraka@3.3.4
