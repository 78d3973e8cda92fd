// SPDX-License-Identifier: Apache-2.0
// Several changes as one: what was before is kept until all of it is written.
#include <stdlib.h>
#include <string.h>

#include "cluster/state.h"

static void drop(struct cluster_object **object) {
    cluster_release(*object);
    *object = NULL;
}

void facts_clear(struct facts *facts) {
    free(facts->name);
    free(facts->path);
    drop(&facts->parent);
    drop(&facts->type);
    free(facts->depends.at);
    free(facts->owners.at);
    free(facts->preferred.at);
    for (int i = 0; i < 2; i++) {
        properties_clear(&facts->properties[i]);
    }
    memset(facts, 0, sizeof *facts);
}

static struct objects objects_copy(const struct objects *from) {
    struct objects copy = {0};
    for (size_t i = 0; i < from->count; i++) {
        objects_add(&copy, from->at[i]);
    }
    return copy;
}

static struct facts facts_copy(const struct facts *from) {
    struct facts copy = *from;
    copy.name = util_strdup(from->name);
    copy.path = from->path != NULL ? util_strdup(from->path) : NULL;
    copy.parent = from->parent != NULL ? cluster_hold(from->parent) : NULL;
    copy.type = from->type != NULL ? cluster_hold(from->type) : NULL;
    copy.depends = objects_copy(&from->depends);
    copy.owners = objects_copy(&from->owners);
    copy.preferred = objects_copy(&from->preferred);
    for (int i = 0; i < 2; i++) {
        copy.properties[i] = properties_copy(&from->properties[i]);
    }
    return copy;
}

void change_begin(struct cluster *cluster) {
    cluster->depth++;
}

static void note(struct cluster_object *object, bool created) {
    struct cluster *cluster = object->cluster;
    if (object->touched != 0) {
        return;
    }
    if (cluster->journal_count == cluster->journal_room) {
        cluster->journal_room = cluster->journal_room * 2 + 16;
        cluster->journal =
            util_grow(cluster->journal, cluster->journal_room, sizeof *cluster->journal);
    }
    struct journal_entry *entry = &cluster->journal[cluster->journal_count++];
    *entry = (struct journal_entry){.object = cluster_hold(object), .created = created};
    if (!created) {
        entry->before = facts_copy(&object->f);
    }
    object->touched = cluster->journal_count;
}

void change_touch(struct cluster_object *object) {
    note(object, false);
}

void change_created(struct cluster_object *object) {
    note(object, true);
    object->cluster->nonvolatile = true;
}

void change_nonvolatile(struct cluster_object *object) {
    change_touch(object);
    object->cluster->nonvolatile = true;
}

static void members_rebuild(struct cluster *cluster) {
    for (struct cluster_object *g = cluster->kinds[CLUSTER_GROUP].first; g != NULL; g = g->next) {
        g->members.count = 0;
    }
    struct cluster_object *const first = cluster->kinds[CLUSTER_RESOURCE].first;
    for (struct cluster_object *r = first; r != NULL; r = r->next) {
        r->members.count = 0;
    }
    for (struct cluster_object *r = first; r != NULL; r = r->next) {
        if (!r->f.deleted && r->f.parent != NULL) {
            objects_add(&r->f.parent->members, r);
            for (size_t i = 0; i < r->f.depends.count; i++) {
                objects_add(&r->f.depends.at[i]->members, r);
            }
        }
    }
}

static void undo(struct cluster *cluster) {
    if (cluster->journal_count == 0) {
        event_drop_pending(cluster);
        return;
    }
    for (size_t i = cluster->journal_count; i-- > 0;) {
        struct journal_entry *entry = &cluster->journal[i];
        struct cluster_object *object = entry->object;
        object->touched = 0;
        if (!object->f.deleted) {
            object_unindex(object);
        }
        struct facts now = object->f;
        if (entry->created) {
            object->f.deleted = true;
        } else {
            object->f = entry->before;
            facts_clear(&now);
            object_index(object);
        }
    }
    for (size_t i = 0; i < cluster->journal_count; i++) {
        struct journal_entry *entry = &cluster->journal[i];
        if (entry->created) {
            object_unlist(entry->object);
        }
        cluster_release(entry->object);
    }
    members_rebuild(cluster);
    event_drop_pending(cluster);
}

static uint32_t write_keys(struct cluster *cluster) {
    for (size_t i = 0; i < cluster->journal_count; i++) {
        const uint32_t status = key_write(cluster, &cluster->journal[i]);
        if (status != 0) {
            return status;
        }
    }
    return 0;
}

// Registry keys and the document of all objects, in one transaction.
static uint32_t write_all(struct cluster *cluster) {
    uint32_t status = registry_begin(cluster->registry);
    if (status != 0) {
        return status;
    }
    status = write_keys(cluster);
    if (status == 0 && cluster->seed_keys != NULL) {
        status = seed_write_keys(cluster);
    }
    if (status == 0 && cluster->durable) {
        char *document = seed_write(cluster);
        status = registry_document_set(cluster->registry, document);
        free(document);
    }
    if (status == 0) {
        status = registry_commit(cluster->registry);
    } else {
        registry_abort(cluster->registry);
    }
    if (status != 0) {
        cluster_say(cluster, "a change cannot be written (error %u): undone", (unsigned)status);
    }
    return status;
}

static void settle(struct cluster *cluster) {
    for (size_t i = 0; i < cluster->journal_count; i++) {
        struct journal_entry *entry = &cluster->journal[i];
        entry->object->touched = 0;
        facts_clear(&entry->before);
        if (entry->object->f.deleted) {
            object_unlist(entry->object);
        }
        cluster_release(entry->object);
    }
}

uint32_t change_end(struct cluster *cluster, uint32_t status) {
    if (--cluster->depth > 0) {
        return status;
    }
    if (status == 0 && cluster->nonvolatile) {
        cluster->depth++; // what the registry tells now is part of this change
        status = write_all(cluster);
        cluster->depth--;
    }
    if (status != 0) {
        undo(cluster);
    } else {
        event_deliver_pending(cluster);
        settle(cluster);
    }
    cluster->journal_count = 0;
    cluster->nonvolatile = false;
    port_serve(cluster);
    return status;
}
