// SPDX-License-Identifier: Apache-2.0
// Which commands stand in which batch, and what servers answer to batches.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "batch_support.h"

// ---- commands that clients send -----------------------------------------------------------------

static void test_modifications(void **state) {
    (void)state;
    keeps(execute(BATCH(SET("A", "01") "," CREATE("k\\\\l") "," DROP("k") "," CREATE(
                      "m") "," DELETE("")),
                  0, 0),
          "batch-command-reserved batch-value-deleted-sent batch-command-read batch-value-type "
          "batch-key-path batch-data-unused batch-value-without-key");
}

static void test_commands_of_others(void **state) {
    (void)state;
    breaks(execute(BATCH(OLD("A", "01")), 1, 13), "batch-value-deleted-sent");
    breaks(execute(BATCH(READ("A")), 1, 13), "batch-command-read");
    breaks(execute(BATCH(READ_KEY("A")), 1, 13), "batch-command-read");
    breaks(execute(BATCH(READ_ERROR("A", "2")), 1, 13), "batch-command-read");
    breaks(execute(BATCH(COMMAND("5", "0", "A", "")), 1, 13), "batch-command-reserved");
    breaks(execute(BATCH(COMMAND("19", "0", "A", "")), 1, 13), "batch-command-reserved");
    // Enumerated, although the method's table lacks them.
    leaves(execute(BATCH(COMMAND("\"CLUSREG_CONDITION_EXISTS\"", "0", "A", "")), 0, 0),
           "batch-command-read batch-value-type");
}

static void test_value_types(void **state) {
    (void)state;
    breaks(execute(BATCH(COMMAND("\"CLUSREG_SET_VALUE\"", "5", "A", "00000001")), 0, 0),
           "batch-value-type");
    keeps(execute(BATCH(COMMAND("\"CLUSREG_SET_VALUE\"", "11", "A", "")), 0, 0),
          "batch-value-type");
    keeps(execute(BATCH(COMMAND("\"CLUSREG_SET_VALUE\"", "0", "A", "")), 0, 0), "batch-value-type");
    // Ignored there.
    leaves(execute(BATCH(COMMAND("\"CLUSREG_CREATE_KEY\"", "99", "A", "")), 0, 0),
           "batch-value-type");
    breaks(
        read_batch(BATCH(COMMAND("\"CLUSREG_READ_VALUE\"", "8", "A", "")), BATCH(FOUND("A", "01"))),
        "batch-value-type");
    breaks(read_batch(BATCH(READ("A")), BATCH(COMMAND("\"CLUSREG_READ_VALUE\"", "8", "A", "01"))),
           "batch-reply-value-type");
    breaks(notified(BATCH(COMMAND("\"CLUSREG_SET_VALUE\"", "99", "A", "01"))),
           "batch-reply-value-type");
    keeps(notified(BATCH(COMMAND("\"CLUSREG_VALUE_DELETED\"", "99", "A", "01") "," SET("A", "02"))),
          "batch-reply-value-type");
}

static void test_paths(void **state) {
    (void)state;
    breaks(execute(BATCH(CREATE("\\\\k")), 1, 13), "batch-key-path");
    breaks(execute(BATCH(DROP("k\\\\\\\\l")), 1, 13), "batch-key-path");
    breaks(read_batch(BATCH(READ_KEY("\\\\k")), BATCH(READ_ERROR("\\\\k", "161"))),
           "read-batch-key-path");
    keeps(read_batch(BATCH(READ_KEY("k/l")), BATCH(READ_KEY("k/l"))), "read-batch-key-path");
    leaves(execute(BATCH(CREATE("")), 0, 0), "batch-key-path"); // not specified
    // Letters whose code has the octet of a backslash.
    keeps(execute(BATCH(CREATE("\\u015cx") "," CREATE("\\u5c01\\u5c01")), 0, 0), "batch-key-path");
    leaves(execute(BATCH(SET("\\\\k", "")), 0, 0), "batch-key-path");
}

static void test_data_and_keys(void **state) {
    (void)state;
    breaks(execute(BATCH(COMMAND("\"CLUSREG_DELETE_VALUE\"", "0", "A", "00")), 0, 0),
           "batch-data-unused");
    points_to(execute(BATCH(DROP("k") "," DELETE("A")), 2, 87), "batch-value-without-key",
              "lpData command 2 CommandType", "04000000",
              "command 2: CLUSREG_DELETE_VALUE after CLUSREG_DELETE_KEY, and no "
              "CLUSREG_CREATE_KEY between them");
    breaks(execute(BATCH(CREATE("k") "," DROP("k") "," SET("A", "01")), 3, 87),
           "batch-value-without-key");
    keeps(execute(BATCH(SET("A", "01")), 0, 0), "batch-value-without-key");
    keeps(execute(BATCH(DROP("k") "," CREATE("k") "," DELETE("A")), 0, 0),
          "batch-value-without-key");
    // What a reserved command does to the key is not known.
    breaks(execute(BATCH(DROP("k") "," COMMAND("19", "0", "k", "") "," SET("A", "01")), 3, 87),
           "batch-command-reserved");
}

static void test_reads(void **state) {
    (void)state;
    keeps(read_batch(BATCH(READ_KEY("k") "," READ("A")), BATCH(READ_KEY("k") "," FOUND("A", "01"))),
          "read-batch-command read-batch-key-path batch-value-type batch-command-reserved");
    breaks(read_batch(BATCH(READ_ERROR("A", "2")), BATCH(READ_ERROR("A", "2"))),
           "read-batch-command");
    breaks(read_batch(BATCH(OLD("A", "")), BATCH(READ_ERROR("A", "2"))),
           "batch-value-deleted-sent");
    breaks(read_batch(BATCH(SET("A", "01")), BATCH(READ_ERROR("A", "2"))),
           "read-batch-command read-batch-writes");
    breaks(read_batch(BATCH(CREATE("k") "," SET("A", "01")), BATCH(READ_ERROR("A", "2"))),
           "read-batch-command");
}

// ---- answers to reads ---------------------------------------------------------------------------

static void test_results(void **state) {
    (void)state;
    keeps(
        read_batch(BATCH(READ("A") "," READ("B")), BATCH(FOUND("a", "") "," READ_ERROR("B", "2"))),
        "read-batch-result read-batch-order read-batch-reply read-batch-error-status "
        "read-batch-value-deleted batch-reply-reserved");
    points_to(read_batch(BATCH(READ("A")), "null"), "read-batch-result", "lpOutData", "00000000",
              "success, but no CLUSTER_REG_BATCH_UPDATE");
    breaks(read_batch(BATCH(READ("A")), BATCH(READ_ERROR("A", "0"))), "read-batch-error-status");
    breaks(read_batch(BATCH(READ("A")), BATCH(OLD("A", "01"))), "read-batch-value-deleted");
    breaks(read_batch(BATCH(READ("A")), BATCH(COMMAND("20", "0", "A", ""))),
           "batch-reply-reserved");
    breaks(read_batch(BATCH(READ("A")), BATCH(SET("A", "01"))), "read-batch-reply");
}

static void test_order(void **state) {
    (void)state;
    breaks(read_batch(BATCH(READ("A") "," READ("B")), BATCH(FOUND("A", "01"))), "read-batch-order");
    breaks(read_batch(BATCH(READ_KEY("k") "," READ("B")), BATCH(FOUND("B", "01"))),
           "read-batch-order");
    breaks(
        read_batch(BATCH(READ_KEY("k") "," READ("B")), BATCH(FOUND("B", "01") "," READ_KEY("k"))),
        "read-batch-order");
    points_to(
        read_batch(BATCH(READ("A") "," READ("B")), BATCH(FOUND("B", "01") "," FOUND("A", ""))),
        "read-batch-order", "lpOutData command 1 Name", "42000000",
        "command 1: the name is not that of command 1");
    keeps(read_batch(BATCH(READ_KEY("k") "," READ("B")),
                     BATCH(READ_ERROR("k", "2") "," READ_ERROR("B", "2"))),
          "read-batch-order");
    keeps(read_batch(BATCH(READ("A")), BATCH(FOUND("", "01"))), "read-batch-order");
    // A letter beyond ASCII may be another case of the same one.
    keeps(read_batch(BATCH(READ("\\u00e9")), BATCH(FOUND("\\u00c9", "01"))), "read-batch-order");
    keeps(read_batch(BATCH(READ("k")), BATCH(FOUND("\\u212a", "01"))), "read-batch-order");
}

static void test_isolation(void **state) {
    (void)state;
    const char *rule = "read-batch-isolation";
    const char *twice = BATCH(READ("A") "," READ("A"));
    keeps(isolated(twice, BATCH(FOUND("A", "01") "," FOUND("A", "01"))), rule);
    keeps(isolated(twice, BATCH(READ_ERROR("A", "2") "," READ_ERROR("A", "2"))), rule);
    breaks(isolated(twice, BATCH(FOUND("A", "01") "," FOUND("A", "02"))), rule);
    breaks(isolated(twice, BATCH(FOUND("A", "01") "," READ_ERROR("A", "2"))), rule);
    breaks(isolated(twice, BATCH(READ_ERROR("A", "2") "," FOUND("A", ""))), rule);
    breaks(
        isolated(twice, BATCH(FOUND("A", "") "," COMMAND("\"CLUSREG_READ_VALUE\"", "1", "A", ""))),
        rule);
    leaves(isolated(twice, BATCH(READ_ERROR("A", "5") "," FOUND("A", "01"))), rule);
    leaves(read_batch(twice, BATCH(FOUND("A", "01") "," FOUND("A", "02"))), rule);
    leaves(isolated(BATCH(READ("A") "," READ_KEY("k") "," READ("A")),
                    BATCH(FOUND("A", "01") "," READ_KEY("k") "," FOUND("A", "02"))),
           rule);
    leaves(isolated(BATCH(READ("A") "," READ("a")), BATCH(FOUND("A", "01") "," FOUND("a", "02"))),
           rule);
}

// ---- answers to ApiExecuteBatch -----------------------------------------------------------------

static void test_keyless_fails(void **state) {
    (void)state;
    const char *batch = BATCH(DROP("k") "," SET("A", "01") "," SET("B", "01"));
    breaks(execute(batch, 0, 0), "batch-value-without-key batch-keyless-fails");
    breaks(execute(batch, 2, 87), "batch-value-without-key");
    breaks(execute(batch, 3, 87), "batch-value-without-key batch-failed-command");
    breaks(execute(batch, 0, 87), "batch-value-without-key batch-failed-command");
    breaks(execute(batch, 2, 2), "batch-value-without-key batch-keyless-fails");
    breaks(execute(batch, 1, 2), "batch-value-without-key");
    breaks(execute(batch, 2, 5), "batch-value-without-key");
}

static void test_parameter_code(void **state) {
    (void)state;
    const char *rule = "batch-parameter-code";
    breaks(execute(BATCH(DROP("k") "," CREATE("k") "," SET("A", "01")), 3, 87), rule);
    breaks(execute(BATCH(DELETE("A")), 1, 87), rule);
    breaks(execute(BATCH(CREATE("A")), 1, 87), rule);
    leaves(execute(BATCH(CREATE("")), 1, 87), rule);
    breaks(execute(BATCH(CREATE("\\\\k")), 1, 87), "batch-key-path");
    keeps(execute(BATCH(SET("A", "01")), 1, 13), rule);
    keeps(execute(BATCH(SET("A", "01")), 0, 0), rule);
    // A server may find the type, the path or the command wrong: no code is given for that.
    leaves(execute(BATCH(COMMAND("\"CLUSREG_CONDITION_EXISTS\"", "0", "A", "")), 1, 87), rule);
    breaks(execute(BATCH(COMMAND("\"CLUSREG_SET_VALUE\"", "5", "A", "")), 1, 87),
           "batch-value-type");
}

static void test_failed_command(void **state) {
    (void)state;
    const char *rule = "batch-failed-command", *batch = BATCH(SET("A", "01") "," DELETE("B"));
    keeps(execute(batch, 2, 13), rule);
    breaks(execute(batch, 3, 2), rule);
    points_to(execute(batch, -1, 123), rule, "pdwFailedCommand", "ffffffff",
              "-1, but the commands are 1 to 2");
    leaves(execute(batch, 0, 123), rule);
    leaves(execute(batch, -1, 5), rule); // of the call, not of a command
    leaves(execute(batch, -1, 1726), rule);
    leaves(execute(batch, -1, 8), rule);
    leaves(execute(batch, 1, 5), rule);
    leaves(execute(batch, 77, 0), rule);
    leaves(execute(batch, 1, 0), rule);
}

static void test_what_must_not_fail(void **state) {
    (void)state;
    breaks(execute(BATCH(CREATE("k")), 1, 183), "batch-create-existing");
    keeps(execute(BATCH(CREATE("k")), 1, 14), "batch-create-existing");
    leaves(execute(BATCH(SET("A", "") "," CREATE("k")), 1, 183), "batch-create-existing");
    breaks(execute(BATCH(CREATE("k") "," DELETE("A")), 2, 2), "batch-delete-missing");
    breaks(execute(BATCH(SET("A", "") "," DROP("k")), 2, 2), "batch-delete-missing");
    keeps(execute(BATCH(SET("A", "") "," DROP("k")), 2, 145), "batch-delete-missing");
    // The key itself may be gone.
    leaves(execute(BATCH(DELETE("A")), 1, 2), "batch-delete-missing");
}

// ---- calls of which something is missing --------------------------------------------------------

static void test_unknown(void **state) {
    (void)state;
    const struct told cut = {3, "ApiExecuteBatch", "{\"hKey\":" KEY ",\"lpData\":\"0100000001\"}",
                             "{\"pdwFailedCommand\":0,\"rpc_status\":0,\"return\":0}"};
    const struct told unanswered = {
        3, "ApiExecuteBatch", "{\"hKey\":" KEY ",\"lpData\":" BATCH(SET("A", "01")) "}", NULL};
    leaves(&cut, "batch-command-reserved batch-parameter-code");
    keeps(&unanswered, "batch-command-reserved");
    leaves(&unanswered, "batch-parameter-code");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_modifications),  cmocka_unit_test(test_commands_of_others),
        cmocka_unit_test(test_value_types),    cmocka_unit_test(test_paths),
        cmocka_unit_test(test_data_and_keys),  cmocka_unit_test(test_reads),
        cmocka_unit_test(test_results),        cmocka_unit_test(test_order),
        cmocka_unit_test(test_isolation),      cmocka_unit_test(test_keyless_fails),
        cmocka_unit_test(test_parameter_code), cmocka_unit_test(test_failed_command),
        cmocka_unit_test(test_unknown),        cmocka_unit_test(test_what_must_not_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
