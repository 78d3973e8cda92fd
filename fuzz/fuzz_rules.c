// SPDX-License-Identifier: Apache-2.0
// Property rules: the input draws what a few clients and servers say to each other, sense and
// nonsense (fuzz_rules_talk.c). What rules remember keeps to their bounds, however small. No rule
// has more findings than evaluations, and what it is told twice it judges the same way. A finding
// lies within its stub or PDU and names a parameter that is there. And knowing less never finds
// more: neither small bounds nor losses that rules are told of, at the start or on the way, add a
// finding.
#include <stdlib.h>
#include <string.h>

#include "fuzz_rules_talk.h"
#include "fuzz_support.h"
#include "rules/state.h"

#define PROPERTY "rules"

struct found {
    uint64_t number;
    uint64_t connection;
    uint64_t frame;
    uint64_t offset;
    size_t size;
    size_t rule;
    enum rules_place place;
    char message[256];
};

struct run {
    struct telling now;
    struct found *found;
    size_t count;
    uint64_t checked;
    unsigned notes;
};

// ---- one finding --------------------------------------------------------------------------------

static bool is_param(const cmrp_method *method, const char *field) {
    const size_t length = strcspn(field, ".[ ");
    for (uint32_t i = 0; i < method->count; i++) {
        const char *name = method->params[i].name;
        if (strncmp(name, field, length) == 0 && (name[length] == '\0' || name[length] == '.')) {
            return true;
        }
    }
    return false;
}

static void check_place(const struct rules_finding *f, const struct telling *now) {
    static const char *const others[] = {"", "opnum", "auth_level", "auth_type", "status"};
    uint64_t size = UINT16_MAX; // of a PDU that is not given
    if (now->bind != NULL) {
        const bool answer = f->frame == now->bind->answered.frame;
        size = answer ? now->bind->answer_octets.size : now->bind->offer_octets.size;
    } else if (f->place != RULES_PDU) {
        const bool response = f->place == RULES_RESPONSE;
        const struct rules_side *side = response ? &now->call->response : &now->call->request;
        bool known = side->decoded && is_param(now->call->method, f->field);
        size = side->stub.size;
        for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
            known = known || strcmp(f->field, others[i]) == 0;
        }
        if (!known) {
            fuzz_fail(PROPERTY, "%s points to %s, which is not in the stub",
                      rules_at(f->rule)->name, f->field);
        }
    }
    if (f->offset > size || f->size > size - f->offset) {
        fuzz_fail(PROPERTY, "%s points to %zu octets at %llu of %llu, field %s",
                  rules_at(f->rule)->name, f->size, (unsigned long long)f->offset,
                  (unsigned long long)size, f->field);
    }
}

static void on_finding(void *context, const struct rules_finding *f) {
    struct run *run = context;
    if (f->rule >= rules_count() || f->message[0] == '\0') {
        fuzz_fail(PROPERTY, "a finding of rule %zu without a message", f->rule);
    }
    if ((f->call == NULL) != (run->now.call == NULL) ||
        (run->now.call == NULL && run->now.bind == NULL) ||
        f->peers->connection != run->now.peers->connection) {
        fuzz_fail(PROPERTY, "%s is found where nothing was told", rules_at(f->rule)->name);
    }
    check_place(f, &run->now);
    run->found = util_grow(run->found, run->count + 1, sizeof *run->found);
    struct found *found = &run->found[run->count++];
    memset(found, 0, sizeof *found);
    found->number = f->number;
    found->connection = f->peers->connection;
    found->frame = f->frame;
    found->offset = f->offset;
    found->size = f->size;
    found->rule = f->rule;
    found->place = f->place;
    snprintf(found->message, sizeof found->message, "%s", f->message);
}

static void on_withdrawn(void *context, size_t rule, uint64_t number) {
    struct run *run = context;
    size_t i = 0;
    while (i < run->count && run->found[i].number != number) {
        i++;
    }
    if (i == run->count || run->found[i].rule != rule) {
        fuzz_fail(PROPERTY, "finding %llu of %s is taken back, which is not there",
                  (unsigned long long)number, rules_at(rule)->name);
    }
    run->count--;
    memmove(&run->found[i], &run->found[i + 1], (run->count - i) * sizeof run->found[0]);
}

static void on_note(void *context, const char *code, const char *text,
                    const struct assoc_stamp *stamp) {
    struct run *run = context;
    (void)stamp;
    if (strcmp(code, "rules-limit") != 0 || text[0] == '\0' || run->notes++ > 0) {
        fuzz_fail(PROPERTY, "note %s is said again, or says nothing", code);
    }
}

// ---- bounds -------------------------------------------------------------------------------------

static void check_bounds(const struct rules *r) {
    if (r->handle_count > r->limits.handles || r->records > r->limits.records ||
        HASH_COUNT(r->servers) > r->limits.parties + 1 ||
        HASH_COUNT(r->counters) > r->limits.parties + RULES_ROLES) {
        fuzz_fail(PROPERTY, "%zu handles, %zu records, %u servers, %u parties are remembered",
                  r->handle_count, r->records, HASH_COUNT(r->servers), HASH_COUNT(r->counters));
    }
}

static void check_counts(const struct rules *r, struct run *run) {
    struct rules_party party;
    uint64_t findings = 0;
    for (size_t i = 0; rules_party_at(r, i, &party); i++) {
        for (size_t rule = 0; rule < rules_count(); rule++) {
            run->checked += party.checked[rule];
            findings += party.findings[rule];
            if (party.findings[rule] > party.checked[rule]) {
                fuzz_fail(PROPERTY, "%s has more findings than evaluations", rules_at(rule)->name);
            }
        }
    }
    if (findings != run->count) {
        fuzz_fail(PROPERTY, "%llu findings are counted, %zu were told",
                  (unsigned long long)findings, run->count);
    }
}

// ---- runs ---------------------------------------------------------------------------------------

static struct run tell(cmrp_view input, const struct rules_limits *limits, enum doubts doubts) {
    struct run run = {.found = NULL};
    struct rules *rules;
    const struct rules_events events = {
        .context = &run, .finding = on_finding, .withdrawn = on_withdrawn, .note = on_note};
    rules = rules_create(limits, &events);
    talk_tell(input.data, input.size, doubts, rules, &run.now, check_bounds);
    if (rules->handle_count != 0 || rules->connections != NULL) {
        fuzz_fail(PROPERTY, "%zu handles stay when all connections have ended",
                  rules->handle_count);
    }
    check_counts(rules, &run);
    rules_destroy(rules);
    return run;
}

// What is wrong with all of a connection is said once, in the first frame where that can be known.
static const bool once[RULE_COUNT] = {
#define RULE(id, name, requirement, level, role, section, advice) [RULE_##id] = true,
#include "rules/bind.def"
#undef RULE
};

static bool same(const struct found *a, const struct found *b) {
    return a->connection == b->connection && a->rule == b->rule &&
           (once[a->rule] || (a->frame == b->frame && a->offset == b->offset &&
                              a->size == b->size && a->place == b->place));
}

// Events are told in the same order, so findings are made in the same order, too.
static void check_fewer(const struct run *all, const struct run *some, const char *how) {
    for (size_t i = 0; i < some->count; i++) {
        const struct found *f = &some->found[i];
        size_t k = 0;
        while (k < all->count && !same(&all->found[k], f)) {
            k++;
        }
        if (k == all->count) {
            fuzz_fail(PROPERTY, "%s: %s in frame %llu, \"%s\", is found %s alone", how,
                      rules_at(f->rule)->name, (unsigned long long)f->frame, f->message, how);
        }
    }
}

static void check_same(const struct run *all, const struct run *again) {
    check_fewer(all, again, "the second time");
    check_fewer(again, all, "the first time");
    if (all->checked != again->checked) {
        fuzz_fail(PROPERTY, "%llu evaluations, and %llu the second time",
                  (unsigned long long)all->checked, (unsigned long long)again->checked);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0) {
        return 0;
    }
    const cmrp_view input = {data + 1, size - 1};
    const struct rules_limits tiny = {.handles = 1 + data[0] % 7,
                                      .records = 1 + data[0] / 7 % 7,
                                      .parties = 1 + data[0] / 49 % 6};
    struct run all = tell(input, NULL, DOUBTS_NONE);
    struct run again = tell(input, NULL, DOUBTS_NONE);
    const struct rules_limits complete = {.complete = true};
    const struct rules_limits tiny_complete = {
        .handles = tiny.handles, .records = tiny.records, .complete = true};
    struct run whole = tell(input, &complete, DOUBTS_NONE);
    struct run tight = tell(input, &tiny_complete, DOUBTS_NONE);
    struct run small = tell(input, &tiny, DOUBTS_NONE);
    struct run blind = tell(input, NULL, DOUBTS_FROM_THE_START);
    struct run lossy = tell(input, NULL, DOUBTS_NOW_AND_THEN);
    check_same(&all, &again);
    check_fewer(&whole, &all, "when calls may be missing");
    check_fewer(&whole, &tight, "under small bounds, complete");
    check_fewer(&all, &small, "under small bounds");
    check_fewer(&all, &blind, "when something is lost at the start");
    check_fewer(&all, &lossy, "when something is lost on the way");
    (*(all.count > 0 ? &fuzz_tally.rejected : &fuzz_tally.accepted))++;
    free(all.found);
    free(again.found);
    free(whole.found);
    free(tight.found);
    free(small.found);
    free(blind.found);
    free(lossy.found);
    return 0;
}
