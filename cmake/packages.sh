#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs the Debian packages that are missing: packages.sh run|check
#   run    what building and running needs
#   check  that, and what all tests need
# Needs root or sudo only where something is missing. CMRP_NO_INSTALL=1: only say what is missing.
set -euo pipefail

run=(gcc libc6-dev cmake ninja-build pkg-config
    libpcap-dev libjansson-dev libuv1-dev libxml2-dev libsqlite3-dev zlib1g-dev uthash-dev python3)
check=("${run[@]}" g++ clang clang-format libclang-rt-14-dev llvm-14 libcmocka-dev valgrind gcovr
    gcc-s390x-linux-gnu libc6-dev-s390x-cross qemu-user file xxd bsdextrautils
    python3-jsonschema python3-impacket python3-samba samba-testsuite smbclient tshark mandoc man-db
    libxml2-utils chromium fonts-dejavu-core)

case ${1:-} in
run) wanted=("${run[@]}") ;;
check) wanted=("${check[@]}") ;;
*)
    echo "usage: packages.sh run|check" >&2
    exit 2
    ;;
esac

missing=()
for package in "${wanted[@]}"; do
    [[ $(dpkg-query -W -f '${Status}' "$package" 2>/dev/null) == *" installed" ]] ||
        missing+=("$package")
done
((${#missing[@]})) || exit 0
if [[ -n ${CMRP_NO_INSTALL:-} ]]; then
    echo "missing packages: ${missing[*]}" >&2
    exit 2
fi
as_root=()
if ((EUID != 0)); then
    command -v sudo >/dev/null || {
        echo "as root, please: apt-get install --no-install-recommends ${missing[*]}" >&2
        exit 2
    }
    as_root=(sudo)
fi
echo "installing ${#missing[@]} missing packages: ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! { "${as_root[@]}" apt-get update &&
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    echo "could not install: ${missing[*]}" >&2
    exit 2
fi
