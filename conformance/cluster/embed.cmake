# SPDX-License-Identifier: Apache-2.0
# Makes a C file of the seed that is built in, a text with a NUL behind it:
#   cmake -DSEED=seed.json -DOUTPUT=seed_builtin.c -P embed.cmake
file(READ "${SEED}" octets HEX)
string(REGEX REPLACE "(..)" "'\\\\x\\1'," octets "${octets}")
string(REGEX REPLACE "'\\\\x0a'," "'\\\\n',\n" octets "${octets}")
file(WRITE "${OUTPUT}"
    "// Made by embed.cmake.\n#include \"cluster/state.h\"\nconst char seed_builtin[] = {\n${octets}0};\n")
