// SPDX-License-Identifier: Apache-2.0
// Names of values, and a small model of the values of one key within one batch.
//
// The model is a hash table that is emptied by counting up. It knows a limited number of values,
// and a look-up tries a limited number of places: names made to be very many, or to collide, cost
// nothing but what would have been known of them.
#include <string.h>

#include "rules/batch_state.h"

enum { PLACES = 32, SMALLEST = 64, LARGEST = 1 << 17 };

// Small, so that the table stays in the processor's cache.
struct place {
    uint32_t generation; // of the model: taken
    uint32_t index;      // of the value
};

struct entry {
    uint64_t hash;
    struct batch_value value;
};

struct batch_model {
    struct place *places;
    size_t capacity;       // places: a power of 2, or 0
    struct entry *entries; // as many as places
    size_t used;
    uint32_t generation;
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

// Four units, so that names that are alike give the same: each folded, and one bit less, which
// makes one of small and capital letters and, of other characters, of some that are none the worse
// for it.
static uint64_t folded_units(uint64_t units) {
    const uint64_t letters = 0x0020002000200020u;
    uint64_t result = 0;
    if ((units & 0xff80ff80ff80ff80u) == 0) { // ASCII
        return units | letters;
    }
    for (unsigned shift = 0; shift < 64; shift += 16) {
        result |= (uint64_t)folded((unsigned)(units >> shift & 0xffff)) << shift;
    }
    return result | letters;
}

uint64_t batch_hash_name(cmrp_view name) {
    const uint64_t prime = UINT64_C(0x9e3779b97f4a7c15);
    uint64_t hash = name.size * prime, other = 0;
    for (size_t i = 0; name.size >= 8 && i + 1 < name.size; i += 8) {
        // The last four units overlap those before them.
        const size_t at = i + 8 <= name.size ? i : name.size - 8;
        const uint64_t units = folded_units(cmrp_load_u64(name.data + at, CMRP_LITTLE_ENDIAN));
        // Two sums, of which neither waits for the other.
        const uint64_t next = (other ^ units ^ (other ^ units) >> 32) * prime;
        other = hash;
        hash = next;
    }
    hash = (hash ^ other >> 29 ^ other << 35) * prime;
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
        free(model->places);
        free(model->entries);
        free(model);
    }
}

void batch_model_start(struct batch_model *model, bool fresh) {
    if (++model->generation == 0) {
        memset(model->places, 0, model->capacity * sizeof *model->places);
        model->generation = 1;
    }
    model->used = 0;
    model->fresh = fresh;
}

// The place of this name: taken by it, or free; NULL where all places tried are taken by others.
static struct place *place_of(const struct batch_model *model, uint64_t hash, cmrp_view name) {
    for (size_t i = 0; i < PLACES; i++) {
        struct place *place = &model->places[(hash + i) & (model->capacity - 1)];
        const struct entry *entry = &model->entries[place->index];
        if (place->generation != model->generation ||
            (entry->hash == hash &&
             (same_octets(entry->value.name, name) || like(entry->value.name, name)))) {
            return place;
        }
    }
    return NULL;
}

static void grow(struct batch_model *model) {
    free(model->places);
    model->capacity = model->capacity == 0 ? SMALLEST : 2 * model->capacity;
    model->places = util_alloc(model->capacity * sizeof *model->places);
    model->entries = util_grow(model->entries, model->capacity, sizeof *model->entries);
    size_t kept = 0;
    for (size_t i = 0; i < model->used; i++) {
        const struct entry entry = model->entries[i];
        struct place *place = place_of(model, entry.hash, entry.value.name);
        if (place != NULL) {
            *place = (struct place){model->generation, (uint32_t)kept};
            model->entries[kept++] = entry;
        } else {
            model->fresh = false; // what is forgotten is not absent
        }
    }
    model->used = kept;
}

struct batch_value *batch_model_value(struct batch_model *model, cmrp_view name) {
    const uint64_t hash = batch_hash_name(name);
    if (2 * model->used >= model->capacity && model->capacity < LARGEST) {
        grow(model);
    }
    struct place *place = place_of(model, hash, name);
    if (place == NULL) {
        model->fresh = false;
        return NULL;
    }
    struct entry *entry = &model->entries[place->index];
    if (place->generation != model->generation) {
        *place = (struct place){model->generation, (uint32_t)model->used};
        entry = &model->entries[model->used++];
        entry->hash = hash;
        entry->value = (struct batch_value){
            .name = name, .presence = model->fresh ? BATCH_ABSENT : BATCH_UNKNOWN};
    } else if (!same_octets(entry->value.name, name)) {
        entry->value.unsure = true;
    }
    return &entry->value;
}
