// SPDX-License-Identifier: Apache-2.0
// PROPERTY_LIST: reading and writing. Every size is a multiple of 4 once padded, so that alignment
// from the list's start is alignment of each field by itself.
#include "cmrp/payload.h"

#define SECTION_LIST     "MS-CMRP 2.2.3.10"
#define SECTION_PROPERTY "MS-CMRP 2.2.3.10.1"
#define SECTION_SYNTAX   "MS-CMRP 2.2.2.3"
#define SECTION_EVENTS   "MS-CMRP 3.1.4.2.138"

#define ARRAY "propertyValue"

enum {
    HEADER = 8,         // a syntax and a size
    SIZE_AT = 4,        // from a syntax to its size
    MOST_VALUES = 3,    // of a property
    RESCLASS_INFO = 8,  // CLUS_RESOURCE_CLASS_INFO, which RESCLASS may hold in full
    RESCLASS_CLASS = 4, // or its first member alone
};

typedef struct syntax_rule {
    uint32_t syntax;
    uint32_t size;
    cmrp_property_form form;
    bool at_least;
    const char *name;
} syntax_rule;

static const syntax_rule rules[] = {
#define RULE(name, value, form, size, least) {value, size, CMRP_FORM_##form, least, #name},
    CMRP_PROPERTY_SYNTAXES(RULE)
#undef RULE
};

enum { RULES = sizeof rules / sizeof rules[0] };

static const syntax_rule *rule_of(uint32_t syntax) {
    for (size_t i = 0; i < RULES; i++) {
        if (rules[i].syntax == syntax) {
            return &rules[i];
        }
    }
    return NULL;
}

const char *cmrp_property_syntax_name(uint32_t syntax) {
    const syntax_rule *rule = rule_of(syntax);
    return rule != NULL ? rule->name : NULL;
}

bool cmrp_property_syntax_named(const char *name, uint32_t *syntax) {
    for (size_t i = 0; i < RULES; i++) {
        if (strcmp(rules[i].name, name) == 0) {
            *syntax = rules[i].syntax;
            return true;
        }
    }
    return false;
}

cmrp_property_form cmrp_property_value_form(const cmrp_property_value *value) {
    const syntax_rule *rule = rule_of(value->syntax);
    const bool whole = rule != NULL && (rule->at_least || rule->size == value->data.size);
    return whole ? rule->form : CMRP_FORM_OCTETS;
}

uint64_t cmrp_property_value_number(const cmrp_property_value *value) {
    const cmrp_property_form form = cmrp_property_value_form(value);
    const uint8_t *p = value->data.data;
    if (form != CMRP_FORM_UNSIGNED && form != CMRP_FORM_SIGNED) {
        return 0;
    }
    switch (value->data.size) {
    case 2: return cmrp_load_u16(p, CMRP_LITTLE_ENDIAN);
    case 4: {
        const uint32_t n = cmrp_load_u32(p, CMRP_LITTLE_ENDIAN);
        return form == CMRP_FORM_SIGNED ? (uint64_t)(int64_t)(int32_t)n : n;
    }
    default: return cmrp_load_u64(p, CMRP_LITTLE_ENDIAN);
    }
}

// Octets behind `size` up to the next multiple of 4.
static size_t padding_of(size_t size) {
    return (4 - size % 4) % 4;
}

// ---- judging: the same for reader and writer ----------------------------------------------------

// What is wrong with a value; field NULL: nothing. at counts from Syntax.
typedef struct verdict {
    cmrp_code code;
    const char *field;
    const char *section;
    size_t at;
    uint64_t value;
} verdict;

static const verdict fine = {CMRP_OK, NULL, NULL, 0, 0};

static verdict judge_size(const syntax_rule *rule, const cmrp_property_value *v) {
    const size_t size = v->data.size;
    const bool text = rule->form == CMRP_FORM_STRING || rule->form == CMRP_FORM_MULTI_SZ;
    const bool class_info = v->syntax == CMRP_CLUSPROP_SYNTAX_RESCLASS && size == RESCLASS_INFO;
    if (text && (size == 0 || size % 2 != 0)) {
        return (verdict){CMRP_E_STRING_LENGTH, "Size", SECTION_PROPERTY, SIZE_AT, size};
    }
    if (class_info || (rule->at_least ? size >= rule->size : size == rule->size)) {
        return fine;
    }
    return (verdict){CMRP_E_VALUE_SIZE, "Size", SECTION_SYNTAX, SIZE_AT, size};
}

static verdict judge_data(const syntax_rule *rule, const cmrp_property_value *v,
                          cmrp_units_found *found) {
    cmrp_code code = CMRP_OK;
    if (rule->form == CMRP_FORM_STRING) {
        code = cmrp_units_judge_text(v->data, found);
    } else if (rule->form == CMRP_FORM_MULTI_SZ) {
        code = cmrp_units_judge_list(v->data, found);
    }
    return code == CMRP_OK ? fine : (verdict){code, "Buffer", SECTION_SYNTAX, HEADER, 0};
}

static verdict judge_value(const cmrp_property_value *v, cmrp_units_found *found) {
    const syntax_rule *rule = rule_of(v->syntax);
    *found = (cmrp_units_found){0};
    if (rule == NULL) {
        return (verdict){CMRP_E_PROPERTY_SYNTAX, "Syntax", SECTION_SYNTAX, 0, v->syntax};
    }
    const verdict size = judge_size(rule, v);
    return size.field != NULL ? size : judge_data(rule, v, found);
}

static bool is_shared_volume(const cmrp_property_value *v) {
    return v->syntax == CMRP_CLUSPROP_SYNTAX_LIST_VALUE_BINARY &&
           (v->data.size == CMRP_SHARED_VOLUME_SIZE || v->data.size == CMRP_SHARED_VOLUME_EX_SIZE);
}

// ---- reading ------------------------------------------------------------------------------------

static void tell(const cmrp_property_list *list, cmrp_code code, const char *field, uint64_t offset,
                 uint64_t value, const char *section) {
    if (list->warn != NULL) {
        const cmrp_error warning = {.code = code,
                                    .index = list->index,
                                    .offset = offset,
                                    .value = value,
                                    .array = ARRAY,
                                    .field = field,
                                    .section = section};
        list->warn(list->warn_context, &warning);
    }
}

static void tell_padding(const cmrp_property_list *list, const char *field, uint64_t offset,
                         const uint8_t *padding, size_t size) {
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++) {
        value |= (uint64_t)padding[i] << (8 * i);
    }
    if (value != 0) {
        tell(list, CMRP_E_PADDING_NONZERO, field, offset, value, SECTION_PROPERTY);
    }
}

static void tell_text(const cmrp_property_list *list, const char *field, uint64_t offset,
                      cmrp_view data, const cmrp_units_found *found, const char *section) {
    if (found->unpaired) {
        tell(list, CMRP_E_SURROGATE, field, offset, 0, section);
    }
    if (found->open) {
        tell(list, CMRP_E_LIST_TERMINATOR, field, offset, 0, section);
    }
    if (found->surplus > 0) {
        tell(list, CMRP_E_STRING_PADDING, field, offset + data.size - 2 * found->surplus,
             found->surplus, section);
    }
}

// A volume's own warnings, moved into the list.
typedef struct inner {
    const cmrp_property_list *list;
} inner;

static void tell_inner(void *context, const cmrp_error *warning) {
    const inner *i = context;
    tell(i->list, warning->code, warning->field, warning->offset, warning->value, warning->section);
}

static bool check_shared_volume(cmrp_property_list *list, const cmrp_property_value *v) {
    cmrp_shared_volume volume;
    inner context = {list};
    if (v->syntax != CMRP_CLUSPROP_SYNTAX_LIST_VALUE_BINARY) {
        tell(list, CMRP_E_PROPERTY_SYNTAX, "Syntax", v->offset, v->syntax, SECTION_EVENTS);
        return true;
    }
    if (!is_shared_volume(v)) {
        tell(list, CMRP_E_VALUE_SIZE, "Size", v->offset + SIZE_AT, v->data.size, SECTION_EVENTS);
        return true;
    }
    return cmrp_shared_volume_read(v->data, v->offset + HEADER, &volume, tell_inner, &context,
                                   list->reader.error);
}

static bool check_value(cmrp_property_list *list, const cmrp_property_value *v) {
    cmrp_reader *r = &list->reader;
    cmrp_units_found found;
    const verdict wrong = judge_value(v, &found);
    const uint64_t data_at = v->offset + HEADER;
    if (wrong.field != NULL) {
        r->section = wrong.section;
        return cmrp_fail(r, wrong.code, wrong.field, v->offset + wrong.at, wrong.value);
    }
    if (list->shared_volumes && !check_shared_volume(list, v)) {
        return false;
    }
    if (v->syntax == CMRP_CLUSPROP_SYNTAX_LIST_VALUE_BINARY && v->data.size == 0) {
        tell(list, CMRP_E_EMPTY_VALUE, "Buffer", data_at, 0, SECTION_SYNTAX);
    }
    tell_text(list, "Buffer", data_at, v->data, &found, SECTION_SYNTAX);
    return true;
}

static const char *const name_fields[] = {"size", "buffer", "padding"};
static const char *const value_fields[] = {"Size", "Buffer", "Padding"};

// A size and the octets that it announces.
static bool take_sized(cmrp_reader *r, const char *const fields[3], cmrp_view *data) {
    const uint64_t at = r->offset;
    uint32_t size;
    if (!cmrp_take_u32(r, fields[0], CMRP_LITTLE_ENDIAN, &size)) {
        return false;
    }
    if (size > r->left) {
        return cmrp_fail(r, CMRP_E_OVERRUN, fields[0], at, size);
    }
    return cmrp_take_view(r, fields[1], size, data);
}

// The octets up to the next multiple of 4.
static bool take_padding(cmrp_reader *r, const char *field, size_t size, uint8_t *padding) {
    const uint8_t *p;
    if (!cmrp_take(r, field, padding_of(size), &p)) {
        return false;
    }
    memcpy(padding, p, padding_of(size));
    return true;
}

// The rest of a value whose syntax was read, but for its padding.
static bool take_value(cmrp_reader *r, uint32_t syntax, cmrp_property_value *v) {
    *v = (cmrp_property_value){.offset = r->offset - 4, .syntax = syntax};
    return take_sized(r, value_fields, &v->data);
}

// A property with an expandable string has the expanded one behind it.
static void note_expansion(const cmrp_property_list *list, uint32_t before, uint64_t before_at,
                           uint32_t syntax) {
    if (before == CMRP_CLUSPROP_SYNTAX_LIST_VALUE_EXPAND_SZ &&
        syntax != CMRP_CLUSPROP_SYNTAX_LIST_VALUE_EXPANDED_SZ) {
        tell(list, CMRP_E_NOT_EXPANDED, "Syntax", before_at, before, SECTION_SYNTAX);
    }
}

static bool take_next_value(cmrp_property_list *list, cmrp_property *p, uint32_t syntax,
                            cmrp_property_value *v) {
    cmrp_reader *r = &list->reader;
    // Judged before its size is used: what may not stand here has none.
    if (rule_of(syntax) == NULL) {
        r->section = SECTION_SYNTAX;
        return cmrp_fail(r, CMRP_E_PROPERTY_SYNTAX, "Syntax", r->offset - 4, syntax);
    }
    if (p->value_count == MOST_VALUES) {
        tell(list, CMRP_E_MANY_VALUES, "PropertyValues", r->offset - 4, MOST_VALUES,
             SECTION_PROPERTY);
    }
    if (!take_value(r, syntax, v) || !check_value(list, v) ||
        !take_padding(r, value_fields[2], v->data.size, v->padding)) {
        return false;
    }
    tell_padding(list, "Padding", v->offset + HEADER + v->data.size, v->padding,
                 padding_of(v->data.size));
    p->value_count++;
    return true;
}

static bool take_values(cmrp_property_list *list, cmrp_property *p) {
    cmrp_reader *r = &list->reader;
    cmrp_property_value v = {0};
    uint32_t syntax;
    p->values.data = r->at;
    for (;;) {
        const char *field = p->value_count == 0 ? "Syntax" : "CLUSPROP_SYNTAX_ENDMARK";
        p->values.size = (size_t)(r->at - p->values.data);
        if (!cmrp_take_u32(r, field, CMRP_LITTLE_ENDIAN, &syntax)) {
            return false;
        }
        if (p->value_count > 0) {
            note_expansion(list, v.syntax, v.offset, syntax);
        }
        if (syntax == CMRP_CLUSPROP_SYNTAX_ENDMARK) {
            break;
        }
        if (!take_next_value(list, p, syntax, &v)) {
            return false;
        }
    }
    return p->value_count > 0 || cmrp_fail(r, CMRP_E_NO_VALUE, "PropertyValues", r->offset - 4, 0);
}

static bool take_name(cmrp_property_list *list, cmrp_property *p) {
    cmrp_reader *r = &list->reader;
    cmrp_units_found found;
    uint32_t syntax;
    const uint64_t at = r->offset;
    if (!cmrp_take_u32(r, "CLUSPROP_SYNTAX_NAME", CMRP_LITTLE_ENDIAN, &syntax)) {
        return false;
    }
    if (syntax != CMRP_CLUSPROP_SYNTAX_NAME) {
        return cmrp_fail(r, CMRP_E_PROPERTY_SYNTAX, "CLUSPROP_SYNTAX_NAME", at, syntax);
    }
    if (!take_sized(r, name_fields, &p->name)) {
        return false;
    }
    if (p->name.size == 0 || p->name.size % 2 != 0) {
        return cmrp_fail(r, CMRP_E_STRING_LENGTH, "size", at + SIZE_AT, p->name.size);
    }
    const cmrp_code code = cmrp_units_judge_text(p->name, &found);
    if (code != CMRP_OK) {
        return cmrp_fail(r, code, "buffer", at + HEADER, 0);
    }
    // Of an even size, padding has no octets or two.
    tell_text(list, "buffer", at + HEADER, p->name, &found, SECTION_PROPERTY);
    if (!take_padding(r, name_fields[2], p->name.size, p->padding)) {
        return false;
    }
    tell_padding(list, "padding", at + HEADER + p->name.size, p->padding, padding_of(p->name.size));
    return true;
}

bool cmrp_property_list_open(cmrp_property_list *list, cmrp_view buffer, uint64_t offset,
                             cmrp_error *error) {
    *list = (cmrp_property_list){0};
    cmrp_reader_init(&list->reader, buffer, offset, error, SECTION_LIST);
    return cmrp_take_u32(&list->reader, "propertyCount", CMRP_LITTLE_ENDIAN, &list->count);
}

// Writers are known that close the list as they close each property.
static void take_list_end_mark(cmrp_property_list *list) {
    cmrp_reader *r = &list->reader;
    const uint64_t at = r->offset;
    uint32_t syntax;
    if (list->end_mark || r->left < 4 || cmrp_load_u32(r->at, CMRP_LITTLE_ENDIAN) != 0 ||
        !cmrp_take_u32(r, "CLUSPROP_SYNTAX_ENDMARK", CMRP_LITTLE_ENDIAN, &syntax)) {
        return;
    }
    list->end_mark = true;
    if (list->warn != NULL && r->left == 0) {
        const cmrp_error warning = {.code = CMRP_E_LIST_END_MARK,
                                    .offset = at,
                                    .field = "PROPERTY_LIST",
                                    .section = SECTION_LIST};
        list->warn(list->warn_context, &warning);
    }
}

static bool at_end(cmrp_property_list *list) {
    cmrp_reader *r = &list->reader;
    if (r->error->code != CMRP_OK || list->index < list->count) {
        return false;
    }
    r->section = SECTION_LIST;
    take_list_end_mark(list);
    if (r->left != 0) {
        cmrp_fail(r, CMRP_E_TRAILING, "PROPERTY_LIST", r->offset, r->left);
    } else if (list->count == 0 && list->warn != NULL) {
        const cmrp_error warning = {.code = CMRP_E_EMPTY_VALUE,
                                    .offset = list->end_mark ? r->offset - 8 : r->offset - 4,
                                    .field = "propertyCount",
                                    .section = SECTION_EVENTS};
        list->warn(list->warn_context, &warning);
    }
    return true;
}

bool cmrp_property_list_next(cmrp_property_list *list, cmrp_property *property) {
    cmrp_reader *r = &list->reader;
    if (r->error->code != CMRP_OK || at_end(list)) {
        return false;
    }
    r->section = SECTION_PROPERTY;
    *property = (cmrp_property){.offset = r->offset};
    if (!take_name(list, property) || !take_values(list, property)) {
        r->error->array = ARRAY;
        r->error->index = list->index;
        return false;
    }
    list->index++;
    return true;
}

bool cmrp_property_next_value(const cmrp_property *p, size_t *cursor, cmrp_property_value *value) {
    cmrp_error error = {0};
    cmrp_reader r;
    uint32_t syntax;
    if (*cursor >= p->values.size) {
        return false;
    }
    const uint64_t base = p->offset + HEADER + p->name.size + padding_of(p->name.size);
    const cmrp_view rest = {p->values.data + *cursor, p->values.size - *cursor};
    cmrp_reader_init(&r, rest, base + *cursor, &error, SECTION_PROPERTY);
    if (!cmrp_take_u32(&r, "Syntax", CMRP_LITTLE_ENDIAN, &syntax) ||
        !take_value(&r, syntax, value) ||
        !take_padding(&r, value_fields[2], value->data.size, value->padding)) {
        return false;
    }
    *cursor += rest.size - r.left;
    return true;
}

// ---- writing ------------------------------------------------------------------------------------

static bool put_sized(cmrp_writer *w, const char *const fields[3], cmrp_view data,
                      const uint8_t *padding) {
    return cmrp_put_uint(w, fields[0], 4, CMRP_LITTLE_ENDIAN, data.size) &&
           cmrp_put_view(w, fields[1], data) &&
           cmrp_put_view(w, fields[2], (cmrp_view){padding, padding_of(data.size)});
}

bool cmrp_property_writer_open(cmrp_property_writer *pw, cmrp_writer *writer) {
    *pw = (cmrp_property_writer){.writer = writer};
    writer->section = SECTION_LIST;
    return cmrp_reserve(writer, "propertyCount", 4, &pw->count_at);
}

// Ends the property before, if there is one.
static bool put_end_mark(cmrp_property_writer *pw) {
    cmrp_writer *w = pw->writer;
    if (pw->count == 0) {
        return w->error->code == CMRP_OK;
    }
    w->section = SECTION_PROPERTY;
    if (pw->values == 0) {
        return cmrp_write_fail(w, CMRP_E_NO_VALUE, "PropertyValues", 0);
    }
    return cmrp_put_uint(w, "CLUSPROP_SYNTAX_ENDMARK", 4, CMRP_LITTLE_ENDIAN,
                         CMRP_CLUSPROP_SYNTAX_ENDMARK);
}

bool cmrp_property_put(cmrp_property_writer *pw, const cmrp_property *p) {
    cmrp_writer *w = pw->writer;
    cmrp_units_found found;
    if (!put_end_mark(pw)) {
        return false;
    }
    w->section = SECTION_PROPERTY;
    if (p->name.size > UINT32_MAX) {
        return cmrp_write_fail(w, CMRP_E_TOO_LARGE, "size", p->name.size);
    }
    if (p->name.size == 0 || p->name.size % 2 != 0) {
        return cmrp_write_fail(w, CMRP_E_STRING_LENGTH, "size", p->name.size);
    }
    const cmrp_code code = cmrp_units_judge_text(p->name, &found);
    if (code != CMRP_OK) {
        return cmrp_write_fail(w, code, "buffer", 0);
    }
    if (!cmrp_put_uint(w, "CLUSPROP_SYNTAX_NAME", 4, CMRP_LITTLE_ENDIAN,
                       CMRP_CLUSPROP_SYNTAX_NAME) ||
        !put_sized(w, name_fields, p->name, p->padding)) {
        return false;
    }
    pw->count++;
    pw->values = 0;
    return true;
}

bool cmrp_property_put_value(cmrp_property_writer *pw, const cmrp_property_value *v) {
    cmrp_writer *w = pw->writer;
    cmrp_units_found found;
    cmrp_shared_volume volume;
    w->section = SECTION_PROPERTY;
    if (pw->count == 0) {
        return cmrp_write_fail(w, CMRP_E_NO_VALUE, "CLUSPROP_SYNTAX_NAME", 0);
    }
    if (v->data.size > UINT32_MAX) {
        return cmrp_write_fail(w, CMRP_E_TOO_LARGE, "Size", v->data.size);
    }
    const verdict wrong = judge_value(v, &found);
    if (wrong.field != NULL) {
        w->section = wrong.section;
        return cmrp_write_fail(w, wrong.code, wrong.field, wrong.value);
    }
    if (pw->shared_volumes && is_shared_volume(v) &&
        !cmrp_shared_volume_read(v->data, 0, &volume, NULL, NULL, w->error)) {
        return false;
    }
    if (!cmrp_put_uint(w, "Syntax", 4, CMRP_LITTLE_ENDIAN, v->syntax) ||
        !put_sized(w, value_fields, v->data, v->padding)) {
        return false;
    }
    pw->values++;
    return true;
}

bool cmrp_property_writer_close(cmrp_property_writer *pw) {
    if (!put_end_mark(pw)) {
        return false;
    }
    if (pw->end_mark && !cmrp_put_uint(pw->writer, "CLUSPROP_SYNTAX_ENDMARK", 4, CMRP_LITTLE_ENDIAN,
                                       CMRP_CLUSPROP_SYNTAX_ENDMARK)) {
        return false;
    }
    cmrp_fill(pw->writer, pw->count_at, CMRP_LITTLE_ENDIAN, pw->count);
    return true;
}
