// SPDX-License-Identifier: Apache-2.0
// Rules about complete captures where sequences do not reach: many batches, bounds, several
// servers, what is lost, and that all of them are silent without the option. What each rule says is
// in vectors/sequence/model-*.json.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants those four first
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "rules/rules.h"
#include "json/json.h"

#define KEY  "\"00000000a1a2a3a4a5a6a7a8a9b0b1b2b3b4b5b6\""
#define PORT "\"0000000001020304050607080910111213141516\""
#define SET_BATCH                                                                                  \
    "{\"version\":1,\"commands\":[{\"command\":\"CLUSREG_SET_VALUE\",\"value_type\":3,"            \
    "\"name\":\"V%u\",\"data\":\"%08x\"}]}"

struct scene {
    struct rules *rules;
    struct rules_peers peers;
    uint64_t frame;
    unsigned findings, notes;
    char last[64]; // rule of the last finding
};

static void on_finding(void *context, const struct rules_finding *f) {
    struct scene *scene = context;
    if (rules_at(f->rule)->complete) {
        scene->findings++;
        snprintf(scene->last, sizeof scene->last, "%s", rules_at(f->rule)->name);
    }
}

static void on_note(void *context, const char *code, const char *text,
                    const struct assoc_stamp *stamp) {
    struct scene *scene = context;
    (void)text;
    assert_string_equal(code, "rules-limit");
    assert_int_not_equal(stamp->frame, 0);
    scene->notes++;
}

static void dial(struct scene *scene, uint64_t connection, uint32_t group, uint8_t server) {
    const cmrp_pdu offer = {.header = {.ptype = CMRP_PTYPE_BIND}};
    const cmrp_pdu answer = {.header = {.ptype = CMRP_PTYPE_BIND_ACK}, .assoc_group_id = group};
    const struct assoc_bind bind = {.offer = &offer, .answer = &answer};
    scene->peers = (struct rules_peers){.connection = connection,
                                        .client = {.address = {1}, .port = 1, .family = 4},
                                        .server = {.address = {server}, .port = 2, .family = 4},
                                        .whole = true};
    rules_bind(scene->rules, &scene->peers, &bind);
}

static void begin(struct scene *scene, bool complete, size_t records) {
    const struct rules_events events = {.context = scene, .finding = on_finding, .note = on_note};
    const struct rules_limits limits = {.complete = complete, .records = records};
    memset(scene, 0, sizeof *scene);
    scene->rules = rules_create(&limits, &events);
    dial(scene, 1, 7, 2);
}

// A side of a call, from JSON.
struct side {
    struct buffer stub;
    cmrp_slot slots[CMRP_MAX_PARAMS];
    struct assoc_part part;
    struct rules_side given;
};

static void fill(struct side *side, const cmrp_method *method, bool response, const char *params,
                 uint64_t frame) {
    const struct json_selector how = {
        .type = JSON_TYPE_STUB,
        .stub = {.method = method, .interface = 3, .response = response, .syntax = CMRP_NDR20}};
    struct json_failure failure;
    char *text = util_format("{\"params\":%s}", params), *wrong = NULL;
    json_t *value = json_parse(text, strlen(text), &wrong);
    cmrp_error error = {0};
    *side = (struct side){.part = {.state = ASSOC_WHOLE, .stamp = {.frame = frame}}};
    if (value == NULL || !json_encode(&how, value, &side->stub, &failure)) {
        fail_msg("%s: %s", text, wrong != NULL ? wrong : failure.message);
    }
    json_decref(value);
    free(text);
    side->part.stub = buffer_view(&side->stub);
    assert_true(cmrp_stub_decode(&how.stub, side->part.stub, 0, side->slots, NULL, NULL, &error));
    side->given = (struct rules_side){
        .decoded = true, .stub = side->part.stub, .format = how.stub, .slots = side->slots};
}

static void call(struct scene *scene, const char *name, const char *request, const char *response) {
    const cmrp_method *method = cmrp_method_named(3, name);
    static struct side in, out;
    fill(&in, method, false, request, ++scene->frame);
    fill(&out, method, true, response, ++scene->frame);
    const struct assoc_call whole = {
        .call_id = (uint32_t)scene->frame,
        .opnum = (uint16_t)method->opnum,
        .group = 7,
        .interface = {.version = 3},
        .transfer = {.uuid = cmrp_uuid_ndr20, .version = 2},
        .request = in.part,
        .response = out.part,
    };
    struct assoc_call asked = whole;
    asked.response = (struct assoc_part){.state = ASSOC_ABSENT};
    const struct rules_call given = {
        .call = &whole, .method = method, .request = in.given, .response = out.given};
    rules_request(scene->rules, &scene->peers, &asked);
    rules_call(scene->rules, &scene->peers, &given);
    buffer_free(&in.stub);
    buffer_free(&out.stub);
}

// ---- calls --------------------------------------------------------------------------------------

static void open_root(struct scene *scene) {
    call(scene, "ApiGetRootKey", "{\"samDesired\":1}",
         "{\"Status\":0,\"rpc_status\":0,\"return\":" KEY "}");
}

static void open_port(struct scene *scene) {
    call(scene, "ApiCreateBatchPort", "{\"hKey\":" KEY "}",
         "{\"phBatchPort\":" PORT ",\"rpc_status\":0,\"return\":0}");
}

static void execute(struct scene *scene, unsigned name, unsigned data) {
    char text[512];
    snprintf(text, sizeof text, "{\"hKey\":" KEY ",\"lpData\":" SET_BATCH "}", name, data);
    call(scene, "ApiExecuteBatch", text, "{\"pdwFailedCommand\":0,\"rpc_status\":0,\"return\":0}");
}

static void told(struct scene *scene, unsigned name, unsigned data) {
    char text[512];
    snprintf(text, sizeof text, "{\"lpData\":" SET_BATCH ",\"return\":0}", name, data);
    call(scene, "ApiGetBatchNotification", "{\"hBatchNotify\":" PORT "}", text);
}

// The same of a value that held something before.
static void told_old(struct scene *scene, unsigned name, unsigned old, unsigned data) {
    char text[512];
    snprintf(text, sizeof text,
             "{\"lpData\":{\"version\":1,\"commands\":[{\"command\":\"CLUSREG_VALUE_DELETED\","
             "\"value_type\":3,\"name\":\"V%u\",\"data\":\"%08x\"},"
             "{\"command\":\"CLUSREG_SET_VALUE\",\"value_type\":3,\"name\":\"V%u\","
             "\"data\":\"%08x\"}]},\"return\":0}",
             name, old, name, data);
    call(scene, "ApiGetBatchNotification", "{\"hBatchNotify\":" PORT "}", text);
}

static void set(struct scene *scene, unsigned data) {
    char text[512];
    snprintf(text, sizeof text,
             "{\"hKey\":" KEY ",\"lpValueName\":\"A\",\"dwType\":3,\"lpData\":\"%08x\"}", data);
    call(scene, "ApiSetValue", text, "{\"rpc_status\":0,\"return\":0}");
}

static void query(struct scene *scene, unsigned data) {
    char text[512];
    snprintf(text, sizeof text,
             "{\"lpValueType\":3,\"lpData\":\"%08x\",\"lpcbRequired\":4,\"rpc_status\":0,"
             "\"return\":0}",
             data);
    call(scene, "ApiQueryValue", "{\"hKey\":" KEY ",\"lpValueName\":\"A\",\"cbData\":4}", text);
}

// The findings since the last time are one of this rule, or none where it is NULL.
static void expect(struct scene *scene, const char *rule) {
    if (rule == NULL && scene->findings > 0) {
        fail_msg("%s", scene->last);
    }
    if (rule != NULL) {
        assert_int_equal(scene->findings, 1);
        assert_string_equal(scene->last, rule);
    }
    scene->findings = 0;
}

// ---- tests --------------------------------------------------------------------------------------

// All batches are queued first; a queue looked through from its beginning each time would not end.
static void test_long_queue(void **state) {
    enum { BATCHES = 100000 };
    struct scene scene;
    (void)state;
    begin(&scene, true, 10 * BATCHES);
    open_root(&scene);
    open_port(&scene);
    for (unsigned i = 0; i < BATCHES; i++) {
        execute(&scene, i % 1000, i % 5000); // twenty times the same
    }
    for (unsigned i = 0; i < BATCHES - 1; i++) {
        if (i < 1000) {
            told(&scene, i, i);
        } else {
            told_old(&scene, i % 1000, (i - 1000) % 5000, i % 5000);
        }
    }
    expect(&scene, NULL);
    told_old(&scene, 999, 1, 4999); // the last one: it was 3999
    expect(&scene, "batch-old-value-data");
    told_old(&scene, 999, 3999, 4999);
    expect(&scene, "batch-notification-again");
    rules_destroy(scene.rules);
}

// Ports come and go while there are ever more keys, which nobody looks through.
static void test_many_keys(void **state) {
    enum { ROUNDS = 30000 };
    struct scene scene;
    char text[512];
    (void)state;
    begin(&scene, true, 10 * ROUNDS);
    open_root(&scene);
    for (unsigned i = 0; i < ROUNDS; i++) {
        open_port(&scene);
        snprintf(text, sizeof text,
                 "{\"hKey\":" KEY ",\"lpData\":{\"version\":1,\"commands\":[{\"command\":"
                 "\"CLUSREG_CREATE_KEY\",\"value_type\":0,\"name\":\"K%u\",\"data\":\"\"}]}}",
                 i);
        call(&scene, "ApiExecuteBatch", text,
             "{\"pdwFailedCommand\":0,\"rpc_status\":0,\"return\":0}");
        execute(&scene, 1, i);
        told(&scene, 1, i + 1);
        expect(&scene, "batch-notification-mirror");
        call(&scene, "ApiCloseBatchPort", "{\"phBatchPort\":" PORT "}",
             "{\"phBatchPort\":\"0000000000000000000000000000000000000000\",\"return\":0}");
        execute(&scene, 2, i);
    }
    assert_int_equal(scene.notes, 0);
    rules_destroy(scene.rules);
}

static void test_out_of_turn(void **state) {
    struct scene scene;
    (void)state;
    begin(&scene, true, 0);
    open_root(&scene);
    open_port(&scene);
    execute(&scene, 1, 1);
    execute(&scene, 2, 2);
    execute(&scene, 1, 1);
    told(&scene, 1, 1);
    expect(&scene, NULL);
    told_old(&scene, 1, 1, 1);
    expect(&scene, "batch-notification-order");
    told_old(&scene, 1, 1, 1);
    expect(&scene, "batch-notification-again");
    told(&scene, 3, 1);
    expect(&scene, "batch-notification-mirror");
    told(&scene, 2, 2);
    expect(&scene, NULL);
    told(&scene, 3, 1);
    expect(&scene, "batch-notification-empty");
    rules_destroy(scene.rules);
}

static void test_full(void **state) {
    enum { RECORDS = 1000 };
    struct scene scene;
    (void)state;
    begin(&scene, true, RECORDS);
    open_root(&scene);
    open_port(&scene);
    set(&scene, 1);
    query(&scene, 2);
    expect(&scene, "query-value-content");
    for (unsigned i = 0; i < 2 * RECORDS; i++) {
        execute(&scene, i, i);
    }
    assert_int_equal(scene.notes, 1);
    set(&scene, 1);
    query(&scene, 2);
    told(&scene, 1, 5);
    expect(&scene, NULL);
    rules_destroy(scene.rules);
}

static void test_not_asked_for(void **state) {
    struct scene scene;
    struct rules_party party;
    (void)state;
    begin(&scene, false, 0);
    open_root(&scene);
    set(&scene, 1);
    query(&scene, 2);
    expect(&scene, NULL);
    for (size_t i = 0; rules_party_at(scene.rules, i, &party); i++) {
        for (size_t rule = 0; rule < rules_count(); rule++) {
            assert_true(!rules_at(rule)->complete || party.checked[rule] == 0);
        }
    }
    rules_destroy(scene.rules);
}

// Nodes of one cluster have one registry.
static void test_two_servers(void **state) {
    struct scene scene;
    (void)state;
    begin(&scene, true, 0);
    open_root(&scene);
    set(&scene, 1);
    query(&scene, 2);
    expect(&scene, "query-value-content");
    assert_true(rules_whole(scene.rules));
    const struct rules_peers first = scene.peers;
    dial(&scene, 2, 8, 3);
    open_root(&scene);
    assert_false(rules_whole(scene.rules));
    scene.peers = first;
    set(&scene, 1);
    query(&scene, 2);
    expect(&scene, NULL);
    rules_destroy(scene.rules);
}

static void test_lost(void **state) {
    struct scene scene;
    (void)state;
    begin(&scene, true, 0);
    open_root(&scene);
    open_port(&scene);
    set(&scene, 1);
    execute(&scene, 1, 1);
    rules_blind(scene.rules, &scene.peers, 5);
    assert_false(rules_whole(scene.rules));
    query(&scene, 2);
    told(&scene, 1, 2);
    expect(&scene, NULL);
    rules_close(scene.rules, &scene.peers);
    dial(&scene, 3, 9, 2);
    open_root(&scene);
    set(&scene, 1);
    query(&scene, 2);
    expect(&scene, NULL);
    rules_destroy(scene.rules);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_long_queue),    cmocka_unit_test(test_many_keys),
        cmocka_unit_test(test_out_of_turn),   cmocka_unit_test(test_full),
        cmocka_unit_test(test_not_asked_for), cmocka_unit_test(test_two_servers),
        cmocka_unit_test(test_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
