// SPDX-License-Identifier: Apache-2.0
// Files of sequences: loading, and making the steps of one out of another's.
#include "suite/sequence.h"

#include <stdlib.h>
#include <string.h>

#include "suite/grow.h"
#include "suite/vector_read.h"

enum { DEPTH = 8 }; // of sequences that are like one another

static const char *const LIST = "sequences";

const struct sequence *sequence_find(const struct sequence_set *set, const char *id) {
    for (size_t i = 0; i < set->count; i++) {
        if (strcmp(set->sequences[i].id, id) == 0) {
            return &set->sequences[i];
        }
    }
    return NULL;
}

void sequence_set_free(struct sequence_set *set) {
    for (size_t i = 0; i < set->count; i++) {
        json_decref(set->sequences[i].steps);
        free(set->sequences[i].findings);
    }
    for (size_t i = 0; i < set->file_count; i++) {
        json_decref(set->documents[i]);
        free(set->files[i]);
    }
    free(set->sequences);
    free(set->documents);
    free(set->files);
    *set = (struct sequence_set){0};
}

static struct vector_place place_of(const struct sequence *q, char **error) {
    return (struct vector_place){q->file, q->index, error, JSON_TYPE_STUB, LIST};
}

// ---- edits --------------------------------------------------------------------------------------

// Members of `more` replace those of `object`; objects are merged in turn.
static void merge(json_t *object, const json_t *more) {
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)more, key, value) {
        json_t *old = json_object_get(object, key);
        if (json_is_object(old) && json_is_object(value)) {
            merge(old, value);
        } else {
            json_object_set_new(object, key, json_deep_copy(value));
        }
    }
}

static const char *label_of(const json_t *step) {
    return json_string_value(json_object_get(step, "label"));
}

// A step by number or label; the number of steps where there is none.
static size_t find_step(const json_t *steps, const json_t *which) {
    const size_t n = json_array_size(steps);
    const char *label = json_string_value(which);
    if (json_is_integer(which)) {
        const json_int_t number = json_integer_value(which);
        return number >= 0 && (size_t)number < n ? (size_t)number : n;
    }
    for (size_t i = 0; label != NULL && i < n; i++) {
        const char *other = label_of(json_array_get(steps, i));
        if (other != NULL && strcmp(other, label) == 0) {
            return i;
        }
    }
    return n;
}

enum edit_op { REPLACE, REMOVE, INSERT, MERGE, APPEND, EDIT_OPS };

static const char *edit_word(unsigned i) {
    static const char *const words[EDIT_OPS] = {"replace", "remove", "insert", "merge", "append"};
    return words[i];
}

static bool apply_edit(const struct vector_place *place, const char *sub, const json_t *edit,
                       json_t *steps) {
    static const char *const keys[] = {"at", "op", "step", NULL};
    unsigned op = 0;
    if (!json_is_object(edit)) {
        return vector_wrong(place, sub, "is not an object");
    }
    if (!vector_known_keys(place, sub, edit, keys, NULL) ||
        !vector_read_word(place, sub, edit, "op", edit_word, EDIT_OPS, &op)) {
        return false;
    }
    const json_t *step = json_object_get(edit, "step");
    const size_t at = find_step(steps, json_object_get(edit, "at"));
    if (op == REMOVE ? step != NULL : !json_is_object(step)) {
        return vector_wrong(
            place, sub, op == REMOVE ? "step beside remove" : "step is missing or not an object");
    }
    if (op == APPEND) {
        return json_object_get(edit, "at") != NULL
                   ? vector_wrong(place, sub, "at beside append")
                   : json_array_append_new(steps, json_deep_copy(step)) == 0;
    }
    if (at == json_array_size(steps)) {
        return vector_wrong(place, sub, "at is no step, by number or label, before this edit");
    }
    switch (op) {
    case REPLACE: json_array_set_new(steps, at, json_deep_copy(step)); break;
    case REMOVE: json_array_remove(steps, at); break;
    case INSERT: json_array_insert_new(steps, at, json_deep_copy(step)); break;
    default: merge(json_array_get(steps, at), step); break;
    }
    return true;
}

static bool apply_edits(const struct vector_place *place, const json_t *edits, json_t *steps) {
    for (size_t i = 0; i < json_array_size(edits); i++) {
        char sub[32];
        snprintf(sub, sizeof sub, "edits/%zu", i);
        if (!apply_edit(place, sub, json_array_get(edits, i), steps)) {
            return false;
        }
    }
    return true;
}

static struct sequence *named(const struct sequence_set *set, const char *id) {
    return (struct sequence *)sequence_find(set, id);
}

// The steps of a sequence, made of another's where it says so.
static bool resolve(const struct sequence_set *set, struct sequence *q, unsigned depth,
                    char **error) {
    const struct vector_place place = place_of(q, error);
    const json_t *like = json_object_get(q->json, "like");
    const json_t *steps = json_object_get(q->json, "steps");
    const json_t *edits = json_object_get(q->json, "edits");
    if (q->steps != NULL) {
        return true;
    }
    if ((like != NULL) == (steps != NULL) || (like != NULL) != (edits != NULL)) {
        return vector_wrong(&place, "", "steps, or like and edits, are expected");
    }
    if (json_array_size(like != NULL ? edits : steps) == 0) {
        return vector_wrong(&place, like != NULL ? "edits" : "steps",
                            "is not a list of at least one");
    }
    if (like != NULL) {
        struct sequence *base =
            json_string_value(like) != NULL ? named(set, json_string_value(like)) : NULL;
        if (base == NULL || depth == DEPTH) {
            return vector_wrong(&place, "like",
                                base == NULL ? "is the id of no sequence"
                                             : "goes round in a circle, or too far");
        }
        if (!resolve(set, base, depth + 1, error)) {
            return false;
        }
        q->like = base;
        steps = base->steps;
    }
    q->steps = json_deep_copy(steps);
    return apply_edits(&place, edits, q->steps);
}

// ---- findings -----------------------------------------------------------------------------------

static bool read_finding(const struct vector_place *place, const char *sub, const json_t *object,
                         const json_t *steps, struct sequence_finding *out) {
    static const char *const keys[] = {"step", "rule", "field", "offset", NULL};
    if (!json_is_object(object)) {
        return vector_wrong(place, sub, "is not an object");
    }
    const json_t *field = json_object_get(object, "field");
    const json_t *offset = json_object_get(object, "offset");
    out->step = find_step(steps, json_object_get(object, "step"));
    out->rule = json_string_value(json_object_get(object, "rule"));
    out->field = json_string_value(field);
    out->has_offset = offset != NULL;
    out->offset = (uint64_t)json_integer_value(offset);
    if (!vector_known_keys(place, sub, object, keys, NULL)) {
        return false;
    }
    if (out->step == json_array_size(steps)) {
        return vector_wrong(place, sub, "step is no step of the sequence, by number or label");
    }
    if (out->rule == NULL || *out->rule == '\0') {
        return vector_wrong(place, sub, "rule is missing or not a string");
    }
    if ((field != NULL && out->field == NULL) ||
        (offset != NULL && (!json_is_integer(offset) || json_integer_value(offset) < 0))) {
        return vector_wrong(place, sub, "field is not a string, or offset not a number of octets");
    }
    return true;
}

static bool read_findings(const struct vector_place *place, struct sequence *q) {
    const json_t *array = json_object_get(q->json, "findings");
    const size_t n = json_array_size(array);
    if (!json_is_array(array)) {
        return vector_wrong(place, "", "findings is missing or not a list");
    }
    q->findings = util_alloc((n + 1) * sizeof *q->findings);
    q->finding_count = n;
    for (size_t i = 0; i < n; i++) {
        char sub[32];
        snprintf(sub, sizeof sub, "findings/%zu", i);
        if (!read_finding(place, sub, json_array_get(array, i), q->steps, &q->findings[i])) {
            return false;
        }
    }
    return true;
}

static bool unique_labels(const struct vector_place *place, const json_t *steps) {
    for (size_t i = 0; i < json_array_size(steps); i++) {
        const json_t *label = json_object_get(json_array_get(steps, i), "label");
        if (label != NULL && find_step(steps, label) != i) {
            char sub[32];
            snprintf(sub, sizeof sub, "steps/%zu", i);
            return vector_wrong(place, sub, "label is no string, or one that stands earlier");
        }
    }
    return true;
}

// What needs the steps of all sequences.
static bool complete(const struct sequence_set *set, struct sequence *q, char **error) {
    const struct vector_place place = place_of(q, error);
    struct sequence_capture capture;
    char *why = NULL;
    if (!resolve(set, q, 0, error) || !unique_labels(&place, q->steps) ||
        !read_findings(&place, q)) {
        return false;
    }
    if (!sequence_make(q, &capture, &why)) {
        vector_wrong(&place, "", "%s%s", q->like != NULL ? "as edited: " : "", why);
        free(why);
        return false;
    }
    sequence_capture_free(&capture);
    return true;
}

// ---- files --------------------------------------------------------------------------------------

static bool read_id(const struct vector_place *place, const struct sequence_set *set,
                    struct sequence *q) {
    if (!vector_read_string(place, q->json, "id", &q->id)) {
        return false;
    }
    if (strncmp(q->id, "seq-", 4) != 0 || q->id[4] == '\0' ||
        strspn(q->id, "abcdefghijklmnopqrstuvwxyz0123456789-") != strlen(q->id)) {
        return vector_wrong(place, "id", "is not of the form seq-[a-z0-9-]+");
    }
    const struct sequence *other = sequence_find(set, q->id);
    return other == NULL || vector_wrong(place, "id", "%s is the id of an earlier sequence (%s)",
                                         q->id, other->file);
}

static bool read_frame(const struct vector_place *place, const struct sequence_set *set,
                       struct sequence *q) {
    static const char *const keys[] = {"id",         "comment",  "like",  "edits",
                                       "steps",      "findings", "flags", "requirements",
                                       "provenance", "complete", NULL};
    unsigned provenance = 0;
    if (!json_is_object(q->json)) {
        return vector_wrong(place, "", "is not an object");
    }
    if (!vector_known_keys(place, "", q->json, keys, NULL) || !read_id(place, set, q) ||
        !vector_read_string(place, q->json, "comment", &q->comment) ||
        !vector_read_words(place, q->json, "flags", "", &q->flags) ||
        !vector_read_words(place, q->json, "requirements", "CMRP-", &q->requirements) ||
        !vector_read_word(place, "", q->json, "provenance", vector_provenance_word,
                          VECTOR_PROVENANCES, &provenance)) {
        return false;
    }
    q->provenance = (enum vector_provenance)provenance;
    const json_t *whole = json_object_get(q->json, "complete");
    if (whole != NULL && !json_is_true(whole)) {
        return vector_wrong(place, "complete", "is not true");
    }
    q->complete = whole != NULL;
    return true;
}

static bool add_file(void *context, const char *path, char **error) {
    struct sequence_set *set = context;
    json_t *document = vector_read_document(path, error);
    if (document == NULL) {
        return false;
    }
    char *name = util_strdup(path);
    set->documents = grow_by_one(set->documents, set->file_count, sizeof *set->documents);
    set->files = grow_by_one(set->files, set->file_count, sizeof *set->files);
    set->documents[set->file_count] = document;
    set->files[set->file_count++] = name;
    const struct vector_place file = {name, VECTOR_WHOLE_FILE, error, JSON_TYPE_STUB, LIST};
    if (!vector_read_file(&file, document)) {
        return false;
    }
    const json_t *list = json_object_get(document, LIST);
    for (size_t i = 0; i < json_array_size(list); i++) {
        struct sequence q = {.file = name,
                             .source = json_string_value(json_object_get(document, "source")),
                             .index = i,
                             .json = json_array_get(list, i)};
        const struct vector_place place = place_of(&q, error);
        if (!read_frame(&place, set, &q)) {
            return false;
        }
        set->sequences = grow_by_one(set->sequences, set->count, sizeof *set->sequences);
        set->sequences[set->count++] = q;
    }
    return true;
}

bool sequence_set_load(const char *directory, struct sequence_set *set, char **error) {
    *set = (struct sequence_set){0};
    bool ok = vector_each_file(directory, "sequence", add_file, set, error);
    for (size_t i = 0; ok && i < set->count; i++) {
        ok = complete(set, &set->sequences[i], error);
    }
    if (!ok) {
        sequence_set_free(set);
    }
    return ok;
}
