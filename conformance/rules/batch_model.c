// SPDX-License-Identifier: Apache-2.0
// Names of values, and a small model of the values of one key within one batch.
//
// The model is a hash table that is emptied by counting up. It knows a limited number of values,
// and a look-up tries a limited number of places: names made to be very many, or to collide, cost
// nothing but what would have been known of them.
#include <string.h>

#include "rules/batch_state.h"

enum { PLACES = 32, SMALLEST = 64, LARGEST = 1 << 17 };

struct slot {
    uint64_t generation;
    uint64_t hash;
    struct batch_value value;
};

struct batch_model {
    struct slot *slots;
    size_t capacity; // a power of 2, or 0
    size_t used;
    uint64_t generation;
    bool fresh;
};

// ---- names --------------------------------------------------------------------------------------

enum { ANY_LETTER = 0x80 }; // stands for every unit beyond ASCII

static unsigned unit_at(cmrp_view name, size_t i) {
    return (unsigned)name.data[2 * i] | (unsigned)name.data[2 * i + 1] << 8;
}

// The same for units that some table of letters may take for one.
static unsigned folded(unsigned unit) {
    switch (unit) {
    case 0x0130:
    case 0x0131: return 'I'; // with a dot, without one
    case 0x017f: return 'S'; // long s
    case 0x212a: return 'K'; // Kelvin
    default: break;
    }
    if (unit >= ANY_LETTER) {
        return ANY_LETTER;
    }
    return unit >= 'a' && unit <= 'z' ? unit - 'a' + 'A' : unit;
}

static bool same_octets(cmrp_view a, cmrp_view b) {
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static bool like(cmrp_view a, cmrp_view b) {
    if (a.size != b.size) {
        return false;
    }
    for (size_t i = 0; i < a.size / 2; i++) {
        if (folded(unit_at(a, i)) != folded(unit_at(b, i))) {
            return false;
        }
    }
    return true;
}

enum batch_likeness batch_compare_names(cmrp_view a, cmrp_view b) {
    if (same_octets(a, b)) {
        return BATCH_SAME;
    }
    return like(a, b) ? BATCH_UNSURE : BATCH_DIFFERENT;
}

// Four units, each folded. Most are ASCII: small letters lose a bit.
static uint64_t folded_units(uint64_t units) {
    const uint64_t ones = 0x0001000100010001u;
    uint64_t result = 0;
    if ((units & 0xff80ff80ff80ff80u) == 0) {
        const uint64_t from_a = units + ones * (0x80 - 'a');
        const uint64_t past_z = units + ones * (0x80 - 'z' - 1);
        return units - ((from_a & ~past_z & (ones * 0x80)) >> 2);
    }
    for (unsigned shift = 0; shift < 64; shift += 16) {
        result |= (uint64_t)folded((unsigned)(units >> shift & 0xffff)) << shift;
    }
    return result;
}

static uint64_t hash_of(cmrp_view name) {
    const uint64_t prime = UINT64_C(0x9e3779b97f4a7c15);
    uint64_t hash = name.size * prime;
    for (size_t i = 0; name.size >= 8 && i + 1 < name.size; i += 8) {
        // The last four units overlap those before them.
        const size_t at = i + 8 <= name.size ? i : name.size - 8;
        hash ^= folded_units(cmrp_load_u64(name.data + at, CMRP_LITTLE_ENDIAN));
        hash = (hash ^ hash >> 32) * prime;
    }
    for (size_t i = 0; name.size < 8 && i < name.size / 2; i++) {
        hash ^= folded(unit_at(name, i));
        hash = (hash ^ hash >> 32) * prime;
    }
    return hash ^ hash >> 32;
}

// ---- values -------------------------------------------------------------------------------------

struct batch_model *batch_model_of(struct rules *rules) {
    if (rules->values == NULL) {
        rules->values = util_alloc(sizeof *rules->values);
    }
    return rules->values;
}

void batch_model_free(struct batch_model *model) {
    if (model != NULL) {
        free(model->slots);
        free(model);
    }
}

void batch_model_start(struct batch_model *model, bool fresh) {
    model->generation++;
    model->used = 0;
    model->fresh = fresh;
}

// The place of this name: taken by it, or free; NULL where all places tried are taken by others.
static struct slot *place_of(struct batch_model *model, uint64_t hash, cmrp_view name) {
    for (size_t i = 0; i < PLACES; i++) {
        struct slot *slot = &model->slots[(hash + i) & (model->capacity - 1)];
        if (slot->generation != model->generation ||
            (slot->hash == hash &&
             (same_octets(slot->value.name, name) || like(slot->value.name, name)))) {
            return slot;
        }
    }
    return NULL;
}

static void grow(struct batch_model *model) {
    struct slot *old = model->slots;
    const size_t old_capacity = model->capacity;
    model->capacity = old_capacity == 0 ? SMALLEST : 2 * old_capacity;
    model->slots = util_alloc(model->capacity * sizeof *model->slots);
    for (size_t i = 0; i < old_capacity; i++) {
        if (old[i].generation != model->generation) {
            continue;
        }
        struct slot *slot = place_of(model, old[i].hash, old[i].value.name);
        if (slot != NULL) {
            *slot = old[i];
        } else {
            model->fresh = false; // what is forgotten is not absent
        }
    }
    free(old);
}

struct batch_value *batch_model_value(struct batch_model *model, cmrp_view name) {
    const uint64_t hash = hash_of(name);
    if (2 * model->used >= model->capacity && model->capacity < LARGEST) {
        grow(model);
    }
    struct slot *slot = place_of(model, hash, name);
    if (slot == NULL) {
        model->fresh = false;
        return NULL;
    }
    if (slot->generation != model->generation) {
        *slot = (struct slot){.generation = model->generation, .hash = hash};
        slot->value.name = name;
        slot->value.presence = model->fresh ? BATCH_ABSENT : BATCH_UNKNOWN;
        model->used++;
    }
    if (!same_octets(slot->value.name, name)) {
        slot->value.unsure = true;
    }
    return &slot->value;
}
