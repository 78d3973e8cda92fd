// SPDX-License-Identifier: Apache-2.0
// Statements and transactions.
#include <time.h>

#include "cluster/registry_state.h"
#include "util/text.h"

// ---- statements ---------------------------------------------------------------------------------

sqlite3_stmt *registry_sql(struct registry *r, enum registry_statement which) {
    sqlite3_reset(r->statements[which]);
    return r->statements[which];
}

// The Win32 code of an SQLite result that is neither ROW nor DONE nor OK.
static uint32_t sql_error(int result) {
    switch (result & 0xff) {
    case SQLITE_FULL: return REGISTRY_ERROR_DISK_FULL;
    case SQLITE_NOMEM: return REGISTRY_ERROR_OUT_OF_MEMORY;
    case SQLITE_TOOBIG: return REGISTRY_ERROR_TOO_LARGE;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return REGISTRY_ERROR_CORRUPT;
    default: return REGISTRY_ERROR_WRITE_FAULT;
    }
}

uint32_t registry_sql_row(sqlite3_stmt *statement, uint32_t none) {
    const int result = sqlite3_step(statement);
    if (result == SQLITE_ROW) {
        return 0;
    }
    sqlite3_reset(statement);
    return result == SQLITE_DONE ? none : sql_error(result);
}

uint32_t registry_sql_run(sqlite3_stmt *statement) {
    const int result = sqlite3_step(statement);
    sqlite3_reset(statement);
    return result == SQLITE_DONE ? 0 : sql_error(result);
}

void registry_bind_text(sqlite3_stmt *statement, int index, const char *text, size_t size) {
    sqlite3_bind_text64(statement, index, text, size, SQLITE_STATIC, SQLITE_UTF8);
}

void registry_bind_view(sqlite3_stmt *statement, int index, cmrp_view view) {
    // No pointer would be NULL and not an empty blob.
    sqlite3_bind_blob64(statement, index, view.size > 0 ? (const void *)view.data : "", view.size,
                        SQLITE_STATIC);
}

void registry_bind_folded(struct registry *r, sqlite3_stmt *statement, int index,
                          const char *text) {
    buffer_clear(&r->folded);
    text_fold(&r->folded, text, strlen(text));
    registry_bind_text(statement, index, buffer_text(&r->folded), r->folded.size);
}

cmrp_view registry_column(sqlite3_stmt *statement, int index) {
    const uint8_t *data = sqlite3_column_blob(statement, index);
    return (cmrp_view){data, (size_t)sqlite3_column_bytes(statement, index)};
}

// ---- transactions -------------------------------------------------------------------------------

static uint64_t filetime(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return UINT64_C(116444736000000000) + (uint64_t)now.tv_sec * 10000000 +
           (uint64_t)now.tv_nsec / 100;
}

static uint32_t run(struct registry *r, enum registry_statement which) {
    return registry_sql_run(registry_sql(r, which));
}

// A commit whose fsync failed is undone here, but its pages may lie in the log as a whole
// transaction, which recovery after a crash would take for one. A small transaction in its place
// makes an end of that; until it succeeds nothing is changed.
static uint32_t settle(struct registry *r) {
    uint32_t status = 0;
    if (r->doubtful) {
        status = run(r, SQL_BEGIN);
        status = status == 0 ? run(r, SQL_EPOCH) : status;
        status = status == 0 ? run(r, SQL_COMMIT) : status;
        r->doubtful = status != 0;
        if (!sqlite3_get_autocommit(r->db)) {
            (void)run(r, SQL_ROLLBACK);
        }
    }
    return status;
}

static void forget_news(struct registry *r, size_t from) {
    r->news_lost = false;
    r->news.count = from;
    r->news.last_path = SIZE_MAX;
    if (from == 0) {
        buffer_clear(&r->news.text);
    }
}

static void undo(struct registry *r) {
    if (!sqlite3_get_autocommit(r->db)) {
        (void)run(r, SQL_ROLLBACK);
    }
    r->used = r->used_saved;
    r->keys_generation++;
    forget_news(r, 0);
}

// Whether the file is not where it was opened: what is written into it, no other server will find.
static bool has_moved(struct registry *r) {
    int moved = 0;
    return r->in_file &&
           sqlite3_file_control(r->db, "main", SQLITE_FCNTL_HAS_MOVED, &moved) == SQLITE_OK &&
           moved != 0;
}

static uint32_t commit(struct registry *r) {
    if (has_moved(r)) {
        undo(r);
        return REGISTRY_ERROR_WRITE_FAULT;
    }
    const uint32_t status = run(r, SQL_COMMIT);
    if (status != 0) {
        undo(r);
        r->doubtful = r->in_file;
        (void)settle(r);
        return status;
    }
    r->used_saved = r->used;
    return 0;
}

// What a change has come to; says so where nothing can be written.
static uint32_t outcome(struct registry *r, uint32_t status) {
    const char *why = status == REGISTRY_ERROR_DISK_FULL     ? "no room is left"
                      : status == REGISTRY_ERROR_WRITE_FAULT ? "the file cannot be written, or was "
                                                               "moved"
                      : status == REGISTRY_ERROR_CORRUPT     ? "the file is damaged"
                                                             : NULL;
    if (why != NULL && !r->troubled && r->listener.troubled != NULL) {
        r->listener.troubled(r->listener.context, why);
    }
    r->troubled = why != NULL || (r->troubled && status != 0);
    return status;
}

static uint32_t start(struct registry *r, enum registry_statement how) {
    r->now = filetime();
    r->touched = 0;
    return run(r, how);
}

uint32_t registry_change_start(struct registry *r) {
    if (r->outer) {
        r->news_saved = r->news.count;
        return r->outer_lost != 0 ? r->outer_lost : start(r, SQL_SAVE);
    }
    const uint32_t status = settle(r);
    return status == 0 ? start(r, SQL_BEGIN) : outcome(r, status);
}

// The end of a change within an outer transaction.
static uint32_t end_inner(struct registry *r, uint32_t status) {
    if (sqlite3_get_autocommit(r->db)) { // SQLite has undone all of it
        r->outer_lost = status != 0 ? status : REGISTRY_ERROR_WRITE_FAULT;
        undo(r);
        return r->outer_lost;
    }
    if (status != 0) {
        (void)run(r, SQL_SAVE_BACK);
        r->keys_generation++;
        r->used = r->used_saved; // it is set once more where that was not undone
        forget_news(r, r->news_saved);
    }
    const uint32_t end = run(r, SQL_SAVE_END);
    return status != 0 ? status : end;
}

uint32_t registry_change_end(struct registry *r, uint32_t status) {
    r->generation++;
    status = status == 0 && r->news_lost ? REGISTRY_ERROR_TOO_LARGE : status;
    if (r->outer) {
        return end_inner(r, status);
    }
    if (status != 0) {
        undo(r);
        return outcome(r, status);
    }
    return outcome(r, commit(r));
}

uint32_t registry_touch(struct registry *r, int64_t key) {
    if (!r->used) {
        const uint32_t status = run(r, SQL_USED);
        if (status != 0) {
            return status;
        }
        r->used = true;
    }
    if (r->touched == key) {
        return 0;
    }
    sqlite3_stmt *s = registry_sql(r, SQL_KEY_TOUCH);
    sqlite3_bind_int64(s, 1, key);
    sqlite3_bind_int64(s, 2, (sqlite3_int64)r->now);
    const uint32_t status = registry_sql_run(s);
    r->touched = status == 0 ? key : 0;
    return status;
}

uint32_t registry_begin(struct registry *r) {
    if (r->outer) {
        return REGISTRY_ERROR_INVALID_PARAMETER;
    }
    uint32_t status = settle(r);
    status = status == 0 ? start(r, SQL_BEGIN) : status;
    r->outer = status == 0;
    r->outer_lost = 0;
    return status;
}

uint32_t registry_commit(struct registry *r) {
    if (!r->outer) {
        return REGISTRY_ERROR_INVALID_PARAMETER;
    }
    r->outer = false;
    r->generation++;
    const uint32_t status = outcome(r, r->outer_lost != 0 ? r->outer_lost : commit(r));
    if (status == 0) {
        registry_tell(r);
    }
    return status;
}

void registry_abort(struct registry *r) {
    if (r->outer) {
        r->outer = false;
        r->generation++;
        undo(r);
    }
}

bool registry_used(const struct registry *r) {
    return r->used;
}
