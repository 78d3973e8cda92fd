// SPDX-License-Identifier: Apache-2.0
// Short names for context handles: key#1, notify#1, batch#2.
#include <string.h>

#include "replay/state.h"

enum { HANDLES_LIMIT = 65536 }; // further handles are shown as octets

// A handle means something to the server that gave it only.
struct key {
    struct capture_endpoint server;
    uint8_t handle[CMRP_HANDLE_SIZE];
};

struct replay_handle {
    struct key key;
    unsigned meaning;
    unsigned number;
    UT_hash_handle hh;
};

static const char *word(unsigned meaning) {
    switch (meaning) {
    case CMRP_MEANS_HCLUSTER: return "cluster";
    case CMRP_MEANS_HNODE: return "node";
    case CMRP_MEANS_HGROUP: return "group";
    case CMRP_MEANS_HRES: return "resource";
    case CMRP_MEANS_HKEY: return "key";
    case CMRP_MEANS_HNETWORK: return "network";
    case CMRP_MEANS_HNETINTERFACE: return "netinterface";
    case CMRP_MEANS_HNOTIFY: return "notify";
    case CMRP_MEANS_HBATCH_PORT: return "batch";
    default: return "object";
    }
}

static struct replay_handle *find(struct replay *r, const struct capture_endpoint *server,
                                  const uint8_t *handle, struct key *key) {
    struct replay_handle *known;
    memset(key, 0, sizeof *key); // padding counts in the hash
    memcpy(key->server.addr, server->addr, sizeof server->addr);
    key->server.port = server->port;
    key->server.family = server->family;
    memcpy(key->handle, handle, CMRP_HANDLE_SIZE);
    HASH_FIND(hh, r->handles, key, sizeof *key, known);
    return known;
}

void replay_name_handle(struct replay *r, const struct capture_endpoint *server, unsigned meaning,
                        const uint8_t handle[CMRP_HANDLE_SIZE], struct buffer *out) {
    static const uint8_t null[CMRP_HANDLE_SIZE];
    struct key key;
    if (memcmp(handle, null, sizeof null) == 0) {
        buffer_printf(out, "null");
        return;
    }
    struct replay_handle *known = find(r, server, handle, &key);
    if (known == NULL && HASH_COUNT(r->handles) >= HANDLES_LIMIT) {
        buffer_printf(out, "%s ", word(meaning));
        for (size_t i = 0; i < CMRP_HANDLE_SIZE; i++) {
            buffer_printf(out, "%02x", handle[i]);
        }
        return;
    }
    if (known == NULL) {
        known = util_alloc(sizeof *known);
        memcpy(&known->key, &key, sizeof key);
        known->meaning = meaning;
        known->number = ++r->handle_counts[meaning];
        HASH_ADD(hh, r->handles, key, sizeof key, known);
    }
    buffer_printf(out, "%s#%u", word(known->meaning), known->number);
}

void replay_forget_handles(struct replay *r) {
    struct replay_handle *handle, *next;
    HASH_ITER(hh, r->handles, handle, next) {
        HASH_DEL(r->handles, handle);
        free(handle);
    }
}
