#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Installs from Debian 12 all that vmflow needs to be built, tested and shown. May be run again at any time.
set -euo pipefail

packages=(
  build-essential g++ cmake ninja-build ccache pkg-config git ca-certificates # build
  clang llvm lld libclang-rt-14-dev                                           # bpf, sanitizers
  clang-format clang-tidy shellcheck                                          # style
  bpftool libbpf-dev libelf-dev zlib1g-dev                                    # kernel
  liblttng-ctl-dev lttng-tools libbabeltrace2-dev babeltrace2                 # traces
  libcpp-httplib-dev libssl-dev nlohmann-json3-dev                            # exporters
  libyaml-cpp-dev libcrypt-dev                                                # TLS and passwords
  libcli11-dev libfmt-dev libspdlog-dev libexpected-dev libncurses-dev        # agent
  libcap-dev libseccomp-dev                                                   # its rights
  libvirt-dev libxml2-dev                                                     # names of VMs
  libalglib-dev                                                               # groups of VMs
  libgtest-dev libgmock-dev libbenchmark-dev                                  # tests
  qemu-system-x86 qemu-utils busybox-static cpio kmod xz-utils e2fsprogs      # lab
  linux-perf bpftrace prometheus prometheus-alertmanager                      # references
  libvirt-daemon libvirt-daemon-driver-qemu libvirt-clients                   # names VMs in tests; brings no service
  chromium-headless-shell                                                     # looks at reports
  nodejs                                                                      # checks dashboards
  tmux                                                                        # looks at vmflow top
  procps iproute2 jq curl openssl                                             # scripts
  dpkg-dev file                                                               # packages
  lintian mmdebstrap mandoc                                                   # tests of packages
)
# A nodejs that is not Debian's brings npm itself, and does not suffer Debian's.
command -v npm >/dev/null || packages+=(npm)
# Wanted for their programs only; their packages would start and enable these.
services=(prometheus.service prometheus-alertmanager.service lttng-sessiond.service)

fail() { printf 'setup: %s\n' "$*" >&2; exit 1; }

missing=()
installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "${packages[@]}" 2>/dev/null || true)
for package in "${packages[@]}"; do
  grep -qx "installed $package" <<<"$installed" || missing+=("$package")
done
if ((${#missing[@]} == 0)); then
  printf 'setup: all %d packages are installed\n' "${#packages[@]}"
  exit 0
fi
((EUID == 0)) || fail "installing packages needs root; missing: ${missing[*]}"

# No service is started by an installation while this file forbids it; one that is there already is not ours.
policy=/usr/sbin/policy-rc.d
if [[ ! -e $policy ]]; then
  trap 'rm -f "$policy"' EXIT
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 755 "$policy"
fi

present_before=$(systemctl list-unit-files --no-legend "${services[@]}" 2>/dev/null || true)
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
printf 'setup: refreshing the package lists\n'
apt-get -q update >"$log" 2>&1 || fail "apt-get update failed: $(tail -n 1 "$log") (all of it in $log)"
printf 'setup: installing %d of %d packages: %s\n' "${#missing[@]}" "${#packages[@]}" "${missing[*]}"
apt-get -q -y --no-install-recommends install "${missing[@]}" >"$log" 2>&1 ||
  fail "apt-get install failed: $(grep -m 1 '^E:' "$log" || tail -n 1 "$log") (all of it in $log)"
rm -f "$log"

# On a host with systemd they would start at its next boot; one that was there before stays as it was.
if [[ -d /run/systemd/system ]]; then
  for service in "${services[@]}"; do
    grep -q "^$service" <<<"$present_before" || systemctl --quiet disable "$service" 2>/dev/null || true
  done
fi

for program in perf promtool amtool prometheus bpftool qemu-system-x86_64 clang cmake; do
  "$program" --version >/dev/null 2>&1 || fail "$program is installed but does not run"
done
printf 'setup: done\n'
