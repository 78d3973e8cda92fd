// SPDX-License-Identifier: Apache-2.0
// Judgements of captures that are made of sequences: cases, findings, events, and what limits them.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "judge/judge.h"
#include "suite/sequence.h"

static struct sequence_set set;

static int set_up(void **state) {
    char *error = NULL;
    (void)state;
    return sequence_set_load(CMRP_SOURCE_DIR "/vectors", &set, &error) ? 0 : -1;
}

static int tear_down(void **state) {
    (void)state;
    sequence_set_free(&set);
    return 0;
}

static struct buffer capture_of(const char *id) {
    struct sequence_capture capture;
    char *error = NULL;
    const struct sequence *q = sequence_find(&set, id);
    assert_non_null(q);
    assert_true(sequence_make(q, &capture, &error));
    struct buffer octets = {0};
    buffer_append(&octets, capture.octets.data, capture.octets.size);
    sequence_capture_free(&capture);
    return octets;
}

static const char FLAG[] = "seq-encoding-flag-of-one-octet";
static const char TWO[] = "seq-encoding-not-idl";
static const char LEGAL[] = "seq-legal-key-notification";

static struct judgement judge(const char *id, const struct judge_options *options) {
    struct judge_options o = {.name = id};
    struct judgement j;
    char *error = NULL;
    struct buffer octets = capture_of(id);
    if (options != NULL) {
        o = *options;
        o.name = id;
    }
    if (!judge_memory(&o, buffer_view(&octets), &j, &error)) {
        fail_msg("%s", error);
    }
    buffer_free(&octets);
    return j;
}

static void assert_refused(const char *id, const struct judge_options *options, const char *why) {
    struct judge_options o = *options;
    struct judgement j;
    char *error = NULL;
    struct buffer octets = capture_of(id);
    o.name = id;
    assert_false(judge_memory(&o, buffer_view(&octets), &j, &error));
    if (strstr(error, why) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", error, why);
    }
    free(error);
    buffer_free(&octets);
}

static const struct judge_case *find_case(const struct judgement *j, const char *id) {
    for (size_t i = 0; i < j->case_count; i++) {
        if (strcmp(j->cases[i].id, id) == 0) {
            return &j->cases[i];
        }
    }
    fail_msg("there is no case %s", id);
    return NULL;
}

static const char *const ENCODING[] = {"encoding"};

// ---- findings -----------------------------------------------------------------------------------

static void test_finding_points_at_octets(void **state) {
    struct judgement j = judge(FLAG, NULL);
    const struct judge_case *c = find_case(&j, "encoding/client@192.0.2.1");
    (void)state;
    assert_int_equal(c->verdict, VERDICT_FAIL);
    assert_int_equal(c->found, 1);
    assert_int_equal(c->kept, 1);
    assert_true(c->checked > 1);
    const struct judge_finding *f = &j.findings[c->first_finding];
    assert_int_equal(f->size, 1); // the one octet that is there
    assert_non_null(strstr(f->advice, "in full size"));
    assert_string_equal(f->id, "encoding/client@192.0.2.1#1");
    assert_int_equal(f->place, JUDGE_REQUEST);
    assert_int_equal(f->offset, 48);
    assert_int_equal(f->whole, 49);
    assert_int_equal(f->octets_at, 0);
    assert_int_equal(f->octets.size, 49);
    assert_int_equal(f->octets.data[48], 1);
    assert_string_equal(f->method, "ApiAddNotifyKey");
    assert_string_equal(f->syntax, "ndr");
    assert_int_equal(f->interface, 3);
    assert_true(f->little_endian);
    assert_string_equal(f->section, "MS-CMRP 3.1.4.2.62");
    assert_true(strlen(f->advice) > 0);
    assert_true(f->time.seconds >= 1704067200);
    assert_string_equal(j.connections[f->connection].client, "192.0.2.1:50000");
    judgement_free(&j);
}

static void test_finding_is_tied_to_its_event(void **state) {
    struct judgement j = judge(FLAG, NULL);
    const struct judge_case *c = find_case(&j, "encoding/client@192.0.2.1");
    const struct judge_finding *f = &j.findings[c->first_finding];
    (void)state;
    assert_true(f->event < j.event_count);
    const struct judge_event *e = &j.events[f->event];
    assert_int_equal(e->kind, JUDGE_EVENT_REQUEST);
    assert_int_equal(e->frame, f->frame);
    assert_true(e->from_client);
    assert_string_equal(e->method, "ApiAddNotifyKey");
    assert_int_equal(strncmp(e->label, "ApiAddNotifyKey", 15), 0);
    assert_true(e->findings >= 1);
    judgement_free(&j);
}

static void test_long_stubs_are_quoted_in_part(void **state) {
    struct judgement j =
        judge("seq-encoding-octets-behind-the-stub", &(struct judge_options){.should = true});
    const struct judge_case *c = find_case(&j, "encoding/server@192.0.2.2");
    const struct judge_finding *f = &j.findings[c->first_finding];
    (void)state;
    assert_int_equal(f->level, JUDGE_SHOULD);
    assert_int_equal(f->place, JUDGE_RESPONSE);
    assert_int_equal(f->whole, 12);
    assert_int_equal(f->octets.size, 12);
    judgement_free(&j);
}

// Of a bind there is no stub: the octets are those of the PDU.
static void test_binds_are_quoted(void **state) {
    static const char *const patterns[] = {"interface-version"};
    struct judgement j = judge("seq-bind-interface-version",
                               &(struct judge_options){.patterns = patterns, .pattern_count = 1});
    (void)state;
    assert_int_equal(j.finding_count, 1);
    const struct judge_finding *f = &j.findings[0];
    assert_false(f->of_call);
    assert_int_equal(f->place, JUDGE_PDU);
    assert_true(f->whole > f->offset + f->size);
    assert_true(f->octets_at <= f->offset && f->offset < f->octets_at + f->octets.size);
    assert_int_equal(f->octets.data[f->offset - f->octets_at], 4);
    assert_int_equal(j.events[f->event].kind, JUDGE_EVENT_BIND);
    judgement_free(&j);
}

// ---- events -------------------------------------------------------------------------------------

static void test_events_in_order(void **state) {
    struct judgement j = judge(LEGAL, NULL);
    size_t requests = 0, responses = 0, binds = 0;
    (void)state;
    for (size_t i = 0; i < j.event_count; i++) {
        requests += j.events[i].kind == JUDGE_EVENT_REQUEST;
        responses += j.events[i].kind == JUDGE_EVENT_RESPONSE;
        binds += j.events[i].kind == JUDGE_EVENT_BIND;
        assert_true(i == 0 || j.events[i].frame >= j.events[i - 1].frame);
        assert_int_equal(j.events[i].left_out, 0);
    }
    assert_int_equal(requests, 9);
    assert_int_equal(responses, 9);
    assert_int_equal(binds, 2);
    assert_int_equal(j.calls, 9);
    assert_int_equal(j.complete, 9);
    assert_int_equal(j.connection_count, 2);
    assert_int_equal(j.more_events, 0);
    judgement_free(&j);
}

static void test_names_of_handles(void **state) {
    struct judgement j = judge(LEGAL, NULL);
    bool named = false;
    (void)state;
    for (size_t i = 0; i < j.event_count; i++) {
        named = named || (j.events[i].kind == JUDGE_EVENT_REQUEST &&
                          strstr(j.events[i].label, "notify#1  key#1") != NULL);
    }
    assert_true(named);
    judgement_free(&j);
}

static void test_events_are_bounded_and_counted(void **state) {
    struct judgement all = judge(FLAG, NULL);
    (void)state;
    for (size_t limit = 1; limit <= all.event_count + 2; limit++) {
        struct judgement j = judge(FLAG, &(struct judge_options){.limits = {.events = limit}});
        uint64_t sum = j.event_count + j.more_events;
        for (size_t i = 0; i < j.event_count; i++) {
            sum += j.events[i].left_out;
        }
        assert_true(j.event_count <= limit);
        assert_int_equal(sum, all.event_count);
        for (size_t i = 0; i < j.finding_count; i++) {
            assert_true(j.findings[i].event == JUDGE_NONE || j.findings[i].event < j.event_count);
        }
        judgement_free(&j);
    }
    judgement_free(&all);
}

// ---- limits -------------------------------------------------------------------------------------

static void test_findings_are_bounded_and_counted(void **state) {
    struct judgement j = judge(TWO, &(struct judge_options){.limits = {.case_findings = 1}});
    const struct judge_case *c = find_case(&j, "encoding/client@192.0.2.1");
    (void)state;
    assert_int_equal(c->found, 2);
    assert_int_equal(c->kept, 1);
    assert_true(j.more_findings >= 1);
    judgement_free(&j);
    j = judge(TWO, &(struct judge_options){.limits = {.findings = 1}});
    uint64_t found = 0;
    for (size_t i = 0; i < j.case_count; i++) {
        found += j.cases[i].found;
    }
    assert_int_equal(j.finding_count, 1);
    assert_int_equal(j.more_findings, found - 1);
    judgement_free(&j);
}

static void test_connections_are_bounded(void **state) {
    struct judgement j = judge(LEGAL, &(struct judge_options){.limits = {.connections = 1}});
    (void)state;
    assert_int_equal(j.connection_count, 1);
    assert_true(j.more_connections > 0);
    judgement_free(&j);
}

// ---- selection ----------------------------------------------------------------------------------

static void assert_selects(const char *pattern, bool should, size_t cases) {
    const char *const patterns[] = {pattern};
    struct judgement j = judge(
        FLAG, &(struct judge_options){.patterns = patterns, .pattern_count = 1, .should = should});
    assert_int_equal(j.case_count, cases);
    judgement_free(&j);
}

static void test_patterns(void **state) {
    static const char *const absent[] = {"*/server@192.0.2.9"};
    (void)state;
    assert_refused(FLAG, &(struct judge_options){.patterns = absent, .pattern_count = 1},
                   "matches no rule, no requirement of one, and no case");
    assert_selects("encoding", false, 2);
    assert_selects("encoding/client@192.0.2.1", false, 1);
    assert_selects("encoding/*", false, 2);
}

static void test_patterns_by_requirement(void **state) {
    const char *const patterns[] = {"CMRP-T-008"};
    struct judgement j =
        judge(FLAG, &(struct judge_options){.patterns = patterns, .pattern_count = 1});
    (void)state;
    assert_int_equal(j.case_count, 1);
    assert_string_equal(j.cases[0].requirement, "CMRP-T-008");
    assert_int_equal(j.rules, 1);
    assert_int_equal(j.not_exercised_count, 0);
    assert_int_equal(j.finding_count, j.cases[0].kept);
    judgement_free(&j);
}

static void test_patterns_refused(void **state) {
    static const char *const nothing[] = {"encoding", "no-such-rule"};
    static const char *const should[] = {"authentication-level-exact-p3"};
    (void)state;
    assert_refused(FLAG, &(struct judge_options){.patterns = nothing, .pattern_count = 2},
                   "\"no-such-rule\" matches no rule");
    assert_refused(FLAG, &(struct judge_options){.patterns = should, .pattern_count = 1},
                   "--level should");
    struct judgement j = judge(
        FLAG, &(struct judge_options){.patterns = should, .pattern_count = 1, .should = true});
    assert_int_equal(j.rules, 1);
    judgement_free(&j);
}

static void test_shoulds_are_counted_where_not_asked_for(void **state) {
    struct judgement j = judge("seq-encoding-octets-behind-the-stub",
                               &(struct judge_options){.patterns = ENCODING, .pattern_count = 1});
    (void)state;
    assert_int_equal(j.unselected_should, 1);
    assert_int_equal(find_case(&j, "encoding/server@192.0.2.2")->verdict, VERDICT_PASS);
    assert_int_equal(judgement_outcome(&j), OUTCOME_OK);
    judgement_free(&j);
    j = judge("seq-encoding-octets-behind-the-stub",
              &(struct judge_options){.patterns = ENCODING, .pattern_count = 1, .should = true});
    assert_int_equal(j.unselected_should, 0);
    assert_int_equal(find_case(&j, "encoding/server@192.0.2.2")->verdict, VERDICT_FAIL);
    assert_int_equal(judgement_outcome(&j), OUTCOME_FINDINGS);
    judgement_free(&j);
}

// ---- expected failures --------------------------------------------------------------------------

static struct judge_options expecting(struct xfail_line *line, const char *glob,
                                      struct xfail *xfail) {
    *line = (struct xfail_line){
        .glob = util_strdup(glob), .verdict = VERDICT_FAIL, .reason = NULL, .number = 3};
    *xfail = (struct xfail){line, 1};
    return (struct judge_options){
        .patterns = ENCODING, .pattern_count = 1, .xfail = xfail, .xfail_path = "x"};
}

static void test_xfail(void **state) {
    struct xfail_line line;
    struct xfail xfail;
    struct judge_options o = expecting(&line, "encoding/client@*", &xfail);
    struct judgement j = judge(FLAG, &o);
    (void)state;
    assert_int_equal(find_case(&j, "encoding/client@192.0.2.1")->verdict, VERDICT_XFAIL);
    assert_int_equal(find_case(&j, "encoding/server@192.0.2.2")->verdict, VERDICT_PASS);
    assert_int_equal(judgement_outcome(&j), OUTCOME_OK);
    assert_int_equal(j.counts[JUDGE_MUST].verdicts[VERDICT_XFAIL], 1);
    judgement_free(&j);
    free(line.glob);

    o = expecting(&line, "encoding", &xfail);
    j = judge(LEGAL, &o);
    assert_int_equal(find_case(&j, "encoding/client@192.0.2.1")->verdict, VERDICT_XPASS);
    assert_int_equal(judgement_outcome(&j), OUTCOME_FINDINGS);
    judgement_free(&j);
    free(line.glob);

    o = expecting(&line, "encoding/client@192.0.2.77", &xfail);
    assert_refused(LEGAL, &o, "x: line 3: \"encoding/client@192.0.2.77\" matches no case");
    free(line.glob);
}

// ---- captures without anything ------------------------------------------------------------------

static struct judgement judge_octets(const uint8_t *data, size_t size) {
    const struct judge_options o = {.name = "x"};
    struct judgement j;
    char *error = NULL;
    assert_true(judge_memory(&o, (cmrp_view){data, size}, &j, &error));
    return j;
}

static void test_damaged(void **state) {
    struct buffer octets = capture_of(FLAG);
    (void)state;
    struct judgement j = judge_octets((const uint8_t *)"no capture at all, but text", 27);
    assert_true(j.failed && !j.cut);
    assert_non_null(j.failure);
    assert_int_equal(judgement_outcome(&j), OUTCOME_USAGE);
    judgement_free(&j);

    j = judge_octets(octets.data, 24);
    assert_false(j.failed);
    assert_int_equal(j.case_count, 0);
    assert_int_equal(judgement_outcome(&j), OUTCOME_USAGE);
    judgement_free(&j);

    j = judge_octets(octets.data, octets.size - 1);
    assert_true(j.failed && j.cut);
    assert_int_equal(find_case(&j, "encoding/client@192.0.2.1")->verdict, VERDICT_FAIL);
    assert_int_equal(judgement_outcome(&j), OUTCOME_FINDINGS);
    judgement_free(&j);
    buffer_free(&octets);
}

static void test_parties_add_up(void **state) {
    struct judgement j = judge(FLAG, &(struct judge_options){.should = true});
    (void)state;
    assert_int_equal(j.party_count, 2);
    for (int level = 0; level < JUDGE_LEVELS; level++) {
        size_t cases = 0;
        uint64_t findings = 0;
        for (size_t i = 0; i < j.party_count; i++) {
            cases += j.parties[i].counts[level].cases;
            findings += j.parties[i].counts[level].findings;
        }
        assert_int_equal(cases, j.counts[level].cases);
        assert_int_equal(findings, j.counts[level].findings);
    }
    assert_string_equal(j.parties[0].address, "192.0.2.1");
    assert_int_equal(j.parties[0].role, RULES_CLIENT);
    assert_int_equal(j.parties[0].calls, 9);
    assert_int_equal(j.rules - j.not_exercised_count > 0, 1);
    judgement_free(&j);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_finding_points_at_octets),
        cmocka_unit_test(test_finding_is_tied_to_its_event),
        cmocka_unit_test(test_long_stubs_are_quoted_in_part),
        cmocka_unit_test(test_binds_are_quoted),
        cmocka_unit_test(test_events_in_order),
        cmocka_unit_test(test_names_of_handles),
        cmocka_unit_test(test_events_are_bounded_and_counted),
        cmocka_unit_test(test_findings_are_bounded_and_counted),
        cmocka_unit_test(test_connections_are_bounded),
        cmocka_unit_test(test_patterns),
        cmocka_unit_test(test_patterns_by_requirement),
        cmocka_unit_test(test_patterns_refused),
        cmocka_unit_test(test_shoulds_are_counted_where_not_asked_for),
        cmocka_unit_test(test_xfail),
        cmocka_unit_test(test_damaged),
        cmocka_unit_test(test_parties_add_up),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
