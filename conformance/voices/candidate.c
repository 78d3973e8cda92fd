// SPDX-License-Identifier: Apache-2.0
#include "voices/candidate.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/file.h"
#include "util/hex.h"
#include "util/text.h"

enum {
    SHOWN = 80,               // octets of an answer in a comment
    FILE_OCTETS = 512 * 1024, // of one file, more or less
};

static void set(json_t *object, const char *key, json_t *value) {
    json_object_set_new(object, key, value);
}

char *candidate_id(const struct suite_case *c) {
    const char *layer = json_type_name(c->vector->how.type);
    const char *rest = c->vector->id;
    const size_t n = strlen(layer);
    if (strncmp(rest, layer, n) == 0 && rest[n] == '-') {
        rest += n + 1;
    }
    return util_format("%s-split-%s", layer, rest);
}

// ---- what our codec says ------------------------------------------------------------------------

// Whether a key is one that only decoding adds.
static bool is_added(const char *key, bool stub) {
    const size_t n = strlen(key);
    return (stub && n > 6 && strcmp(key + n - 6, "_names") == 0) ||
           (stub && n > 8 && strcmp(key + n - 8, "_payload") == 0) ||
           strcmp(key, "warnings") == 0 || strcmp(key, "offset") == 0;
}

static void strip(json_t *value, bool stub) {
    size_t i;
    const char *key;
    json_t *member;
    void *next;
    json_object_foreach_safe(value, next, key, member) {
        if (is_added(key, stub)) {
            json_object_del(value, key);
        } else {
            strip(member, stub);
        }
    }
    json_array_foreach(value, i, member) {
        strip(member, stub);
    }
}

// A decoded value in the form of vector files.
static json_t *form_of(const struct json_selector *how, const json_t *value) {
    json_t *form = json_deep_copy(value);
    if (how->type == JSON_TYPE_STUB) {
        json_t *params = json_incref(json_object_get(form, "params"));
        json_decref(form);
        form = json_object();
        set(form, "params", params);
    }
    if (how->type == JSON_TYPE_PAYLOAD) {
        json_object_del(form, "object_type");
        json_object_del(form, "flag");
    }
    strip(form, how->type == JSON_TYPE_STUB);
    return form;
}

static json_t *warnings_of(const json_t *value) {
    static const char *const keys[] = {"code", "offset", "field"};
    json_t *list = json_array();
    size_t i;
    json_t *warning;
    json_array_foreach(json_object_get(value, "warnings"), i, warning) {
        json_t *short_form = json_object();
        for (size_t k = 0; k < sizeof keys / sizeof *keys; k++) {
            json_object_set(short_form, keys[k], json_object_get(warning, keys[k]));
        }
        json_array_append_new(list, short_form);
    }
    return list;
}

// Adds result, and value with warnings or error, of decoding octets.
static void set_outcome(json_t *test, const struct json_selector *how, cmrp_view octets) {
    cmrp_error error = {0};
    json_t *value = json_decode(how, octets, 0, &error);
    if (value == NULL) {
        json_t *wrong = json_object();
        set(wrong, "code", json_string(cmrp_code_id(error.code)));
        set(wrong, "offset", json_integer((json_int_t)error.offset));
        set(test, "result", json_string("invalid"));
        set(test, "error", wrong);
        return;
    }
    json_t *warnings = warnings_of(value);
    const bool clean = json_array_size(warnings) == 0;
    set(test, "value", form_of(how, value));
    set(test, "result", json_string(clean ? "valid" : "acceptable"));
    if (!clean) {
        json_object_set(test, "warnings", warnings);
    }
    json_decref(warnings);
    json_decref(value);
}

// Of a batch that is refused: what lenient decoding makes of it, where that is not the same error.
static void set_lenient(json_t *test, const struct vector *v) {
    struct json_selector how = v->how;
    json_t *lenient = json_object();
    how.batch_flags = CMRP_BATCH_LENIENT;
    set_outcome(lenient, &how, buffer_view(&v->octets));
    json_t *value = json_object_get(lenient, "value");
    const bool same = value == NULL &&
                      json_equal(json_object_get(lenient, "error"), json_object_get(test, "error"));
    if (value != NULL) {
        set(lenient, "result", json_string("acceptable"));
    }
    if (!same) {
        // Key order: result, value, error, warnings.
        json_t *ordered = json_object();
        static const char *const keys[] = {"result", "value", "error", "warnings"};
        for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
            json_t *member = json_object_get(lenient, keys[i]);
            if (member != NULL) {
                json_object_set(ordered, keys[i], member);
            }
        }
        set(test, "lenient", ordered);
    }
    json_decref(lenient);
}

// ---- a vector -----------------------------------------------------------------------------------

// "Split: ours, a: value; b: error (…)."
static char *comment_of(const struct splits_report *r, size_t at) {
    const struct split *s = &r->splits->all[at];
    struct buffer text = {0};
    buffer_printf(&text, "Split over %s (%s):", s->question->id, s->question->vector->comment);
    for (size_t i = 0; i < s->opinion_count; i++) {
        const struct opinion *o = &s->opinions[i];
        const struct voice_answer *a = &r->voices[o->voices[0]].answers[at];
        buffer_printf(&text, "%s", i > 0 ? ";" : "");
        for (size_t k = 0; k < o->voice_count; k++) {
            const char *name = r->voices[o->voices[k]].name;
            buffer_printf(&text, "%s %s", k > 0 ? "," : "", name != NULL ? name : "?");
        }
        buffer_printf(&text, ": %s ", voice_kind_word(a->kind));
        text_escape(&text, a->text, strlen(a->text) < SHOWN ? strlen(a->text) : SHOWN);
        buffer_printf(&text, "%s", strlen(a->text) > SHOWN ? "…" : "");
    }
    buffer_printf(&text, ".");
    // An escape may have cut a character of several octets in two; what is left is shown as \xNN.
    char *copy = util_strdup(buffer_text(&text));
    buffer_free(&text);
    return copy;
}

// A vector of a file says itself what it expects; only its words about itself are new.
static json_t *from_file(const struct vector *v, const char *id, const char *comment) {
    json_t *test = json_object();
    const char *key;
    json_t *member;
    set(test, "id", json_string(id));
    set(test, "comment", json_string(comment));
    json_object_foreach((json_t *)(uintptr_t)v->json, key, member) {
        if (strcmp(key, "id") != 0 && strcmp(key, "comment") != 0 && strcmp(key, "flags") != 0 &&
            strcmp(key, "provenance") != 0) {
            json_object_set(test, key, member);
        }
    }
    set(test, "provenance", json_string("generated"));
    return test;
}

// Selectors in the order of vector files.
static void set_selectors(json_t *test, const struct json_selector *how) {
    static const char *const keys[] = {"type",      "set",    "method", "opnum",       "direction",
                                       "interface", "syntax", "drep",   "object_type", "flag"};
    json_t *selectors = json_object();
    json_selector_write(how, true, selectors);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        json_t *member = json_object_get(selectors, keys[i]);
        if (member != NULL) {
            json_object_set(test, keys[i], member);
        }
    }
    json_decref(selectors);
}

static json_t *from_octets(const struct vector *v, const char *id, const char *comment) {
    json_t *test = json_object();
    char *digits = hex_text(buffer_view(&v->octets));
    json_t *outcome = json_object();
    static const char *const keys[] = {"value", "result", "error", "warnings", "lenient"};
    set(test, "id", json_string(id));
    set(test, "comment", json_string(comment));
    set_selectors(test, &v->how);
    set(test, "hex", json_string(digits));
    set_outcome(outcome, &v->how, buffer_view(&v->octets));
    if (v->how.type == JSON_TYPE_BATCH && json_object_get(outcome, "error") != NULL) {
        set_lenient(outcome, v);
    }
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        json_t *member = json_object_get(outcome, keys[i]);
        if (member != NULL) {
            json_object_set(test, keys[i], member);
        }
    }
    set(test, "provenance", json_string("generated"));
    json_decref(outcome);
    free(digits);
    return test;
}

static json_t *vector_of(const struct splits_report *r, size_t at) {
    const struct suite_case *c = r->splits->all[at].question;
    char *id = candidate_id(c);
    char *comment = comment_of(r, at);
    json_t *test = question_has_expectation(c) ? from_file(c->vector, id, comment)
                                               : from_octets(c->vector, id, comment);
    free(id);
    free(comment);
    return test;
}

// ---- files --------------------------------------------------------------------------------------

static bool is_candidate(const struct split *s) {
    return s->agreement == AGREEMENT_SPLIT || s->agreement == AGREEMENT_EXCUSED;
}

// Decoding and encoding of one vector stand behind each other, and give one candidate.
static json_t *tests_of(const struct splits_report *r, enum json_type type) {
    json_t *tests = json_array();
    const struct vector *last = NULL;
    for (size_t i = 0; i < r->splits->count; i++) {
        const struct split *s = &r->splits->all[i];
        const struct vector *v = s->question->vector;
        if (v->how.type == type && is_candidate(s) && v != last) {
            json_array_append_new(tests, vector_of(r, i));
            last = v;
        }
    }
    return tests;
}

static bool make_folder(const char *path, char **error) {
    if (mkdir(path, 0777) != 0 && errno != EEXIST) {
        *error = util_format("%s: %s", path, strerror(errno));
        return false;
    }
    return true;
}

static char *file_of(const char *folder, size_t number) {
    return number == 1 ? util_format("%s/splits.json", folder)
                       : util_format("%s/splits-%zu.json", folder, number);
}

static bool write_file(const char *path, json_t *tests, char **error) {
    json_t *document = json_object();
    struct buffer out = {0};
    set(document, "source", json_string("Answers of implementations that differ, to be judged"));
    json_object_set(document, "tests", tests);
    char *text = json_dumps(document, JSON_INDENT(1));
    buffer_printf(&out, "%s\n", text);
    const bool ok = file_write(path, buffer_view(&out), error);
    buffer_free(&out);
    free(text);
    json_decref(document);
    return ok;
}

// Files of a bounded size; *number receives that of the last.
static bool write_layer(const char *folder, const json_t *tests, size_t *number, char **error) {
    json_t *some = json_array();
    bool ok = make_folder(folder, error);
    size_t size = 0;
    size_t i;
    json_t *test;
    json_array_foreach(tests, i, test) {
        const size_t more = json_dumpb(test, NULL, 0, JSON_INDENT(1));
        if (ok && size > 0 && size + more > FILE_OCTETS) {
            char *path = file_of(folder, ++*number);
            ok = write_file(path, some, error);
            json_array_clear(some);
            size = 0;
            free(path);
        }
        json_array_append(some, test);
        size += more;
    }
    if (ok) {
        char *path = file_of(folder, ++*number);
        ok = write_file(path, some, error);
        free(path);
    }
    json_decref(some);
    return ok;
}

// Files of an earlier run, from this number on.
static bool remove_old(const char *folder, size_t number, char **error) {
    bool ok = true;
    bool more = true;
    while (ok && more) {
        char *path = file_of(folder, number++);
        more = unlink(path) == 0;
        ok = more || errno == ENOENT || errno == ENOTDIR;
        if (!ok) {
            *error = util_format("%s: %s", path, strerror(errno));
        }
        free(path);
    }
    return ok;
}

// Whether a folder holds nothing but what was written here before.
static bool is_ours(const char *directory, char **error) {
    DIR *folder = opendir(directory);
    const struct dirent *entry;
    enum json_type type;
    bool ours = folder != NULL;
    if (!ours) {
        *error = util_format("%s: %s", directory, strerror(errno));
    }
    while (ours && (entry = readdir(folder)) != NULL) {
        ours = entry->d_name[0] == '.' || json_type_named(entry->d_name, &type);
        if (!ours) {
            *error = util_format("%s: the folder must be new, empty, or one of splits: it holds %s",
                                 directory, entry->d_name);
        }
    }
    if (folder != NULL) {
        closedir(folder);
    }
    return ours;
}

bool candidates_write(const struct splits_report *r, const char *directory, size_t *written,
                      char **error) {
    bool ok = make_folder(directory, error) && is_ours(directory, error);
    *written = 0;
    for (int type = 0; ok && type < JSON_TYPES; type++) {
        char *folder = util_format("%s/%s", directory, json_type_name((enum json_type)type));
        json_t *tests = tests_of(r, (enum json_type)type);
        size_t files = 0;
        if (json_array_size(tests) > 0) {
            ok = write_layer(folder, tests, &files, error);
            *written += json_array_size(tests);
        }
        ok = ok && remove_old(folder, files + 1, error);
        json_decref(tests);
        free(folder);
    }
    return ok;
}
