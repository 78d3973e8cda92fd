// SPDX-License-Identifier: Apache-2.0
// What the tests of batch rules share: calls given as JSON, and what the rules of batch.def make of
// them. The calls are of an association whose beginning was not seen.
#ifndef RULES_TEST_BATCH_SUPPORT_H
#define RULES_TEST_BATCH_SUPPORT_H

#include "rules/rules.h"

#define KEY  "\"00000000a1a2a3a4a5a6a7a8a9b0b1b2b3b4b5b6\""
#define PORT "\"0000000001020304050607080910111213141516\""

// Commands of a batch, with commas between them in BATCH.
#define COMMAND(command, type, name, data)                                                         \
    "{\"command\":" command ",\"value_type\":" type ",\"name\":\"" name "\",\"data\":\"" data "\"" \
    "}"
#define SET(name, data)       COMMAND("\"CLUSREG_SET_VALUE\"", "3", name, data)
#define CREATE(path)          COMMAND("\"CLUSREG_CREATE_KEY\"", "0", path, "")
#define DROP(path)            COMMAND("\"CLUSREG_DELETE_KEY\"", "0", path, "")
#define DELETE(name)          COMMAND("\"CLUSREG_DELETE_VALUE\"", "0", name, "")
#define OLD(name, data)       COMMAND("\"CLUSREG_VALUE_DELETED\"", "3", name, data)
#define READ_KEY(path)        COMMAND("\"CLUSREG_READ_KEY\"", "0", path, "")
#define READ(name)            COMMAND("\"CLUSREG_READ_VALUE\"", "0", name, "")
#define FOUND(name, data)     COMMAND("\"CLUSREG_READ_VALUE\"", "3", name, data)
#define READ_ERROR(name, why) COMMAND("\"CLUSREG_READ_ERROR\"", why, name, "")
#define BATCH(commands)       "{\"version\":1,\"commands\":[" commands "]}"

// A call of version 3; `interface` 2 for version 2. A response of NULL: it was not answered.
struct told {
    unsigned interface;
    const char *method;
    const char *request;
    const char *response;
};

// The rules that the call breaks are these, in any order and no others; names are separated by
// blanks.
void breaks(const struct told *call, const char *rules);
// The call breaks no rule, and these were applied.
void keeps(const struct told *call, const char *rules);
// The call breaks no rule, and these were not applied.
void leaves(const struct told *call, const char *rules);
// The one finding of the call: what it says, and the octets that it points to, as hex.
void points_to(const struct told *call, const char *rule, const char *field, const char *octets,
               const char *message);

// Calls with the given parts; the text lives until the next call of these.
const struct told *execute(const char *batch, long failed, unsigned long status);
const struct told *notified(const char *batch);
const struct told *read_batch(const char *in, const char *out);
const struct told *isolated(const char *in, const char *out);

#endif
