// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "capture/excerpt.h"
#include "report/artifacts.h"
#include "report/html_finding.h"
#include "report/json_parts.h"
#include "report/judgement_parts.h"
#include "report/words.h"
#include "show/show.h"
#include "util/hex.h"

enum {
    EXCERPT = 16 << 20, // octets of a connection that are kept
    BEHIND = 32,        // packets behind the end of the call
};

struct keeping {
    struct artifacts *a;
    const struct judgement *j;
    const struct judge_case *c;
    const struct judge_finding *first; // of its findings
    size_t kept;
    const char *path; // of the capture
    char **error;
    bool ok;
};

static void keep(struct keeping *k, const char *name, cmrp_view content) {
    k->ok = k->ok && artifacts_file(k->a, name, content, k->error);
}

static void keep_json(struct keeping *k, const char *name, json_t *value) {
    char *text = json_dumps(value, JSON_INDENT(2));
    if (text != NULL) {
        keep(k, name, (cmrp_view){(const uint8_t *)text, strlen(text)});
    }
    free(text);
    json_decref(value);
}

static void keep_findings(struct keeping *k) {
    json_t *array = json_array();
    for (size_t i = 0; i < k->kept; i++) {
        json_array_append_new(array, judgement_finding_json(k->j, &k->first[i]));
    }
    keep_json(k, "findings.json", array);
}

// The octets around what is wrong, and what they say where all of them are there.
static void keep_octets(struct keeping *k) {
    const struct judge_finding *f = k->first;
    const struct show_options options = {.verbose = true};
    struct json_selector how;
    struct buffer text = {0};
    if (f->octets.size == 0) {
        return;
    }
    keep(k, "wrong.bin", buffer_view(&f->octets));
    hex_append(&text, buffer_view(&f->octets));
    buffer_printf(&text, "\n");
    keep(k, "wrong.hex", buffer_view(&text));
    buffer_clear(&text);
    if (finding_selector(f, &how)) {
        cmrp_error error = {0};
        if (!show_value(&text, &how, buffer_view(&f->octets), &options, &error)) {
            show_complaint(&text, &error, &options);
            buffer_printf(&text, "\n");
        }
        keep(k, "wrong.txt", buffer_view(&text));
    }
    buffer_free(&text);
}

// The last frame that the finding needs: that of the answer to its call.
static uint64_t last_frame(const struct keeping *k) {
    const struct judge_finding *f = k->first;
    uint64_t last = f->frame;
    for (size_t i = f->event < k->j->event_count ? f->event : k->j->event_count;
         i < k->j->event_count; i++) {
        const struct judge_event *e = &k->j->events[i];
        if (e->connection == f->connection && e->of_call && e->call_id == f->call_id &&
            e->kind == JUDGE_EVENT_RESPONSE) {
            return e->frame > last ? e->frame : last;
        }
    }
    return last;
}

static void keep_connection(struct keeping *k) {
    const struct judge_finding *f = k->first;
    uint8_t *octets = NULL;
    size_t size = 0;
    if (f->connection >= k->j->connection_count) {
        return;
    }
    const struct judge_connection *c = &k->j->connections[f->connection];
    const struct excerpt excerpt = {c->client, c->server, last_frame(k), BEHIND, EXCERPT};
    if (capture_excerpt(k->path, &excerpt, &octets, &size)) {
        keep(k, "connection.pcap", (cmrp_view){octets, size});
        free(octets);
    }
}

static void keep_readme(struct keeping *k) {
    const struct judge_finding *f = k->first;
    const char *level = k->j->should ? " --level should" : "";
    const char *complete = k->c->rule != NULL && k->c->rule->complete ? " --complete" : "";
    struct buffer text = {0};
    buffer_printf(&text, "%s: %s, %llu findings\n", k->c->id, verdict_name(k->c->verdict),
                  (unsigned long long)k->c->found);
    if (f != NULL) {
        buffer_printf(&text, "frame %llu: ", (unsigned long long)f->frame);
        judgement_where(f, &text);
        buffer_printf(&text, ": %s [", f->message);
        judgement_citation(f->section, f->requirement, &text);
        buffer_printf(&text, "]\nchange: %s\n", f->advice);
    }
    buffer_printf(&text, "\nTo see it again:\n  cmrp conform -r ");
    words_quote(&text, k->path);
    buffer_printf(&text, "%s%s ", complete, level);
    words_quote(&text, k->c->id);
    if (k->c->rule != NULL) {
        buffer_printf(&text, "\n  cmrp explain %s", k->c->requirement);
    }
    buffer_printf(&text, "\n\nThe files here:\n");
    artifacts_list(k->a, &text);
    if (f != NULL && f->octets.size > 0 && f->octets.size < f->whole) {
        buffer_printf(&text,
                      "\nwrong.bin begins at offset %llu of the %s, which has %llu octets.\n",
                      (unsigned long long)f->octets_at, judge_place_name(f->place),
                      (unsigned long long)f->whole);
    }
    keep(k, "README.txt", buffer_view(&text));
    buffer_free(&text);
}

static void keep_case(struct keeping *k) {
    keep_json(k, "case.json", judgement_case_json(k->j, k->c));
    if (k->first != NULL) {
        keep_findings(k);
        keep_octets(k);
        keep_connection(k);
    }
    keep_readme(k);
}

bool artifacts_of_judgement(struct artifacts *a, const struct judgement *j, const char *path,
                            char **error) {
    struct keeping k = {.a = a, .j = j, .path = path, .error = error, .ok = true};
    for (size_t i = 0; i < j->case_count && k.ok; i++) {
        k.c = &j->cases[i];
        if (k.c->verdict == VERDICT_FAIL) {
            k.kept = judgement_kept(j, k.c, &k.first);
            k.ok = artifacts_folder(a, k.c->id, error);
            if (k.ok) {
                keep_case(&k);
            }
        }
    }
    return k.ok;
}
