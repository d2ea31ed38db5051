#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# usage: lttng.sh IMAGE
# Prints a directory whose lib/modules has the modules of the image's kernel and LTTng's, built once and kept in the
# cache. Nothing is installed on this machine.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source-path=SCRIPTDIR source=deb.sh
. "$here/deb.sh"

image=$1
release=$(<"$image/release")
made=$lab_cache/lttng-$release-$(cat "$here/lttng.sh" "$here/deb.sh" | sha256sum | cut -c 1-12)
probe=extra/lttng-probe-kvm-x86.ko

# Unpacks into DIR the kernel's headers and LTTng's source, so that they can be used from there.
fetch_sources() {
  local dir=$1 headers=$1/usr/src/linux-headers-$release common=$1/usr/src/linux-headers-${release%-amd64}-common
  local packages=("linux-headers-$release" "linux-headers-${release%-amd64}-common" "linux-kbuild-${release%%.0-*}"
    "linux-source-${release%%.0-*}" lttng-modules-dkms)
  say "downloading LTTng's modules, the kernel's headers and its source (153 MB), once"
  if ! unpack_debs "$dir" "${packages[@]}"; then
    refresh_lists
    unpack_debs "$dir" "${packages[@]}" || return 1
  fi
  # The package expects its other half below /usr/src.
  sed -i "s#^include /usr/src/#include $dir/usr/src/#" "$headers/Makefile"
  # Without these private headers LTTng's Kbuild leaves its x86 KVM probes out, and says so only in a warning.
  tar -xJf "$dir/usr/src/linux-source-${release%%.0-*}.tar.xz" -C "$common" --strip-components=1 \
    --wildcards '*/arch/x86/kvm/*.h'
}

build_modules() {
  local dir=$1 source
  source=$(echo "$dir"/usr/src/lttng-modules-*)
  # Its probe of hrtimer_start has another prototype than the kernels of the 6.1.19x series.
  sed -i '/lttng-probe-timer\.o/d' "$source/src/probes/Kbuild"
  say "building LTTng's modules, once (a minute or two)"
  if ! make -C "$source" -j "$(nproc)" KERNELDIR="$dir/usr/src/linux-headers-$release" >"$dir/log" 2>&1; then
    tail -n 20 "$dir/log" >&2
    return 1
  fi
}

# Makes OUT/lib/modules from the kernel's own modules (hard links) and from those built in DIR.
make_module_root() {
  local dir=$1 to=$2/lib/modules/$release from module
  from=$(readlink -f "$image/kernel")/lib/modules/$release
  mkdir -p "$to/extra"
  cp -al "$from/kernel" "$to/kernel" || return 1
  cp "$from"/modules.{order,builtin,builtin.modinfo} "$to/" || return 1
  while read -r module; do
    strip --strip-debug -o "$to/extra/${module##*/}" "$module" || return 1
  done < <(find "$dir/usr/src" -name 'lttng-*.ko')
  PATH=$PATH:/usr/sbin:/sbin depmod -b "$2" "$release" || return 1
  [[ -e $to/$probe ]]
}

if [[ ! -d $made ]]; then
  need apt-get dpkg make gcc-12 xz strip depmod flock
  lock_cache
fi
if [[ ! -d $made ]]; then
  tmp=$(mktemp -d "$lab_cache/tmp.lttng.XXXXXX")
  trap 'rm -rf "$tmp"' EXIT
  mkdir "$tmp/root" "$tmp/build"
  fetch_sources "$tmp/build" || die "cannot download the kernel's headers for $release"
  build_modules "$tmp/build" || die "LTTng's modules do not build for $release"
  make_module_root "$tmp/build" "$tmp/root" || die "LTTng's KVM probe was not built for $release"
  mv "$tmp/root" "$made"
fi
printf '%s\n' "$made"
