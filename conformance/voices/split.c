// SPDX-License-Identifier: Apache-2.0
#include "voices/split.h"

#include <stdlib.h>
#include <string.h>

#include "suite/grow.h"
#include "suite/judge.h"
#include "util/hex.h"

const char *agreement_word(enum agreement agreement) {
    static const char *const words[] = {
#define WORD(name, word) word,
        AGREEMENTS(WORD)
#undef WORD
    };
    return words[agreement];
}

// ---- meanings -----------------------------------------------------------------------------------

static char *meaning_of_json(const struct json_selector *how, const json_t *value) {
    json_t *normal = json_normal(how, value);
    char *text = json_dumps(normal, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
    json_decref(normal);
    char *meaning = util_format("value %s", text != NULL ? text : "");
    free(text);
    return meaning;
}

static char *meaning_of_value(const struct suite_case *c, const char *text) {
    json_t *value = json_loads(text, JSON_DECODE_ANY, NULL);
    char *meaning = c->op == CASE_DECODE && json_is_object(value)
                        ? meaning_of_json(&c->vector->how, value)
                        : util_format("nonsense %s", text);
    json_decref(value);
    return meaning;
}

// Whether a value can be written in more than one way.
static bool is_free_form(const struct json_selector *how) {
    return how->type == JSON_TYPE_STUB || how->type == JSON_TYPE_PDU ||
           (how->type == JSON_TYPE_TOWER && how->ept_map);
}

static char *meaning_of_hex(const struct suite_case *c, const char *text) {
    struct buffer octets = {0};
    cmrp_error error = {0};
    size_t at;
    char *meaning = NULL;
    if (c->op != CASE_ENCODE || !hex_parse(text, strlen(text), &octets, &at)) {
        buffer_free(&octets);
        return util_format("nonsense %s", text);
    }
    json_t *value = is_free_form(&c->vector->how)
                        ? json_decode(&c->vector->how, buffer_view(&octets), 0, &error)
                        : NULL;
    if (value != NULL) {
        meaning = meaning_of_json(&c->vector->how, value);
    } else {
        char *digits = hex_text(buffer_view(&octets));
        meaning = util_format("hex %s", digits);
        free(digits);
    }
    json_decref(value);
    buffer_free(&octets);
    return meaning;
}

static char *meaning_of(const struct suite_case *c, const struct voice_answer *a) {
    switch (a->kind) {
    case VOICE_VALUE: return meaning_of_value(c, a->text);
    case VOICE_HEX: return meaning_of_hex(c, a->text);
    default: return util_strdup(voice_kind_word(a->kind));
    }
}

static bool has_voice(const struct voice_answer *a) {
    return a->kind != VOICE_UNSUPPORTED && a->kind != VOICE_NOTRUN;
}

// ---- grouping -----------------------------------------------------------------------------------

// The opinion of somebody who gave the very same answer: what it means is known.
static struct opinion *same_words(const struct split *s, const struct voice *voices, size_t at,
                                  const struct voice_answer *a) {
    for (size_t i = 0; i < s->opinion_count; i++) {
        const struct voice_answer *b = &voices[s->opinions[i].voices[0]].answers[at];
        if (a->kind == b->kind && strcmp(a->text, b->text) == 0) {
            return &s->opinions[i];
        }
    }
    return NULL;
}

static void take(struct split *s, const struct voice *voices, size_t voice, size_t at) {
    const struct voice_answer *a = &voices[voice].answers[at];
    struct opinion *o = same_words(s, voices, at, a);
    char *meaning = o == NULL ? meaning_of(s->question, a) : NULL;
    for (size_t i = 0; o == NULL && i < s->opinion_count; i++) {
        o = strcmp(s->opinions[i].meaning, meaning) == 0 ? &s->opinions[i] : NULL;
    }
    if (o == NULL) {
        s->opinions = grow_by_one(s->opinions, s->opinion_count, sizeof *s->opinions);
        o = &s->opinions[s->opinion_count++];
        *o = (struct opinion){.meaning = meaning};
    } else {
        free(meaning);
    }
    o->voices = grow_by_one(o->voices, o->voice_count, sizeof *o->voices);
    o->voices[o->voice_count++] = voice;
}

// Whether an answer is what a vector of a file expects.
static bool is_expected(const struct suite_case *c, const struct voice_answer *a) {
    struct case_result result = {.verdict = VERDICT_PENDING};
    struct answer answer = {.text = a->text};
    json_t *value = NULL;
    switch (a->kind) {
    case VOICE_VALUE:
        value = json_loads(a->text, JSON_DECODE_ANY, NULL);
        answer.kind = ANSWER_VALUE;
        answer.value = value;
        break;
    case VOICE_HEX: answer.kind = ANSWER_HEX; break;
    case VOICE_ERROR: answer.kind = ANSWER_ERROR; break;
    default: return false;
    }
    judge(c, &answer, &result);
    const bool expected = result.verdict == VERDICT_PASS;
    case_result_free(&result);
    json_decref(value);
    return expected;
}

static enum agreement agreement_of(const struct split *s, size_t with_voice) {
    bool allowed = question_has_expectation(s->question);
    for (size_t i = 0; i < s->opinion_count; i++) {
        allowed = allowed && s->opinions[i].expected;
    }
    if (with_voice < 2) {
        return AGREEMENT_ALONE;
    }
    if (s->opinion_count > 1 && !allowed) {
        return s->question->xfail != NULL ? AGREEMENT_EXCUSED : AGREEMENT_SPLIT;
    }
    if (s->opinion_count > 1) {
        return AGREEMENT_ALLOWED;
    }
    return s->question->xfail != NULL ? AGREEMENT_UNSPLIT : AGREEMENT_AGREED;
}

static void compare(struct splits *splits, struct split *s, const struct voice *voices, size_t at) {
    size_t with_voice = 0;
    for (size_t i = 0; i < splits->voice_count; i++) {
        const struct voice_answer *a = &voices[i].answers[at];
        if (has_voice(a)) {
            take(s, voices, i, at);
            with_voice++;
        }
    }
    for (size_t i = 0; i < s->opinion_count; i++) {
        struct opinion *o = &s->opinions[i];
        o->expected = question_has_expectation(s->question) &&
                      is_expected(s->question, &voices[o->voices[0]].answers[at]);
        for (size_t k = 0; k < o->voice_count && has_voice(&voices[0].answers[at]); k++) {
            splits->answered[o->voices[k]]++;
            splits->apart[o->voices[k]] += i > 0;
        }
    }
    s->agreement = agreement_of(s, with_voice);
    splits->counts[s->agreement]++;
}

void splits_make(const struct questions *q, const struct voice *voices, size_t voice_count,
                 struct splits *splits) {
    *splits = (struct splits){.count = q->plan.count, .voice_count = voice_count};
    splits->all = util_alloc((q->plan.count + 1) * sizeof *splits->all);
    splits->apart = util_alloc((voice_count + 1) * sizeof *splits->apart);
    splits->answered = util_alloc((voice_count + 1) * sizeof *splits->answered);
    for (size_t i = 0; i < q->plan.count; i++) {
        splits->all[i].question = &q->plan.cases[i];
        compare(splits, &splits->all[i], voices, i);
    }
}

void splits_free(struct splits *splits) {
    for (size_t i = 0; i < splits->count; i++) {
        for (size_t k = 0; k < splits->all[i].opinion_count; k++) {
            free(splits->all[i].opinions[k].meaning);
            free(splits->all[i].opinions[k].voices);
        }
        free(splits->all[i].opinions);
    }
    free(splits->all);
    free(splits->apart);
    free(splits->answered);
    *splits = (struct splits){0};
}
