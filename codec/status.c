// SPDX-License-Identifier: Apache-2.0
#include "cmrp/status.h"

// Text into a caller's buffer: counts everything, stores what fits, leaves room for the NUL.
typedef struct text {
    char *at;
    size_t capacity;
    size_t length;
} text;

static void put_char(text *t, char c) {
    if (t->length + 1 < t->capacity) {
        t->at[t->length] = c;
    }
    t->length++;
}

static void put_string(text *t, const char *s) {
    for (; *s != '\0'; s++) {
        put_char(t, *s);
    }
}

static void put_number(text *t, uint64_t value, unsigned base) {
    char digits[20];
    size_t n = 0;
    do {
        digits[n++] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value != 0);
    while (n > 0) {
        put_char(t, digits[--n]);
    }
}

static void put_left(text *t, uint64_t left) {
    put_number(t, left, 10);
    put_string(t, left == 1 ? " byte" : " bytes");
}

static size_t finish(text *t) {
    if (t->capacity > 0) {
        t->at[t->length < t->capacity ? t->length : t->capacity - 1] = '\0';
    }
    return t->length;
}

static const char *code_message(cmrp_code code) {
    switch (code) {
    case CMRP_OK: return "no error";
#define CMRP_CODE_MESSAGE(name, number, id, message)                                               \
    case CMRP_E_##name: return message;
        CMRP_CODES(CMRP_CODE_MESSAGE)
#undef CMRP_CODE_MESSAGE
    }
    return "unknown error";
}

const char *cmrp_code_id(cmrp_code code) {
    switch (code) {
    case CMRP_OK: return "ok";
#define CMRP_CODE_ID(name, number, id, message)                                                    \
    case CMRP_E_##name: return id;
        CMRP_CODES(CMRP_CODE_ID)
#undef CMRP_CODE_ID
    }
    return "unknown";
}

static void put_field(text *t, const cmrp_error *error) {
    if (error->array != NULL) {
        put_string(t, error->array);
        if (error->index != CMRP_NO_INDEX) {
            put_char(t, '[');
            put_number(t, error->index, 10);
            put_char(t, ']');
        }
        put_char(t, '.');
    }
    put_string(t, error->field != NULL ? error->field : "?");
}

static void put_message(text *t, const cmrp_error *error) {
    for (const char *m = code_message(error->code); *m != '\0'; m++) {
        if (*m != '%') {
            put_char(t, *m);
            continue;
        }
        switch (*++m) {
        case 'f': put_field(t, error); break;
        case 'v': put_number(t, error->value, 10); break;
        case 'x':
            put_string(t, "0x");
            put_number(t, error->value, 16);
            break;
        default: put_left(t, error->left); break;
        }
    }
}

size_t cmrp_error_field(const cmrp_error *error, char *buffer, size_t capacity) {
    text t = {buffer, capacity, 0};
    put_field(&t, error);
    return finish(&t);
}

size_t cmrp_error_message(const cmrp_error *error, char *buffer, size_t capacity) {
    text t = {buffer, capacity, 0};
    put_message(&t, error);
    return finish(&t);
}

size_t cmrp_error_format(const cmrp_error *error, char *buffer, size_t capacity) {
    text t = {buffer, capacity, 0};
    put_string(&t, "offset ");
    put_number(&t, error->offset, 10);
    put_string(&t, ": ");
    put_message(&t, error);
    if (error->section != NULL) {
        put_string(&t, " [");
        put_string(&t, error->section);
        put_char(&t, ']');
    }
    return finish(&t);
}
