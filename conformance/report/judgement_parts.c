// SPDX-License-Identifier: Apache-2.0
#include "report/judgement_parts.h"

#include "util/text.h"

void judgement_party(const struct judge_party *party, struct buffer *out) {
    buffer_printf(out, "%s %s", rules_role_name(party->role), party->address);
}

void judgement_time(struct judge_time t, struct buffer *out) {
    text_utc(out, (int64_t)t.seconds, (uint32_t)t.nanoseconds, 6);
}

void judgement_where(const struct judge_finding *f, struct buffer *out) {
    if (f->of_call && f->method != NULL) {
        buffer_printf(out, "%s ", f->method);
    } else if (f->of_call) {
        buffer_printf(out, "opnum %u ", f->opnum);
    }
    buffer_printf(out, "%s", judge_place_name(f->place));
    if (f->size > 0 || *f->field != '\0' || f->offset > 0) {
        buffer_printf(out, ", offset %llu", (unsigned long long)f->offset);
    }
    if (*f->field != '\0') {
        buffer_printf(out, ", %s", f->field);
    }
}

void judgement_citation(const char *section, const char *requirement, struct buffer *out) {
    buffer_printf(out, "%s%s%s", section != NULL ? section : "",
                  section != NULL && requirement != NULL ? ", " : "",
                  requirement != NULL ? requirement : "");
}

void judgement_connection(const struct judgement *j, size_t connection, struct buffer *out) {
    if (connection < j->connection_count) {
        buffer_printf(out, "%s to %s", j->connections[connection].client,
                      j->connections[connection].server);
    }
}

void judgement_sentence(const struct judgement *j, struct buffer *out) {
    const struct judge_counts *must = &j->counts[JUDGE_MUST];
    const struct judge_counts *should = &j->counts[JUDGE_SHOULD];
    const uint64_t findings = must->findings + should->findings;
    buffer_printf(out, "%llu finding%s in %zu case%s", (unsigned long long)findings,
                  findings == 1 ? "" : "s", j->case_count, j->case_count == 1 ? "" : "s");
    if (j->should && findings > 0) {
        buffer_printf(out, " (%llu of MUST, %llu of SHOULD)", (unsigned long long)must->findings,
                      (unsigned long long)should->findings);
    }
}

bool judgement_wrong(const struct judge_finding *f, size_t *from, size_t *to) {
    if (f->octets.size == 0 || f->offset < f->octets_at ||
        f->offset - f->octets_at > f->octets.size) {
        return false;
    }
    *from = (size_t)(f->offset - f->octets_at);
    const size_t left = f->octets.size - *from;
    *to = *from + (f->size < left ? f->size : left);
    return true;
}

void judgement_verdicts(const struct judge_counts counts[JUDGE_LEVELS],
                        size_t verdicts[VERDICT_COUNT]) {
    for (int v = 0; v < VERDICT_COUNT; v++) {
        verdicts[v] = counts[JUDGE_MUST].verdicts[v] + counts[JUDGE_SHOULD].verdicts[v];
    }
}

size_t judgement_kept(const struct judgement *j, const struct judge_case *c,
                      const struct judge_finding **first) {
    const bool any = c->kept > 0 && c->first_finding < j->finding_count &&
                     c->kept <= j->finding_count - c->first_finding;
    *first = any ? &j->findings[c->first_finding] : NULL;
    return any ? c->kept : 0;
}
