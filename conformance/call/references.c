// SPDX-License-Identifier: Apache-2.0
// "$NAME" and "$NAME.PARAMETER" in parameters, replaced by what earlier calls were answered.
#include <stdlib.h>
#include <string.h>

#include "call/state.h"

// The name of the only handle in the response of a method, or NULL.
static const char *returned_handle(const cmrp_method *method) {
    const char *name = NULL;
    for (uint32_t i = 0; i < method->count; i++) {
        const cmrp_param *param = &method->params[i];
        if (param->kind == CMRP_KIND_HANDLE && (param->directions & CMRP_OUT) != 0) {
            if (name != NULL) {
                return NULL;
            }
            name = param->name;
        }
    }
    return name;
}

// The step before `before` that a reference names: the longest name that fits.
static const struct step *named_step(const struct call_script *script, const struct step *before,
                                     const char *reference, size_t *length) {
    const struct step *found = NULL;
    *length = 0;
    for (const struct step *step = script->steps; step < before; step++) {
        const size_t size = step->as != NULL ? strlen(step->as) : 0;
        if (size > *length && strncmp(reference, step->as, size) == 0 &&
            (reference[size] == '\0' || reference[size] == '.')) {
            found = step;
            *length = size;
        }
    }
    return found;
}

// The value, borrowed, or NULL with *error.
static json_t *lookup(const struct call_script *script, const struct step *before,
                      const char *reference, char **error) {
    size_t length;
    const struct step *step = named_step(script, before, reference, &length);
    if (step == NULL || step->response == NULL) {
        *error = util_format(step == NULL ? "$%.80s: no step before has this name"
                                          : "$%.80s: that call is not answered",
                             reference);
        return NULL;
    }
    const char *name =
        reference[length] == '.' ? reference + length + 1 : returned_handle(step->method);
    json_t *value = name != NULL ? json_object_get(step->response, name) : NULL;
    if (value == NULL) {
        *error = util_format("$%.80s: the response of %s has no %s", reference, step->method->name,
                             name != NULL ? "such parameter" : "single handle: name one");
    }
    return value;
}

static json_t *resolve(const struct call_script *script, const struct step *step,
                       const json_t *value, char **error);

static json_t *resolve_object(const struct call_script *script, const struct step *step,
                              const json_t *object, char **error) {
    json_t *result = json_object();
    const char *key;
    json_t *member;
    json_object_foreach((json_t *)object, key, member) {
        json_t *resolved = resolve(script, step, member, error);
        if (resolved == NULL) {
            json_decref(result);
            return NULL;
        }
        json_object_set_new(result, key, resolved);
    }
    return result;
}

static json_t *resolve_array(const struct call_script *script, const struct step *step,
                             const json_t *array, char **error) {
    json_t *result = json_array();
    for (size_t i = 0; i < json_array_size(array); i++) {
        json_t *resolved = resolve(script, step, json_array_get(array, i), error);
        if (resolved == NULL) {
            json_decref(result);
            return NULL;
        }
        json_array_append_new(result, resolved);
    }
    return result;
}

// A new value, or NULL with *error. "$$" is a text that begins with "$".
static json_t *resolve(const struct call_script *script, const struct step *step,
                       const json_t *value, char **error) {
    const char *text = json_string_value(value);
    if (json_is_object(value)) {
        return resolve_object(script, step, value, error);
    }
    if (json_is_array(value)) {
        return resolve_array(script, step, value, error);
    }
    if (text != NULL && text[0] == '$') {
        return text[1] == '$' ? json_string(text + 1)
                              : json_deep_copy(lookup(script, step, text + 1, error));
    }
    return json_deep_copy(value);
}

json_t *call_resolve(const struct call_script *script, const struct step *step, char **error) {
    return resolve(script, step, step->params, error);
}
