// SPDX-License-Identifier: Apache-2.0
#include "voices/question.h"

#include <stdlib.h>
#include <string.h>

#include "suite/grow.h"

enum { DRAWS = 20 }; // for one copy that is new

bool question_has_expectation(const struct suite_case *c) {
    return c->vector->json != NULL;
}

static bool same_selector(const struct json_selector *a, const struct json_selector *b) {
    json_t *left = json_object();
    json_t *right = json_object();
    json_selector_write(a, true, left);
    json_selector_write(b, true, right);
    const bool same = json_equal(left, right);
    json_decref(left);
    json_decref(right);
    return same;
}

static bool is_asked(const struct questions *q, const struct json_selector *how, cmrp_view octets) {
    for (size_t i = 0; i < q->plan.count; i++) {
        const struct suite_case *c = &q->plan.cases[i];
        if (c->op == CASE_DECODE && c->vector->octets.size == octets.size &&
            c->vector->how.type == how->type &&
            (octets.size == 0 || memcmp(c->vector->octets.data, octets.data, octets.size) == 0) &&
            same_selector(&c->vector->how, how)) {
            return true;
        }
    }
    return false;
}

// The id, with a number behind it where somebody has it already.
static char *free_id(const struct questions *q, const char *id) {
    char *name = util_strdup(id);
    size_t number = 1;
    for (size_t i = 0; i < q->plan.count; i++) {
        if (strcmp(q->plan.cases[i].vector->id, name) == 0) {
            free(name);
            name = util_format("%s-%zu", id, ++number);
            i = (size_t)-1; // from the beginning
        }
    }
    return name;
}

bool questions_add(struct questions *q, const struct json_selector *how, cmrp_view octets,
                   const char *id, const char *comment) {
    if (is_asked(q, how, octets)) {
        return false;
    }
    struct vector *v = util_alloc(sizeof *v);
    *v = (struct vector){.id = free_id(q, id),
                         .comment = util_strdup(comment),
                         .file = "",
                         .source = "",
                         .how = *how,
                         .has_octets = true,
                         .strict = {.result = VECTOR_VALID},
                         .provenance = VECTOR_GENERATED};
    buffer_append(&v->octets, octets.data, octets.size);
    q->made = grow_by_one(q->made, q->made_count, sizeof *q->made);
    q->made[q->made_count++] = v;
    q->plan.cases = grow_by_one(q->plan.cases, q->plan.count, sizeof *q->plan.cases);
    q->plan.cases[q->plan.count++] =
        (struct suite_case){.id = util_format("%s/%s", v->id, case_op_name(CASE_DECODE)),
                            .vector = v,
                            .op = CASE_DECODE,
                            .result = {.verdict = VERDICT_PENDING}};
    q->plan.vectors++;
    return true;
}

// ---- changes ------------------------------------------------------------------------------------

// splitmix64: the same everywhere.
static uint64_t draw(uint64_t *state) {
    uint64_t z = (*state += 0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static size_t draw_below(uint64_t *state, size_t limit) {
    return (size_t)(draw(state) % limit);
}

static uint8_t changed_octet(uint64_t *state, uint8_t octet) {
    const uint8_t choices[] = {
        (uint8_t)(octet + 1),
        (uint8_t)(octet - 1),
        0,
        0xff,
        (uint8_t)(octet ^ 1u << draw_below(state, 8)),
        (uint8_t)draw(state),
    };
    return choices[draw_below(state, sizeof choices)];
}

// Changes octets (at least one) in place; describes it.
static char *change(uint64_t *state, struct buffer *octets) {
    const size_t at = draw_below(state, octets->size);
    uint8_t *p = octets->data + at;
    switch (draw_below(state, 6)) {
    case 0: octets->size = at; return util_format("cut behind %zu octets", at);
    case 1: {
        const uint8_t more = (uint8_t)draw(state);
        buffer_append(octets, &more, 1);
        return util_format("with the octet %02x behind it", more);
    }
    case 2:
        memmove(p, p + 1, octets->size - at - 1);
        octets->size--;
        return util_format("without octet %zu", at);
    default: {
        const uint8_t old = *p;
        *p = changed_octet(state, old);
        return util_format("with octet %zu %02x in place of %02x", at, *p, old);
    }
    }
}

// One changed copy; false when the draw gives nothing new.
static bool mutate_one(struct questions *q, const size_t *sources, size_t source_count,
                       uint64_t seed, size_t number, uint64_t *state) {
    const struct vector *v = q->plan.cases[sources[draw_below(state, source_count)]].vector;
    struct buffer octets = {0};
    buffer_append(&octets, v->octets.data, v->octets.size);
    char *what = change(state, &octets);
    char *id = util_format("%s-drawn-%llu-%zu", v->id, (unsigned long long)seed, number);
    char *comment = util_format("%s %s.", v->id, what);
    const bool new = questions_add(q, &v->how, buffer_view(&octets), id, comment);
    free(what);
    free(id);
    free(comment);
    buffer_free(&octets);
    return new;
}

void questions_mutate(struct questions *q, size_t count, uint64_t seed) {
    enum { LARGEST = 64 * 1024 }; // octets of what is copied and changed
    const size_t before = q->plan.count;
    size_t *sources = util_alloc((before + 1) * sizeof *sources);
    size_t source_count = 0;
    uint64_t state = seed;
    for (size_t i = 0; i < before; i++) {
        const struct suite_case *c = &q->plan.cases[i];
        if (c->op == CASE_DECODE && c->vector->octets.size > 0 &&
            c->vector->octets.size <= LARGEST) {
            sources[source_count++] = i;
        }
    }
    for (size_t i = 0; source_count > 0 && i < count; i++) {
        for (int k = 0; k < DRAWS; k++) {
            if (mutate_one(q, sources, source_count, seed, i + 1, &state)) {
                break;
            }
        }
    }
    free(sources);
}

void questions_free(struct questions *q) {
    plan_free(&q->plan);
    for (size_t i = 0; i < q->made_count; i++) {
        struct vector *v = q->made[i];
        free((char *)(uintptr_t)v->id);
        free((char *)(uintptr_t)v->comment);
        buffer_free(&v->octets);
        free(v);
    }
    free(q->made);
    *q = (struct questions){0};
}
