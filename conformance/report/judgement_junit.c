// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "report/judgement_parts.h"
#include "report/xml.h"

// "frame 12: ApiSetValue request stub, offset 24, hKey: the message [citation]"
static void put_line(struct buffer *out, const struct judge_finding *f) {
    buffer_printf(out, "frame %llu: ", (unsigned long long)f->frame);
    judgement_where(f, out);
    buffer_printf(out, ": %s [", f->message);
    judgement_citation(f->section, f->requirement, out);
    buffer_printf(out, "]");
}

// What went wrong: the first finding as the message, all that are kept as the body.
static void put_failure(struct xml *x, const struct judgement *j, const struct judge_case *c) {
    const struct judge_finding *first;
    const size_t kept = judgement_kept(j, c, &first);
    struct buffer message = {0};
    struct buffer body = {0};
    if (c->verdict == VERDICT_XPASS) {
        buffer_printf(&message, "XPASS: %s", c->xfail->reason);
    } else if (kept > 0) {
        put_line(&message, first);
    } else {
        buffer_printf(&message, "%llu findings, none of which is kept",
                      (unsigned long long)c->found);
    }
    for (size_t i = 0; i < kept; i++) {
        put_line(&body, &first[i]);
        buffer_printf(&body, "\n  change: %s\n", first[i].advice);
    }
    if (c->found > kept) {
        buffer_printf(&body, "… %llu findings in all\n", (unsigned long long)c->found);
    }
    xml_open(x, "failure");
    xml_attribute(x, "message", buffer_text(&message));
    xml_attribute(x, "type", verdict_name(c->verdict));
    xml_text(x, buffer_text(&body));
    xml_close(x);
    buffer_free(&message);
    buffer_free(&body);
}

static void put_case(struct xml *x, const struct judgement *j, const struct judge_case *c) {
    struct buffer class = {0};
    buffer_printf(&class, "%s@%s", rules_role_name(j->parties[c->party].role),
                  j->parties[c->party].address);
    xml_open(x, "testcase");
    xml_attribute(x, "classname", buffer_text(&class));
    xml_attribute(x, "name", c->id);
    xml_seconds(x, 0);
    if (c->verdict == VERDICT_FAIL || c->verdict == VERDICT_XPASS) {
        put_failure(x, j, c);
    } else if (c->verdict == VERDICT_XFAIL) {
        char *message = util_format("XFAIL: %s", c->xfail->reason);
        xml_open(x, "skipped");
        xml_attribute(x, "message", message);
        xml_close(x);
        free(message);
    }
    xml_close(x);
    buffer_free(&class);
}

// `*next`: the first case that is not written yet; cases stand in the order of parties.
static void put_party(struct xml *x, const struct judgement *j, size_t party, size_t *next) {
    const struct judge_party *p = &j->parties[party];
    size_t verdicts[VERDICT_COUNT];
    struct buffer text = {0};
    judgement_verdicts(p->counts, verdicts);
    judgement_party(p, &text);
    xml_open(x, "testsuite");
    xml_attribute(x, "name", buffer_text(&text));
    xml_verdicts(x, verdicts, p->counts[JUDGE_MUST].cases + p->counts[JUDGE_SHOULD].cases);
    xml_seconds(x, 0);
    buffer_clear(&text);
    judgement_time(j->first, &text);
    xml_attribute(x, "timestamp", buffer_text(&text));
    for (; *next < j->case_count && j->cases[*next].party == party; ++*next) {
        put_case(x, j, &j->cases[*next]);
    }
    xml_close(x);
    buffer_free(&text);
}

static void put_document(struct xml *x, const void *subject) {
    const struct judgement *j = subject;
    size_t verdicts[VERDICT_COUNT];
    size_t next = 0;
    judgement_verdicts(j->counts, verdicts);
    xml_open(x, "testsuites");
    xml_attribute(x, "name", j->capture);
    xml_verdicts(x, verdicts, j->case_count);
    xml_seconds(x, 0);
    for (size_t i = 0; i < j->party_count; i++) {
        put_party(x, j, i, &next);
    }
    xml_close(x);
}

void judgement_junit(const struct judgement *judgement, struct buffer *out) {
    xml_document(out, put_document, judgement);
}
