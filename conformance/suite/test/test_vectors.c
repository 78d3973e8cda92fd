// SPDX-License-Identifier: Apache-2.0
// Every vector against this project's codec, and the tests that a vector is worth by itself: every
// cut, an octet too many, the way there and back, the predicted size, a buffer too small by one.
//
// Octets are in a heap block of their exact size (of large vectors: in a block whose rest is
// poisoned), so that AddressSanitizer sees every step outside of them. Each test goes through all
// vectors, prints a line for each that fails, and fails at the end.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "suite/fields.h"
#include "suite/vector.h"
#include "transcode.h"

#ifndef __has_feature
#define __has_feature(x) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(address, size)   ((void)(address), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(address, size) ((void)(address), (void)(size))
#endif

enum {
    VECTORS_MINIMUM = 250, // fewer are a mistake of the loader
    CUT_OCTETS = 4096,     // from both ends every cut is tried
    CUT_EDGES = 256,       // and between them at field edges, at most so many
    COPIED = 8192,         // octets; cuts of larger vectors are not copied
    SEVEN = 7,             // a field may begin behind a gap of up to 7 octets that is cut off
};

static struct vector_set set;
static size_t failures;

static void fail_vector(const struct vector *v, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void fail_vector(const struct vector *v, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "%s: ", v->id);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    failures++;
}

// The same octets alone in a block of their exact size; free() view.data.
static cmrp_view exact(const uint8_t *octets, size_t size) {
    uint8_t *block = malloc(size > 0 ? size : 1);
    assert_non_null(block);
    if (size > 0) {
        memcpy(block, octets, size);
        return (cmrp_view){block, size};
    }
    return (cmrp_view){block + 1, 0}; // nothing may be read there; free_exact knows
}

static void free_exact(cmrp_view view) {
    free((uint8_t *)(uintptr_t)view.data - (view.size == 0));
}

static cmrp_view exact_of(const struct vector *v) {
    return exact(v->octets.data, v->octets.size);
}

// The first `size` octets of a vector, alone; give them back with free_cut.
static cmrp_view cut_of(const struct vector *v, size_t size) {
    if (v->octets.size <= COPIED) {
        return exact(v->octets.data, size);
    }
    ASAN_POISON_MEMORY_REGION(v->octets.data + size, v->octets.capacity - size);
    return (cmrp_view){v->octets.data, size};
}

static void free_cut(const struct vector *v, cmrp_view cut) {
    if (v->octets.size <= COPIED) {
        free_exact(cut);
    } else {
        ASAN_UNPOISON_MEMORY_REGION(v->octets.data, v->octets.capacity);
    }
}

static bool decodes(const struct vector *v) {
    return v->has_octets && v->strict.result != VECTOR_INVALID;
}

// Runs one check over all vectors.
static void each(void (*check)(const struct vector *)) {
    failures = 0;
    for (size_t i = 0; i < set.count; i++) {
        check(&set.vectors[i]);
    }
    if (failures > 0) {
        fail_msg("%zu failures, listed above", failures);
    }
}

// ---- decoding -----------------------------------------------------------------------------------

static void check_error(const struct vector *v, const char *mode, const cmrp_error *error,
                        const struct vector_outcome *want) {
    if (strcmp(cmrp_code_id(error->code), want->code) != 0 || error->offset != want->offset) {
        fail_vector(v, "%s: error %s at %llu, expected %s at %llu", mode, cmrp_code_id(error->code),
                    (unsigned long long)error->offset, want->code,
                    (unsigned long long)want->offset);
    }
    if (error->field == NULL || error->section == NULL) {
        fail_vector(v, "%s: the error lacks field or section", mode);
    }
}

static bool same_warning(const json_t *got, const struct vector_warning *want) {
    return strcmp(json_string_value(json_object_get(got, "code")), want->code) == 0 &&
           strcmp(json_string_value(json_object_get(got, "field")), want->field) == 0 &&
           json_integer_value(json_object_get(got, "offset")) == (json_int_t)want->offset;
}

// As sets: every expected warning is there, and none else.
static void check_warnings(const struct vector *v, const char *mode, const json_t *value,
                           const struct vector_outcome *want) {
    const json_t *warnings = json_object_get(value, "warnings");
    if (json_array_size(warnings) != want->warning_count) {
        fail_vector(v, "%s: %zu warnings, expected %zu", mode, json_array_size(warnings),
                    want->warning_count);
    }
    for (size_t i = 0; i < want->warning_count; i++) {
        bool found = false;
        size_t j;
        json_t *warning;
        json_array_foreach(warnings, j, warning) {
            found = found || same_warning(warning, &want->warnings[i]);
        }
        if (!found) {
            fail_vector(v, "%s: no warning %s at %llu (%s)", mode, want->warnings[i].code,
                        (unsigned long long)want->warnings[i].offset, want->warnings[i].field);
        }
    }
}

static void check_value(const struct vector *v, const char *mode, const json_t *got,
                        const json_t *want) {
    json_t *a = json_normal(&v->how, want);
    json_t *b = json_normal(&v->how, got);
    if (!json_equal(a, b)) {
        char *left = json_dumps(a, JSON_COMPACT);
        char *right = json_dumps(b, JSON_COMPACT);
        fail_vector(v, "%s: value %.400s, expected %.400s", mode, right, left);
        free(left);
        free(right);
    }
    json_decref(a);
    json_decref(b);
}

static void check_outcome(const struct vector *v, const char *mode, const struct json_selector *how,
                          const struct vector_outcome *want) {
    const cmrp_view octets = exact_of(v);
    cmrp_error error = {0};
    json_t *value = json_decode(how, octets, 0, &error);
    if (value == NULL && want->result == VECTOR_INVALID) {
        check_error(v, mode, &error, want);
    } else if (value == NULL) {
        char text[320];
        cmrp_error_format(&error, text, sizeof text);
        fail_vector(v, "%s: %s: %s", mode, cmrp_code_id(error.code), text);
    } else if (want->result == VECTOR_INVALID) {
        fail_vector(v, "%s: it decodes, expected %s", mode, want->code);
    } else {
        check_value(v, mode, value, want->value);
        check_warnings(v, mode, value, want);
    }
    json_decref(value);
    free_exact(octets);
}

static void check_strict(const struct vector *v) {
    if (v->has_octets) {
        check_outcome(v, "strict", &v->how, &v->strict);
    }
}

static struct json_selector lenient_selector(const struct vector *v) {
    struct json_selector how = v->how;
    how.batch_flags = CMRP_BATCH_LENIENT;
    return how;
}

static void check_lenient(const struct vector *v) {
    if (v->has_octets && v->how.type == JSON_TYPE_BATCH) {
        const struct json_selector how = lenient_selector(v);
        check_outcome(v, "lenient", &how, v->has_lenient ? &v->lenient : &v->strict);
    }
}

// An offset of the caller's is added to all that is reported.
static void check_base(const struct vector *v) {
    enum { BASE = 1000 };
    if (!v->has_octets || v->how.type == JSON_TYPE_CHANGE) {
        return; // a change value stands alone: its decoder takes no offset
    }
    const cmrp_view octets = exact_of(v);
    cmrp_error error = {0};
    json_t *value = json_decode(&v->how, octets, BASE, &error);
    if (value == NULL && v->strict.result == VECTOR_INVALID &&
        error.offset != v->strict.offset + BASE) {
        fail_vector(v, "base: error at %llu", (unsigned long long)error.offset);
    }
    for (size_t i = 0; i < json_array_size(json_object_get(value, "warnings")); i++) {
        const json_t *warning = json_array_get(json_object_get(value, "warnings"), i);
        if (json_integer_value(json_object_get(warning, "offset")) < BASE) {
            fail_vector(v, "base: warning %zu is not moved", i);
        }
    }
    json_decref(value);
    free_exact(octets);
}

// ---- encoding -----------------------------------------------------------------------------------

static void check_refusal(const struct vector *v) {
    struct buffer out = {0};
    struct json_failure failure;
    buffer_append(&out, "kept", 4);
    if (json_encode(&v->how, v->strict.value, &out, &failure)) {
        fail_vector(v, "encode: taken, expected %s", v->strict.code);
    } else if (strcmp(failure.code, v->strict.code) != 0) {
        fail_vector(v, "encode: %s at \"%s\" (%s), expected %s", failure.code, failure.pointer,
                    failure.message, v->strict.code);
    } else if (out.size != 4 || memcmp(out.data, "kept", 4) != 0) {
        fail_vector(v, "encode: the refusal left something behind");
    }
    buffer_free(&out);
}

static void check_same_octets(const struct vector *v, const char *what, cmrp_view got) {
    if (got.size != v->octets.size ||
        (got.size > 0 && memcmp(got.data, v->octets.data, got.size) != 0)) {
        fail_vector(v, "%s: other octets (%zu, expected %zu)", what, got.size, v->octets.size);
    }
}

// Octets that must mean the same as the vector's, whatever their form.
static void check_same_meaning(const struct vector *v, const char *what, cmrp_view got) {
    const cmrp_view octets = exact(got.data, got.size);
    cmrp_error error = {0};
    json_t *value = json_decode(&v->how, octets, 0, &error);
    if (value == NULL) {
        fail_vector(v, "%s: what was written does not decode: %s", what, cmrp_code_id(error.code));
    } else {
        check_value(v, what, value, v->strict.value);
    }
    json_decref(value);
    free_exact(octets);
}

// Where the octets of a value are fixed: one form only, or the vector is in our form.
static bool has_fixed_form(const struct vector *v) {
    return v->how.type == JSON_TYPE_BATCH || v->how.type == JSON_TYPE_CHANGE ||
           (v->how.type == JSON_TYPE_TOWER && !v->how.ept_map) ||
           v->how.type == JSON_TYPE_PAYLOAD || vector_flagged(v, "Canonical");
}

static void check_encode(const struct vector *v) {
    struct buffer out = {0};
    struct json_failure failure;
    if (!v->has_octets) {
        check_refusal(v);
    } else if (decodes(v)) {
        if (!json_encode(&v->how, v->strict.value, &out, &failure)) {
            fail_vector(v, "encode: %s at \"%s\": %s", failure.code, failure.pointer,
                        failure.message);
        } else if (has_fixed_form(v)) {
            check_same_octets(v, "encode", buffer_view(&out));
        } else {
            check_same_meaning(v, "encode", buffer_view(&out));
        }
    }
    buffer_free(&out);
}

// What decodes is written again: the identical octets, or the same meaning.
static void check_round_trip(const struct vector *v) {
    if (!decodes(v)) {
        return;
    }
    const cmrp_view octets = exact_of(v);
    struct buffer out = {0};
    struct json_failure failure;
    cmrp_error error = {0};
    json_t *value = json_decode(&v->how, octets, 0, &error);
    if (value == NULL || !json_encode(&v->how, value, &out, &failure)) {
        fail_vector(v, "round trip: what decodes is not written: %s",
                    value != NULL ? failure.message : cmrp_code_id(error.code));
    } else if (has_fixed_form(v)) {
        check_same_octets(v, "round trip", buffer_view(&out));
    } else {
        check_same_meaning(v, "round trip", buffer_view(&out));
    }
    json_decref(value);
    buffer_free(&out);
    free_exact(octets);
}

static void check_lenient_round_trip(const struct vector *v) {
    const struct json_selector how = lenient_selector(v);
    cmrp_error error = {0};
    if (!v->has_octets || v->how.type != JSON_TYPE_BATCH) {
        return;
    }
    const cmrp_view octets = exact_of(v);
    json_t *value = json_decode(&how, octets, 0, &error);
    struct buffer out = {0};
    struct json_failure failure;
    if (value != NULL && !json_encode(&how, value, &out, &failure)) {
        fail_vector(v, "lenient round trip: %s: %s", failure.code, failure.message);
    } else if (value != NULL) {
        check_same_octets(v, "lenient round trip", buffer_view(&out));
    }
    json_decref(value);
    buffer_free(&out);
    free_exact(octets);
}

// ---- sizes --------------------------------------------------------------------------------------

// Writes the vector's content into a block of exactly `capacity` octets.
static bool write_into(const struct vector *v, size_t capacity, size_t *size, cmrp_error *error) {
    const cmrp_view octets = exact_of(v);
    uint8_t *block = malloc(capacity > 0 ? capacity : 1);
    cmrp_writer w;
    assert_non_null(block);
    cmrp_writer_init(&w, capacity > 0 ? block : block + 1, capacity, error, "test");
    const bool ok = transcode(&v->how, octets, &w);
    *size = w.size;
    free(block);
    free_exact(octets);
    return ok;
}

static void check_sizes(const struct vector *v) {
    cmrp_error error = {0};
    cmrp_writer sizer;
    size_t size;
    if (!decodes(v)) {
        return;
    }
    cmrp_sizer_init(&sizer, &error, "test");
    if (!transcode(&v->how, buffer_view(&v->octets), &sizer)) {
        fail_vector(v, "size: not predicted: %s", cmrp_code_id(error.code));
        return;
    }
    if (!write_into(v, sizer.size, &size, &error) || size != sizer.size) {
        fail_vector(v, "size: %zu octets predicted, %zu written", sizer.size, size);
    }
    // Every capacity that is too small, of large vectors only the last ones.
    for (size_t left = 1; left <= sizer.size && left <= 64; left++) {
        error = (cmrp_error){0};
        if (write_into(v, sizer.size - left, &size, &error) || error.code != CMRP_E_NO_SPACE ||
            size > sizer.size - left) {
            fail_vector(v, "size: %zu octets too few give %s", left, cmrp_code_id(error.code));
        }
    }
}

// ---- cuts ---------------------------------------------------------------------------------------

// A connectionless token ends with the datagram, wherever that is.
static bool ends_with_token(const struct vector *v) {
    enum { AT_AUTH_PROTO = 78 };
    return v->how.type == JSON_TYPE_PDU && json_is_pdu_cl(buffer_view(&v->octets)) &&
           v->octets.size > AT_AUTH_PROTO && v->octets.data[AT_AUTH_PROTO] != 0;
}

// The body without its trailer is a whole; so is a trailer with any part of its token.
static bool is_whole_with_token(const struct vector *v, size_t size) {
    enum { TRAILER = 4 };
    cmrp_pdu_cl pdu;
    cmrp_error error = {0};
    if (!cmrp_pdu_cl_decode(buffer_view(&v->octets), 0, &pdu, NULL, NULL, &error)) {
        return false;
    }
    const size_t body = CMRP_PDU_CL_HEADER_SIZE + (size_t)pdu.header.len;
    return size == body || size >= (body + 7) / 8 * 8 + TRAILER;
}

// What a prefix of a payload must be to be one by itself: text may lack its NUL, a list may end
// behind any text.
static bool is_whole_payload(const struct vector *v, size_t end, size_t size) {
    const cmrp_payload_row *row = cmrp_payload_row_of(v->how.object_type, v->how.flag->value);
    const bool even = size % 2 == 0;
    switch (row != NULL ? row->kind : CMRP_PAYLOAD_OPAQUE) {
    case CMRP_PAYLOAD_OPAQUE: return true;
    case CMRP_PAYLOAD_ID: return even && size > 0;
    case CMRP_PAYLOAD_TEXT: return even;
    case CMRP_PAYLOAD_MULTI_SZ:
        return even && (size == 0 || (v->octets.data[size - 2] | v->octets.data[size - 1]) == 0);
    case CMRP_PAYLOAD_STATE: return size >= end || (size == 0 && row->optional);
    case CMRP_PAYLOAD_PROPERTIES:
    case CMRP_PAYLOAD_SHARED_VOLUMES: // a list's own end mark may be missing
        return size >= end ||
               (size + 4 == end && json_object_get(v->strict.value, "end_mark") != NULL);
    default: return size >= end;
    }
}

// Whether a prefix of this size is a whole by itself: some commands of a batch, or all but octets
// that belong to nothing.
static bool is_whole(const struct vector *v, const struct field_spans *spans, size_t end,
                     size_t size) {
    if (ends_with_token(v)) {
        return is_whole_with_token(v, size);
    }
    if (v->how.type == JSON_TYPE_PAYLOAD) {
        return is_whole_payload(v, end, size);
    }
    if (v->how.type != JSON_TYPE_BATCH) {
        return size >= end;
    }
    size_t low = 2; // the first command does not end anything
    size_t high = spans->count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (spans->spans[middle].offset < size) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < spans->count && spans->spans[low].offset == size &&
           strcmp(spans->spans[low].name, "CommandType") == 0;
}

// One prefix: refused unless it is a whole, and never read beyond.
static void check_cut(const struct vector *v, size_t size, bool whole) {
    const cmrp_view octets = cut_of(v, size);
    cmrp_error error = {0};
    const bool ok = fields_decode(&v->how, octets, NULL, &error);
    if (ok != whole) {
        fail_vector(v, "cut to %zu: %s", size, ok ? "it decodes" : cmrp_code_id(error.code));
    } else if (!ok &&
               error.offset > (v->how.type == JSON_TYPE_STUB || v->how.ept_map || ends_with_token(v)
                                   ? size + SEVEN
                                   : size)) {
        fail_vector(v, "cut to %zu: error at %llu", size, (unsigned long long)error.offset);
    }
    free_cut(v, octets);
}

// The same leniently: what is accepted is written back to the same octets.
static void check_lenient_cut(const struct vector *v, size_t size) {
    const struct json_selector how = lenient_selector(v);
    const cmrp_view octets = cut_of(v, size);
    cmrp_error error = {0};
    uint8_t *block = malloc(size + 1);
    cmrp_writer w;
    assert_non_null(block);
    if (fields_decode(&how, octets, NULL, &error)) {
        cmrp_writer_init(&w, block, size, &error, "test");
        if (!transcode(&how, octets, &w) || w.size != size ||
            memcmp(block, octets.data, size) != 0) {
            fail_vector(v, "cut to %zu: accepted leniently, not written back", size);
        }
    } else if (error.offset > size) {
        fail_vector(v, "cut to %zu: lenient error at %llu", size, (unsigned long long)error.offset);
    }
    free(block);
    free_cut(v, octets);
}

// A lenient cut is written back whole, so of a large vector only the ends are tried.
static bool is_for_lenient(size_t n, size_t size) {
    return n < CUT_OCTETS / 4 || size - n <= CUT_OCTETS / 16;
}

// Calls check_cut for the cuts that are tried: all within CUT_OCTETS of either end, and a sample of
// the field edges between.
static void check_cuts(const struct vector *v) {
    struct field_spans spans;
    cmrp_error error = {0};
    size_t end = 0;
    if (!decodes(v)) {
        return;
    }
    fields_find(&v->how, buffer_view(&v->octets), SIZE_MAX, &spans);
    fields_decode(&v->how, buffer_view(&v->octets), &end, &error);
    const size_t size = v->octets.size;
    const size_t step = spans.count / CUT_EDGES + 1;
    for (size_t n = 0; n < size; n++) {
        if (n < CUT_OCTETS || size - n <= CUT_OCTETS) {
            check_cut(v, n, is_whole(v, &spans, end, n));
            if (v->how.type == JSON_TYPE_BATCH && is_for_lenient(n, size)) {
                check_lenient_cut(v, n);
            }
        }
    }
    for (size_t i = 0; i < spans.count; i += step) {
        const size_t n = spans.spans[i].offset;
        if (n >= CUT_OCTETS && size - n > CUT_OCTETS) {
            check_cut(v, n, is_whole(v, &spans, end, n));
            check_cut(v, n + 1, is_whole(v, &spans, end, n + 1));
        }
    }
    fields_free(&spans);
}

// Cuts of octets that do not decode anyway: no crash, offsets inside.
static void check_invalid_cuts(const struct vector *v) {
    if (!v->has_octets || v->strict.result != VECTOR_INVALID) {
        return;
    }
    for (size_t n = 0; n < v->octets.size; n++) {
        if (n < CUT_OCTETS / 4 || v->octets.size - n <= CUT_OCTETS / 4) {
            const cmrp_view octets = cut_of(v, n);
            cmrp_error error = {0};
            if (!fields_decode(&v->how, octets, NULL, &error) && error.offset > n + SEVEN) {
                fail_vector(v, "cut to %zu: error at %llu", n, (unsigned long long)error.offset);
            }
            free_cut(v, octets);
            if (v->how.type == JSON_TYPE_BATCH && is_for_lenient(n, v->octets.size)) {
                check_lenient_cut(v, n);
            }
        }
    }
}

// ---- an octet too many --------------------------------------------------------------------------

// The octet is noticed: refused at the end of the vector, or warned of there.
static void check_octet_more(const struct vector *v) {
    cmrp_error error = {0};
    size_t end = 0;
    if (!decodes(v) || ends_with_token(v)) {
        return;
    }
    const size_t size = v->octets.size;
    uint8_t *longer = malloc(size + 1);
    assert_non_null(longer);
    memcpy(longer, size > 0 ? v->octets.data : longer, size);
    longer[size] = 0xa5;
    const cmrp_view octets = {longer, size + 1};
    const bool ok = fields_decode(&v->how, octets, &end, &error);
    const bool opaque = v->how.type == JSON_TYPE_PAYLOAD && is_whole_payload(v, 2, 1);
    const bool warns = v->how.type == JSON_TYPE_STUB || v->how.type == JSON_TYPE_PDU ||
                       v->how.type == JSON_TYPE_TOWER || opaque;
    if (opaque) {
        end = size; // it belongs to what nobody describes
    }
    if (ok != warns || (ok ? end > size : error.offset != size)) {
        fail_vector(v, "one octet more: %s at %llu, end %zu", cmrp_code_id(error.code),
                    (unsigned long long)error.offset, end);
    }
    if (v->how.type == JSON_TYPE_BATCH) {
        const struct json_selector how = lenient_selector(v);
        error = (cmrp_error){0};
        if (!fields_decode(&how, octets, &end, &error) || end != size) {
            fail_vector(v, "one octet more: lenient: %s", cmrp_code_id(error.code));
        }
    }
    free(longer);
}

// ---- the tests ----------------------------------------------------------------------------------

static void test_count(void **state) {
    (void)state;
    assert_true(set.count >= VECTORS_MINIMUM);
}

#define EACH(name)                                                                                 \
    static void test_##name(void **state) {                                                        \
        (void)state;                                                                               \
        each(check_##name);                                                                        \
    }
EACH(strict)
EACH(lenient)
EACH(base)
EACH(encode)
EACH(round_trip)
EACH(lenient_round_trip)
EACH(sizes)
EACH(cuts)
EACH(invalid_cuts)
EACH(octet_more)

static int load(void **state) {
    char *error = NULL;
    (void)state;
    if (!vector_set_load(CMRP_SOURCE_DIR "/vectors", &set, &error)) {
        fprintf(stderr, "%s\n", error);
        free(error);
        return -1;
    }
    return 0;
}

static int unload(void **state) {
    (void)state;
    vector_set_free(&set);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_count),
        cmocka_unit_test(test_strict),
        cmocka_unit_test(test_lenient),
        cmocka_unit_test(test_base),
        cmocka_unit_test(test_encode),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_lenient_round_trip),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_cuts),
        cmocka_unit_test(test_invalid_cuts),
        cmocka_unit_test(test_octet_more),
    };
    return cmocka_run_group_tests(tests, load, unload);
}
