// SPDX-License-Identifier: Apache-2.0
// cmrp ctl: commands for a running `cmrp serve`.
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "control/client.h"
#include "control/control.h"
#include "testee/words.h"
#include "util/file.h"
#include "json/json.h"

static const char help[] =
    "usage: cmrp ctl [--control SOCKET] [OPTION]... COMMAND [WORD]...\n"
    "       cmrp ctl [--control SOCKET] [OPTION]... -\n"
    "\n"
    "Changes the cluster of a `cmrp serve --control SOCKET` from outside of its protocol, so that\n"
    "its clients see something happen. With - commands are read from standard input, one a line,\n"
    "in words as a shell would cut them; # begins a comment.\n"
    "\n"
    "      --control SOCKET   the server's socket; else the variable CMRP_CONTROL says\n"
    "  -T text|json           output form; text is the default. json: the answer, an object a "
    "line\n"
    "                         (docs/control.md)\n"
    "  -k, --keep-going       with -: go on after a command that fails\n"
    "      --timeout S        seconds to wait for an answer (30)\n"
    "  -h, --help             this text\n"
    "\n"
    "Commands; KIND is node, group, resource, resource-type, network or interface, KEY a path "
    "such\n"
    "as \"Groups\\X\" from the root of the registry:\n";

static const char rest[] =
    "\n"
    "Exit codes: 0 done; 1 the cluster refused; 2 usage, or an unreadable file; 3 the server could "
    "not\n"
    "be reached, or did not answer.\n"
    "\n"
    "Example: cmrp ctl --control /tmp/cluster.sock offline group Web\n";

static void print_help(void) {
    const struct control_command *command;
    fputs(help, stdout);
    for (size_t i = 0; (command = control_command_at(i)) != NULL; i++) {
        const char *form = command->words;
        for (bool first = true; first || *form != '\0'; first = false) {
            const size_t size = strcspn(form, "\n");
            const int width = (int)(strlen(command->name) + 1 + size);
            printf("  %s %.*s", command->name, (int)size, form);
            if (first && width <= 46) {
                printf("%*s  %s", 46 - width, "", command->about);
            } else if (first) {
                printf("\n%*s%s", 50, "", command->about);
            }
            printf("\n");
            form += size + (form[size] != '\0');
        }
    }
    fputs(rest, stdout);
}

struct options {
    const char *socket;
    bool json;
    bool keep_going;
    unsigned seconds;
    struct control_client *client;
};

// ---- one command --------------------------------------------------------------------------------

// The batch of `batch KEY FILE`: the last word is a file of this side, its content goes along.
static enum outcome take_batch(json_t *request, json_t *words) {
    struct buffer text = {0};
    char *error = NULL;
    json_t *batch = NULL;
    const char *path = json_string_value(json_array_get(words, 2));
    if (file_read(path, FILE_LIMIT, &text, &error)) {
        batch = json_parse((const char *)text.data, text.size, &error);
        if (batch == NULL) {
            char *where = util_format("%s: %s", file_shown_name(path), error);
            free(error);
            error = where;
        }
    }
    buffer_free(&text);
    if (batch == NULL) {
        return cli_refuse(error);
    }
    json_array_remove(words, 2);
    json_object_set_new(request, "batch", batch);
    return OUTCOME_OK;
}

static enum outcome print_answer(const struct options *o, const json_t *words,
                                 const json_t *answer) {
    const json_t *error = json_object_get(answer, "error");
    const char *kind = json_string_value(json_object_get(error, "kind"));
    const char *message = json_string_value(json_object_get(error, "message"));
    const enum outcome outcome = error == NULL                                  ? OUTCOME_OK
                                 : kind != NULL && strcmp(kind, "refused") == 0 ? OUTCOME_FINDINGS
                                                                                : OUTCOME_USAGE;
    if (o->json) {
        json_dumpf(answer, stdout, JSON_COMPACT | (isatty(STDOUT_FILENO) ? JSON_ENSURE_ASCII : 0));
        puts("");
    } else if (error != NULL) {
        cli_fail(outcome, "%s", message != NULL ? message : "the answer says no more than no");
    } else {
        struct buffer text = {0};
        control_show(&text, words, answer);
        file_write("-", buffer_view(&text), NULL);
        buffer_free(&text);
    }
    fflush(stdout);
    return outcome;
}

static enum outcome ask(struct options *o, json_t *words) {
    json_t *request = json_pack("{s:O}", "command", words);
    enum outcome outcome = OUTCOME_OK;
    char *error = NULL;
    const char *name = json_string_value(json_array_get(words, 0));
    if (strcmp(name, "batch") == 0 && json_array_size(words) == 3) {
        outcome = take_batch(request, words);
    }
    if (outcome == OUTCOME_OK && o->client == NULL) {
        o->client = control_client_connect(o->socket, o->seconds, &error);
    }
    if (outcome == OUTCOME_OK && o->client != NULL) {
        json_t *answer = control_client_ask(o->client, request, &error);
        if (answer != NULL) {
            outcome = print_answer(o, words, answer);
            json_decref(answer);
        }
    }
    if (error != NULL) {
        outcome = cli_fail(OUTCOME_UNREACHED, "%s", error);
        free(error);
    }
    json_decref(request);
    return outcome;
}

// The words as JSON, or NULL: one is not UTF-8.
static json_t *words_json(char *const *words) {
    json_t *array = json_array();
    for (size_t i = 0; words[i] != NULL; i++) {
        if (json_array_append_new(array, json_string(words[i])) != 0) {
            json_decref(array);
            return NULL;
        }
    }
    return array;
}

static enum outcome ask_words(struct options *o, char *const *words) {
    json_t *array = words_json(words);
    if (array == NULL) {
        return cli_usage("ctl", "a word is not UTF-8");
    }
    const enum outcome outcome = ask(o, array);
    json_decref(array);
    return outcome;
}

// ---- commands from standard input ---------------------------------------------------------------

static enum outcome ask_line(struct options *o, char *line, size_t number) {
    char *error = NULL;
    line[strcspn(line, "\r\n")] = '\0';
    const size_t start = strspn(line, " \t");
    if (line[start] == '\0' || line[start] == '#') {
        return OUTCOME_OK;
    }
    char **words = words_split(line, &error);
    if (words == NULL) {
        const enum outcome outcome =
            cli_fail(OUTCOME_USAGE, "standard input: line %zu: %s", number, error);
        free(error);
        return outcome;
    }
    const enum outcome outcome = ask_words(o, words);
    words_free(words);
    if (outcome != OUTCOME_OK) {
        cli_fail(outcome, "standard input: line %zu failed", number);
    }
    return outcome;
}

static enum outcome ask_lines(struct options *o) {
    enum outcome outcome = OUTCOME_OK;
    char *line = NULL;
    size_t capacity = 0;
    for (size_t number = 1; getline(&line, &capacity, stdin) >= 0; number++) {
        const enum outcome now = ask_line(o, line, number);
        outcome = outcome_worst(outcome, now);
        if (now == OUTCOME_UNREACHED || (now != OUTCOME_OK && !o->keep_going)) {
            break;
        }
    }
    free(line);
    return outcome;
}

// ---- options ------------------------------------------------------------------------------------

enum { CONTROL = 1000, TIMEOUT, SECONDS_MOST = 86400 };

static bool take_option(int option, struct options *o, enum outcome *outcome) {
    uint64_t seconds = 0;
    switch (option) {
    case CONTROL: o->socket = optarg; break;
    case TIMEOUT:
        *outcome = cli_take_number("ctl", "--timeout", optarg, 1, SECONDS_MOST, &seconds);
        o->seconds = (unsigned)seconds;
        break;
    case 'T': *outcome = cli_take_form("ctl", optarg, &o->json); break;
    case 'k': o->keep_going = true; break;
    case 'h': print_help(); return false;
    default: *outcome = cli_usage("ctl", "unusable option");
    }
    return *outcome == OUTCOME_OK;
}

static bool read_options(int argc, char **argv, struct options *o, enum outcome *outcome) {
    static const struct option long_options[] = {{"control", required_argument, NULL, CONTROL},
                                                 {"timeout", required_argument, NULL, TIMEOUT},
                                                 {"keep-going", no_argument, NULL, 'k'},
                                                 {"help", no_argument, NULL, 'h'},
                                                 {NULL, 0, NULL, 0}};
    int option;
    // "+": words of a command may look like options.
    while ((option = getopt_long(argc, argv, "+T:kh", long_options, NULL)) != -1) {
        if (!take_option(option, o, outcome)) {
            return false;
        }
    }
    if (o->socket == NULL) {
        o->socket = getenv("CMRP_CONTROL");
    }
    if (optind == argc) {
        *outcome = cli_usage("ctl", "a command is missing");
    } else if (o->socket == NULL || *o->socket == '\0') {
        *outcome = cli_usage("ctl", "--control SOCKET is missing, and so is CMRP_CONTROL");
    }
    return *outcome == OUTCOME_OK;
}

enum outcome cli_ctl(int argc, char **argv) {
    struct options o = {.seconds = 30};
    enum outcome outcome = OUTCOME_OK;
    if (read_options(argc, argv, &o, &outcome)) {
        outcome = strcmp(argv[optind], "-") == 0 && optind + 1 == argc
                      ? ask_lines(&o)
                      : ask_words(&o, argv + optind);
    }
    control_client_close(o.client);
    return outcome;
}
