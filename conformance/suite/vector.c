// SPDX-License-Identifier: Apache-2.0
#include "suite/vector.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "suite/grow.h"
#include "suite/vector_read.h"
#include "util/file.h"

static const char *const result_names[VECTOR_RESULTS] = {"valid", "invalid", "acceptable"};
static const char *const provenance_names[VECTOR_PROVENANCES] = {"wire", "spec", "generated"};

const char *vector_result_name(enum vector_result result) {
    return result_names[result];
}

const char *vector_provenance_name(enum vector_provenance provenance) {
    return provenance_names[provenance];
}

const struct vector *vector_find(const struct vector_set *set, const char *id) {
    for (size_t i = 0; i < set->count; i++) {
        if (strcmp(set->vectors[i].id, id) == 0) {
            return &set->vectors[i];
        }
    }
    return NULL;
}

bool vector_words_hold(const json_t *words, const char *word) {
    size_t i;
    json_t *element;
    json_array_foreach(words, i, element) {
        if (strcmp(json_string_value(element), word) == 0) {
            return true;
        }
    }
    return false;
}

bool vector_flagged(const struct vector *vector, const char *flag) {
    return vector_words_hold(vector->flags, flag);
}

bool vector_cites(const struct vector *vector, const char *requirement) {
    return vector_words_hold(vector->requirements, requirement);
}

static void outcome_free(struct vector_outcome *outcome) {
    json_decref(outcome->value);
    free(outcome->warnings);
}

static void vector_free(struct vector *vector) {
    outcome_free(&vector->strict);
    outcome_free(&vector->lenient);
    buffer_free(&vector->octets);
}

void vector_set_free(struct vector_set *set) {
    for (size_t i = 0; i < set->count; i++) {
        vector_free(&set->vectors[i]);
    }
    for (size_t i = 0; i < set->file_count; i++) {
        json_decref(set->documents[i]);
        free(set->files[i]);
    }
    free(set->vectors);
    free(set->documents);
    free(set->files);
    *set = (struct vector_set){0};
}

// ---- one file -----------------------------------------------------------------------------------

json_t *vector_read_document(const char *path, char **error) {
    struct buffer text = {0};
    json_t *document = NULL;
    if (file_read_plain(path, FILE_LIMIT, &text, error)) {
        char *why = NULL;
        document = json_parse((const char *)text.data, text.size, &why);
        if (document == NULL) {
            *error = util_format("%s: %s", path, why);
            free(why);
        }
    }
    buffer_free(&text);
    return document;
}

static bool fill_vectors(struct vector_set *set, const struct vector_place *file,
                         const json_t *tests, const char *source) {
    const size_t before = set->count;
    size_t i;
    json_t *test;
    json_array_foreach(tests, i, test) {
        struct vector v = {.file = file->file, .source = source, .index = i, .json = test};
        const struct vector_place place = {file->file, i, file->error, file->type, NULL};
        v.how.type = file->type;
        bool ok = vector_read(&place, &v);
        if (ok && vector_find(set, v.id) != NULL) {
            ok = vector_wrong(&place, "id", "%s is the id of an earlier vector (%s)", v.id,
                              vector_find(set, v.id)->file);
        }
        if (!ok) {
            vector_free(&v);
            while (set->count > before) {
                vector_free(&set->vectors[--set->count]);
            }
            return false;
        }
        set->vectors = grow_by_one(set->vectors, set->count, sizeof *set->vectors);
        set->vectors[set->count++] = v;
    }
    return true;
}

bool vector_set_add_file(struct vector_set *set, const char *path, enum json_type type,
                         char **error) {
    json_t *document = vector_read_document(path, error);
    if (document == NULL) {
        return false;
    }
    char *name = util_strdup(path);
    const struct vector_place place = {name, VECTOR_WHOLE_FILE, error, type, NULL};
    if (!vector_read_file(&place, document) ||
        !fill_vectors(set, &place, json_object_get(document, "tests"),
                      json_string_value(json_object_get(document, "source")))) {
        json_decref(document);
        free(name);
        return false;
    }
    set->documents = grow_by_one(set->documents, set->file_count, sizeof *set->documents);
    set->files = grow_by_one(set->files, set->file_count, sizeof *set->files);
    set->documents[set->file_count] = document;
    set->files[set->file_count++] = name;
    return true;
}

// ---- directories --------------------------------------------------------------------------------

static int is_json(const struct dirent *entry) {
    const size_t n = strlen(entry->d_name);
    return entry->d_name[0] != '.' && n > 5 && strcmp(entry->d_name + n - 5, ".json") == 0;
}

// Bytewise, so that the order is the same in every locale.
static int by_name(const struct dirent **a, const struct dirent **b) {
    return strcmp((*a)->d_name, (*b)->d_name);
}

bool vector_each_file(const char *directory, const char *layer,
                      bool (*one)(void *context, const char *path, char **error), void *context,
                      char **error) {
    char *folder = util_format("%s/%s", directory, layer);
    struct dirent **entries = NULL;
    const int n = scandir(folder, &entries, is_json, by_name);
    bool ok = n >= 0 || errno == ENOENT;
    if (!ok) {
        *error = util_format("%s: %s", folder, strerror(errno));
    }
    for (int i = 0; i < n; i++) {
        char *path = util_format("%s/%s", folder, entries[i]->d_name);
        ok = ok && one(context, path, error);
        free(path);
        free(entries[i]);
    }
    free(entries);
    free(folder);
    return ok;
}

struct layer {
    struct vector_set *set;
    enum json_type type;
};

static bool add_file(void *context, const char *path, char **error) {
    const struct layer *layer = context;
    return vector_set_add_file(layer->set, path, layer->type, error);
}

bool vector_set_load(const char *directory, struct vector_set *set, char **error) {
    *set = (struct vector_set){0};
    bool ok = true;
    for (int type = 0; ok && type < JSON_TYPES; type++) {
        struct layer layer = {set, (enum json_type)type};
        ok = vector_each_file(directory, json_type_name(layer.type), add_file, &layer, error);
    }
    if (ok && set->count == 0) {
        *error =
            util_format("%s: no vectors (DIR/batch/*.json, DIR/change/*.json, "
                        "DIR/stub/*.json, DIR/pdu/*.json, DIR/payload/*.json, DIR/tower/*.json)",
                        directory);
        ok = false;
    }
    if (!ok) {
        vector_set_free(set);
    }
    return ok;
}
