// SPDX-License-Identifier: Apache-2.0
// What the files of the registry share.
#ifndef CLUSTER_REGISTRY_STATE_H
#define CLUSTER_REGISTRY_STATE_H

#include <sqlite3.h>

#include "cluster/registry.h"
#include "util/buffer.h"

// ---- statements ---------------------------------------------------------------------------------

// X(name, SQL): each is prepared once. A key's descriptor is NULL where it is the one that the root
// has in a new registry.
#define REGISTRY_STATEMENTS(X)                                                                     \
    X(BEGIN, "BEGIN IMMEDIATE")                                                                    \
    X(COMMIT, "COMMIT")                                                                            \
    X(ROLLBACK, "ROLLBACK")                                                                        \
    X(SAVE, "SAVEPOINT change")                                                                    \
    X(SAVE_END, "RELEASE change")                                                                  \
    X(SAVE_BACK, "ROLLBACK TO change")                                                             \
    X(EPOCH, "UPDATE state SET epoch = epoch + 1")                                                 \
    X(USED, "UPDATE state SET used = 1")                                                           \
    X(KEY_FIND, "SELECT id, name FROM keys WHERE parent = ?1 AND folded = ?2")                     \
    X(KEY_THERE, "SELECT 1 FROM keys WHERE id = ?1")                                               \
    X(KEY_ADD, "INSERT INTO keys (id, parent, folded, name, units, written, sd)"                   \
               " SELECT ?1, id, ?3, ?4, ?5, ?6, sd FROM keys WHERE id = ?2")                       \
    X(KEY_DROP, "DELETE FROM keys WHERE id = ?1")                                                  \
    X(KEY_TOUCH, "UPDATE keys SET written = ?2 WHERE id = ?1")                                     \
    X(KEY_PARENT, "SELECT parent FROM keys WHERE id = ?1")                                         \
    X(KEY_CHILD, "SELECT id, name FROM keys WHERE parent = ?1 ORDER BY folded LIMIT 1")            \
    X(KEY_AT, "SELECT name, folded, written FROM keys WHERE parent = ?1"                           \
              " ORDER BY folded LIMIT 1 OFFSET ?2")                                                \
    X(KEY_AFTER, "SELECT name, folded, written FROM keys WHERE parent = ?1 AND folded > ?2"        \
                 " ORDER BY folded LIMIT 1")                                                       \
    X(KEY_INFO, "SELECT written, length(sd) FROM keys WHERE id = ?1")                              \
    X(KEY_COUNTS, "SELECT count(*), max(units) FROM keys WHERE parent = ?1")                       \
    X(SD_GET, "SELECT sd FROM keys WHERE id = ?1")                                                 \
    X(SD_SET, "UPDATE keys SET sd = ?2 WHERE id = ?1")                                             \
    X(VALUE_GET, "SELECT name, type, data FROM vals WHERE key = ?1 AND folded = ?2")               \
    X(VALUE_LIKE, "SELECT type, length(data), CASE WHEN length(data) = ?3 THEN data END FROM vals" \
                  " WHERE key = ?1 AND folded = ?2")                                               \
    X(VALUE_SET, "INSERT INTO vals (key, folded, name, units, type, data)"                         \
                 " VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (key, folded)"                      \
                 " DO UPDATE SET type = excluded.type, data = excluded.data")                      \
    X(VALUE_DROP, "DELETE FROM vals WHERE key = ?1 AND folded = ?2")                               \
    X(VALUES_DROP, "DELETE FROM vals WHERE key = ?1")                                              \
    X(VALUE_AT, "SELECT name, type, data, folded FROM vals WHERE key = ?1"                         \
                " ORDER BY folded LIMIT 1 OFFSET ?2")                                              \
    X(VALUE_AFTER, "SELECT name, type, data, folded FROM vals WHERE key = ?1 AND folded > ?2"      \
                   " ORDER BY folded LIMIT 1")                                                     \
    X(VALUE_COUNTS, "SELECT count(*), max(units), max(length(data)) FROM vals WHERE key = ?1")

enum registry_statement {
#define REGISTRY_STATEMENT(name, sql) SQL_##name,
    REGISTRY_STATEMENTS(REGISTRY_STATEMENT)
#undef REGISTRY_STATEMENT
        SQL_COUNT,
};

enum { REGISTRY_ROOT_ID = 1 };

// ---- the registry -------------------------------------------------------------------------------

// Changes that are to be told when the transaction is committed.
struct registry_news {
    struct buffer text; // paths and names, each with its NUL
    struct registry_newsline {
        enum registry_change change;
        size_t path, value; // in text
    } * lines;
    size_t count, capacity;
    size_t last_path; // of the last line: most have the path of the one before
};

struct registry {
    sqlite3 *db;
    sqlite3_stmt *statements[SQL_COUNT];
    struct registry_limits limits;
    struct registry_listener listener;
    bool in_file;
    bool troubled; // nothing could be written, and it was said
    bool doubtful; // a commit failed: its pages may lie in the log, whole
    bool in_batch;
    bool outer;               // between registry_begin and registry_commit
    uint32_t outer_lost;      // not 0: SQLite has given up the outer transaction
    bool used, used_saved;    // used_saved: what is committed
    uint64_t generation;      // grows with every change: what was read before may be outdated
    uint64_t keys_generation; // with every key that is made or deleted, or if that is undone
    int64_t next_id;          // never goes back, so that no key gets the number of a deleted one
    uint64_t now;             // FILETIME of the transaction
    int64_t touched;          // the key whose time of change was set last in this transaction
    bool news_lost;           // this transaction has too much to tell
    size_t news_saved;        // news before the change in the outer transaction
    struct registry_news news;
    struct buffer folded;        // for one statement
    struct batch_port **buckets; // batch ports by the number of their key
    size_t bucket_count, port_count;
    uint64_t queued;        // octets of the queues of all batch ports
    struct batch_port *hit; // those that the batch has touched
};

struct registry_cursor { // where an enumeration stands
    uint64_t generation; // 0: nowhere
    uint32_t index;      // of the item that was read last
    struct buffer folded;
};

struct registry_key {
    struct registry *registry;
    int64_t id;
    unsigned references;
    char *path;
    struct registry_memory { // what is remembered of it, NULL: nothing yet
        struct registry_cursor keys, values;
        uint64_t info_generation;
        struct registry_info info;
    } * memory;
};

// A key on the way.
struct registry_place {
    int64_t id;
    struct buffer path;
};

// ---- registry_sql.c: statements and transactions ------------------------------------------------

// The statement, ready to be bound. It is to be reset after use, at the latest by its next use.
sqlite3_stmt *registry_sql(struct registry *r, enum registry_statement which);
// Runs a statement that returns no row, and resets it.
uint32_t registry_sql_run(sqlite3_stmt *statement);
// Runs a statement to its first row: 0, `none` where there is no row, or an error. The caller
// resets it when it is 0.
uint32_t registry_sql_row(sqlite3_stmt *statement, uint32_t none);
void registry_bind_text(sqlite3_stmt *statement, int index, const char *text, size_t size);
void registry_bind_view(sqlite3_stmt *statement, int index, cmrp_view view);
// Binds the folded text; valid until the next call.
void registry_bind_folded(struct registry *r, sqlite3_stmt *statement, int index, const char *text);
cmrp_view registry_column(sqlite3_stmt *statement, int index);

// One change. Every start that returned 0 is followed by an end with the status so far, which
// commits when it is 0 and undoes otherwise. Returns what the change has come to.
uint32_t registry_change_start(struct registry *r);
uint32_t registry_change_end(struct registry *r, uint32_t status);
// Sets the key's time of change, once a transaction.
uint32_t registry_touch(struct registry *r, int64_t key);

// ---- registry_news.c ----------------------------------------------------------------------------

void registry_note(struct registry *r, enum registry_change change, const struct buffer *path,
                   const char *value);
void registry_tell(struct registry *r); // and forgets

// ---- registry_keys.c: below the functions of the header, inside a transaction -------------------

uint32_t registry_path_check(const struct registry *r, const char *base, const char *path);
void registry_place_set(struct registry_place *place, const struct registry_key *key);
// Goes down from `place` along a checked path. Where a level is missing, place is the last one that
// is there.
uint32_t registry_descend(struct registry *r, struct registry_place *place, const char *path);
// The same, and makes what is missing; *made: the last level was.
uint32_t registry_make(struct registry *r, struct registry_place *place, const char *path,
                       bool *made);
// Deletes the key with all below it.
uint32_t registry_prune(struct registry *r, struct registry_place *place);
uint32_t registry_there(struct registry *r, int64_t id); // 0 or REGISTRY_ERROR_KEY_DELETED

// ---- registry_info.c ----------------------------------------------------------------------------

// tell: the key was there before.
uint32_t registry_sd_put(struct registry *r, const struct registry_place *place, cmrp_view sd,
                         bool tell);

// ---- registry_values.c: the same ----------------------------------------------------------------

uint32_t registry_value_check(const struct registry *r, const char *name, cmrp_view data);
// The type and data of a value; *data is valid until the next statement, and to be done with by
// registry_value_done. No such value: REGISTRY_ERROR_FILE_NOT_FOUND.
uint32_t registry_value_look(struct registry *r, int64_t key, const char *name, uint32_t *type,
                             cmrp_view *data);
// The same, but data of another size than `size` is not read, however large: its pointer is NULL.
uint32_t registry_value_sized(struct registry *r, int64_t key, const char *name, size_t size,
                              uint32_t *type, cmrp_view *data);
void registry_value_done(struct registry *r);
uint32_t registry_value_put(struct registry *r, const struct registry_place *place,
                            const char *name, uint32_t type, cmrp_view data);
// A copy of the row's name, type and data, its first columns.
void registry_value_take(sqlite3_stmt *row, struct registry_value *out);
// *dropped: it was there.
uint32_t registry_value_drop(struct registry *r, const struct registry_place *place,
                             const char *name, bool *dropped);

// ---- registry_batch.c ---------------------------------------------------------------------------

// Appends a command, behind VersionNumber where `out` is empty.
void registry_put_command(struct buffer *out, uint32_t type, uint32_t value_type, cmrp_view name,
                          cmrp_view data);
// The name of a command as a text.
void registry_command_name(const cmrp_batch_command *c, struct buffer *out);

// ---- batch_port.c -------------------------------------------------------------------------------

// While a batch is executed: the keys that it touches; then the mirror for the ports that it has
// hit, or NULL when it has failed. lost: it was too large.
void batch_ports_touch(struct registry *r, int64_t key);
void batch_ports_deliver(struct registry *r, const struct buffer *mirror, bool lost);
void batch_ports_free(struct registry *r);

#endif
