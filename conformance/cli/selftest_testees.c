// SPDX-License-Identifier: Apache-2.0
// The testees' part of cmrp selftest: our own testee passes everything, and with each of its faults
// it fails the case that is named for it.
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/selftest.h"
#include "testee/faults.h"
#include "testee/host.h"
#include "testee/words.h"

static const double TIMEOUT = 10;  // seconds; the run of vectors by hand waits as long
static const double HANGING = 0.5; // for a testee of which it is expected
static const char PROGRAM[] = "cmrp-testee-c";

// X(enumerator, word)
#define FAULT_STATES(X)                                                                            \
    X(CAUGHT, "caught")                                                                            \
    X(SURVIVES, "SURVIVES") /* the case that is named for it does not notice */                    \
    X(NOTHING, "NOTHING")   /* no case notices: it changes nothing */

enum fault_state {
#define STATE_ENUM(name, word) FAULT_##name,
    FAULT_STATES(STATE_ENUM)
#undef STATE_ENUM
};

static const char *state_word(enum fault_state state) {
    static const char *const words[] = {
#define WORD(name, word) word,
        FAULT_STATES(WORD)
#undef WORD
    };
    return words[state];
}

struct run {
    struct selftest *s;
    struct vector_set vectors;
    char **words; // of the faultless testee
    size_t word_count;
    json_t *faults;
    size_t survived;
    bool titled;
    char *error; // what keeps the part from being played
    enum outcome outcome;
};

// ---- playing ------------------------------------------------------------------------------------

// The testee that lies beside this program.
static char *beside(void) {
    char path[4096];
    const ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
    if (n <= 0) {
        return util_strdup(PROGRAM); // PATH knows, perhaps
    }
    path[n] = '\0';
    char *slash = strrchr(path, '/');
    slash[1] = '\0';
    char *quoted = util_format("'%s%s'", path, PROGRAM);
    return quoted;
}

// Runs what the pattern selects (NULL: everything) with a fault (NULL: none). Returns false with
// run->error set when there is no such case or the testee cannot be started.
static bool play(struct run *r, const char *fault, const char *pattern, double timeout,
                 struct plan *plan) {
    const struct plan_selection selection = {&pattern, pattern != NULL, LEVEL_NONE};
    char **words = util_alloc((r->word_count + 3) * sizeof *words);
    struct host_report report = {0};
    memcpy(words, r->words, r->word_count * sizeof *words);
    if (fault != NULL) {
        words[r->word_count] = (char *)(uintptr_t) "--fault";
        words[r->word_count + 1] = (char *)(uintptr_t)fault;
    }
    const struct host_options options = {.words = words,
                                         .timeout = timeout,
                                         .hello_timeout = TIMEOUT,
                                         .waits = HOST_WAITS,
                                         .processes = 1,
                                         .window = HOST_WINDOW};
    bool ok = plan_make(&r->vectors, NULL, &selection, plan, &r->error);
    if (!ok) {
        r->outcome = OUTCOME_USAGE;
    } else if (host_run(plan, &options, &report) != OUTCOME_OK) {
        r->error = util_format("%s: %s", words[0], report.failure);
        r->outcome = OUTCOME_UNREACHED;
        ok = false;
    } else if (report.interrupted) {
        r->error = util_strdup("interrupted");
        r->outcome = OUTCOME_INCOMPLETE;
        ok = false;
    }
    host_report_free(&report);
    free(words);
    return ok;
}

static const struct suite_case *first_bad(const struct plan *plan) {
    for (size_t i = 0; i < plan->count; i++) {
        if (plan->cases[i].result.verdict != VERDICT_PASS) {
            return &plan->cases[i];
        }
    }
    return NULL;
}

// ---- telling ------------------------------------------------------------------------------------

static void tell(struct run *r, const struct testee_fault_row *row, enum fault_state state,
                 const char *noticed) {
    if (r->s->verbose || state != FAULT_CAUGHT) {
        if (!r->titled) {
            buffer_printf(&r->s->text, "%-34s %-8s  %s\n", "fault of a testee", "", "case");
            r->titled = true;
        }
        buffer_printf(&r->s->text, "%-34s %-8s  %s%s%s\n", row->name, state_word(state), row->cases,
                      state == FAULT_SURVIVES ? ", but noticed by " : "",
                      state == FAULT_SURVIVES ? noticed : "");
    }
    json_array_append_new(r->faults,
                          json_pack("{s:s,s:s,s:s,s:s,s:s}", "name", row->name, "what", row->what,
                                    "case", row->cases, "verdict", verdict_name(row->verdict),
                                    "state", state_word(state)));
    r->survived += state != FAULT_CAUGHT;
}

// ---- the whole ----------------------------------------------------------------------------------

// A fault that its case did not notice: does any?
static bool look_further(struct run *r, const struct testee_fault_row *row, double timeout) {
    struct plan plan;
    char *pattern = util_format("%s-*", json_type_name(row->type));
    const bool ok = play(r, row->name, pattern, timeout, &plan);
    if (ok) {
        const struct suite_case *c = first_bad(&plan);
        tell(r, row, c != NULL ? FAULT_SURVIVES : FAULT_NOTHING, c != NULL ? c->id : "");
    }
    plan_free(&plan);
    free(pattern);
    return ok;
}

static bool play_fault(struct run *r, const struct testee_fault_row *row) {
    struct plan plan;
    const double timeout = row->verdict == VERDICT_TIMEOUT ? HANGING : TIMEOUT;
    bool ok = play(r, row->name, row->cases, timeout, &plan);
    if (ok && plan.cases[0].result.verdict == row->verdict) {
        tell(r, row, FAULT_CAUGHT, "");
    } else if (ok) {
        ok = look_further(r, row, timeout);
    }
    plan_free(&plan);
    return ok;
}

// Without a fault everything passes: else nothing that follows proves anything.
static bool play_faultless(struct run *r, size_t *cases) {
    struct plan plan;
    const bool ok = play(r, NULL, NULL, TIMEOUT, &plan);
    const struct suite_case *c = ok ? first_bad(&plan) : NULL;
    *cases = plan.count;
    if (c != NULL) {
        buffer_printf(&r->s->text, "the faultless testee does not pass %s: %s\n", c->id,
                      verdict_name(c->result.verdict));
        r->survived++;
    }
    json_object_set_new(r->s->json, "faultless", json_boolean(ok && c == NULL));
    plan_free(&plan);
    return ok;
}

static void play_all(struct run *r) {
    size_t cases = 0;
    size_t played = 0;
    bool ok = play_faultless(r, &cases);
    for (int i = TESTEE_FAULT_NONE + 1; ok && i < TESTEE_FAULTS; i++) {
        ok = play_fault(r, testee_fault_row((enum testee_fault)i));
        played += ok;
    }
    json_object_set(r->s->json, "faults", r->faults);
    buffer_printf(&r->s->text,
                  "testees: %zu cases passed without a fault; %zu faults, %zu not caught\n", cases,
                  played, r->survived);
    if (r->survived > 0) {
        r->outcome = outcome_worst(r->outcome, OUTCOME_FINDINGS);
    }
}

enum outcome selftest_testees(struct selftest *s) {
    struct run r = {.s = s, .outcome = OUTCOME_OK, .faults = json_array()};
    char *command = s->testee != NULL ? util_strdup(s->testee) : beside();
    r.words = words_split(command, &r.error);
    while (r.words != NULL && r.words[r.word_count] != NULL) {
        r.word_count++;
    }
    if (r.words == NULL || !vector_set_load(s->vectors, &r.vectors, &r.error)) {
        r.outcome = OUTCOME_USAGE;
    } else {
        play_all(&r);
    }
    if (r.error != NULL) {
        r.outcome = outcome_worst(r.outcome, cli_fail(r.outcome, "%s", r.error));
    }
    free(r.error);
    free(command);
    words_free(r.words);
    vector_set_free(&r.vectors);
    json_decref(r.faults);
    return r.outcome;
}
