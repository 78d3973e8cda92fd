// SPDX-License-Identifier: Apache-2.0
#include "testee/testee_c/faulty.h"

#include <stdlib.h>
#include <string.h>

#include "suite/fields.h"

static void set(json_t *object, const char *key, json_t *value) {
    json_object_set_new(object, key, value);
}

// ---- batch --------------------------------------------------------------------------------------

static void lose_last(json_t *array) {
    if (json_array_size(array) > 1) {
        json_array_remove(array, json_array_size(array) - 1);
    }
}

static void swap_text(json_t *object, const char *key, const char *a, const char *b) {
    const char *text = json_string_value(json_object_get(object, key));
    if (text != NULL && (strcmp(text, a) == 0 || strcmp(text, b) == 0)) {
        set(object, key, json_string(strcmp(text, a) == 0 ? b : a));
    }
}

// Hex up to the first octet of zero.
static void end_at_zero(json_t *command) {
    const char *digits = json_string_value(json_object_get(command, "data"));
    for (size_t i = 0; digits != NULL && digits[i] != '\0'; i += 2) {
        if (digits[i] == '0' && digits[i + 1] == '0') {
            set(command, "data", json_stringn(digits, i));
            return;
        }
    }
}

// What is left of a name when only the low octets of its characters are kept: '?' stands for them.
static void narrow(json_t *command) {
    const char *name = json_string_value(json_object_get(command, "name"));
    struct buffer text = {0};
    if (name == NULL) {
        return;
    }
    for (const char *p = name; *p != '\0'; p++) {
        if (((unsigned char)*p & 0xc0) != 0x80) { // the first octet of a character
            buffer_printf(&text, "%c", (unsigned char)*p < 0x80 ? *p : '?');
        }
    }
    set(command, "name", json_string(buffer_text(&text)));
    buffer_free(&text);
}

static void spoil_command(enum testee_fault fault, json_t *command) {
    switch (fault) {
    case TESTEE_FAULT_BATCH_DELETE_CONFUSED:
        swap_text(command, "command", "CLUSREG_DELETE_VALUE", "CLUSREG_VALUE_DELETED");
        break;
    case TESTEE_FAULT_BATCH_VALUE_TYPE_LOST: set(command, "value_type", json_integer(0)); break;
    case TESTEE_FAULT_BATCH_DATA_ENDS_AT_ZERO: end_at_zero(command); break;
    case TESTEE_FAULT_BATCH_NAME_NARROW: narrow(command); break;
    default: break;
    }
}

static void spoil_batch(enum testee_fault fault, json_t *value) {
    json_t *commands = json_object_get(value, "commands");
    size_t i;
    json_t *command;
    if (fault == TESTEE_FAULT_BATCH_LAST_COMMAND_LOST) {
        lose_last(commands);
    }
    json_array_foreach(commands, i, command) {
        spoil_command(fault, command);
    }
}

// The first command's NameLength, and DataLength of the first command with an odd number of data
// octets, are where a fault that concerns them shows.
static void spoil_batch_octets(enum testee_fault fault, struct buffer *octets) {
    enum { VERSION_SIZE = 4, AT_NAME_LENGTH = 12, FIXED = 16 };
    uint8_t *p = octets->data;
    cmrp_batch batch;
    cmrp_batch_command c;
    cmrp_error error = {0};
    if (octets->size < VERSION_SIZE + FIXED) {
        return;
    }
    if (fault == TESTEE_FAULT_BATCH_VERSION_BIG_ENDIAN) {
        cmrp_store_u32(p, 1, CMRP_BIG_ENDIAN);
    } else if (fault == TESTEE_FAULT_BATCH_NAME_LENGTH_IN_UNITS) {
        const uint32_t length = cmrp_load_u32(p + AT_NAME_LENGTH, CMRP_LITTLE_ENDIAN);
        cmrp_store_u32(p + AT_NAME_LENGTH, length / 2, CMRP_LITTLE_ENDIAN);
    }
    if ((fault != TESTEE_FAULT_BATCH_PAD_LEFT_OUT &&
         fault != TESTEE_FAULT_BATCH_DATA_LENGTH_PADDED) ||
        !cmrp_batch_open(&batch, buffer_view(octets), 0, CMRP_BATCH_STRICT, &error)) {
        return;
    }
    while (cmrp_batch_next(&batch, &c)) {
        if (c.data.size % 2 == 0) {
            continue;
        }
        uint8_t *data = p + (c.data.data - octets->data);
        if (fault == TESTEE_FAULT_BATCH_PAD_LEFT_OUT) {
            const size_t pad = (size_t)(data - p) + c.data.size;
            memmove(p + pad, p + pad + 1, octets->size - pad - 1);
            octets->size--;
        } else {
            cmrp_store_u32(data - 4, (uint32_t)c.data.size + 1, CMRP_LITTLE_ENDIAN);
        }
        return;
    }
}

// ---- change -------------------------------------------------------------------------------------

static void spoil_change(enum testee_fault fault, const struct json_selector *how, json_t *value,
                         cmrp_view octets) {
    const bool wide = octets.size == 8;
    uint64_t number = wide ? cmrp_load_u64(octets.data, CMRP_LITTLE_ENDIAN)
                           : cmrp_load_u32(octets.data, CMRP_LITTLE_ENDIAN);
    switch (fault) {
    case TESTEE_FAULT_CHANGE_BIG_ENDIAN:
        number = wide ? cmrp_load_u64(octets.data, CMRP_BIG_ENDIAN)
                      : cmrp_load_u32(octets.data, CMRP_BIG_ENDIAN);
        break;
    case TESTEE_FAULT_CHANGE_FLAG_DROPPED: number &= number - 1; break;
    case TESTEE_FAULT_CHANGE_UNKNOWN_DROPPED:
        number &= ~cmrp_change_unknown(how->set, number);
        break;
    case TESTEE_FAULT_CHANGE_UPPER_HALF_LOST: number &= UINT32_MAX; break;
    default: return;
    }
    json_object_clear(value);
    set(value, "set", json_string(how->set->name));
    if (wide) {
        char *text = util_format("%llu", (unsigned long long)number);
        set(value, "value", json_string(text));
        free(text);
    } else {
        set(value, "value", json_integer((json_int_t)number));
    }
}

// ---- stubs --------------------------------------------------------------------------------------

// The GUID behind the four octets of attributes: its first three fields turned.
static void turn_handle(json_t *params, const char *name) {
    static const uint8_t order[] = {0, 1, 2, 3, 7, 6, 5, 4, 9, 8, 11, 10};
    const char *digits = json_string_value(json_object_get(params, name));
    if (digits == NULL || strlen(digits) != (size_t)2 * CMRP_HANDLE_SIZE) {
        return;
    }
    char *turned = util_strdup(digits);
    for (size_t i = 0; i < sizeof order; i++) {
        memcpy(turned + 2 * i, digits + (size_t)2 * order[i], 2);
    }
    set(params, name, json_string(turned));
    free(turned);
}

static void lose_last_character(json_t *params, const char *name) {
    const json_t *text = json_object_get(params, name);
    size_t n = json_string_length(text);
    if (n == 0) {
        return;
    }
    while (n > 1 && ((unsigned char)json_string_value(text)[n - 1] & 0xc0) == 0x80) {
        n--;
    }
    set(params, name, json_stringn(json_string_value(text), n - 1));
}

static void halve(json_t *params, const char *name) {
    const char *text = json_string_value(json_object_get(params, name));
    if (text != NULL) {
        const unsigned long long number = strtoull(text, NULL, 10);
        char *low = util_format("%llu", number & UINT32_MAX);
        set(params, name, json_string(low));
        free(low);
    }
}

static bool is_text(const cmrp_param *p) {
    return p->kind == CMRP_KIND_STRING || p->kind == CMRP_KIND_OPEN_STRING;
}

static void spoil_param(enum testee_fault fault, json_t *params, const cmrp_param *p) {
    json_t *value = json_object_get(params, p->name);
    switch (fault) {
    case TESTEE_FAULT_STUB_HANDLE_ORDER:
        if (p->kind == CMRP_KIND_HANDLE) {
            turn_handle(params, p->name);
        }
        break;
    case TESTEE_FAULT_STUB_LAST_CHARACTER_LOST:
        if (is_text(p)) {
            lose_last_character(params, p->name);
        }
        break;
    case TESTEE_FAULT_STUB_NULL_IS_EMPTY:
        if (is_text(p) && json_is_null(value)) {
            set(params, p->name, json_string(""));
        }
        break;
    case TESTEE_FAULT_STUB_BOOL_IS_ONE:
        if (p->meaning == CMRP_MEANS_BOOL && json_integer_value(value) != 0) {
            set(params, p->name, json_integer(1));
        }
        break;
    case TESTEE_FAULT_STUB_STATUS_LOST:
        if (strcmp(p->name, "return") == 0 && json_is_integer(value)) {
            set(params, p->name, json_integer(0));
        }
        break;
    case TESTEE_FAULT_STUB_SIGNED_AS_UNSIGNED:
        if (p->kind == CMRP_KIND_I32 && json_integer_value(value) < 0) {
            set(params, p->name, json_integer(json_integer_value(value) + (1LL << 32)));
        }
        break;
    case TESTEE_FAULT_STUB_UPPER_HALF_LOST:
        if (p->kind == CMRP_KIND_U64 || p->kind == CMRP_KIND_WORD) {
            halve(params, p->name);
        }
        break;
    case TESTEE_FAULT_STUB_LAST_ROW_LOST:
        if (p->kind == CMRP_KIND_ARRAY) {
            lose_last(value);
        }
        break;
    default: break;
    }
}

static void spoil_stub(enum testee_fault fault, const struct json_selector *how, json_t *value) {
    const cmrp_method *method = how->stub.method;
    json_t *params = json_object_get(value, "params");
    for (uint32_t i = 0; i < method->count; i++) {
        if (cmrp_param_travels(&method->params[i], &how->stub)) {
            spoil_param(fault, params, &method->params[i]);
        }
    }
}

// A key that is not 0 where NOTIFICATION_RPC holds one.
static bool has_key(const json_t *value) {
    const json_t *rows = json_object_get(json_object_get(value, "params"), "Notifications");
    size_t i;
    json_t *row;
    json_array_foreach(rows, i, row) {
        const char *key = json_string_value(json_object_get(row, "dwNotifyKey"));
        if (key != NULL && strcmp(key, "0") != 0) {
            return true;
        }
    }
    return false;
}

// Whether octets are what our writer would make of the value, but for some of them.
static bool has_other_referents(const struct json_selector *how, const json_t *value,
                                cmrp_view octets) {
    struct buffer own = {0};
    struct json_failure failure;
    const bool other = json_encode(how, value, &own, &failure) && own.size == octets.size &&
                       memcmp(own.data, octets.data, own.size) != 0;
    buffer_free(&own);
    return other;
}

// Takes `size` octets out.
static void take_out(struct buffer *octets, size_t at, size_t size) {
    memmove(octets->data + at, octets->data + at + size, octets->size - at - size);
    octets->size -= size;
}

static void leave_gaps_out(const struct json_selector *how, struct buffer *octets) {
    enum { LIMIT = 1000 };
    struct field_spans found;
    fields_find(how, buffer_view(octets), LIMIT, &found);
    for (size_t i = found.count; i > 0; i--) {
        const struct field_span *s = &found.spans[i - 1];
        if (strcmp(s->name, "(gap)") == 0) {
            take_out(octets, s->offset, s->size);
        }
    }
    fields_free(&found);
}

static void spoil_stub_octets(enum testee_fault fault, const struct json_selector *how,
                              struct buffer *octets) {
    static const uint8_t more[4] = {0};
    const cmrp_method *method = how->stub.method;
    const cmrp_param *last = NULL;
    for (uint32_t i = 0; i < method->count; i++) {
        last = cmrp_param_travels(&method->params[i], &how->stub) ? &method->params[i] : last;
    }
    if (fault == TESTEE_FAULT_STUB_TRAILING_WRITTEN) {
        buffer_append(octets, more, sizeof more);
    } else if (fault == TESTEE_FAULT_STUB_GAP_LEFT_OUT) {
        leave_gaps_out(how, octets);
    } else if (fault == TESTEE_FAULT_STUB_BOOL_ONE_OCTET && last != NULL &&
               last->meaning == CMRP_MEANS_BOOL) {
        take_out(octets, octets->size - 3, 3);
    }
}

// ---- the others ---------------------------------------------------------------------------------

static void turn_number(json_t *object, const char *key, size_t width) {
    const json_t *value = json_object_get(object, key);
    uint8_t octets[4];
    if (json_is_integer(value)) {
        const uint64_t number = (uint64_t)json_integer_value(value);
        cmrp_store(octets, width, number, CMRP_LITTLE_ENDIAN);
        set(object, key,
            json_integer(width == 2 ? cmrp_load_u16(octets, CMRP_BIG_ENDIAN)
                                    : (json_int_t)cmrp_load_u32(octets, CMRP_BIG_ENDIAN)));
    }
}

static void turn_ports(json_t *floors) {
    size_t i;
    json_t *tower_floor;
    json_array_foreach(floors, i, tower_floor) {
        turn_number(tower_floor, "port", 2);
    }
}

static void spoil_other(enum testee_fault fault, json_t *value) {
    switch (fault) {
    case TESTEE_FAULT_PDU_CALL_ID_ORDER: turn_number(value, "call_id", 4); break;
    case TESTEE_FAULT_PDU_FLAGS_LOST:
        if (json_object_get(value, "flags") != NULL) {
            set(value, "flags", json_integer(0));
        }
        break;
    case TESTEE_FAULT_PAYLOAD_LAST_STRING_LOST: lose_last(json_object_get(value, "strings")); break;
    case TESTEE_FAULT_TOWER_PORT_ORDER: turn_ports(json_object_get(value, "floors")); break;
    default: break;
    }
}

static void spoil_other_octets(enum testee_fault fault, struct buffer *octets) {
    enum { AT_FRAG_LENGTH = 8, HEADER = 16 };
    if (fault == TESTEE_FAULT_PAYLOAD_END_LEFT_OUT && octets->size >= 2) {
        octets->size -= 2;
    } else if (fault == TESTEE_FAULT_PDU_FRAG_LENGTH_SHORT && octets->size >= HEADER &&
               octets->data[0] == 5 && octets->data[4] == 0x10) {
        octets->data[AT_FRAG_LENGTH]--;
    }
}

// ---- the whole ----------------------------------------------------------------------------------

// What is taken for the value of octets that are to be refused: what lenient reading gives, else
// an empty object, which no such octets mean.
static json_t *accepted(const struct json_selector *how, cmrp_view octets) {
    struct json_selector lenient = *how;
    cmrp_error ignored = {0};
    lenient.batch_flags = CMRP_BATCH_LENIENT;
    json_t *value =
        how->type == JSON_TYPE_BATCH ? json_decode(&lenient, octets, 0, &ignored) : NULL;
    return value != NULL ? value : json_object();
}

struct json_selector faulty_selector(enum testee_fault fault, const struct json_selector *how) {
    struct json_selector changed = *how;
    if (fault == TESTEE_FAULT_STUB_DREP_IGNORED && how->type == JSON_TYPE_STUB) {
        changed.stub.order = CMRP_LITTLE_ENDIAN;
    } else if (fault == TESTEE_FAULT_STUB_NDR64_AS_NDR && how->type == JSON_TYPE_STUB) {
        changed.stub.syntax = CMRP_NDR20;
    }
    return changed;
}

static json_t *refused(json_t *value, cmrp_error *error, cmrp_code code) {
    json_decref(value);
    error->code = code;
    return NULL;
}

json_t *faulty_decoded(enum testee_fault fault, const struct json_selector *how, cmrp_view octets,
                       json_t *value, cmrp_error *error) {
    const struct testee_fault_row *row = testee_fault_row(fault);
    if (row->type != how->type) {
        return value;
    }
    if (value == NULL) {
        if (row->code == NULL || strcmp(row->code, cmrp_code_id(error->code)) != 0) {
            return NULL;
        }
        *error = (cmrp_error){0};
        return accepted(how, octets);
    }
    switch (how->type) {
    case JSON_TYPE_BATCH: spoil_batch(fault, value); break;
    case JSON_TYPE_CHANGE: spoil_change(fault, how, value, octets); break;
    case JSON_TYPE_STUB:
        if (fault == TESTEE_FAULT_STUB_KEY_IS_POINTER && has_key(value)) {
            return refused(value, error, CMRP_E_NULL_POINTER);
        }
        if (fault == TESTEE_FAULT_STUB_OWN_REFERENTS_ONLY &&
            has_other_referents(how, value, octets)) {
            return refused(value, error, CMRP_E_NULL_POINTER);
        }
        spoil_stub(fault, how, value);
        break;
    default: spoil_other(fault, value); break;
    }
    return value;
}

void faulty_encoded(enum testee_fault fault, const struct json_selector *how,
                    struct buffer *octets) {
    if (testee_fault_row(fault)->type != how->type || octets->size == 0) {
        return;
    }
    switch (how->type) {
    case JSON_TYPE_BATCH: spoil_batch_octets(fault, octets); break;
    case JSON_TYPE_STUB: spoil_stub_octets(fault, how, octets); break;
    default: spoil_other_octets(fault, octets); break;
    }
}
