// SPDX-License-Identifier: Apache-2.0
#include "faulty_disk.h"

#include <sqlite3.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

static sqlite3_vfs *real;
static int countdown = -1, failure, operations, syncs;
static bool stays, happened;

struct shim { // SQLite's part, then the real file behind it
    sqlite3_file base;
    sqlite3_file *file;
};

static sqlite3_file *file_of(sqlite3_file *f) {
    return ((struct shim *)f)->file;
}

// Whether this operation fails.
static bool fails(void) {
    operations++;
    if (countdown < 0 || countdown-- > 0) {
        return false;
    }
    countdown = stays ? 0 : -1;
    happened = true;
    return true;
}

static int shim_close(sqlite3_file *f) {
    return file_of(f)->pMethods != NULL ? file_of(f)->pMethods->xClose(file_of(f)) : SQLITE_OK;
}
static int shim_read(sqlite3_file *f, void *data, int size, sqlite3_int64 at) {
    return file_of(f)->pMethods->xRead(file_of(f), data, size, at);
}
static int shim_write(sqlite3_file *f, const void *data, int size, sqlite3_int64 at) {
    if (fails()) {
        (void)file_of(f)->pMethods->xWrite(file_of(f), data, size / 2, at);
        return failure;
    }
    return file_of(f)->pMethods->xWrite(file_of(f), data, size, at);
}
static int shim_truncate(sqlite3_file *f, sqlite3_int64 size) {
    return fails() ? failure : file_of(f)->pMethods->xTruncate(file_of(f), size);
}
static int shim_sync(sqlite3_file *f, int flags) {
    syncs++;
    return fails() ? failure : file_of(f)->pMethods->xSync(file_of(f), flags);
}
static int shim_size(sqlite3_file *f, sqlite3_int64 *size) {
    return file_of(f)->pMethods->xFileSize(file_of(f), size);
}
static int shim_lock(sqlite3_file *f, int level) {
    return file_of(f)->pMethods->xLock(file_of(f), level);
}
static int shim_unlock(sqlite3_file *f, int level) {
    return file_of(f)->pMethods->xUnlock(file_of(f), level);
}
static int shim_reserved(sqlite3_file *f, int *reserved) {
    return file_of(f)->pMethods->xCheckReservedLock(file_of(f), reserved);
}
static int shim_control(sqlite3_file *f, int operation, void *argument) {
    return file_of(f)->pMethods->xFileControl(file_of(f), operation, argument);
}
static int shim_sector(sqlite3_file *f) {
    return file_of(f)->pMethods->xSectorSize(file_of(f));
}
static int shim_device(sqlite3_file *f) {
    return file_of(f)->pMethods->xDeviceCharacteristics(file_of(f));
}

static const sqlite3_io_methods methods = {
    .iVersion = 1,
    .xClose = shim_close,
    .xRead = shim_read,
    .xWrite = shim_write,
    .xTruncate = shim_truncate,
    .xSync = shim_sync,
    .xFileSize = shim_size,
    .xLock = shim_lock,
    .xUnlock = shim_unlock,
    .xCheckReservedLock = shim_reserved,
    .xFileControl = shim_control,
    .xSectorSize = shim_sector,
    .xDeviceCharacteristics = shim_device,
};

static int shim_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags, int *out) {
    struct shim *shim = (struct shim *)f;
    (void)vfs;
    shim->file = (sqlite3_file *)(shim + 1);
    shim->file->pMethods = NULL;
    const int result = real->xOpen(real, name, shim->file, flags, out);
    shim->base.pMethods = result == SQLITE_OK ? &methods : NULL;
    return result;
}

void faulty_disk_install(void) {
    static sqlite3_vfs shim;
    real = sqlite3_vfs_find(NULL);
    shim = *real;
    shim.zName = "faulty";
    shim.szOsFile += (int)sizeof(struct shim);
    shim.xOpen = shim_open;
    if (sqlite3_vfs_register(&shim, 1) != SQLITE_OK) {
        abort();
    }
}

void faulty_disk_fail(int after, int code, bool lasting) {
    countdown = after;
    failure = code;
    stays = lasting;
    happened = false;
    operations = 0;
    syncs = 0;
}

void faulty_disk_mend(void) {
    countdown = -1;
    happened = false;
    operations = 0;
    syncs = 0;
}

int faulty_disk_count(void) {
    return operations;
}

int faulty_disk_syncs(void) {
    return syncs;
}

bool faulty_disk_failed(void) {
    return happened;
}
