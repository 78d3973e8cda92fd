// SPDX-License-Identifier: Apache-2.0
// Names of values, and the model of values within its bounds.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "rules/batch_state.h"

enum { LENGTH = 8 }; // units of the names below

// A name of ASCII letters as UTF-16, in memory of the caller.
static cmrp_view wide(const char *text, uint8_t *memory) {
    const size_t units = strlen(text);
    for (size_t i = 0; i < units; i++) {
        memory[2 * i] = (uint8_t)text[i];
        memory[2 * i + 1] = 0;
    }
    return (cmrp_view){memory, 2 * units};
}

static enum batch_likeness compare(const char *a, const char *b) {
    uint8_t one[64], two[64];
    return batch_compare_names(wide(a, one), wide(b, two));
}

static void test_names(void **state) {
    const uint8_t long_s[] = {0x7f, 0x01}, dotless[] = {0x31, 0x01}, kelvin[] = {0x2a, 0x21};
    const uint8_t dotted[] = {0x30, 0x01}, e_acute[] = {0xe9, 0x00}, cyrillic[] = {0x35, 0x04};
    uint8_t memory[2];
    (void)state;
    assert_int_equal(compare("", ""), BATCH_SAME);
    assert_int_equal(compare("Name", "Name"), BATCH_SAME);
    assert_int_equal(compare("azAZ", "AZaz"), BATCH_UNSURE);
    assert_int_equal(compare("Name", "Name2"), BATCH_DIFFERENT);
    assert_int_equal(compare("@", "`"), BATCH_DIFFERENT); // beside the letters
    assert_int_equal(compare("[", "{"), BATCH_DIFFERENT);
    assert_int_equal(batch_compare_names((cmrp_view){long_s, 2}, wide("s", memory)), BATCH_UNSURE);
    assert_int_equal(batch_compare_names((cmrp_view){dotless, 2}, wide("I", memory)), BATCH_UNSURE);
    assert_int_equal(batch_compare_names((cmrp_view){dotted, 2}, wide("i", memory)), BATCH_UNSURE);
    assert_int_equal(batch_compare_names((cmrp_view){kelvin, 2}, wide("k", memory)), BATCH_UNSURE);
    assert_int_equal(batch_compare_names((cmrp_view){e_acute, 2}, (cmrp_view){cyrillic, 2}),
                     BATCH_UNSURE);
    assert_int_equal(batch_compare_names((cmrp_view){e_acute, 2}, wide("e", memory)),
                     BATCH_DIFFERENT);
}

// Name number n, distinct for each, whatever the case of letters.
static cmrp_view numbered(uint8_t *memory, size_t n) {
    char text[LENGTH + 1] = "00000000";
    for (size_t i = 0; n > 0; i++, n /= 10) {
        text[i] = (char)('0' + n % 10);
    }
    return wide(text, memory);
}

// Of more values than are known it never says of one that exists that it does not, nor mixes them.
static void test_bounds(void **state) {
    enum { VALUES = 300000 };
    struct rules rules = {0};
    struct batch_model *model = batch_model_of(&rules);
    uint8_t *memory = util_alloc((size_t)VALUES * 2 * LENGTH);
    size_t known = 0;
    (void)state;
    batch_model_start(model, true);
    for (size_t i = 0; i < VALUES; i++) {
        struct batch_value *v = batch_model_value(model, numbered(memory + 2 * LENGTH * i, i));
        if (v != NULL) {
            assert_int_not_equal(v->presence, BATCH_PRESENT);
            v->presence = BATCH_PRESENT;
            v->type = (uint32_t)i;
        }
    }
    for (size_t i = 0; i < VALUES; i++) {
        const struct batch_value *v =
            batch_model_value(model, (cmrp_view){memory + 2 * LENGTH * i, 2 * LENGTH});
        if (v != NULL) {
            assert_int_equal(v->presence, BATCH_PRESENT);
            assert_int_equal(v->type, i);
            assert_false(v->unsure);
            known++;
        }
    }
    assert_true(known >= 50000 && known < VALUES);
    batch_model_start(model, true); // all is forgotten
    assert_int_equal(batch_model_value(model, (cmrp_view){memory, 2 * LENGTH})->presence,
                     BATCH_ABSENT);
    batch_model_start(model, false);
    assert_int_equal(batch_model_value(model, (cmrp_view){memory, 2 * LENGTH})->presence,
                     BATCH_UNKNOWN);
    free(memory);
    batch_model_free(model);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
