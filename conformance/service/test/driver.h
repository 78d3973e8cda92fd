// SPDX-License-Identifier: Apache-2.0
// A client for tests of the service, without sockets: an rpc_server with a service and a cluster,
// connections on which PDUs are put by hand, calls whose parameters are named.
//
//     struct driver *d = driver_create(NULL);
//     struct driver_link *link = driver_connect(d, CMRP_NDR20, 0);
//     struct driver_call *call = driver_begin(link, "ApiOpenGroup");
//     driver_text(call, "lpszGroupName", "Group1");
//     assert_int_equal(driver_run(call), 0);
//     memcpy(group, driver_handle_of(call, "return"), CMRP_HANDLE_SIZE);
//     driver_end(call);
//     driver_destroy(d); // ends all links and calls
//
// What is asked for and is not there fails the test. Parameters of a request that are not given are
// 0, empty, or NULL. For blocked calls: driver_send, later driver_answered.
#ifndef SERVICE_TEST_DRIVER_H
#define SERVICE_TEST_DRIVER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "service/service.h"
#include "util/buffer.h"

struct driver {
    struct cluster *cluster;
    struct service *service;
    const struct rpc_interface *interfaces[2];
    struct rpc_server *server;
    enum service_access entitled; // of all clients; All at first
    struct buffer log;            // a line each; buffer_text
    struct driver_link *links;
    uint32_t next_client;
};

struct driver_link {
    struct driver *driver;
    struct driver_link *next;
    struct rpc_connection *connection; // NULL: ended
    struct buffer received;            // octets that are no whole PDU yet
    struct driver_call *calls;
    cmrp_syntax syntax;
    cmrp_order order;   // of requests
    uint32_t group;     // association group, as the server says
    uint32_t next_call; // id
    bool bound, closed; // closed: by the server
};

struct driver_call {
    struct driver_link *link;
    struct driver_call *next;
    const cmrp_method *method;
    uint32_t id;
    cmrp_slot request[CMRP_MAX_PARAMS], response[CMRP_MAX_PARAMS];
    cmrp_slot members[CMRP_MAX_PARAMS]; // of a structure in the request: driver_member
    struct buffer text;                 // units of the request's texts
    struct buffer stub, answer;         // as sent; as received
    struct buffer spoken;               // of driver_text_of
    bool answered, faulted;
    uint32_t fault;
};

// options NULL: the seed built in, in memory.
struct driver *driver_create(const struct cluster_options *options);
void driver_destroy(struct driver *driver);

// group 0: a new association; else that of another link. The bind is done.
struct driver_link *driver_connect(struct driver *driver, cmrp_syntax syntax, uint32_t group);
void driver_disconnect(struct driver_link *link); // as when a client dies; frees calls, too

struct driver_call *driver_begin(struct driver_link *link, const char *method);
void driver_number(struct driver_call *call, const char *name, uint64_t value);
void driver_text(struct driver_call *call, const char *name, const char *utf8);
// Octets, or UTF-16 units in the order of the link.
void driver_octets(struct driver_call *call, const char *name, const void *data, size_t size);
void driver_handle(struct driver_call *call, const char *name, const uint8_t *handle);
// The member of a structure that is a parameter of the request; the structure is then not NULL.
cmrp_slot *driver_member(struct driver_call *call, const char *name, const char *member);

void driver_send(struct driver_call *call);
// Another stub instead.
void driver_send_stub(struct driver_call *call, const void *stub, size_t size);
void driver_cancel(struct driver_call *call, bool orphan);
bool driver_answered(const struct driver_call *call);
// Sends, fails the test unless it is answered at once with a response; the status.
uint32_t driver_run(struct driver_call *call);
uint32_t driver_status(struct driver_call *call); // of an answered one
// Sends, fails the test unless it is faulted at once; the fault's status.
uint32_t driver_fault(struct driver_call *call);

// Of the response. Texts are valid until the next of the same call; NULL for NULL.
const cmrp_slot *driver_slot(const struct driver_call *call, const char *name);
uint64_t driver_number_of(const struct driver_call *call, const char *name);
const char *driver_text_of(struct driver_call *call, const char *name);
const char *driver_slot_text(struct driver_call *call, const cmrp_slot *slot);
const uint8_t *driver_handle_of(const struct driver_call *call, const char *name);
bool driver_is_null(const uint8_t handle[CMRP_HANDLE_SIZE]);
// That everything but the status is 0, NULL or empty, but for `except` (may be NULL).
void driver_expect_nothing(const struct driver_call *call, const char *except);
void driver_end(struct driver_call *call);

// Whole calls that nearly every test needs. They fail the test if the call fails.
void driver_open(struct driver_link *link, const char *method, const char *param, const char *name,
                 uint8_t handle[CMRP_HANDLE_SIZE]); // param NULL: without a name
void driver_open_key(struct driver_link *link, const char *path,
                     uint8_t handle[CMRP_HANDLE_SIZE]); // KEY_ALL_ACCESS; "" is the root
uint32_t driver_close(struct driver_link *link, const char *method, const char *param,
                      uint8_t handle[CMRP_HANDLE_SIZE]); // handle: as answered

#endif
