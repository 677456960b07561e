#!/bin/sh
# Runs a program that sees a file system of its own, gone with it: the machine's, over it what unpack_servers.sh has
# unpacked, over that $FOLDER/etc as /etc. $FOLDER and the devices are the machine's own.
# Needs root and a mount namespace: unshare --mount --pid --fork --kill-child own_root.sh UNPACKED FOLDER PROGRAM ARGUMENT…
set -eu
unpacked=$1 folder=$2
shift 2
layers=$folder/layers root=$folder/root
mkdir -p "$layers" "$root"
mount -t tmpfs tmpfs "$layers"
mkdir "$layers/unpacked" "$layers/changes" "$layers/work"
cp -a "$unpacked/." "$layers/unpacked/"
cp -a "$folder/etc" "$layers/changes/"
mount -t overlay overlay -o "lowerdir=$layers/unpacked:/,upperdir=$layers/changes,workdir=$layers/work" "$root"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -t tmpfs tmpfs "$root/run"
mkdir -p "$root$folder"
mount --bind "$folder" "$root$folder"
# Not by exec: this shell is the first of its processes, whose end is theirs, whatever user they have become.
chroot "$root" "$@"
