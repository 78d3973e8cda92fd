// SPDX-License-Identifier: Apache-2.0
// What came of a call: a line, with commands and notifications below it, or a JSON object.
#include <stdlib.h>
#include <string.h>

#include "call/state.h"
#include "show/show.h"

enum { METHOD_COLUMN = 23, BELOW = 4 };

struct naming {
    struct call_run *run;
};

static void name_handle(void *context, struct buffer *out, unsigned meaning,
                        const uint8_t handle[CMRP_HANDLE_SIZE]) {
    static const struct show_server server = {.family = 4}; // there is only one
    const struct naming *naming = context;
    show_handle_name(&naming->run->handles, &server, meaning, handle, out);
}

static cmrp_stub_format format_of(const struct step *step, const struct rpc_reply *reply) {
    return (cmrp_stub_format){.method = step->method,
                              .interface = CMRP_INTERFACE_3,
                              .response = reply != NULL,
                              .syntax = reply != NULL ? reply->syntax : step->syntax,
                              .order = reply != NULL ? reply->order : CMRP_LITTLE_ENDIAN};
}

static void put_outcome(struct buffer *out, const struct show_options *options,
                        const struct step *step, const struct rpc_reply *reply,
                        const cmrp_slot *slots) {
    const cmrp_stub_format format = format_of(step, reply);
    struct buffer name = {0};
    uint32_t status = reply->status;
    if (slots != NULL) {
        show_outcome(&format, slots, &status);
    }
    const char *known = reply->fault ? show_fault(status) : show_win32(status);
    buffer_printf(&name, "%s", reply->fault ? "fault " : "");
    if (known != NULL) {
        buffer_printf(&name, "%s", known);
    } else {
        buffer_printf(&name, "0x%08x", status);
    }
    const bool good = slots != NULL && status == 0;
    show_styled(out, options, good ? SHOW_GOOD : SHOW_BAD, "%s", good ? "ok" : buffer_text(&name));
    buffer_free(&name);
}

static void show_text_line(struct call_run *run, const struct step *step,
                           const struct rpc_reply *reply, const cmrp_slot *slots) {
    struct naming naming = {run};
    const struct show_options options = {.verbose = run->o->verbose,
                                         .colour = run->o->colour,
                                         .indent = BELOW,
                                         .handle = name_handle,
                                         .context = &naming};
    const cmrp_stub_format request_format = format_of(step, NULL);
    const cmrp_stub_format response_format = format_of(step, reply);
    struct buffer out = {0};
    struct buffer answer = {0};
    cmrp_slot request[CMRP_MAX_PARAMS];
    cmrp_error error = {0};
    const bool sent = step->request.size > 0 || step->method->count > 0;
    show_styled(&out, &options, SHOW_NAME, "%-*s", METHOD_COLUMN, step->method->name);
    buffer_printf(&out, "  ");
    put_outcome(&out, &options, step, reply, slots);
    const bool decoded = sent && cmrp_stub_decode(&request_format, buffer_view(&step->request), 0,
                                                  request, NULL, NULL, &error);
    if (decoded) {
        show_brief(&out, &request_format, request, &options);
    }
    if (slots != NULL) {
        show_brief(&answer, &response_format, slots, &options);
    }
    if (answer.size > 0) {
        buffer_printf(&out, "  =>");
        buffer_append(&out, answer.data + 1, answer.size - 1);
    }
    buffer_printf(&out, "\n");
    if (decoded && options.verbose) {
        show_params(&out, &request_format, request, &options);
    }
    if (decoded && !options.verbose) {
        show_items(&out, &request_format, request, &options);
    }
    if (slots != NULL && options.verbose) {
        buffer_printf(&out, "%*s=>\n", BELOW, "");
        show_params(&out, &response_format, slots, &options);
    } else if (slots != NULL) {
        show_items(&out, &response_format, slots, &options);
    }
    run->o->write(run->o->context, buffer_text(&out), out.size);
    buffer_free(&out);
    buffer_free(&answer);
}

static void show_json_line(struct call_run *run, const struct step *step,
                           const struct rpc_reply *reply) {
    const struct json_selector how = {.type = JSON_TYPE_STUB, .stub = format_of(step, NULL)};
    cmrp_error error = {0};
    json_t *json = json_pack("{s:i, s:s}", "step", (int)step->number, "call", step->method->name);
    json_t *request = json_decode(&how, buffer_view(&step->request), 0, &error);
    if (step->as != NULL && !step->hidden) {
        json_object_set_new(json, "as", json_string(step->as));
    }
    json_object_set_new(json, "syntax", json_string(step->syntax == CMRP_NDR64 ? "ndr64" : "ndr"));
    json_object_set(json, "request", json_object_get(request, "params"));
    json_decref(request);
    if (step->response != NULL) {
        json_object_set(json, "response", step->response);
    } else if (reply->fault) {
        json_object_set_new(json, "fault", json_integer(reply->status));
    } else {
        json_object_set_new(json, "error",
                            json_pack("{s:I, s:s}", "status", (json_int_t)reply->status, "why",
                                      reply->why != NULL ? reply->why : ""));
    }
    char *text = json_dumps(json, JSON_COMPACT | (run->o->ascii ? JSON_ENSURE_ASCII : 0));
    char *line = util_format("%s\n", text);
    run->o->write(run->o->context, line, strlen(line));
    free(line);
    free(text);
    json_decref(json);
}

void call_show(struct call_run *run, const struct step *step, const struct rpc_reply *reply,
               const cmrp_slot *slots) {
    if (run->o->json) {
        show_json_line(run, step, reply);
    } else {
        show_text_line(run, step, reply, slots);
    }
}
