// SPDX-License-Identifier: Apache-2.0
// From a call's stubs to parameters and findings.
#include <stdio.h>
#include <string.h>

#include "replay/state.h"

// ---- findings -----------------------------------------------------------------------------------

// What a call loses least comes first. Of findings of one rule the first counts most.
enum worth { WORTH_ALLOWED, WORTH_WARNING, WORTH_AGAIN, WORTH_FIRST };

static bool said_before(const struct replay_call *out, size_t count, const struct rule *rule) {
    for (size_t i = 0; i < count; i++) {
        if (out->findings[i].must && out->findings[i].rule == rule) {
            return true;
        }
    }
    return false;
}

static bool is_worth_less(const struct replay_call *out, size_t index, enum worth worth) {
    const struct replay_finding *f = &out->findings[index];
    if (!f->must) {
        return (f->allowed ? WORTH_ALLOWED : WORTH_WARNING) < worth;
    }
    // A rule's first finding is new once a call: this search is rare.
    return worth == WORTH_FIRST && said_before(out, index, f->rule);
}

// Gives up the last finding that is worth less. Returns whether there was one.
static bool drop_finding(struct replay_call *out, enum worth worth) {
    size_t i = out->finding_count;
    while (i > 0 && !is_worth_less(out, i - 1, worth)) {
        i--;
    }
    if (i == 0) {
        return false;
    }
    out->finding_count--;
    memmove(&out->findings[i - 1], &out->findings[i],
            (out->finding_count - (i - 1)) * sizeof out->findings[0]);
    return true;
}

struct replay_finding *replay_next_finding(struct replay_call *out, bool must,
                                           const struct rule *rule) {
    if (out->finding_count == REPLAY_FINDINGS) {
        const enum worth worth = !must                                        ? WORTH_WARNING
                                 : said_before(out, out->finding_count, rule) ? WORTH_AGAIN
                                                                              : WORTH_FIRST;
        out->more_findings++;
        if (!drop_finding(out, worth)) {
            return NULL;
        }
    }
    return &out->findings[out->finding_count++];
}

// Padding may have any value [MS-RPCE 2.2], and clients may send some behind a stub
// [MS-RPCE 2.2.2.13].
static bool is_allowed(cmrp_code code, bool response) {
    return code == CMRP_E_NDR_PADDING || (code == CMRP_E_TRAILING && !response);
}

static void add_finding(struct replay_call *out, bool must, bool response, uint64_t frame,
                        const cmrp_error *complaint) {
    struct replay_finding *f = replay_next_finding(out, must, NULL);
    if (f != NULL) {
        f->must = must;
        f->allowed = !must && is_allowed(complaint->code, response);
        f->role = response ? RULES_SERVER : RULES_CLIENT;
        f->rule = NULL;
        f->code = complaint->code;
        f->pdu = false;
        f->response = response;
        f->frame = frame;
        f->offset = complaint->offset;
        // What is left of the field, or of the stub; of other errors the field's size is not known.
        f->size = complaint->code == CMRP_E_TRUNCATED || complaint->code == CMRP_E_TRAILING
                      ? (size_t)complaint->left
                      : 0;
        f->section = complaint->section;
        cmrp_error_field(complaint, f->field, sizeof f->field);
        cmrp_error_message(complaint, f->message, sizeof f->message);
    }
}

void replay_add_finding(struct replay_call *out, bool must, uint64_t frame, uint64_t offset,
                        const char *section, const char *field, const char *message) {
    struct replay_finding *f = replay_next_finding(out, must, NULL);
    if (f != NULL) {
        *f = (struct replay_finding){
            .must = must, .frame = frame, .offset = offset, .section = section};
        snprintf(f->field, sizeof f->field, "%s", field);
        snprintf(f->message, sizeof f->message, "%s", message);
    }
}

struct collecting {
    struct replay_call *call;
    uint64_t frame;
    bool request;
    bool trailing; // seen, and kept back: it may be a verification trailer
    cmrp_error trailing_warning;
};

static void collect_warning(void *context, const cmrp_error *warning) {
    struct collecting *c = context;
    if (warning->code == CMRP_E_TRAILING && c->request) {
        c->trailing = true;
        c->trailing_warning = *warning;
    } else {
        add_finding(c->call, false, !c->request, c->frame, warning);
    }
}

// ---- sides --------------------------------------------------------------------------------------

// Batches that cannot be read are findings, too; of a response only if the method succeeded.
static void check_batches(struct replay_call *out, struct replay_side *side, uint64_t frame) {
    uint32_t status = 0;
    if (side->format.response && show_outcome(&side->format, side->slots, &status) && status != 0) {
        return;
    }
    for (uint32_t i = 0; i < out->method->count; i++) {
        const cmrp_param *p = &out->method->params[i];
        const cmrp_slot *slot = &side->slots[i];
        if (!slot->present || slot->null || p->meaning != CMRP_MEANS_BATCH) {
            continue;
        }
        const uint64_t offset =
            slot->bytes.data != NULL ? (uint64_t)(slot->bytes.data - side->stub.data) : 0;
        cmrp_batch batch;
        cmrp_batch_command command;
        cmrp_error error = {0};
        uint64_t count = 0;
        bool alike = true;
        if (cmrp_batch_open(&batch, slot->bytes, offset, CMRP_BATCH_STRICT, &error)) {
            while (cmrp_batch_next(&batch, &command)) {
                count++;
                alike = alike && command.type == CMRP_CLUSREG_SET_VALUE && command.warnings == 0;
            }
        }
        if (error.code != CMRP_OK) {
            error.array = p->name;
            error.index = CMRP_NO_INDEX;
            add_finding(out, true, side->format.response, frame, &error);
        } else {
            side->batch_count = count; // no stub has two
            side->batch_alike = alike;
        }
    }
}

static void decode_side(struct replay_call *out, bool response) {
    const struct assoc_call *call = out->call;
    const struct assoc_part *part = response ? &call->response : &call->request;
    struct replay_side *side = response ? &out->response : &out->request;
    if (part->state != ASSOC_WHOLE || out->method == NULL || !out->known_syntax) {
        return;
    }
    struct collecting collecting = {.call = out, .frame = part->stamp.frame, .request = !response};
    cmrp_error error = {0};
    side->stub = part->stub;
    side->format = (cmrp_stub_format){.method = out->method,
                                      .interface = call->interface.version,
                                      .response = response,
                                      .syntax = out->syntax,
                                      .order = part->order};
    side->decoded = cmrp_stub_decode(&side->format, side->stub, 0, side->slots, collect_warning,
                                     &collecting, &error);
    if (!side->decoded) {
        add_finding(out, true, response, part->stamp.frame, &error);
        return;
    }
    if (collecting.trailing) {
        const size_t end = (size_t)collecting.trailing_warning.offset;
        if (replay_find_trailer(side->stub, end, part->last_at, &side->trailer)) {
            replay_check_trailer(out);
        } else {
            add_finding(out, false, response, part->stamp.frame, &collecting.trailing_warning);
        }
    }
    check_batches(out, side, part->stamp.frame);
}

// ---- the call -----------------------------------------------------------------------------------

static bool is_syntax(const cmrp_syntax_id *id, const cmrp_uuid *uuid, unsigned version) {
    return cmrp_uuid_equal(&id->uuid, uuid) && id->version == version && id->version_minor == 0;
}

bool replay_known_syntax(const cmrp_syntax_id *id, cmrp_syntax *syntax) {
    *syntax = is_syntax(id, &cmrp_uuid_ndr64, 1) ? CMRP_NDR64 : CMRP_NDR20;
    return *syntax == CMRP_NDR64 || is_syntax(id, &cmrp_uuid_ndr20, 2);
}

void replay_syntax_name(struct buffer *out, const cmrp_syntax_id *id) {
    cmrp_syntax syntax;
    char text[CMRP_UUID_TEXT_SIZE];
    if (replay_known_syntax(id, &syntax)) {
        buffer_printf(out, "%s", syntax == CMRP_NDR64 ? "ndr64" : "ndr");
    } else {
        cmrp_uuid_format(&id->uuid, text);
        buffer_printf(out, "%s/%u.%u", text, id->version, id->version_minor);
    }
}

static const char *why_undecoded(const struct replay_call *call) {
    const struct assoc_call *c = call->call;
    if (c->request.state == ASSOC_ABSENT) {
        return "its request is not in the capture";
    }
    if (c->request.state == ASSOC_TOO_LARGE || c->response.state == ASSOC_TOO_LARGE) {
        return "larger than the limit";
    }
    if (c->request.state != ASSOC_WHOLE) {
        return "the request is not whole in the capture";
    }
    if (c->response.state != ASSOC_WHOLE) {
        return "the response is not whole in the capture";
    }
    if (!call->known_syntax) {
        return "an unknown transfer syntax";
    }
    return call->method == NULL ? "a method that is not described" : NULL;
}

static enum replay_state state_of(const struct replay_call *call) {
    const struct assoc_call *c = call->call;
    if (c->faulted) {
        return REPLAY_FAULT;
    }
    if (c->response.state == ASSOC_ABSENT) {
        return REPLAY_UNANSWERED;
    }
    if (c->request.state == ASSOC_SEALED || c->response.state == ASSOC_SEALED) {
        return REPLAY_SEALED;
    }
    return call->request.decoded && call->response.decoded ? REPLAY_COMPLETE : REPLAY_UNDECODED;
}

void replay_decode(const struct assoc_call *call, struct replay_call *out) {
    const unsigned version = call->interface.version;
    memset(out, 0, offsetof(struct replay_call, findings));
    out->finding_count = 0;
    out->more_findings = 0;
    out->call = call;
    out->known_syntax = replay_known_syntax(&call->transfer, &out->syntax);
    if (call->request.state != ASSOC_ABSENT &&
        (version == CMRP_INTERFACE_2 || version == CMRP_INTERFACE_3)) {
        out->name = cmrp_opnum_name(version, call->opnum);
        out->method = cmrp_method_numbered(version, call->opnum);
    }
    for (uint32_t i = 0; i < call->breach_count; i++) {
        add_finding(out, true, call->breaches[i].from_server, call->breaches[i].frame,
                    &call->breaches[i].error);
        out->findings[out->finding_count - 1].pdu = true;
    }
    decode_side(out, false);
    decode_side(out, true);
    out->state = state_of(out);
    out->why = out->state == REPLAY_UNDECODED ? why_undecoded(out) : NULL;
}
