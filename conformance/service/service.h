// SPDX-License-Identifier: Apache-2.0
// What the methods do: a request's stub in, operations on the cluster, a response's stub out. It
// knows neither PDU nor socket. [MS-CMRP 3.1.4.2]
#ifndef SERVICE_SERVICE_H
#define SERVICE_SERVICE_H

#include "cluster/cluster.h"
#include "rpc/server.h"

struct service;

// Levels of security access, each of which subsumes those before it [3.1.4.2].
enum service_access {
    SERVICE_NOTHING,
    SERVICE_READ,
    SERVICE_READ_BACKUP, // "Read with Backup Privilege"
    SERVICE_ALL,
};

// The protocol server state [3.1.4.2]: methods that need more are failed with 0x46.
enum service_state {
    SERVICE_STATE_NONE,
    SERVICE_STATE_READ_ONLY,
    SERVICE_STATE_READ_WRITE,
};

struct service_options {
    void *context;
    // One line for people; may be NULL.
    void (*log)(void *context, const char *text);
    // What comes of a call, just before it is answered: a status, or that of a fault. May be NULL.
    void (*answers)(void *context, const struct rpc_call *call, const cmrp_method *method,
                    uint32_t status, bool fault);
    // The level that the client of an association is entitled to; NULL: All, to everybody.
    enum service_access (*entitled)(void *context, struct rpc_association *association);
};

enum { SERVICE_OPNUMS = 265 };

struct service_counters {
    uint64_t calls[SERVICE_OPNUMS]; // requests of served methods, those that were faulted included
    uint64_t succeeded, failed;     // answered with status 0, with another
    uint64_t faulted;
    uint64_t blocked; // calls that are waiting now
};

// The cluster outlives the service. The service outlives the rpc_server that it is given to, whose
// end runs the handles down. NULL with *error (free() it): a row of a method names a parameter that
// the codec's description does not have.
struct service *service_create(struct cluster *cluster, const struct service_options *options,
                               char **error);
void service_destroy(struct service *service); // NULL is allowed
// For rpc_server_options.interfaces: protocol version 3.
const struct rpc_interface *service_interface(struct service *service);
// As long as the service lives.
const struct service_counters *service_counters(const struct service *service);
// Initially read/write.
void service_set_state(struct service *service, enum service_state state);
// The node leaves the cluster: from now on calls fail with ERROR_CLUSTER_NODE_SHUTTING_DOWN, those
// that wait when they are ended [3.1.4.2].
void service_stop(struct service *service);
// Whether the method is served, and how many are.
bool service_serves(const struct service *service, unsigned opnum);
size_t service_method_count(const struct service *service);

// The kinds of context handles, for rpc_handles_open.
enum service_kind {
    SERVICE_HCLUSTER,
    SERVICE_HNODE,
    SERVICE_HGROUP,
    SERVICE_HRES,
    SERVICE_HKEY,
    SERVICE_HNETWORK,
    SERVICE_HNETINTERFACE,
    SERVICE_HNOTIFY,
    SERVICE_HBATCH_PORT,
    SERVICE_HGROUPSET,
    SERVICE_KINDS,
};
extern const struct rpc_handle_kind service_kinds[SERVICE_KINDS];

#endif
