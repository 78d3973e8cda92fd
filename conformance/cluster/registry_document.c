// SPDX-License-Identifier: Apache-2.0
// A text beside the keys: the unnamed value of a key that does not exist, number 0.
#include <stdlib.h>

#include "cluster/registry_state.h"

enum { NO_KEY = 0, TYPE_BINARY = 3 };

uint32_t registry_document_set(struct registry *r, const char *text) {
    uint32_t status = registry_change_start(r);
    if (status != 0) {
        return status;
    }
    sqlite3_stmt *s = registry_sql(r, SQL_VALUE_SET);
    sqlite3_bind_int64(s, 1, NO_KEY);
    registry_bind_folded(r, s, 2, "");
    registry_bind_text(s, 3, "", 0);
    sqlite3_bind_int64(s, 4, 0);
    sqlite3_bind_int64(s, 5, TYPE_BINARY);
    registry_bind_view(s, 6, (cmrp_view){(const uint8_t *)text, strlen(text)});
    status = registry_sql_run(s);
    return registry_change_end(r, status);
}

uint32_t registry_document_get(struct registry *r, char **text) {
    uint32_t type;
    cmrp_view data;
    *text = NULL;
    const uint32_t status = registry_value_look(r, NO_KEY, "", &type, &data);
    if (status == 0) {
        *text = util_alloc(data.size + 1);
        memcpy(*text, data.data, data.size);
        registry_value_done(r);
    }
    return status == REGISTRY_ERROR_FILE_NOT_FOUND ? 0 : status;
}
