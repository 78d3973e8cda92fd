// SPDX-License-Identifier: Apache-2.0
// Keys and values of a server's registry, and what is known of them.
//
// Names are kept as hashes, data as hashes and sizes: what is compared is only whether two differ.
// A deleted key is not taken out of the tables: it notes when all that was in it was gone, and who
// looks up a value asks all keys above it.
#include <string.h>

#include "rules/model.h"

enum { OCTETS = 64 << 20, DEPTH = 64 };

// ---- room ---------------------------------------------------------------------------------------

void model_give_up(struct model *m) {
    m->lost = true;
}

void *model_alloc(struct model *m, size_t size) {
    struct rules *r = m->rules;
    if (m->lost) {
        return NULL;
    }
    if (size > OCTETS - m->octets || r->records >= r->limits.records) {
        model_give_up(m);
        rules_say_limit(r, &m->now,
                        "more keys, values and batches than are remembered: rules about them are "
                        "silent");
        return NULL;
    }
    m->octets += size;
    m->records++;
    r->records++;
    return util_alloc(size);
}

void model_spare(struct model *m, void *memory, size_t size) {
    if (memory != NULL) {
        m->octets -= size;
        m->records--;
        m->rules->records--;
        free(memory);
    }
}

void *model_grow(struct model *m, void *array, size_t *room, size_t count, size_t size) {
    if (count < *room) {
        return array;
    }
    const size_t more = *room == 0 ? 4 : 2 * *room;
    void *grown = model_alloc(m, more * size);
    if (grown == NULL) {
        return NULL;
    }
    if (count > 0) {
        memcpy(grown, array, count * size);
    }
    model_spare(m, array, *room * size);
    *room = more;
    return grown;
}

// ---- names --------------------------------------------------------------------------------------

bool model_name_of(const cmrp_slot *slot, struct model_name *name) {
    name->units = (cmrp_view){0};
    if (slot == NULL || slot->null) {
        return slot != NULL; // the unnamed value
    }
    name->units = slot->bytes;
    if (slot->order == CMRP_LITTLE_ENDIAN) {
        return true;
    }
    if (slot->bytes.size > sizeof name->memory) {
        return false;
    }
    for (size_t i = 0; i + 1 < slot->bytes.size; i += 2) {
        name->memory[i] = slot->bytes.data[i + 1];
        name->memory[i + 1] = slot->bytes.data[i];
    }
    name->units.data = name->memory;
    return true;
}

cmrp_view model_name_in(const cmrp_batch_command *command) {
    const size_t size = command->name.size;
    return (cmrp_view){command->name.data, size >= 2 ? size - 2 : 0};
}

uint64_t model_hash(uint64_t seed, cmrp_view octets) {
    const uint64_t prime = UINT64_C(0x9e3779b97f4a7c15);
    uint64_t hash = seed ^ octets.size * prime;
    size_t i = 0;
    for (; i + 8 <= octets.size; i += 8) {
        hash = (hash ^ cmrp_load_u64(octets.data + i, CMRP_LITTLE_ENDIAN)) * prime;
        hash ^= hash >> 32;
    }
    for (; i < octets.size; i++) {
        hash = (hash ^ octets.data[i]) * prime;
        hash ^= hash >> 32;
    }
    return hash * prime ^ hash >> 29;
}

// ---- keys ---------------------------------------------------------------------------------------

static struct model_id id_of(const void *owner, cmrp_view name) {
    struct model_id id;
    memset(&id, 0, sizeof id); // padding counts in the hash
    id.owner = owner;
    id.name = batch_hash_name(name);
    return id;
}

static struct model_key *child_of(struct model *m, struct model_key *above, cmrp_view name) {
    const struct model_id id = id_of(above, name);
    const uint64_t spelling = model_hash(1, name);
    struct model_key *key;
    HASH_FIND(hh, m->keys, &id, sizeof id, key);
    if (key == NULL) {
        if (above->depth >= DEPTH || (key = model_alloc(m, sizeof *key)) == NULL) {
            return NULL;
        }
        key->id = id;
        key->above = above;
        key->spelling = spelling;
        key->depth = above->depth + 1;
        HASH_ADD(hh, m->keys, id, sizeof key->id, key);
    }
    key->mixed = key->mixed || key->spelling != spelling;
    return key;
}

struct model_key *model_key_below(struct model *m, struct model_key *key, cmrp_view path) {
    size_t from = 0;
    if (path.size == 0) {
        return key;
    }
    for (size_t i = 0; i <= path.size && key != NULL; i += 2) {
        const bool end = i + 1 >= path.size;
        if (!end && (path.data[i] != '\\' || path.data[i + 1] != 0)) {
            continue;
        }
        if (i == from) {
            return NULL; // a level without a name
        }
        key = child_of(m, key, (cmrp_view){path.data + from, i - from});
        from = i + 2;
    }
    return key;
}

void model_wipe(struct model_key *key, const struct model_end *at) {
    const bool overlaps = key->wiped_p >= at->q;
    key->wiped_q = overlaps && key->wiped_q < at->q ? key->wiped_q : at->q;
    key->wiped_p = key->wiped_p > at->p ? key->wiped_p : at->p;
}

void model_shake(struct model_key *key, const struct model_end *at) {
    key->shaken = key->shaken > at->p ? key->shaken : at->p;
}

// ---- values -------------------------------------------------------------------------------------

static struct model_value *value_of(struct model *m, const struct model_key *key, cmrp_view name,
                                    bool make) {
    const struct model_id id = id_of(key, name);
    const uint64_t spelling = model_hash(1, name);
    struct model_value *v;
    HASH_FIND(hh, m->values, &id, sizeof id, v);
    if (v == NULL && make && (v = model_alloc(m, sizeof *v)) != NULL) {
        v->id = id;
        v->spelling = spelling;
        HASH_ADD(hh, m->values, id, sizeof v->id, v);
    }
    if (v != NULL) {
        v->mixed = v->mixed || v->spelling != spelling;
    }
    return v;
}

// All that was here and below was gone at some time between q and p.
static void apply_wipe(struct model_known *known, const struct model_key *key) {
    if (key->wiped_p == 0 || known->q > key->wiped_p) {
        return;
    }
    if (known->p < key->wiped_q) {
        *known =
            (struct model_known){.presence = BATCH_ABSENT, .q = key->wiped_q, .p = key->wiped_p};
        return;
    }
    known->presence = BATCH_UNKNOWN;
    known->p = known->p > key->wiped_p ? known->p : key->wiped_p;
}

struct model_known model_look(struct model *m, const struct model_key *key, cmrp_view name) {
    const struct model_value *v = value_of(m, key, name, false);
    struct model_known known = {.presence = BATCH_UNKNOWN};
    if (v != NULL && v->mixed) {
        known.p = MODEL_NEVER;
        return known;
    }
    if (v != NULL) {
        known = v->known;
    }
    for (const struct model_key *k = key; k != NULL; k = k->above) {
        apply_wipe(&known, k);
    }
    for (const struct model_key *k = key; k != NULL; k = k->above) {
        if (k->mixed) {
            known.presence = BATCH_UNKNOWN;
            known.p = MODEL_NEVER;
        } else if (k->shaken != 0 && known.q <= k->shaken) {
            known.presence = BATCH_UNKNOWN;
            known.p = known.p > k->shaken ? known.p : k->shaken;
        }
    }
    return known;
}

bool model_holds(const struct model_key *key, const struct model_known *known, uint64_t q) {
    if (known->p >= q || key->value_flights > 0) {
        return false;
    }
    for (const struct model_key *k = key; k != NULL; k = k->above) {
        if (k->flights > 0) {
            return false;
        }
    }
    return true;
}

void model_change(struct model *m, struct model_key *key, cmrp_view name,
                  const struct model_known *known, const struct model_end *at) {
    struct model_value *v = value_of(m, key, name, true);
    if (v == NULL) {
        return;
    }
    uint64_t q = at->q, p = at->p;
    if (v->call != at->call) {
        v->overlapped = v->known.p >= at->q;
        q = v->overlapped && v->known.q < q ? v->known.q : q;
        p = v->overlapped && v->known.p > p ? v->known.p : p;
        v->call = at->call;
    } else { // by an earlier command of the same call
        q = v->known.q;
        p = v->known.p;
    }
    v->known = *known;
    v->known.q = q;
    v->known.p = p;
    if (v->overlapped) {
        v->known.presence = BATCH_UNKNOWN;
    }
}

// Text that lacks its NUL may be given one.
struct model_known model_set_to(uint32_t type, cmrp_view data) {
    struct model_known known = {.presence = BATCH_PRESENT, .type = type, .size = data.size};
    const bool text =
        type == CMRP_REG_SZ || type == CMRP_REG_EXPAND_SZ || type == CMRP_REG_MULTI_SZ;
    known.hash = model_hash(2, data);
    if (text && (data.size < 2 || data.size % 2 != 0 || data.data[data.size - 1] != 0 ||
                 data.data[data.size - 2] != 0)) {
        known.presence = BATCH_UNKNOWN;
    }
    return known;
}
