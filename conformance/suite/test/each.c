// SPDX-License-Identifier: Apache-2.0
#include "each.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct vector_set set;
static size_t failures;

void fail_vector(const struct vector *v, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "%s: ", v->id);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    failures++;
    if (getenv("CMRP_TEST_FAIL_FAST") != NULL) {
        exit(EXIT_FAILURE);
    }
}

// Whether vectors of a type are wanted.
static bool wanted(enum json_type type) {
    const char *types = getenv("CMRP_TEST_TYPES");
    return types == NULL || strstr(types, json_type_name(type)) != NULL;
}

cmrp_view exact(const uint8_t *octets, size_t size) {
    uint8_t *block = malloc(size > 0 ? size : 1);
    assert_non_null(block);
    if (size > 0) {
        memcpy(block, octets, size);
        return (cmrp_view){block, size};
    }
    return (cmrp_view){block + 1, 0}; // nothing may be read there; free_exact knows
}

void free_exact(cmrp_view view) {
    free((uint8_t *)(uintptr_t)view.data - (view.size == 0));
}

cmrp_view exact_of(const struct vector *v) {
    return exact(v->octets.data, v->octets.size);
}

bool decodes(const struct vector *v) {
    return v->has_octets && v->strict.result != VECTOR_INVALID;
}

void each(void (*check)(const struct vector *)) {
    failures = 0;
    for (size_t i = 0; i < set.count; i++) {
        if (wanted(set.vectors[i].how.type)) {
            check(&set.vectors[i]);
        }
    }
    if (failures > 0) {
        fail_msg("%zu failures, listed above", failures);
    }
}

struct json_selector lenient_selector(const struct vector *v) {
    struct json_selector how = v->how;
    how.batch_flags = CMRP_BATCH_LENIENT;
    return how;
}

int load_vectors(void **state) {
    char *error = NULL;
    (void)state;
    const char *directory = getenv("CMRP_TEST_VECTORS");
    if (!vector_set_load(directory != NULL ? directory : CMRP_SOURCE_DIR "/vectors", &set,
                         &error)) {
        fprintf(stderr, "%s\n", error);
        free(error);
        return -1;
    }
    return 0;
}

int unload_vectors(void **state) {
    (void)state;
    vector_set_free(&set);
    return 0;
}
