// SPDX-License-Identifier: Apache-2.0
// Property pdu_cl: any octets are refused with one error inside them, or are a connectionless PDU
// whose views lie inside the input, which encodes, through JSON too, to the identical octets (but
// for what is behind the PDU) with the predicted size. Reading the header alone agrees with reading
// the whole.
#include <stdlib.h>
#include <string.h>

#include "fuzz_support.h"

#define PROPERTY "pdu_cl"

// A gap before the authentication that is cut short makes the field behind it, up to 7 octets
// further, incomplete.
enum { GAP = 7 };

struct warned {
    cmrp_view bytes;
    bool behind;
};

static void warned(void *context, const cmrp_error *warning) {
    struct warned *w = context;
    w->behind = w->behind || strcmp(warning->field, "pdu") == 0;
    fuzz_check_place(PROPERTY, warning, FUZZ_BASE, w->bytes.size, 0);
}

static void check_peek(cmrp_view bytes, bool decoded, const cmrp_pdu_cl *pdu) {
    cmrp_error error = {0};
    cmrp_pdu_cl_header header;
    const bool ok = cmrp_pdu_cl_peek(bytes, FUZZ_BASE, &header, &error);
    if (decoded && (!ok || memcmp(&header, &pdu->header, sizeof header) != 0)) {
        fuzz_fail(PROPERTY, "cmrp_pdu_cl_peek sees another header");
    }
    if (!ok) {
        fuzz_check_error(PROPERTY, &error, FUZZ_BASE, bytes.size, 0);
    }
}

static void check_views(cmrp_view bytes, const cmrp_pdu_cl *pdu) {
    const cmrp_view body = {bytes.data + CMRP_PDU_CL_HEADER_SIZE, pdu->header.len};
    fuzz_check_inside(PROPERTY, "the body", body, bytes);
    fuzz_check_inside(PROPERTY, "stub", pdu->stub, body);
    fuzz_check_inside(PROPERTY, "selack", pdu->selack, body);
    fuzz_check_inside(PROPERTY, "trailing", pdu->trailing, body);
    fuzz_check_inside(PROPERTY, "auth_padding", pdu->auth_padding, bytes);
    fuzz_check_inside(PROPERTY, "auth_token", pdu->auth_token, bytes);
    if (pdu->selack.size != (size_t)pdu->selack_len * 4) {
        fuzz_fail(PROPERTY, "%u masks in %zu octets", pdu->selack_len, pdu->selack.size);
    }
}

static bool write_pdu(void *context, cmrp_writer *writer) {
    return cmrp_pdu_cl_encode(context, writer);
}

static void check_encoding(cmrp_view bytes, cmrp_pdu_cl pdu) {
    uint32_t *masks = util_alloc((size_t)pdu.selack_len * sizeof *masks + 1);
    size_t size;
    for (size_t i = 0; i < pdu.selack_len; i++) {
        masks[i] = cmrp_pdu_cl_selack(&pdu, i);
    }
    pdu.masks = masks;
    uint8_t *octets = fuzz_write(PROPERTY, write_pdu, &pdu, &size);
    fuzz_check_same_octets(PROPERTY, "encoding changed it", bytes, (cmrp_view){octets, size});
    free(octets);
    free(masks);
}

static void check_json(cmrp_view bytes) {
    const struct json_selector how = {.type = JSON_TYPE_PDU};
    struct buffer out = {0};
    struct json_failure failure;
    cmrp_error error = {0};
    json_t *value = json_decode(&how, bytes, 0, &error);
    if (value == NULL) {
        fuzz_fail(PROPERTY, "it does not decode to JSON: %s", cmrp_code_id(error.code));
    }
    if (!json_encode(&how, value, &out, &failure)) {
        fuzz_fail(PROPERTY, "JSON refused at \"%s\": %s: %s", failure.pointer, failure.message,
                  json_dumps(value, JSON_COMPACT));
    }
    fuzz_check_same_octets(PROPERTY, "JSON changed it", bytes, buffer_view(&out));
    json_decref(value);
    buffer_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct warned w = {.bytes = {data, size}};
    cmrp_error error = {0};
    cmrp_pdu_cl pdu;
    const bool ok = cmrp_pdu_cl_decode(w.bytes, FUZZ_BASE, &pdu, warned, &w, &error);
    check_peek(w.bytes, ok, &pdu);
    if (ok) {
        fuzz_tally.accepted++;
        check_views(w.bytes, &pdu);
        const size_t own = w.behind ? CMRP_PDU_CL_HEADER_SIZE + (size_t)pdu.header.len : size;
        check_encoding((cmrp_view){data, own}, pdu);
        check_json((cmrp_view){data, own});
    } else {
        fuzz_tally.rejected++;
        fuzz_check_error(PROPERTY, &error, FUZZ_BASE, size,
                         error.code == CMRP_E_TRUNCATED ? GAP : 0);
    }
    return 0;
}
