// SPDX-License-Identifier: Apache-2.0
// What the two files about notification ports share.
#ifndef SERVICE_NOTIFY_H
#define SERVICE_NOTIFY_H

#include "cluster/port.h"
#include "service/parts.h"

// Octets of indications in one answer: what goes beyond waits for the next call. One indication is
// always taken, however large.
enum { NOTIFY_ANSWER = 1 << 20 };

// Makes `call` wait at the port of parameter 0; the port must be of this version, else the call is
// failed with 6. fill sets the parameters of the answer; it is given no more than fits.
typedef void notify_fill(struct service_call *call, const struct port_indication *indications,
                         size_t count);
void notify_wait(struct service_call *call, unsigned version, bool single, notify_fill *fill);

// A new port as parameter 0.
void notify_create(struct service_call *call, unsigned version);

#endif
