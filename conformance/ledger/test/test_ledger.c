// SPDX-License-Identifier: Apache-2.0
// The ledger over small catalogues, vectors and sequences of the test's own.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "ledger/ledger.h"
#include "util/file.h"

#define HEADER "id\tsection\trole\tlevel\tprotocol\tmethods/structs\tstatement\ttestable\tstatus\n"

// A folder with a catalogue, a file of vectors and a file of sequences, and what is made of them.
struct world {
    char folder[64];
    struct buffer rows;
    struct buffer sequences;
    struct catalogue catalogue;
    struct vector_set vectors;
    struct ledger ledger;
};

static void put_file(const struct world *w, const char *name, const char *text) {
    char *path = util_format("%s/%s", w->folder, name);
    char *error = NULL;
    assert_true(file_write(path, (cmrp_view){(const uint8_t *)text, strlen(text)}, &error));
    free(path);
}

static void drop(const struct world *w, const char *name, int (*remove_it)(const char *)) {
    char *path = util_format("%s/%s", w->folder, name);
    assert_int_equal(remove_it(path), 0);
    free(path);
}

static void make(const struct world *w, const char *name) {
    char *path = util_format("%s/%s", w->folder, name);
    assert_int_equal(mkdir(path, 0777), 0);
    free(path);
}

// The vector cites CMRP-X-001.
static struct world begin(void) {
    struct world w = {.folder = "/tmp/cmrp-ledger-XXXXXX"};
    assert_non_null(mkdtemp(w.folder));
    make(&w, "batch");
    make(&w, "sequence");
    put_file(&w, "batch/a.json",
             "{\"source\":\"s\",\"tests\":[{\"id\":\"batch-own\",\"comment\":\"c\",\"type\":"
             "\"batch\",\"hex\":\"01000000020000000000000004000000610000000000"
             "0000\",\"value\":{\"version\":1,\"commands\":[{\"command\":\"CLUSREG_CREATE_KEY\","
             "\"value_type\":0,\"name\":\"a\",\"data\":\"\"}]},\"result\":\"valid\","
             "\"requirements\":[\"CMRP-X-001\"],\"provenance\":\"spec\"}]}");
    buffer_printf(&w.rows, HEADER);
    return w;
}

static void put_row(struct world *w, const char *id, const char *role, const char *level,
                    const char *testable, const char *status) {
    buffer_printf(&w->rows, "%s\t2.2.3.17\t%s\t%s\tv3\tall\tStatement\t%s\t%s\n", id, role, level,
                  testable, status);
}

static void open_world(struct world *w) {
    char *error = NULL;
    char *table = util_format("%s/requirements.tsv", w->folder);
    put_file(w, "requirements.tsv", buffer_text(&w->rows));
    put_file(w, "sequence/a.json",
             w->sequences.size > 0 ? buffer_text(&w->sequences) : "{\"sequences\":[]}");
    assert_true(catalogue_load(table, &w->catalogue, &error));
    assert_true(vector_set_load(w->folder, &w->vectors, &error));
    assert_true(ledger_open(&w->catalogue, &w->vectors, w->folder, &w->ledger, &error));
    free(table);
}

static void end(struct world *w) {
    ledger_close(&w->ledger);
    vector_set_free(&w->vectors);
    catalogue_free(&w->catalogue);
    buffer_free(&w->rows);
    buffer_free(&w->sequences);
    drop(w, "requirements.tsv", unlink);
    drop(w, "batch/a.json", unlink);
    drop(w, "sequence/a.json", unlink);
    drop(w, "batch", rmdir);
    drop(w, "sequence", rmdir);
    assert_int_equal(rmdir(w->folder), 0);
}

// One row alone: its state, whether it is missing, and a part of its problem (NULL: none).
static void expect_row(const char *id, const char *role, const char *level, const char *testable,
                       const char *status, enum ledger_state state, bool missing,
                       const char *problem) {
    struct world w = begin();
    put_row(&w, id, role, level, testable, status);
    open_world(&w);
    const struct ledger_row *row = ledger_find(&w.ledger, id);
    assert_non_null(row);
    if (problem == NULL && row->problem != NULL) {
        fail_msg("%s: %s", status, row->problem);
    }
    if (problem != NULL) {
        assert_non_null(row->problem);
        assert_non_null(strstr(row->problem, problem));
    }
    assert_int_equal(row->state, state);
    assert_int_equal(row->missing, missing);
    end(&w);
}

static void test_vectors(void **unused) {
    (void)unused;
    expect_row("CMRP-X-001", "codec", "MUST", "vector", "covered: vector", LEDGER_COVERED, false,
               NULL);
    expect_row("CMRP-X-001", "codec", "MUST", "live-server,static", "covered: vector",
               LEDGER_COVERED, false, NULL);
    expect_row("CMRP-X-001", "codec", "MUST", "vector", "planned: vector", LEDGER_COVERED, false,
               "it is \"covered: vector\"");
    expect_row("CMRP-X-002", "codec", "MUST", "vector", "covered: vector", LEDGER_PLANNED, true,
               "it is \"planned: vector\"");
    expect_row("CMRP-X-002", "codec", "SHOULD", "vector", "planned: vector", LEDGER_PLANNED, false,
               NULL);
    // A citation of what octets cannot show does not count.
    expect_row("CMRP-X-001", "server", "MUST", "live-server", "planned: live server",
               LEDGER_PLANNED, false, NULL);
}

static void test_reasons(void **unused) {
    (void)unused;
    expect_row("CMRP-X-002", "codec", "MUST", "vector,live-server",
               "planned: vector, live server; no vector yet: it is hard", LEDGER_PLANNED, false,
               NULL);
    expect_row("CMRP-X-001", "server", "MUST", "vector,pcap",
               "covered: vector; no rule yet: it is hard", LEDGER_COVERED, false, NULL);
    expect_row("CMRP-X-001", "server", "MUST", "vector,pcap", "covered: vector", LEDGER_COVERED,
               true, NULL);
    expect_row("CMRP-X-001", "codec", "MUST", "vector", "covered: vector; no vector yet: so it is",
               LEDGER_COVERED, false, "\"no vector yet\", but there is one");
    expect_row("CMRP-X-002", "server", "MUST", "live-server",
               "planned: live server; no rule yet: so it is", LEDGER_PLANNED, false,
               "none can show it");
    expect_row("CMRP-X-002", "client", "MUST", "untestable", "untestable: it is a thought",
               LEDGER_UNTESTABLE, false, NULL);
    expect_row("CMRP-X-002", "client", "MUST", "untestable", "planned: rule", LEDGER_UNTESTABLE,
               false, "nothing can show it");
    expect_row("CMRP-X-002", "client", "MUST", "live-client", "untestable: it is a thought",
               LEDGER_PLANNED, false, "it is \"planned: live client\"");
}

// Decoding a capture shows what vectors show of the decoder: no rule is asked for.
static void test_decoding(void **unused) {
    (void)unused;
    struct world w = begin();
    put_row(&w, "CMRP-X-001", "client,codec", "MUST", "vector,pcap", "covered: vector");
    put_row(&w, "CMRP-X-002", "codec", "MUST", "pcap", "planned: rule");
    open_world(&w);
    assert_true(w.ledger.rows[0].decoding);
    assert_false(w.ledger.rows[0].can[LEDGER_RULE]);
    assert_false(w.ledger.rows[0].missing);
    assert_int_equal(w.ledger.rows[0].vector_count, 1);
    assert_string_equal(w.ledger.rows[0].vectors[0]->id, "batch-own");
    assert_false(w.ledger.rows[1].decoding);
    assert_true(w.ledger.rows[1].missing);
    assert_null(w.ledger.rows[1].problem);
    end(&w);
}

// A rule counts when a sequence breaks it.
static void test_rules(void **unused) {
    (void)unused;
    const struct rule *rule = rules_at(0);
    for (int fires = 0; fires <= 1; fires++) {
        struct world w = begin();
        size_t at = 0;
        put_row(&w, rule->requirement, "client", "MUST", "pcap",
                fires ? "covered: rule" : "planned: rule");
        buffer_printf(&w.sequences,
                      "{\"sequences\":[{\"id\":\"seq-a\",\"comment\":\"c\",\"findings\":[]},"
                      "{\"id\":\"seq-b\",\"comment\":\"c\",\"findings\":[{\"step\":0,\"rule\":"
                      "\"%s\"}]}]}",
                      fires ? rule->name : "encoding");
        open_world(&w);
        const struct ledger_row *row = ledger_find(&w.ledger, rule->requirement);
        assert_true(row->rule_count > 0);
        assert_int_equal(row->rules[0], 0);
        assert_null(row->problem);
        assert_int_equal(row->state, fires ? LEDGER_COVERED : LEDGER_PLANNED);
        assert_int_equal(row->missing, !fires);
        const struct ledger_sequence *s = ledger_next_break(&w.ledger, rule->name, &at);
        assert_int_equal(s != NULL, fires);
        if (fires) {
            assert_string_equal(s->id, "seq-b");
            assert_null(ledger_next_break(&w.ledger, rule->name, &at));
        }
        end(&w);
    }
}

static void test_unusable_sequences(void **unused) {
    (void)unused;
    static const struct {
        const char *text;
        const char *part;
    } cases[] = {
        {"{\"sequences\":[", "line 1"},
        {"{\"sequences\":[],\"sequences\":[]}", "uplicate"},
        {"{\"sequences\":[{\"comment\":\"c\"}]}", "no id"},
        {"[]", "no sequences"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct world w = begin();
        struct ledger ledger;
        char *error = NULL;
        put_row(&w, "CMRP-X-001", "codec", "MUST", "vector", "covered: vector");
        open_world(&w);
        put_file(&w, "sequence/a.json", cases[i].text);
        assert_false(ledger_open(&w.catalogue, &w.vectors, w.folder, &ledger, &error));
        assert_non_null(strstr(error, "sequence/a.json"));
        assert_non_null(strstr(error, cases[i].part));
        assert_int_equal(ledger.count, 0);
        free(error);
        end(&w);
    }
}

static void test_names(void **unused) {
    (void)unused;
    for (int i = 0; i < LEDGER_STATES; i++) {
        enum ledger_state state;
        assert_true(ledger_state_named(ledger_state_name((enum ledger_state)i), &state));
        assert_int_equal(state, i);
    }
    enum ledger_state state;
    assert_false(ledger_state_named("done", &state));
    assert_string_equal(ledger_kind_name(LEDGER_LIVE_CLIENT), "live client");
    assert_true(catalogue_cell_has("client,codec", "codec"));
    assert_true(catalogue_cell_has("client,codec", "client"));
    assert_false(catalogue_cell_has("client,codec", "cod"));
    assert_false(catalogue_cell_has("live-client", "client"));
    assert_false(catalogue_cell_has("", "client"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_reasons),
        cmocka_unit_test(test_decoding),
        cmocka_unit_test(test_rules),
        cmocka_unit_test(test_unusable_sequences),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
