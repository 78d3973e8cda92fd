// SPDX-License-Identifier: Apache-2.0
// Property payload: the first two octets pick object type and flag; the rest is refused with one
// error inside it, or is a payload whose views lie inside it and which encodes to the identical
// octets: by cmrp_payload_encode with the predicted size, through JSON, and property by property.
#include <stdlib.h>
#include <string.h>

#include "fuzz_support.h"

#define PROPERTY "payload"

struct input {
    uint32_t object_type;
    const cmrp_change_flag *flag;
    cmrp_view bytes;
};

static void warned(void *context, const cmrp_error *warning) {
    const struct input *input = context;
    fuzz_check_place(PROPERTY, warning, FUZZ_BASE, input->bytes.size, 0);
}

static bool write_payload(void *context, cmrp_writer *w) {
    return cmrp_payload_encode(context, w);
}

// The texts of a list, with their NULs, come to as many octets as it has.
static void check_strings(cmrp_view units, cmrp_view whole) {
    size_t cursor = 0;
    size_t size = 0;
    size_t nuls;
    cmrp_view text;
    while (cmrp_multi_sz_next(units, &cursor, &text)) {
        fuzz_check_inside(PROPERTY, "a string of a list", text, whole);
        size += text.size + (size > 0 ? 2 : 0);
        if (text.size == 0 || text.size % 2 != 0 || cursor > units.size) {
            fuzz_fail(PROPERTY, "a string of %zu octets, then at %zu", text.size, cursor);
        }
    }
    (void)cmrp_text_before_nuls(units, &nuls);
    if (size + 2 * nuls != units.size) {
        fuzz_fail(PROPERTY, "strings of %zu octets in a list of %zu", size, units.size);
    }
}

static void check_value(const cmrp_property_value *v, const cmrp_property *p, cmrp_view whole,
                        bool shared_volumes) {
    cmrp_error error = {0};
    cmrp_shared_volume volume;
    fuzz_check_inside(PROPERTY, "values", p->values, whole);
    fuzz_check_inside(PROPERTY, "the data of a value", v->data, p->values);
    if (cmrp_property_syntax_name(v->syntax) == NULL || v->offset < p->offset) {
        fuzz_fail(PROPERTY, "a value of syntax %x at %llu", v->syntax,
                  (unsigned long long)v->offset);
    }
    if (cmrp_property_value_form(v) == CMRP_FORM_MULTI_SZ) {
        check_strings(v->data, whole);
    }
    (void)cmrp_property_value_number(v);
    if (shared_volumes && cmrp_shared_volume_read(v->data, 0, &volume, NULL, NULL, &error)) {
        fuzz_check_inside(PROPERTY, "szVolumeName", volume.volume_name.text, v->data);
        fuzz_check_inside(PROPERTY, "szNodeName", volume.node_name.rest, v->data);
    }
}

// Reads a list and writes it anew.
static bool copy_list(void *context, cmrp_writer *w) {
    const cmrp_payload *payload = context;
    const bool shared_volumes = payload->kind == CMRP_PAYLOAD_SHARED_VOLUMES;
    cmrp_error error = {0};
    cmrp_property_list list;
    cmrp_property_writer pw;
    cmrp_property p;
    cmrp_property_value v;
    bool ok = cmrp_property_list_open(&list, payload->octets, 0, &error) &&
              cmrp_property_writer_open(&pw, w);
    list.shared_volumes = pw.shared_volumes = shared_volumes;
    while (ok && cmrp_property_list_next(&list, &p)) {
        size_t cursor = 0;
        uint32_t count = 0;
        fuzz_check_inside(PROPERTY, "the name of a property", p.name, payload->octets);
        ok = cmrp_property_put(&pw, &p);
        while (ok && cmrp_property_next_value(&p, &cursor, &v)) {
            check_value(&v, &p, payload->octets, shared_volumes);
            ok = cmrp_property_put_value(&pw, &v);
            count++;
        }
        if (ok && (count != p.value_count || cursor != p.values.size)) {
            fuzz_fail(PROPERTY, "%u of %u values are delivered", count, p.value_count);
        }
    }
    if (error.code != CMRP_OK || (ok && list.index != list.count)) {
        fuzz_fail(PROPERTY, "the second reading of a list ends with %s", cmrp_code_id(error.code));
    }
    pw.end_mark = list.end_mark;
    return ok && cmrp_property_writer_close(&pw);
}

static void check_views(const struct input *input, cmrp_payload *p) {
    fuzz_check_inside(PROPERTY, "text", p->text, input->bytes);
    fuzz_check_inside(PROPERTY, "octets", p->octets, input->bytes);
    fuzz_check_inside(PROPERTY, "UpNodes", p->up_nodes, input->bytes);
    if (p->kind == CMRP_PAYLOAD_MULTI_SZ) {
        check_strings(p->octets, input->bytes);
    }
    if (p->kind == CMRP_PAYLOAD_PROPERTIES || p->kind == CMRP_PAYLOAD_SHARED_VOLUMES) {
        size_t size;
        uint8_t *octets = fuzz_write(PROPERTY, copy_list, p, &size);
        fuzz_check_same_octets(PROPERTY, "property by property", input->bytes,
                               (cmrp_view){octets, size});
        free(octets);
    }
}

static void check_json(const struct input *input) {
    const struct json_selector how = {
        .type = JSON_TYPE_PAYLOAD, .object_type = input->object_type, .flag = input->flag};
    cmrp_error error = {0};
    struct buffer out = {0};
    struct json_failure failure;
    json_t *value = json_decode(&how, input->bytes, 0, &error);
    if (value == NULL) {
        fuzz_fail(PROPERTY, "JSON refuses what the codec accepts");
    }
    if (!json_encode(&how, value, &out, &failure)) {
        fuzz_fail(PROPERTY, "JSON refused at \"%s\": %s", failure.pointer, failure.message);
    }
    fuzz_check_same_octets(PROPERTY, "through JSON", input->bytes, buffer_view(&out));
    buffer_free(&out);
    json_decref(value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < FUZZ_PAYLOAD_SELECTORS) {
        return 0;
    }
    struct input input = {.bytes = {data + FUZZ_PAYLOAD_SELECTORS, size - FUZZ_PAYLOAD_SELECTORS}};
    input.flag = fuzz_payload_event(data, &input.object_type);
    cmrp_error error = {0};
    cmrp_payload payload;
    if (!cmrp_payload_decode(input.object_type, input.flag->value, input.bytes, FUZZ_BASE, &payload,
                             warned, &input, &error)) {
        fuzz_tally.rejected++;
        fuzz_check_error(PROPERTY, &error, FUZZ_BASE, input.bytes.size, 0);
        return 0;
    }
    fuzz_tally.accepted++;
    check_views(&input, &payload);
    size_t written;
    uint8_t *octets = fuzz_write(PROPERTY, write_payload, &payload, &written);
    fuzz_check_same_octets(PROPERTY, "cmrp_payload_encode", input.bytes,
                           (cmrp_view){octets, written});
    free(octets);
    check_json(&input);
    return 0;
}
