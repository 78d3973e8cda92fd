// SPDX-License-Identifier: Apache-2.0
// What a batch notification says that values held, against the commands in it.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "batch_support.h"
#include "util/buffer.h"

#define MISSING     "batch-value-deleted-missing"
#define SUPERFLUOUS "batch-value-deleted-superfluous"
#define WRONG       "batch-value-deleted-data"
#define PLACE       "batch-value-deleted-place"

// MS-CMRP 3.1.4.2.114: the value "NotifyTest" of the specification's example.
#define HELLO_WORLD    "680065006c006c006f00200077006f0072006c0064000000"
#define HELLO_UNIVERSE "680065006c006c006f00200075006e006900760065007200730065000000"

// clang-format off
#define EXAMPLE                                                                                    \
    BATCH(DELETE("NotifyTest") ","                                                                 \
          SET("NotifyTest", HELLO_WORLD) ","                                                       \
          OLD("NotifyTest", HELLO_WORLD) ","                                                       \
          SET("NotifyTest", HELLO_UNIVERSE) ","                                                    \
          OLD("NotifyTest", HELLO_UNIVERSE) ","                                                    \
          DELETE("NotifyTest"))
// clang-format on

static void test_the_example(void **state) {
    (void)state;
    keeps(notified(EXAMPLE), "batch-notification-content batch-notified-command " MISSING
                             " " SUPERFLUOUS " " WRONG " " PLACE " batch-notified-without-key");
}

static void test_missing(void **state) {
    (void)state;
    points_to(notified(BATCH(SET("A", "01") "," SET("A", "02"))), MISSING,
              "lpData command 2 CommandType", "01000000",
              "command 2: no CLUSREG_VALUE_DELETED before CLUSREG_SET_VALUE, but the value holds 1 "
              "octets");
    breaks(notified(BATCH(SET("A", "01") "," SET("B", "02") "," DELETE("A"))), MISSING);
    leaves(notified(BATCH(SET("A", "01"))), MISSING);                    // it may be new
    leaves(notified(BATCH(SET("A", "") "," SET("A", "02"))), MISSING);   // no data to tell
    leaves(notified(BATCH(SET("A", "01") "," SET("a", "02"))), MISSING); // another value, or not
    leaves(notified(BATCH(SET("A", "01") "," CREATE("k") "," SET("A", "02"))), MISSING);
}

static void test_superfluous(void **state) {
    (void)state;
    breaks(notified(BATCH(DELETE("A") "," OLD("A", "01") "," SET("A", "02"))), SUPERFLUOUS);
    breaks(notified(BATCH(DELETE("A") "," OLD("A", "") "," DELETE("A"))), SUPERFLUOUS);
    keeps(notified(BATCH(DELETE("A") "," DELETE("A"))), SUPERFLUOUS);
    leaves(notified(BATCH(OLD("A", "01") "," SET("A", "02"))), SUPERFLUOUS);
    leaves(notified(BATCH(DELETE("A") "," CREATE("k") "," OLD("A", "01") "," SET("A", "02"))),
           SUPERFLUOUS);
    leaves(notified(BATCH(DELETE("A") "," OLD("a", "01") "," SET("a", "02"))), SUPERFLUOUS);
}

static void test_a_new_key(void **state) {
    (void)state;
    breaks(notified(BATCH(DROP("k") "," CREATE("k") "," OLD("A", "01") "," SET("A", "02"))),
           SUPERFLUOUS);
    breaks(notified(BATCH(DROP("k") "," CREATE("k\\\\l") "," OLD("A", "01") "," SET("A", "02"))),
           SUPERFLUOUS);
    keeps(notified(BATCH(DROP("k") "," CREATE("k") "," SET("A", "02"))), SUPERFLUOUS);
    leaves(notified(BATCH(DROP("k") "," CREATE("kl") "," OLD("A", "01") "," SET("A", "02"))),
           SUPERFLUOUS);
    leaves(notified(BATCH(DROP("k") "," CREATE("k\\u015c") "," OLD("A", "01") "," SET("A", "02"))),
           SUPERFLUOUS);
    leaves(notified(BATCH(CREATE("k") "," OLD("A", "01") "," SET("A", "02"))), SUPERFLUOUS);
    // Whether the path of a later DELETE_KEY starts from the key created before is ambiguous.
    leaves(notified(BATCH(
               CREATE("m") "," DROP("k") "," CREATE("k") "," OLD("A", "01") "," SET("A", "02"))),
           SUPERFLUOUS);
}

static void test_data(void **state) {
    (void)state;
    points_to(notified(BATCH(SET("A", "0102") "," OLD("A", "0103") "," SET("A", "04"))), WRONG,
              "lpData command 2 Data", "0103",
              "command 2: 2 octets that are not the 2 octets the batch has set before");
    breaks(notified(BATCH(SET("A", "01") "," OLD("A", "") "," DELETE("A"))), WRONG);
    breaks(notified(BATCH(SET("A", "") "," OLD("A", "01") "," DELETE("A"))), WRONG);
    keeps(notified(BATCH(SET("A", "01") "," SET("B", "02") "," OLD("A", "01") "," DELETE("A"))),
          WRONG " " MISSING);
}

static void test_place(void **state) {
    (void)state;
    breaks(notified(BATCH(OLD("A", "01"))), PLACE);
    breaks(notified(BATCH(OLD("A", "01") "," CREATE("k"))), PLACE);
    breaks(notified(BATCH(OLD("A", "01") "," SET("B", "02"))), PLACE);
    breaks(notified(BATCH(OLD("A", "01") "," OLD("A", "01") "," SET("A", "02"))), PLACE);
    keeps(notified(BATCH(OLD("A", "01") "," DELETE("a"))), PLACE);
}

static void test_commands(void **state) {
    (void)state;
    breaks(notified(BATCH(READ("A"))), "batch-notified-command");
    breaks(notified(BATCH(COMMAND("0", "0", "A", ""))), "batch-reply-reserved");
    points_to(notified("null"), "batch-notification-content", "lpData", "00000000",
              "success, but no CLUSTER_REG_BATCH_UPDATE");
    breaks(notified(BATCH(DROP("k") "," SET("A", "01"))), "batch-notified-without-key");
    // Conditions are not said to leave the key and values alone, nor to stand there.
    leaves(notified(BATCH(SET("A", "01") "," COMMAND("\"CLUSREG_CONDITION_EXISTS\"", "0", "A",
                                                     "") "," SET("A", "02"))),
           MISSING);
}

static void test_failed(void **state) {
    (void)state;
    const struct told closed = {3, "ApiGetBatchNotification", "{\"hBatchNotify\":" PORT "}",
                                "{\"lpData\":null,\"return\":259}"};
    const struct told late = {3, "ApiGetBatchNotification", "{\"hBatchNotify\":" PORT "}",
                              "{\"lpData\":null,\"return\":1460}"};
    leaves(&closed, "batch-notification-content batch-no-more-items"); // its port is not known
    breaks(&late, "batch-notification-timeout");
    keeps(notified(BATCH(SET("A", "01"))), "batch-notification-timeout");
}

// Very many values: each is known again.
static void test_many(void **state) {
    enum { VALUES = 700 };
    struct buffer text = {0};
    (void)state;
    buffer_printf(&text, "{\"version\":1,\"commands\":[");
    for (int i = 0; i < VALUES; i++) {
        buffer_printf(&text, "{\"command\":4,\"value_type\":0,\"name\":\"value%d\",\"data\":\"\"},",
                      i);
    }
    buffer_printf(&text, OLD("value3", "01") "," SET("value3", "02") "]}");
    breaks(notified(buffer_text(&text)), SUPERFLUOUS);
    buffer_free(&text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_example), cmocka_unit_test(test_missing),
        cmocka_unit_test(test_superfluous), cmocka_unit_test(test_a_new_key),
        cmocka_unit_test(test_data),        cmocka_unit_test(test_place),
        cmocka_unit_test(test_commands),    cmocka_unit_test(test_failed),
        cmocka_unit_test(test_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
