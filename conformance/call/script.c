// SPDX-License-Identifier: Apache-2.0
// Scripts as data: JSON steps read, and steps put in between that open handles.
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "call/state.h"
#include "show/show.h"
#include "util/outcome.h"

enum { STEPS_LIMIT = 1000000, MAXIMUM_ALLOWED = 0x02000000, WIN32_CODES = 65536 };

struct reader {
    struct call_script *script;
    size_t capacity;
    size_t number; // of the step that is read
    char **error;
};

__attribute__((format(printf, 2, 3))) static bool wrong(const struct reader *r, const char *format,
                                                        ...) {
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    *r->error = util_format("step %zu: %s", r->number, text);
    return false;
}

// Steps may move when one is added: hold no pointer across it.
static struct step *add_step(struct reader *r, enum step_kind kind) {
    struct call_script *script = r->script;
    if (script->count == r->capacity) {
        r->capacity = r->capacity > 0 ? r->capacity * 2 : 16;
        script->steps = util_grow(script->steps, r->capacity, sizeof *script->steps);
    }
    struct step *step = &script->steps[script->count++];
    *step = (struct step){.kind = kind, .number = r->number};
    return step;
}

static size_t find_step(const struct call_script *script, const char *name) {
    for (size_t i = script->count; i-- > 0;) {
        if (script->steps[i].as != NULL && strcmp(script->steps[i].as, name) == 0) {
            return i;
        }
    }
    return SIZE_MAX;
}

// ---- handles that are opened on the way ---------------------------------------------------------

// How a handle of a meaning is opened: by name, or, without a parameter for it, at all.
static const struct opening {
    uint8_t meaning;
    const char *method;
    const char *name;  // the parameter that takes the name
    const char *below; // the parameter that takes a handle of the same meaning
} openings[] = {
    {CMRP_MEANS_HCLUSTER, "ApiOpenCluster", NULL, NULL},
    {CMRP_MEANS_HKEY, "ApiGetRootKey", NULL, NULL},
    {CMRP_MEANS_HKEY, "ApiOpenKey", "lpSubKey", "hKey"},
    {CMRP_MEANS_HNODE, "ApiOpenNode", "lpszNodeName", NULL},
    {CMRP_MEANS_HGROUP, "ApiOpenGroup", "lpszGroupName", NULL},
    {CMRP_MEANS_HRES, "ApiOpenResource", "lpszResourceName", NULL},
    {CMRP_MEANS_HNETWORK, "ApiOpenNetwork", "lpszNetworkName", NULL},
    {CMRP_MEANS_HNETINTERFACE, "ApiOpenNetInterface", "lpszNetInterfaceName", NULL},
};

static const struct opening *opening_of(uint8_t meaning, bool named) {
    for (size_t i = 0; i < sizeof openings / sizeof *openings; i++) {
        if (openings[i].meaning == meaning && (openings[i].name != NULL) == named) {
            return &openings[i];
        }
    }
    return NULL;
}

static bool complete_params(struct reader *r, const cmrp_method *method, json_t *params);

// The name of the step that opens a handle, which is added unless there is one already: "$…".
static char *open_handle(struct reader *r, const struct opening *opening, const char *name) {
    char *as = util_format("%s:%s", opening->method, name != NULL ? name : "");
    if (find_step(r->script, as) == SIZE_MAX) {
        const cmrp_method *method = cmrp_method_named(CMRP_INTERFACE_3, opening->method);
        json_t *params = json_object();
        if (name != NULL) {
            json_object_set_new(params, opening->name, json_string(name));
        }
        if (!complete_params(r, method, params)) {
            json_decref(params);
            free(as);
            return NULL;
        }
        struct step *step = add_step(r, STEP_CALL);
        step->hidden = true;
        step->method = method;
        step->params = params;
        step->as = util_strdup(as);
    }
    char *reference = util_format("$%s", as);
    free(as);
    return reference;
}

static const char handle_forms[] =
    "\"$NAME\" of an earlier call, {\"open\":\"NAME\"}, or 40 hex digits";

static bool is_handle(const char *text) {
    enum { DIGITS = 2 * CMRP_HANDLE_SIZE };
    return text[0] == '$' ||
           (strlen(text) == DIGITS && strspn(text, "0123456789abcdefABCDEF") == DIGITS);
}

// A handle that is missing, or given as {"open":"NAME"}.
static bool complete_handle(struct reader *r, const cmrp_param *param, json_t *params) {
    const json_t *given = json_object_get(params, param->name);
    const char *name = json_string_value(json_object_get(given, "open"));
    if (json_is_string(given) && is_handle(json_string_value(given))) {
        return true;
    }
    if (given != NULL && (name == NULL || json_object_size(given) != 1)) {
        return wrong(r, "%s: a handle is %s", param->name, handle_forms);
    }
    const struct opening *opening = opening_of(param->meaning, name != NULL);
    if (opening == NULL) {
        return name == NULL ? wrong(r, "%s is missing: a handle is %s", param->name, handle_forms)
                            : wrong(r, "%s is nothing that is opened by name", param->name);
    }
    char *reference = open_handle(r, opening, name);
    if (reference == NULL) {
        return false;
    }
    json_object_set_new(params, param->name, json_string(reference));
    free(reference);
    return true;
}

// Whether a key is a parameter of the request, or the structure that holds some.
static bool is_param(const cmrp_method *method, const char *key, size_t size) {
    const cmrp_stub_format format = {.method = method, .interface = CMRP_INTERFACE_3};
    for (uint32_t i = 0; i < method->count; i++) {
        const cmrp_param *param = &method->params[i];
        if (cmrp_param_travels(param, &format) && strncmp(param->name, key, size) == 0 &&
            (param->name[size] == '\0' || param->name[size] == '.')) {
            return true;
        }
    }
    return false;
}

// A parameter with a wrong name would be one that is left out. "…_names" only goes along with what
// was decoded.
static bool check_names(const struct reader *r, const cmrp_method *method, json_t *params) {
    static const char names[] = "_names";
    const char *key;
    json_t *value;
    json_object_foreach(params, key, value) {
        const size_t size = strlen(key);
        const size_t base = size > sizeof names - 1 ? size - (sizeof names - 1) : 0;
        char *named = util_format("%.*s", (int)base, key);
        const bool along =
            base > 0 && strcmp(key + base, names) == 0 && is_param(method, named, base);
        const bool alone = along && json_object_get(params, named) == NULL;
        free(named);
        if (alone) {
            return wrong(r, "%.80s is not read: %.*s is to be given as a number", key, (int)base,
                         key);
        }
        if (!along && !is_param(method, key, size)) {
            return wrong(r, "%s has no parameter \"%.80s\"; `cmrp explain %s` lists them",
                         method->name, key, method->name);
        }
    }
    return true;
}

// What is left out is 0 or NULL; access is all that is allowed; counts follow from what they count.
static bool complete_params(struct reader *r, const cmrp_method *method, json_t *params) {
    const cmrp_stub_format format = {.method = method, .interface = CMRP_INTERFACE_3};
    for (uint32_t i = 0; i < method->count; i++) {
        const cmrp_param *param = &method->params[i];
        const bool access =
            param->meaning == CMRP_MEANS_ACCESS || param->meaning == CMRP_MEANS_CLUSTER_ACCESS;
        const bool missing = json_object_get(params, param->name) == NULL;
        if (!cmrp_param_travels(param, &format) || strchr(param->name, '.') != NULL ||
            cmrp_param_sized_by(method->params, method->count, i) != NULL) {
            continue;
        }
        if (param->kind == CMRP_KIND_HANDLE) {
            if (!complete_handle(r, param, params)) {
                return false;
            }
        } else if (missing && param->unique) {
            json_object_set_new(params, param->name, json_null());
        } else if (missing && (param->kind == CMRP_KIND_U64 || param->kind == CMRP_KIND_WORD)) {
            json_object_set_new(params, param->name, json_string("0"));
        } else if (missing && (param->kind == CMRP_KIND_U16 || param->kind == CMRP_KIND_U32 ||
                               param->kind == CMRP_KIND_I32)) {
            json_object_set_new(params, param->name, json_integer(access ? MAXIMUM_ALLOWED : 0));
        }
    }
    return true;
}

// ---- steps --------------------------------------------------------------------------------------

// A number or the name of a code.
static bool take_code(const json_t *value, const char *(*name_of)(uint32_t code), uint32_t *code) {
    if (json_is_integer(value)) {
        const json_int_t number = json_integer_value(value);
        *code = (uint32_t)number;
        return number >= 0 && number <= UINT32_MAX;
    }
    const char *name = json_string_value(value);
    for (uint32_t i = 0; name != NULL && i < WIN32_CODES; i++) {
        const char *known = name_of(i);
        if (known != NULL && strcmp(known, name) == 0) {
            *code = i;
            return true;
        }
    }
    return false;
}

static bool take_expectation(struct reader *r, const json_t *object, struct step *step) {
    const json_t *code = json_object_get(object, "return");
    const json_t *fault = json_object_get(object, "fault");
    step->any = code != NULL && json_is_string(code) && strcmp(json_string_value(code), "any") == 0;
    if (code != NULL && fault != NULL) {
        return wrong(r, "either \"return\" or \"fault\" is expected, not both");
    }
    if (code != NULL && !step->any && !take_code(code, show_win32, &step->expected)) {
        return wrong(r, "\"return\" is \"any\", a number, or a name such as ERROR_MORE_DATA");
    }
    step->expects_fault = fault != NULL;
    if (fault != NULL && !take_code(fault, show_fault, &step->expected)) {
        return wrong(r, "\"fault\" is a number, or the name of a Win32 code");
    }
    return true;
}

static bool read_call(struct reader *r, const json_t *object) {
    const char *name = json_string_value(json_object_get(object, "call"));
    const json_t *given = json_object_get(object, "params");
    const char *as = json_string_value(json_object_get(object, "as"));
    const cmrp_method *method = name != NULL ? cmrp_method_named(CMRP_INTERFACE_3, name) : NULL;
    struct step step = {.kind = STEP_CALL};
    if (method == NULL) {
        return wrong(r, "no method \"%.80s\"; `cmrp list --methods` tells which are described",
                     name != NULL ? name : "");
    }
    if (given != NULL && !json_is_object(given)) {
        return wrong(r, "\"params\" is no object");
    }
    if (as != NULL && find_step(r->script, as) != SIZE_MAX) {
        return wrong(r, "\"%.80s\" is the name of an earlier step, too", as);
    }
    if (!take_expectation(r, object, &step)) {
        return false;
    }
    json_t *params = given != NULL ? json_deep_copy(given) : json_object();
    if (!check_names(r, method, params) || !complete_params(r, method, params)) {
        json_decref(params);
        return false;
    }
    struct step *new = add_step(r, STEP_CALL);
    step.number = new->number;
    *new = step;
    new->method = method;
    new->params = params;
    new->as = as != NULL ? util_strdup(as) : NULL;
    new->start = json_is_true(json_object_get(object, "start"));
    if (new->start && as == NULL) {
        return wrong(r, "a call that is only started needs a name: \"as\"");
    }
    return true;
}

static bool read_other(struct reader *r, const json_t *object, enum step_kind kind,
                       const char *key) {
    const char *name = json_string_value(json_object_get(object, key));
    const size_t other = name != NULL ? find_step(r->script, name) : SIZE_MAX;
    if (other == SIZE_MAX || !r->script->steps[other].start) {
        return wrong(r, "no call \"%.80s\" was started before", name != NULL ? name : "");
    }
    struct step *step = add_step(r, kind);
    step->as = util_format("%zu", other); // its place; steps may still move
    return true;
}

static bool read_wait(struct reader *r, const json_t *object) {
    const json_t *seconds = json_object_get(object, "wait");
    if (!json_is_number(seconds) || json_number_value(seconds) < 0 ||
        json_number_value(seconds) > 86400) {
        return wrong(r, "\"wait\" takes seconds");
    }
    add_step(r, STEP_WAIT)->seconds = json_number_value(seconds);
    return true;
}

static bool read_step(struct reader *r, const json_t *object) {
    static const char *const keys[] = {"call",  "params", "as",     "start", "return",
                                       "fault", "await",  "cancel", "wait",  "comment"};
    const char *key;
    json_t *value;
    if (!json_is_object(object)) {
        return wrong(r, "a step is an object");
    }
    json_object_foreach((json_t *)object, key, value) {
        bool known = false;
        for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
            known |= strcmp(key, keys[i]) == 0;
        }
        if (!known) {
            return wrong(r, "unknown key \"%.80s\"", key);
        }
    }
    if (json_object_get(object, "await") != NULL) {
        return read_other(r, object, STEP_AWAIT, "await");
    }
    if (json_object_get(object, "cancel") != NULL) {
        return read_other(r, object, STEP_CANCEL, "cancel");
    }
    return json_object_get(object, "wait") != NULL ? read_wait(r, object) : read_call(r, object);
}

// Now that steps stay where they are.
static void link_steps(struct call_script *script) {
    for (size_t i = 0; i < script->count; i++) {
        struct step *step = &script->steps[i];
        if (step->kind == STEP_AWAIT || step->kind == STEP_CANCEL) {
            step->other = &script->steps[strtoull(step->as, NULL, 10)];
            free(step->as);
            step->as = NULL;
        }
    }
}

struct call_script *call_script_create(const json_t *steps, char **error) {
    struct reader r = {.script = util_alloc(sizeof *r.script), .error = error};
    size_t index;
    json_t *object;
    bool ok = true;
    r.number = 1;
    if (!json_is_array(steps) || json_array_size(steps) > STEPS_LIMIT) {
        ok = wrong(&r, "a script is an array of at most %d steps", STEPS_LIMIT);
    }
    if (ok && json_array_size(steps) == 0) {
        *error = util_strdup("there is no step in it");
        ok = false;
    }
    for (index = 0; ok && index < json_array_size(steps); index++) {
        object = json_array_get(steps, index);
        r.number = index + 1;
        ok = read_step(&r, object);
    }
    link_steps(r.script);
    if (!ok) {
        call_script_free(r.script);
        return NULL;
    }
    return r.script;
}

// ---- text ---------------------------------------------------------------------------------------

// An object a line.
static json_t *read_lines(const char *text, size_t size, char **error) {
    json_t *steps = json_array();
    size_t number = 1;
    for (const char *end, *line = text; line < text + size; line = end + 1, number++) {
        end = memchr(line, '\n', (size_t)(text + size - line));
        end = end != NULL ? end : text + size;
        const char *start = line;
        while (start < end && strchr(" \t\r", *start) != NULL) {
            start++;
        }
        if (start == end || *start == '#') {
            continue;
        }
        char *reason = NULL;
        json_t *step = json_parse(start, (size_t)(end - start), &reason);
        if (step == NULL) {
            // Of this one line the parser says where in it.
            const char *where = strncmp(reason, "line 1 ", 7) == 0 ? reason + 7 : reason;
            *error = util_format("line %zu%s%s", number, where == reason ? ": " : " ", where);
            free(reason);
            json_decref(steps);
            return NULL;
        }
        json_array_append_new(steps, step);
    }
    return steps;
}

struct call_script *call_script_read(const char *text, size_t size, char **error) {
    size_t start = 0;
    while (start < size && strchr(" \t\r\n", text[start]) != NULL) {
        start++;
    }
    json_t *steps = start < size && text[start] == '[' ? json_parse(text, size, error)
                                                       : read_lines(text, size, error);
    struct call_script *script = steps != NULL ? call_script_create(steps, error) : NULL;
    json_decref(steps);
    return script;
}

void call_script_free(struct call_script *script) {
    for (size_t i = 0; script != NULL && i < script->count; i++) {
        struct step *step = &script->steps[i];
        json_decref(step->params);
        json_decref(step->response);
        free(step->as);
        free(step->failure);
        buffer_free(&step->request);
    }
    if (script != NULL) {
        free(script->steps);
        free(script);
    }
}
