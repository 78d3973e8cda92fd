// SPDX-License-Identifier: Apache-2.0
// Batches that read.
#include <stdlib.h>

#include "cluster/registry_state.h"
#include "util/text.h"

struct run {
    struct registry *r;
    struct registry_key *key; // the designated one
    struct registry_place pointer;
    uint32_t lost; // not 0: why the key pointer is nowhere
    bool full;     // a value was too large for what room is left: no more is read
    struct buffer name;
    struct buffer answer;
};

static void answer_error(struct run *run, const cmrp_batch_command *c, uint32_t status) {
    registry_put_command(&run->answer, CMRP_CLUSREG_READ_ERROR, status, c->name,
                         (cmrp_view){NULL, 0});
}

static void read_key(struct run *run, const cmrp_batch_command *c) {
    run->lost = registry_path_check(run->r, run->key->path, buffer_text(&run->name));
    if (run->lost == 0) {
        registry_place_set(&run->pointer, run->key);
        run->lost = registry_descend(run->r, &run->pointer, buffer_text(&run->name));
    }
    if (run->lost != 0) {
        answer_error(run, c, run->lost);
    } else {
        registry_put_command(&run->answer, CMRP_CLUSREG_READ_KEY, 0, c->name, (cmrp_view){NULL, 0});
    }
}

static void read_value(struct run *run, const cmrp_batch_command *c) {
    uint32_t type;
    cmrp_view data;
    uint32_t status = run->lost == 0 && run->full ? REGISTRY_ERROR_TOO_LARGE : run->lost;
    if (status == 0) {
        status =
            registry_value_look(run->r, run->pointer.id, buffer_text(&run->name), &type, &data);
    }
    if (status == 0 && run->answer.size + data.size > run->r->limits.answer_octets) {
        run->full = true;
        status = REGISTRY_ERROR_TOO_LARGE;
    }
    if (status != 0) {
        answer_error(run, c, status);
    } else {
        registry_put_command(&run->answer, CMRP_CLUSREG_READ_VALUE, type, c->name, data);
    }
    registry_value_done(run->r);
}

static uint32_t execute(struct run *run, const cmrp_batch_command *c) {
    registry_command_name(c, &run->name);
    switch (c->type) {
    case CMRP_CLUSREG_READ_KEY: read_key(run, c); return 0;
    case CMRP_CLUSREG_READ_VALUE: read_value(run, c); return 0;
    case CMRP_CLUSREG_SET_VALUE:
    case CMRP_CLUSREG_CREATE_KEY:
    case CMRP_CLUSREG_DELETE_KEY:
    case CMRP_CLUSREG_DELETE_VALUE: return REGISTRY_ERROR_INVALID_PARAMETER;
    default: return REGISTRY_ERROR_INVALID_DATA;
    }
}

static uint32_t execute_all(struct run *run, cmrp_view octets) {
    cmrp_error error = {0};
    cmrp_batch batch;
    cmrp_batch_command c;
    uint32_t status = 0;
    if (cmrp_batch_open(&batch, octets, 0, CMRP_BATCH_STRICT, &error)) {
        while (status == 0 && cmrp_batch_next(&batch, &c)) {
            status = execute(run, &c);
        }
    }
    return status == 0 && error.code != CMRP_OK ? REGISTRY_ERROR_INVALID_DATA : status;
}

uint32_t registry_read_batch(struct registry_key *key, cmrp_view octets, uint8_t **out,
                             size_t *size) {
    struct registry *r = key->registry;
    struct run run = {.r = r, .key = key};
    *out = NULL;
    *size = 0;
    uint32_t status = registry_there(r, key->id);
    if (status == 0) {
        registry_place_set(&run.pointer, key);
        status = execute_all(&run, octets);
    }
    if (status == 0) {
        *out = run.answer.data;
        *size = run.answer.size;
    } else {
        buffer_free(&run.answer);
    }
    buffer_free(&run.pointer.path);
    buffer_free(&run.name);
    return status;
}
