// SPDX-License-Identifier: Apache-2.0
#include "judge/play.h"

#include <stdlib.h>
#include <string.h>

#include "judge/judge.h"
#include "replay/replay.h"
#include "suite/grow.h"

struct found {
    size_t step; // the number of steps: of none
    const char *rule;
    char field[128];
    uint64_t offset;
    char message[256];
    bool expected;
};

struct player {
    const struct sequence *sequence;
    const struct sequence_capture *capture;
    struct play *play;
    struct found *found;
    size_t count;
};

// How a connection is secured was not said, so that it was read as if it were in clear.
static bool is_about_security(const struct rule *rule) {
    static const char names[] = "authentication-";
    return rule != NULL && strncmp(rule->name, names, sizeof names - 1) == 0;
}

static void add(struct player *p, const struct replay_finding *f) {
    if (f->allowed) {
        return;
    }
    const struct sequence_capture *c = p->capture;
    const size_t step =
        f->frame > 0 && f->frame <= c->frames ? c->steps[f->frame - 1] : c->step_count;
    if (is_about_security(f->rule) && step < c->step_count && !c->secured[step]) {
        p->play->ignored[f->rule - rules_at(0)]++;
        return;
    }
    struct found found = {.step = step,
                          .rule = f->rule != NULL ? f->rule->name : JUDGE_ENCODING,
                          .offset = f->offset};
    memcpy(found.field, f->field, sizeof found.field);
    memcpy(found.message, f->message, sizeof found.message);
    if (f->rule == NULL) {
        p->play->encoding++;
    } else {
        p->play->found[f->rule - rules_at(0)]++;
    }
    p->found = grow_by_one(p->found, p->count, sizeof *p->found);
    p->found[p->count++] = found;
}

static void on_bind(void *context, const struct replay_peers *peers,
                    const struct replay_bind *bind) {
    (void)peers;
    for (size_t i = 0; i < bind->finding_count; i++) {
        add(context, &bind->findings[i]);
    }
}

static void on_call(void *context, const struct replay_peers *peers,
                    const struct replay_call *call) {
    const struct player *p = context;
    (void)peers;
    p->play->decoded += (uint64_t)call->request.decoded + call->response.decoded;
    for (size_t i = 0; i < call->finding_count; i++) {
        add(context, &call->findings[i]);
    }
}

static void on_judged(void *context, const struct rules *rules) {
    const struct player *p = context;
    struct rules_party party;
    for (size_t i = 0; rules_party_at(rules, i, &party); i++) {
        for (size_t rule = 0; rule < rules_count(); rule++) {
            p->play->checked[rule] += party.checked[rule];
        }
    }
}

// ---- comparing ----------------------------------------------------------------------------------

static void say(struct buffer *out, const struct player *p, const char *what, size_t step,
                const char *rule, const char *field, const char *message) {
    const json_t *object = json_array_get(p->sequence->steps, step);
    const char *label = json_string_value(json_object_get(object, "label"));
    buffer_printf(out, "%s at step %zu%s%s%s: %s", what, step, label != NULL ? " (" : "",
                  label != NULL ? label : "", label != NULL ? ")" : "", rule);
    if (field != NULL && *field != '\0') {
        buffer_printf(out, ", field %s", field);
    }
    if (message != NULL) {
        buffer_printf(out, ": %s", message);
    }
    buffer_append(out, "\n", 1);
}

static bool same(const struct sequence_finding *e, const struct found *f) {
    return !f->expected && e->step == f->step && strcmp(e->rule, f->rule) == 0 &&
           (e->field == NULL || strcmp(e->field, f->field) == 0) &&
           (!e->has_offset || e->offset == f->offset);
}

static void compare(struct player *p, struct buffer *out) {
    const struct sequence *q = p->sequence;
    for (size_t i = 0; i < q->finding_count; i++) {
        const struct sequence_finding *e = &q->findings[i];
        size_t k = 0;
        while (k < p->count && !same(e, &p->found[k])) {
            k++;
        }
        if (k < p->count) {
            p->found[k].expected = true;
        } else {
            say(out, p, "expected", e->step, e->rule, e->field, NULL);
        }
    }
    for (size_t k = 0; k < p->count; k++) {
        const struct found *f = &p->found[k];
        if (!f->expected) {
            say(out, p, "not expected", f->step, f->rule, f->field, f->message);
        }
    }
}

bool play_sequence(const struct sequence *sequence, struct play *play, char **error) {
    struct sequence_capture capture;
    if (!sequence_make(sequence, &capture, error)) {
        return false;
    }
    *play = (struct play){.checked = util_alloc((rules_count() + 1) * sizeof *play->checked),
                          .found = util_alloc((rules_count() + 1) * sizeof *play->found),
                          .ignored = util_alloc((rules_count() + 1) * sizeof *play->ignored)};
    struct player player = {.sequence = sequence, .capture = &capture, .play = play};
    const struct replay_observer observer = {
        .context = &player, .bind = on_bind, .call = on_call, .judged = on_judged};
    const struct replay_options options = {.format = REPLAY_NONE,
                                           .opnum = -1,
                                           .rules = true,
                                           .observer = &observer,
                                           .rule_limits = {.complete = sequence->complete}};
    struct replay_result result;
    struct buffer difference = {0};
    replay_memory(&options, capture.octets.data, capture.octets.size, &result);
    if (result.status != CAPTURE_OK) {
        buffer_printf(&difference, "the capture cannot be read\n");
    }
    compare(&player, &difference);
    play->as_expected = difference.size == 0;
    play->difference = util_strdup(buffer_text(&difference));
    buffer_free(&difference);
    free(player.found);
    sequence_capture_free(&capture);
    return true;
}

void play_free(struct play *play) {
    free(play->difference);
    free(play->checked);
    free(play->found);
    free(play->ignored);
    *play = (struct play){0};
}
