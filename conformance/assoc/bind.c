// SPDX-License-Identifier: Apache-2.0
// Presentation contexts, and the security that binds establish.
#include "assoc/state.h"
#include "util/buffer.h"

// ---- security contexts --------------------------------------------------------------------------

static struct auth *find_auth(struct assoc *a, uint32_t id) {
    for (size_t i = 0; i < a->auth_count; i++) {
        if (a->auths[i].id == id) {
            return &a->auths[i];
        }
    }
    return NULL;
}

void assoc_remember_auth(struct assoc *a, const cmrp_pdu *pdu) {
    if (!pdu->has_auth) {
        return;
    }
    struct auth *auth = find_auth(a, pdu->auth_context_id);
    if (auth == NULL && a->auth_count < AUTHS) {
        auth = &a->auths[a->auth_count++];
    } else if (auth == NULL) {
        memmove(a->auths, a->auths + 1, (AUTHS - 1) * sizeof *a->auths);
        auth = &a->auths[AUTHS - 1];
    }
    *auth = (struct auth){pdu->auth_context_id, pdu->auth_type, pdu->auth_level};
}

uint8_t assoc_auth_level(const struct assoc *a, const cmrp_pdu *pdu) {
    if (!pdu->has_auth || pdu->auth_level != ASSOC_LEVEL_DEFAULT) {
        return pdu->auth_level;
    }
    for (size_t i = 0; i < a->auth_count; i++) {
        if (a->auths[i].id == pdu->auth_context_id) {
            return a->auths[i].level;
        }
    }
    return ASSOC_LEVEL_DEFAULT;
}

// ---- contexts -----------------------------------------------------------------------------------

static bool is_ours(const cmrp_syntax_id *interface) {
    return cmrp_uuid_equal(&interface->uuid, &cmrp_uuid_clusapi);
}

static bool is_mapper(const cmrp_syntax_id *interface) {
    return cmrp_uuid_equal(&interface->uuid, &cmrp_uuid_epm);
}

static bool same_syntax(const cmrp_syntax_id *x, const cmrp_syntax_id *y) {
    return cmrp_uuid_equal(&x->uuid, &y->uuid) && x->version == y->version &&
           x->version_minor == y->version_minor;
}

static struct context *find_context(const struct assoc *a, uint16_t id) {
    for (size_t i = 0; i < a->context_count; i++) {
        if (a->contexts[i].id == id) {
            return &a->contexts[i];
        }
    }
    return NULL;
}

// Whether as many contexts are remembered as may be; says so.
static bool no_room(struct assoc *a, const struct assoc_stamp *stamp) {
    if (a->context_count < a->limits.contexts) {
        return false;
    }
    assoc_say_once(a, ASSOC_NOTE_CONTEXT_LIMIT, stamp,
                   "more than %u presentation contexts: the later ones are not remembered",
                   a->limits.contexts);
    return true;
}

static struct context *set_context(struct assoc *a, uint16_t id, const cmrp_syntax_id *interface,
                                   const cmrp_syntax_id *transfer,
                                   const struct assoc_stamp *stamp) {
    struct context *c = find_context(a, id);
    if (c == NULL && no_room(a, stamp)) {
        return NULL;
    }
    if (c == NULL) {
        a->contexts = util_grow(a->contexts, a->context_count + 1, sizeof *a->contexts);
        c = &a->contexts[a->context_count++];
    }
    *c = (struct context){.id = id,
                          .ours = is_ours(interface),
                          .mapper = is_mapper(interface),
                          .interface = *interface,
                          .transfer = *transfer};
    return c;
}

void assoc_adopt_context(struct assoc *a, uint16_t id, const struct assoc_opinion *opinion,
                         const struct assoc_stamp *stamp) {
    struct context *c = set_context(a, id, &opinion->interface, &opinion->transfer, stamp);
    if (c != NULL) {
        c->basis = opinion->basis;
        assoc_adopt_calls(a, c);
    }
}

// The transfer syntaxes of an offer, those of bind-time feature negotiation aside: how many, and
// whether `chosen` is among them; `only` receives the last one.
static size_t real_syntaxes(const cmrp_pdu_context *offered, const cmrp_syntax_id *chosen,
                            bool *among, cmrp_syntax_id *only) {
    size_t cursor = 0;
    size_t count = 0;
    cmrp_syntax_id syntax;
    *among = false;
    while (cmrp_pdu_next_transfer(offered, &cursor, &syntax)) {
        if (!cmrp_uuid_is_bind_time(&syntax.uuid)) {
            count++;
            *only = syntax;
            *among = *among || (chosen != NULL && same_syntax(&syntax, chosen));
        }
    }
    return count;
}

static void apply_result(struct assoc *a, const cmrp_pdu_context *offered,
                         const cmrp_pdu_result *result, const struct assoc_stamp *stamp) {
    bool among;
    cmrp_syntax_id only;
    if (result->result != CMRP_RESULT_ACCEPTANCE) {
        return;
    }
    const size_t count = real_syntaxes(offered, &result->transfer, &among, &only);
    if (count > 0) {
        // Where one was offered it is the one, whatever a careless server names.
        (void)set_context(a, offered->id, &offered->abstract_syntax,
                          among || count > 1 ? &result->transfer : &only, stamp);
    }
}

// ---- offers -------------------------------------------------------------------------------------

static bool read_offer(const struct offer *offer, cmrp_pdu *pdu) {
    cmrp_error ignored = {0};
    const cmrp_view raw = {offer->octets.data, offer->octets.size};
    return cmrp_pdu_decode(raw, 0, pdu, NULL, NULL, &ignored);
}

static void report_offer(struct assoc *a, const struct offer *offer, const cmrp_pdu *answer,
                         cmrp_view raw, const struct assoc_stamp *stamp) {
    cmrp_pdu pdu;
    if (offer->ours && a->events.bind != NULL && read_offer(offer, &pdu)) {
        const struct assoc_bind bind = {.offer = &pdu,
                                        .answer = answer,
                                        .offer_octets = {offer->octets.data, offer->octets.size},
                                        .answer_octets = raw,
                                        .offered = offer->stamp,
                                        .answered = *stamp};
        a->events.bind(a->events.context, &bind);
    }
}

static void forget_offer(struct assoc *a, size_t index) {
    assoc_release(a, &a->offers[index].octets);
    assoc_release(a, &a->offers[index].assumables);
    a->offer_count--;
    memmove(a->offers + index, a->offers + index + 1, (a->offer_count - index) * sizeof *a->offers);
}

static bool offers(const cmrp_pdu *pdu, bool (*which)(const cmrp_syntax_id *interface)) {
    size_t cursor = 0;
    cmrp_pdu_context context;
    while (cmrp_pdu_next_context(pdu, &cursor, &context)) {
        if (which(&context.abstract_syntax)) {
            return true;
        }
    }
    return false;
}

// Whether a context can be taken as accepted without an answer: there was nothing to choose.
static bool is_assumable(const cmrp_pdu_context *offered, cmrp_syntax_id *only) {
    bool among;
    return real_syntaxes(offered, NULL, &among, only) == 1;
}

static bool reserve_or_evict(struct assoc *a, struct kept *kept, size_t size) {
    while (!assoc_reserve(a, kept, size)) {
        if (!assoc_evict(a)) {
            return false;
        }
    }
    return true;
}

// Keeps a PDU, and the list of its assumable contexts, so that calls on others need not read it.
static bool keep_offer(struct assoc *a, struct offer *offer, const cmrp_pdu *pdu, cmrp_view raw) {
    size_t cursor = 0;
    cmrp_pdu_context context;
    cmrp_syntax_id only;
    if (!reserve_or_evict(a, &offer->octets, raw.size) ||
        !reserve_or_evict(a, &offer->assumables, pdu->list_count * sizeof context.id)) {
        assoc_release(a, &offer->octets);
        return false;
    }
    memcpy(offer->octets.data, raw.data, raw.size);
    offer->octets.size = raw.size;
    while (cmrp_pdu_next_context(pdu, &cursor, &context)) {
        if (is_assumable(&context, &only)) {
            memcpy(offer->assumables.data + offer->assumables.size, &context.id, sizeof context.id);
            offer->assumables.size += sizeof context.id;
        }
    }
    return true;
}

void assoc_offer(struct assoc *a, const cmrp_pdu *pdu, cmrp_view raw,
                 const struct assoc_stamp *stamp) {
    const bool ours = offers(pdu, is_ours);
    a->follows = a->follows || offers(pdu, is_mapper);
    a->bound = a->bound || pdu->header.ptype == CMRP_PTYPE_BIND;
    if (ours) {
        assoc_recognise(a);
    } else if (a->kind != ASSOC_OURS) {
        a->kind = ASSOC_OTHER;
    }
    assoc_remember_auth(a, pdu);
    if (a->offer_count == ASSOC_OFFERS) {
        assoc_say_once(a, ASSOC_NOTE_OFFER_LIMIT, stamp,
                       "more than %d binds without an answer: the oldest is given up",
                       ASSOC_OFFERS);
        report_offer(a, &a->offers[0], NULL, (cmrp_view){NULL, 0}, &a->offers[0].stamp);
        forget_offer(a, 0);
    }
    struct offer *offer = &a->offers[a->offer_count];
    *offer = (struct offer){.call_id = pdu->header.call_id, .ours = ours, .stamp = *stamp};
    if (!keep_offer(a, offer, pdu, raw)) {
        assoc_say_once(a, ASSOC_NOTE_MEMORY_LIMIT, stamp, ASSOC_MEMORY_TEXT);
        return;
    }
    a->offer_count++;
}

static void apply_answer(struct assoc *a, const struct offer *offer, const cmrp_pdu *answer,
                         const struct assoc_stamp *stamp) {
    cmrp_pdu pdu;
    cmrp_pdu_context offered;
    cmrp_pdu_result result;
    size_t context_cursor = 0;
    size_t result_cursor = 0;
    if (!read_offer(offer, &pdu)) {
        return;
    }
    while (cmrp_pdu_next_context(&pdu, &context_cursor, &offered) &&
           cmrp_pdu_next_result(answer, &result_cursor, &result)) {
        apply_result(a, &offered, &result, stamp);
    }
}

bool assoc_answer(struct assoc *a, const cmrp_pdu *pdu, cmrp_view raw,
                  const struct assoc_stamp *stamp) {
    size_t i = 0;
    while (i < a->offer_count && a->offers[i].call_id != pdu->header.call_id) {
        i++;
    }
    if (i == a->offer_count) {
        return false;
    }
    const unsigned ptype = pdu->header.ptype;
    if (ptype == CMRP_PTYPE_BIND_ACK || ptype == CMRP_PTYPE_ALTER_CONTEXT_RESP) {
        apply_answer(a, &a->offers[i], pdu, stamp);
        a->group = pdu->assoc_group_id != 0 ? pdu->assoc_group_id : a->group;
    }
    report_offer(a, &a->offers[i], pdu, raw, stamp);
    forget_offer(a, i);
    return true;
}

static bool lists(const struct kept *assumables, uint16_t id) {
    for (size_t i = 0; i < assumables->size; i += sizeof id) {
        if (memcmp(assumables->data + i, &id, sizeof id) == 0) {
            return true;
        }
    }
    return false;
}

// Takes a context as accepted; the offer lists it.
static const struct context *assume(struct assoc *a, const struct offer *offer, uint16_t id,
                                    const struct assoc_stamp *stamp) {
    cmrp_pdu pdu;
    cmrp_pdu_context offered;
    cmrp_syntax_id only;
    size_t cursor = 0;
    const bool read = !no_room(a, stamp) && read_offer(offer, &pdu);
    while (read && cmrp_pdu_next_context(&pdu, &cursor, &offered)) {
        if (offered.id == id && is_assumable(&offered, &only)) {
            assoc_say(a, ASSOC_NOTE_ASSUMED_CONTEXT, stamp,
                      "the answer to the bind was not seen: context %u is taken as accepted", id);
            return set_context(a, id, &offered.abstract_syntax, &only, stamp);
        }
    }
    return NULL;
}

const struct context *assoc_context(struct assoc *a, uint16_t id, const struct assoc_stamp *stamp) {
    const struct context *known = find_context(a, id);
    if (known != NULL) {
        return known;
    }
    for (size_t i = a->offer_count; i-- > 0;) {
        if (lists(&a->offers[i].assumables, id)) {
            return assume(a, &a->offers[i], id, stamp);
        }
    }
    return NULL;
}

void assoc_offers_close(struct assoc *a) {
    while (a->offer_count > 0) {
        report_offer(a, &a->offers[0], NULL, (cmrp_view){NULL, 0}, &a->offers[0].stamp);
        forget_offer(a, 0);
    }
}
