// SPDX-License-Identifier: Apache-2.0
// Activities: which datagram belongs to which conversation.
#include "assoc/datagram.h"

#include <stdarg.h>
#include <stdio.h>

#include "assoc/datagram_state.h"

enum {
    DEFAULT_ACTIVITIES = 4096,
    DEFAULT_CALLS = 64,
    DEFAULT_FRAGMENTS = 8192,
    DEFAULT_STUB = 4 * 1024 * 1024,
};

// ---- notes --------------------------------------------------------------------------------------

__attribute__((format(printf, 5, 0))) static void say(struct assoc_datagrams *d, void *user,
                                                      enum assoc_note note,
                                                      const struct assoc_stamp *stamp,
                                                      const char *format, va_list args) {
    char text[256];
    if (d->events.note != NULL) {
        vsnprintf(text, sizeof text, format, args);
        d->events.note(d->events.context, user, note, text, stamp);
    }
}

void dg_say(struct dg_activity *a, enum assoc_note note, const struct assoc_stamp *stamp,
            const char *format, ...) {
    va_list args;
    va_start(args, format);
    say(a->owner, a->user, note, stamp, format, args);
    va_end(args);
}

void dg_say_once(struct dg_activity *a, enum assoc_note note, const struct assoc_stamp *stamp,
                 const char *format, ...) {
    va_list args;
    const uint32_t bit = UINT32_C(1) << note;
    va_start(args, format);
    if ((a->said & bit) == 0) {
        a->said |= bit;
        say(a->owner, a->user, note, stamp, format, args);
    }
    va_end(args);
}

__attribute__((format(printf, 4, 5))) static void say_of_all(struct assoc_datagrams *d,
                                                             enum assoc_note note,
                                                             const struct assoc_stamp *stamp,
                                                             const char *format, ...) {
    va_list args;
    const uint32_t bit = UINT32_C(1) << note;
    va_start(args, format);
    if ((d->said & bit) == 0) {
        d->said |= bit;
        say(d, NULL, note, stamp, format, args);
    }
    va_end(args);
}

// ---- the table of activities --------------------------------------------------------------------

static struct dg_key key_of(const cmrp_uuid *activity, const struct assoc_address *client,
                            const struct assoc_address *server) {
    struct dg_key key;
    memcpy(key.activity, activity->octets, sizeof key.activity);
    memcpy(key.client, client->host, sizeof key.client);
    cmrp_store(key.client_port, sizeof key.client_port, client->port, CMRP_BIG_ENDIAN);
    memcpy(key.server, server->host, sizeof key.server);
    return key;
}

static struct dg_activity *find(struct assoc_datagrams *d, const struct dg_key *key) {
    struct dg_activity *a;
    HASH_FIND(hh, d->activities, key, sizeof *key, a);
    return a;
}

// Makes it the one that spoke last.
static void touch(struct assoc_datagrams *d, struct dg_activity *a) {
    if (a->hh.next != NULL) {
        HASH_DEL(d->activities, a);
        HASH_ADD(hh, d->activities, key, sizeof a->key, a);
    }
}

static void forget(struct assoc_datagrams *d, struct dg_activity *a) {
    dg_calls_free(a);
    HASH_DEL(d->activities, a);
    d->memory->used -= sizeof *a;
    free(a);
}

static void close_activity(struct assoc_datagrams *d, struct dg_activity *a) {
    dg_calls_close(a);
    if (d->events.close != NULL) {
        d->events.close(a->user);
    }
    forget(d, a);
}

bool dg_evict(struct assoc_datagrams *d, const struct dg_activity *but) {
    struct dg_activity *oldest = d->activities;
    if (oldest == NULL || oldest == but) {
        return false;
    }
    close_activity(d, oldest);
    return true;
}

static void make_room(struct assoc_datagrams *d, const struct assoc_stamp *stamp) {
    if (HASH_COUNT(d->activities) >= d->limits.activities) {
        say_of_all(d, ASSOC_NOTE_ACTIVITY_LIMIT, stamp,
                   "more than %u activities: the one that was silent longest is given up",
                   d->limits.activities);
        (void)dg_evict(d, NULL);
    }
    while (!assoc_memory_affords(d->memory, sizeof(struct dg_activity)) && dg_evict(d, NULL)) {
        say_of_all(d, ASSOC_NOTE_MEMORY_LIMIT, stamp, ASSOC_MEMORY_TEXT);
    }
}

static struct dg_activity *open_activity(struct assoc_datagrams *d, const struct dg_key *key,
                                         const struct assoc_conversation *conversation,
                                         const struct assoc_stamp *stamp) {
    make_room(d, stamp);
    struct dg_activity *a = util_alloc(sizeof *a);
    d->memory->used += sizeof *a;
    d->counts.activities++;
    a->key = *key;
    a->owner = d;
    a->shown = *conversation;
    HASH_ADD(hh, d->activities, key, sizeof a->key, a);
    if (d->events.open != NULL) {
        a->user = d->events.open(d->events.context, conversation, stamp);
    }
    return a;
}

// The server's own address is what it sends from; until that is seen, what the client sends to.
static void locate_server(struct dg_activity *a, const struct assoc_address *server, bool answers) {
    if ((a->answered && !answers) || a->shown.server.port == server->port) {
        a->answered = a->answered || answers;
        return;
    }
    a->answered = answers;
    a->shown.server = *server;
    if (a->owner->events.move != NULL) {
        a->owner->events.move(a->user, server);
    }
}

// ---- datagrams ----------------------------------------------------------------------------------

// Who sends PDUs of a type; a fack comes from either end.
static bool from_client(unsigned ptype) {
    switch (ptype) {
    case CMRP_PTYPE_CL_REQUEST:
    case CMRP_PTYPE_CL_PING:
    case CMRP_PTYPE_CL_ACK:
    case CMRP_PTYPE_CL_CL_CANCEL: return true;
    default: return false;
    }
}

static bool is_ours(const cmrp_pdu_cl_header *header) {
    return cmrp_uuid_equal(&header->if_id, &cmrp_uuid_clusapi);
}

// Whether a PDU of this type can be the first of a conversation that is seen.
static bool opens(unsigned ptype) {
    switch (ptype) {
    case CMRP_PTYPE_CL_REQUEST:
    case CMRP_PTYPE_CL_RESPONSE:
    case CMRP_PTYPE_CL_FAULT:
    case CMRP_PTYPE_CL_REJECT: return true;
    default: return false;
    }
}

// The activity of a datagram, or NULL when it does not belong here.
static struct dg_activity *activity_of(struct assoc_datagrams *d, const cmrp_pdu_cl_header *header,
                                       const struct assoc_address *source,
                                       const struct assoc_address *target,
                                       const struct assoc_stamp *stamp) {
    const bool asks = from_client(header->ptype);
    const struct assoc_conversation conversation = {.activity = header->act_id,
                                                    .client = asks ? *source : *target,
                                                    .server = asks ? *target : *source};
    const struct dg_key key = key_of(&header->act_id, &conversation.client, &conversation.server);
    struct dg_activity *a = find(d, &key);
    if (header->ptype == CMRP_PTYPE_CL_REQUEST && !is_ours(header)) {
        return NULL; // an activity may serve several interfaces
    }
    if (header->ptype == CMRP_PTYPE_CL_FACK) {
        const struct dg_key other = key_of(&header->act_id, source, target);
        return a != NULL ? a : find(d, &other);
    }
    if (a == NULL && is_ours(header) && opens(header->ptype)) {
        a = open_activity(d, &key, &conversation, stamp);
        a->answered = !asks;
    } else if (a != NULL) {
        touch(d, a);
        locate_server(a, &conversation.server, !asks);
    }
    return a;
}

static void read_pdu(struct dg_activity *a, cmrp_view octets, uint64_t missing,
                     const struct assoc_stamp *stamp) {
    cmrp_pdu_cl pdu;
    cmrp_error error = {0};
    struct dg_seen seen = {.pdu = &pdu, .stamp = stamp};
    char text[160];
    if (cmrp_pdu_cl_decode(octets, 0, &pdu, NULL, NULL, &error)) {
        dg_call_pdu(a, &seen);
    } else if (missing == 0 && !dg_call_breach(a, pdu.header.seqnum, !from_client(pdu.header.ptype),
                                               &error, stamp)) {
        cmrp_error_format(&error, text, sizeof text);
        dg_say(a, ASSOC_NOTE_BAD_PDU, stamp, "a %s of %zu octets is skipped: %s",
               cmrp_ptype_cl_name(pdu.header.ptype), octets.size, text);
    } else if (missing > 0 && (pdu.header.ptype == CMRP_PTYPE_CL_REQUEST ||
                               pdu.header.ptype == CMRP_PTYPE_CL_RESPONSE)) {
        seen.cut = true;
        dg_call_pdu(a, &seen);
    }
}

bool assoc_datagram(struct assoc_datagrams *d, const struct assoc_address *source,
                    const struct assoc_address *target, cmrp_view octets, uint64_t missing,
                    const struct assoc_stamp *stamp) {
    cmrp_pdu_cl_header header;
    cmrp_error error = {0};
    if (octets.size < CMRP_PDU_CL_HEADER_SIZE || !cmrp_pdu_cl_peek(octets, 0, &header, &error)) {
        return false;
    }
    struct dg_activity *a = activity_of(d, &header, source, target, stamp);
    if (a == NULL) {
        return false;
    }
    d->counts.pdus++;
    read_pdu(a, octets, missing, stamp);
    return true;
}

// ---- life ---------------------------------------------------------------------------------------

struct assoc_datagrams *assoc_datagrams_create(const struct assoc_datagram_limits *limits,
                                               const struct assoc_datagram_events *events,
                                               struct assoc_memory *memory) {
    struct assoc_datagrams *d = util_alloc(sizeof *d);
    if (limits != NULL) {
        d->limits = *limits;
    }
    struct assoc_datagram_limits *l = &d->limits;
    l->activities = l->activities > 0 ? l->activities : DEFAULT_ACTIVITIES;
    l->calls = l->calls > 0 ? l->calls : DEFAULT_CALLS;
    l->fragments = l->fragments > 0 ? l->fragments : DEFAULT_FRAGMENTS;
    l->stub = l->stub > 0 ? l->stub : DEFAULT_STUB;
    d->events = *events;
    d->memory = memory != NULL ? memory : &d->own_memory;
    return d;
}

void assoc_datagrams_close(struct assoc_datagrams *d) {
    while (dg_evict(d, NULL)) {
    }
}

void assoc_datagrams_destroy(struct assoc_datagrams *d) {
    while (d != NULL && d->activities != NULL) {
        forget(d, d->activities);
    }
    free(d);
}

const struct assoc_datagram_counts *assoc_datagrams_counts(const struct assoc_datagrams *d) {
    return &d->counts;
}
