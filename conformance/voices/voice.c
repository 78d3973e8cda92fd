// SPDX-License-Identifier: Apache-2.0
#include "voices/voice.h"

#include <stdlib.h>
#include <string.h>

#include "util/hex.h"

const char *voice_kind_word(enum voice_kind kind) {
    static const char *const words[] = {
#define WORD(name, word) word,
        VOICE_KINDS(WORD)
#undef WORD
    };
    return words[kind];
}

void voice_free(struct voice *v) {
    free(v->name);
    free(v->version);
    free(v->failure);
    free(v->failure_output);
    for (size_t i = 0; i < v->answer_count; i++) {
        free(v->answers[i].text);
    }
    free(v->answers);
    for (size_t i = 0; i < v->note_count; i++) {
        free(v->notes[i]);
    }
    free(v->notes);
    *v = (struct voice){0};
}

void voice_tell_apart(struct voice *voices, size_t count) {
    for (size_t i = count; i > 1; i--) {
        struct voice *v = &voices[i - 1];
        size_t same = 1;
        for (size_t k = 0; v->name != NULL && k < i - 1; k++) {
            same += voices[k].name != NULL && strcmp(voices[k].name, v->name) == 0;
        }
        if (same > 1) {
            char *name = util_format("%s#%zu", v->name, same);
            free(v->name);
            v->name = name;
        }
    }
}

static struct voice_answer decode(const struct vector *v) {
    cmrp_error error = {0};
    json_t *value = json_decode(&v->how, buffer_view(&v->octets), 0, &error);
    if (value == NULL) {
        char text[320];
        cmrp_error_format(&error, text, sizeof text);
        return (struct voice_answer){VOICE_ERROR,
                                     util_format("%s: %s", cmrp_code_id(error.code), text)};
    }
    const struct voice_answer answer = {VOICE_VALUE, json_dumps(value, JSON_COMPACT)};
    json_decref(value);
    return answer;
}

static struct voice_answer encode(const struct vector *v) {
    struct buffer octets = {0};
    struct json_failure failure;
    struct voice_answer answer;
    if (json_encode(&v->how, v->strict.value, &octets, &failure)) {
        answer = (struct voice_answer){VOICE_HEX, hex_text(buffer_view(&octets))};
    } else {
        answer = (struct voice_answer){
            VOICE_ERROR,
            util_format("%s: %s: %s", failure.code,
                        failure.pointer[0] != '\0' ? failure.pointer : "/", failure.message)};
    }
    buffer_free(&octets);
    return answer;
}

void voice_ask_ours(struct voice *v, const struct questions *q) {
    v->name = util_strdup("ours");
    v->version = util_strdup(CMRP_VERSION_STRING);
    memset(v->types, true, sizeof v->types);
    v->answer_count = q->plan.count;
    v->answers = util_alloc((q->plan.count + 1) * sizeof *v->answers);
    for (size_t i = 0; i < q->plan.count; i++) {
        const struct suite_case *c = &q->plan.cases[i];
        v->answers[i] = c->op == CASE_DECODE ? decode(c->vector) : encode(c->vector);
    }
}
