// SPDX-License-Identifier: Apache-2.0
// Commands without a socket: what they answer, which events they make, and that a line may be
// anything.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cluster/port.h"
#include "control/client.h"
#include "control/control.h"
#include "util/buffer.h"

static struct control control;
static bool stopped;

static json_t *status(void *context) {
    (void)context;
    return json_pack("{s:i}", "connections", 0);
}

static void stop(void *context) {
    (void)context;
    stopped = true;
}

static int set_up(void **state) {
    const struct cluster_options options = {.seed = NULL};
    char *error = NULL;
    (void)state;
    control = (struct control){.cluster = cluster_create(&options, &error)};
    if (control.cluster == NULL) {
        print_error("%s\n", error);
        free(error);
    }
    return control.cluster == NULL;
}

static int tear_down(void **state) {
    (void)state;
    cluster_destroy(control.cluster);
    return 0;
}

// Asks in words that blanks separate; the answer.
static json_t *ask(const char *line) {
    char *copy = util_strdup(line);
    char *rest = copy;
    json_t *words = json_array();
    for (char *word; (word = strsep(&rest, " ")) != NULL;) {
        json_array_append_new(words, json_string(word));
    }
    json_t *request = json_pack("{s:o}", "command", words);
    json_t *answer = control_perform(&control, request);
    json_decref(request);
    free(copy);
    return answer;
}

static void assert_done(const char *line) {
    json_t *answer = ask(line);
    if (json_object_get(answer, "result") == NULL) {
        char *text = json_dumps(answer, 0);
        print_error("%s: %s\n", line, text);
        free(text);
    }
    assert_non_null(json_object_get(answer, "result"));
    json_decref(answer);
}

static void assert_refused(const char *line, json_int_t code) {
    json_t *answer = ask(line);
    const json_t *error = json_object_get(answer, "error");
    assert_string_equal(json_string_value(json_object_get(error, "kind")), "refused");
    assert_int_equal(json_integer_value(json_object_get(error, "code")), code);
    json_decref(answer);
}

static void assert_usage(const char *line) {
    json_t *answer = ask(line);
    const json_t *error = json_object_get(answer, "error");
    assert_string_equal(json_string_value(json_object_get(error, "kind")), "usage");
    json_decref(answer);
}

// ---- the table ----------------------------------------------------------------------------------

static void test_every_command_is_described_and_checks_its_words(void **state) {
    const struct control_command *command;
    size_t count = 0;
    (void)state;
    for (; (command = control_command_at(count)) != NULL; count++) {
        struct buffer words = {0};
        assert_true(strlen(command->about) > 0);
        assert_true(command->least <= command->most && command->most <= CONTROL_WORDS);
        buffer_printf(&words, "%s", command->name);
        for (unsigned i = 0; i <= command->most && i < CONTROL_WORDS; i++) {
            buffer_printf(&words, " x");
        }
        assert_usage(buffer_text(&words));
        buffer_free(&words);
        if (command->least > 0) {
            assert_usage(command->name);
        }
    }
    assert_true(count > 10);
}

static void test_status_and_stop(void **state) {
    (void)state;
    assert_refused("status", CLUSTER_ERROR_INVALID_PARAMETER);
    assert_refused("stop", CLUSTER_ERROR_INVALID_PARAMETER);
    control.status = status;
    control.stop = stop;
    assert_done("status");
    assert_done("stop");
    assert_true(stopped);
}

// ---- events -------------------------------------------------------------------------------------

static struct {
    char text[4096];
    size_t count;
} seen;

static void take(void *context, uint32_t status, const struct port_indication *indications,
                 size_t count) {
    (void)context;
    for (size_t i = 0; status == 0 && i < count; i++) {
        const size_t used = strlen(seen.text);
        snprintf(seen.text + used, sizeof seen.text - used, "%x %s;", indications[i].event->change,
                 indications[i].name != NULL ? indications[i].name : indications[i].event->name);
        seen.count++;
    }
}

// A port that is told of groups is told this during a command, at least once, and nothing else.
static void assert_events(const char *line, const char *expected) {
    struct port *port;
    struct port_waiter waiter = {.done = take};
    assert_int_equal(port_create(control.cluster, 1, &port), 0);
    assert_int_equal(port_add_cluster(port, 0xf000, 1), 0);
    memset(&seen, 0, sizeof seen);
    assert_done(line);
    port_get(port, &waiter);
    assert_true(seen.count > 0);
    assert_int_equal(strlen(seen.text), seen.count * strlen(expected));
    for (size_t at = 0; seen.text[at] != '\0'; at += strlen(expected)) {
        assert_memory_equal(seen.text + at, expected, strlen(expected));
    }
    port_waiter_leave(&waiter);
    port_close(port);
}

static void test_everything_has_happened_when_the_answer_comes(void **state) {
    (void)state;
    assert_events("create group Shop", "4000 Shop;");
    assert_events("offline group Web", "1000 Web;");
    assert_events("online group Web", "1000 Web;");
    assert_events("rename group Web Net", "8000 Net;");
    assert_events("delete group Shop", "2000 Shop;");
}

static void test_what_fails_makes_no_event(void **state) {
    struct port *port;
    struct port_waiter waiter = {.done = take};
    (void)state;
    memset(&seen, 0, sizeof seen);
    assert_int_equal(port_create(control.cluster, 1, &port), 0);
    assert_int_equal(port_add_cluster(port, 0xf000, 1), 0);
    assert_refused("online group None", CLUSTER_ERROR_GROUP_NOT_FOUND);
    assert_refused("online resource None", CLUSTER_ERROR_RESOURCE_NOT_FOUND);
    assert_refused("node up None", CLUSTER_ERROR_NODE_NOT_FOUND);
    assert_refused("show network None", CLUSTER_ERROR_NETWORK_NOT_FOUND);
    assert_refused("show interface None", CLUSTER_ERROR_NETINTERFACE_NOT_FOUND);
    assert_refused("show resource-type None", CLUSTER_ERROR_RESTYPE_NOT_FOUND);
    assert_refused("registry get None", REGISTRY_ERROR_FILE_NOT_FOUND);
    assert_refused("registry delete-key None", REGISTRY_ERROR_FILE_NOT_FOUND);
    assert_usage("online node None");
    assert_usage("registry set None V REG_DWORD x");
    port_get(port, &waiter);
    assert_int_equal(seen.count, 0);
    port_waiter_leave(&waiter);
    port_close(port);
}

// ---- registry -----------------------------------------------------------------------------------

static void test_a_large_tree_is_cut(void **state) {
    char line[64];
    (void)state;
    for (unsigned i = 0; i < 10100; i++) {
        snprintf(line, sizeof line, "registry set \\ V%u REG_DWORD %u", i, i);
        assert_done(line);
    }
    json_t *answer = ask("registry tree");
    assert_true(json_is_true(json_object_get(json_object_get(answer, "result"), "cut")));
    json_t *words = json_pack("[s]", "registry");
    struct buffer text = {0};
    control_show(&text, words, answer);
    assert_non_null(strstr(buffer_text(&text), "there is more"));
    buffer_free(&text);
    json_decref(words);
    json_decref(answer);
}

// ---- lines --------------------------------------------------------------------------------------

static void test_every_truncation_of_a_line(void **state) {
    static const char line[] =
        "{\"id\":[1],\"command\":[\"batch\",\"\\\\\"],\"batch\":{\"version\":1,\"commands\":[{"
        "\"command\":\"CLUSREG_SET_VALUE\",\"value_type\":\"REG_SZ\",\"name\":\"N\",\"data\":\"\"}]"
        "}}";
    (void)state;
    for (size_t size = 0; size < sizeof line; size++) {
        char *exact = util_alloc(size > 0 ? size : 1);
        memcpy(exact, line, size);
        json_t *answer = control_perform_line(&control, exact, size);
        const bool whole = size == sizeof line - 1;
        assert_true((json_object_get(answer, "result") != NULL) == whole);
        assert_true((json_object_get(answer, "error") == NULL) == whole);
        json_decref(answer);
        free(exact);
    }
    assert_done("registry get \\ N");
}

static void test_requests_of_every_shape(void **state) {
    static const char *const requests[] = {"null",
                                           "1",
                                           "[]",
                                           "{}",
                                           "{\"command\":{}}",
                                           "{\"command\":[{}]}",
                                           "{\"command\":[\"\"]}",
                                           "{\"command\":[\"list\",[]]}",
                                           "{\"command\":[\"list\",\"\"]}",
                                           "{\"command\":[\"batch\",\"\\\\\"],\"batch\":[]}",
                                           "{\"command\":[\"batch\",\"\\\\\"]}"};
    (void)state;
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        json_t *answer = control_perform_line(&control, requests[i], strlen(requests[i]));
        const json_t *error = json_object_get(answer, "error");
        assert_string_equal(json_string_value(json_object_get(error, "kind")), "usage");
        json_decref(answer);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_every_command_is_described_and_checks_its_words,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_status_and_stop, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_everything_has_happened_when_the_answer_comes, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_what_fails_makes_no_event, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_large_tree_is_cut, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_every_truncation_of_a_line, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_requests_of_every_shape, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
