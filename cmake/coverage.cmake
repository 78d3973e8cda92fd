# SPDX-License-Identifier: Apache-2.0
# Runs the tests labelled codec of a build with CMRP_COVERAGE and prints which lines and branches of
# codec/ they reach; fails below the thresholds. Builds nothing: the target `coverage` does that
# before. Needs gcovr (Debian: gcovr) and gcc's gcov.
# cmake -D SOURCE=… -D BINARY=… [-D TESTS=REGEX] -P coverage.cmake
cmake_minimum_required(VERSION 3.25)

set(LINES_WANTED 98)    # per cent
set(BRANCHES_WANTED 95) # per cent

find_program(GCOVR gcovr)
find_program(GCOV gcov)
if(NOT GCOVR OR NOT GCOV)
    message(FATAL_ERROR "gcovr or gcov is missing (Debian: apt-get install gcovr gcc)")
endif()
set(objects ${BINARY}/codec/CMakeFiles/cmrp-objects.dir)
file(GLOB notes ${objects}/*.gcno)
if(NOT notes)
    message(FATAL_ERROR "${objects} is not built with CMRP_COVERAGE")
endif()

# What an earlier run reached does not count.
file(GLOB_RECURSE old ${BINARY}/*.gcda)
if(old)
    file(REMOVE ${old})
endif()
# The codec's own tests and the vectors: what programs on top of it reach on their way is no evidence
# more.
set(selection -L codec)
if(TESTS)
    set(selection -R ${TESTS})
endif()
execute_process(
    COMMAND ${CMAKE_CTEST_COMMAND} --test-dir ${BINARY} --output-on-failure --no-tests=error
        ${selection}
    RESULT_VARIABLE result)
if(NOT result EQUAL 0)
    message(FATAL_ERROR "the tests failed")
endif()

# The library's own objects only: what the tests compile of its headers is not the library.
execute_process(
    COMMAND ${GCOVR} --root ${SOURCE} --filter ${SOURCE}/codec/ --object-directory ${objects}
        --gcov-executable ${GCOV} --json-summary ${BINARY}/coverage.json ${objects}
    RESULT_VARIABLE result)
if(NOT result EQUAL 0)
    message(FATAL_ERROR "gcovr failed")
endif()
file(READ ${BINARY}/coverage.json summary)

# "covered of total" and per cent with one decimal.
function(share document covered total output)
    string(JSON part GET "${document}" ${covered})
    string(JSON whole GET "${document}" ${total})
    set(text "-")
    if(whole GREATER 0)
        math(EXPR tenths "${part} * 1000 / ${whole}")
        math(EXPR percent "${tenths} / 10")
        math(EXPR tenth "${tenths} % 10")
        set(text "${percent}.${tenth} % (${part} of ${whole})")
    endif()
    set(${output} "${text}" PARENT_SCOPE)
    set(part ${part} PARENT_SCOPE)
    set(whole ${whole} PARENT_SCOPE)
endfunction()

function(print name document)
    share("${document}" line_covered line_total lines)
    share("${document}" branch_covered branch_total branches)
    string(LENGTH "${name}" length)
    math(EXPR gap "32 - ${length}")
    string(REPEAT " " ${gap} space)
    string(LENGTH "${lines}" length)
    math(EXPR gap "28 - ${length}")
    string(REPEAT " " ${gap} wide)
    execute_process(COMMAND ${CMAKE_COMMAND} -E echo "${name}${space}${lines}${wide}${branches}")
endfunction()

string(JSON count LENGTH "${summary}" files)
if(count EQUAL 0)
    message(FATAL_ERROR "gcovr saw no file of codec/")
endif()
execute_process(COMMAND ${CMAKE_COMMAND} -E echo
    "file                            lines                       branches")
math(EXPR last "${count} - 1")
foreach(i RANGE ${last})
    string(JSON file GET "${summary}" files ${i})
    string(JSON name GET "${file}" filename)
    print("${name}" "${file}")
endforeach()
print("all" "${summary}")

function(demand what covered total wanted)
    share("${summary}" ${covered} ${total} text)
    math(EXPR have "${part} * 100")
    math(EXPR need "${whole} * ${wanted}")
    if(have LESS need)
        message(SEND_ERROR "${what}: ${text}, wanted ${wanted} %")
    endif()
endfunction()
demand("lines of codec/" line_covered line_total ${LINES_WANTED})
demand("branches of codec/" branch_covered branch_total ${BRANCHES_WANTED})
