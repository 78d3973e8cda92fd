// SPDX-License-Identifier: Apache-2.0
#include "suite/describe.h"

#include <stdlib.h>
#include <string.h>

// ---- methods ------------------------------------------------------------------------------------

static const char *kind_text(const cmrp_param *p) {
    switch (p->kind) {
    case CMRP_KIND_U16: return "integer of 16 bits";
    case CMRP_KIND_U32: return "integer of 32 bits";
    case CMRP_KIND_I32: return "signed integer of 32 bits";
    case CMRP_KIND_U64: return "integer of 64 bits";
    case CMRP_KIND_WORD: return "integer of 32 bits, in NDR64 of 64";
    case CMRP_KIND_HANDLE: return "context handle";
    case CMRP_KIND_STRING: return "string of UTF-16";
    case CMRP_KIND_OPEN_STRING: return "string of UTF-16, its NUL may be missing";
    case CMRP_KIND_ROOM: return "integer of 32 bits, as its array says it";
    case CMRP_KIND_UNITS: return "units of UTF-16";
    case CMRP_KIND_OCTETS: return "octets";
    case CMRP_KIND_VARYING: return "octets, fewer than there is room for";
    case CMRP_KIND_RECORD: return "structure";
    default: return "array of structures";
    }
}

static const char *meaning_text(const cmrp_param *p) {
    switch (p->meaning) {
    case CMRP_MEANS_STATUS: return "status code";
    case CMRP_MEANS_BOOL: return "BOOL";
    case CMRP_MEANS_COUNT: return "count";
    case CMRP_MEANS_ACCESS: return "access rights";
    case CMRP_MEANS_CLUSTER_ACCESS: return "access level";
    case CMRP_MEANS_VALUE_TYPE: return "registry value type";
    case CMRP_MEANS_GROUP_STATE: return "group state";
    case CMRP_MEANS_RESOURCE_STATE: return "resource state";
    case CMRP_MEANS_NODE_STATE: return "node state";
    case CMRP_MEANS_NETWORK_STATE: return "network state";
    case CMRP_MEANS_NETINTERFACE_STATE: return "network interface state";
    case CMRP_MEANS_KEY: return "the client's own value";
    case CMRP_MEANS_CHANGE: return "CLUSTER_CHANGE";
    case CMRP_MEANS_OBJECT_TYPE: return "CLUSTER_OBJECT_TYPE";
    case CMRP_MEANS_FLAGS: return "CLUSTER_CHANGE_*_V2 of the object type";
    case CMRP_MEANS_RESOURCE_TYPE_FLAGS: return "CLUSTER_CHANGE_RESOURCE_TYPE_V2";
    case CMRP_MEANS_BATCH: return "CLUSTER_REG_BATCH_UPDATE";
    case CMRP_MEANS_PAYLOAD: return "payload of the event";
    case CMRP_MEANS_HCLUSTER: return "HCLUSTER_RPC";
    case CMRP_MEANS_HNODE: return "HNODE_RPC";
    case CMRP_MEANS_HGROUP: return "HGROUP_RPC";
    case CMRP_MEANS_HRES: return "HRES_RPC";
    case CMRP_MEANS_HKEY: return "HKEY_RPC";
    case CMRP_MEANS_HNETWORK: return "HNETWORK_RPC";
    case CMRP_MEANS_HNETINTERFACE: return "HNETINTERFACE_RPC";
    case CMRP_MEANS_HNOTIFY: return "HNOTIFY_RPC";
    case CMRP_MEANS_HBATCH_PORT: return "HBATCH_PORT_RPC";
    case CMRP_MEANS_HGROUPSET: return "HGROUPSET_RPC";
    case CMRP_MEANS_HGENERIC: return "HGENERIC_RPC";
    default: return NULL;
    }
}

static const char *direction_text(const cmrp_param *p) {
    switch (p->directions) {
    case CMRP_IN: return "in";
    case CMRP_OUT: return "out";
    default: return "in, out";
    }
}

// `members`: of a structure, which have no direction; `mixed`: a method of both protocols, whose
// parameters may belong to one only.
static void put_params(struct buffer *out, const cmrp_param *params, size_t count, bool members,
                       bool mixed) {
    for (size_t i = 0; i < count; i++) {
        const cmrp_param *p = &params[i];
        const cmrp_struct *structure = cmrp_param_struct(p);
        buffer_printf(out, "  %-8s %-22s %s", members ? "" : direction_text(p), p->name,
                      kind_text(p));
        if (structure != NULL) {
            buffer_printf(out, " %s", structure->name);
        }
        if (meaning_text(p) != NULL) {
            buffer_printf(out, ", %s", meaning_text(p));
        }
        if (p->size_is != 0) {
            buffer_printf(out, ", as many as %s says", params[i + (size_t)p->size_is].name);
        }
        buffer_printf(out, "%s", p->unique ? ", may be NULL" : "");
        if (mixed && p->protocols != (CMRP_PROTOCOL_2 | CMRP_PROTOCOL_3)) {
            buffer_printf(out, " (protocol %d only)", p->protocols == CMRP_PROTOCOL_2 ? 2 : 3);
        }
        buffer_printf(out, "\n");
    }
}

// The structures that parameters need, each once, and those inside them.
static void put_structures(struct buffer *out, const cmrp_param *params, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const cmrp_struct *structure = cmrp_param_struct(&params[i]);
        bool told = structure == NULL;
        for (size_t k = 0; !told && k < i; k++) {
            told = cmrp_param_struct(&params[k]) == structure;
        }
        if (!told) {
            buffer_printf(out, "  %s:\n", structure->name);
            put_params(out, structure->members, structure->count, true, false);
            put_structures(out, structure->members, structure->count);
        }
    }
}

static void put_method(struct buffer *out, const cmrp_method *m) {
    const char *const *sections = m->sections;
    buffer_printf(out, "%s: method, opnum %u\n", m->name, m->opnum);
    for (int i = 0; i < 2; i++) {
        if (sections[i] != NULL) {
            buffer_printf(out, "  protocol %d: [%s]\n", CMRP_INTERFACE_2 + i, sections[i]);
        }
    }
    put_params(out, m->params, m->count, false, sections[0] != NULL && sections[1] != NULL);
    put_structures(out, m->params, m->count);
}

static bool is_opnum(const char *name, const cmrp_method *m) {
    char *text = util_format("%u", m->opnum);
    const bool same = strcmp(name, text) == 0;
    free(text);
    return same;
}

static bool describe_method(struct buffer *out, const char *name) {
    const cmrp_method *m;
    for (size_t i = 0; (m = cmrp_method_at(i)) != NULL; i++) {
        if (strcmp(m->name, name) == 0 || is_opnum(name, m)) {
            put_method(out, m);
            return true;
        }
    }
    return false;
}

// ---- changes ------------------------------------------------------------------------------------

static const struct {
    unsigned scope;
    const char *methods;
} scopes[] = {
    {CMRP_SCOPE_CLUSTER, "ApiAddNotifyCluster"},
    {CMRP_SCOPE_NODE, "ApiAddNotifyNode, ApiReAddNotifyNode"},
    {CMRP_SCOPE_GROUP, "ApiAddNotifyGroup, ApiReAddNotifyGroup"},
    {CMRP_SCOPE_RESOURCE, "ApiAddNotifyResource, ApiReAddNotifyResource"},
    {CMRP_SCOPE_KEY, "ApiAddNotifyKey"},
    {CMRP_SCOPE_NETWORK, "ApiAddNotifyNetwork, ApiReAddNotifyNetwork"},
    {CMRP_SCOPE_NETINTERFACE, "ApiAddNotifyNetInterface, ApiReAddNotifyNetInterface"},
    {CMRP_SCOPE_V2, "ApiAddNotifyV2"},
    {CMRP_SCOPE_RESOURCE_TYPE, "ApiAddNotifyResourceTypeV2"},
};

static const struct {
    unsigned attribute;
    const char *text;
} attributes[] = {
    {CMRP_CHANGE_RETURNABLE, "a server may return it in a notification"},
    {CMRP_CHANGE_CLIENT_ONLY, "generated by client libraries, never by a server"},
    {CMRP_CHANGE_MODIFIER, "changes the meaning of a filter, is no event of its own"},
    {CMRP_CHANGE_UNION, "a name for several flags"},
    {CMRP_CHANGE_V3_ONLY, "protocol version 3 only"},
};

// What the buffer of an event holds.
static void put_payload(struct buffer *out, const cmrp_change_set *set, const cmrp_change_flag *f) {
    const cmrp_payload_row *row = cmrp_payload_row_of(set->object_type, f->value);
    if (row != NULL) {
        buffer_printf(out, "  buffer: %s (%s%s%s) [%s]\n", row->what,
                      cmrp_payload_kind_name(row->kind), row->names != NULL ? ", a " : "",
                      row->names != NULL ? row->names->title : "", row->section);
    }
}

static void put_flag(struct buffer *out, const cmrp_change_set *set, const cmrp_change_flag *f) {
    const char *comma = "";
    buffer_printf(out, "%s: 0x%llx (%llu), a %s of %s [%s]\n", f->name,
                  (unsigned long long)f->value, (unsigned long long)f->value,
                  set->enumeration ? "value" : "flag", set->name, set->section);
    buffer_printf(out, "  registered with: ");
    for (size_t i = 0; i < sizeof scopes / sizeof *scopes; i++) {
        if ((f->scopes & scopes[i].scope) != 0) {
            buffer_printf(out, "%s%s", comma, scopes[i].methods);
            comma = ", ";
        }
    }
    buffer_printf(out, "%s\n", *comma == '\0' ? "nothing; no method takes it in a filter" : "");
    for (size_t i = 0; i < sizeof attributes / sizeof *attributes; i++) {
        if ((f->attributes & attributes[i].attribute) != 0) {
            buffer_printf(out, "  %s\n", attributes[i].text);
        }
    }
    put_payload(out, set, f);
}

static void put_set(struct buffer *out, const cmrp_change_set *set) {
    const cmrp_change_set *types = cmrp_change_set_at(CMRP_SET_CLUSTER_OBJECT_TYPE);
    uint32_t cursor = 0;
    buffer_printf(out, "%s: %s of %u octets [%s]\n", set->name,
                  set->enumeration ? "enumeration" : "set of flags", set->width, set->section);
    if (set->object_type != 0) {
        const cmrp_change_flag *type = cmrp_change_next(types, set->object_type, &cursor);
        buffer_printf(out, "  events of %s\n", type != NULL ? type->name : "an object type");
    }
    for (uint32_t i = 0; i < set->count; i++) {
        const cmrp_change_flag *f = &set->flags[i];
        buffer_printf(out, "  0x%-10llx %s%s\n", (unsigned long long)f->value, f->name,
                      (f->attributes & CMRP_CHANGE_CLIENT_ONLY) != 0 ? " (client only)" : "");
    }
}

static bool describe_change(struct buffer *out, const char *name) {
    bool found = false;
    for (unsigned i = 0; i < CMRP_SET_COUNT; i++) {
        const cmrp_change_set *set = cmrp_change_set_at(i);
        const cmrp_change_flag *flag = cmrp_change_flag_named(set, name);
        if (strcmp(set->name, name) == 0) {
            put_set(out, set);
            found = true;
        }
        if (flag != NULL) {
            put_flag(out, set, flag);
            found = true;
        }
    }
    return found;
}

// ---- batches ------------------------------------------------------------------------------------

static const char *const value_type_texts[] = {
    [CMRP_VALUE_TYPE_TYPE] = "a registry type",
    [CMRP_VALUE_TYPE_OLD_TYPE] = "the type that the value had",
    [CMRP_VALUE_TYPE_STATUS] = "a status code",
    [CMRP_VALUE_TYPE_IGNORED] = "ignored, to be sent as 0",
    [CMRP_VALUE_TYPE_OPEN] = "left open",
};

// What Data holds, by the words of CMRP_BATCH_COMMANDS.
#define DATA_USED   "the value's data"
#define DATA_UNUSED "nothing"
#define DATA_OPEN   "left open"

static bool describe_batch(struct buffer *out, const char *name) {
    uint32_t value;
    if (cmrp_batch_type_named(name, &value)) {
        const char *data = "";
#define DATA_OF(command, number, value_type, data_use)                                             \
    data = (number) == value ? DATA_##data_use : data;
        CMRP_BATCH_COMMANDS(DATA_OF)
#undef DATA_OF
        buffer_printf(out, "%s: command %u of a batch [MS-CMRP 2.2.2.8]\n", name, value);
        buffer_printf(out, "  ValueType: %s\n  Data: %s\n",
                      value_type_texts[cmrp_batch_value_type_use(value)], data);
        return true;
    }
    if (cmrp_reg_type_named(name, &value)) {
        buffer_printf(out, "%s: registry type %u [MS-CMRP 3.1.4.2.33]\n", name, value);
        return true;
    }
    return false;
}

// ---- payloads -----------------------------------------------------------------------------------

typedef void each_names(void *context, const cmrp_payload_names *names);

// Calls `each` for every table of values, once.
static void for_each_names(each_names *each, void *context) {
    const cmrp_payload_names *seen[16];
    size_t count = 0;
    const cmrp_payload_row *row;
    for (size_t i = 0; (row = cmrp_payload_row_at(i)) != NULL; i++) {
        bool known = row->names == NULL;
        for (size_t j = 0; j < count; j++) {
            known = known || seen[j] == row->names;
        }
        if (!known && count < sizeof seen / sizeof *seen) {
            seen[count++] = row->names;
            each(context, row->names);
        }
    }
    each(context, cmrp_shared_volume_states());
    each(context, cmrp_redirected_reasons());
    each(context, cmrp_block_redirected_reasons());
}

struct wanted {
    struct buffer *out;
    const char *name;
    bool found;
};

static void describe_named(void *context, const cmrp_payload_names *names) {
    struct wanted *w = context;
    uint32_t value;
    if (cmrp_payload_named(names, w->name, &value)) {
        buffer_printf(w->out, "%s: %s 0x%x (%u) [%s]\n", w->name, names->title, value, value,
                      names->section);
        w->found = true;
    }
}

static bool describe_payload(struct buffer *out, const char *name) {
    struct wanted w = {.out = out, .name = name};
    uint32_t syntax;
    for_each_names(describe_named, &w);
    if (cmrp_property_syntax_named(name, &syntax)) {
        buffer_printf(out, "%s: syntax 0x%08x of property values [MS-CMRP 2.2.2.3]\n", name,
                      syntax);
        w.found = true;
    }
    return w.found;
}

static void offer_names(void *context, const cmrp_payload_names *names) {
    for (uint32_t i = 0; i < names->count; i++) {
        near_offer(context, names->names[i].name);
    }
}

// ---- errors -------------------------------------------------------------------------------------

static const char *layer_of(unsigned code) {
    return code < 20    ? "any layer"
           : code < 40  ? "batches"
           : code < 60  ? "stubs (NDR)"
           : code < 80  ? "PDUs"
           : code < 100 ? "methods and values to be encoded"
                        : "payloads of notifications";
}

// A message with words where values will stand.
static void put_template(struct buffer *out, const char *message) {
    for (; *message != '\0'; message++) {
        if (*message == '%' && message[1] != '\0') {
            message++;
            buffer_printf(out, "%s",
                          *message == 'f'   ? "FIELD"
                          : *message == 'l' ? "N octets"
                          : *message == 'x' ? "0xN"
                                            : "N");
        } else {
            buffer_append(out, message, 1);
        }
    }
}

static void put_code(struct buffer *out, unsigned number, const char *id, const char *message) {
    buffer_printf(out, "%s: error or warning code of %s: ", id, layer_of(number));
    put_template(out, message);
    buffer_printf(out, "\n");
}

static bool describe_code(struct buffer *out, const char *name) {
    bool found = false;
#define DESCRIBE(enumerator, number, id, message)                                                  \
    if (strcmp(name, (id)) == 0) {                                                                 \
        put_code(out, (number), (id), (message));                                                  \
        found = true;                                                                              \
    }
    CMRP_CODES(DESCRIBE)
#undef DESCRIBE
    return found;
}

// ---- all of them --------------------------------------------------------------------------------

bool describe_name(struct buffer *out, const char *name) {
    const bool method = describe_method(out, name);
    const bool change = describe_change(out, name);
    const bool batch = describe_batch(out, name);
    const bool payload = describe_payload(out, name);
    const bool code = describe_code(out, name);
    return method || change || batch || payload || code;
}

void describe_near(struct near *near) {
    const cmrp_method *m;
    for (size_t i = 0; (m = cmrp_method_at(i)) != NULL; i++) {
        near_offer(near, m->name);
    }
    for (unsigned i = 0; i < CMRP_SET_COUNT; i++) {
        const cmrp_change_set *set = cmrp_change_set_at(i);
        near_offer(near, set->name);
        for (uint32_t j = 0; j < set->count; j++) {
            near_offer(near, set->flags[j].name);
        }
    }
#define OFFER_COMMAND(name, value, value_type, data) near_offer(near, #name);
    CMRP_BATCH_COMMANDS(OFFER_COMMAND)
#undef OFFER_COMMAND
#define OFFER_TYPE(name, value) near_offer(near, #name);
    CMRP_REG_TYPES(OFFER_TYPE)
#undef OFFER_TYPE
#define OFFER_SYNTAX(name, value, form, size, least) near_offer(near, #name);
    CMRP_PROPERTY_SYNTAXES(OFFER_SYNTAX)
#undef OFFER_SYNTAX
    for_each_names(offer_names, near);
#define OFFER_CODE(enumerator, number, id, message) near_offer(near, (id));
    CMRP_CODES(OFFER_CODE)
#undef OFFER_CODE
}
