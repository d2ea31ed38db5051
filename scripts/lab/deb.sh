# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Sourced by image.sh and lttng.sh: the cache, and Debian packages unpacked without being installed.

# What is downloaded or built once is kept here, outside the checkout.
lab_cache=${VMFLOW_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/vmflow}/lab

say() { printf 'lab: %s\n' "$*" >&2; }
die() { say "$*"; exit 125; }

# need PROGRAM...: fails with one line that names what is missing.
need() {
  local program
  for program in "$@"; do
    PATH=$PATH:/usr/sbin:/sbin command -v "$program" >/dev/null ||
      die "$program is missing: run scripts/setup.sh"
  done
}

# Parallel runs of the lab must not build the same thing twice. Held until the script ends.
lock_cache() {
  mkdir -p "$lab_cache"
  exec {lab_lock}>"$lab_cache/.lock"
  flock -n "$lab_lock" || { say "waiting for another run that fills the cache"; flock "$lab_lock"; }
  # Left by a run that was ended in the middle: whoever makes such a directory holds the lock.
  rm -rf "$lab_cache"/tmp.*
}

refresh_lists() {
  say "refreshing the package lists"
  apt-get -q update >&2 || die "apt-get update failed"
}

# unpack_debs DIR PACKAGE...: downloads the packages and unpacks them into DIR; 1 if apt has no such file.
unpack_debs() {
  local into=$1 debs deb; shift
  debs=$(mktemp -d "$lab_cache/tmp.debs.XXXXXX")
  if ! (cd "$debs" && apt-get -q -o APT::Sandbox::User=root download "$@" >log 2>&1); then
    tail -n 3 "$debs/log" >&2
    rm -rf "$debs"
    return 1
  fi
  for deb in "$debs"/*.deb; do
    dpkg -x "$deb" "$into" || { rm -rf "$debs"; return 1; }
  done
  rm -rf "$debs"
}
