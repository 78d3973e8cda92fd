// SPDX-License-Identifier: Apache-2.0
#include "cli/selector.h"

#include <stdlib.h>
#include <string.h>

const char cli_selector_help[] =
    "      --type TYPE        batch (default), change, stub, pdu, payload or tower\n"
    "      --lenient          batch: accept what damaged writers produce, with warnings\n"
    "      --set NAME         change: CLUSTER_CHANGE (default), CLUSTER_CHANGE_GROUP_V2, …\n"
    "      --method NAME      stub: name or opnum of the method, such as ApiGetNotify or 65\n"
    "      --direction WHICH  stub: request or response; tower: a stub of ept_map\n"
    "      --interface N      stub: protocol version 2 or 3 (default)\n"
    "      --syntax SYNTAX    stub, tower: ndr (default) or ndr64\n"
    "      --drep ORDER       stub, tower: le (default) or be\n"
    "      --object-type NAME payload: object type of the event, such as "
    "CLUSTER_OBJECT_TYPE_GROUP\n"
    "      --flag NAME        payload: its flag, such as CLUSTER_CHANGE_GROUP_STATE_V2\n";

bool cli_selector_option(struct cli_selector *selector, int option, const char *argument) {
    switch (option) {
    case CLI_OPTION_TYPE: selector->type = argument; return true;
    case CLI_OPTION_SET: selector->set = argument; return true;
    case CLI_OPTION_METHOD: selector->method = argument; return true;
    case CLI_OPTION_DIRECTION: selector->direction = argument; return true;
    case CLI_OPTION_INTERFACE: selector->interface = argument; return true;
    case CLI_OPTION_SYNTAX: selector->syntax = argument; return true;
    case CLI_OPTION_DREP: selector->drep = argument; return true;
    case CLI_OPTION_OBJECT_TYPE: selector->object_type = argument; return true;
    case CLI_OPTION_FLAG: selector->flag = argument; return true;
    case CLI_OPTION_LENIENT: selector->lenient = true; return true;
    default: return false;
    }
}

static bool is_number(const char *text) {
    return text[0] != '\0' && strspn(text, "0123456789") == strlen(text) && strlen(text) < 10;
}

static void set_string(json_t *object, const char *key, const char *value) {
    if (value != NULL) {
        json_object_set_new(object, key, json_string_nocheck(value)); // an argument may be no UTF-8
    }
}

// An option that says nothing about values of this type, and the type that it belongs to.
static bool has_stray(const struct cli_selector *s, const char *type, char **error) {
    const struct {
        const char *option;
        bool given;
        const char *type;
        const char *other; // one more type, or ""
    } own[] = {
        {"--lenient", s->lenient, "batch", ""},
        {"--set", s->set != NULL, "change", ""},
        {"--method", s->method != NULL, "stub", ""},
        {"--direction", s->direction != NULL, "stub", "tower"},
        {"--interface", s->interface != NULL, "stub", ""},
        {"--syntax", s->syntax != NULL, "stub", "tower"},
        {"--drep", s->drep != NULL, "stub", "tower"},
        {"--object-type", s->object_type != NULL, "payload", ""},
        {"--flag", s->flag != NULL, "payload", ""},
    };
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
        if (own[i].given && strcmp(own[i].type, type) != 0 && strcmp(own[i].other, type) != 0) {
            *error = util_format("%s is for --type %s", own[i].option, own[i].type);
            return true;
        }
    }
    return false;
}

bool cli_selector_resolve(const struct cli_selector *selector, const json_t *object,
                          struct json_selector *how, char **error) {
    const char *const type = selector->type != NULL ? selector->type : "batch";
    const bool change = strcmp(type, "change") == 0;
    json_t *request = json_object();
    static const char *const own[] = {"set",    "method", "opnum",       "interface", "direction",
                                      "syntax", "drep",   "object_type", "flag"};
    for (size_t i = 0; object != NULL && i < sizeof own / sizeof own[0]; i++) {
        json_t *value = json_object_get(object, own[i]);
        if (value != NULL) {
            json_object_set(request, own[i], value);
        }
    }
    set_string(request, "type", type);
    set_string(request, "mode", selector->lenient ? "lenient" : NULL);
    set_string(request, "set", selector->set);
    if (change && json_object_get(request, "set") == NULL) {
        set_string(request, "set", "CLUSTER_CHANGE");
    }
    set_string(request, "direction", selector->direction);
    set_string(request, "syntax", selector->syntax);
    set_string(request, "drep", selector->drep);
    set_string(request, "object_type", selector->object_type);
    set_string(request, "flag", selector->flag);
    if (selector->interface != NULL) {
        const bool number = is_number(selector->interface);
        json_object_set_new(request, "interface",
                            json_integer(number ? atoi(selector->interface) : 0));
    }
    if (selector->method != NULL) {
        json_object_del(request, "opnum");
        json_object_del(request, "method");
        if (is_number(selector->method)) {
            json_object_set_new(request, "opnum", json_integer(atoi(selector->method)));
        } else {
            set_string(request, "method", selector->method);
        }
    }
    const bool ok = json_selector_read(request, how, error) && !has_stray(selector, type, error);
    json_decref(request);
    return ok;
}
