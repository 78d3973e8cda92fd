// SPDX-License-Identifier: Apache-2.0
// Opening and closing.
//
// A file is kept in write-ahead mode, synchronous FULL: a transaction is one append and one fsync,
// so that it survives a loss of power, and what was cut off is not taken for one. It is locked
// exclusively from the first read on, by a lock that ends with the process.
#include <stdlib.h>

#include "cluster/registry_state.h"

enum {
    APPLICATION = 0x434d5250, // "CMRP"
    FORMAT = 1,
};

static const char tables[] =
    "CREATE TABLE state (epoch INTEGER NOT NULL, used INTEGER NOT NULL);"
    "CREATE TABLE keys (id INTEGER PRIMARY KEY AUTOINCREMENT, parent INTEGER NOT NULL,"
    " folded TEXT NOT NULL, name TEXT NOT NULL, units INTEGER NOT NULL, written INTEGER NOT NULL,"
    " sd BLOB, UNIQUE (parent, folded));"
    "CREATE TABLE vals (key INTEGER NOT NULL, folded TEXT NOT NULL, name TEXT NOT NULL,"
    " units INTEGER NOT NULL, type INTEGER NOT NULL, data BLOB NOT NULL,"
    " UNIQUE (key, folded));"
    "INSERT INTO state VALUES (0, 0);"
    "INSERT INTO keys VALUES (1, 0, '', '', 0, 0, NULL);";

static const struct registry_limits defaults = {
    .value_octets = 16 << 20,
    .name_units = 255,
    .value_units = 16383,
    .depth = 512,
    .path_units = 4096,
    .octets = UINT64_C(1) << 30,
    .news_octets = 256 << 20,
    .answer_octets = 30 << 20,
    .port_count = 10000,
    .port_octets = 64 << 20,
    .all_port_octets = 256 << 20,
};

static void take_limits(struct registry *r, const struct registry_limits *limits) {
    r->limits = defaults;
    if (limits != NULL) {
#define LIMIT(name) r->limits.name = limits->name != 0 ? limits->name : defaults.name
        LIMIT(value_octets);
        LIMIT(name_units);
        LIMIT(value_units);
        LIMIT(depth);
        LIMIT(path_units);
        LIMIT(octets);
        LIMIT(news_octets);
        LIMIT(answer_octets);
        LIMIT(port_count);
        LIMIT(port_octets);
        LIMIT(all_port_octets);
#undef LIMIT
    }
}

// ---- the database -------------------------------------------------------------------------------

// A step of opening: what went wrong in *error, and false.
static bool failed(struct registry *r, const char *path, const char *what, char **error) {
    if (*error == NULL) {
        *error = util_format("%s: %s (%s)", path != NULL ? path : "registry", what,
                             sqlite3_errmsg(r->db));
    }
    return false;
}

static bool refuse(const char *path, const char *why, char **error) {
    *error = util_format("%s: %s", path, why);
    return false;
}

static bool execute(struct registry *r, const char *sql) {
    return sqlite3_exec(r->db, sql, NULL, NULL, NULL) == SQLITE_OK;
}

// The first column of the first row, as a number or as text (free() it).
static bool ask(struct registry *r, const char *sql, int64_t *number, char **text) {
    sqlite3_stmt *s = NULL;
    bool ok = sqlite3_prepare_v2(r->db, sql, -1, &s, NULL) == SQLITE_OK;
    ok = ok && sqlite3_step(s) == SQLITE_ROW;
    if (ok && number != NULL) {
        *number = sqlite3_column_int64(s, 0);
    }
    if (ok && text != NULL) {
        const char *found = (const char *)sqlite3_column_text(s, 0);
        *text = util_strdup(found != NULL ? found : "");
    }
    sqlite3_finalize(s);
    return ok;
}

// What a file that is there cannot be opened for.
static bool unreadable(struct registry *r, const char *path, char **error) {
    switch (sqlite3_errcode(r->db)) {
    case SQLITE_BUSY: return refuse(path, "in use by another process", error);
    case SQLITE_NOTADB: return refuse(path, "not a state file (no SQLite database)", error);
    case SQLITE_CORRUPT: return failed(r, path, "damaged", error);
    default: return failed(r, path, "cannot be read", error);
    }
}

static bool create(struct registry *r, const char *path, char **error) {
    char *sql = util_format("BEGIN EXCLUSIVE; PRAGMA application_id = %d; PRAGMA user_version = %d;"
                            "%s COMMIT;",
                            APPLICATION, FORMAT, tables);
    const bool ok = execute(r, sql);
    free(sql);
    if (!ok) {
        return sqlite3_errcode(r->db) == SQLITE_BUSY
                   ? refuse(path, "in use by another process", error)
                   : failed(r, path, "cannot be made", error);
    }
    return true;
}

// Reads, which takes the lock, before it writes anything into what may be somebody else's.
static bool identify(struct registry *r, const char *path, bool *is_new, char **error) {
    int64_t application, version, items;
    if (!ask(r, "PRAGMA application_id", &application, NULL) ||
        !ask(r, "PRAGMA user_version", &version, NULL) ||
        !ask(r, "SELECT count(*) FROM sqlite_schema", &items, NULL)) {
        return unreadable(r, path, error);
    }
    *is_new = application == 0 && version == 0 && items == 0;
    if (*is_new) {
        return true;
    }
    if (application != APPLICATION) {
        return refuse(path, "not a state file (an SQLite database of another program)", error);
    }
    if (version != FORMAT) {
        *error = util_format("%s: a state file of format %lld; this program knows format %d", path,
                             (long long)version, FORMAT);
        return false;
    }
    return true;
}

// Whether it is empty or begins as a database does. SQLite takes a few odd octets for a new one.
// The file is read by SQLite's own handle, because closing another one would end its locks.
static bool begins_well(struct registry *r) {
    static const char magic[16] = "SQLite format 3";
    char head[sizeof magic];
    sqlite3_file *file = NULL;
    sqlite3_int64 size = 0;
    if (sqlite3_file_control(r->db, "main", SQLITE_FCNTL_FILE_POINTER, &file) != SQLITE_OK ||
        file->pMethods->xFileSize(file, &size) != SQLITE_OK) {
        return false;
    }
    return size == 0 || (size >= (sqlite3_int64)sizeof head &&
                         file->pMethods->xRead(file, head, sizeof head, 0) == SQLITE_OK &&
                         memcmp(head, magic, sizeof head) == 0);
}

static bool open_file(struct registry *r, const char *path, char **error) {
    bool is_new = false;
    if (sqlite3_db_readonly(r->db, "main") != 0) {
        return refuse(path, "cannot be written", error);
    }
    if (!begins_well(r)) {
        return refuse(path, "not a state file (no SQLite database)", error);
    }
    if (!execute(r, "PRAGMA locking_mode = EXCLUSIVE")) {
        return unreadable(r, path, error);
    }
    if (!identify(r, path, &is_new, error)) {
        return false;
    }
    char *mode = NULL;
    const bool logged = ask(r, "PRAGMA journal_mode = WAL", NULL, &mode);
    const bool is_wal = logged && strcmp(mode, "wal") == 0;
    free(mode);
    if (!is_wal) {
        return logged ? refuse(path, "cannot be written", error) : unreadable(r, path, error);
    }
    if (!execute(r, "PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 67108864;"
                    "PRAGMA cache_size = -16384")) {
        return unreadable(r, path, error);
    }
    return !is_new || create(r, path, error);
}

// Whether what was read is whole and nothing but ours.
static bool check_file(struct registry *r, const char *path, char **error) {
    char *found = NULL;
    int64_t items = 0;
    if (!ask(r, "PRAGMA quick_check(1)", NULL, &found)) {
        return unreadable(r, path, error);
    }
    if (strcmp(found, "ok") != 0) {
        *error = util_format("%s: damaged (%s)", path, found);
        free(found);
        return false;
    }
    free(found);
    if (!ask(r,
             "SELECT count(*) FROM sqlite_schema WHERE type NOT IN ('table', 'index') OR"
             " tbl_name NOT IN ('state', 'keys', 'vals', 'sqlite_sequence') OR"
             " (SELECT count(*) FROM state) <> 1 OR"
             " NOT EXISTS (SELECT 1 FROM keys WHERE id = 1 AND parent = 0)",
             &items, NULL) ||
        items != 0) {
        return refuse(path, "damaged (its tables are not those of a state file)", error);
    }
    return true;
}

// A file that is larger already stays as large.
static bool bound(struct registry *r) {
    int64_t page;
    if (!ask(r, "PRAGMA page_size", &page, NULL) || page <= 0) {
        return false;
    }
    const uint64_t pages = r->limits.octets / (uint64_t)page + 1;
    const uint64_t most = UINT32_MAX - 1; // of SQLite
    char *sql = util_format("PRAGMA max_page_count = %llu",
                            (unsigned long long)(pages < most ? pages : most));
    const bool ok = execute(r, sql);
    free(sql);
    return ok;
}

static bool prepare(struct registry *r, const char *path, char **error) {
    static const char *const sql[] = {
#define REGISTRY_SQL(name, text) text,
        REGISTRY_STATEMENTS(REGISTRY_SQL)
#undef REGISTRY_SQL
    };
    for (size_t i = 0; i < SQL_COUNT; i++) {
        if (sqlite3_prepare_v3(r->db, sql[i], -1, SQLITE_PREPARE_PERSISTENT, &r->statements[i],
                               NULL) != SQLITE_OK) {
            return failed(r, path, "damaged", error);
        }
    }
    int64_t used;
    if (!bound(r) || !ask(r, "SELECT max(seq) + 1 FROM sqlite_sequence", &r->next_id, NULL) ||
        !ask(r, "SELECT used FROM state", &used, NULL)) {
        return failed(r, path, "damaged", error);
    }
    r->used = r->used_saved = used != 0;
    return true;
}

static bool open_database(struct registry *r, const char *path, char **error) {
    // Neither a URI nor one of the names that mean something else to SQLite.
    char *plain = path == NULL     ? util_strdup(":memory:")
                  : path[0] == '/' ? util_strdup(path)
                                   : util_format("./%s", path);
    const int result = sqlite3_open_v2(
        plain, &r->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
    free(plain);
    if (result != SQLITE_OK) {
        return failed(r, path, "cannot be opened", error);
    }
    sqlite3_db_config(r->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(r->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    if (path == NULL) {
        return create(r, path, error) && prepare(r, path, error);
    }
    return open_file(r, path, error) && check_file(r, path, error) && prepare(r, path, error);
}

// ---- life ---------------------------------------------------------------------------------------

struct registry *registry_open(const char *path, const struct registry_limits *limits,
                               const struct registry_listener *listener, char **error) {
    struct registry *r = util_alloc(sizeof *r);
    *error = NULL;
    take_limits(r, limits);
    if (listener != NULL) {
        r->listener = *listener;
    }
    r->in_file = path != NULL;
    r->generation = r->keys_generation = 1;
    r->news.last_path = SIZE_MAX;
    if (!open_database(r, path, error)) {
        registry_close(r);
        return NULL;
    }
    return r;
}

void registry_close(struct registry *r) {
    if (r == NULL) {
        return;
    }
    registry_abort(r);
    for (size_t i = 0; i < SQL_COUNT; i++) {
        sqlite3_finalize(r->statements[i]);
    }
    sqlite3_close(r->db);
    batch_ports_free(r);
    free(r->news.lines);
    buffer_free(&r->news.text);
    buffer_free(&r->folded);
    free(r);
}
