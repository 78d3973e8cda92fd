# SPDX-License-Identifier: Apache-2.0
# Makes a C file of what every HTML page carries:
#   cmake -DSTYLE=page.css -DSCRIPT=page.js -DOUTPUT=page.c -P embed.cmake
# Each text becomes an array with a NUL behind it, and the hash of it that a content security policy
# names: SHA-256 in base64 (CSP 3, 2.3.1).

# hex: an even number of hexadecimal digits; out: the variable that receives base64.
function(base64_of hex out)
    set(alphabet "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
    set(text "")
    string(LENGTH "${hex}" digits)
    set(at 0)
    while(at LESS digits)
        string(SUBSTRING "${hex}" ${at} 6 group)
        string(LENGTH "${group}" size)
        math(EXPR bytes "${size} / 2")
        string(SUBSTRING "${group}0000" 0 6 group)
        math(EXPR bits "0x${group}")
        foreach(i RANGE ${bytes})
            math(EXPR index "(${bits} >> (18 - 6 * ${i})) & 63")
            string(SUBSTRING "${alphabet}" ${index} 1 letter)
            string(APPEND text "${letter}")
        endforeach()
        math(EXPR missing "3 - ${bytes}")
        string(REPEAT "=" ${missing} padding)
        string(APPEND text "${padding}")
        math(EXPR at "${at} + 6")
    endwhile()
    set(${out} "${text}" PARENT_SCOPE)
endfunction()

set(content "// Made by embed.cmake.\n#include \"report/page.h\"\n")
foreach(part STYLE SCRIPT)
    string(TOLOWER "page_${part}" name)
    file(READ "${${part}}" octets HEX)
    file(SHA256 "${${part}}" digest)
    base64_of("${digest}" hash)
    string(REGEX REPLACE "(..)" "'\\\\x\\1'," octets "${octets}")
    string(REGEX REPLACE "'\\\\x0a'," "'\\\\n',\n" octets "${octets}")
    string(APPEND content
        "const char ${name}[] = {\n${octets}0};\nconst char ${name}_hash[] = \"sha256-${hash}\";\n")
endforeach()
file(WRITE "${OUTPUT}" "${content}")
