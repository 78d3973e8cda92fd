// SPDX-License-Identifier: Apache-2.0
// What the commands share.
#ifndef CONTROL_PARTS_H
#define CONTROL_PARTS_H

#include "control/control.h"
#include "util/buffer.h"

struct request {
    const struct control *control;
    const json_t *json;
    const struct control_command *command;
    const char *words[CONTROL_WORDS]; // behind the command's name
    size_t count;
};

typedef json_t *request_handler(struct request *r);

request_handler object_list, object_online, object_offline, object_fail, object_move, object_node,
    object_state, object_create, object_delete, object_rename, object_depend, object_undepend,
    object_owner, object_property, object_show;
request_handler registry_command, registry_execute;

// ---- answers ------------------------------------------------------------------------------------

json_t *answer_result(json_t *result);
// The words are not understood, or not enough of them.
__attribute__((format(printf, 1, 2))) json_t *answer_usage(const char *format, ...);
// Refused, with a Win32 code.
__attribute__((format(printf, 2, 3))) json_t *answer_refused(uint32_t code, const char *format,
                                                             ...);
// Refused: the sentence is made of the command and the code. code 0: the result (which is taken).
json_t *answer_code(const struct request *r, uint32_t code, json_t *result);

// Text that may be no UTF-8 (a surrogate without its partner): escaped where it is not.
json_t *text_json(const char *text);

#endif
