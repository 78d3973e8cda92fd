// SPDX-License-Identifier: Apache-2.0
// ApiSetServiceAccountPassword [MS-CMRP 3.1.4.2.108], which servers MUST fail. The codec does not
// describe it: an enumeration and an array with a length of structures are in no other method. So
// its stubs are read and written here, as far as a failure goes.
#include "service/state.h"

enum { CALL_NOT_IMPLEMENTED = 120, LARGEST_BUFFER = 64 * 1024 };

// Takes ReturnStatusBufferSize, which the response repeats.
static bool read_request(const struct rpc_request *request, uint64_t *size) {
    cmrp_error error = {0};
    cmrp_ndr_reader r = {.syntax = request->syntax, .order = request->order};
    cmrp_view password;
    uint64_t flags;
    cmrp_reader_init(&r.bytes, request->stub, 0, &error, NULL);
    return cmrp_ndr_take_string(&r, "lpszNewPassword", &password) &&
           cmrp_ndr_take_uint(&r, "dwFlags", request->syntax == CMRP_NDR64 ? 4 : 2, &flags) &&
           cmrp_ndr_take_uint(&r, "ReturnStatusBufferSize", 4, size) && *size <= LARGEST_BUFFER;
}

bool service_refuse_password(const struct rpc_request *request, cmrp_writer *writer) {
    cmrp_ndr_writer w;
    const cmrp_view nothing = {0};
    uint64_t size;
    if (!read_request(request, &size)) {
        return false;
    }
    cmrp_ndr_writer_init(&w, writer, request->syntax, CMRP_LITTLE_ENDIAN);
    return cmrp_ndr_put_varying(&w, "ReturnStatusBufferPtr", size, nothing) &&
           cmrp_ndr_put_uint(&w, "SizeReturned", 4, 0) &&
           cmrp_ndr_put_uint(&w, "ExpectedBufferSize", 4, 0) &&
           cmrp_ndr_put_uint(&w, "return", 4, CALL_NOT_IMPLEMENTED);
}
