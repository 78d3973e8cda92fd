// SPDX-License-Identifier: Apache-2.0
// Runs a script: one step after the other, on one association.
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "call/state.h"
#include "cmrp/uuid.h"
#include "show/show.h"

enum { SECONDS = 30 };

static void next(struct call_run *run);

// ---- the end ------------------------------------------------------------------------------------

static void client_closed(void *context) {
    struct call_run *run = context;
    run->client = NULL;
    uv_close((uv_handle_t *)&run->timer, NULL);
}

static void finish(struct call_run *run) {
    if (!run->over) {
        run->over = true;
        uv_timer_stop(&run->timer);
        rpc_client_close(run->client, client_closed, run);
    }
}

__attribute__((format(printf, 4, 5))) static void
fail(struct call_run *run, const struct step *step, enum outcome outcome, const char *format, ...) {
    char text[1024];
    va_list args;
    if (run->over) {
        return;
    }
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    run->outcome = outcome;
    run->error = step->kind == STEP_CALL
                     ? util_format("step %zu: %s: %s", step->number, step->method->name, text)
                     : util_format("step %zu: %s", step->number, text);
    finish(run);
}

// ---- answers ------------------------------------------------------------------------------------

// Whether the status, or fault, is what the step expects.
static void judge(struct call_run *run, const struct step *step, uint32_t status, bool fault) {
    if (step->any || (status == step->expected && fault == step->expects_fault)) {
        return;
    }
    struct buffer got = {0};
    struct buffer expected = {0};
    show_code(&got, status, fault);
    show_code(&expected, step->expected, step->expects_fault);
    if (step->expected == 0 && !step->expects_fault) {
        fail(run, step, OUTCOME_FINDINGS, "%s", buffer_text(&got));
    } else {
        fail(run, step, OUTCOME_FINDINGS, "%s instead of %s", buffer_text(&got),
             buffer_text(&expected));
    }
    buffer_free(&got);
    buffer_free(&expected);
}

static void take_response(struct call_run *run, struct step *step, const struct rpc_reply *reply) {
    const struct json_selector how = {.type = JSON_TYPE_STUB,
                                      .stub = {.method = step->method,
                                               .interface = CMRP_INTERFACE_3,
                                               .response = true,
                                               .syntax = reply->syntax,
                                               .order = reply->order}};
    cmrp_slot slots[CMRP_MAX_PARAMS];
    cmrp_error error = {0};
    uint32_t status = 0;
    if (!cmrp_stub_decode(&how.stub, reply->stub, 0, slots, NULL, NULL, &error)) {
        char text[400];
        cmrp_error_format(&error, text, sizeof text);
        fail(run, step, OUTCOME_FINDINGS, "response: %s", text);
        return;
    }
    json_t *value = json_decode(&how, reply->stub, 0, &error);
    step->response = json_incref(json_object_get(value, "params"));
    json_decref(value);
    if (!step->hidden || run->o->verbose) {
        call_show(run, step, reply, slots);
    }
    show_outcome(&how.stub, slots, &status);
    judge(run, step, status, false);
}

static void answered(void *context, const struct rpc_reply *reply) {
    struct step *step = context;
    struct call_run *run = step->run;
    step->call = NULL;
    step->done = true;
    if (run->over) {
        return;
    }
    if (step->failure != NULL) {
        fail(run, step, OUTCOME_FINDINGS, "%s", step->failure);
    } else if (reply->status == 0) {
        take_response(run, step, reply);
    } else {
        call_show(run, step, reply, NULL);
        if (reply->fault || (step->any && reply->status == RPC_S_CALL_CANCELLED)) {
            judge(run, step, reply->status, reply->fault);
        } else {
            fail(run, step, OUTCOME_UNREACHED, "%s",
                 reply->why != NULL ? reply->why : "it was not answered");
        }
    }
    if (run->awaited == step && !run->over) {
        uv_timer_stop(&run->timer);
        run->awaited = NULL;
        next(run);
    }
}

// ---- steps --------------------------------------------------------------------------------------

static bool encode(void *context, cmrp_syntax syntax, struct buffer *stub) {
    struct step *step = context;
    const struct json_selector how = {
        .type = JSON_TYPE_STUB,
        .stub = {.method = step->method, .interface = CMRP_INTERFACE_3, .syntax = syntax}};
    struct json_failure failure = {0};
    json_t *params = call_resolve(step->run->script, step, &step->failure);
    if (params == NULL) {
        return false;
    }
    json_t *value = json_pack("{s:o}", "params", params);
    step->syntax = syntax;
    buffer_clear(&step->request);
    const bool ok = json_encode(&how, value, &step->request, &failure);
    json_decref(value);
    if (!ok) {
        step->failure = util_format("%s: %s", failure.pointer, failure.message);
        return false;
    }
    buffer_append(stub, step->request.data, step->request.size);
    return true;
}

// [3.1.4.2.66, 3.1.4.2.115, 3.1.4.2.139, 3.1.4.2.144]
static bool blocks(const cmrp_method *method) {
    return method->opnum == 65 || method->opnum == 115 || method->opnum == 139 ||
           method->opnum == 147;
}

static void waited_too_long(uv_timer_t *timer) {
    struct call_run *run = timer->data;
    struct step *step = run->awaited;
    if (step == NULL) { // only a pause
        next(run);
    } else {
        fail(run, step, OUTCOME_UNREACHED, "no answer after %u seconds", run->o->seconds);
    }
}

static void await(struct call_run *run, struct step *step) {
    const uint32_t seconds = run->o->seconds;
    run->awaited = step;
    uv_timer_start(&run->timer, waited_too_long, (uint64_t)seconds * 1000, 0);
}

static void send_call(struct call_run *run, struct step *step) {
    const struct rpc_client_request request = {.opnum = (uint16_t)step->method->opnum,
                                               .flags = blocks(step->method) ? RPC_CALL_BLOCKS : 0,
                                               .context = step,
                                               .encode = encode,
                                               .done = answered};
    step->run = run;
    step->call = rpc_client_call(run->client, &request);
}

// Steps until one has to be waited for.
static void next(struct call_run *run) {
    while (!run->over && run->at < run->script->count) {
        struct step *step = &run->script->steps[run->at++];
        switch (step->kind) {
        case STEP_CALL:
            send_call(run, step);
            if (!step->start) {
                await(run, step);
                return;
            }
            break;
        case STEP_AWAIT:
            if (!step->other->done) {
                await(run, step->other);
                return;
            }
            break;
        case STEP_CANCEL:
            if (step->other->call != NULL) {
                rpc_client_cancel(step->other->call, false);
            }
            break;
        case STEP_WAIT:
            uv_timer_start(&run->timer, waited_too_long, (uint64_t)(step->seconds * 1000), 0);
            return;
        }
    }
    finish(run);
}

// "HOST:PORT" as the user would write it.
static char *target_of(const struct rpc_client_options *client) {
    const bool v6 = client->port != 0 && strchr(client->host, ':') != NULL;
    return client->port != 0 ? util_format(v6 ? "[%s]:%u" : "%s:%u", client->host, client->port)
                             : util_strdup(client->host);
}

static void connected(void *context, uint32_t status, const char *why) {
    struct call_run *run = context;
    if (run->over) {
        return;
    }
    if (status != 0) {
        run->outcome = OUTCOME_UNREACHED;
        char *target = target_of(&run->o->client);
        run->error = util_format("%s: %s", target, why != NULL ? why : "it could not be reached");
        free(target);
        finish(run);
    } else {
        next(run);
    }
}

enum outcome call_run(struct call_script *script, const struct call_options *options,
                      char **error) {
    struct call_options o = *options;
    struct call_run run = {.o = &o, .script = script};
    o.seconds = o.seconds > 0 ? o.seconds : SECONDS;
    o.client.interface = (cmrp_syntax_id){cmrp_uuid_clusapi, CMRP_INTERFACE_3, 0};
    o.client.call_milliseconds = o.seconds * 1000;
    o.client.connect_milliseconds = o.seconds * 1000;
    uv_loop_init(&run.loop);
    uv_timer_init(&run.loop, &run.timer);
    run.timer.data = &run;
    run.client = rpc_client_create(&run.loop, &o.client);
    rpc_client_connect(run.client, connected, &run);
    uv_run(&run.loop, UV_RUN_DEFAULT);
    uv_loop_close(&run.loop);
    show_handles_free(run.handles);
    *error = run.error;
    return run.outcome;
}
