// SPDX-License-Identifier: Apache-2.0
// PROPERTY_LIST: [{"name":…,"values":[{"syntax":…,"value":…}]}]. What is usual is left out: "nuls"
// where a text has the NULs that it needs, "padding" where it is zero.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "json/parts.h"

static size_t padding_of(size_t size) {
    return (4 - size % 4) % 4;
}

// ---- octets to JSON -----------------------------------------------------------------------------

static void set_padding(json_t *object, const char *key, cmrp_view padding) {
    for (size_t i = 0; i < padding.size; i++) {
        if (padding.data[i] != 0) {
            json_object_set_new(object, key, json_hex(padding));
            return;
        }
    }
}

static json_t *signed_decimal(int64_t value) {
    char *text = util_format("%lld", (long long)value);
    json_t *string = json_string(text);
    free(text);
    return string;
}

static json_t *number_value(const cmrp_property_value *v) {
    const uint64_t number = cmrp_property_value_number(v);
    const bool is_signed = cmrp_property_value_form(v) == CMRP_FORM_SIGNED;
    if (v->data.size == 8) {
        return is_signed ? signed_decimal((int64_t)number) : json_decimal(number);
    }
    return is_signed ? json_integer((json_int_t)(int64_t)number) : json_u32(number);
}

static void set_fixed_text(json_t *object, const char *key, const char *rest_key,
                           const cmrp_fixed_text *text) {
    json_object_set_new(object, key, json_units(text->text, CMRP_LITTLE_ENDIAN));
    set_padding(object, rest_key, text->rest);
}

static json_t *reason_names(const cmrp_payload_names *names, uint64_t reason) {
    json_t *array = json_array();
    for (uint32_t i = 0; i < names->count; i++) {
        if ((reason & names->names[i].value) != 0) {
            json_array_append_new(array, json_string(names->names[i].name));
        }
    }
    return array;
}

static json_t *volume_value(const cmrp_shared_volume *v) {
    json_t *object = json_object();
    set_fixed_text(object, "szVolumeName", "szVolumeName_rest", &v->volume_name);
    set_fixed_text(object, "szNodeName", "szNodeName_rest", &v->node_name);
    json_object_set_new(object, "VolumeState", json_named(cmrp_shared_volume_states(), v->state));
    if (v->ex) {
        set_fixed_text(object, "szVolumeFriendlyName", "szVolumeFriendlyName_rest",
                       &v->friendly_name);
        json_object_set_new(object, "RedirectedIOReason", json_decimal(v->redirected_reason));
        json_object_set_new(object, "RedirectedIOReason_names",
                            reason_names(cmrp_redirected_reasons(), v->redirected_reason));
        json_object_set_new(object, "BlockRedirectedIOReason",
                            json_decimal(v->block_redirected_reason));
        json_object_set_new(
            object, "BlockRedirectedIOReason_names",
            reason_names(cmrp_block_redirected_reasons(), v->block_redirected_reason));
    }
    return object;
}

static json_t *octets_value(const cmrp_property_value *v, bool shared_volumes) {
    cmrp_shared_volume volume;
    cmrp_error ignored = {0};
    if (shared_volumes && v->syntax == CMRP_CLUSPROP_SYNTAX_LIST_VALUE_BINARY &&
        cmrp_shared_volume_read(v->data, 0, &volume, NULL, NULL, &ignored)) {
        return volume_value(&volume);
    }
    return json_hex(v->data);
}

static json_t *value_object(const cmrp_property_value *v, bool shared_volumes) {
    json_t *object = json_object();
    cmrp_view text;
    size_t nuls = 0;
    size_t usual = 0;
    json_object_set_new(object, "syntax", json_string(cmrp_property_syntax_name(v->syntax)));
    switch (cmrp_property_value_form(v)) {
    case CMRP_FORM_UNSIGNED:
    case CMRP_FORM_SIGNED: json_object_set_new(object, "value", number_value(v)); break;
    case CMRP_FORM_STRING:
        text = cmrp_text_before_nuls(v->data, &nuls);
        usual = 1;
        json_object_set_new(object, "value", json_units(text, CMRP_LITTLE_ENDIAN));
        break;
    case CMRP_FORM_MULTI_SZ:
        json_object_set_new(object, "value", json_strings(v->data, &nuls, &usual));
        break;
    default: json_object_set_new(object, "value", octets_value(v, shared_volumes)); break;
    }
    json_set_nuls(object, nuls, usual);
    set_padding(object, "padding", (cmrp_view){v->padding, padding_of(v->data.size)});
    return object;
}

static json_t *property_object(const cmrp_property *p, bool shared_volumes) {
    json_t *object = json_object();
    json_t *values = json_array();
    size_t nuls;
    size_t cursor = 0;
    cmrp_property_value v;
    const cmrp_view name = cmrp_text_before_nuls(p->name, &nuls);
    json_object_set_new(object, "name", json_units(name, CMRP_LITTLE_ENDIAN));
    json_set_nuls(object, nuls, 1);
    set_padding(object, "padding", (cmrp_view){p->padding, padding_of(p->name.size)});
    while (cmrp_property_next_value(p, &cursor, &v)) {
        json_array_append_new(values, value_object(&v, shared_volumes));
    }
    json_object_set_new(object, "values", values);
    json_object_set_new(object, "offset", json_integer((json_int_t)p->offset));
    return object;
}

void json_properties_decode(json_t *object, cmrp_view octets, uint64_t offset,
                            bool shared_volumes) {
    json_t *array = json_array();
    cmrp_error ignored = {0};
    cmrp_property_list list = {0};
    cmrp_property property;
    if (cmrp_property_list_open(&list, octets, offset, &ignored)) {
        list.shared_volumes = shared_volumes;
        while (cmrp_property_list_next(&list, &property)) {
            json_array_append_new(array, property_object(&property, shared_volumes));
        }
    }
    json_object_set_new(object, "properties", array);
    if (list.end_mark) {
        json_object_set_new(object, "end_mark", json_true());
    }
}

// ---- JSON to octets -----------------------------------------------------------------------------

// A property or, behind it, one of its values. Its octets lie in a buffer that still grows.
struct item {
    bool is_value;
    uint32_t syntax;
    uint8_t padding[3];
    size_t at;
    size_t size;
};

struct reading {
    struct shape *shape;
    bool shared_volumes;
    bool end_mark;
    struct item *items;
    size_t count;
    struct buffer octets;
};

static bool read_padding(struct shape *s, const json_t *object, size_t size, uint8_t *padding) {
    struct buffer octets = {0};
    bool ok = shape_hex(s, object, "padding", false, &octets);
    if (ok && json_object_get(object, "padding") != NULL) {
        ok = octets.size == padding_of(size) ||
             shape_fail(s, "padding has %zu octets here", padding_of(size));
    }
    if (ok && octets.size > 0) {
        memcpy(padding, octets.data, octets.size);
    }
    buffer_free(&octets);
    return ok;
}

static bool read_integer(struct shape *s, const json_t *value, const cmrp_property_value *v,
                         struct buffer *out) {
    const uint64_t max = v->data.size == 8   ? UINT64_MAX
                         : v->data.size == 4 ? UINT32_MAX
                                             : UINT16_MAX;
    uint64_t number;
    if (!shape_integer(s, value, v->data.size == 8, max, &number)) {
        return false;
    }
    cmrp_store(buffer_extend(out, v->data.size), v->data.size, number, CMRP_LITTLE_ENDIAN);
    return true;
}

static bool read_signed_text(struct shape *s, const json_t *value, int64_t *out) {
    const char *text = shape_text(value);
    char *end = NULL;
    if (text == NULL) {
        return shape_fail(s, "a 64-bit number as a decimal string is expected");
    }
    const char *digits = text[0] == '-' ? text + 1 : text;
    const bool leading = digits[0] == '0' && (digits[1] != '\0' || digits != text);
    errno = 0;
    *out = strtoll(text, &end, 10);
    return (digits[0] >= '0' && digits[0] <= '9' && !leading && *end == '\0' && errno == 0) ||
           shape_fail(s, "a signed decimal number of up to 64 bits is expected");
}

static bool read_signed(struct shape *s, const json_t *value, const cmrp_property_value *v,
                        struct buffer *out) {
    int64_t number = json_integer_value(value);
    if (v->data.size == 8) {
        if (!read_signed_text(s, value, &number)) {
            return false;
        }
    } else if (!json_is_integer(value) || number < INT32_MIN || number > INT32_MAX) {
        return shape_fail(s, "a signed integer of 32 bits is expected");
    }
    cmrp_store(buffer_extend(out, v->data.size), v->data.size, (uint64_t)number,
               CMRP_LITTLE_ENDIAN);
    return true;
}

// A member of fixed size: its text, and what stands behind the NUL where that is not zero.
struct fixed {
    struct buffer text;
    struct buffer rest;
};

static bool read_fixed(struct shape *s, const json_t *object, const char *key, const char *rest_key,
                       struct fixed *fixed, cmrp_fixed_text *text) {
    const bool ok = json_read_units(s, object, key, &fixed->text) &&
                    shape_hex(s, object, rest_key, false, &fixed->rest);
    *text = (cmrp_fixed_text){buffer_view(&fixed->text), buffer_view(&fixed->rest)};
    return ok;
}

static bool write_volume(void *context, cmrp_writer *w) {
    return cmrp_shared_volume_write(context, w);
}

static bool read_volume(struct shape *s, const json_t *value, struct buffer *out) {
    static const char *const keys[] = {"szVolumeName",
                                       "szVolumeName_rest",
                                       "szNodeName",
                                       "szNodeName_rest",
                                       "VolumeState",
                                       "szVolumeFriendlyName",
                                       "szVolumeFriendlyName_rest",
                                       "RedirectedIOReason",
                                       "BlockRedirectedIOReason",
                                       NULL};
    struct fixed fixed[3] = {0};
    cmrp_shared_volume v = {.ex = json_object_get(value, "szVolumeFriendlyName") != NULL ||
                                  json_object_get(value, "RedirectedIOReason") != NULL ||
                                  json_object_get(value, "BlockRedirectedIOReason") != NULL};
    bool ok = shape_object(s, value, keys) &&
              read_fixed(s, value, keys[0], keys[1], &fixed[0], &v.volume_name) &&
              read_fixed(s, value, keys[2], keys[3], &fixed[1], &v.node_name) &&
              json_read_named(s, value, "VolumeState", cmrp_shared_volume_states(), &v.state);
    if (ok && v.ex) {
        ok = read_fixed(s, value, keys[5], keys[6], &fixed[2], &v.friendly_name) &&
             shape_u64(s, value, keys[7], true, UINT64_MAX, &v.redirected_reason) &&
             shape_u64(s, value, keys[8], true, UINT64_MAX, &v.block_redirected_reason);
    }
    ok = ok && json_write(s, write_volume, &v, out);
    for (size_t i = 0; i < sizeof fixed / sizeof fixed[0]; i++) {
        buffer_free(&fixed[i].text);
        buffer_free(&fixed[i].rest);
    }
    return ok;
}

// The data of a value, appended to out. `v` has the syntax; where that has a size, the data of it.
static bool read_data(struct reading *r, const json_t *object, cmrp_property_value *v) {
    struct shape *s = r->shape;
    const json_t *value = json_object_get(object, "value");
    const cmrp_property_form form = cmrp_property_value_form(v);
    const size_t mark = shape_mark(s);
    bool ok;
    if (form == CMRP_FORM_MULTI_SZ) {
        return json_read_strings(s, object, "value", &r->octets);
    }
    if (form == CMRP_FORM_STRING) {
        size_t nuls;
        ok = json_read_units(s, object, "value", &r->octets) && json_read_nuls(s, object, 1, &nuls);
        json_append_nuls(&r->octets, ok ? nuls : 0);
        return ok;
    }
    if (value == NULL) {
        return shape_fail(s, "key \"value\" is missing");
    }
    shape_enter_key(s, "value");
    if (json_object_get(object, "nuls") != NULL) {
        return shape_fail(s, "this syntax has no NULs to count");
    }
    const bool hex = json_is_string(value) && v->syntax == CMRP_CLUSPROP_SYNTAX_RESCLASS;
    if (form == CMRP_FORM_UNSIGNED && !hex) {
        ok = read_integer(s, value, v, &r->octets);
    } else if (form == CMRP_FORM_SIGNED) {
        ok = read_signed(s, value, v, &r->octets);
    } else if (r->shared_volumes && json_is_object(value)) {
        ok = read_volume(s, value, &r->octets);
    } else {
        ok = shape_octets(s, value, &r->octets);
    }
    shape_leave(s, mark);
    return ok;
}

static void keep_item(struct reading *r, const struct item *item) {
    r->items = util_grow(r->items, r->count + 1, sizeof *r->items);
    r->items[r->count] = *item;
    r->items[r->count].size = r->octets.size - item->at;
    r->count++;
}

// The size of numbers, which is a syntax's own.
static size_t own_size(uint32_t syntax) {
#define OWN_SIZE(name, value, form, size, least)                                                   \
    if (syntax == (value)) {                                                                       \
        return (least) ? 0 : (size);                                                               \
    }
    CMRP_PROPERTY_SYNTAXES(OWN_SIZE)
#undef OWN_SIZE
    return 0;
}

static bool read_value(struct reading *r, const json_t *object) {
    static const char *const keys[] = {"syntax", "value", "nuls", "padding", NULL};
    struct shape *s = r->shape;
    struct item item = {.is_value = true, .at = r->octets.size};
    const char *syntax = NULL;
    if (!shape_object(s, object, keys) || !shape_string(s, object, "syntax", true, &syntax)) {
        return false;
    }
    if (!cmrp_property_syntax_named(syntax, &item.syntax)) {
        return shape_unknown(s, "syntax", syntax);
    }
    static const uint8_t any[8] = {0};
    cmrp_property_value v = {.syntax = item.syntax, .data = {any, own_size(item.syntax)}};
    if (!read_data(r, object, &v) ||
        !read_padding(s, object, r->octets.size - item.at, item.padding)) {
        return false;
    }
    keep_item(r, &item);
    return true;
}

typedef bool reader(struct reading *r, const json_t *value);

static bool read_each(struct reading *r, const json_t *array, reader *read) {
    size_t i;
    json_t *element;
    if (!shape_array(r->shape, array)) {
        return false;
    }
    json_array_foreach(array, i, element) {
        const size_t mark = shape_mark(r->shape);
        shape_enter_index(r->shape, i);
        if (!read(r, element)) {
            return false;
        }
        shape_leave(r->shape, mark);
    }
    return true;
}

static bool read_property(struct reading *r, const json_t *object) {
    static const char *const keys[] = {"name", "nuls", "padding", "values", NULL};
    struct shape *s = r->shape;
    struct item item = {.at = r->octets.size};
    size_t nuls;
    if (!shape_object(s, object, keys) || !json_read_units(s, object, "name", &r->octets) ||
        !json_read_nuls(s, object, 1, &nuls)) {
        return false;
    }
    json_append_nuls(&r->octets, nuls);
    if (!read_padding(s, object, r->octets.size - item.at, item.padding)) {
        return false;
    }
    keep_item(r, &item);
    const json_t *values = json_object_get(object, "values");
    const size_t mark = shape_mark(s);
    if (values == NULL) {
        return shape_fail(s, "key \"values\" is missing");
    }
    shape_enter_key(s, "values");
    const bool ok = read_each(r, values, read_value);
    shape_leave(s, mark);
    return ok;
}

static bool put_item(const struct reading *r, const struct item *item, cmrp_property_writer *pw) {
    const cmrp_view octets = {item->size > 0 ? r->octets.data + item->at : NULL, item->size};
    if (item->is_value) {
        cmrp_property_value v = {.syntax = item->syntax, .data = octets};
        memcpy(v.padding, item->padding, sizeof v.padding);
        return cmrp_property_put_value(pw, &v);
    }
    cmrp_property p = {.name = octets};
    memcpy(p.padding, item->padding, sizeof p.padding);
    return cmrp_property_put(pw, &p);
}

static bool write_list(void *context, cmrp_writer *w) {
    const struct reading *r = context;
    cmrp_property_writer pw;
    bool ok = cmrp_property_writer_open(&pw, w);
    pw.shared_volumes = r->shared_volumes;
    pw.end_mark = r->end_mark;
    for (size_t i = 0; ok && i < r->count; i++) {
        ok = put_item(r, &r->items[i], &pw);
    }
    return ok && cmrp_property_writer_close(&pw);
}

bool json_properties_encode(struct shape *s, const json_t *object, bool shared_volumes,
                            struct buffer *out) {
    const json_t *array = json_object_get(object, "properties");
    const json_t *end_mark = json_object_get(object, "end_mark");
    struct reading r = {
        .shape = s, .shared_volumes = shared_volumes, .end_mark = json_is_true(end_mark)};
    if (end_mark != NULL && !json_is_true(end_mark)) {
        return shape_fail(s, "end_mark is not true");
    }
    const size_t mark = shape_mark(s);
    if (array == NULL) {
        return shape_fail(s, "key \"properties\" is missing");
    }
    shape_enter_key(s, "properties");
    bool ok = read_each(&r, array, read_property);
    if (ok) {
        shape_leave(s, mark);
        ok = json_write(s, write_list, &r, out);
    }
    free(r.items);
    buffer_free(&r.octets);
    return ok;
}
