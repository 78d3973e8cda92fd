// SPDX-License-Identifier: Apache-2.0
#include "fuzz_support.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/hex.h"
#include "util/text.h"

struct fuzz_tally fuzz_tally;
const struct fuzz_modes *fuzz_modes;
const char *fuzz_input_name;

void fuzz_fail(const char *property, const char *format, ...) {
    va_list args;
    va_start(args, format);
    fflush(stdout);
    if (fuzz_input_name != NULL) {
        fprintf(stderr, "%s: ", fuzz_input_name);
    }
    fprintf(stderr, "property %s is broken: ", property);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    abort();
}

// ---- selectors ----------------------------------------------------------------------------------

const cmrp_change_set *fuzz_change_set(uint8_t selector) {
    return cmrp_change_set_at(selector % CMRP_SET_COUNT);
}

cmrp_stub_format fuzz_stub_format(const uint8_t selectors[FUZZ_STUB_SELECTORS]) {
    enum { RESPONSE = 1, VERSION_2 = 2, NDR64 = 4, BIG = 8 };
    // The opnum itself, so that saved inputs keep their meaning when methods are added.
    const cmrp_method *method = cmrp_method_numbered(CMRP_INTERFACE_3, selectors[0]);
    if (method == NULL) {
        method = cmrp_method_at(selectors[0] % cmrp_method_count());
    }
    const bool version_2 =
        (selectors[1] & VERSION_2) != 0 && cmrp_method_section(method, CMRP_INTERFACE_2) != NULL;
    return (cmrp_stub_format){
        .method = method,
        .interface = version_2 ? CMRP_INTERFACE_2 : CMRP_INTERFACE_3,
        .response = (selectors[1] & RESPONSE) != 0,
        .syntax = (selectors[1] & NDR64) != 0 ? CMRP_NDR64 : CMRP_NDR20,
        .order = (selectors[1] & BIG) != 0 ? CMRP_BIG_ENDIAN : CMRP_LITTLE_ENDIAN,
    };
}

const cmrp_change_flag *fuzz_payload_event(const uint8_t selectors[FUZZ_PAYLOAD_SELECTORS],
                                           uint32_t *object_type) {
    enum { FIRST = CMRP_SET_CLUSTER_V2 };
    // The object type itself, and the number of the flag's bit.
    const cmrp_change_set *set = cmrp_change_set_of_type(selectors[0]);
    if (set == NULL) {
        set = cmrp_change_set_at(FIRST + selectors[0] % (CMRP_SET_COUNT - FIRST));
    }
    const cmrp_change_flag *flag = &set->flags[selectors[1] % set->count];
    *object_type = set->object_type;
    return (flag->attributes & CMRP_CHANGE_UNION) == 0 ? flag : &set->flags[0];
}

void fuzz_tower_form(uint8_t selector, struct json_selector *how) {
    *how = (struct json_selector){.type = JSON_TYPE_TOWER, .ept_map = (selector & 1) != 0};
    how->stub.response = (selector & 2) != 0;
    how->stub.syntax = (selector & 4) != 0 ? CMRP_NDR64 : CMRP_NDR20;
    how->stub.order = (selector & 8) != 0 ? CMRP_BIG_ENDIAN : CMRP_LITTLE_ENDIAN;
}

// ---- checks -------------------------------------------------------------------------------------

void fuzz_check_inside(const char *property, const char *what, cmrp_view inner, cmrp_view outer) {
    if (inner.size == 0) {
        return;
    }
    const uintptr_t from = (uintptr_t)outer.data;
    const uintptr_t at = (uintptr_t)inner.data;
    if (at < from || at - from > outer.size || inner.size > outer.size - (at - from)) {
        fuzz_fail(property, "%s (%zu octets) is not inside the input", what, inner.size);
    }
}

typedef size_t printer(const cmrp_error *error, char *buffer, size_t capacity);

static void check_text(const char *property, const cmrp_error *error, printer *print) {
    enum { SMALL = 7 };
    char all[512];
    char cut[SMALL];
    const size_t length = print(error, all, sizeof all);
    if (length == 0 || length >= sizeof all || strlen(all) != length) {
        fuzz_fail(property, "a text of %zu characters for code %d", length, (int)error->code);
    }
    if (print(error, NULL, 0) != length || print(error, cut, SMALL) != length ||
        strncmp(cut, all, SMALL - 1) != 0 || memchr(cut, '\0', SMALL) == NULL) {
        fuzz_fail(property, "the text of code %d depends on the room for it", (int)error->code);
    }
}

void fuzz_check_place(const char *property, const cmrp_error *error, uint64_t base, size_t size,
                      size_t slack) {
    if (error->code == CMRP_OK || strcmp(cmrp_code_id(error->code), "unknown") == 0) {
        fuzz_fail(property, "code %d has no id", (int)error->code);
    }
    if (error->field == NULL || error->section == NULL) {
        fuzz_fail(property, "%s without field or section", cmrp_code_id(error->code));
    }
    if (error->offset < base || error->offset - base > size + slack) {
        fuzz_fail(property, "%s of %s at offset %llu of %zu octets from %llu",
                  cmrp_code_id(error->code), error->field, (unsigned long long)error->offset, size,
                  (unsigned long long)base);
    }
}

void fuzz_check_error(const char *property, const cmrp_error *error, uint64_t base, size_t size,
                      size_t slack) {
    fuzz_check_place(property, error, base, size, slack);
    check_text(property, error, cmrp_error_field);
    check_text(property, error, cmrp_error_message);
    check_text(property, error, cmrp_error_format);
}

// The octets of a sequence that sets colours (ESC [ digits and semicolons m), or 0.
static size_t colour_sequence(cmrp_view text, size_t at) {
    size_t i = at + 2;
    if (text.size - at < 3 || text.data[at] != 0x1b || text.data[at + 1] != '[') {
        return 0;
    }
    while (i < text.size && (text.data[i] == ';' || (text.data[i] >= '0' && text.data[i] <= '9'))) {
        i++;
    }
    return i < text.size && text.data[i] == 'm' ? i + 1 - at : 0;
}

static bool is_obeyed(unsigned unit) {
    return (unit < 0x20 && unit != '\n') || (unit >= 0x7f && unit <= 0x9f) || unit == 0x61c ||
           unit == 0x200e || unit == 0x200f || (unit >= 0x2028 && unit <= 0x202e) ||
           (unit >= 0x2066 && unit <= 0x2069) || unit == 0xfeff;
}

void fuzz_check_safe_text(const char *property, cmrp_view text, bool colour) {
    struct buffer plain = {0};
    struct buffer units = {0};
    size_t sequence;
    for (size_t i = 0; i<text.size; i += sequence> 0 ? sequence : 1) {
        sequence = colour ? colour_sequence(text, i) : 0;
        if (sequence == 0) {
            buffer_append(&plain, text.data + i, 1);
        }
    }
    if (text.size > 0 && text.data[text.size - 1] != '\n') {
        fuzz_fail(property, "the last line is not whole: %s", hex_text(text));
    }
    if (!text_to_utf16(&units, (const char *)plain.data, plain.size, CMRP_LITTLE_ENDIAN)) {
        fuzz_fail(property, "text that is not UTF-8: %s", hex_text(text));
    }
    for (size_t i = 0; i < units.size; i += 2) {
        const unsigned unit = cmrp_load_u16(units.data + i, CMRP_LITTLE_ENDIAN);
        if (is_obeyed(unit)) {
            fuzz_fail(property, "U+%04X in text for a terminal: %s", unit, hex_text(text));
        }
    }
    buffer_free(&plain);
    buffer_free(&units);
}

void fuzz_check_failure(const char *property, const struct json_failure *failure) {
    if (failure->code == NULL || failure->message[0] == '\0') {
        fuzz_fail(property, "a refusal without code or message");
    }
}

void fuzz_check_same_json(const char *property, const char *what, const json_t *expected,
                          const json_t *got) {
    if (!json_equal(expected, got)) {
        char *a = json_dumps(expected, JSON_COMPACT | JSON_ENCODE_ANY);
        char *b = json_dumps(got, JSON_COMPACT | JSON_ENCODE_ANY);
        fuzz_fail(property, "%s:\n  expected %s\n  got      %s", what, a, b);
    }
}

void fuzz_check_same_octets(const char *property, const char *what, cmrp_view expected,
                            cmrp_view got) {
    if (expected.size != got.size ||
        (got.size > 0 && memcmp(expected.data, got.data, got.size) != 0)) {
        fuzz_fail(property, "%s:\n  expected %s\n  got      %s", what, hex_text(expected),
                  hex_text(got));
    }
}

uint8_t *fuzz_write(const char *property, fuzz_writing *writing, void *context, size_t *size) {
    cmrp_error error = {0};
    cmrp_writer w;
    cmrp_sizer_init(&w, &error, NULL);
    if (!writing(context, &w)) {
        fuzz_fail(property, "refused on a null sink: %s", cmrp_code_id(error.code));
    }
    const size_t predicted = w.size;
    uint8_t *octets = util_alloc(predicted);
    cmrp_writer_init(&w, octets, predicted, &error, NULL);
    if (!writing(context, &w) || w.size != predicted) {
        fuzz_fail(property, "%zu octets predicted, %zu written (%s)", predicted, w.size,
                  error.code == CMRP_OK ? "no error" : cmrp_code_id(error.code));
    }
    if (predicted > 0) {
        uint8_t *small = util_alloc(predicted - 1);
        cmrp_writer_init(&w, small, predicted - 1, &error, NULL);
        if (writing(context, &w) || error.code != CMRP_E_NO_SPACE || w.size > predicted - 1) {
            fuzz_fail(property, "one octet less than %zu is not refused as no-space", predicted);
        }
        free(small);
    }
    *size = predicted;
    return octets;
}
