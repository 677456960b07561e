#!/usr/bin/env bash
# Installs the programs that mailtee is measured beside, from Debian. A bench names those that are missing.
set -euo pipefail
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }
export DEBIAN_FRONTEND=noninteractive
as_root apt-get update -qq
as_root apt-get install -y -qq --no-install-recommends \
  postfix haproxy nginx-light libnginx-mod-stream dovecot-core dovecot-pop3d openssl notmuch maildir-utils strace
