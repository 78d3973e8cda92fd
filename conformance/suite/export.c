// SPDX-License-Identifier: Apache-2.0
#include "suite/export.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "util/hex.h"

enum { OCTETS_A_LINE = 12 };

bool export_form_named(const char *name, enum export_form *form) {
#define EXPORT_NAMED(enumerator, text)                                                             \
    if (strcmp(name, (text)) == 0) {                                                               \
        *form = EXPORT_##enumerator;                                                               \
        return true;                                                                               \
    }
    EXPORT_FORMS(EXPORT_NAMED)
#undef EXPORT_NAMED
    return false;
}

// ---- C ------------------------------------------------------------------------------------------

// Text inside of a block comment, which it can neither end nor nest. Brackets are left out, so that
// the first one of the file is the array's.
static void comment_text(struct buffer *out, const char *text) {
    for (; *text != '\0'; text++) {
        const bool splits =
            (text[0] == '*' && text[1] == '/') || (text[0] == '/' && text[1] == '*');
        if (*text != '[' && *text != ']') {
            buffer_printf(out, "%c%s", *text, splits ? " " : "");
        }
    }
}

static char *identifier(const char *id) {
    char *name = util_strdup(id);
    for (char *p = name; *p != '\0'; p++) {
        *p = isalnum((unsigned char)*p) ? *p : '_';
    }
    return name;
}

static void export_c(const struct vector *v, struct buffer *out) {
    const size_t size = v->octets.size;
    char *name = identifier(v->id);
    buffer_printf(out, "/* %s: ", v->id);
    comment_text(out, v->comment);
    buffer_printf(out, "\n * ");
    comment_text(out, v->source);
    buffer_printf(out, "; %s", vector_result_name(v->strict.result));
    if (v->strict.result == VECTOR_INVALID) {
        buffer_printf(out, " (%s at offset %llu)", v->strict.code,
                      (unsigned long long)v->strict.offset);
    }
    buffer_printf(out, "; %zu octets */\n#include <stddef.h>\n#include <stdint.h>\n\n", size);
    buffer_printf(out, "const uint8_t %s[%zu] = {", name, size > 0 ? size : 1);
    for (size_t i = 0; i < size; i++) {
        buffer_printf(out, "%s0x%02x,", i % OCTETS_A_LINE == 0 ? "\n    " : " ", v->octets.data[i]);
    }
    buffer_printf(out, "%s};\nconst size_t %s_size = %zu;\n", size > 0 ? "\n" : "0", name, size);
    free(name);
}

// ---- the others ---------------------------------------------------------------------------------

static void export_json(const struct vector *v, struct buffer *out) {
    char *text = json_dumps(v->json, JSON_INDENT(2));
    buffer_printf(out, "%s\n", text);
    free(text);
}

static void export_hex(const struct vector *v, struct buffer *out) {
    hex_append(out, buffer_view(&v->octets));
    buffer_printf(out, "\n");
}

bool export_vector(const struct vector *v, enum export_form form, struct buffer *out,
                   char **error) {
    if (!v->has_octets && form != EXPORT_JSON) {
        *error = util_format("%s has no octets: it is a value that encoders must refuse; its only "
                             "form is json",
                             v->id);
        return false;
    }
    switch (form) {
    case EXPORT_C: export_c(v, out); break;
    case EXPORT_JSON: export_json(v, out); break;
    case EXPORT_PCAP: return export_pcap(v, out, error);
    case EXPORT_HEX: export_hex(v, out); break;
    case EXPORT_FRAME: buffer_append(out, v->octets.data, v->octets.size); break;
    }
    return true;
}
