// SPDX-License-Identifier: Apache-2.0
#include "show/handles.h"

#include <stdlib.h>
#include <string.h>

#include "util/outcome.h"
#include "util/text.h"

#define uthash_fatal(message) exit(OUTCOME_INTERNAL)
#include <uthash.h>

enum { NAMED = 65536 }; // further handles are shown as octets

struct key {
    struct show_server server;
    uint8_t handle[CMRP_HANDLE_SIZE];
};

struct name {
    struct key key;
    unsigned meaning;
    unsigned number;
    UT_hash_handle hh;
};

struct show_handles {
    struct name *names;                       // hash table
    unsigned counts[CMRP_MEANS_HGENERIC + 1]; // by meaning
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
    case CMRP_MEANS_HGROUPSET: return "groupset";
    default: return "object";
    }
}

static void make_key(struct key *key, const struct show_server *server, const uint8_t *handle) {
    memset(key, 0, sizeof *key); // padding counts in the hash
    memcpy(key->server.address, server->address, sizeof key->server.address);
    key->server.port = server->port;
    key->server.family = server->family;
    memcpy(key->handle, handle, CMRP_HANDLE_SIZE);
}

void show_handle_name(struct show_handles **names, const struct show_server *server,
                      unsigned meaning, const uint8_t handle[CMRP_HANDLE_SIZE],
                      struct buffer *out) {
    static const uint8_t null[CMRP_HANDLE_SIZE];
    if (memcmp(handle, null, sizeof null) == 0) {
        buffer_printf(out, "null");
        return;
    }
    if (*names == NULL) {
        *names = util_alloc(sizeof **names);
    }
    struct show_handles *all = *names;
    struct key key;
    struct name *known;
    make_key(&key, server, handle);
    HASH_FIND(hh, all->names, &key, sizeof key, known);
    if (known == NULL && HASH_COUNT(all->names) >= NAMED) {
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
        known->number = ++all->counts[meaning];
        HASH_ADD(hh, all->names, key, sizeof known->key, known);
    }
    buffer_printf(out, "%s#%u", word(known->meaning), known->number);
}

void show_handles_free(struct show_handles *names) {
    struct name *name, *next;
    if (names == NULL) {
        return;
    }
    HASH_ITER(hh, names->names, name, next) {
        HASH_DEL(names->names, name);
        free(name);
    }
    free(names);
}
