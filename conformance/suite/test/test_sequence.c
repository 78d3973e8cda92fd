// SPDX-License-Identifier: Apache-2.0
// Files of sequences that are wrong in one place each, and what captures are made of right ones.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "suite/sequence.h"
#include "util/file.h"

static char directory[] = "/tmp/cmrp-sequence-XXXXXX";
static char *path;

static int set_up(void **state) {
    (void)state;
    char *folder;
    if (mkdtemp(directory) == NULL) {
        return -1;
    }
    folder = util_format("%s/sequence", directory);
    path = util_format("%s/x.json", folder);
    const int status = mkdir(folder, 0700);
    free(folder);
    return status;
}

static int tear_down(void **state) {
    (void)state;
    char *folder = util_format("%s/sequence", directory);
    unlink(path);
    rmdir(folder);
    rmdir(directory);
    free(folder);
    free(path);
    return 0;
}

static void write_file(const char *sequences) {
    char *error = NULL;
    char *text = util_format("{\"source\":\"s\",\"sequences\":[%s]}", sequences);
    const cmrp_view content = {(const uint8_t *)text, strlen(text)};
    assert_true(file_write(path, content, &error));
    free(text);
}

// A sequence of these steps that breaks nothing.
static char *with_steps(const char *steps) {
    return util_format("{\"id\":\"seq-x\",\"comment\":\"c\",\"steps\":[%s],\"findings\":[],"
                       "\"provenance\":\"spec\"}",
                       steps);
}

static void load(const char *sequences, struct sequence_set *set) {
    char *error = NULL;
    write_file(sequences);
    if (!sequence_set_load(directory, set, &error)) {
        fail_msg("%s", error);
    }
}

static void assert_refused(const char *sequences, const char *why) {
    struct sequence_set set;
    char *error = NULL;
    write_file(sequences);
    if (sequence_set_load(directory, &set, &error)) {
        fail_msg("accepted, although \"%s\"", why);
    }
    if (strncmp(error, path, strlen(path)) != 0 || strstr(error, why) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", error, why);
    }
    assert_int_equal(set.count, 0);
    free(error);
}

// ---- refusals -----------------------------------------------------------------------------------

#define CALL "{\"call\":\"ApiCreateNotify\",\"response\":{\"return\":\"@n\"}}"

static void test_steps_refused(void **state) {
    static const struct {
        const char *steps;
        const char *why;
    } rows[] = {
        {"7", "/sequences/0: steps/0: is not an object"},
        {"{\"on\":\"a\"}", "steps/0: is none of bind, call"},
        {CALL ",{\"call\":\"ApiNone\"}", "steps/1/call: is neither a method"},
        {"{\"call\":99999}", "steps/0/call: is neither a method"},
        {"{\"call\":\"ApiCloseNotify\",\"request\":{\"Notify\":\"@\"}}",
         "request/Notify: is not @"},
        {"{\"call\":\"ApiCloseNotify\",\"request\":{\"Notify\":\"@A\"}}",
         "request/Notify: is not @"},
        {"{\"call\":\"ApiCloseNotify\",\"request\":{\"Notify\":\"@seventeen-letters\"}}",
         "request/Notify: is not @"},
        {"{\"call\":\"ApiCloseNotify\",\"request\":{}}", "steps/0/request"},
        {"{\"call\":\"ApiCloseNotify\",\"request\":{\"Notify\":\"@n\",\"x\":1}}",
         "unknown parameter \"x\""},
        {"{\"call\":\"ApiCreateNotify\"}", "steps/0/response"},
        {"{\"call\":\"ApiCreateNotify\",\"request\":1,\"unanswered\":true}",
         "request: is not an object"},
        {"{\"call\":\"ApiCreateNotify\",\"request_hex\":\"0\",\"unanswered\":true}", "request_hex"},
        {"{\"call\":\"ApiCreateNotify\",\"request\":{},\"request_hex\":\"\",\"fault\":1}",
         "request_hex: stands beside request"},
        {"{\"call\":\"ApiCreateNotify\",\"fault\":1,\"unanswered\":true}", "more than one of"},
        {"{\"call\":\"ApiCreateNotify\",\"fault\":-1}", "fault: is not a status"},
        {"{\"call\":\"ApiCreateNotify\",\"unanswered\":false}", "unanswered: is not true"},
        {"{\"call\":60000}", "call: is not described"},
        {"{\"call\":\"ApiCreateNotify\",\"unanswered\":true,\"lost\":\"all\"}", "lost: is none of"},
        {"{\"call\":\"ApiCreateNotify\",\"unanswered\":true,\"context\":3}", "context: is no"},
        {"{\"call\":\"ApiCreateNotify\",\"unanswered\":true,\"auth\":1}", "auth: is neither"},
        {"{\"call\":\"ApiCreateNotify\",\"unanswered\":true,\"on\":1}", "on: is not a name"},
        {"{\"call\":\"ApiCreateNotify\",\"unanswered\":true,\"x\":1}", "unknown key \"x\""},
        {"{\"end\":\"w\"}", "end: is no call in flight"},
        {"{\"begin\":\"w\",\"call\":\"ApiCreateNotify\",\"fault\":1}", "unknown key \"fault\""},
        {"{\"begin\":\"w\",\"call\":\"ApiCreateNotify\"},{\"begin\":\"w\",\"call\":"
         "\"ApiCreateNotify\"}",
         "steps/1/begin: is not a name, or one"},
        {"{\"close\":\"a\"}", "close: is no open connection"},
        {CALL ",{\"close\":\"a\"}," CALL, "steps/2/on: is a connection that was closed"},
        {CALL ",{\"close\":\"a\",\"how\":\"x\"}", "how: is neither fin nor rst"},
        {CALL ",{\"gap\":{\"direction\":\"x\",\"octets\":1}}", "gap: direction is neither"},
        {CALL ",{\"gap\":{\"direction\":\"request\",\"octets\":0}}", "gap: octets is no number"},
        {"{\"wait\":0}", "wait: is not a number"},
        {"{\"pdu\":\"05\"}", "from: is neither client nor server"},
        {"{\"pdu\":\"5\",\"from\":\"client\"}", "steps/0/pdu"},
        {"{\"pdu\":{\"ptype\":\"none\"},\"from\":\"client\"}", "steps/0/pdu"},
        {"{\"label\":\"l\",\"wait\":1},{\"label\":\"l\",\"wait\":1}",
         "steps/1: label is no string"},
        {"{\"label\":7,\"wait\":1}", "label is no string"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *text = with_steps(rows[i].steps);
        assert_refused(text, rows[i].why);
        free(text);
    }
}

static void test_binds_refused(void **state) {
    static const struct {
        const char *bind;
        const char *why;
    } rows[] = {
        {"7", "bind: is not an object"},
        {"{\"x\":1}", "bind: unknown key \"x\""},
        {"{\"alter\":true}", "alter stands where there is no bind yet"},
        {"{\"alter\":false}", "bind/alter: is not true"},
        {"{\"client\":\"x\"}", "bind/client: is not ADDRESS"},
        {"{\"client\":\"192.0.2.1:0\"}", "bind/client: is not ADDRESS"},
        {"{\"client\":\"192.0.2.1:70000\"}", "bind/client: is not ADDRESS"},
        {"{\"server\":\"2001:db8::1\"}", "addresses of different kinds"},
        {"{\"transport\":\"ip\"}", "transport is none of tcp, udp"},
        {"{\"drep\":\"pdp\"}", "drep is none of le, be"},
        {"{\"interface\":70000}", "interface is not a number from 0 to 65535"},
        {"{\"syntax\":\"xdr\"}", "a transfer syntax is none of"},
        {"{\"syntax\":[]}", "syntax is not one, or a list"},
        {"{\"syntax\":[\"ndr\",\"ndr\",\"ndr\",\"ndr\",\"ndr\"]}", "syntax is not one, or a list"},
        {"{\"syntax\":\"8a885d04-1ceb-11c9-9fe8-08002b10486g\"}", "is no UUID"},
        {"{\"uuid\":\"x\"}", "uuid is no UUID"},
        {"{\"result\":\"no\"}", "result is none of acceptance"},
        {"{\"contexts\":[]}", "bind/contexts: is not a list"},
        {"{\"contexts\":[1]}", "bind/contexts/0: is not an object"},
        {"{\"contexts\":[{\"id\":-1}]}", "bind/contexts/0: id is not a number"},
        {"{\"group\":\"b\"}", "bind/group: is no connection that has a group"},
        {"{\"group\":-1}", "group is not a number"},
        {"{\"answer\":\"x\"}", "answer is none of"},
        {"{\"auth\":{\"type\":\"x\"}}", "type is none of spnego"},
        {"{\"auth\":{\"level\":\"x\"}}", "level is none of default"},
        {"{\"auth\":{\"size\":1}}", "unknown key \"size\""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *step = util_format("{\"bind\":%s}", rows[i].bind);
        char *text = with_steps(step);
        assert_refused(text, rows[i].why);
        free(step);
        free(text);
    }
}

#define HEAD(id) "{\"id\":\"" id "\",\"comment\":\"c\",\"provenance\":\"spec\","
#define BASE     HEAD("seq-base") "\"steps\":[" CALL ",{\"label\":\"l\",\"wait\":5}],\"findings\":[]},"

static void test_frames_refused(void **state) {
    static const struct {
        const char *text;
        const char *why;
    } rows[] = {
        {"1", "/sequences/0: is not an object"},
        {"{\"id\":\"x\"}", "/sequences/0/id: is not of the form seq-"},
        {HEAD("seq-x") "\"x\":1}", "unknown key \"x\""},
        {HEAD("seq-x") "\"findings\":[]}", "steps, or like and edits, are expected"},
        {HEAD("seq-x") "\"steps\":[],\"findings\":[]}", "/sequences/0/steps: is not a list"},
        {HEAD("seq-x") "\"steps\":[" CALL "]}", "findings is missing"},
        {HEAD("seq-x") "\"steps\":[" CALL "],\"findings\":[1]}", "findings/0: is not an object"},
        {HEAD("seq-x") "\"steps\":[" CALL "],\"findings\":[{\"step\":1,\"rule\":\"r\"}]}",
         "findings/0: step is no step"},
        {HEAD("seq-x") "\"steps\":[" CALL "],\"findings\":[{\"step\":0}]}", "rule is missing"},
        {HEAD("seq-x") "\"steps\":[" CALL "],\"findings\":[{\"step\":0,\"rule\":\"r\",\"x\":1}]}",
         "unknown key \"x\""},
        {HEAD("seq-x") "\"steps\":[" CALL
                       "],\"findings\":[{\"step\":0,\"rule\":\"r\",\"offset\":-1}]}",
         "offset not a number"},
        {BASE HEAD("seq-base") "\"steps\":[" CALL "],\"findings\":[]}",
         "/sequences/1/id: seq-base is the id of an earlier sequence"},
        {BASE HEAD("seq-x") "\"like\":\"seq-none\",\"edits\":[{}],\"findings\":[]}",
         "/sequences/1/like: is the id of no sequence"},
        {HEAD("seq-x") "\"like\":\"seq-x\",\"edits\":[{}],\"findings\":[]}", "goes round"},
        {BASE HEAD("seq-x") "\"like\":\"seq-base\",\"edits\":[],\"findings\":[]}",
         "/sequences/1/edits: is not a list"},
        {BASE HEAD("seq-x") "\"like\":\"seq-base\",\"edits\":[{\"op\":\"x\"}],\"findings\":[]}",
         "/sequences/1/edits/0/op: is none of replace"},
        {BASE HEAD("seq-x") "\"like\":\"seq-base\",\"edits\":[{\"op\":\"remove\",\"at\":2}],"
                            "\"findings\":[]}",
         "edits/0: at is no step"},
        {BASE HEAD("seq-x") "\"like\":\"seq-base\",\"edits\":[{\"op\":\"merge\",\"at\":\"k\","
                            "\"step\":{}}],\"findings\":[]}",
         "edits/0: at is no step"},
        {BASE HEAD("seq-x") "\"like\":\"seq-base\",\"edits\":[{\"op\":\"insert\",\"at\":0}],"
                            "\"findings\":[]}",
         "step is missing or not an object"},
        {BASE HEAD("seq-x") "\"like\":\"seq-base\",\"edits\":[{\"op\":\"remove\",\"at\":0,"
                            "\"step\":{}}],\"findings\":[]}",
         "step beside remove"},
        {BASE HEAD("seq-x") "\"like\":\"seq-base\",\"edits\":[{\"op\":\"merge\",\"at\":\"l\","
                            "\"step\":{\"wait\":0}}],\"findings\":[]}",
         "/sequences/1: as edited: steps/1/wait"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_refused(rows[i].text, rows[i].why);
    }
}

static void test_no_folder_is_empty(void **state) {
    struct sequence_set set;
    char *error = NULL;
    (void)state;
    assert_true(sequence_set_load("/nonexistent", &set, &error));
    assert_int_equal(set.count, 0);
    sequence_set_free(&set);
}

// ---- what is made -------------------------------------------------------------------------------

static struct sequence_capture make(const char *steps) {
    struct sequence_set set;
    struct sequence_capture capture;
    char *error = NULL;
    char *text = with_steps(steps);
    load(text, &set);
    assert_true(sequence_make(&set.sequences[0], &capture, &error));
    sequence_set_free(&set);
    free(text);
    return capture;
}

static bool holds(const struct sequence_capture *capture, const void *octets, size_t size) {
    for (size_t i = 0; i + size <= capture->octets.size; i++) {
        if (memcmp(capture->octets.data + i, octets, size) == 0) {
            return true;
        }
    }
    return false;
}

static void test_frames_know_their_step(void **state) {
    struct sequence_capture c = make(CALL ",{\"wait\":1}," CALL ",{\"close\":\"a\"}");
    // Three packets of the handshake, bind and call: an acknowledgement behind each PDU.
    static const size_t steps[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 2, 2, 2, 3, 3, 3};
    (void)state;
    assert_int_equal(c.frames, sizeof steps / sizeof *steps);
    assert_memory_equal(c.steps, steps, sizeof steps);
    assert_int_equal(c.step_count, 4);
    sequence_capture_free(&c);
}

static void test_handles_by_name(void **state) {
    struct sequence_capture c =
        make(CALL ",{\"call\":\"ApiCloseNotify\",\"request\":{\"Notify\":\"@null\"}}");
    static const uint8_t named[20] = {0, 0, 0, 0, 'n'};
    (void)state;
    assert_true(holds(&c, named, sizeof named));
    sequence_capture_free(&c);
}

static void test_always_the_same(void **state) {
    struct sequence_capture a = make(CALL), b = make(CALL);
    (void)state;
    assert_int_equal(a.octets.size, b.octets.size);
    assert_memory_equal(a.octets.data, b.octets.data, a.octets.size);
    sequence_capture_free(&a);
    sequence_capture_free(&b);
}

static void test_lost_sides_are_not_captured(void **state) {
    static const uint8_t named[20] = {0, 0, 0, 0, 'n'};
    struct sequence_capture c = make(
        "{\"call\":\"ApiCreateNotify\",\"response\":{\"return\":\"@n\"},\"lost\":\"response\"}");
    (void)state;
    assert_false(holds(&c, named, sizeof named));
    sequence_capture_free(&c);
    c = make("{\"bind\":{}},{\"gap\":{\"direction\":\"response\",\"octets\":1000}}," CALL);
    assert_false(holds(&c, named, sizeof named));
    sequence_capture_free(&c);
}

static void test_sealed_is_not_clear(void **state) {
    static const uint8_t named[20] = {0, 0, 0, 0, 'n'};
    struct sequence_capture c = make("{\"bind\":{\"auth\":{}}}," CALL);
    (void)state;
    assert_false(holds(&c, named, sizeof named));
    assert_true(c.secured[0] && c.secured[1]);
    sequence_capture_free(&c);
    c = make("{\"bind\":{\"auth\":{\"level\":\"integrity\"}}}," CALL);
    assert_true(holds(&c, named, sizeof named));
    assert_true(c.secured[1]);
    sequence_capture_free(&c);
    c = make(CALL);
    assert_false(c.secured[0]);
    sequence_capture_free(&c);
}

static void test_addresses(void **state) {
    static const uint8_t six[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 1};
    static const uint8_t port[2] = {0x12, 0x34};
    static const uint8_t four[4] = {198, 51, 100, 7};
    struct sequence_capture c = make("{\"bind\":{\"client\":\"[2001:db8::1]:4660\",\"server\":"
                                     "\"2001:db8::2\"}}");
    (void)state;
    assert_true(holds(&c, six, sizeof six));
    assert_true(holds(&c, port, sizeof port));
    sequence_capture_free(&c);
    c = make("{\"bind\":{\"client\":\"198.51.100.7\"}}");
    assert_true(holds(&c, four, sizeof four));
    sequence_capture_free(&c);
}

static void test_edits_in_turn(void **state) {
    struct sequence_set set;
    (void)state;
    load(BASE HEAD("seq-x") "\"like\":\"seq-base\",\"edits\":["
                            "{\"op\":\"insert\",\"at\":0,\"step\":{\"wait\":1}},"
                            "{\"op\":\"merge\",\"at\":\"l\",\"step\":{\"wait\":7}},"
                            "{\"op\":\"append\",\"step\":{\"wait\":9}},"
                            "{\"op\":\"remove\",\"at\":1}],"
                            "\"findings\":[{\"step\":\"l\",\"rule\":\"r\",\"field\":\"f\"}]}",
         &set);
    const struct sequence *q = sequence_find(&set, "seq-x");
    assert_non_null(q);
    assert_ptr_equal(q->like, sequence_find(&set, "seq-base"));
    assert_int_equal(json_array_size(q->steps), 3);
    static const int waits[] = {1, 7, 9};
    for (size_t i = 0; i < 3; i++) {
        const json_t *wait = json_object_get(json_array_get(q->steps, i), "wait");
        assert_int_equal(json_integer_value(wait), waits[i]);
    }
    assert_int_equal(q->findings[0].step, 1);
    assert_string_equal(q->findings[0].field, "f");
    assert_int_equal(json_array_size(q->like->steps), 2);
    sequence_set_free(&set);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_steps_refused),
        cmocka_unit_test(test_binds_refused),
        cmocka_unit_test(test_frames_refused),
        cmocka_unit_test(test_no_folder_is_empty),
        cmocka_unit_test(test_frames_know_their_step),
        cmocka_unit_test(test_handles_by_name),
        cmocka_unit_test(test_always_the_same),
        cmocka_unit_test(test_lost_sides_are_not_captured),
        cmocka_unit_test(test_sealed_is_not_clear),
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_edits_in_turn),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
