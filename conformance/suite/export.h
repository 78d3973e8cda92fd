// SPDX-License-Identifier: Apache-2.0
// A vector in forms that other programs take.
#ifndef SUITE_EXPORT_H
#define SUITE_EXPORT_H

#include "suite/vector.h"

// X(enumerator, name)
#define EXPORT_FORMS(X)                                                                            \
    X(C, "c")         /* a const uint8_t array, and its size */                                    \
    X(JSON, "json")   /* the vector as it stands in its file */                                    \
    X(PCAP, "pcap")   /* a capture of a TCP connection that carries it */                          \
    X(HEX, "hex")     /* one line of hex */                                                        \
    X(FRAME, "frame") /* the octets */

enum export_form {
#define EXPORT_ENUM(name, text) EXPORT_##name,
    EXPORT_FORMS(EXPORT_ENUM)
#undef EXPORT_ENUM
};

bool export_form_named(const char *name, enum export_form *form);

// Appends the vector in this form. Fails with *error set (free it): a vector without octets has
// only the form JSON, a change value no pcap.
bool export_vector(const struct vector *vector, enum export_form form, struct buffer *out,
                   char **error);

// Appends the capture (export_pcap.c): Ethernet, IPv4, TCP to port 49152; bind and bind_ack for the
// interface version and transfer syntax, then the request and the response. A stub vector is the
// one or the other: a response follows a request of zeros; a request stays unanswered. A batch is
// carried by a response of ApiGetBatchNotification. A PDU goes as it is, after what comes before
// its kind. The same vector always gives the same octets.
bool export_pcap(const struct vector *vector, struct buffer *out, char **error);

#endif
