// SPDX-License-Identifier: Apache-2.0
// Every sequence of vectors/sequence is played: what is found is what is expected, no more and no
// less. test_sequences ID… plays those only, and tells what differs; --keep DIR writes their
// captures.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "judge/play.h"
#include "rules/rules.h"
#include "util/file.h"

static struct sequence_set set;

static bool play_one(const struct sequence *q) {
    struct play play;
    char *error = NULL;
    if (!play_sequence(q, &play, &error)) {
        print_error("%s: %s\n", q->id, error);
        free(error);
        return false;
    }
    const bool ok = play.as_expected;
    if (!ok) {
        print_error("%s (%s):\n%s", q->id, q->file, play.difference);
    }
    play_free(&play);
    return ok;
}

static void test_all_as_expected(void **state) {
    size_t failed = 0;
    (void)state;
    assert_true(set.count > 0);
    for (size_t i = 0; i < set.count; i++) {
        failed += !play_one(&set.sequences[i]);
    }
    assert_int_equal(failed, 0);
}

// A name that no rule has would never be found, but a doctored sequence must say what breaks it.
static void test_rules_exist(void **state) {
    (void)state;
    for (size_t i = 0; i < set.count; i++) {
        for (size_t k = 0; k < set.sequences[i].finding_count; k++) {
            const char *rule = set.sequences[i].findings[k].rule;
            if (strcmp(rule, "encoding") != 0 && rules_named(rule) == rules_count()) {
                fail_msg("%s: there is no rule %s", set.sequences[i].id, rule);
            }
        }
    }
}

// Edits that change no octet would doctor nothing.
static void test_doctored_differ(void **state) {
    (void)state;
    for (size_t i = 0; i < set.count; i++) {
        const struct sequence *q = &set.sequences[i];
        struct sequence_capture mine, base;
        char *error = NULL;
        if (q->like == NULL) {
            continue;
        }
        assert_true(sequence_make(q, &mine, &error));
        assert_true(sequence_make(q->like, &base, &error));
        if (mine.octets.size == base.octets.size &&
            memcmp(mine.octets.data, base.octets.data, base.octets.size) == 0) {
            fail_msg("%s is no other than %s", q->id, q->like->id);
        }
        sequence_capture_free(&mine);
        sequence_capture_free(&base);
    }
}

static void keep(const char *directory, const struct sequence *q) {
    struct sequence_capture capture;
    char *error = NULL;
    char *path = util_format("%s/%s.pcap", directory, q->id);
    if (sequence_make(q, &capture, &error)) {
        file_write(path, buffer_view(&capture.octets), &error);
        sequence_capture_free(&capture);
    }
    free(error);
    free(path);
}

static int some(int argc, char **argv) {
    int status = 0;
    const char *directory = NULL;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--keep") == 0 && i + 1 < argc) {
            directory = argv[++i];
            continue;
        }
        const struct sequence *q = sequence_find(&set, argv[i]);
        const bool ok = q != NULL && play_one(q);
        if (q != NULL && directory != NULL) {
            keep(directory, q);
        }
        print_message("%s %s\n", q == NULL ? "unknown" : ok ? "ok" : "FAILED", argv[i]);
        status |= !ok;
    }
    return status;
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_as_expected),
        cmocka_unit_test(test_rules_exist),
        cmocka_unit_test(test_doctored_differ),
    };
    char *error = NULL;
    int status = 1;
    if (!sequence_set_load(CMRP_SOURCE_DIR "/vectors", &set, &error)) {
        print_error("%s\n", error);
        free(error);
        return 1;
    }
    status = argc > 1 ? some(argc, argv) : cmocka_run_group_tests(tests, NULL, NULL);
    sequence_set_free(&set);
    return status;
}
