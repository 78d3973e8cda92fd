#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds the codec and its tests for s390x, a big-endian target, and runs them under qemu.
# usage: cmake/big_endian.sh [BUILD-DIRECTORY [CMAKE-ARGUMENT…]]
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
build=${1:-$root/build/s390x}
[ $# -eq 0 ] || shift

for tool in s390x-linux-gnu-gcc qemu-s390x cmake ninja; do
    if ! command -v "$tool" >/dev/null; then
        echo "big_endian.sh: $tool is missing (Debian: apt-get install gcc-s390x-linux-gnu" \
            "libc6-dev-s390x-cross qemu-user cmake ninja-build)" >&2
        exit 2
    fi
done

cmake -G Ninja -S "$root" -B "$build" --toolchain "$root/cmake/toolchain-s390x.cmake" \
    -D CMAKE_BUILD_TYPE=RelWithDebInfo -D CMRP_BUILD_CONFORMANCE=OFF \
    -D CMRP_TEST_WITHOUT_CMOCKA=ON "$@"
cmake --build "$build" --parallel 2
ctest --test-dir "$build" --output-on-failure --no-tests=error
