// SPDX-License-Identifier: Apache-2.0
#include "suite/vector_read.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "suite/expand.h"

enum {
    POINTER = 256, // characters of a JSON pointer, the NUL included
};

bool vector_wrong(const struct vector_place *place, const char *sub, const char *format, ...) {
    struct buffer text = {0};
    char message[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    buffer_printf(&text, "%s: ", place->file);
    if (place->index != VECTOR_WHOLE_FILE) {
        buffer_printf(&text, "/%s/%zu%s%s: ", place->list != NULL ? place->list : "tests",
                      place->index, *sub != '\0' ? "/" : "", sub);
    }
    buffer_printf(&text, "%s", message);
    *place->error = util_strdup(buffer_text(&text));
    buffer_free(&text);
    return false;
}

// The pointer of a member: sub/key, or key where sub is empty.
static const char *below(char pointer[POINTER], const char *sub, const char *key) {
    const int n = snprintf(pointer, POINTER, "%s%s%s", sub, *sub != '\0' ? "/" : "", key);
    return n < 0 ? key : pointer; // what is too long is cut
}

// ---- members ------------------------------------------------------------------------------------

const char *vector_unknown_key(const json_t *object, const char *const *keys,
                               const char *const *more) {
    const char *key;
    json_t *member;
    json_object_foreach((json_t *)object, key, member) {
        bool known = false;
        for (size_t i = 0; keys[i] != NULL; i++) {
            known = known || strcmp(keys[i], key) == 0;
        }
        for (size_t i = 0; more != NULL && more[i] != NULL; i++) {
            known = known || strcmp(more[i], key) == 0;
        }
        if (!known) {
            return key;
        }
    }
    return NULL;
}

bool vector_known_keys(const struct vector_place *place, const char *sub, const json_t *object,
                       const char *const *keys, const char *const *more) {
    const char *key = vector_unknown_key(object, keys, more);
    return key == NULL || vector_wrong(place, sub, "unknown key \"%.60s\"", key);
}

bool vector_read_string(const struct vector_place *place, const json_t *object, const char *key,
                        const char **out) {
    const json_t *member = json_object_get(object, key);
    if (member == NULL) {
        return vector_wrong(place, "", "%s is missing", key);
    }
    if (!json_is_string(member) || json_string_length(member) == 0 ||
        strlen(json_string_value(member)) != json_string_length(member)) {
        return vector_wrong(place, key, "is not a string, is empty, or holds a NUL");
    }
    *out = json_string_value(member);
    return true;
}

bool vector_read_word(const struct vector_place *place, const char *sub, const json_t *object,
                      const char *key, const char *(*name)(unsigned), unsigned count,
                      unsigned *value) {
    const char *text = json_string_value(json_object_get(object, key));
    char pointer[POINTER];
    if (json_object_get(object, key) == NULL) {
        return vector_wrong(place, sub, "%s is missing", key);
    }
    for (unsigned i = 0; text != NULL && i < count; i++) {
        if (strcmp(name(i), text) == 0) {
            *value = i;
            return true;
        }
    }
    struct buffer words = {0};
    for (unsigned i = 0; i < count; i++) {
        buffer_printf(&words, "%s%s", i > 0 ? ", " : "", name(i));
    }
    vector_wrong(place, below(pointer, sub, key), "is none of %s", buffer_text(&words));
    buffer_free(&words);
    return false;
}

static const char *result_word(unsigned i) {
    return vector_result_name((enum vector_result)i);
}

const char *vector_provenance_word(unsigned i) {
    return vector_provenance_name((enum vector_provenance)i);
}

static bool read_offset(const struct vector_place *place, const char *sub, const json_t *object,
                        uint64_t *out) {
    const json_t *member = json_object_get(object, "offset");
    if (!json_is_integer(member) || json_integer_value(member) < 0) {
        return vector_wrong(place, sub, "offset is missing or not a number of octets");
    }
    *out = (uint64_t)json_integer_value(member);
    return true;
}

// A code that the library knows; "value" is one of them.
static bool known_code(const char *code) {
#define KNOWN(name, number, id, message)                                                           \
    if (strcmp(code, (id)) == 0) {                                                                 \
        return true;                                                                               \
    }
    CMRP_CODES(KNOWN)
#undef KNOWN
    return false;
}

static bool read_code(const struct vector_place *place, const char *sub, const json_t *object,
                      const char **out) {
    const char *code = json_string_value(json_object_get(object, "code"));
    if (code == NULL || !known_code(code)) {
        return vector_wrong(place, sub, "code is missing or unknown");
    }
    *out = code;
    return true;
}

bool vector_read_words(const struct vector_place *place, const json_t *object, const char *key,
                       const char *prefix, const json_t **out) {
    const json_t *array = json_object_get(object, key);
    *out = array;
    if (array != NULL && json_array_size(array) == 0) {
        return vector_wrong(place, key, "is not a list of at least one string");
    }
    for (size_t i = 0; i < json_array_size(array); i++) {
        const char *word = json_string_value(json_array_get(array, i));
        char sub[64];
        snprintf(sub, sizeof sub, "%s/%zu", key, i);
        if (word == NULL || strncmp(word, prefix, strlen(prefix)) != 0 ||
            word[strlen(prefix)] == '\0') {
            return vector_wrong(place, sub, "is not a string of the form %s…", prefix);
        }
        for (size_t j = 0; j < i; j++) {
            if (strcmp(json_string_value(json_array_get(array, j)), word) == 0) {
                return vector_wrong(place, sub, "%s stands here twice", word);
            }
        }
    }
    return true;
}

// ---- outcomes -----------------------------------------------------------------------------------

static bool read_warning(const struct vector_place *place, const char *sub, const json_t *object,
                         struct vector_warning *w) {
    static const char *const keys[] = {"code", "offset", "field", NULL};
    if (!json_is_object(object)) {
        return vector_wrong(place, sub, "is not an object");
    }
    w->field = json_string_value(json_object_get(object, "field"));
    if (w->field == NULL) {
        return vector_wrong(place, sub, "field is missing or not a string");
    }
    return vector_known_keys(place, sub, object, keys, NULL) &&
           read_code(place, sub, object, &w->code) && read_offset(place, sub, object, &w->offset);
}

static bool read_warnings(const struct vector_place *place, const char *sub, const json_t *object,
                          struct vector_outcome *out) {
    const json_t *array = json_object_get(object, "warnings");
    const size_t n = json_array_size(array);
    if (array != NULL && n == 0) {
        return vector_wrong(place, sub, "warnings is not a list of at least one warning");
    }
    if (n > 0 && out->result == VECTOR_INVALID) {
        return vector_wrong(place, sub, "warnings beside an error");
    }
    out->warnings = util_alloc(n * sizeof *out->warnings + 1);
    out->warning_count = n;
    for (size_t i = 0; i < n; i++) {
        char key[32];
        char pointer[POINTER];
        snprintf(key, sizeof key, "warnings/%zu", i);
        if (!read_warning(place, below(pointer, sub, key), json_array_get(array, i),
                          &out->warnings[i])) {
            return false;
        }
    }
    return true;
}

static bool read_error(const struct vector_place *place, const char *sub, const json_t *object,
                       bool with_offset, struct vector_outcome *out) {
    static const char *const keys[] = {"code", "offset", NULL};
    static const char *const code_only[] = {"code", NULL};
    char pointer[POINTER];
    below(pointer, sub, "error");
    const json_t *error = json_object_get(object, "error");
    if (error == NULL) {
        return vector_wrong(place, sub, "error is missing");
    }
    if (!json_is_object(error)) {
        return vector_wrong(place, pointer, "is not an object");
    }
    return vector_known_keys(place, pointer, error, with_offset ? keys : code_only, NULL) &&
           read_code(place, pointer, error, &out->code) &&
           (!with_offset || read_offset(place, pointer, error, &out->offset));
}

static bool read_value(const struct vector_place *place, const char *sub, const json_t *object,
                       struct vector_outcome *out) {
    const json_t *value = json_object_get(object, "value");
    struct expand_failure failure;
    char key[POINTER];
    char pointer[POINTER];
    if (value == NULL) {
        return vector_wrong(place, sub, "value is missing");
    }
    out->value = expand_value(place->type, value, &failure);
    if (out->value == NULL) {
        snprintf(key, sizeof key, "value%s", failure.pointer);
        return vector_wrong(place, below(pointer, sub, key), "%s", failure.message);
    }
    return true;
}

// An outcome of decoding: value and warnings, or error.
static bool read_outcome(const struct vector_place *place, const char *sub, const json_t *object,
                         struct vector_outcome *out) {
    unsigned result = 0;
    if (!vector_read_word(place, sub, object, "result", result_word, VECTOR_RESULTS, &result)) {
        return false;
    }
    out->result = (enum vector_result)result;
    const bool invalid = out->result == VECTOR_INVALID;
    const char *excess = invalid ? "value" : "error";
    if (json_object_get(object, excess) != NULL) {
        return vector_wrong(place, sub, "%s beside result %s", excess,
                            vector_result_name(out->result));
    }
    if (!read_warnings(place, sub, object, out)) {
        return false;
    }
    if (invalid) {
        return read_error(place, sub, object, true, out);
    }
    if (!json_is_object(json_object_get(object, "value"))) {
        return vector_wrong(place, sub, "value is missing or not an object");
    }
    return read_value(place, sub, object, out);
}

static bool read_lenient(const struct vector_place *place, struct vector *v) {
    static const char *const keys[] = {"result", "value", "error", "warnings", NULL};
    const json_t *lenient = json_object_get(v->json, "lenient");
    if (lenient == NULL) {
        return true;
    }
    if (!json_is_object(lenient)) {
        return vector_wrong(place, "lenient", "is not an object");
    }
    if (v->strict.result != VECTOR_INVALID) {
        return vector_wrong(place, "lenient", "stands beside result %s, which it cannot change",
                            vector_result_name(v->strict.result));
    }
    v->has_lenient = true;
    if (!vector_known_keys(place, "lenient", lenient, keys, NULL) ||
        !read_outcome(place, "lenient", lenient, &v->lenient)) {
        return false;
    }
    return v->lenient.result != VECTOR_VALID ||
           vector_wrong(place, "lenient/result", "valid cannot be a lenient result");
}

// A vector without octets: encoding the value must be refused.
static bool read_refusal(const struct vector_place *place, struct vector *v) {
    static const char *const excess[] = {"warnings", "lenient"};
    for (size_t i = 0; i < sizeof excess / sizeof *excess; i++) {
        if (json_object_get(v->json, excess[i]) != NULL) {
            return vector_wrong(place, excess[i], "stands in a vector without hex");
        }
    }
    const char *result = json_string_value(json_object_get(v->json, "result"));
    if (result == NULL || strcmp(result, vector_result_name(VECTOR_INVALID)) != 0) {
        return vector_wrong(place, "result", "is not invalid in a vector without hex");
    }
    v->strict.result = VECTOR_INVALID;
    return read_value(place, "", v->json, &v->strict) &&
           read_error(place, "", v->json, false, &v->strict);
}

// ---- tests --------------------------------------------------------------------------------------

static bool read_id(const struct vector_place *place, struct vector *v) {
    const char *layer = json_type_name(v->how.type);
    const size_t n = strlen(layer);
    if (!vector_read_string(place, v->json, "id", &v->id)) {
        return false;
    }
    if (strncmp(v->id, layer, n) != 0 || v->id[n] != '-' || v->id[n + 1] == '\0' ||
        strspn(v->id, "abcdefghijklmnopqrstuvwxyz0123456789-") != strlen(v->id)) {
        return vector_wrong(place, "id", "is not of the form %s-[a-z0-9-]+", layer);
    }
    return true;
}

static bool read_selectors(const struct vector_place *place, struct vector *v) {
    static const char *const stub[] = {"method", "opnum", "direction"};
    const char *type = json_string_value(json_object_get(v->json, "type"));
    if (type == NULL || strcmp(type, json_type_name(v->how.type)) != 0) {
        return vector_wrong(place, "type", "is not %s, as the folder says",
                            json_type_name(v->how.type));
    }
    for (size_t i = 0; v->how.type == JSON_TYPE_STUB && i < sizeof stub / sizeof *stub; i++) {
        if (json_object_get(v->json, stub[i]) == NULL) {
            return vector_wrong(place, "", "%s is missing", stub[i]);
        }
    }
    char *why = NULL;
    if (!json_selector_read(v->json, &v->how, &why)) {
        vector_wrong(place, "", "%s", why);
        free(why);
        return false;
    }
    return true;
}

static bool read_octets(const struct vector_place *place, struct vector *v) {
    struct expand_failure failure;
    char pointer[POINTER];
    v->has_octets = true;
    if (!expand_octets(json_object_get(v->json, "hex"), &v->octets, &failure)) {
        snprintf(pointer, sizeof pointer, "hex%s", failure.pointer);
        return vector_wrong(place, pointer, "%s", failure.message);
    }
    return read_outcome(place, "", v->json, &v->strict) && read_lenient(place, v);
}

static bool read_test_keys(const struct vector_place *place, const struct vector *v) {
    static const char *const all[] = {"id",    "comment",      "type",       "hex",
                                      "value", "result",       "error",      "warnings",
                                      "flags", "requirements", "provenance", NULL};
    static const char *const batch[] = {"lenient", NULL};
    static const char *const change[] = {"set", NULL};
    static const char *const stub[] = {"method", "opnum", "direction", "interface",
                                       "syntax", "drep",  NULL};
    static const char *const payload[] = {"object_type", "flag", NULL};
    static const char *const tower[] = {"direction", "syntax", "drep", NULL};
    static const char *const *const own[JSON_TYPES] = {
        [JSON_TYPE_BATCH] = batch,     [JSON_TYPE_CHANGE] = change, [JSON_TYPE_STUB] = stub,
        [JSON_TYPE_PAYLOAD] = payload, [JSON_TYPE_TOWER] = tower,
    };
    const char *const *more = own[v->how.type];
    return vector_known_keys(place, "", v->json, all, more);
}

bool vector_read(const struct vector_place *place, struct vector *v) {
    unsigned provenance = 0;
    if (!json_is_object(v->json)) {
        return vector_wrong(place, "", "is not an object");
    }
    if (!read_test_keys(place, v) || !read_id(place, v) ||
        !vector_read_string(place, v->json, "comment", &v->comment) || !read_selectors(place, v) ||
        !vector_read_words(place, v->json, "flags", "", &v->flags) ||
        !vector_read_words(place, v->json, "requirements", "CMRP-", &v->requirements) ||
        !vector_read_word(place, "", v->json, "provenance", vector_provenance_word,
                          VECTOR_PROVENANCES, &provenance)) {
        return false;
    }
    v->provenance = (enum vector_provenance)provenance;
    return json_object_get(v->json, "hex") != NULL ? read_octets(place, v) : read_refusal(place, v);
}

bool vector_read_file(const struct vector_place *place, const json_t *document) {
    const char *list = place->list != NULL ? place->list : "tests";
    const char *const keys[] = {"source", list, NULL};
    if (!json_is_object(document)) {
        return vector_wrong(place, "", "is not an object");
    }
    if (!vector_known_keys(place, "", document, keys, NULL)) {
        return false;
    }
    if (json_string_length(json_object_get(document, "source")) == 0) {
        return vector_wrong(place, "", "source is missing or not a string");
    }
    if (json_array_size(json_object_get(document, list)) == 0) {
        return vector_wrong(place, "", "%s is missing or not a list of at least one", list);
    }
    return true;
}
