// SPDX-License-Identifier: Apache-2.0
#include "batch_support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "util/hex.h"
#include "json/json.h"

// ---- calls --------------------------------------------------------------------------------------

static char request_text[1 << 16], response_text[1 << 16];

static const struct told *tell(const char *method) {
    static struct told call;
    call = (struct told){3, method, request_text, response_text};
    return &call;
}

const struct told *execute(const char *batch, long failed, unsigned long status) {
    snprintf(request_text, sizeof request_text, "{\"hKey\":" KEY ",\"lpData\":%s}", batch);
    snprintf(response_text, sizeof response_text,
             "{\"pdwFailedCommand\":%ld,\"rpc_status\":0,\"return\":%lu}", failed, status);
    return tell("ApiExecuteBatch");
}

const struct told *notified(const char *batch) {
    snprintf(request_text, sizeof request_text, "{\"hBatchNotify\":" PORT "}");
    snprintf(response_text, sizeof response_text, "{\"lpData\":%s,\"return\":0}", batch);
    return tell("ApiGetBatchNotification");
}

const struct told *read_batch(const char *in, const char *out) {
    snprintf(request_text, sizeof request_text, "{\"hKey\":" KEY ",\"lpInData\":%s}", in);
    snprintf(response_text, sizeof response_text,
             "{\"lpOutData\":%s,\"rpc_status\":0,\"return\":0}", out);
    return tell("ApiExecuteReadBatch");
}

const struct told *isolated(const char *in, const char *out) {
    (void)read_batch(in, out);
    snprintf(request_text, sizeof request_text, "{\"hKey\":" KEY ",\"lpInData\":%s,\"flags\":3}",
             in);
    return tell("ApiExecuteReadBatchEx");
}

// ---- judging ------------------------------------------------------------------------------------

static const char *const ours[] = {
#define RULE(id, name, requirement, level, role, section, advice) name,
#include "rules/batch.def"
#undef RULE
};

struct seen {
    unsigned count;
    char names[1024]; // of broken rules, each with a blank before and behind it
    struct rules_finding last;
    char octets[256]; // that the last one points to
};

static bool is_ours(const char *name) {
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++) {
        if (strcmp(name, ours[i]) == 0) {
            return true;
        }
    }
    return false;
}

static void see(void *context, const struct rules_finding *f) {
    struct seen *seen = context;
    const char *name = rules_at(f->rule)->name;
    if (!is_ours(name)) {
        return;
    }
    // Whoever is to change something has sent the octets.
    assert_int_equal(f->place,
                     rules_at(f->rule)->role == RULES_CLIENT ? RULES_REQUEST : RULES_RESPONSE);
    const size_t length = strlen(seen->names);
    snprintf(seen->names + length, sizeof seen->names - length, " %s ", name);
    seen->count++;
    seen->last = *f;
    const cmrp_view stub =
        f->place == RULES_REQUEST ? f->call->request.stub : f->call->response.stub;
    assert_true(f->offset <= stub.size && f->size <= stub.size - f->offset);
    for (size_t i = 0; i < f->size && 2 * i + 2 < sizeof seen->octets; i++) {
        snprintf(seen->octets + 2 * i, 3, "%02x", stub.data[f->offset + i]);
    }
}

static void fill(const struct told *told, bool response, const cmrp_method *method,
                 struct rules_side *side, struct assoc_part *part, cmrp_slot *slots,
                 struct buffer *stub) {
    struct json_selector how = {.type = JSON_TYPE_STUB,
                                .stub = {.method = method,
                                         .interface = told->interface,
                                         .response = response,
                                         .syntax = CMRP_NDR20}};
    struct json_failure failure;
    char *text = util_format("{\"params\":%s}", response ? told->response : told->request);
    char *wrong = NULL;
    json_t *value = json_parse(text, strlen(text), &wrong);
    cmrp_error error = {0};
    if (value == NULL || !json_encode(&how, value, stub, &failure)) {
        fail_msg("%s: %s: %s", told->method, text, wrong != NULL ? wrong : failure.message);
    }
    json_decref(value);
    free(text);
    *part = (struct assoc_part){
        .state = ASSOC_WHOLE, .stub = buffer_view(stub), .stamp = {.frame = response ? 2 : 1}};
    *side = (struct rules_side){
        .decoded = true, .stub = buffer_view(stub), .format = how.stub, .slots = slots};
    assert_true(cmrp_stub_decode(&how.stub, side->stub, 0, slots, NULL, NULL, &error));
}

static struct rules *judge(const struct told *told, struct seen *seen) {
    const struct rules_events events = {.context = seen, .finding = see};
    const struct rules_peers peers = {.connection = 1};
    struct rules *rules = rules_create(NULL, &events);
    cmrp_slot in[CMRP_MAX_PARAMS], out[CMRP_MAX_PARAMS];
    struct buffer request = {0}, response = {0};
    struct assoc_call call = {.interface = {.version = (uint16_t)told->interface}};
    struct rules_call given = {.call = &call};
    memset(seen, 0, sizeof *seen);
    given.method = cmrp_method_named(told->interface, told->method);
    assert_non_null(given.method);
    call.opnum = (uint16_t)given.method->opnum;
    fill(told, false, given.method, &given.request, &call.request, in, &request);
    if (told->response != NULL) {
        fill(told, true, given.method, &given.response, &call.response, out, &response);
    }
    rules_call(rules, &peers, &given);
    buffer_free(&request);
    buffer_free(&response);
    return rules;
}

// ---- expectations -------------------------------------------------------------------------------

// The next name of a list, into name.
static bool next_name(const char **list, char *name, size_t size) {
    *list += strspn(*list, " ");
    const size_t length = strcspn(*list, " ");
    assert_true(length < size);
    memcpy(name, *list, length);
    name[length] = '\0';
    *list += length;
    return length > 0;
}

void breaks(const struct told *call, const char *list) {
    struct seen seen;
    char name[64], padded[66];
    unsigned count = 0;
    rules_destroy(judge(call, &seen));
    while (next_name(&list, name, sizeof name)) {
        snprintf(padded, sizeof padded, " %s ", name);
        if (strstr(seen.names, padded) == NULL) {
            fail_msg("%s is not broken, but:%s", name, seen.names);
        }
        count++;
    }
    if (seen.count != count) {
        fail_msg("broken are:%s", seen.names);
    }
}

static uint64_t checked(const struct rules *rules, const char *name) {
    const size_t rule = rules_named(name);
    uint64_t sum = 0;
    struct rules_party party;
    if (rule == rules_count()) {
        fail_msg("there is no rule %s", name);
    }
    for (size_t i = 0; rules_party_at(rules, i, &party); i++) {
        sum += party.checked[rule];
    }
    return sum;
}

static void expect_checked(const struct told *call, const char *list, uint64_t times) {
    struct seen seen;
    char name[64];
    struct rules *rules = judge(call, &seen);
    if (seen.count != 0) {
        fail_msg("broken are:%s (%s)", seen.names, seen.last.message);
    }
    while (next_name(&list, name, sizeof name)) {
        if (checked(rules, name) != times) {
            fail_msg("%s was applied %u times", name, (unsigned)checked(rules, name));
        }
    }
    rules_destroy(rules);
}

void keeps(const struct told *call, const char *rules) {
    expect_checked(call, rules, 1);
}

void leaves(const struct told *call, const char *rules) {
    expect_checked(call, rules, 0);
}

void points_to(const struct told *call, const char *rule, const char *field, const char *octets,
               const char *message) {
    struct seen seen;
    rules_destroy(judge(call, &seen));
    assert_int_equal(seen.count, 1);
    assert_string_equal(rules_at(seen.last.rule)->name, rule);
    assert_string_equal(seen.last.field, field);
    assert_string_equal(seen.octets, octets);
    assert_string_equal(seen.last.message, message);
}
