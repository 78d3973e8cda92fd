// SPDX-License-Identifier: Apache-2.0
// What the fuzz targets share: reporting a broken property, the octets in front of an input that
// select how the rest is read, and checks that several properties need.
//
// A target is one file fuzz_NAME.c with LLVMFuzzerTestOneInput. It runs under libFuzzer (clang), or
// under driver.c, which replays files without a fuzzing engine.
#ifndef FUZZ_SUPPORT_H
#define FUZZ_SUPPORT_H

#include "cmrp/cmrp.h"
#include "json/json.h"

// The target's entry. Always returns 0; a broken property does not return.
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// Inputs so far that the code under test took and refused. A corpus in which either is 0 tests
// little: the driver can insist on both.
struct fuzz_tally {
    uint64_t accepted;
    uint64_t rejected;
};
extern struct fuzz_tally fuzz_tally;

// The modes of a target whose input selects how the rest is read, so that a corpus can be asked
// which of them it reaches. A mode is reached when the code under test takes an input in it.
struct fuzz_modes {
    size_t count;
    // Whether mode `index` is a real one (a table may have holes) and, if so, its name.
    bool (*name)(size_t index, char *buffer, size_t capacity);
    bool *reached; // count elements
};
// NULL for targets without modes; a target that has some sets it with the first input.
extern const struct fuzz_modes *fuzz_modes;

// The file that is being replayed, for reports; NULL under libFuzzer, which saves the input itself.
extern const char *fuzz_input_name;

// Prints "property PROPERTY is broken: DETAIL" to standard error and aborts.
_Noreturn void fuzz_fail(const char *property, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

// ---- selectors ----------------------------------------------------------------------------------

// Octets in front of the inputs of `change`, `stub`, `payload` and `tower`. Any octet selects
// something, so that the fuzzer can change them freely; `fuzz_selectors` prints which stands for
// what.
enum { FUZZ_CHANGE_SELECTORS = 1, FUZZ_STUB_SELECTORS = 2, FUZZ_PAYLOAD_SELECTORS = 2 };
enum { FUZZ_TOWER_SELECTORS = 1 }; // see fuzz_tower_form

const cmrp_change_set *fuzz_change_set(uint8_t selector);
cmrp_stub_format fuzz_stub_format(const uint8_t selectors[FUZZ_STUB_SELECTORS]);
// The flag, and the object type that it belongs to.
const cmrp_change_flag *fuzz_payload_event(const uint8_t selectors[FUZZ_PAYLOAD_SELECTORS],
                                           uint32_t *object_type);

// Bit 0: a stub of ept_map, not a tower; bit 1: a response; bit 2: NDR64; bit 3: big-endian.
void fuzz_tower_form(uint8_t selector, struct json_selector *how);

// ---- checks -------------------------------------------------------------------------------------

// Where errors and warnings of the codec count from: high enough for a forgotten base to show.
enum { FUZZ_BASE = 1 << 20 };

// `inner` lies inside `outer`.
void fuzz_check_inside(const char *property, const char *what, cmrp_view inner, cmrp_view outer);

// An error or warning about `size` octets that start at `base` is complete: a code with an id, a
// field, a section, an offset inside (or at the end, plus `slack`).
void fuzz_check_place(const char *property, const cmrp_error *error, uint64_t base, size_t size,
                      size_t slack);
// And its texts do not depend on the room for them. Slow: for errors, of which there is one.
void fuzz_check_error(const char *property, const cmrp_error *error, uint64_t base, size_t size,
                      size_t slack);

// Text for people is whole lines of UTF-8 that a terminal shows and does not obey: no control
// characters but line feeds (and, where colour is wanted, sequences that set it), none that change
// the direction of text.
void fuzz_check_safe_text(const char *property, cmrp_view text, bool colour);

// A refusal by json_encode says why.
void fuzz_check_failure(const char *property, const struct json_failure *failure);

// Both are the same JSON; `what` names the comparison. Consumes neither.
void fuzz_check_same_json(const char *property, const char *what, const json_t *expected,
                          const json_t *got);
void fuzz_check_same_octets(const char *property, const char *what, cmrp_view expected,
                            cmrp_view got);

// Encodes twice more: a buffer of exactly the size that the null sink predicts receives that many
// octets, one octet less is refused as no-space. Returns the octets (free() them).
typedef bool fuzz_writing(void *context, cmrp_writer *writer);
uint8_t *fuzz_write(const char *property, fuzz_writing *writing, void *context, size_t *size);

#endif
