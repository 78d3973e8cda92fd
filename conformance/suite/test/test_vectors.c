// SPDX-License-Identifier: Apache-2.0
// Every vector against this project's codec, and the tests that a vector is worth by itself: the
// way there and back, the predicted size, a buffer too small by one. Cuts are in
// test_vector_cuts.c.
#include <stdlib.h>
#include <string.h>

#include "each.h"
#include "suite/fields.h"
#include "transcode.h"

enum {
    VECTORS_MINIMUM = 250, // fewer are a mistake of the loader
    CAPACITIES = 256,      // too small ones that are tried
};

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

// What the writer makes of the vector's content.
static bool write_whole(const struct vector *v, size_t size, struct buffer *out) {
    cmrp_error error = {0};
    cmrp_writer w;
    cmrp_writer_init(&w, buffer_extend(out, size), size, &error, "test");
    return transcode(&v->how, buffer_view(&v->octets), &w);
}

// Places that have one name for those who write and another for those who read.
static const struct {
    const char *written;
    const char *read;
} synonyms[] = {
    // The gap at the end of a structure: readers name what follows it.
    {"lpSecurityAttributes", "RpcSecurityDescriptor.lpSecurityDescriptor"},
    // What is missing may have been a value's or an end mark.
    {"Syntax", "CLUSPROP_SYNTAX_ENDMARK"},
    // How much padding there is stands behind it.
    {"auth_padding", "auth_level"},
};

static bool is_synonym(const char *written, const char *read) {
    for (size_t i = 0; i < sizeof synonyms / sizeof *synonyms; i++) {
        if (strcmp(synonyms[i].written, written) == 0 && strcmp(synonyms[i].read, read) == 0) {
            return true;
        }
    }
    return false;
}

// The field that there was no space for is the field that a reader misses where the octets end.
static void check_field(const struct vector *v, cmrp_view cut, const cmrp_error *error) {
    cmrp_error missed = {0};
    size_t end;
    if (!fields_decode(&v->how, cut, &end, &missed) && missed.code == CMRP_E_TRUNCATED &&
        strcmp(missed.field, error->field) != 0 && !is_synonym(error->field, missed.field)) {
        fail_vector(v, "size: no space for %s behind %zu octets, where %s is missed", error->field,
                    cut.size, missed.field);
    }
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
    struct buffer whole = {0};
    const bool written = write_whole(v, sizer.size, &whole);
    // Every capacity that is too small, of large vectors only the last ones.
    for (size_t left = 1; left <= sizer.size && left <= CAPACITIES; left++) {
        error = (cmrp_error){0};
        if (write_into(v, sizer.size - left, &size, &error) || error.code != CMRP_E_NO_SPACE ||
            size > sizer.size - left) {
            fail_vector(v, "size: %zu octets too few give %s", left, cmrp_code_id(error.code));
        } else if (written) {
            check_field(v, (cmrp_view){whole.data, sizer.size - left}, &error);
        }
    }
    buffer_free(&whole);
}

// ---- the tests ----------------------------------------------------------------------------------

static void test_count(void **state) {
    (void)state;
    assert_true(set.count >= VECTORS_MINIMUM);
}

EACH(strict)
EACH(lenient)
EACH(base)
EACH(encode)
EACH(round_trip)
EACH(lenient_round_trip)
EACH(sizes)

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
    };
    return cmocka_run_group_tests(tests, load_vectors, unload_vectors);
}
