// SPDX-License-Identifier: Apache-2.0
// The other end of the control socket: asks, and waits for the answer.
#ifndef CONTROL_CLIENT_H
#define CONTROL_CLIENT_H

#include <jansson.h>
#include <stdbool.h>

#include "util/buffer.h"

struct control_client;

// seconds: that an answer may take. NULL with *error (free() it).
struct control_client *control_client_connect(const char *path, unsigned seconds, char **error);
void control_client_close(struct control_client *client); // NULL is allowed

// The answer (a new object), or NULL with *error (free() it): no answer came, or none that can be
// read. Nothing more can be asked then.
json_t *control_client_ask(struct control_client *client, const json_t *request, char **error);

// Appends what an answer says to people, as lines. words: of the command.
void control_show(struct buffer *out, const json_t *words, const json_t *answer);

#endif
