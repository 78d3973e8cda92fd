// SPDX-License-Identifier: Apache-2.0
// cmrp serve: the reference cluster on a port.
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/cli.h"
#include "serve/serve.h"
#include "util/file.h"
#include "util/text.h"

enum { LISTEN = 1000, PORT_FILE, EPMAP, STATE, SEED, CONTROL, LIMIT, LOG, UNAUTHENTICATED };

static const char help[] =
    "usage: cmrp serve [OPTION]...\n"
    "\n"
    "A cluster to develop against: serves protocol version 3 of the Failover Cluster Management\n"
    "API [MS-CMRP] over TCP, with a registry, groups, resources and nodes that exist in memory\n"
    "only, and notifications and batches about them. Nothing is authenticated or encrypted.\n"
    "\n"
    "The first line on standard output is `listening on ADDRESS:PORT`, the second, with --epmap,\n"
    "`endpoint mapper on ADDRESS:PORT`. SIGTERM or Ctrl-C ends the server: calls that wait are\n"
    "answered first. SIGUSR1 lets it tell what it holds.\n"
    "\n"
    "      --listen ADDRESS:PORT  where to serve (127.0.0.1:0); port 0 takes one that is free\n"
    "      --unauthenticated      allow addresses that other machines can reach\n"
    "      --port-file FILE       write the port to FILE once everything listens\n"
    "      --epmap ADDRESS:PORT   an endpoint mapper, too; without an argument at the same "
    "address\n"
    "                             and port 135, which needs privileges\n"
    "      --state FILE           keep everything in FILE, and take it up again from there: what\n"
    "                             was answered is there after a crash\n"
    "      --seed-cluster FILE    begin with the cluster in FILE, JSON (docs/serve.md)\n"
    "      --print-seed           print the cluster that is built in, and exit\n"
    "      --control SOCKET       be controlled by `cmrp ctl` through this Unix socket\n"
    "      --limit NAME=VALUE     change one of the limits below\n"
    "      --log FILE             append the log to FILE, not to standard error\n"
    "  -v, --verbose              log what comes of each call, too\n"
    "  -h, --help                 this text\n"
    "\n"
    "Limits, each with its default; what meets one is refused, and logged:\n";

static const char rest[] =
    "\n"
    "Exit codes: 0 ended by a signal or by `cmrp ctl stop`; 2 usage, or an unusable seed, state "
    "or\n"
    "log file; 3 an address or socket could not be had; 4 a second signal cut calls off.\n"
    "\n"
    "Example: cmrp serve --listen 127.0.0.1:49664 --control /tmp/cluster.sock\n";

static void print_help(void) {
    const struct serve_limit *limit;
    fputs(help, stdout);
    for (size_t i = 0; (limit = serve_limit_at(i)) != NULL; i++) {
        printf("  %-12s %10u  %s\n", limit->name, limit->standard, limit->about);
    }
    fputs(rest, stdout);
}

// ---- options ------------------------------------------------------------------------------------

struct options {
    struct serve_options serve;
    char *host, *epmap_host; // where the addresses of `serve` are kept
    bool epmap;
    bool unauthenticated;
    const char *log;
    FILE *log_file;
};

// "ADDRESS:PORT", "[ADDRESS]:PORT" or "PORT". *host: free() it; NULL where it is not named.
static bool read_address(const char *text, char **host, uint16_t *port) {
    const char *colon = strrchr(text, ':');
    const char *number = colon != NULL ? colon + 1 : text;
    uint64_t value;
    if (!cli_read_number(number, 0, UINT16_MAX, &value)) {
        return false;
    }
    const size_t size = colon != NULL ? (size_t)(colon - text) : 0;
    const bool brackets = size > 1 && text[0] == '[' && text[size - 1] == ']';
    *port = (uint16_t)value;
    free(*host);
    *host = colon == NULL ? NULL
                          : util_format("%.*s", (int)(brackets ? size - 2 : size),
                                        brackets ? text + 1 : text);
    return true;
}

static enum outcome set_limit(struct options *o, const char *text) {
    const size_t size = strcspn(text, "=");
    const struct serve_limit *limit = NULL;
    uint64_t value = 0;
    if (text[size] == '\0') {
        return cli_usage("serve", "--limit takes NAME=VALUE, not \"%.60s\"", text);
    }
    for (size_t i = 0; (limit = serve_limit_at(i)) != NULL; i++) {
        if (strlen(limit->name) == size && memcmp(limit->name, text, size) == 0) {
            break;
        }
    }
    if (limit == NULL) {
        return cli_usage("serve", "no limit \"%.*s\"", (int)(size < 60 ? size : 60), text);
    }
    return cli_read_number(text + size + 1, 1, limit->most, &value) &&
                   serve_limit_set(&o->serve, limit->name, value)
               ? OUTCOME_OK
               : cli_usage("serve", "limit %s: a number from 1 to %u is expected", limit->name,
                           limit->most);
}

static enum outcome set_address(const char *option, const char *text, char **host, uint16_t *port) {
    return read_address(text, host, port)
               ? OUTCOME_OK
               : cli_usage("serve", "%s takes ADDRESS:PORT, not \"%.80s\"", option, text);
}

static enum outcome take_option(int option, int argc, char **argv, struct options *o) {
    struct serve_options *s = &o->serve;
    switch (option) {
    case LISTEN: return set_address("--listen", optarg, &o->host, &s->listen.port);
    case UNAUTHENTICATED: o->unauthenticated = true; break;
    case PORT_FILE: s->port_file = optarg; break;
    case EPMAP:
        o->epmap = true;
        if (optarg == NULL && optind < argc && argv[optind][0] != '-') {
            optarg = argv[optind++]; // there are no operands: it can be nothing else
        }
        return optarg == NULL ? OUTCOME_OK
                              : set_address("--epmap", optarg, &o->epmap_host, &s->epmap.port);
    case STATE: s->cluster.state = optarg; break;
    case SEED: s->cluster.seed = optarg; break;
    case CONTROL: s->control = optarg; break;
    case LIMIT: return set_limit(o, optarg);
    case LOG: o->log = optarg; break;
    case 'v': s->verbose = true; break;
    default: return cli_usage("serve", "unusable option");
    }
    return OUTCOME_OK;
}

// An address must be one, and of this machine only unless the user says otherwise.
static enum outcome check_host(const struct options *o, const char *option, const char *host) {
    bool valid;
    const bool loopback = serve_is_loopback(host, &valid);
    if (!valid) {
        return cli_usage("serve", "%s: \"%.80s\" is no IPv4 or IPv6 address", option, host);
    }
    if (!loopback && !o->unauthenticated) {
        return cli_usage("serve",
                         "%s: %s can be reached by other machines, and nothing is authenticated: "
                         "--unauthenticated allows it",
                         option, host);
    }
    return OUTCOME_OK;
}

static enum outcome check_addresses(struct options *o) {
    struct serve_options *s = &o->serve;
    s->listen.host = o->host != NULL ? o->host : "127.0.0.1";
    enum outcome outcome = check_host(o, "--listen", s->listen.host);
    if (o->epmap && outcome == OUTCOME_OK) {
        s->epmap.host = o->epmap_host != NULL ? o->epmap_host : s->listen.host;
        outcome = check_host(o, "--epmap", s->epmap.host);
    }
    return outcome;
}

// Returns false when the program is to end with *outcome.
static bool read_options(int argc, char **argv, struct options *o, enum outcome *outcome) {
    enum { PRINT_SEED = 2000 };
    static const struct option long_options[] = {
        {"listen", required_argument, NULL, LISTEN},
        {"unauthenticated", no_argument, NULL, UNAUTHENTICATED},
        {"port-file", required_argument, NULL, PORT_FILE},
        {"epmap", optional_argument, NULL, EPMAP},
        {"state", required_argument, NULL, STATE},
        {"seed-cluster", required_argument, NULL, SEED},
        {"print-seed", no_argument, NULL, PRINT_SEED},
        {"control", required_argument, NULL, CONTROL},
        {"limit", required_argument, NULL, LIMIT},
        {"log", required_argument, NULL, LOG},
        {"verbose", no_argument, NULL, 'v'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0}};
    int option;
    while ((option = getopt_long(argc, argv, "vh", long_options, NULL)) != -1) {
        if (option == 'h') {
            print_help();
            return false;
        }
        if (option == PRINT_SEED) {
            fputs(cluster_builtin_seed(), stdout);
            return false;
        }
        *outcome = take_option(option, argc, argv, o);
        if (*outcome != OUTCOME_OK) {
            return false;
        }
    }
    *outcome = optind < argc ? cli_usage("serve", "\"%.80s\" is left over", argv[optind])
                             : check_addresses(o);
    return *outcome == OUTCOME_OK;
}

// ---- the run ------------------------------------------------------------------------------------

static void tell_ready(void *context, const char *listening, const char *epmap) {
    const struct options *o = context;
    bool valid;
    printf("listening on %s\n", listening);
    if (epmap != NULL) {
        printf("endpoint mapper on %s\n", epmap);
    }
    fflush(stdout);
    const bool closed = serve_is_loopback(o->serve.listen.host, &valid) &&
                        (epmap == NULL || serve_is_loopback(o->serve.epmap.host, &valid));
    fputs(closed ? "cmrp: nothing is authenticated or encrypted: every user of this machine may "
                   "change this cluster\n"
                 : "cmrp: WARNING: nothing is authenticated or encrypted: everybody who can reach "
                   "this address may read and change this cluster, and use up memory\n",
          stderr);
}

static void write_log(void *context, enum rpc_log_level level, const char *text) {
    const struct options *o = context;
    struct timespec now;
    struct buffer stamp = {0};
    clock_gettime(CLOCK_REALTIME, &now);
    text_utc(&stamp, now.tv_sec, (uint32_t)now.tv_nsec, 3);
    fprintf(o->log_file, "%s %s%s\n", buffer_text(&stamp),
            level == RPC_LOG_WARNING ? "warning: " : "", text);
    fflush(o->log_file);
    buffer_free(&stamp);
}

static enum outcome run(struct options *o) {
    char *error = NULL;
    o->log_file = o->log != NULL ? fopen(o->log, "ae") : stderr;
    if (o->log_file == NULL) {
        return cli_fail(OUTCOME_USAGE, "%s: %s", o->log, strerror(errno));
    }
    o->serve.context = o;
    o->serve.ready = tell_ready;
    o->serve.log = write_log;
    const enum outcome outcome = serve_run(&o->serve, &error);
    if (outcome != OUTCOME_OK) {
        cli_fail(outcome, "%s", error);
    }
    free(error);
    if (o->log != NULL) {
        fclose(o->log_file);
    }
    return outcome;
}

enum outcome cli_serve(int argc, char **argv) {
    struct options o = {.serve = {.epmap = {.port = 135}}};
    enum outcome outcome = OUTCOME_OK;
    if (read_options(argc, argv, &o, &outcome)) {
        outcome = run(&o);
    }
    free(o.host);
    free(o.epmap_host);
    return outcome;
}
