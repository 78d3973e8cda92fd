// SPDX-License-Identifier: Apache-2.0
// Names of the client's own status codes.
#include "rpc/client.h"

const char *rpc_status_name(uint32_t status) {
    switch (status) {
    case RPC_S_ACCESS_DENIED: return "ERROR_ACCESS_DENIED";
    case RPC_S_TIMEOUT: return "ERROR_TIMEOUT";
    case RPC_S_NOT_REGISTERED: return "EPT_S_NOT_REGISTERED";
#define NAME(code)                                                                                 \
    case code: return #code;
        NAME(RPC_S_OK)
        NAME(RPC_S_SERVER_UNAVAILABLE)
        NAME(RPC_S_SERVER_TOO_BUSY)
        NAME(RPC_S_CALL_FAILED)
        NAME(RPC_S_CALL_FAILED_DNE)
        NAME(RPC_S_PROTOCOL_ERROR)
        NAME(RPC_S_UNSUPPORTED_TRANS_SYN)
        NAME(RPC_S_UNKNOWN_IF)
        NAME(RPC_S_UNKNOWN_AUTHN_SERVICE)
        NAME(RPC_S_PROCNUM_OUT_OF_RANGE)
        NAME(RPC_S_CALL_CANCELLED)
        NAME(RPC_X_BAD_STUB_DATA)
#undef NAME
    default: return NULL;
    }
}
