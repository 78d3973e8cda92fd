// SPDX-License-Identifier: Apache-2.0
// The table of rules against the catalogue: every rule judges a requirement that is there, whose
// level, section and role it repeats, and which is said to show in captures.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants those four first
#include <cmocka.h>

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "rules/rules.h"
#include "util/buffer.h"
#include "util/file.h"

enum { ID, SECTION, ROLE, LEVEL, PROTOCOL, METHODS, STATEMENT, TESTABLE, STATUS, COLUMNS };

static struct buffer text;
static char *(*rows)[COLUMNS];
static size_t row_count;

static int read_catalogue(void **state) {
    char *error = NULL;
    char *line, *lines = NULL;
    (void)state;
    if (!file_read(CMRP_SOURCE_DIR "/conformance/requirements.tsv", FILE_LIMIT, &text, &error)) {
        fail_msg("%s", error);
    }
    (void)buffer_text(&text);
    for (line = strtok_r((char *)text.data, "\n", &lines); line != NULL;
         line = strtok_r(NULL, "\n", &lines)) {
        rows = realloc(rows, (row_count + 1) * sizeof *rows);
        assert_non_null(rows);
        for (int i = 0; i < COLUMNS; i++) {
            rows[row_count][i] = line;
            line += strcspn(line, "\t");
            if (i + 1 < COLUMNS) {
                assert_int_equal(*line, '\t');
                *line++ = '\0';
            }
        }
        row_count++;
    }
    return 0;
}

static int forget_catalogue(void **state) {
    (void)state;
    free(rows);
    buffer_free(&text);
    return 0;
}

// Whether a list with commas holds a word.
static bool lists(const char *list, const char *word, size_t size) {
    while (*list != '\0') {
        const size_t length = strcspn(list, ",");
        if (length == size && strncmp(list, word, size) == 0) {
            return true;
        }
        list += length + (list[length] == ',');
    }
    return false;
}

static char *const *row_of(const struct rule *rule) {
    for (size_t i = 0; i < row_count; i++) {
        if (strcmp(rows[i][ID], rule->requirement) == 0) {
            return rows[i];
        }
    }
    fail_msg("%s: there is no requirement %s", rule->name, rule->requirement);
    return NULL;
}

// "MS-CMRP 3.1.4.1.2, 3.1.4.2.2" for "3.1.4.1.2,3.1.4.2.2"; sections of other documents have their
// names in the catalogue, too.
static bool has_sections(const struct rule *rule, const char *sections) {
    const char *at = rule->section;
    if (strncmp(at, "MS-CMRP ", strlen("MS-CMRP ")) == 0) {
        at += strlen("MS-CMRP ");
    }
    while (*at != '\0') {
        const size_t length = strcspn(at, ",");
        if (!lists(sections, at, length)) {
            return false;
        }
        at += length;
        at += strspn(at, ", ");
    }
    return true;
}

static void test_rules_repeat_the_catalogue(void **state) {
    (void)state;
    assert_true(rules_count() > 0);
    for (size_t i = 0; i < rules_count(); i++) {
        const struct rule *rule = rules_at(i);
        char *const *row = row_of(rule);
        const char *role = rules_role_name(rule->role);
        if (strcmp(row[LEVEL], rule->must ? "MUST" : "SHOULD") != 0) {
            fail_msg("%s: %s is of level %s", rule->name, row[ID], row[LEVEL]);
        }
        if (!has_sections(rule, row[SECTION])) {
            fail_msg("%s: %s is in %s, not %s", rule->name, row[ID], row[SECTION], rule->section);
        }
        if (!lists(row[ROLE], role, strlen(role))) {
            fail_msg("%s: %s binds %s", rule->name, row[ID], row[ROLE]);
        }
        if (!lists(row[TESTABLE], "pcap", strlen("pcap"))) {
            fail_msg("%s: %s is testable by %s", rule->name, row[ID], row[TESTABLE]);
        }
    }
}

static void test_names_are_unique_and_plain(void **state) {
    (void)state;
    for (size_t i = 0; i < rules_count(); i++) {
        const char *name = rules_at(i)->name;
        assert_int_equal(rules_named(name), i);
        assert_true(islower((unsigned char)name[0]));
        for (const char *c = name; *c != '\0'; c++) {
            if (!islower((unsigned char)*c) && !isdigit((unsigned char)*c) &&
                !(*c == '-' && isalnum((unsigned char)c[1]))) {
                fail_msg("\"%s\" is no name", name);
            }
        }
    }
    assert_int_equal(rules_named("no-such-rule"), rules_count());
}

static void test_advice_is_one_sentence(void **state) {
    (void)state;
    for (size_t i = 0; i < rules_count(); i++) {
        const char *advice = rules_at(i)->advice;
        const size_t length = strlen(advice);
        if (length < 10 || !isupper((unsigned char)advice[0]) || advice[length - 1] != '.' ||
            strstr(advice, ". ") != NULL) {
            fail_msg("%s: \"%s\" is no sentence", rules_at(i)->name, advice);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rules_repeat_the_catalogue),
        cmocka_unit_test(test_names_are_unique_and_plain),
        cmocka_unit_test(test_advice_is_one_sentence),
    };
    return cmocka_run_group_tests(tests, read_catalogue, forget_catalogue);
}
