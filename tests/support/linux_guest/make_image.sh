#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# make_image.sh DIR INIT [PROGRAM...]: makes DIR/kernel and DIR/initrd of the Linux guest. The kernel is the lab's own;
# INIT, a static program, is the guest's process 1; further static programs come to /bin of the guest.
set -euo pipefail
lab=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../../scripts/lab" && pwd)
# What a work may ask for: each has a list of files, in the order in which they must be loaded.
modules=(virtio_pci virtio_blk virtio_net virtio_rng kvm_amd)

skipped=77 # what ctest takes for a skip
if ! command -v qemu-system-x86_64 >/dev/null; then
  printf 'skipped: qemu-system-x86_64 is missing (scripts/setup.sh installs it)\n'
  [[ ,${VMFLOW_REQUIRE-}, == *,lab,* ]] && exit 1
  exit "$skipped"
fi

dir=$1 init=$2
shift 2
image=$("$lab/image.sh")
kernel=$(readlink -f "$image/kernel")
release=$(<"$image/release")
mkdir -p "$dir"
tmp=$(mktemp -d "$dir/tmp.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
mkdir -p "$tmp/root"/{bin,modules}
cp "$init" "$tmp/root/init"
for program; do cp "$program" "$tmp/root/bin/"; done
for module in "${modules[@]}"; do
  PATH=$PATH:/usr/sbin:/sbin modprobe -d "$kernel" -S "$release" --show-depends "$module" |
    sed -n 's/^insmod \([^ ]*\).*/\1/p' >"$tmp/files"
  xargs cp -u -t "$tmp/root/modules" <"$tmp/files"
  sed 's,.*/,,' "$tmp/files" >"$tmp/root/modules/$module.list"
done
(cd "$tmp/root" && find . | cpio --quiet -o -H newc) >"$tmp/initrd"
cp -u --preserve=timestamps "$(readlink -f "$image/vmlinux")" "$dir/kernel"
mv "$tmp/initrd" "$dir/initrd"
