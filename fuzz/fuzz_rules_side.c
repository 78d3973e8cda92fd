// SPDX-License-Identifier: Apache-2.0
// Stubs of fuzz_rules: parameters drawn from small pools, so that calls have to do with each other.
#include <stdlib.h>
#include <string.h>

#include "fuzz_rules_talk.h"
#include "fuzz_support.h"

#define PROPERTY "rules"

enum { STUB = 4096, ROWS = 3, NAME = 16, DATA = 64, BATCH = 512, BLOCKS = 256 };

uint32_t draw_below(struct draws *draws, uint32_t bound) {
    if (draws->left == 0) {
        return 0;
    }
    draws->left--;
    return *draws->at++ % bound;
}

// ---- memory -------------------------------------------------------------------------------------

// What the slots of a stub point to until it is encoded.
struct blocks {
    void *block[BLOCKS];
    size_t count;
};

static void *keep(struct blocks *blocks, size_t size) {
    if (blocks->count == BLOCKS) {
        fuzz_fail(PROPERTY, "a stub of more than %d values", BLOCKS);
    }
    return blocks->block[blocks->count++] = util_alloc(size);
}

static void let_go(struct blocks *blocks) {
    for (size_t i = 0; i < blocks->count; i++) {
        free(blocks->block[i]);
    }
}

// ---- values -------------------------------------------------------------------------------------

static cmrp_view draw_name(struct draws *draws, struct blocks *blocks, bool nul) {
    static const char *const names[] = {"",      "a",  "b", "a\\b", "a\\b\\c", "Type",
                                        "Node1", "ab", "A", "\\",   "a\\",     "\xff"};
    const char *name = names[draw_below(draws, sizeof names / sizeof names[0])];
    const size_t length = strlen(name);
    uint8_t *units = keep(blocks, 2 * NAME);
    for (size_t i = 0; i < length; i++) {
        units[2 * i] = (uint8_t)name[i];
    }
    return (cmrp_view){units, 2 * (length + nul)};
}

static cmrp_view draw_octets(struct draws *draws, struct blocks *blocks, size_t most) {
    uint8_t *octets = keep(blocks, DATA);
    const size_t size = draw_below(draws, (uint32_t)most + 1);
    for (size_t i = 0; i < size; i++) {
        octets[i] = (uint8_t)draw_below(draws, 3);
    }
    return (cmrp_view){octets, size};
}

static cmrp_view draw_batch(struct draws *draws, struct blocks *blocks) {
    uint8_t *octets = keep(blocks, BATCH);
    cmrp_error error = {0};
    cmrp_writer w;
    cmrp_batch_writer batch;
    cmrp_writer_init(&w, octets, BATCH, &error, NULL);
    cmrp_batch_writer_open(&batch, &w, CMRP_BATCH_STRICT);
    for (uint32_t n = 1 + draw_below(draws, 5); n > 0; n--) {
        static const uint32_t types[] = {0, 1, 2, 3, 4};
        const uint32_t type = 1 + draw_below(draws, 14);
        const cmrp_batch_command command = {.type = type,
                                            .value_type = types[draw_below(draws, 5)],
                                            .name = draw_name(draws, blocks, true),
                                            .data = draw_octets(draws, blocks, 5)};
        cmrp_batch_put(&batch, &command);
    }
    cmrp_batch_writer_close(&batch, (cmrp_view){NULL, 0});
    return (cmrp_view){octets, w.size};
}

// A few handles of each kind, mostly where they belong.
static void draw_handle(struct draws *draws, unsigned meaning, uint8_t handle[CMRP_HANDLE_SIZE]) {
    enum { EACH = 4, ANY = 10 };
    const uint32_t how = draw_below(draws, 64);
    memset(handle, 0, CMRP_HANDLE_SIZE);
    if (how == 0) {
        return;
    }
    if (how < ANY || meaning == CMRP_MEANS_HGENERIC) {
        meaning = CMRP_MEANS_HCLUSTER + how % (CMRP_MEANS_HGENERIC - CMRP_MEANS_HCLUSTER);
    }
    handle[4] = (uint8_t)meaning;
    handle[12] = (uint8_t)(1 + draw_below(draws, EACH));
}

static uint64_t draw_number(struct draws *draws, const cmrp_param *p, uint64_t *object_type) {
    static const uint32_t statuses[] = {0, 0, 0, 0, 0, 0, 2, 6, 8, 1, 234, 259, 1018, 5023, 87};
    static const uint8_t types[] = {1, 3, 4, 7, 11, 0};
    switch (p->meaning) {
    case CMRP_MEANS_STATUS: return statuses[draw_below(draws, 15)];
    case CMRP_MEANS_OBJECT_TYPE: return *object_type = draw_below(draws, 17);
    case CMRP_MEANS_CHANGE:
    case CMRP_MEANS_FLAGS:
    case CMRP_MEANS_RESOURCE_TYPE_FLAGS: {
        const uint32_t how = draw_below(draws, 40);
        return how < 32 ? UINT64_C(1) << how : how == 32 ? UINT32_MAX : how == 33 ? UINT64_MAX : 0;
    }
    case CMRP_MEANS_VALUE_TYPE: return types[draw_below(draws, 6)];
    case CMRP_MEANS_BOOL: return draw_below(draws, 3);
    case CMRP_MEANS_ACCESS:
    case CMRP_MEANS_CLUSTER_ACCESS: return (uint64_t)draw_below(draws, 5) << draw_below(draws, 31);
    default: {
        const uint32_t value = draw_below(draws, 8);
        return value == 7 ? UINT32_MAX : value;
    }
    }
}

static void draw_list(struct draws *draws, struct blocks *blocks, const cmrp_stub_format *format,
                      const cmrp_param *params, uint32_t count, cmrp_slot *slots);

static void draw_rows(struct draws *draws, struct blocks *blocks, const cmrp_param *p,
                      cmrp_slot *slot) {
    const cmrp_struct *type = cmrp_param_struct(p);
    const uint32_t count = p->kind == CMRP_KIND_RECORD ? 1 : draw_below(draws, ROWS);
    cmrp_slot *members = keep(blocks, (count * type->count + 1) * sizeof *members);
    for (uint32_t i = 0; i < count; i++) {
        draw_list(draws, blocks, NULL, type->members, type->count, members + i * type->count);
    }
    slot->rows = (cmrp_rows){.type = type, .count = count, .members = members};
}

static void draw_slot(struct draws *draws, struct blocks *blocks, const cmrp_param *p,
                      uint64_t *object_type, cmrp_slot *slot) {
    slot->present = true;
    slot->order = CMRP_LITTLE_ENDIAN;
    slot->null = p->unique && draw_below(draws, 8) == 0;
    if (slot->null) {
        return;
    }
    switch (p->kind) {
    case CMRP_KIND_HANDLE: draw_handle(draws, p->meaning, slot->handle); break;
    case CMRP_KIND_STRING:
    case CMRP_KIND_OPEN_STRING:
    case CMRP_KIND_UNITS: slot->bytes = draw_name(draws, blocks, false); break;
    case CMRP_KIND_OCTETS:
    case CMRP_KIND_VARYING:
        slot->bytes = p->meaning == CMRP_MEANS_BATCH ? draw_batch(draws, blocks)
                                                     : draw_octets(draws, blocks, 12);
        break;
    case CMRP_KIND_RECORD:
    case CMRP_KIND_ARRAY:
    case CMRP_KIND_TAIL: draw_rows(draws, blocks, p, slot); break;
    case CMRP_KIND_U16: slot->value = (uint16_t)draw_number(draws, p, object_type); break;
    case CMRP_KIND_U64: slot->value = draw_number(draws, p, object_type); break;
    default: slot->value = (uint32_t)draw_number(draws, p, object_type); break;
    }
}

// Members of a structure without a format.
static void draw_list(struct draws *draws, struct blocks *blocks, const cmrp_stub_format *format,
                      const cmrp_param *params, uint32_t count, cmrp_slot *slots) {
    uint64_t object_type = 0;
    for (uint32_t i = 0; i < count; i++) {
        const cmrp_param *sized = cmrp_param_sized_by(params, count, i);
        if (format != NULL && !cmrp_param_travels(&params[i], format)) {
            continue;
        }
        if (sized == NULL || (format != NULL && !cmrp_param_travels(sized, format))) {
            draw_slot(draws, blocks, &params[i], &object_type, &slots[i]);
        }
    }
}

// ---- a side -------------------------------------------------------------------------------------

static void count_batch(struct side *side) {
    const cmrp_method *method = side->shown.format.method;
    for (uint32_t i = 0; i < method->count; i++) {
        const cmrp_slot *slot = &side->slots[i];
        cmrp_error error = {0};
        cmrp_batch batch;
        cmrp_batch_command command;
        uint64_t count = 0;
        if (!slot->present || slot->null || method->params[i].meaning != CMRP_MEANS_BATCH ||
            !cmrp_batch_open(&batch, slot->bytes, 0, CMRP_BATCH_STRICT, &error)) {
            continue;
        }
        while (cmrp_batch_next(&batch, &command)) {
            count++;
        }
        side->shown.batch_count = error.code == CMRP_OK ? count : 0;
    }
}

void side_draw(struct draws *draws, struct side *side, const cmrp_stub_format *format) {
    uint8_t octets[STUB];
    cmrp_slot slots[CMRP_MAX_PARAMS] = {0};
    struct blocks blocks = {.count = 0};
    cmrp_error error = {0};
    cmrp_writer w;
    *side = (struct side){.shown = {.format = *format, .slots = side->slots}};
    draw_list(draws, &blocks, format, format->method->params, format->method->count, slots);
    cmrp_writer_init(&w, octets, sizeof octets, &error, NULL);
    if (!cmrp_stub_encode(format, slots, &w)) {
        fuzz_fail(PROPERTY, "a drawn stub of %s is refused: %s of %s", format->method->name,
                  cmrp_code_id(error.code), error.field);
    }
    let_go(&blocks);
    if (w.size > 0 && draw_below(draws, 32) == 31) {
        octets[draw_below(draws, 256) % w.size] ^= (uint8_t)(1u << draw_below(draws, 8));
    }
    side->octets = util_alloc(w.size);
    memcpy(side->octets, octets, w.size);
    side->shown.stub = (cmrp_view){side->octets, w.size};
    error = (cmrp_error){0};
    side->shown.decoded =
        cmrp_stub_decode(format, side->shown.stub, 0, side->slots, NULL, NULL, &error);
    if (side->shown.decoded) {
        count_batch(side);
    }
}

void side_free(struct side *side) {
    free(side->octets);
}
