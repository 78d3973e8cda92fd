// SPDX-License-Identifier: Apache-2.0
// Records as text: a line each, what belongs to it indented below.
#include <string.h>

#include "replay/state.h"
#include "util/text.h"

enum {
    METHOD_COLUMN = 23, // ApiGetBatchNotification
    BELOW = 14,         // indent of what belongs to a line
};

struct naming {
    struct replay *replay;
    const struct capture_endpoint *server;
};

static void name_handle(void *context, struct buffer *out, unsigned meaning,
                        const uint8_t handle[CMRP_HANDLE_SIZE]) {
    const struct naming *naming = context;
    struct show_server server = {.port = naming->server->port, .family = naming->server->family};
    memcpy(server.address, naming->server->addr, sizeof server.address);
    show_handle_name(&naming->replay->handles, &server, meaning, handle, out);
}

static struct show_options show_options(const struct replay *r) {
    return (struct show_options){
        .verbose = r->options->verbose, .colour = r->options->colour, .indent = BELOW};
}

// Time since the start, and the ends of the connection.
static void put_head(struct replay *r, const struct replay_connection *c,
                     const struct assoc_stamp *stamp) {
    const struct show_options options = show_options(r);
    const int64_t nanoseconds = (int64_t)stamp->nanoseconds - (int64_t)r->start.nanoseconds;
    const double seconds = (double)(stamp->seconds - r->start.seconds) + (double)nanoseconds / 1e9;
    show_styled(&r->out, &options, SHOW_FAINT, "%12.6f", r->started ? seconds : 0.0);
    if (c != NULL) {
        const int client = replay_client(c);
        show_styled(&r->out, &options, SHOW_FAINT, "  %s -> %s", c->text[client],
                    c->text[1 - client]);
    }
    buffer_printf(&r->out, "  ");
}

// ---- calls --------------------------------------------------------------------------------------

static void put_fault(struct buffer *out, const struct show_options *options, uint32_t status) {
    const char *name = show_fault(status);
    if (name != NULL) {
        show_styled(out, options, SHOW_BAD, "%s", name);
    } else {
        show_styled(out, options, SHOW_BAD, "fault 0x%08x", status);
    }
}

static void put_outcome(struct buffer *out, const struct show_options *options,
                        const struct replay_call *call) {
    uint32_t status = 0;
    struct buffer name = {0};
    switch (call->state) {
    case REPLAY_COMPLETE:
        (void)show_outcome(&call->response.format, call->response.slots, &status);
        show_status(&name, status);
        show_styled(out, options, status == 0 ? SHOW_GOOD : SHOW_BAD, "%s",
                    status == 0 ? "ok" : buffer_text(&name));
        break;
    case REPLAY_FAULT: put_fault(out, options, call->call->fault); break;
    default: show_styled(out, options, SHOW_WARNING, "%s", replay_state_name(call->state));
    }
    if (call->why != NULL) {
        buffer_printf(out, " (%s)", call->why);
    }
    if (call->call->given_up) {
        buffer_printf(out, " (given up)");
    }
    if (call->call->basis != ASSOC_BOUND) {
        buffer_printf(out, " (%s)", call->call->basis == ASSOC_GUESSED ? "guessed" : "mapped");
    }
    buffer_free(&name);
}

static void put_findings(struct buffer *out, const struct replay_call *call,
                         const struct show_options *options) {
    for (size_t i = 0; i < call->finding_count; i++) {
        const struct replay_finding *f = &call->findings[i];
        show_indent(out, options);
        const enum show_style style = f->must ? SHOW_BAD : SHOW_WARNING;
        struct buffer message = {0};
        text_escape(&message, f->message, strlen(f->message));
        show_styled(out, options, style, "%s frame %llu %s offset %llu: %s%s", f->must ? "!" : "~",
                    (unsigned long long)f->frame, f->pdu ? "PDU" : "stub",
                    (unsigned long long)f->offset, buffer_text(&message),
                    f->rule != NULL ? "." : "");
        if (f->rule != NULL) {
            buffer_printf(out, " %s [%s, %s]", f->rule->advice, f->rule->requirement, f->section);
        } else {
            show_styled(out, options, style, " [%s]", f->section);
        }
        buffer_append(out, "\n", 1);
        buffer_free(&message);
    }
    if (call->more_findings > 0) {
        show_indent(out, options);
        buffer_printf(out, "and %zu findings more\n", call->more_findings);
    }
}

static const char *part_state(enum assoc_part_state state) {
    switch (state) {
    case ASSOC_PARTIAL:
    case ASSOC_LOST: return ", not whole";
    case ASSOC_TOO_LARGE: return ", too large";
    case ASSOC_SEALED: return ", sealed";
    default: return "";
    }
}

// -V: where a request or response was, and every parameter of it.
static void put_side(struct buffer *out, const char *name, const struct assoc_part *part,
                     const struct replay_side *side, const struct show_options *options) {
    struct show_options deeper = *options;
    deeper.indent += 2;
    if (part->state == ASSOC_ABSENT) {
        return;
    }
    show_indent(out, options);
    buffer_printf(out, "%s: frame %llu, %llu octets in %u fragment%s%s%s", name,
                  (unsigned long long)part->stamp.frame, (unsigned long long)part->octets,
                  part->fragments, part->fragments == 1 ? "" : "s", part_state(part->state),
                  part->order == CMRP_BIG_ENDIAN ? ", big-endian" : "");
    if (part->auth_type != 0) {
        const char *type = show_auth_type(part->auth_type);
        const char *level = show_auth_level(part->auth_level);
        buffer_printf(out, ", %s %s", type != NULL ? type : "unknown security",
                      level != NULL ? level : "of an unknown level");
    }
    buffer_append(out, "\n", 1);
    if (side->format.method != NULL) {
        show_params(out, &side->format, side->slots, &deeper);
    }
    if (!side->decoded && part->stub.size > 0) {
        show_indent(out, &deeper);
        show_octets(out, part->stub, options);
        buffer_append(out, "\n", 1);
    }
    if (side->trailer.size > 0) {
        show_indent(out, &deeper);
        buffer_printf(out, "verification trailer at offset %zu, ",
                      (size_t)(side->trailer.data - side->stub.data));
        show_octets(out, side->trailer, options);
        buffer_append(out, "\n", 1);
        deeper.indent += 2;
        replay_show_trailer(out, side->trailer, &deeper);
    }
}

static void put_where(struct buffer *out, const struct assoc_call *call) {
    char activity[CMRP_UUID_TEXT_SIZE];
    if (call->connectionless) {
        cmrp_uuid_format(&call->activity, activity);
        buffer_printf(out, "activity %s", activity);
    } else {
        buffer_printf(out, "context %u", call->context_id);
    }
}

static void put_connectionless(struct buffer *out, const struct assoc_call *call) {
    buffer_printf(out, "%s%s", call->idempotent ? ", idempotent" : "",
                  call->maybe ? ", maybe" : "");
    if (call->pings > 0) {
        buffer_printf(out, ", %u ping%s", call->pings, call->pings == 1 ? "" : "s");
    }
    if (call->workings > 0) {
        buffer_printf(out, ", %u working", call->workings);
    }
}

static void put_below(struct buffer *out, const struct replay_call *call,
                      const struct show_options *options) {
    const struct assoc_call *a = call->call;
    if (!options->verbose) {
        if (call->request.format.method != NULL) {
            show_items(out, &call->request.format, call->request.slots, options);
        }
        if (call->response.format.method != NULL) {
            show_items(out, &call->response.format, call->response.slots, options);
        }
        return;
    }
    struct buffer syntax = {0};
    replay_syntax_name(&syntax, &a->transfer);
    show_indent(out, options);
    put_where(out, a);
    buffer_printf(out, ", interface %u.%u, %s%s%s", a->interface.version,
                  a->interface.version_minor, buffer_text(&syntax),
                  a->cancelled ? ", cancelled" : "", a->orphaned ? ", orphaned" : "");
    put_connectionless(out, a);
    buffer_append(out, "\n", 1);
    buffer_free(&syntax);
    put_side(out, "request", &a->request, &call->request, options);
    if (a->faulted) {
        show_indent(out, options);
        buffer_printf(out, "fault: frame %llu, status 0x%08x%s\n",
                      (unsigned long long)a->response.stamp.frame, a->fault,
                      a->did_not_execute ? ", did not execute" : "");
    } else {
        put_side(out, "response", &a->response, &call->response, options);
    }
}

static void put_method(struct buffer *out, const struct replay_call *call,
                       const struct show_options *options) {
    if (call->name != NULL) {
        show_styled(out, options, SHOW_NAME, "%-*s", METHOD_COLUMN, call->name);
    } else if (call->call->request.state != ASSOC_ABSENT) {
        show_styled(out, options, SHOW_NAME, "opnum %-*u", METHOD_COLUMN - 6, call->call->opnum);
    } else {
        buffer_printf(out, "%-*s", METHOD_COLUMN, "?");
    }
}

void replay_text_call(struct replay_connection *c, const struct replay_call *call) {
    struct replay *r = c->replay;
    struct buffer *out = &r->out;
    const struct assoc_call *a = call->call;
    struct naming naming = {r, &c->endpoint[1 - replay_client(c)]};
    struct show_options options = show_options(r);
    struct buffer answer = {0};
    options.handle = name_handle;
    options.context = &naming;
    put_head(r, c, a->request.state != ASSOC_ABSENT ? &a->request.stamp : &a->response.stamp);
    buffer_printf(out, "#%-3u  ", a->call_id);
    put_method(out, call, &options);
    buffer_printf(out, "  ");
    put_outcome(out, &options, call);
    if (call->request.format.method != NULL) {
        show_brief(out, &call->request.format, call->request.slots, &options);
    }
    if (call->response.format.method != NULL) {
        show_brief(&answer, &call->response.format, call->response.slots, &options);
    }
    if (answer.size > 0) {
        buffer_printf(out, "  =>");
        buffer_append(out, answer.data + 1, answer.size - 1);
    }
    buffer_append(out, "\n", 1);
    buffer_free(&answer);
    put_below(out, call, &options);
    put_findings(out, call, &options);
    replay_flush(r);
}

// ---- binds --------------------------------------------------------------------------------------

static void put_result(struct buffer *out, const cmrp_pdu_result *result) {
    switch (result->result) {
    case CMRP_RESULT_ACCEPTANCE: buffer_printf(out, " accepted"); break;
    case CMRP_RESULT_NEGOTIATE_ACK:
        buffer_printf(out, " acknowledged 0x%02x", result->reason);
        break;
    default: buffer_printf(out, " rejected (%u, reason %u)", result->result, result->reason);
    }
}

void replay_show_contexts(struct buffer *out, const struct assoc_bind *bind, bool results) {
    size_t cursor = 0;
    size_t result_cursor = 0;
    cmrp_pdu_context context;
    cmrp_pdu_result result;
    for (bool first = true; cmrp_pdu_next_context(bind->offer, &cursor, &context); first = false) {
        size_t inner = 0;
        cmrp_syntax_id transfer;
        buffer_printf(out, "%s", first ? "" : "; ");
        buffer_printf(out, "context %u: ", context.id);
        for (bool one = true; cmrp_pdu_next_transfer(&context, &inner, &transfer); one = false) {
            if (one && !cmrp_uuid_is_bind_time(&transfer.uuid)) {
                show_syntax_id(out, &context.abstract_syntax);
                buffer_printf(out, " in ");
            }
            buffer_printf(out, "%s", one ? "" : " or ");
            show_syntax_id(out, &transfer);
        }
        if (results && cmrp_pdu_next_result(bind->answer, &result_cursor, &result)) {
            put_result(out, &result);
        }
    }
}

// -V: what a bind_nak says beside its reason.
static void put_refusal(struct buffer *out, const struct assoc_bind *bind,
                        const struct show_options *options) {
    const cmrp_pdu *nak = bind->answer;
    show_indent(out, options);
    buffer_printf(out, "bind_nak: frame %llu, versions", (unsigned long long)bind->answered.frame);
    for (size_t i = 0; i + 1 < nak->list.size; i += 2) {
        buffer_printf(out, " %u.%u", nak->list.data[i], nak->list.data[i + 1]);
    }
    if (nak->extension.size > 0) {
        buffer_printf(out, ", extended error ");
        show_octets(out, nak->extension, options);
    }
    buffer_append(out, "\n", 1);
}

void replay_text_bind(struct replay_connection *c, const struct assoc_bind *bind,
                      const struct replay_call *findings) {
    struct replay *r = c->replay;
    struct buffer *out = &r->out;
    const cmrp_pdu *offer = bind->offer;
    const cmrp_pdu *answer = bind->answer;
    const struct show_options options = show_options(r);
    const unsigned ptype = answer != NULL ? answer->header.ptype : 0;
    const bool results = ptype == CMRP_PTYPE_BIND_ACK || ptype == CMRP_PTYPE_ALTER_CONTEXT_RESP;
    put_head(r, c, &bind->offered);
    buffer_printf(out, "#%-3u  ", offer->header.call_id);
    show_styled(out, &options, SHOW_NAME, "%s", cmrp_ptype_name(offer->header.ptype));
    buffer_printf(out, "  ");
    replay_show_contexts(out, bind, results);
    if (offer->has_auth) {
        const char *type = show_auth_type(offer->auth_type);
        const char *level = show_auth_level(offer->auth_level);
        buffer_printf(out, "; security %s, %s", type != NULL ? type : "unknown",
                      level != NULL ? level : "unknown level");
    } else {
        buffer_printf(out, "; no security");
    }
    if (ptype == CMRP_PTYPE_BIND_NAK) {
        buffer_printf(out, "; ");
        show_styled(out, &options, SHOW_BAD, "bind_nak, reason %u", answer->nak_reason);
    } else if (ptype == CMRP_PTYPE_FAULT) {
        buffer_printf(out, "; ");
        put_fault(out, &options, answer->status);
    } else if (answer == NULL) {
        buffer_printf(out, "; ");
        show_styled(out, &options, SHOW_WARNING, "unanswered");
    }
    buffer_append(out, "\n", 1);
    if (r->options->verbose) {
        show_indent(out, &options);
        buffer_printf(out,
                      "%s: frame %llu, fragments of at most %u octets to send, %u to receive\n",
                      cmrp_ptype_name(offer->header.ptype), (unsigned long long)bind->offered.frame,
                      offer->max_xmit_frag, offer->max_recv_frag);
    }
    if (r->options->verbose && results) {
        show_indent(out, &options);
        buffer_printf(
            out, "%s: frame %llu, %u to send, %u to receive, association group 0x%08x%s%s\n",
            cmrp_ptype_name(ptype), (unsigned long long)bind->answered.frame, answer->max_xmit_frag,
            answer->max_recv_frag, answer->assoc_group_id,
            ptype == CMRP_PTYPE_BIND_ACK && offer->assoc_group_id != 0 ? ", joined" : "",
            (offer->header.flags & answer->header.flags & CMRP_PFC_CONC_MPX) != 0 ? ", multiplexing"
                                                                                  : "");
    } else if (r->options->verbose && ptype == CMRP_PTYPE_BIND_NAK) {
        put_refusal(out, bind, &options);
    }
    if (findings != NULL) {
        put_findings(out, findings, &options);
    }
    replay_flush(r);
}

// ---- endpoints ----------------------------------------------------------------------------------

static void put_frame(struct replay *r, const struct assoc_stamp *stamp) {
    if (r->options->verbose) {
        buffer_printf(&r->out, " (frame %llu)", (unsigned long long)stamp->frame);
    }
    buffer_append(&r->out, "\n", 1);
}

void replay_text_endpoint(struct replay_connection *c, const struct replay_found *found) {
    struct replay *r = c->replay;
    const struct show_options options = show_options(r);
    put_head(r, c, &found->call->response.stamp);
    buffer_printf(&r->out, "#%-3u  ", found->call->call_id);
    show_styled(&r->out, &options, SHOW_NAME, "ept_map");
    buffer_printf(&r->out, "  clusapi %u.0: ", found->interface);
    if (found->protocol != NULL) {
        buffer_printf(&r->out, "%s %s", found->protocol, found->address);
    } else {
        show_styled(&r->out, &options, SHOW_WARNING, "no endpoint (status 0x%08x)", found->status);
    }
    put_frame(r, &found->call->response.stamp);
    replay_flush(r);
}

// ---- gaps and notes -----------------------------------------------------------------------------

void replay_text_gap(struct replay_connection *c, const struct assoc_loss *loss) {
    struct replay *r = c->replay;
    const struct show_options options = show_options(r);
    const char *from = loss->direction == replay_client(c) ? "client" : "server";
    put_head(r, c, &loss->stamp);
    show_styled(&r->out, &options, SHOW_WARNING, "gap");
    if (loss->missing > 0) {
        buffer_printf(&r->out, "  %llu octets of the %s are missing",
                      (unsigned long long)loss->missing, from);
    }
    if (loss->skipped > 0) {
        buffer_printf(&r->out, "%s  %llu octets of the %s cannot be read",
                      loss->missing > 0 ? "," : "", (unsigned long long)loss->skipped, from);
    }
    put_frame(r, &loss->stamp);
    replay_flush(r);
}

void replay_text_note(struct replay *r, struct replay_connection *c, const char *text,
                      const struct assoc_stamp *stamp) {
    const struct show_options options = show_options(r);
    put_head(r, c, stamp);
    show_styled(&r->out, &options, SHOW_WARNING, "note");
    buffer_printf(&r->out, "  %s", text);
    put_frame(r, stamp);
    replay_flush(r);
}
