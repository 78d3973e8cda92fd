// SPDX-License-Identifier: Apache-2.0
// Mutates a batch command by command: the lengths stay right, so that what lies behind a changed
// name or data is reached as before. One mutation in four is libFuzzer's own, on the raw octets.
#include "mutate.h"

#include <stdlib.h>
#include <string.h>

#include "cmrp/batch.h"

enum {
    MOST = 64, // commands looked at
    ROOM = 64, // octets by which a name or data may grow
};

struct commands {
    cmrp_batch_command at[MOST];
    size_t count;
    cmrp_view rest; // behind the last of them
};

static void split(cmrp_view bytes, struct commands *c) {
    cmrp_error error = {0};
    cmrp_batch batch;
    c->count = 0;
    c->rest = (cmrp_view){NULL, 0};
    if (!cmrp_batch_open(&batch, bytes, 0, CMRP_BATCH_UNCHECKED_NAMES, &error)) {
        return;
    }
    c->rest = (cmrp_view){batch.reader.at, batch.reader.left};
    while (c->count < MOST && cmrp_batch_next(&batch, &c->at[c->count])) {
        c->count++;
        c->rest = (cmrp_view){batch.reader.at, batch.reader.left};
    }
}

// Writes as much as fits. cmrp_batch_put would refuse what the mutations are for.
static size_t join(const struct commands *c, uint8_t *data, size_t max_size) {
    cmrp_error error = {0};
    cmrp_writer w;
    cmrp_writer_init(&w, data, max_size, &error, NULL);
    cmrp_put_uint(&w, "version", 4, CMRP_LITTLE_ENDIAN, 1);
    for (size_t i = 0; i < c->count; i++) {
        const cmrp_batch_command *m = &c->at[i];
        cmrp_put_uint(&w, "type", 4, CMRP_LITTLE_ENDIAN, m->type);
        cmrp_put_uint(&w, "value_type", 4, CMRP_LITTLE_ENDIAN, m->value_type);
        cmrp_put_uint(&w, "name_length", 4, CMRP_LITTLE_ENDIAN, m->name.size);
        cmrp_put_view(&w, "name", m->name);
        cmrp_put_uint(&w, "data_length", 4, CMRP_LITTLE_ENDIAN, m->data.size);
        cmrp_put_view(&w, "data", m->data);
        if (m->data.size % 2 != 0) {
            cmrp_put_uint(&w, "padding", 1, CMRP_LITTLE_ENDIAN, m->padding);
        }
    }
    cmrp_put_view(&w, "rest", c->rest);
    return w.size;
}

// A mutated copy of a view; *block is to be freed.
static cmrp_view mutated(cmrp_view view, uint8_t **block) {
    *block = malloc(view.size + ROOM);
    if (*block == NULL) {
        return view;
    }
    memcpy(*block, view.data, view.size);
    return (cmrp_view){*block, LLVMFuzzerMutate(*block, view.size, view.size + ROOM)};
}

static void change(struct commands *c, uint32_t *random, uint8_t **block) {
    cmrp_batch_command *m = &c->at[mutate_below(random, (uint32_t)c->count)];
    cmrp_batch_command *other = &c->at[mutate_below(random, (uint32_t)c->count)];
    const cmrp_batch_command copy = *m;
    switch (mutate_below(random, 7)) {
    case 0:
        m->name = mutated(m->name, block);
        m->name.size &= ~(size_t)1;
        break;
    case 1: m->data = mutated(m->data, block); break;
    case 2: m->type = mutate_below(random, 20); break;
    case 3: m->value_type = mutate_below(random, 13); break;
    case 4: m->padding = (uint8_t)mutate_below(random, 256); break;
    case 5: // swap, or delete
        *m = *other;
        *other = copy;
        c->count -= m == other ? 1 : 0;
        break;
    default: // repeat
        if (c->count < MOST) {
            c->at[c->count++] = copy;
        }
        break;
    }
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed) {
    uint32_t random = seed;
    struct commands c;
    uint8_t *original = malloc(size > 0 ? size : 1);
    uint8_t *block = NULL;
    if (original == NULL) {
        return size;
    }
    if (size > 0) {
        memcpy(original, data, size);
    }
    split((cmrp_view){original, size}, &c);
    if (c.count == 0 || mutate_below(&random, 4) == 0) {
        size = LLVMFuzzerMutate(data, size, max_size);
    } else {
        change(&c, &random, &block);
        size = join(&c, data, max_size);
    }
    free(block);
    free(original);
    return size;
}
