// SPDX-License-Identifier: Apache-2.0
// Which rules the sequences of vectors/sequence must break.
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/parts.h"
#include "suite/grow.h"

static int by_name(const struct dirent **a, const struct dirent **b) {
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_json(const struct dirent *entry) {
    const size_t n = strlen(entry->d_name);
    return n > 5 && strcmp(entry->d_name + n - 5, ".json") == 0;
}

// The names of the rules in the findings that a sequence must have; a new array.
static json_t *rules_broken_by(const json_t *sequence) {
    json_t *names = json_array();
    const json_t *finding;
    size_t i;
    json_array_foreach(json_object_get(sequence, "findings"), i, finding) {
        json_t *rule = json_object_get(finding, "rule");
        if (json_is_string(rule)) {
            json_array_append(names, rule);
        }
    }
    return names;
}

static bool take_sequences(struct ledger *ledger, json_t *document, const char *name) {
    json_t *sequence;
    size_t i;
    json_t *file = json_sprintf("sequence/%s", name);
    json_object_set_new(document, "file", file);
    json_array_foreach(json_object_get(document, "sequences"), i, sequence) {
        const char *id = json_string_value(json_object_get(sequence, "id"));
        const char *comment = json_string_value(json_object_get(sequence, "comment"));
        if (id == NULL || comment == NULL) {
            return false;
        }
        json_t *breaks = rules_broken_by(sequence);
        json_object_set_new(sequence, "breaks", breaks);
        ledger->sequences =
            grow_by_one(ledger->sequences, ledger->sequence_count, sizeof *ledger->sequences);
        ledger->sequences[ledger->sequence_count++] =
            (struct ledger_sequence){.id = id,
                                     .comment = comment,
                                     .file = json_string_value(file),
                                     .json = sequence,
                                     .breaks = breaks};
    }
    return true;
}

static bool read_file(struct ledger *ledger, const char *folder, const char *name, char **error) {
    char *path = util_format("%s/%s", folder, name);
    json_error_t why;
    json_t *document = json_load_file(path, JSON_REJECT_DUPLICATES, &why);
    bool ok = document != NULL;
    if (!ok) {
        *error = util_format("%s: line %d: %s", path, why.line, why.text);
    } else {
        json_array_append_new(ledger->documents, document);
        ok = json_is_array(json_object_get(document, "sequences"));
        const bool whole = ok && take_sequences(ledger, document, name);
        if (!whole) {
            *error = util_format("%s: %s", path,
                                 ok ? "a sequence has no id or no comment" : "no sequences");
        }
        ok = whole;
    }
    free(path);
    return ok;
}

bool sequences_read(struct ledger *ledger, const char *directory, char **error) {
    struct dirent **names = NULL;
    char *folder = util_format("%s/sequence", directory);
    const int count = scandir(folder, &names, is_json, by_name);
    bool ok = count >= 0 || errno == ENOENT;
    if (!ok) {
        *error = util_format("%s: %s", folder, strerror(errno));
    }
    ledger->documents = json_array();
    for (int i = 0; i < count; i++) {
        ok = ok && read_file(ledger, folder, names[i]->d_name, error);
        free(names[i]);
    }
    free(names);
    free(folder);
    return ok;
}

bool ledger_breaks(const struct ledger_sequence *sequence, const char *rule) {
    json_t *name;
    size_t i;
    json_array_foreach((json_t *)sequence->breaks, i, name) {
        if (strcmp(json_string_value(name), rule) == 0) {
            return true;
        }
    }
    return false;
}

const struct ledger_sequence *ledger_next_break(const struct ledger *ledger, const char *rule,
                                                size_t *at) {
    while (*at < ledger->sequence_count) {
        const struct ledger_sequence *s = &ledger->sequences[(*at)++];
        if (ledger_breaks(s, rule)) {
            return s;
        }
    }
    return NULL;
}
