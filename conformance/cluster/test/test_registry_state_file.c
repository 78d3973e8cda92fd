// SPDX-License-Identifier: Apache-2.0
// A registry in a file: what stays, what is refused, what a crash and a failing disk leave.
#include "registry_support.h"

#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "faulty_disk.h"

enum { SET = CMRP_CLUSREG_SET_VALUE, CREATE = CMRP_CLUSREG_CREATE_KEY };

// The path of a file that is not there yet.
static char *fresh(void) {
    static int number;
    char *name = util_format("state%d", number++);
    char *path = temporary(name);
    free(name);
    return path;
}

static void copy_file(const char *from, const char *to, const char *suffix) {
    char *command = util_format("rm -f '%s%s'; test ! -e '%s%s' || cp '%s%s' '%s%s'", to, suffix,
                                from, suffix, from, suffix, to, suffix);
    assert_int_equal(system(command), 0);
    free(command);
}

// The file as it is now, while it is open, as a loss of power might leave it.
static char *snapshot(const char *path) {
    char *copy = fresh();
    copy_file(path, copy, "");
    copy_file(path, copy, "-wal");
    return copy;
}

static void fill(struct fixture *f) {
    struct registry_key *key = make_key(f->root, "Groups\\g1\xed\xa0\x80");
    struct registry_key *gone = make_key(f->root, "gone");
    set_text(key, "Name", "first");
    set_text(key, "", "unnamed");
    assert_int_equal(registry_security_set(key, view_of("sd")), 0);
    assert_int_equal(registry_key_delete(f->root, "gone"), 0);
    registry_key_release(key);
    registry_key_release(gone);
}

static void what_was_written_is_there(void **state) {
    (void)state;
    struct fixture f;
    char *path = fresh();
    fixture_open(&f, path, NULL);
    assert_false(registry_used(f.registry));
    fill(&f);
    assert_true(registry_used(f.registry));
    char *before = dump(f.root);
    fixture_close(&f);
    fixture_open(&f, path, NULL);
    assert_true(registry_used(f.registry));
    char *after = dump(f.root);
    assert_string_equal(after, before);
    free(after);

    // Numbers go on where they stopped.
    struct registry_key *first = make_key(f.root, "first");
    assert_int_equal(registry_key_delete(f.root, "first"), 0);
    registry_key_release(make_key(f.root, "second"));
    assert_int_equal(registry_key_check(first), REGISTRY_ERROR_KEY_DELETED);
    registry_key_release(first);
    fixture_close(&f);
    free(before);
    free(path);
}

static void a_new_file_that_was_not_used(void **state) {
    (void)state;
    struct fixture f;
    char *path = fresh();
    fixture_open(&f, path, NULL);
    fixture_close(&f);
    fixture_open(&f, path, NULL);
    assert_false(registry_used(f.registry));
    fixture_close(&f);
    assert_int_equal(truncate(path, 0), 0); // an empty file is a new one
    fixture_open(&f, path, NULL);
    fill(&f);
    fixture_close(&f);
    free(path);
}

// ---- what is refused ----------------------------------------------------------------------------

static void assert_refused(const char *path, const char *why) {
    char *error;
    struct registry *r = registry_open(path, NULL, NULL, &error);
    if (r != NULL) {
        fail_msg("%s is not refused (%s)", path, why);
    }
    assert_non_null(error);
    assert_memory_equal(error, path, strlen(path));
    if (strstr(error, why) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", error, why);
    }
    free(error);
}

static void write_file(const char *path, const void *data, size_t size) {
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static void no_database(void **state) {
    (void)state;
    static const size_t sizes[] = {2, 15, 16, 99, 100, 511, 512, 1024, 4096, 10000};
    char *path = fresh();
    char text[10000];
    for (size_t i = 0; i < sizeof text; i++) {
        text[i] = (char)('a' + i * i % 26);
    }
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        write_file(path, text, sizes[i]);
        assert_refused(path, "not a state file");
        struct stat status; // and is left as it is
        assert_int_equal(stat(path, &status), 0);
        assert_int_equal(status.st_size, sizes[i]);
    }
    free(path);
    path = temporary("");
    assert_refused(path, "cannot be opened"); // a directory
    free(path);
    path = temporary("none/state");
    assert_refused(path, "cannot be opened");
    free(path);
}

static void run_sql(const char *path, const char *sql) {
    sqlite3 *db;
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, "unix"),
                     SQLITE_OK);
    char *message = NULL;
    if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK) {
        fail_msg("%s", message);
    }
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void a_database_of_others(void **state) {
    (void)state;
    static const struct {
        const char *sql, *why;
    } cases[] = {
        {"CREATE TABLE t (a)", "of another program"},
        {"PRAGMA user_version = 1", "of another program"},
        {"PRAGMA application_id = 1129140816; PRAGMA user_version = 1",
         "not those of a state file"},
        {"PRAGMA application_id = 17", "of another program"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *path = fresh();
        run_sql(path, cases[i].sql);
        assert_refused(path, cases[i].why);
        free(path);
    }
}

static void a_state_file_with_something_wrong(void **state) {
    (void)state;
    static const struct {
        const char *sql, *why;
    } cases[] = {
        {"PRAGMA user_version = 2", "format 2; this program knows format 1"},
        {"DROP TABLE vals", "not those of a state file"},
        {"DELETE FROM keys", "not those of a state file"},
        {"DELETE FROM state", "not those of a state file"},
        {"ALTER TABLE keys DROP COLUMN sd", "damaged"},
        {"CREATE TABLE more (a)", "not those of a state file"},
        {"CREATE TRIGGER t AFTER INSERT ON vals BEGIN DELETE FROM keys; END",
         "not those of a state file"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fixture f;
        char *path = fresh();
        fixture_open(&f, path, NULL);
        fill(&f);
        fixture_close(&f);
        run_sql(path, cases[i].sql);
        if (strstr(cases[i].sql, "DROP TABLE vals") != NULL) {
            assert_refused(path, "damaged");
        } else {
            assert_refused(path, cases[i].why);
        }
        free(path);
    }
}

static void a_damaged_file(void **state) {
    (void)state;
    struct fixture f;
    struct stat status;
    char *path = fresh();
    fixture_open(&f, path, NULL);
    for (int i = 0; i < 2000; i++) {
        char name[32];
        snprintf(name, sizeof name, "value %d", i);
        struct batch b = {0};
        batch_text(&b, SET, name, "some data that takes its room");
        assert_batch(f.root, &b, 0, 0);
    }
    fixture_close(&f);
    assert_int_equal(stat(path, &status), 0);
    char *cut = fresh();
    copy_file(path, cut, "");
    assert_int_equal(truncate(cut, status.st_size / 2), 0);
    assert_refused(cut, "damaged");
    copy_file(path, cut, "");
    FILE *file = fopen(cut, "r+b");
    for (long at = 4096; at < status.st_size; at += 4096) {
        fseek(file, at, SEEK_SET);
        fputs("this is no page of a tree", file);
    }
    fclose(file);
    assert_refused(cut, "damaged");
    free(cut);
    free(path);
}

static void a_file_that_cannot_be_written(void **state) {
    (void)state;
    struct fixture f;
    char *path = fresh();
    char *directory = temporary("");
    fixture_open(&f, path, NULL);
    fixture_close(&f);
    assert_int_equal(chmod(path, 0444), 0);
    assert_int_equal(chmod(directory, 0755), 0);
    const bool root = geteuid() == 0;
    assert_int_equal(root ? seteuid(65534) : 0, 0);
    assert_refused(path, "cannot be written");
    assert_int_equal(root ? seteuid(0) : 0, 0);
    free(directory);
    free(path);
}

static void a_file_in_use(void **state) {
    (void)state;
    struct fixture f;
    char *path = fresh();
    fixture_open(&f, path, NULL);
    assert_refused(path, "in use"); // even before anything was written
    fill(&f);
    assert_refused(path, "in use");
    const pid_t child = fork();
    if (child == 0) {
        char *error;
        struct registry *r = registry_open(path, NULL, NULL, &error);
        _exit(r == NULL && strstr(error, "in use") != NULL ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    set_text(f.root, "v", "x"); // undisturbed
    fixture_close(&f);
    fixture_open(&f, path, NULL); // the lock has ended
    assert_value(f.root, "v", "x");
    fixture_close(&f);
    free(path);
}

static void paths_that_look_like_something_else(void **state) {
    (void)state;
    static const char *const names[] = {":memory:", "file:x?mode=memory", "file::memory:"};
    char *directory = temporary("");
    char *old = getcwd(NULL, 0);
    assert_int_equal(chdir(directory), 0);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct fixture f;
        fixture_open(&f, names[i], NULL);
        set_text(f.root, "v", "x");
        fixture_close(&f);
        assert_int_equal(access(names[i], F_OK), 0);
        fixture_open(&f, names[i], NULL);
        assert_value(f.root, "v", "x");
        fixture_close(&f);
    }
    assert_int_equal(chdir(old), 0);
    free(old);
    free(directory);
}

// ---- crashes ------------------------------------------------------------------------------------

enum { WIDTH = 40 }; // values that each batch sets, all to its number

static void put_batch(struct batch *b, uint32_t number) {
    char text[16], path[32];
    snprintf(text, sizeof text, "%u", number);
    snprintf(path, sizeof path, "log\\%u", number);
    for (int i = 0; i < WIDTH; i++) {
        char name[16];
        snprintf(name, sizeof name, "v%d", i);
        batch_text(b, SET, name, text);
    }
    batch_text(b, CREATE, path, NULL);
}

// The number of the last batch that is there, which must be there whole.
static uint32_t last_batch(struct fixture *f) {
    struct registry_value value;
    uint32_t last = 0;
    for (int i = 0; i < WIDTH; i++) {
        char name[16];
        snprintf(name, sizeof name, "v%d", i);
        const uint32_t status = registry_value_get(f->root, name, &value);
        assert_true(status == 0 || (status == REGISTRY_ERROR_FILE_NOT_FOUND && last == 0));
        uint32_t number = 0;
        for (size_t k = 0; status == 0 && k < value.size; k++) {
            number = 10 * number + (uint32_t)(value.data[k] - '0');
        }
        assert_true(i == 0 || number == last);
        last = number;
        if (status == 0) {
            registry_value_clear(&value);
        }
    }
    for (uint32_t number = 1; number <= last; number++) {
        char path[32];
        snprintf(path, sizeof path, "log\\%u", number);
        assert_open(f->root, path, 0);
    }
    char next[32];
    snprintf(next, sizeof next, "log\\%u", last + 1);
    assert_open(f->root, next, REGISTRY_ERROR_FILE_NOT_FOUND);
    return last;
}

static void execute_for_ever(const char *path, uint32_t number, int acknowledge) {
    char *error;
    struct registry_key *root;
    struct registry *r = registry_open(path, NULL, NULL, &error);
    registry_root(r, &root);
    for (;; number++) {
        struct batch b = {0};
        int32_t failed;
        put_batch(&b, number);
        if (registry_batch(root, buffer_view(&b.octets), &failed) != 0 ||
            write(acknowledge, &number, sizeof number) != sizeof number) {
            _exit(1);
        }
        buffer_free(&b.octets);
    }
}

static void killed_in_the_middle(void **state) {
    (void)state;
    enum { ROUNDS = 25 };
    char *path = fresh();
    uint64_t seed = 20261121;
    uint32_t acknowledged = 0;
    for (int round = 0; round < ROUNDS; round++) {
        int ends[2];
        assert_int_equal(pipe(ends), 0);
        const pid_t child = fork();
        if (child == 0) {
            close(ends[0]);
            execute_for_ever(path, acknowledged + 1, ends[1]);
        }
        close(ends[1]);
        const uint32_t wanted = acknowledged + 1 + draw(&seed, 20);
        uint32_t number = 0;
        while (acknowledged < wanted && read(ends[0], &number, sizeof number) == sizeof number) {
            acknowledged = number;
        }
        assert_int_equal(acknowledged, wanted);
        usleep(draw(&seed, 1000));
        kill(child, SIGKILL);
        assert_int_equal(waitpid(child, NULL, 0), child);
        while (read(ends[0], &number, sizeof number) == sizeof number) {
            acknowledged = number;
        }
        close(ends[0]);
        struct fixture f;
        fixture_open(&f, path, NULL);
        const uint32_t found = last_batch(&f);
        // The one that was under way may be there; its end was not told to anybody.
        assert_true(found == acknowledged || found == acknowledged + 1);
        acknowledged = found;
        fixture_close(&f);
    }
    free(path);
}

// A loss of power cannot be played here; but that the disk is told can be seen.
static void what_is_acknowledged_is_on_the_disk(void **state) {
    (void)state;
    struct fixture f;
    char *path = fresh();
    fixture_open(&f, path, NULL);
    for (uint32_t number = 1; number <= 5; number++) {
        struct batch b = {0};
        put_batch(&b, number);
        faulty_disk_mend();
        assert_batch(f.root, &b, 0, 0);
        assert_true(faulty_disk_syncs() >= 1);
        faulty_disk_mend();
        set_text(f.root, "w", "x");
        assert_true(faulty_disk_syncs() >= 1);
    }
    fixture_close(&f);
    free(path);
}

// ---- disks that fail ----------------------------------------------------------------------------

// A batch during which the operation number n fails, for every n: it is done, or nothing of it is;
// the same after a crash right behind it; and the registry goes on.
static void fail_everywhere(int code, uint32_t expected, bool lasting) {
    struct fixture f;
    char *path = fresh();
    fixture_open(&f, path, NULL);
    uint32_t number = 1;
    bool failed_once = false;
    for (int n = 0;; n++) {
        char *before = dump(f.root);
        struct batch b = {0};
        int32_t failed;
        put_batch(&b, number);
        buffer_clear(&f.news);
        faulty_disk_fail(n, code, lasting);
        const uint32_t status = registry_batch(f.root, buffer_view(&b.octets), &failed);
        buffer_free(&b.octets);
        const bool hit = faulty_disk_failed();
        char *crashed = snapshot(path);
        if (status != 0) {
            assert_true(hit);
            assert_int_equal(status, expected);
            assert_news(&f, "");
            char *after = dump(f.root);
            assert_string_equal(after, before);
            free(after);
            failed_once = true;
        } else {
            number++;
        }
        if (lasting && hit) { // everything that changes fails; everything that reads does not
            assert_int_equal(registry_value_set(f.root, "w", CMRP_REG_SZ, view_of("x")), expected);
            assert_value(f.root, "w", NULL);
        }
        faulty_disk_mend();
        struct fixture after_crash;
        fixture_open(&after_crash, crashed, NULL);
        const uint32_t found = last_batch(&after_crash);
        // With a disk that fails for good, what was refused may come back whole.
        assert_true(found == number - 1 || (lasting && status != 0 && found == number));
        fixture_close(&after_crash);
        free(crashed);
        assert_int_equal(last_batch(&f), number - 1);
        free(before);
        if (!hit) {
            break;
        }
        assert_true(n < 1000);
    }
    assert_true(failed_once);
    fixture_close(&f);
    fixture_open(&f, path, NULL);
    assert_int_equal(last_batch(&f), number - 1);
    fixture_close(&f);
    free(path);
}

static void a_full_disk(void **state) {
    (void)state;
    fail_everywhere(SQLITE_FULL, REGISTRY_ERROR_DISK_FULL, false);
    fail_everywhere(SQLITE_FULL, REGISTRY_ERROR_DISK_FULL, true);
}

static void a_failing_disk(void **state) {
    (void)state;
    fail_everywhere(SQLITE_IOERR_WRITE, REGISTRY_ERROR_WRITE_FAULT, false);
    fail_everywhere(SQLITE_IOERR_FSYNC, REGISTRY_ERROR_WRITE_FAULT, true);
}

// Why changes fail is told, once.
static void a_reason_is_told(void **state) {
    (void)state;
    struct fixture f;
    char *path = fresh();
    fixture_open(&f, path, NULL);
    for (int round = 0; round < 2; round++) {
        faulty_disk_fail(0, SQLITE_FULL, true);
        for (int i = 0; i < 3; i++) {
            assert_int_equal(registry_value_set(f.root, "w", CMRP_REG_SZ, view_of("x")),
                             REGISTRY_ERROR_DISK_FULL);
        }
        faulty_disk_mend();
        set_text(f.root, "w", "x");
    }
    assert_string_equal(buffer_text(&f.troubles), "no room is left\nno room is left\n");
    fixture_close(&f);
    free(path);
}

// Nothing is acknowledged that the next server would not find.
static void a_file_that_is_taken_away(void **state) {
    (void)state;
    struct fixture f;
    char *path = fresh();
    fixture_open(&f, path, NULL);
    set_text(f.root, "w", "x");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(registry_value_set(f.root, "w", CMRP_REG_SZ, view_of("y")),
                     REGISTRY_ERROR_WRITE_FAULT);
    assert_value(f.root, "w", "x");
    assert_string_equal(buffer_text(&f.troubles), "the file cannot be written, or was moved\n");
    fixture_close(&f);
    free(path);
}

static void a_disk_that_fails_during_many_changes(void **state) {
    (void)state;
    for (int n = 0; n < 8; n++) {
        struct fixture f;
        char *path = fresh();
        fixture_open(&f, path, NULL);
        assert_int_equal(registry_begin(f.registry), 0);
        registry_key_release(make_key(f.root, "a"));
        set_text(f.root, "v", "x");
        faulty_disk_fail(n, SQLITE_FULL, false);
        const uint32_t status = registry_commit(f.registry);
        faulty_disk_mend();
        if (status != 0) {
            assert_int_equal(status, REGISTRY_ERROR_DISK_FULL);
            assert_open(f.root, "a", REGISTRY_ERROR_FILE_NOT_FOUND);
            assert_value(f.root, "v", NULL);
            assert_false(registry_used(f.registry));
            assert_news(&f, "");
        } else {
            assert_open(f.root, "a", 0);
            assert_true(n > 0);
        }
        set_text(f.root, "w", "x");
        fixture_close(&f);
        fixture_open(&f, path, NULL);
        assert_open(f.root, "a", status != 0 ? REGISTRY_ERROR_FILE_NOT_FOUND : 0);
        assert_value(f.root, "w", "x");
        fixture_close(&f);
        free(path);
    }
}

// The same by the kernel: no file may grow beyond a limit.
static void a_limit_of_the_system(void **state) {
    (void)state;
    struct fixture f;
    struct rlimit old, small;
    char *path = fresh();
    fixture_open(&f, path, NULL);
    set_text(f.root, "v", "before");
    char *before = dump(f.root);
    uint8_t *data = util_alloc(1 << 20);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    small = old;
    small.rlim_cur = 200000;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    const uint32_t status =
        registry_value_set(f.root, "large", CMRP_REG_BINARY, (cmrp_view){data, 1 << 20});
    const uint32_t then =
        registry_value_set(f.root, "small", CMRP_REG_BINARY, (cmrp_view){data, 1});
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_true(status == REGISTRY_ERROR_WRITE_FAULT || status == REGISTRY_ERROR_DISK_FULL);
    assert_int_equal(then, 0); // for that there is room
    assert_int_equal(registry_value_delete(f.root, "small"), 0);
    char *after = dump(f.root);
    assert_string_equal(after, before);
    assert_int_equal(
        registry_value_set(f.root, "large", CMRP_REG_BINARY, (cmrp_view){data, 1 << 20}), 0);
    free(after);
    free(before);
    free(data);
    fixture_close(&f);
    free(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_written_is_there),
        cmocka_unit_test(a_new_file_that_was_not_used),
        cmocka_unit_test(no_database),
        cmocka_unit_test(a_database_of_others),
        cmocka_unit_test(a_state_file_with_something_wrong),
        cmocka_unit_test(a_damaged_file),
        cmocka_unit_test(a_file_that_cannot_be_written),
        cmocka_unit_test(a_file_in_use),
        cmocka_unit_test(paths_that_look_like_something_else),
        cmocka_unit_test(killed_in_the_middle),
        cmocka_unit_test(what_is_acknowledged_is_on_the_disk),
        cmocka_unit_test(a_full_disk),
        cmocka_unit_test(a_failing_disk),
        cmocka_unit_test(a_reason_is_told),
        cmocka_unit_test(a_file_that_is_taken_away),
        cmocka_unit_test(a_disk_that_fails_during_many_changes),
        cmocka_unit_test(a_limit_of_the_system),
    };
    faulty_disk_install();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
