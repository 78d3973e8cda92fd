// SPDX-License-Identifier: Apache-2.0
#include "cli/target.h"

#include <arpa/inet.h>
#include <string.h>

#include "util/buffer.h"

static bool read_port(const char *text, uint16_t *port) {
    uint64_t value;
    const bool ok = cli_read_number(text, 1, UINT16_MAX, &value);
    *port = (uint16_t)value;
    return ok;
}

enum outcome cli_take_syntax(const char *subcommand, const char *text, enum rpc_offer *offer) {
    *offer = strcmp(text, "ndr") == 0 ? RPC_OFFER_NDR : RPC_OFFER_NDR64;
    return *offer == RPC_OFFER_NDR || strcmp(text, "ndr64") == 0
               ? OUTCOME_OK
               : cli_usage(subcommand, "--syntax takes ndr or ndr64, not \"%.20s\"", text);
}

enum outcome cli_take_epmap(const char *subcommand, const char *text, uint16_t *port) {
    uint64_t value;
    const enum outcome outcome =
        cli_take_number(subcommand, "--epmap-port", text, 1, UINT16_MAX, &value);
    *port = (uint16_t)value;
    return outcome;
}

static bool is_ipv6(const char *text) {
    struct in6_addr address;
    char bare[INET6_ADDRSTRLEN];
    const size_t size = strcspn(text, "%"); // a zone may follow
    if (size >= sizeof bare) {
        return false;
    }
    memcpy(bare, text, size);
    bare[size] = '\0';
    return inet_pton(AF_INET6, bare, &address) == 1;
}

bool cli_read_target(const char *text, char **host, uint16_t *port) {
    const char *close = *text == '[' ? strchr(text, ']') : NULL;
    const char *colon = strchr(close != NULL ? close : text, ':');
    const bool bare = close == NULL && colon != NULL && strchr(colon + 1, ':') != NULL;
    const char *start = close != NULL ? text + 1 : text;
    const char *end = close != NULL ? close : text + strlen(text);
    *port = 0;
    if (*text == '[' && (close == NULL || (close[1] != '\0' && close[1] != ':'))) {
        return false;
    }
    if (colon != NULL && !bare) {
        end = close != NULL ? close : colon;
        if (!read_port(colon + 1, port)) {
            return false;
        }
    }
    if (end == start || (bare && !is_ipv6(text))) {
        return false; // ::1:49664 is ambiguous at best: [::1]:49664
    }
    *host = util_format("%.*s", (int)(end - start), start);
    return true;
}
