# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154 # work, build, deb: of package_test.sh and contents.sh
# Installs, removes and purges in a chroot with all that the package says it depends on, and nothing else.
# make_debian PACKAGES: in $saved, with all that the package says it depends on, and PACKAGES; made once.
make_debian() {
  local depends sources
  depends=$1,$(dpkg-deb -f "$deb" Depends | sed 's/([^)]*)//g; s/|[^,]*//g; s/ //g')
  saved=$build/tests/packages/root-$(sha256sum <<<"$depends" | cut -c1-12).tar
  [[ ! -e $saved ]] || return 0
  say "making a Debian of $depends"
  mkdir -p "$(dirname "$saved")"
  # The machine's own sources and proxies.
  apt-config dump | grep -iE '^Acquire::(https?|Retries)' >"$work/apt.conf" || true
  sources=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null | grep -E '^deb ')
  [[ -n $sources ]] || sources=$(cat /etc/apt/sources.list.d/*.sources)
  mmdebstrap --quiet --format=tar --variant=minbase --aptopt="$work/apt.conf" --include="$depends" bookworm "$saved.part" - \
    <<<"$sources" >"$work/mmdebstrap.log" 2>&1 || die "mmdebstrap: $(tail -n 5 "$work/mmdebstrap.log")"
  mv "$saved.part" "$saved"
}

make_root() {
  make_debian man-db
  root=$work/root
  mkdir "$root"
  tar -xf "$saved" -C "$root" --exclude='./dev/*' || die "cannot unpack $saved"
  mknod -m 666 "$root/dev/null" c 1 3
  mkdir -p "$root/run/systemd/system" "$root/var/lib/private" # which are systemd's
  cat >"$root/usr/bin/systemctl" <<'END'
#!/bin/sh
echo "$@" >>/systemctl.log
link=/etc/systemd/system/multi-user.target.wants/vmflowd.service
case "$*" in
  *preset*) ln -sf /lib/systemd/system/vmflowd.service "$link" ;;
  *is-enabled*) [ ! -L "$link" ] || echo enabled ;;
esac
END
  chmod 755 "$root/usr/bin/systemctl"
  rm -f "$root/usr/sbin/policy-rc.d"
  cp "$deb" "$root/vmflow.deb"
}

in_root() { chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C DEBIAN_FRONTEND=noninteractive "$@"; }

# What dpkg writes down for itself is none of the package's.
files_of_root() {
  (cd "$root" && find . -mindepth 1 \( -path ./var/lib/dpkg -o -path ./var/log -o -path ./var/cache -o -path ./systemctl.log -o -path ./dev \) \
    -prune -o -printf '%p %y %m\n' | sort)
}

asked() { grep -qE "$1" "$root/systemctl.log"; }
forget() { : >"$root/systemctl.log"; }

dpkg_in_root() { in_root dpkg "$@" >"$work/dpkg.log" 2>&1 || bad "dpkg $*: $(tail -n 3 "$work/dpkg.log")"; }

check_runs() {
  local text
  for program in "vmflowd --version" "vmflow --version" "vmflow --help" "vmflow analyze --help" \
    "vmflowd --config.file /etc/vmflow/vmflowd.json --config.check"; do
    # shellcheck disable=SC2086 # words
    text=$(in_root $program 2>&1) || bad "$program in a clean Debian: $text"
  done
  [[ $text == "configuration is right" ]] || bad "--config.check says: $text"
  in_root ls /usr/lib/*/babeltrace2/plugins/babeltrace-plugin-ctf.so >/dev/null || bad "no plugin to read CTF"
  for page in vmflowd vmflow vmflow-analyze vmflow-snapshot; do
    text=$(in_root man --warnings -P cat "$page" 2>&1 >/dev/null) && [[ -z $text ]] || bad "man $page: $text"
  done
}

check_lifecycle() {
  local before left wants=$root/etc/systemd/system/multi-user.target.wants/vmflowd.service
  forget
  before=$(files_of_root)
  dpkg_in_root -i /vmflow.deb
  [[ -L $wants ]] || bad "the unit is not enabled"
  asked 'start vmflowd.service' || bad "an installation does not start the unit"
  check_runs

  # As systemd leaves it for a dynamic user, and as an operator may have changed it.
  mkdir -p "$root/var/lib/private/vmflow/snapshots/1" "$root/etc/systemd/system/vmflowd.service.d"
  ln -s private/vmflow "$root/var/lib/vmflow"
  cp "$root/usr/share/vmflow/systemd/lttng.conf" "$root/etc/systemd/system/vmflowd.service.d/"
  echo '{"log.level": "debug"}' >"$root/etc/vmflow/vmflowd.json"
  touch "$root/etc/vmflow/mine.json"

  forget
  rm -f "$wants" # systemctl disable
  dpkg_in_root -i /vmflow.deb
  [[ ! -L $wants ]] || bad "an upgrade enables what the operator has disabled"
  grep -q debug "$root/etc/vmflow/vmflowd.json" || bad "an upgrade takes the operator's settings"
  asked 'restart vmflowd.service' || bad "an upgrade does not restart the unit"
  ln -sf /lib/systemd/system/vmflowd.service "$wants"

  forget
  dpkg_in_root -r vmflow
  asked 'stop vmflowd.service' || bad "a removal does not stop the unit"
  [[ -e $root/etc/vmflow/vmflowd.json && -d $root/var/lib/private/vmflow/snapshots ]] || bad "a removal takes settings or state"
  [[ ! -e $root/usr/sbin/vmflowd ]] || bad "a removal leaves vmflowd"

  # What policy-rc.d forbids is left alone.
  printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
  chmod 755 "$root/usr/sbin/policy-rc.d"
  forget
  dpkg_in_root -i --force-confold /vmflow.deb
  asked '(^| )(re)?start vmflowd' && bad "the unit is started where policy-rc.d forbids it"
  rm "$root/usr/sbin/policy-rc.d"

  dpkg_in_root -P vmflow
  left=$(diff <(echo "$before") <(files_of_root)) || bad "a purge leaves (>) or takes (<):"$'\n'"$left"
  in_root dpkg -s vmflow >/dev/null 2>&1 && bad "dpkg still knows vmflow"
}
