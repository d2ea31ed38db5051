#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Prints the directory of the lab's image, made once per kernel release and kept in the cache:
#   release   the kernel's release            kernel/   the unpacked kernel package, with its modules
#   vmlinux   the kernel for QEMU             initrd    busybox, the modules named below and scripts/lab/init
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source-path=SCRIPTDIR source=deb.sh
. "$here/deb.sh"

# What the init needs before it can see the machine's own files, and the network card.
modules=(virtio_pci 9pnet_virtio 9p overlay virtio_net)
applets=(sh cat insmod ln mkdir mount reboot sleep switch_root)

# The release behind the metapackage. apt-cache takes most of a second, so the answer is kept until the lists change.
newest_release() {
  local kept=$lab_cache/newest release
  if [[ ! -s $kept || /var/lib/apt/lists -nt $kept ]]; then
    release=$(apt-cache depends --important linux-image-amd64 2>/dev/null |
      sed -n 's/^ *Depends: linux-image-\([0-9].*-amd64\)$/\1/p' | head -n 1)
    if [[ -n $release ]]; then
      printf '%s\n' "$release" >"$kept.$$" && mv "$kept.$$" "$kept"
    fi
  fi
  cat "$kept" 2>/dev/null || true
}

# extract_kernel FROM TO: the ELF file inside a kernel compressed by xz, as Debian 12 does it.
extract_kernel() {
  local offset
  offset=$(LC_ALL=C grep -abo -m 1 $'\xFD7zXZ' "$1" | head -n 1 | cut -d : -f 1)
  [[ -n $offset ]] && xz -dc --single-stream < <(tail -c "+$((offset + 1))" "$1") >"$2" 2>/dev/null
}

# The number is to be raised when unpack_kernel makes something else: not every change should download again.
kernel_name() { printf 'kernel-%s-2\n' "$1"; }

unpack_kernel() {
  local release=$1 tmp
  tmp=$(mktemp -d "$lab_cache/tmp.kernel.XXXXXX")
  say "downloading the kernel ${release%-amd64} (70 MB), once"
  if ! unpack_debs "$tmp" "linux-image-$release"; then rm -rf "$tmp"; return 1; fi
  PATH=$PATH:/usr/sbin:/sbin depmod -b "$tmp" "$release" || return 1
  # An emulated CPU takes three seconds to decompress a kernel: half of the time to boot.
  extract_kernel "$tmp/boot/vmlinuz-$release" "$tmp/boot/vmlinux" ||
    ln -sf "vmlinuz-$release" "$tmp/boot/vmlinux"
  chmod 755 "$tmp"
  mv "$tmp" "$lab_cache/$(kernel_name "$release")"
}

build_image() {
  local release=$1 image=$2 kernel tmp root applet module
  kernel=$lab_cache/$(kernel_name "$release")
  say "building the image for ${release%-amd64}, once"
  tmp=$(mktemp -d "$lab_cache/tmp.image.XXXXXX")
  root=$tmp/root
  mkdir -p "$root"/{bin,dev,proc,modules,control,lower,upper,root}
  cp /bin/busybox "$root/bin/busybox"
  for applet in "${applets[@]}"; do ln -s busybox "$root/bin/$applet"; done
  cp "$here/init" "$root/init"
  chmod 755 "$root/init"
  # In the order in which they must be loaded, each one once.
  for module in "${modules[@]}"; do
    PATH=$PATH:/usr/sbin:/sbin modprobe -d "$kernel" -S "$release" --show-depends "$module"
  done | sed -n 's/^insmod \([^ ]*\).*/\1/p' | awk '!seen[$0]++' >"$tmp/list"
  while read -r module; do
    cp "$module" "$root/modules/"
    basename "$module"
  done <"$tmp/list" >"$root/modules/order"
  (cd "$root" && find . | cpio --quiet -o -H newc) >"$tmp/initrd"
  rm -rf "$root" "$tmp/list"
  printf '%s\n' "$release" >"$tmp/release"
  ln -s "../$(kernel_name "$release")" "$tmp/kernel"
  ln -s kernel/boot/vmlinux "$tmp/vmlinux"
  chmod 755 "$tmp"
  mv "$tmp" "$image"
}

key() { cat "$here/image.sh" "$here/deb.sh" "$here/init" /bin/busybox | sha256sum | cut -c 1-12; }

have_kernel() { [[ -d $lab_cache/$(kernel_name "$1") ]]; }

mkdir -p "$lab_cache"
release=$(newest_release)
image=$lab_cache/image-$release-$(key)
if [[ -z $release || ! -d $image ]]; then
  need apt-get dpkg cpio modprobe depmod busybox flock xz
  lock_cache
  if [[ -z $release ]] || { ! have_kernel "$release" && ! unpack_kernel "$release"; }; then
    # The lists are older than the archive: it no longer has the kernel that they name.
    refresh_lists
    release=$(newest_release)
    [[ -n $release ]] || die "apt knows no linux-image-amd64"
    have_kernel "$release" || unpack_kernel "$release" || die "cannot download linux-image-$release"
  fi
  image=$lab_cache/image-$release-$(key)
  [[ -d $image ]] || build_image "$release" "$image"
fi
printf '%s\n' "$image"
