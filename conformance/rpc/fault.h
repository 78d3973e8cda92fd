// SPDX-License-Identifier: Apache-2.0
// Status codes of fault PDUs, for both sides. Servers send Win32 codes, too.
#ifndef RPC_FAULT_H
#define RPC_FAULT_H

// [C706 appendix E, MS-RPCE 2.2.2, MS-ERREF]
enum {
    RPC_FAULT_ACCESS_DENIED = 0x00000005,
    RPC_FAULT_BAD_STUB_DATA = 0x000006f7,      // RPC_X_BAD_STUB_DATA
    RPC_FAULT_OP_RANGE = 0x1c010002,           // nca_op_rng_error
    RPC_FAULT_SERVER_TOO_BUSY = 0x1c010014,    // nca_server_too_busy
    RPC_FAULT_PROTOCOL_ERROR = 0x1c01000b,     // nca_proto_error
    RPC_FAULT_CANCEL = 0x1c00000d,             // nca_s_fault_cancel
    RPC_FAULT_CONTEXT_MISMATCH = 0x1c00001a,   // nca_s_fault_context_mismatch
    RPC_FAULT_REMOTE_NO_MEMORY = 0x1c00001b,   // nca_s_fault_remote_no_memory
    RPC_FAULT_INVALID_CONTEXT_ID = 0x1c00001c, // nca_invalid_pres_context_id
};

#endif
