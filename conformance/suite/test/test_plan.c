// SPDX-License-Identifier: Apache-2.0
// The catalogue, plans and their selection, expected failures, and the judge.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "suite/judge.h"
#include "suite/xfail.h"
#include "util/file.h"

static struct vector_set set;
static struct catalogue catalogue;
static char path[] = "/tmp/cmrp-plan-XXXXXX";

static void write_text(const char *text) {
    char *error = NULL;
    assert_true(file_write(path, (cmrp_view){(const uint8_t *)text, strlen(text)}, &error));
}

static void assert_contains(const char *text, const char *part) {
    if (text == NULL || strstr(text, part) == NULL) {
        fail_msg("\"%s\" does not contain \"%s\"", text != NULL ? text : "(null)", part);
    }
}

// ---- catalogue ----------------------------------------------------------------------------------

#define HEADER         "id\tsection\trole\tlevel\tprotocol\tmethods/structs\tstatement\ttestable\tstatus\n"
#define ROW(id, level) id "\t2.2\tcodec\t" level "\tv3\tX\tIt does.\tvector\tcovered\n"

static void test_catalogue(void **state) {
    struct catalogue c;
    char *error = NULL;
    struct buffer cited = {0};
    (void)state;
    write_text(HEADER ROW("CMRP-X-001", "MUST") ROW("CMRP-X-002", "MAY") "CMRP-X-003\tC706 12\tr\t"
                                                                         "SHOULD\tp\tm\ts\tt\t");
    assert_true(catalogue_load(path, &c, &error));
    assert_int_equal(c.count, 3);
    const struct requirement *r = catalogue_find(&c, "CMRP-X-002");
    assert_non_null(r);
    assert_int_equal(r->level, LEVEL_MAY);
    assert_string_equal(r->statement, "It does.");
    assert_string_equal(r->status, "covered");
    catalogue_cite(&cited, r);
    assert_string_equal(buffer_text(&cited), "MS-CMRP 2.2");
    buffer_clear(&cited);
    catalogue_cite(&cited, catalogue_find(&c, "CMRP-X-003"));
    assert_string_equal(buffer_text(&cited), "C706 12");
    assert_null(catalogue_find(&c, "CMRP-X-004"));
    buffer_free(&cited);
    catalogue_free(&c);
}

static void test_broken_catalogues(void **state) {
    static const struct {
        const char *text;
        const char *error;
    } rows[] = {
        {"", "line 1: no requirements"},
        {HEADER, "no requirements"},
        {"id\tsection\n", "line 1: not 9 columns"},
        {"id\tsections\trole\tlevel\tprotocol\tmethods/structs\tstatement\ttestable\tstatus\n",
         "line 1: column 2 is not \"section\""},
        {HEADER "CMRP-X-001\t2.2\n", "line 2: not 9 columns"},
        {HEADER ROW("CMRP-X-001", "MUST\tMUST"), "line 2: not 9 columns"},
        {HEADER ROW("X-001", "MUST"), "line 2: the id"},
        {HEADER ROW("CMRP-X-001", "MUST NOT"), "line 2: the level of CMRP-X-001"},
        {HEADER ROW("CMRP-X-001", "MUST") ROW("CMRP-X-001", "MAY"),
         "line 3: CMRP-X-001 stands here twice"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct catalogue c;
        char *error = NULL;
        write_text(rows[i].text);
        assert_false(catalogue_load(path, &c, &error));
        assert_contains(error, rows[i].error);
        assert_contains(error, path);
        free(error);
    }
}

// ---- plans --------------------------------------------------------------------------------------

static void expect_plan(const char *const *patterns, size_t n, enum requirement_level level,
                        const char *const *ids, size_t vectors) {
    const struct plan_selection selection = {patterns, n, level};
    struct plan plan;
    char *error = NULL;
    size_t i;
    assert_true(plan_make(&set, &catalogue, &selection, &plan, &error));
    for (i = 0; ids[i] != NULL; i++) {
        assert_true(i < plan.count);
        assert_string_equal(plan.cases[i].id, ids[i]);
        assert_int_equal(plan.cases[i].result.verdict, VERDICT_PENDING);
    }
    assert_int_equal(plan.count, i);
    assert_int_equal(plan.vectors, vectors);
    plan_free(&plan);
}

static void test_selection(void **state) {
    static const char *const all[] = {
        "change-may/decode",     "change-may/encode",     "change-must/decode",
        "change-must/encode",    "change-should/decode",  "change-should/encode",
        "change-uncited/decode", "change-refusal/encode", NULL};
    static const char *const must[] = {"change-must/decode", "change-must/encode", NULL};
    static const char *const should[] = {"change-must/decode", "change-must/encode",
                                         "change-should/decode", "change-should/encode", NULL};
    static const char *const encode[] = {"change-must/encode", NULL};
    static const char *const none[] = {NULL};
    (void)state;
    expect_plan(NULL, 0, LEVEL_NONE, all, 5);
    expect_plan(NULL, 0, LEVEL_MUST, must, 1);
    expect_plan(NULL, 0, LEVEL_SHOULD, should, 2);
    expect_plan((const char *[]){"change-must"}, 1, LEVEL_NONE, must, 1);
    expect_plan((const char *[]){"change-must/encode"}, 1, LEVEL_NONE, encode, 1);
    expect_plan((const char *[]){"change-*", "change-must"}, 2, LEVEL_NONE, all, 5);
    expect_plan((const char *[]){"*/encode"}, 1, LEVEL_MUST, encode, 1);
    expect_plan((const char *[]){"change-[m]ust/*"}, 1, LEVEL_NONE, must, 1);
    expect_plan((const char *[]){"change-may"}, 1, LEVEL_MUST, none, 0);
}

static void test_pattern_without_match(void **state) {
    static const char *const patterns[] = {"change-must", "change-mustard"};
    const struct plan_selection selection = {patterns, 2, LEVEL_NONE};
    struct plan plan;
    char *error = NULL;
    (void)state;
    assert_false(plan_make(&set, &catalogue, &selection, &plan, &error));
    assert_contains(error, "\"change-mustard\" matches no vector and no case");
    assert_int_equal(plan.count, 0);
    free(error);
}

static void test_unknown_citation(void **state) {
    const struct plan_selection selection = {0};
    struct catalogue other;
    struct plan plan;
    char *error = NULL;
    (void)state;
    write_text(HEADER ROW("CMRP-X-001", "MUST"));
    assert_true(catalogue_load(path, &other, &error));
    assert_false(plan_make(&set, &other, &selection, &plan, &error));
    assert_contains(error, "/tests/0/requirements/0: CMRP-X-003 is not in the catalogue");
    free(error);
    catalogue_free(&other);
}

// ---- expected failures --------------------------------------------------------------------------

static void test_xfail_files(void **state) {
    static const struct {
        const char *text;
        const char *error; // NULL: it is right
    } rows[] = {
        {"", NULL},
        {"# comment\n\n  # another\n", NULL},
        {"change-must/decode FAIL reason\n", NULL},
        {"  change-must/decode\tCRASH \t a reason of words  \r\n", NULL},
        {"change-must/decode TIMEOUT reason", NULL},
        {"change-must/decode\n", "line 1: the verdict"},
        {"# one\nchange-must/decode PASS reason\n", "line 2: the verdict"},
        {"change-must/decode XFAIL reason\n", "line 1: the verdict"},
        {"change-must/decode fail reason\n", "line 1: the verdict"},
        {"change-must/decode FAIL\n", "line 1: no reason"},
        {"change-must/decode FAIL   \n", "line 1: no reason"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct xfail xfail;
        char *error = NULL;
        write_text(rows[i].text);
        assert_int_equal(xfail_load(path, &xfail, &error), rows[i].error == NULL);
        if (rows[i].error != NULL) {
            assert_contains(error, rows[i].error);
        }
        free(error);
        xfail_free(&xfail);
    }
}

// Loads the text and attaches it to a plan of change-must. Returns the error or NULL.
static char *apply(const char *text, struct xfail *xfail, struct plan *plan) {
    static const char *const patterns[] = {"change-must"};
    const struct plan_selection selection = {patterns, 1, LEVEL_NONE};
    char *error = NULL;
    write_text(text);
    assert_true(plan_make(&set, &catalogue, &selection, plan, &error));
    assert_true(xfail_load(path, xfail, &error));
    xfail_apply(xfail, path, &set, plan, &error);
    return error;
}

static void expect_apply_error(const char *text, const char *expected) {
    struct xfail xfail;
    struct plan plan;
    char *error = apply(text, &xfail, &plan);
    assert_contains(error, expected);
    free(error);
    plan_free(&plan);
    xfail_free(&xfail);
}

static void test_xfail_lines(void **state) {
    struct xfail xfail;
    struct plan plan;
    (void)state;
    assert_null(apply("change-may FAIL outside of the selection\n"
                      "change-must/encode  CRASH  it falls  \n"
                      "change-*  FAIL  all others\n",
                      &xfail, &plan));
    assert_int_equal(plan.count, 2);
    assert_int_equal(plan.cases[0].xfail->verdict, VERDICT_FAIL);
    assert_int_equal(plan.cases[1].xfail->verdict, VERDICT_CRASH);
    assert_string_equal(plan.cases[1].xfail->reason, "it falls");
    plan_free(&plan);
    xfail_free(&xfail);
    expect_apply_error("change-must FAIL x\nchange-nothing FAIL x\n", "line 2: \"change-nothing\"");
    expect_apply_error("change-* FAIL x\nchange-must FAIL x\n", "line 2: \"change-must\"");
    expect_apply_error("change-refusal/decode FAIL x\n", "line 1: \"change-refusal/decode\"");
}

static void test_xfail_verdicts(void **state) {
    const struct xfail_line line = {NULL, VERDICT_CRASH, NULL, 1};
    (void)state;
    assert_int_equal(xfail_verdict(&line, VERDICT_CRASH), VERDICT_XFAIL);
    assert_int_equal(xfail_verdict(&line, VERDICT_PASS), VERDICT_XPASS);
    assert_int_equal(xfail_verdict(&line, VERDICT_FAIL), VERDICT_FAIL);
    assert_int_equal(xfail_verdict(&line, VERDICT_TIMEOUT), VERDICT_TIMEOUT);
    assert_int_equal(xfail_verdict(&line, VERDICT_UNSUPPORTED), VERDICT_UNSUPPORTED);
    assert_int_equal(xfail_verdict(&line, VERDICT_NOTRUN), VERDICT_NOTRUN);
    for (int v = 0; v < VERDICT_COUNT; v++) {
        assert_int_equal(xfail_verdict(NULL, (enum verdict)v), v);
    }
}

// ---- judge --------------------------------------------------------------------------------------

static void check_judgement(const struct vector *v, enum case_op op, const struct answer *answer,
                            enum verdict verdict, const char *got) {
    const struct suite_case c = {.vector = v, .op = op};
    struct case_result r = {.verdict = VERDICT_PENDING};
    judge(&c, answer, &r);
    if (r.verdict != verdict) {
        fail_msg("%s: %s (%s), expected %s", v->id, verdict_name(r.verdict),
                 r.got != NULL ? r.got : "", verdict_name(verdict));
    }
    if (got != NULL) {
        assert_contains(r.got, got);
    }
    assert_int_equal(r.verdict == VERDICT_FAIL, r.expected != NULL);
    case_result_free(&r);
}

static void expect_decoded(const struct vector *v, const char *text, enum verdict verdict,
                           const char *got) {
    json_t *value = json_loads(text, JSON_DECODE_ANY, NULL);
    assert_non_null(value);
    const struct answer answer = {ANSWER_VALUE, value, NULL};
    check_judgement(v, CASE_DECODE, &answer, verdict, got);
    json_decref(value);
}

static void expect_said(const struct vector *v, enum case_op op, enum answer_kind kind,
                        const char *text, enum verdict verdict, const char *got) {
    const struct answer answer = {kind, NULL, text};
    check_judgement(v, op, &answer, verdict, got);
}

static void test_judge_decode(void **state) {
    const struct vector *valid = vector_find(&set, "change-must");
    const struct vector *acceptable = vector_find(&set, "change-may");
    const struct vector *invalid = vector_find(&set, "change-uncited");
    (void)state;
    expect_decoded(valid, "{\"set\":\"CLUSTER_CHANGE\",\"value\":4096}", VERDICT_PASS, NULL);
    expect_decoded(valid, "{\"set\":\"CLUSTER_CHANGE\",\"names\":[\"CLUSTER_CHANGE_GROUP_STATE\"]}",
                   VERDICT_PASS, NULL);
    expect_decoded(valid, "{\"set\":\"CLUSTER_CHANGE\",\"value\":4097}", VERDICT_FAIL, "4097");
    expect_decoded(valid, "{\"set\":\"CLUSTER_CHANGE\",\"value\":4096,\"odd\":1}", VERDICT_FAIL,
                   "");
    expect_decoded(valid, "[]", VERDICT_FAIL, "value []");
    expect_decoded(valid, "null", VERDICT_FAIL, "value null");
    expect_said(valid, CASE_DECODE, ANSWER_ERROR, "no", VERDICT_FAIL, "the error \"no\"");
    expect_said(valid, CASE_DECODE, ANSWER_HEX, "00100000", VERDICT_FAIL, "hex 00100000");
    expect_said(valid, CASE_DECODE, ANSWER_UNSUPPORTED, "no", VERDICT_UNSUPPORTED, "no");
    expect_said(acceptable, CASE_DECODE, ANSWER_ERROR, "no", VERDICT_PASS, NULL);
    expect_decoded(acceptable, "{\"set\":\"CLUSTER_OBJECT_TYPE\",\"value\":17}", VERDICT_PASS,
                   NULL);
    expect_decoded(acceptable, "{\"set\":\"CLUSTER_OBJECT_TYPE\",\"value\":1}", VERDICT_FAIL, NULL);
    expect_said(invalid, CASE_DECODE, ANSWER_ERROR, "whatever", VERDICT_PASS, NULL);
    expect_decoded(invalid, "{\"set\":\"CLUSTER_CHANGE\",\"value\":1}", VERDICT_FAIL, "value {");
}

static void test_judge_encode(void **state) {
    const struct vector *valid = vector_find(&set, "change-must");
    const struct vector *acceptable = vector_find(&set, "change-may");
    const struct vector *refusal = vector_find(&set, "change-refusal");
    (void)state;
    expect_said(valid, CASE_ENCODE, ANSWER_HEX, "00100000", VERDICT_PASS, NULL);
    expect_said(valid, CASE_ENCODE, ANSWER_HEX, "00110000", VERDICT_FAIL, "11 (4 octets)");
    expect_said(valid, CASE_ENCODE, ANSWER_HEX, "0010000000", VERDICT_FAIL, "00 (5 octets)");
    expect_said(valid, CASE_ENCODE, ANSWER_HEX, "001000", VERDICT_FAIL, "the end (3 octets)");
    expect_said(valid, CASE_ENCODE, ANSWER_HEX, "0010000", VERDICT_FAIL, "not hex");
    expect_said(valid, CASE_ENCODE, ANSWER_ERROR, "no", VERDICT_FAIL, "the error");
    expect_said(acceptable, CASE_ENCODE, ANSWER_ERROR, "no", VERDICT_PASS, NULL);
    expect_said(refusal, CASE_ENCODE, ANSWER_ERROR, "no", VERDICT_PASS, NULL);
    expect_said(refusal, CASE_ENCODE, ANSWER_HEX, "00000000", VERDICT_FAIL, "hex 00000000");
    expect_said(refusal, CASE_ENCODE, ANSWER_UNSUPPORTED, "no", VERDICT_UNSUPPORTED, NULL);
}

// A stub may have other referents and counts of its own; not other values, and nothing behind it.
static void test_judge_stub(void **state) {
    struct vector_set stubs = {0};
    char *error = NULL;
    (void)state;
    assert_true(vector_set_add_file(&stubs, CMRP_SOURCE_DIR "/conformance/suite/test/stub.json",
                                    JSON_TYPE_STUB, &error));
    const struct vector *v = &stubs.vectors[0];
    static const struct {
        const char *hex;
        enum verdict verdict;
        const char *got;
    } rows[] = {
        {"0000020003000000000000000300000041004200000000000400020002000000000000000200000043000000"
         "00000000",
         VERDICT_PASS, NULL},
        {"0100000003000000000000000300000041004200000077770500000002000000000000000200000043000000"
         "00000000",
         VERDICT_PASS, NULL},
        {"0000020003000000000000000300000041004400000000000400020002000000000000000200000043000000"
         "00000000",
         VERDICT_FAIL, "octets that decode to \"AD\""},
        {"0000020003000000000000000300000041004200000000000400020002000000000000000200000043000000"
         "0000000000",
         VERDICT_FAIL, "behind the end"},
        {"00000200", VERDICT_FAIL, "octets that do not decode: offset 4: "},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        expect_said(v, CASE_ENCODE, ANSWER_HEX, rows[i].hex, rows[i].verdict, rows[i].got);
    }
    vector_set_free(&stubs);
}

static void expect_encoded(const char *file, enum json_type type, const char *id, const char *hex,
                           enum verdict verdict) {
    struct vector_set vectors = {0};
    char *error = NULL;
    char *whole = util_format(CMRP_SOURCE_DIR "/vectors/%s", file);
    assert_true(vector_set_add_file(&vectors, whole, type, &error));
    const struct vector *v = vector_find(&vectors, id);
    assert_non_null(v);
    expect_said(v, CASE_ENCODE, ANSWER_HEX, hex, verdict,
                verdict == VERDICT_FAIL ? "behind the end" : NULL);
    vector_set_free(&vectors);
    free(whole);
}

// A vector's octets with something behind the end are no model for writers: its value does not hold
// that. Where the value does hold what follows, it belongs there.
static void test_judge_behind_the_end(void **state) {
    static const char pdu[] = "05000003100000001800000009000000000000000000370000";
    static const char request[] = "000000000000000000000000000000000000000000000000000000000100000"
                                  "00000";
    static const char towers[] = "00000100";
    (void)state;
    char *cut = util_strdup(pdu);
    cut[strlen(cut) - 2] = '\0';
    expect_encoded("pdu/call.json", JSON_TYPE_PDU, "pdu-request-trailing-octet", cut, VERDICT_PASS);
    expect_encoded("pdu/call.json", JSON_TYPE_PDU, "pdu-request-trailing-octet", pdu, VERDICT_FAIL);
    free(cut);
    expect_encoded("stub/encoding.json", JSON_TYPE_STUB, "stub-createnotify-req-trailing-ndr", "",
                   VERDICT_PASS);
    expect_encoded("stub/encoding.json", JSON_TYPE_STUB, "stub-createnotify-req-trailing-ndr", "00",
                   VERDICT_FAIL);
    expect_encoded("tower/ept-map.json", JSON_TYPE_TOWER, "tower-request-trailing", request,
                   VERDICT_FAIL);
    expect_encoded("tower/forms.json", JSON_TYPE_TOWER, "tower-trailing-behind-none", towers,
                   VERDICT_PASS);
}

// Text of a testee cannot play tricks on a terminal, and is cut.
static void test_judge_shows_safely(void **state) {
    const struct vector *v = vector_find(&set, "change-must");
    char *longer = util_format("\033[2J%0*d", 5000, 0);
    (void)state;
    expect_said(v, CASE_DECODE, ANSWER_ERROR, longer, VERDICT_FAIL, "\\x1b[2J000");
    expect_said(v, CASE_DECODE, ANSWER_ERROR, longer, VERDICT_FAIL, "(5004 in all)");
    expect_decoded(v, "{\"a\\\"b\":\"\\u202e\"}", VERDICT_FAIL, NULL);
    free(longer);
}

static int load(void **state) {
    char *error = NULL;
    (void)state;
    const int fd = mkstemp(path);
    if (fd < 0) {
        return -1;
    }
    close(fd);
    write_text(HEADER ROW("CMRP-X-001", "MUST") ROW("CMRP-X-002", "SHOULD")
                   ROW("CMRP-X-003", "MAY"));
    if (!catalogue_load(path, &catalogue, &error) ||
        !vector_set_add_file(&set, CMRP_SOURCE_DIR "/conformance/suite/test/plan.json",
                             JSON_TYPE_CHANGE, &error)) {
        fprintf(stderr, "%s\n", error);
        free(error);
        return -1;
    }
    return 0;
}

static int unload(void **state) {
    (void)state;
    catalogue_free(&catalogue);
    vector_set_free(&set);
    return unlink(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_catalogue),          cmocka_unit_test(test_broken_catalogues),
        cmocka_unit_test(test_selection),          cmocka_unit_test(test_pattern_without_match),
        cmocka_unit_test(test_unknown_citation),   cmocka_unit_test(test_xfail_files),
        cmocka_unit_test(test_xfail_lines),        cmocka_unit_test(test_xfail_verdicts),
        cmocka_unit_test(test_judge_decode),       cmocka_unit_test(test_judge_encode),
        cmocka_unit_test(test_judge_stub),         cmocka_unit_test(test_judge_behind_the_end),
        cmocka_unit_test(test_judge_shows_safely),
    };
    return cmocka_run_group_tests(tests, load, unload);
}
