# SPDX-License-Identifier: Apache-2.0
# Compiles each public header as the only one of its program, twice included, as strict ISO code.
# cmake -D COMPILER=… -D LANGUAGE=c|c++ -D STANDARD=… -D SOURCE=… -D BINARY=… -D WORK=… -P headers.cmake
cmake_minimum_required(VERSION 3.25)

file(GLOB headers RELATIVE ${SOURCE} ${SOURCE}/cmrp/*.h)
file(GLOB generated RELATIVE ${BINARY} ${BINARY}/cmrp/*.h)
list(APPEND headers ${generated})
list(LENGTH headers count)
if(count LESS 2)
    message(FATAL_ERROR "no headers in ${SOURCE} and ${BINARY}")
endif()

foreach(header IN LISTS headers)
    set(program "${WORK}/alone.${LANGUAGE}")
    file(WRITE ${program} "#include \"${header}\"\n#include \"${header}\"\nextern int nothing;\n")
    execute_process(
        COMMAND ${COMPILER} -x ${LANGUAGE} -std=${STANDARD} -fsyntax-only -Wall -Wextra -Wshadow
            -Wconversion -Wundef -pedantic -Werror -I${SOURCE} -I${BINARY} ${program}
        ERROR_VARIABLE errors RESULT_VARIABLE result)
    if(NOT result EQUAL 0)
        message(FATAL_ERROR "${header} does not compile alone as ${STANDARD}:\n${errors}")
    endif()
endforeach()
message(STATUS "${count} headers compile alone with ${COMPILER} -std=${STANDARD}")
