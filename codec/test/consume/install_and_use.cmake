# SPDX-License-Identifier: Apache-2.0
# Installs the library of a build into a prefix of its own, moves that elsewhere, builds the project
# beside this file against it and runs its programs.
# cmake -D BINARY=… -D WORK=… -D COMPILER=… -D GENERATOR=… -D OBJDUMP=… -D LIBDIR=…
#       -D SANITIZE=… -D COVERAGE=… [-D SOURCE=…] -P install_and_use.cmake
# With SOURCE the library is first built in WORK, for that LIBDIR.
cmake_minimum_required(VERSION 3.25)

function(run)
    execute_process(COMMAND ${ARGN} OUTPUT_VARIABLE text ERROR_VARIABLE text RESULT_VARIABLE result)
    if(NOT result EQUAL 0)
        message(FATAL_ERROR "${ARGN} failed:\n${text}")
    endif()
    set(output "${text}" PARENT_SCOPE)
endfunction()

set(flags "")
if(SANITIZE)
    set(flags -fsanitize=${SANITIZE})
elseif(COVERAGE)
    set(flags --coverage)
endif()

file(REMOVE_RECURSE ${WORK})
if(SOURCE)
    set(BINARY ${WORK}/library)
    run(${CMAKE_COMMAND} -S ${SOURCE} -B ${BINARY} -G ${GENERATOR} -D CMAKE_C_COMPILER=${COMPILER}
        -D CMAKE_C_FLAGS=${flags} -D CMAKE_INSTALL_LIBDIR=${LIBDIR} -D CMRP_BUILD_CONFORMANCE=OFF
        -D CMRP_BUILD_TESTS=OFF)
    run(${CMAKE_COMMAND} --build ${BINARY})
endif()
run(${CMAKE_COMMAND} --install ${BINARY}/codec --prefix ${WORK}/installed)
file(RENAME ${WORK}/installed ${WORK}/moved) # nothing may name the place it was installed to
set(ENV{PKG_CONFIG_PATH} ${WORK}/moved/${LIBDIR}/pkgconfig)
run(${CMAKE_COMMAND} -S ${CMAKE_CURRENT_LIST_DIR} -B ${WORK}/build -G ${GENERATOR}
    -D CMAKE_C_COMPILER=${COMPILER} -D CMAKE_C_FLAGS=${flags} -D CMAKE_PREFIX_PATH=${WORK}/moved)
run(${CMAKE_COMMAND} --build ${WORK}/build)

foreach(kind static shared pkgconfig)
    run(${WORK}/build/use-${kind})
    if(NOT output MATCHES "CLUSREG_CREATE_KEY")
        message(FATAL_ERROR "use-${kind} printed ${output}")
    endif()
    # Linked as it was asked to be.
    run(${OBJDUMP} -p ${WORK}/build/use-${kind})
    if(kind STREQUAL static AND output MATCHES "NEEDED +libcmrp")
        message(FATAL_ERROR "use-static needs the shared library")
    elseif(NOT kind STREQUAL static AND NOT output MATCHES "NEEDED +libcmrp\\.so\\.[0-9]+\n")
        message(FATAL_ERROR "use-${kind} does not use the shared library by its version")
    endif()
endforeach()
message(STATUS "three programs use the installed library")
