// SPDX-License-Identifier: Apache-2.0
// Property pdu: any octets are refused with one error inside them, or are a PDU whose views and
// lists lie inside the input and whose JSON encodes to octets that decode to the same JSON:
// reserved octets are not kept, and the NUL of a sec_addr is written whether it was there or not,
// which changes frag_length. Reading the header alone agrees with reading the whole.
#include <stdlib.h>
#include <string.h>

#include "fuzz_support.h"

#define PROPERTY "pdu"

// An alignment gap that is cut short makes the field behind it, up to 3 octets further, incomplete.
enum { GAP = 3 };

static void warned(void *context, const cmrp_error *warning) {
    const cmrp_view *bytes = context;
    fuzz_check_place(PROPERTY, warning, FUZZ_BASE, bytes->size, 0);
}

static void check_peek(cmrp_view bytes, bool decoded, const cmrp_pdu *pdu) {
    cmrp_error error = {0};
    cmrp_pdu_header header = {0};
    const bool ok = cmrp_pdu_peek(bytes, FUZZ_BASE, &header, &error);
    if (decoded && (!ok || memcmp(&header, &pdu->header, sizeof header) != 0)) {
        fuzz_fail(PROPERTY, "cmrp_pdu_peek sees another header");
    }
    if (!ok) {
        fuzz_check_error(PROPERTY, &error, FUZZ_BASE, bytes.size, 0);
    }
}

// The iterators deliver list_count elements, all inside the input.
static void check_lists(cmrp_view bytes, const cmrp_pdu *pdu) {
    cmrp_pdu_context context;
    cmrp_pdu_result result;
    size_t cursor = 0;
    unsigned n = 0;
    switch (pdu->header.ptype) {
    case CMRP_PTYPE_BIND:
    case CMRP_PTYPE_ALTER_CONTEXT:
        for (; cmrp_pdu_next_context(pdu, &cursor, &context); n++) {
            cmrp_syntax_id transfer;
            size_t inner = 0;
            unsigned transfers = 0;
            fuzz_check_inside(PROPERTY, "transfer_syntaxes", context.raw, bytes);
            while (cmrp_pdu_next_transfer(&context, &inner, &transfer)) {
                transfers++;
            }
            if (transfers != context.transfer_count) {
                fuzz_fail(PROPERTY, "%u of %u transfer syntaxes are delivered", transfers,
                          context.transfer_count);
            }
        }
        break;
    case CMRP_PTYPE_BIND_ACK:
    case CMRP_PTYPE_ALTER_CONTEXT_RESP:
        while (cmrp_pdu_next_result(pdu, &cursor, &result)) {
            n++;
        }
        break;
    default: return;
    }
    if (n != pdu->list_count) {
        fuzz_fail(PROPERTY, "%u of %u elements are delivered", n, pdu->list_count);
    }
}

static void check_views(cmrp_view bytes, const cmrp_pdu *pdu) {
    const cmrp_view fragment = {bytes.data, pdu->header.frag_length};
    fuzz_check_inside(PROPERTY, "the PDU", fragment, bytes);
    fuzz_check_inside(PROPERTY, "stub", pdu->stub, fragment);
    fuzz_check_inside(PROPERTY, "sec_addr", pdu->sec_addr, fragment);
    fuzz_check_inside(PROPERTY, "list", pdu->list, fragment);
    fuzz_check_inside(PROPERTY, "extension", pdu->extension, fragment);
    fuzz_check_inside(PROPERTY, "trailing", pdu->trailing, fragment);
    fuzz_check_inside(PROPERTY, "auth_padding", pdu->auth_padding, fragment);
    fuzz_check_inside(PROPERTY, "auth_token", pdu->auth_token, fragment);
}

static json_t *decode(const struct json_selector *how, cmrp_view bytes, const char *what) {
    cmrp_error error = {0};
    json_t *value = json_decode(how, bytes, 0, &error);
    if (value == NULL) {
        fuzz_fail(PROPERTY, "%s does not decode to JSON: %s of %s at %llu", what,
                  cmrp_code_id(error.code), error.field, (unsigned long long)error.offset);
    }
    json_object_del(value, "warnings");
    if (json_object_get(value, "results") != NULL) {
        json_object_del(value, "frag_length");
    }
    return value;
}

static void check_json(cmrp_view bytes) {
    const struct json_selector how = {.type = JSON_TYPE_PDU};
    struct buffer out = {0};
    struct json_failure failure;
    json_t *value = decode(&how, bytes, "the input");
    if (!json_encode(&how, value, &out, &failure)) {
        fuzz_fail(PROPERTY, "JSON refused at \"%s\": %s: %s", failure.pointer, failure.message,
                  json_dumps(value, JSON_COMPACT));
    }
    json_t *again = decode(&how, buffer_view(&out), "the encoded PDU");
    fuzz_check_same_json(PROPERTY, "the meaning changed", value, again);
    json_decref(value);
    json_decref(again);
    buffer_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    cmrp_view bytes = {data, size};
    cmrp_error error = {0};
    cmrp_pdu pdu;
    const bool ok = cmrp_pdu_decode(bytes, FUZZ_BASE, &pdu, warned, &bytes, &error);
    check_peek(bytes, ok, &pdu);
    if (ok) {
        fuzz_tally.accepted++;
        check_views(bytes, &pdu);
        check_lists(bytes, &pdu);
        check_json(bytes);
    } else {
        fuzz_tally.rejected++;
        fuzz_check_error(PROPERTY, &error, FUZZ_BASE, size,
                         error.code == CMRP_E_TRUNCATED ? GAP : 0);
    }
    return 0;
}
