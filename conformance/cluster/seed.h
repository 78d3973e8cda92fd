// SPDX-License-Identifier: Apache-2.0
// What the files that read seeds share. Not for others.
#ifndef CLUSTER_SEED_H
#define CLUSTER_SEED_H

#include "cluster/state.h"

// Where in a seed something is read, and what is wrong with it: "FILE: /POINTER: message".
struct seed {
    struct cluster *cluster;
    const char *file;
    struct buffer at; // JSON pointer of the value being read
    bool of_state;
    char **error; // receives the first error
};

bool seed_wrong(struct seed *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
// Goes down to a member; the result is for seed_leave.
size_t seed_enter(struct seed *s, const char *key);
void seed_leave(struct seed *s, size_t before);

// That value is an object without other keys than these (NULL-terminated).
bool seed_object(struct seed *s, const json_t *value, const char *const *keys);
// Members; *out stays as it is where one is absent.
bool seed_text(struct seed *s, const json_t *object, const char *key, bool required,
               const char **out);
bool seed_number(struct seed *s, const json_t *object, const char *key, uint32_t most,
                 uint32_t *out);
bool seed_flag(struct seed *s, const json_t *object, const char *key, bool *out);
// A member that is an array: calls one for each element, with the place set.
bool seed_array(struct seed *s, const json_t *object, const char *key,
                bool (*one)(struct seed *s, const json_t *element, void *context), void *context);

// seed_keys.c: the member "registry" of the seed is checked, and written.
bool seed_check_keys(struct seed *s, const json_t *document);

#endif
