// SPDX-License-Identifier: Apache-2.0
// Records as JSON, one object a line.
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "replay/state.h"
#include "replay/writer.h"

// ---- common parts -------------------------------------------------------------------------------

static struct writer begin(struct replay *r, const char *kind) {
    struct writer w = {.out = &r->out, .ascii = r->options->ascii};
    writer_open(&w, '{');
    writer_key(&w, "kind");
    writer_string(&w, kind);
    return w;
}

static void end(struct replay *r, struct writer *w) {
    writer_close(w, '}');
    buffer_append(&r->out, "\n", 1);
    replay_flush(r);
}

static void number(struct writer *w, const char *key, uint64_t value) {
    writer_key(w, key);
    writer_number(w, value);
}

static void string(struct writer *w, const char *key, const char *value) {
    writer_key(w, key);
    writer_string(w, value);
}

// A name, or the number where there is none.
static void named(struct writer *w, const char *key, const char *name, uint64_t value) {
    if (name != NULL) {
        string(w, key, name);
    } else {
        number(w, key, value);
    }
}

// RFC 3339 in UTC: microseconds, or nanoseconds where the capture has them.
static void put_time(struct writer *w, const struct assoc_stamp *stamp) {
    const time_t seconds = (time_t)stamp->seconds;
    const bool nanoseconds = stamp->nanoseconds % 1000 != 0;
    struct tm parts;
    char text[80];
    if (gmtime_r(&seconds, &parts) == NULL || parts.tm_year < -1900 ||
        parts.tm_year > 9999 - 1900) {
        return;
    }
    snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%0*" PRIu32 "Z",
             parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min,
             parts.tm_sec, nanoseconds ? 9 : 6,
             nanoseconds ? stamp->nanoseconds : stamp->nanoseconds / 1000);
    string(w, "time", text);
}

static void put_ends(struct writer *w, const struct replay_connection *c) {
    const int client = replay_client(c);
    string(w, "client", c->text[client]);
    string(w, "server", c->text[1 - client]);
}

static void syntax(struct writer *w, const cmrp_syntax_id *id) {
    struct buffer text = {0};
    replay_syntax_name(&text, id);
    writer_string(w, buffer_text(&text));
    buffer_free(&text);
}

// ---- calls --------------------------------------------------------------------------------------

static void put_params(struct writer *w, const char *key, const struct replay_side *side) {
    if (side->decoded) {
        writer_key(w, key);
        writer_params(w, &side->format, side->slots);
    }
}

static void flag(struct writer *w, const char *key, bool set) {
    if (set) {
        writer_key(w, key);
        writer_true(w);
    }
}

static void put_uuid(struct writer *w, const char *key, const cmrp_uuid *uuid) {
    char text[CMRP_UUID_TEXT_SIZE];
    cmrp_uuid_format(uuid, text);
    string(w, key, text);
}

// The commands of a request's verification trailer.
static void put_verification(struct writer *w, cmrp_view trailer) {
    struct replay_trailer_command command;
    size_t cursor = 0;
    if (trailer.size == 0) {
        return;
    }
    writer_key(w, "verification");
    writer_open(w, '[');
    while (replay_next_trailer_command(trailer, &cursor, &command)) {
        writer_open(w, '{');
        named(w, "command", replay_trailer_command_name(command.type), command.type);
        flag(w, "must_process", command.must_process);
        writer_key(w, "data");
        writer_hex(w, command.data);
        writer_close(w, '}');
    }
    writer_close(w, ']');
}

static void put_rule(struct writer *w, const struct rule *rule) {
    if (rule != NULL) {
        string(w, "requirement", rule->requirement);
        string(w, "rule", rule->name);
    }
}

static void put_findings(struct writer *w, const struct replay_call *call) {
    writer_key(w, "findings");
    writer_open(w, '[');
    for (size_t i = 0; i < call->finding_count; i++) {
        const struct replay_finding *f = &call->findings[i];
        writer_open(w, '{');
        put_rule(w, f->rule);
        string(w, "level", f->must ? "must" : f->allowed ? "note" : "should");
        number(w, "frame", f->frame);
        number(w, "offset", f->offset);
        string(w, "field", f->field);
        string(w, "section", f->section);
        string(w, "message", f->message);
        if (f->rule != NULL) {
            string(w, "advice", f->rule->advice);
        }
        writer_close(w, '}');
    }
    writer_close(w, ']');
    if (call->more_findings > 0) {
        number(w, "more_findings", call->more_findings);
    }
}

// What is out of the ordinary about a call.
static void put_circumstances(struct writer *w, const struct assoc_call *a) {
    flag(w, "guessed", a->basis == ASSOC_GUESSED);
    flag(w, "mapped", a->basis == ASSOC_ENDPOINT);
    if (a->has_object) {
        put_uuid(w, "object", &a->object);
    }
    flag(w, "cancelled", a->cancelled);
    flag(w, "orphaned", a->orphaned);
    flag(w, "given_up", a->given_up);
    flag(w, "idempotent", a->idempotent);
    flag(w, "maybe", a->maybe);
}

void replay_json_call(struct replay_connection *c, const struct replay_call *call) {
    const struct assoc_call *a = call->call;
    const bool requested = a->request.state != ASSOC_ABSENT;
    struct writer w = begin(c->replay, "call");
    string(&w, "state", replay_state_name(call->state));
    if (requested) {
        number(&w, "request_frame", a->request.stamp.frame);
    }
    if (a->response.state != ASSOC_ABSENT) {
        number(&w, "response_frame", a->response.stamp.frame);
    }
    put_time(&w, requested ? &a->request.stamp : &a->response.stamp);
    put_ends(&w, c);
    number(&w, "call_id", a->call_id);
    if (a->connectionless) {
        put_uuid(&w, "activity", &a->activity);
    } else {
        number(&w, "context", a->context_id);
    }
    if (requested) {
        number(&w, "opnum", a->opnum);
    }
    if (call->name != NULL) {
        string(&w, "method", call->name);
    }
    number(&w, "interface", a->interface.version);
    if (a->transfer.version != 0) {
        writer_key(&w, "syntax");
        syntax(&w, &a->transfer);
    }
    put_circumstances(&w, a);
    put_params(&w, "request", &call->request);
    put_verification(&w, call->request.trailer);
    put_params(&w, "response", &call->response);
    if (a->faulted) {
        number(&w, "fault", a->fault);
    }
    put_findings(&w, call);
    end(c->replay, &w);
}

// ---- binds --------------------------------------------------------------------------------------

static void put_result(struct writer *w, const cmrp_pdu_result *result) {
    static const char *const names[] = {"acceptance", "user_rejection", "provider_rejection",
                                        "negotiate_ack"};
    const size_t count = sizeof names / sizeof names[0];
    named(w, "result", result->result < count ? names[result->result] : NULL, result->result);
    if (result->result == CMRP_RESULT_ACCEPTANCE) {
        writer_key(w, "syntax");
        syntax(w, &result->transfer);
    } else {
        number(w, result->result == CMRP_RESULT_NEGOTIATE_ACK ? "features" : "reason",
               result->reason);
    }
}

static void put_context(struct writer *w, const cmrp_pdu_context *context,
                        const cmrp_pdu_result *result) {
    size_t cursor = 0;
    cmrp_syntax_id transfer;
    char text[CMRP_UUID_TEXT_SIZE];
    writer_open(w, '{');
    number(w, "context", context->id);
    cmrp_uuid_format(&context->abstract_syntax.uuid, text);
    string(w, "uuid", text);
    snprintf(text, sizeof text, "%u.%u", context->abstract_syntax.version,
             context->abstract_syntax.version_minor);
    string(w, "version", text);
    writer_key(w, "offered");
    writer_open(w, '[');
    while (cmrp_pdu_next_transfer(context, &cursor, &transfer)) {
        syntax(w, &transfer);
    }
    writer_close(w, ']');
    if (result != NULL) {
        put_result(w, result);
    }
    writer_close(w, '}');
}

static void put_contexts(struct writer *w, const struct assoc_bind *bind) {
    size_t cursor = 0;
    size_t result_cursor = 0;
    cmrp_pdu_context context;
    cmrp_pdu_result result;
    const unsigned ptype = bind->answer != NULL ? bind->answer->header.ptype : 0;
    const bool results = ptype == CMRP_PTYPE_BIND_ACK || ptype == CMRP_PTYPE_ALTER_CONTEXT_RESP;
    writer_key(w, "contexts");
    writer_open(w, '[');
    while (cmrp_pdu_next_context(bind->offer, &cursor, &context)) {
        const bool answered =
            results && cmrp_pdu_next_result(bind->answer, &result_cursor, &result);
        put_context(w, &context, answered ? &result : NULL);
    }
    writer_close(w, ']');
}

static void put_security(struct writer *w, const cmrp_pdu *pdu) {
    const unsigned type = pdu->has_auth ? pdu->auth_type : 0;
    const unsigned level = pdu->has_auth ? pdu->auth_level : (unsigned)ASSOC_LEVEL_NONE;
    writer_key(w, "security");
    writer_open(w, '{');
    named(w, "type", show_auth_type(type), type);
    named(w, "level", show_auth_level(level), level);
    writer_close(w, '}');
}

// A bind_nak: the reason, the versions that the server speaks, the extended error.
static void put_refusal(struct writer *w, const cmrp_pdu *answer) {
    number(w, "reason", answer->nak_reason);
    writer_key(w, "versions");
    writer_open(w, '[');
    for (size_t i = 0; i + 1 < answer->list.size; i += 2) {
        char text[16];
        snprintf(text, sizeof text, "%u.%u", answer->list.data[i], answer->list.data[i + 1]);
        writer_string(w, text);
    }
    writer_close(w, ']');
    if (answer->extension.size > 0) {
        writer_key(w, "extension");
        writer_hex(w, answer->extension);
    }
}

// The association that the client joins or founds, and what was agreed about it.
static void put_association(struct writer *w, const struct assoc_bind *bind) {
    const cmrp_pdu *answer = bind->answer;
    const bool agreed = answer != NULL && (answer->header.ptype == CMRP_PTYPE_BIND_ACK ||
                                           answer->header.ptype == CMRP_PTYPE_ALTER_CONTEXT_RESP);
    const uint32_t group = agreed ? answer->assoc_group_id : bind->offer->assoc_group_id;
    if (group != 0) {
        number(w, "assoc_group", group);
    }
    flag(w, "joins",
         bind->offer->assoc_group_id != 0 && bind->offer->header.ptype == CMRP_PTYPE_BIND);
    flag(w, "multiplexing",
         agreed && (bind->offer->header.flags & answer->header.flags & CMRP_PFC_CONC_MPX) != 0);
}

void replay_json_bind(struct replay_connection *c, const struct assoc_bind *bind,
                      const struct replay_call *findings) {
    const cmrp_pdu *answer = bind->answer;
    struct writer w = begin(c->replay, "bind");
    number(&w, "request_frame", bind->offered.frame);
    if (answer != NULL) {
        number(&w, "response_frame", bind->answered.frame);
    }
    put_time(&w, &bind->offered);
    put_ends(&w, c);
    number(&w, "call_id", bind->offer->header.call_id);
    string(&w, "pdu", cmrp_ptype_name(bind->offer->header.ptype));
    if (answer != NULL) {
        string(&w, "answer", cmrp_ptype_name(answer->header.ptype));
    }
    if (answer != NULL && answer->header.ptype == CMRP_PTYPE_BIND_NAK) {
        put_refusal(&w, answer);
    } else {
        put_association(&w, bind);
    }
    if (answer != NULL && answer->header.ptype == CMRP_PTYPE_FAULT) {
        number(&w, "fault", answer->status);
    }
    put_contexts(&w, bind);
    put_security(&w, bind->offer);
    if (findings != NULL) {
        put_findings(&w, findings);
    }
    end(c->replay, &w);
}

// ---- endpoints ----------------------------------------------------------------------------------

void replay_json_endpoint(struct replay_connection *c, const struct replay_found *found) {
    struct writer w = begin(c->replay, "endpoint");
    number(&w, "frame", found->call->response.stamp.frame);
    put_time(&w, &found->call->response.stamp);
    put_ends(&w, c);
    number(&w, "call_id", found->call->call_id);
    number(&w, "interface", found->interface);
    if (found->protocol != NULL) {
        string(&w, "protocol", found->protocol);
        string(&w, "address", found->address);
    } else {
        number(&w, "status", found->status);
    }
    end(c->replay, &w);
}

// ---- gaps and notes -----------------------------------------------------------------------------

void replay_json_gap(struct replay_connection *c, const struct assoc_loss *loss) {
    struct writer w = begin(c->replay, "gap");
    number(&w, "frame", loss->stamp.frame);
    put_time(&w, &loss->stamp);
    put_ends(&w, c);
    string(&w, "from", loss->direction == replay_client(c) ? "client" : "server");
    number(&w, "bytes", loss->missing);
    number(&w, "skipped", loss->skipped);
    end(c->replay, &w);
}

void replay_json_note(struct replay *r, struct replay_connection *c, const char *code,
                      const char *text, const struct assoc_stamp *stamp) {
    struct writer w = begin(r, "note");
    number(&w, "frame", stamp->frame);
    put_time(&w, stamp);
    if (c != NULL) {
        put_ends(&w, c);
    }
    string(&w, "code", code);
    string(&w, "message", text);
    end(r, &w);
}
