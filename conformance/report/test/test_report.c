// SPDX-License-Identifier: Apache-2.0
// The forms of a report against golden files: every verdict, hostile text, the colours, a testee
// that could not be started. To write the golden files anew, run the test with CMRP_WRITE_GOLDEN=1
// and read the difference.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <libxml/parser.h>

#include "golden.h"
#include "report/clean.h"
#include "report/report.h"
#include "suite/xfail.h"

#define FOLDER CMRP_SOURCE_DIR "/conformance/report/test/"

static struct vector_set set;
static struct catalogue catalogue;
static struct plan plan;
static struct report report;

// Hostile on a terminal, forbidden in XML, invalid in UTF-8.
static const char OUTPUT[] = "first \033[31mline\nsecond <&\"'> \xff\xef\xbf\xbf end\x01\n";

// A value that would end a script, and turn text around.
static const char ANSWER[] = "{\"set\":\"</script><b>\\u202e\xe2\x80\xae</b>\",\"value\":4097}";

static struct xfail_line known = {NULL, VERDICT_FAIL, (char *)"known since \033 1.2", 1};

static void set_case(size_t i, enum verdict verdict, const char *expected, const char *got,
                     double seconds) {
    struct case_result *r = &plan.cases[i].result;
    r->verdict = verdict;
    r->expected = expected != NULL ? util_strdup(expected) : NULL;
    r->got = got != NULL ? util_strdup(got) : NULL;
    r->seconds = seconds;
}

static void set_answer(size_t i, const char *pointer, const char *answer) {
    struct case_result *r = &plan.cases[i].result;
    r->pointer = pointer != NULL ? util_strdup(pointer) : NULL;
    r->answer = util_strdup(answer);
    r->answer_size = strlen(answer);
}

// One case of each verdict.
static void fill_plan(void) {
    assert_int_equal(plan.count, VERDICT_COUNT);
    set_case(0, VERDICT_PASS, NULL, NULL, 0.001);
    set_case(1, VERDICT_FAIL, "offset 0: 11 (4 octets)", "10 (4 octets)", 0.002);
    set_answer(1, NULL, "10000000");
    set_case(2, VERDICT_XFAIL, "/value 4096", "4097", 0.003);
    set_answer(2, "/value", ANSWER);
    set_case(3, VERDICT_XPASS, NULL, NULL, 0.25);
    set_case(4, VERDICT_UNSUPPORTED, NULL, "not yet", 0);
    set_case(5, VERDICT_CRASH, "hex 00200000", "it was killed by signal 11 (Segmentation fault)",
             0.5);
    set_case(6, VERDICT_TIMEOUT, "an error (truncated)", "no answer within 10 s", 10);
    set_case(7, VERDICT_NOTRUN, NULL, "the run was ended before its turn", 0);
    plan.cases[2].xfail = &known;
    plan.cases[3].xfail = &known;
    plan.cases[5].result.output = util_strdup(OUTPUT);
}

// ---- golden files -------------------------------------------------------------------------------

static void test_text(void **state) {
    struct buffer out = {0};
    (void)state;
    report_plan(&report, &out);
    report_text(&report, &out);
    golden_compare("findings.txt", &out);
}

static void test_verbose(void **state) {
    struct report r = report;
    struct buffer out = {0};
    (void)state;
    r.verbose = true;
    r.colour = true;
    report_plan(&r, &out);
    report_text(&r, &out);
    golden_compare("verbose.txt", &out);
}

static void test_json(void **state) {
    struct buffer out = {0};
    (void)state;
    report_json(&report, &out);
    golden_compare("report.json", &out);
}

static void test_html(void **state) {
    struct buffer out = {0};
    (void)state;
    report_html(&report, &out);
    golden_compare_page("report.html", &out);
}

static void test_junit(void **state) {
    struct buffer out = {0};
    (void)state;
    report_junit(&report, &out);
    xmlDocPtr document = xmlReadMemory((const char *)out.data, (int)out.size, "report", NULL,
                                       XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
    assert_non_null(document);
    xmlFreeDoc(document);
    golden_compare("report.xml", &out);
}

// Nothing to complain of: no case is listed.
static void test_all_well(void **state) {
    static const char *const patterns[] = {"change-must"};
    const struct plan_selection selection = {patterns, 1, LEVEL_NONE};
    struct plan two;
    struct report r = report;
    char *error = NULL;
    struct buffer out = {0};
    (void)state;
    assert_true(plan_make(&set, NULL, &selection, &two, &error));
    two.cases[0].result.verdict = VERDICT_PASS;
    two.cases[1].result.verdict = VERDICT_PASS;
    r.plan = &two;
    r.note_count = 0;
    report_text(&r, &out);
    plan_free(&two);
    golden_compare("well.txt", &out);
}

// A testee that never said its name.
static void test_unreached(void **state) {
    static const bool none[JSON_TYPES] = {false};
    static const char *const patterns[] = {"change-must"};
    const struct plan_selection selection = {patterns, 1, LEVEL_NONE};
    struct plan two;
    struct report r = report;
    char *error = NULL;
    struct buffer out = {0};
    (void)state;
    assert_true(plan_make(&set, NULL, &selection, &two, &error));
    two.cases[0].result.verdict = VERDICT_NOTRUN;
    two.cases[1].result.verdict = VERDICT_NOTRUN;
    r.plan = &two;
    r.catalogue = NULL;
    r.testee_name = "";
    r.testee_version = "";
    r.testee_types = none;
    r.failure = "it ended with status 1";
    r.failure_output = OUTPUT;
    report_plan(&r, &out);
    report_text(&r, &out);
    report_json(&r, &out);
    report_junit(&r, &out);
    report_html(&r, &out);
    plan_free(&two);
    golden_compare_page("unreached.txt", &out);
}

// ---- text of unknown origin ---------------------------------------------------------------------

static void expect_clean(void (*clean)(struct buffer *, const char *), const char *given,
                         const char *expected) {
    struct buffer out = {0};
    clean(&out, given);
    assert_string_equal(buffer_text(&out), expected);
    buffer_free(&out);
}

#define R "\xef\xbf\xbd"

static void test_clean(void **state) {
    (void)state;
    expect_clean(clean_utf8, "a\x01\n\xc3\xa4\xf0\x9f\x98\x80", "a\x01\n\xc3\xa4\xf0\x9f\x98\x80");
    expect_clean(clean_utf8, "\xff|\xc3|\xe2\x82|\xed\xa0\x80|\xc0\x80|\xf5\x80\x80\x80|\xc3",
                 R "|" R "|" R R "|" R R R "|" R R "|" R R R R "|" R);
    expect_clean(clean_xml, "\x01\x08\t\n\x0b\x0c\r\x0e\x1f \x7f", R R "\t\n" R R "\r" R R " \x7f");
    expect_clean(clean_xml, "\xef\xbf\xbd\xef\xbf\xbe\xef\xbf\xbf\xed\x9f\xbf\xee\x80\x80",
                 R R R "\xed\x9f\xbf\xee\x80\x80");
    expect_clean(clean_xml, "", "");
}

// ---- progress -----------------------------------------------------------------------------------

static double now;

static double fake_clock(void) {
    return now;
}

static char *take(FILE *stream, char **text) {
    fflush(stream);
    return *text;
}

static void test_progress_lines(void **state) {
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    struct progress p;
    (void)state;
    progress_start(&p, stream, 40);
    assert_false(p.terminal);
    p.clock = fake_clock;
    p.last = 0;
    now = 9.9;
    progress_step(&p, 10, 0);
    assert_string_equal(take(stream, &text), "");
    now = 10;
    progress_step(&p, 20, 1);
    now = 19;
    progress_step(&p, 30, 1);
    now = 20;
    progress_step(&p, 35, 2);
    progress_end(&p);
    assert_string_equal(take(stream, &text),
                        "20 of 40 cases, 1 findings\n35 of 40 cases, 2 findings\n");
    fclose(stream);
    free(text);
}

static void test_progress_bar(void **state) {
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    struct progress p;
    (void)state;
    progress_start(&p, stream, 40);
    p.terminal = true;
    p.clock = fake_clock;
    p.last = 0;
    now = 0.05;
    progress_step(&p, 1, 0);
    now = 0.1;
    progress_step(&p, 20, 3);
    progress_end(&p);
    progress_end(&p);
    assert_string_equal(take(stream, &text),
                        "\r[####################....................] 20/40, 3 findings\r\033[K");
    fclose(stream);
    free(text);
}

// ---- main ---------------------------------------------------------------------------------------

static int load(void **state) {
    static const bool types[JSON_TYPES] = {[JSON_TYPE_BATCH] = true, [JSON_TYPE_CHANGE] = true};
    static char *const notes[] = {(char *)"at the end it was \033 killed"};
    static const char *const patterns[] = {"change-m*", "change-should", "change-uncited",
                                           "change-refusal"};
    const struct plan_selection selection = {patterns, 4, LEVEL_NONE};
    char *error = NULL;
    (void)state;
    if (!catalogue_load(FOLDER "requirements.tsv", &catalogue, &error) ||
        !vector_set_add_file(&set, CMRP_SOURCE_DIR "/conformance/suite/test/plan.json",
                             JSON_TYPE_CHANGE, &error) ||
        !plan_make(&set, &catalogue, &selection, &plan, &error)) {
        fprintf(stderr, "%s\n", error);
        free(error);
        return -1;
    }
    fill_plan();
    report = (struct report){.plan = &plan,
                             .catalogue = &catalogue,
                             .command = "./testee --quick",
                             .testee_name = "some \033 testee",
                             .testee_version = "1.2",
                             .testee_types = types,
                             .notes = notes,
                             .note_count = 1,
                             .seconds = 12.25,
                             .started = "2024-02-29T12:00:00Z"};
    return 0;
}

static int unload(void **state) {
    (void)state;
    plan_free(&plan);
    vector_set_free(&set);
    catalogue_free(&catalogue);
    xmlCleanupParser();
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),           cmocka_unit_test(test_verbose),
        cmocka_unit_test(test_json),           cmocka_unit_test(test_junit),
        cmocka_unit_test(test_html),           cmocka_unit_test(test_all_well),
        cmocka_unit_test(test_unreached),      cmocka_unit_test(test_clean),
        cmocka_unit_test(test_progress_lines), cmocka_unit_test(test_progress_bar),
    };
    return cmocka_run_group_tests(tests, load, unload);
}
