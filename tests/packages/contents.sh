# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154 # work, build, here: of package_test.sh
# What is in the packages.
source_tree=$(cd "$here/../.." && pwd)
# systemd's own measure, 0 (sealed) to 10; README says what it is.
most_exposure=2.2

make_packages() {
  (cd "$work" && cpack --config "$build/CPackConfig.cmake" -B "$work/out" >"$work/cpack.log" 2>&1) ||
    die "cpack: $(tail -n 5 "$work/cpack.log")"
  deb=$(echo "$work"/out/*.deb)
  tarball=$(echo "$work"/out/*.tar.gz)
  [[ -e $deb && -e $tarball ]] || die "cpack made no .deb or no .tar.gz"
  say "$(stat -c '%n: %s bytes' "$deb" "$tarball" | sed "s|$work/out/||")"
  tree=$work/tree control=$work/control
  dpkg-deb -x "$deb" "$tree" && dpkg-deb -e "$deb" "$control" || die "dpkg-deb cannot read $deb"
}

# Every file of the folders that are installed whole is there; what is not expected is said, too.
expected_files() {
  (cd "$source_tree/exporters" && find alerts grafana -type f | sed 's|^|usr/share/vmflow/|')
  sed 's/ *#.*//; /^$/d' "$here/files.txt"
  gzip -dc "$build"/scripts/package/reference/man/man1/vmflow.1.gz | sed -n 's|^\.It Xr \(vmflow-[^ ]*\) 1$|usr/share/man/man1/\1.1.gz|p'
}

check_contents() {
  local differences
  differences=$(diff <(expected_files | sort -u) <(cd "$tree" && find . -type f | sed 's|^\./||' | sort)) ||
    bad "files of the package (< missing, > not expected):"$'\n'"$differences"
  differences=$(diff <(cd "$tree" && find . -type f | sort) \
    <(tar -tzf "$tarball" | grep -v '/$' | sed 's|^[^/]*/|./|' | sort)) ||
    bad "the .deb (<) and the .tar.gz (>) differ:"$'\n'"$differences"
  # Debug information names the folder of the build; stripped programs must not.
  for path in "$source_tree" "$build"; do
    differences=$(grep -rlF "$path" "$tree" "$control") && bad "the package names the folder of its build: $differences"
  done
  for program in usr/sbin/vmflowd usr/bin/vmflow; do
    file "$tree/$program" | grep -q ', stripped' || bad "$program is not stripped"
    objdump -p "$tree/$program" | grep -E 'R(UN)?PATH' && bad "$program looks for libraries elsewhere"
  done
}

check_metadata() {
  dpkg-deb -I "$deb" | grep -E '^ (Package|Version|Depends|Installed-Size)' 
  local version
  version=$(sed -n 's/^project(vmflow VERSION \([0-9.]*\).*/\1/p' "$source_tree/CMakeLists.txt")
  [[ $(dpkg-deb -f "$deb" Version) == "$version" ]] || bad "Version is not $version"
  # Nothing beyond what the programs are linked with.
  local library
  for library in libbpf1 libbabeltrace2-0 liblttng-ctl0 libcpp-httplib0.11 libspdlog1.10-fmt9 libcap2 libseccomp2 libc6; do
    dpkg-deb -f "$deb" Depends | tr ',' '\n' | grep -qE "^ *$library( |$)" || bad "Depends lacks $library"
  done
  [[ $(cat "$control/conffiles") == /etc/vmflow/vmflowd.json ]] || bad "conffiles: $(cat "$control/conffiles")"
  lintian --no-cfg --profile debian --allow-root --fail-on error --tag-display-limit 0 "$deb" >"$work/lintian" 2>&1 ||
    bad "lintian: $(grep '^E:' "$work/lintian")"
  say "lintian: $(grep -c '^E:' "$work/lintian") errors, $(grep -c '^W:' "$work/lintian") warnings"
  grep '^W:' "$work/lintian"
}

check_papers() {
  local sbom=$tree/usr/share/doc/vmflow/vmflow.spdx.json library
  jq -e '.spdxVersion == "SPDX-2.3" and (.packages | length > 10)
    and ([.packages[].SPDXID] as $ids | all(.relationships[]; .relatedSpdxElement | IN($ids[])))' "$sbom" >/dev/null ||
    bad "the SBOM has a relation to what it does not list"
  library=$(jq -r '[.relationships[] | select(.relationshipType == "DYNAMIC_LINK") | .relatedSpdxElement] as $linked
    | .packages[] | select((.SPDXID | IN($linked[])) and .licenseDeclared == "NOASSERTION") | .name' "$sbom")
  [[ -z $library ]] || bad "licences.tsv has no row for $library"
  # What dpkg-shlibdeps has found, by another way.
  for library in $(dpkg-deb -f "$deb" Depends | tr ',' '\n' | awk '{ print $1 }'); do
    # A name may be one that a package provides.
    library=$(dpkg-query -W -f '${Package} ${Provides}\n' | awk -v name="$library" '{ n = $1; gsub(/,/, " "); if (index(" " $0 " ", " " name " ")) { print n; exit } }')
    jq -e --arg name "$library" 'any(.packages[]; .name == $name)' "$sbom" >/dev/null || bad "the SBOM lacks $library"
  done
  SOURCE_DATE_EPOCH=1000000000 "$source_tree/scripts/package/write_papers.sh" "$work/papers" "$(dpkg-deb -f "$deb" Version)" \
    "$(dpkg-deb -f "$deb" Maintainer)" "$build/agent/vmflowd" "$build/agent/vmflow"
  diff <(jq -S 'del(.creationInfo.created)' "$work/papers/vmflow.spdx.json") <(jq -S 'del(.creationInfo.created)' "$sbom") ||
    bad "the SBOM changes from build to build"
}

check_unit() {
  local unit=$tree/usr/lib/systemd/system/vmflowd.service exposure
  exposure=$(systemd-analyze security --offline=true --no-pager "$unit" 2>/dev/null | sed -n 's/.*Overall exposure level.*: \([0-9.]*\).*/\1/p')
  say "systemd-analyze security: $exposure"
  awk -v is="${exposure:-10}" -v most="$most_exposure" 'BEGIN { exit !(is <= most) }' || bad "exposure $exposure is above $most_exposure"
  grep -qF "is $exposure " "$source_tree/README.md" || bad "README has another exposure than $exposure"
  # Of the sandbox no line may go, even where systemd's sum would still allow it.
  local line
  while read -r line; do grep -qxF "$line" "$unit" || bad "vmflowd.service lacks $line"; done <"$here/hardening.txt"
  systemd-analyze verify --root="$tree" --man=no "$unit" 2>&1 | grep -v 'not found' | grep -F vmflowd.service && bad "systemd-analyze verify"
}
