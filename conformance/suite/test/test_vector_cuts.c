// SPDX-License-Identifier: Apache-2.0
// Every vector cut short, and with an octet too many. Cuts of large vectors are not copied: the
// rest of the block is poisoned.
#include <stdlib.h>
#include <string.h>

#include "each.h"
#include "suite/fields.h"
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
    CUT_OCTETS = 4096, // from both ends every cut is tried
    CUT_EDGES = 256,   // and between them at field edges, at most so many
    COPIED = 8192,     // octets; cuts of larger vectors are not copied
    SEVEN = 7,         // a field may begin behind a gap of up to 7 octets that is cut off
};

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

EACH(cuts)
EACH(invalid_cuts)
EACH(octet_more)

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cuts),
        cmocka_unit_test(test_invalid_cuts),
        cmocka_unit_test(test_octet_more),
    };
    return cmocka_run_group_tests(tests, load_vectors, unload_vectors);
}
