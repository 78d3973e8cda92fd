// SPDX-License-Identifier: Apache-2.0
// For the files of this folder: a method is a row and a handler.
//
// A row names the parameters that its handler uses; the handler knows them by their number in that
// list. Names are looked up once, when the service is made. A row whose method the codec does not
// describe is left out; one that names a parameter which is not there is an error.
//
//     static void delete_value(struct service_call *call) {
//         struct registry_key *key = service_object(call, 0);
//         service_done(call, registry_value_delete(key, service_text(call, 1)));
//     }
//     const struct service_method service_registry_methods[] = {
//         {33, delete_value, SERVICE_ALL, SERVICE_STATE_READ_WRITE, 0, 0, {"hKey", "lpValueName"},
//          NULL},
//         {0},
//     };
//
// Before a handler runs, everything that is alike for all methods is done: the stub is decoded
// (else fault 0x6f7), every context handle of the request is known (else fault 0x1c00001a), the
// server state is enough (else 0x46), handles are of their kind (else 6), the objects exist (else
// `gone`), the level of access is enough (else 5). The handler must lead, now or later, to exactly
// one service_done or service_fault.
#ifndef SERVICE_PARTS_H
#define SERVICE_PARTS_H

#include "service/service.h"
#include "util/text.h"

// Win32 codes that more than one file uses [MS-ERREF].
enum {
    STATUS_SUCCESS = 0,
    STATUS_FILE_NOT_FOUND = 2,
    STATUS_ACCESS_DENIED = 5,
    STATUS_INVALID_HANDLE = 6,
    STATUS_SHARING_PAUSED = 70,
    STATUS_NODE_SHUTTING_DOWN = 5073,
    STATUS_INVALID_PARAMETER = 87,
    STATUS_MORE_DATA = 234,
    STATUS_NO_MORE_ITEMS = 259,
    STATUS_IO_PENDING = 997,
    STATUS_CANCELLED = 1223,
    STATUS_NO_SYSTEM_RESOURCES = 1450,
    STATUS_STRING_TOO_LONG = 1743, // RPC_S_STRING_TOO_LONG
};

// Rights of a key's handle (service_handle.sam) that more than one file uses [MS-RRP 2.2.4].
enum {
    KEY_SET_VALUE = 0x0002,
    KEY_CREATE_SUB_KEY = 0x0004,
};

struct service_call;

// ---- rows ---------------------------------------------------------------------------------------

enum { SERVICE_PARAMS = 12 };

// service_method.flags
enum {
    // The handler checks the access level itself (service_granted, service_entitled).
    SERVICE_OWN_ACCESS = 1,
    // Objects that are deleted are the handler's business too (closing, states after deletion).
    SERVICE_EVEN_GONE = 2,
    // Makes what its handle is for: nothing is made where no handle may be opened.
    SERVICE_CREATES = 4,
};

struct service_method {
    uint16_t opnum;
    void (*run)(struct service_call *call); // NULL ends a table
    // The level needed: of the context handles of the request that carry one (cluster, resource,
    // group, node, network, network interface), or, without such, what the client is entitled to.
    uint8_t access; // enum service_access
    uint8_t state;  // enum service_state: the server state needed
    uint16_t gone;  // the code where an object of a handle is deleted; 0: that of
                    // cluster_not_available
    uint16_t flags;
    // "NAME" is the first parameter of that name, "out:NAME" the first that is in the response.
    const char *params[SERVICE_PARAMS];
    // Where the request is refused before `run`: sets what must stand in the response nevertheless
    // (an array without a count, whose size the request says). Mostly NULL.
    void (*refused)(struct service_call *call);
};

// The tables; each ends with {0}.
extern const struct service_method service_object_methods[]; // alike for several kinds of objects
extern const struct service_method service_cluster_methods[];
extern const struct service_method service_group_methods[];
extern const struct service_method service_resource_methods[];
extern const struct service_method service_enum_methods[];
extern const struct service_method service_control_methods[];
extern const struct service_method service_groupset_methods[];
extern const struct service_method service_registry_methods[];  // 28 to 40
extern const struct service_method service_batch_methods[];     // 113 to 116, 145, 157
extern const struct service_method service_notify_methods[];    // 55 to 65, 90, 91, 99, 100, 107
extern const struct service_method service_notify_v2_methods[]; // 137 to 139, 147, 155

// ---- handles ------------------------------------------------------------------------------------

// What stands behind a context handle.
struct service_handle {
    struct service *service;
    enum service_kind kind;
    enum service_access access; // of kinds that carry a level
    uint32_t sam;               // of keys: samDesired as given
    // A reference: struct cluster_object, registry_key (of group sets, too), port, batch_port; of
    // the cluster NULL.
    void *object;
};

// The handle that parameter n of the request names. Never NULL in a handler.
struct service_handle *service_handle(struct service_call *call, unsigned n);
// Its object.
void *service_object(struct service_call *call, unsigned n);
// Whether the handle's level is enough.
bool service_granted(const struct service_handle *handle, enum service_access access);
// The level that the client may have.
enum service_access service_entitled(const struct service_call *call);
// The kind of handle that parameter n is of.
enum service_kind service_param_kind(const struct service_call *call, unsigned n);
// A new handle as parameter n of the response. Takes over the reference in any case. 0, or a code,
// and then the parameter is NULL.
uint32_t service_open(struct service_call *call, unsigned n, enum service_kind kind, void *object,
                      enum service_access access, uint32_t sam);
// Closes the handle of parameter n, gives up its object (a port is closed with all that wait), and
// sets the parameter to NULL in the response. Without it an [in, out] handle is answered as given.
void service_close(struct service_call *call, unsigned n);

// ---- parameters of the request ------------------------------------------------------------------

// Valid until the handler returns; of a call that goes on (service_later) none is.
struct cluster *service_cluster(const struct service_call *call);
enum service_state service_state_of(const struct service_call *call);
const cmrp_slot *service_slot(const struct service_call *call, unsigned n);
uint64_t service_number(const struct service_call *call, unsigned n);
// UTF-8; unpaired surrogates as three octets each. A text ends at a NUL inside it. NULL where the
// pointer is NULL.
const char *service_text(struct service_call *call, unsigned n);
// A text of a slot that is not a parameter (member of a structure); in the call's memory.
const char *service_slot_text(struct service_call *call, const cmrp_slot *slot);
// Whether a text is short enough for the name of an object. The specification has no limit but for
// those of clusters and nodes; without one, each list and event would carry what a client made up.
enum { SERVICE_NAME_UNITS = 1024 };
bool service_fits_name(const struct service_call *call, unsigned n);
cmrp_view service_octets(const struct service_call *call, unsigned n);
// The members of a structure that is a parameter; false where the pointer is NULL.
bool service_record(const struct service_call *call, unsigned n,
                    cmrp_slot members[CMRP_MAX_PARAMS]);

// ---- parameters of the response -----------------------------------------------------------------

// What is not set is 0, NULL or empty; counts follow from their arrays, the room of an array
// (CMRP_KIND_ROOM) from the request; rpc_status is 0. What is set stays set whatever the status.
void service_set_nothing(struct service_call *call, unsigned n);
void service_set_number(struct service_call *call, unsigned n, uint64_t value);
void service_set_text(struct service_call *call, unsigned n, const char *utf8); // NULL: NULL
// The octets must stay valid until service_done; service_copy helps.
void service_set_octets(struct service_call *call, unsigned n, cmrp_view octets);
// The members of a structure, or of each row of an array one behind the other; all are 0, NULL or
// empty, counts are derived. To be filled in before service_done. A count of 0 gives no rows.
cmrp_slot *service_set_rows(struct service_call *call, unsigned n, size_t count);
// For the members of rows. A member that is an array or a structure itself gets rows in the same
// way; its type is known.
cmrp_slot *service_slot_set_rows(struct service_call *call, cmrp_slot *slot, size_t count);
void service_slot_number(cmrp_slot *slot, uint64_t value);
void service_slot_set_text(struct service_call *call, cmrp_slot *slot, const char *utf8);
void service_slot_set_octets(cmrp_slot *slot, cmrp_view octets);

// Memory until the call is answered.
void *service_alloc(struct service_call *call, size_t size); // zeroed
void *service_copy(struct service_call *call, const void *data, size_t size);

// ---- answers ------------------------------------------------------------------------------------

// Answers the call: status is what the method returns, or its Status beside a returned handle. The
// call is gone.
void service_done(struct service_call *call, uint32_t status);
// The same with a fault [rpc/server.h].
void service_fault(struct service_call *call, uint32_t status);
// The call goes on after the handler returns: gives the call to answer instead of `call`, which is
// not to be used any more. The request's parameters are gone, those of the response can be set.
// ended: the client no longer wants it. RPC_END_CANCELLED: leave the queue and answer with
// STATUS_CANCELLED, now or later. RPC_END_GONE: leave the queue; the call is freed on return.
struct service_call *service_later(struct service_call *call,
                                   void (*ended)(void *context, enum rpc_end end), void *context);

#endif
