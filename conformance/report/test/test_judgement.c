// SPDX-License-Identifier: Apache-2.0
// The forms of a judgement against golden files: every verdict, both levels, hostile text,
// findings of calls, binds and decoders, what is not kept. To write the golden files anew, run the
// test with CMRP_WRITE_GOLDEN=1 and read the difference.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <libxml/parser.h>

#include "golden.h"
#include "report/judgement.h"
#include "util/hex.h"

#define T(text) ((char *)(text)) // the judgement's strings are not changed

static const struct rule rules[] = {
    {"key-handle-unknown", "CMRP-X-001", true, RULES_CLIENT, "MS-CMRP 3.1.4.2.30",
     "Send an HKEY_RPC that ApiOpenKey gave.", false},
    {"filter-client-only", "CMRP-X-002", true, RULES_CLIENT, "MS-CMRP 2.2.2.7",
     "Leave the flag out of dwFilter.", false},
    {"name-not-empty", "CMRP-X-003", false, RULES_SERVER, "MS-CMRP 3.1.4.2.9",
     "Name the object that changed.", false},
    {"security-level", "CMRP-X-004", false, RULES_CLIENT, "MS-CMRP 3.2",
     "Bind with packet privacy.", false},
    {"batch-version", "CMRP-X-005", true, RULES_SERVER, "MS-CMRP 2.2.3.17", "Send version 1.",
     false},
};

static struct xfail_line known = {NULL, VERDICT_FAIL, (char *)"known <since> \033 1.2", 1};

enum { PARTIES = 2, CASES = 6, FINDINGS = 4, EVENTS = 9 };

static struct judge_party parties[PARTIES] = {
    {.address = T("192.0.2.1"), .role = RULES_CLIENT, .calls = 3},
    {.address = T("2001:db8::1"), .role = RULES_SERVER, .calls = 3},
};

static struct judge_connection connections[] = {
    {T("192.0.2.1:50000"), T("[2001:db8::1]:49152"), {0, 1}, false, 3, 1},
    {T("192.0.2.1:50001"), T("[2001:db8::1]:49152"), {0, 1}, true, 0, 20},
};

static struct judge_case cases[CASES] = {
    {T("encoding/client@192.0.2.1"), NULL, JUDGE_ENCODING, NULL, NULL, NULL, 0, JUDGE_MUST, 7, 1, 0,
     1, VERDICT_FAIL, NULL},
    {T("key-handle-unknown/client@192.0.2.1"), &rules[0], "key-handle-unknown", "CMRP-X-001",
     "MS-CMRP 3.1.4.2.30", "hKey was given by ApiOpenKey <or> ApiCreateKey", 0, JUDGE_MUST, 2, 102,
     1, 1, VERDICT_FAIL, NULL},
    {T("filter-client-only/client@192.0.2.1"), &rules[1], "filter-client-only", "CMRP-X-002",
     "MS-CMRP 2.2.2.7", NULL, 0, JUDGE_MUST, 2, 1, 2, 1, VERDICT_XFAIL, &known},
    {T("security-level/client@192.0.2.1"), &rules[3], "security-level", "CMRP-X-004", "MS-CMRP 3.2",
     NULL, 0, JUDGE_SHOULD, 1, 1, 3, 1, VERDICT_FAIL, NULL},
    {T("encoding/server@2001:db8::1"), NULL, JUDGE_ENCODING, NULL, NULL, NULL, 1, JUDGE_MUST, 7, 0,
     JUDGE_NONE, 0, VERDICT_PASS, NULL},
    {T("name-not-empty/server@2001:db8::1"), &rules[2], "name-not-empty", "CMRP-X-003",
     "MS-CMRP 3.1.4.2.9", NULL, 1, JUDGE_SHOULD, 1, 0, JUDGE_NONE, 0, VERDICT_XPASS, &known},
};

// What ApiCloseKey sends, and the same in part.
static const char CLOSE[] = "0000000033221100554477668899aabbccddee03";

static struct judge_finding findings[FINDINGS] = {
    {.id = T("encoding/client@192.0.2.1#1"),
     .of = 0,
     .level = JUDGE_MUST,
     .section = "MS-CMRP 3.1.4.2.36",
     .advice = "Send what the section describes.",
     .frame = 9,
     .time = {1709208000, 1000},
     .event = 4,
     .of_call = true,
     .call_id = 3,
     .method = "ApiCloseKey",
     .opnum = 38,
     .interface = 3,
     .syntax = "ndr",
     .little_endian = true,
     .place = JUDGE_REQUEST,
     .offset = 20,
     .whole = 20,
     .field = T(""),
     .message = T("a <b> \xe2\x80\xae is \033 missing at the end")},
    {.id = T("key-handle-unknown/client@192.0.2.1#1"),
     .of = 1,
     .requirement = "CMRP-X-001",
     .level = JUDGE_MUST,
     .section = "MS-CMRP 3.1.4.2.30",
     .advice = "Send an HKEY_RPC that ApiOpenKey gave.",
     .frame = 7,
     .time = {1709208000, 2000},
     .event = 4,
     .of_call = true,
     .call_id = 2,
     .method = "ApiCloseKey",
     .opnum = 38,
     .interface = 3,
     .syntax = "ndr",
     .little_endian = true,
     .place = JUDGE_REQUEST,
     .offset = 0,
     .size = 20,
     .whole = 20,
     .field = T("pKey"),
     .message = T("nobody gave this handle")},
    {.id = T("filter-client-only/client@192.0.2.1#1"),
     .of = 2,
     .requirement = "CMRP-X-002",
     .level = JUDGE_MUST,
     .section = "MS-CMRP 2.2.2.7",
     .advice = "Leave the flag out of dwFilter.",
     .frame = 6,
     .time = {1709208001, 0},
     .connection = JUDGE_NONE,
     .event = JUDGE_NONE,
     .of_call = true,
     .call_id = 2,
     .opnum = 999,
     .interface = 2,
     .place = JUDGE_RESPONSE,
     .offset = 104,
     .size = 4,
     .octets_at = 84,
     .whole = 300,
     .field = T("dwFilter"),
     .message = T("dwFilter holds 0x80000000")},
    {.id = T("security-level/client@192.0.2.1#1"),
     .of = 3,
     .requirement = "CMRP-X-004",
     .level = JUDGE_SHOULD,
     .section = "MS-CMRP 3.2",
     .advice = "Bind with packet privacy.",
     .frame = 1,
     .event = 0,
     .interface = 3,
     .place = JUDGE_PDU,
     .field = T("auth_level"),
     .message = T("there is no sec_trailer")},
};

static struct judge_event events[EVENTS] = {
    {JUDGE_EVENT_BIND, 1, {0}, 0, true, false, 0, NULL, T("bind clusapi 3.0 in NDR 2.0"), 1, 0},
    {JUDGE_EVENT_BOUND, 2, {0}, 0, false, false, 0, NULL, T("accepted"), 0, 0},
    {JUDGE_EVENT_REQUEST, 3, {0}, 0, true, true, 1, "ApiOpenCluster", T("ApiOpenCluster"), 0, 0},
    {JUDGE_EVENT_RESPONSE,
     4,
     {0},
     0,
     false,
     true,
     1,
     "ApiOpenCluster",
     T("ApiOpenCluster cluster#1 </ol><script>alert(1)</script>"),
     0,
     0},
    {JUDGE_EVENT_REQUEST, 7, {0}, 0, true, true, 2, "ApiCloseKey", T("ApiCloseKey pKey ?"), 2, 3},
    {JUDGE_EVENT_GAP, 8, {0}, 0, true, false, 0, NULL, T("512 octets are missing"), 0, 0},
    {JUDGE_EVENT_CLOSE, 10, {0}, 0, true, false, 0, NULL, T("closed"), 0, 0},
    {JUDGE_EVENT_NOTE, 20, {0}, 1, false, false, 0, NULL, T("a note"), 0, 0},
    {JUDGE_EVENT_NOTE, 0, {0}, JUDGE_NONE, false, false, 0, NULL, T("the end"), 0, 0},
};

static struct judge_note notes[] = {
    {8, 0, T("gap"), T("512 octets are missing \033[31m")},
    {0, JUDGE_NONE, T("rules-limit"), T("too many handles")},
};

static const struct rule *not_exercised[] = {&rules[4]};

static struct judgement judgement = {
    .capture = T("day <1> \xe2\x80\xae.pcap"),
    .should = true,
    .failed = true,
    .cut = true,
    .failure = T("cut off in a packet"),
    .packets = 24,
    .first = {1709208000, 0},
    .last = {1709208060, 500000000},
    .calls = 3,
    .complete = 1,
    .unanswered = 1,
    .undecoded = 1,
    .binds = 1,
    .parties = parties,
    .party_count = PARTIES,
    .connections = connections,
    .connection_count = 2,
    .cases = cases,
    .case_count = CASES,
    .findings = findings,
    .finding_count = FINDINGS,
    .more_findings = 101,
    .events = events,
    .event_count = EVENTS,
    .more_events = 5,
    .notes = notes,
    .note_count = 2,
    .more_notes = 1,
    .not_exercised = not_exercised,
    .not_exercised_count = 1,
    .rules = 5,
};

// Counts as a judgement has them.
static void count_all(void) {
    for (size_t i = 0; i < CASES; i++) {
        const struct judge_case *c = &cases[i];
        struct judge_counts *const both[] = {&parties[c->party].counts[c->level],
                                             &judgement.counts[c->level]};
        for (size_t k = 0; k < 2; k++) {
            both[k]->cases++;
            both[k]->verdicts[c->verdict]++;
            both[k]->checked += c->checked;
            both[k]->findings += c->found;
        }
    }
}

static int prepare(void **state) {
    size_t at;
    (void)state;
    count_all();
    hex_parse(CLOSE, strlen(CLOSE), &findings[0].octets, &at);
    hex_parse(CLOSE, strlen(CLOSE), &findings[1].octets, &at);
    for (size_t i = 0; i < 200; i++) {
        const uint8_t octet = (uint8_t)i;
        buffer_append(&findings[2].octets, &octet, 1);
    }
    return 0;
}

static int clean_up(void **state) {
    (void)state;
    for (size_t i = 0; i < FINDINGS; i++) {
        buffer_free(&findings[i].octets);
    }
    xmlCleanupParser();
    return 0;
}

static void test_text(void **state) {
    struct buffer out = {0};
    (void)state;
    judgement_text(&judgement, false, false, &out);
    golden_compare("judgement.txt", &out);
}

static void test_verbose(void **state) {
    struct buffer out = {0};
    (void)state;
    judgement_text(&judgement, true, true, &out);
    golden_compare("judgement-verbose.txt", &out);
}

static void test_json(void **state) {
    struct buffer out = {0};
    (void)state;
    judgement_json(&judgement, &out);
    golden_compare("judgement.json", &out);
}

static void test_junit(void **state) {
    struct buffer out = {0};
    (void)state;
    judgement_junit(&judgement, &out);
    golden_compare("judgement.xml", &out);
}

static void test_html(void **state) {
    struct buffer out = {0};
    (void)state;
    judgement_html(&judgement, &out);
    golden_compare_page("judgement.html", &out);
}

// Nothing of the interface is in the capture.
static void test_nothing(void **state) {
    static const struct judgement nothing = {.capture = (char *)"empty.pcap", .packets = 1};
    struct buffer out = {0};
    (void)state;
    judgement_text(&nothing, false, true, &out);
    judgement_json(&nothing, &out);
    judgement_junit(&nothing, &out);
    judgement_html(&nothing, &out);
    golden_compare_page("judgement-nothing.txt", &out);
}

// ---- a large one --------------------------------------------------------------------------------

enum { MANY_PARTIES = 3000, MANY_CASES = 40, MANY = 10000 };

static struct judgement large;

static void fill_large(void) {
    large = judgement;
    large.parties = util_alloc(MANY_PARTIES * sizeof *large.parties);
    large.cases = util_alloc((size_t)MANY_PARTIES * MANY_CASES * sizeof *large.cases);
    large.findings = util_alloc(MANY * sizeof *large.findings);
    large.events = util_alloc(MANY * sizeof *large.events);
    large.party_count = MANY_PARTIES;
    large.case_count = (size_t)MANY_PARTIES * MANY_CASES;
    large.finding_count = large.event_count = MANY;
    for (size_t i = 0; i < MANY_PARTIES; i++) {
        large.parties[i] = parties[0];
        large.parties[i].address = util_format("192.0.%zu.%zu", i / 256, i % 256);
    }
    for (size_t i = 0; i < large.case_count; i++) {
        large.cases[i] = cases[1];
        large.cases[i].party = i / MANY_CASES;
        large.cases[i].id = util_format("rule-%zu/client@%zu", i % MANY_CASES, i / MANY_CASES);
        large.cases[i].verdict = i % 3 == 0 ? VERDICT_FAIL : VERDICT_PASS;
        large.cases[i].first_finding = i % 3 == 0 ? i / 3 : JUDGE_NONE;
        large.cases[i].kept = i % 3 == 0 && i / 3 < MANY ? 1 : 0;
    }
    for (size_t i = 0; i < MANY; i++) {
        large.findings[i] = findings[2];
        large.findings[i].of = i * 3;
        large.findings[i].id = util_format("finding-%zu", i);
        large.findings[i].event = MANY - 1 - i;
        large.events[i] = events[i % EVENTS];
        large.events[i].left_out = 0;
    }
}

static void free_large(void) {
    for (size_t i = 0; i < MANY_PARTIES; i++) {
        free(large.parties[i].address);
    }
    for (size_t i = 0; i < large.case_count; i++) {
        free(large.cases[i].id);
    }
    for (size_t i = 0; i < MANY; i++) {
        free(large.findings[i].id);
    }
    free(large.parties);
    free(large.cases);
    free(large.findings);
    free(large.events);
}

// However much was found, a browser can open it.
static void test_large(void **state) {
    struct buffer out = {0};
    (void)state;
    fill_large();
    judgement_html(&large, &out);
    assert_in_range(out.size, 4 << 20, 8 << 20);
    golden_keep_page("large.html", &out);
    buffer_free(&out);
    judgement_junit(&large, &out);
    assert_int_not_equal(out.size, 0);
    buffer_free(&out);
    free_large();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),  cmocka_unit_test(test_verbose),
        cmocka_unit_test(test_json),  cmocka_unit_test(test_junit),
        cmocka_unit_test(test_html),  cmocka_unit_test(test_nothing),
        cmocka_unit_test(test_large),
    };
    return cmocka_run_group_tests(tests, prepare, clean_up);
}
