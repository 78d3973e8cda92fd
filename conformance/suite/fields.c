// SPDX-License-Identifier: Apache-2.0
#include "suite/fields.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "suite/grow.h"

// ---- decoding -----------------------------------------------------------------------------------

// Notes where octets begin that belong to no field.
static void note_trailing(void *context, const cmrp_error *warning) {
    size_t *end = context;
    if (warning->code == CMRP_E_TRAILING) {
        *end = (size_t)warning->offset;
    }
}

static bool decode_batch(const struct json_selector *how, cmrp_view octets, size_t *end,
                         cmrp_error *error) {
    cmrp_batch batch;
    cmrp_batch_command command;
    if (cmrp_batch_open(&batch, octets, 0, how->batch_flags, error)) {
        while (cmrp_batch_next(&batch, &command)) {
        }
    }
    if (error->code == CMRP_OK) {
        *end = octets.size - batch.trailing.size;
    }
    return error->code == CMRP_OK;
}

// The same of a PDU: what follows the last field of its body still belongs to it.
static void note_behind(void *context, const cmrp_error *warning) {
    if (strcmp(warning->field, "pdu") == 0) {
        note_trailing(context, warning);
    }
}

static bool decode_pdu(cmrp_view octets, size_t *end, cmrp_error *error) {
    cmrp_pdu_cl connectionless;
    cmrp_pdu pdu;
    return json_is_pdu_cl(octets)
               ? cmrp_pdu_cl_decode(octets, 0, &connectionless, note_behind, end, error)
               : cmrp_pdu_decode(octets, 0, &pdu, note_behind, end, error);
}

static bool decode_tower(const struct json_selector *how, cmrp_view octets, size_t *end,
                         cmrp_error *error) {
    const cmrp_stub_format *f = &how->stub;
    cmrp_epm_response response;
    cmrp_epm_request request;
    cmrp_tower tower;
    if (!how->ept_map) {
        return cmrp_tower_decode(octets, 0, &tower, note_trailing, end, error);
    }
    return f->response ? cmrp_epm_response_decode(octets, 0, f->syntax, f->order, &response,
                                                  note_trailing, end, error)
                       : cmrp_epm_request_decode(octets, 0, f->syntax, f->order, &request,
                                                 note_trailing, end, error);
}

bool fields_decode(const struct json_selector *how, cmrp_view octets, size_t *end,
                   cmrp_error *error) {
    cmrp_slot slots[CMRP_MAX_PARAMS];
    cmrp_payload payload;
    uint64_t value;
    size_t taken = octets.size;
    bool ok;
    switch (how->type) {
    case JSON_TYPE_BATCH: ok = decode_batch(how, octets, &taken, error); break;
    case JSON_TYPE_CHANGE: ok = cmrp_change_decode(how->set, octets, &value, error); break;
    case JSON_TYPE_STUB:
        ok = cmrp_stub_decode(&how->stub, octets, 0, slots, note_trailing, &taken, error);
        break;
    case JSON_TYPE_PAYLOAD:
        ok = cmrp_payload_decode(how->object_type, how->flag->value, octets, 0, &payload, NULL,
                                 NULL, error);
        break;
    case JSON_TYPE_TOWER: ok = decode_tower(how, octets, &taken, error); break;
    default: ok = decode_pdu(octets, &taken, error); break;
    }
    if (end != NULL) {
        *end = taken;
    }
    return ok;
}

// ---- spans --------------------------------------------------------------------------------------

static void add(struct field_spans *s, size_t offset, size_t end, const char *name) {
    struct field_span *last = s->count > 0 ? &s->spans[s->count - 1] : NULL;
    if (end <= offset) {
        return;
    }
    if (last != NULL && last->offset == end && strcmp(last->name, name) == 0 && *name == '(') {
        last->offset = offset; // octets of one gap are found one by one
        last->size += end - offset;
        return;
    }
    s->spans = grow_by_one(s->spans, s->count, sizeof *s->spans);
    s->spans[s->count] = (struct field_span){offset, end - offset, ""};
    snprintf(s->spans[s->count].name, sizeof s->spans[0].name, "%s", name);
    s->count++;
}

static void reverse(struct field_spans *s, size_t first) {
    for (size_t i = first, j = s->count; i + 1 < j; i++) {
        const struct field_span span = s->spans[i];
        s->spans[i] = s->spans[--j];
        s->spans[j] = span;
    }
}

// Walks from `end` to `start`: what does a decoder miss when the last octet is cut off?
static void walk_back(const struct json_selector *how, cmrp_view octets, size_t start, size_t end,
                      size_t limit, struct field_spans *s) {
    const size_t first = s->count;
    while (end > start) {
        cmrp_error error = {0};
        char name[96];
        if (s->count >= limit) {
            add(s, start, end, "");
            break;
        }
        if (fields_decode(how, (cmrp_view){octets.data, end - 1}, NULL, &error)) {
            add(s, end - 1, end, "(unused)");
            end--;
        } else if (error.offset >= end) {
            add(s, end - 1, end, "(gap)");
            end--;
        } else {
            cmrp_error_field(&error, name, sizeof name);
            const size_t from = error.offset > start ? (size_t)error.offset : start;
            add(s, from, end, name);
            end = from;
        }
    }
    reverse(s, first);
}

// The complete commands of a batch are walked from the front: names and data get spans of their
// own, and a long batch has too many fields for the other way.
static void walk_batch(const struct json_selector *how, cmrp_view octets, size_t end, size_t limit,
                       struct field_spans *s) {
    cmrp_error error = {0};
    cmrp_batch batch;
    cmrp_batch_command c;
    size_t at = 0;
    if (cmrp_batch_open(&batch, (cmrp_view){octets.data, end}, 0, how->batch_flags, &error)) {
        at = 4;
        add(s, 0, at, "VersionNumber");
    }
    while (at > 0 && s->count < limit && cmrp_batch_next(&batch, &c)) {
        const size_t size = 16 + c.name.size + c.data.size;
        const size_t name = at + 12 + c.name.size;
        add(s, at, at + 4, "CommandType");
        add(s, at + 4, at + 8, "ValueType");
        add(s, at + 8, at + 12, "NameLength");
        add(s, at + 12, name, "Name");
        add(s, name, name + 4, "DataLength");
        add(s, name + 4, at + size, "Data");
        if (c.data.size % 2 != 0 && !c.pad_missing) {
            add(s, at + size, at + size + 1, "Padding");
        }
        at = s->spans[s->count - 1].offset + s->spans[s->count - 1].size;
    }
    walk_back(how, octets, at, end, limit, s);
}

// Where the wrong field ends: as soon as the decoder has all of it, it says what it says of the
// whole.
static size_t wrong_end(const struct json_selector *how, cmrp_view octets,
                        const cmrp_error *error) {
    enum { LONGEST = 256 };
    const size_t start = (size_t)error->offset;
    for (size_t n = start + 1; n < octets.size && n - start <= LONGEST; n++) {
        cmrp_error cut = {0};
        if (!fields_decode(how, (cmrp_view){octets.data, n}, NULL, &cut) &&
            cut.code == error->code && cut.offset == error->offset) {
            return n;
        }
    }
    return octets.size;
}

// Whether the decoder reads on behind the wrong field: a count is compared with what it counts only
// when all is read.
static bool is_found_late(const struct json_selector *how, cmrp_view octets,
                          const cmrp_error *error) {
    cmrp_error cut = {0};
    return octets.size > 0 &&
           !fields_decode(how, (cmrp_view){octets.data, octets.size - 1}, NULL, &cut) &&
           cut.offset > error->offset;
}

// Whether a payload is one field, whose parts are no fields of their own.
static bool is_one_field(const struct json_selector *how) {
    const cmrp_payload_row *row = cmrp_payload_row_of(how->object_type, how->flag->value);
    return row == NULL ||
           (row->kind != CMRP_PAYLOAD_PROPERTIES && row->kind != CMRP_PAYLOAD_SHARED_VOLUMES &&
            row->kind != CMRP_PAYLOAD_MEMBERSHIP);
}

static void walk(const struct json_selector *how, cmrp_view octets, size_t end, size_t limit,
                 struct field_spans *s) {
    if (how->type == JSON_TYPE_BATCH) {
        walk_batch(how, octets, end, limit, s);
    } else if (how->type == JSON_TYPE_PAYLOAD && is_one_field(how)) {
        add(s, 0, end, "buffer");
    } else {
        walk_back(how, octets, 0, end, limit, s);
    }
}

// Of octets that do not decode.
static void find_wrong(const struct json_selector *how, cmrp_view octets, size_t limit,
                       struct field_spans *s) {
    char name[96];
    if (is_found_late(how, octets, &s->error)) {
        walk(how, octets, octets.size, limit, s);
        s->error_index = 0;
        while (s->error_index < s->count && s->spans[s->error_index].offset < s->error.offset) {
            s->error_index++;
        }
        return;
    }
    const bool surplus = s->error.code == CMRP_E_TRAILING;
    const size_t at = s->error.offset < octets.size ? (size_t)s->error.offset : octets.size;
    const size_t behind = surplus || at == octets.size ? octets.size
                          : s->error.code == CMRP_E_TRUNCATED && s->error.left > 0 &&
                                  s->error.left <= octets.size - at
                              ? at + (size_t)s->error.left
                              : wrong_end(how, octets, &s->error);
    walk(how, octets, at, limit, s);
    s->error_index = s->count;
    cmrp_error_field(&s->error, name, sizeof name);
    add(s, at, behind, surplus ? "(trailing)" : name);
    add(s, behind, octets.size, "(not read)");
}

void fields_find(const struct json_selector *how, cmrp_view octets, size_t limit,
                 struct field_spans *out) {
    *out = (struct field_spans){0};
    size_t end = octets.size;
    if (!fields_decode(how, octets, &end, &out->error)) {
        find_wrong(how, octets, limit, out);
        return;
    }
    walk(how, octets, end, limit, out);
    add(out, end, octets.size, "(trailing)");
    out->error_index = out->count;
}

void fields_free(struct field_spans *spans) {
    free(spans->spans);
    *spans = (struct field_spans){0};
}
