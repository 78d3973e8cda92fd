// SPDX-License-Identifier: Apache-2.0
// cmrp call: methods of a live server.
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "call/call.h"
#include "cli/cli.h"
#include "cli/target.h"
#include "util/file.h"
#include "json/json.h"

static const char help[] =
    "usage: cmrp call HOST[:PORT] METHOD [NAME=VALUE]...\n"
    "       cmrp call HOST[:PORT] --script FILE\n"
    "\n"
    "Calls methods of a cluster [MS-CMRP 3.1.4.2] and shows what comes of it. Without a port the\n"
    "endpoint mapper of HOST is asked. NAME is a parameter of the request, VALUE JSON or a text, "
    "as\n"
    "`cmrp explain METHOD` lists them. What is left out is 0, NULL or opened: a handle of the\n"
    "cluster, or of the root of its registry. hGroup='{\"open\":\"Web\"}' opens others.\n"
    "\n"
    "A script has many calls, a JSON object a line, which use what earlier ones returned:\n"
    "  {\"call\":\"ApiCreateNotify\",\"as\":\"port\"}\n"
    "  {\"call\":\"ApiAddNotifyCluster\",\"params\":{\"hNotify\":\"$port\",\"dwFilter\":16384}}\n"
    "docs/call.md describes it.\n"
    "\n"
    "      --script FILE      the calls of FILE, or - for standard input\n"
    "      --syntax ndr|ndr64 offer only one transfer syntax\n"
    "      --epmap-port N     the port of the endpoint mapper (135)\n"
    "      --timeout S        seconds that a call may take (30)\n"
    "  -T text|json           output form; text is the default. json: an object a line for a call\n"
    "  -V, --verbose          text: every parameter, and the calls that open handles\n"
    "  -h, --help             this text\n"
    "\n"
    "Exit codes: 0 every call was answered as expected, with 0 unless the script says otherwise;\n"
    "1 one was not; 2 usage, or an unreadable script; 3 the server could not be reached, or did "
    "not\n"
    "answer.\n"
    "\n"
    "Example: cmrp call 127.0.0.1:49664 ApiGetGroupState 'hGroup={\"open\":\"Web\"}'\n";

struct options {
    struct call_options call;
    char *host;
    const char *script;
};

// ---- options ------------------------------------------------------------------------------------

static enum outcome take_option(int option, struct options *o) {
    enum { SECONDS_MOST = 86400 };
    uint64_t number = 0;
    enum outcome outcome = OUTCOME_OK;
    switch (option) {
    case 's': o->script = optarg; break;
    case 'y': return cli_take_syntax("call", optarg, &o->call.client.offer);
    case 'e': return cli_take_epmap("call", optarg, &o->call.client.epmap);
    case 't':
        outcome = cli_take_number("call", "--timeout", optarg, 1, SECONDS_MOST, &number);
        o->call.seconds = (uint32_t)number;
        break;
    case 'T': return cli_take_form("call", optarg, &o->call.json);
    case 'V': o->call.verbose = true; break;
    default: return cli_usage("call", "unusable option");
    }
    return outcome;
}

static bool read_options(int argc, char **argv, struct options *o, enum outcome *outcome) {
    static const struct option long_options[] = {{"script", required_argument, NULL, 's'},
                                                 {"syntax", required_argument, NULL, 'y'},
                                                 {"epmap-port", required_argument, NULL, 'e'},
                                                 {"timeout", required_argument, NULL, 't'},
                                                 {"verbose", no_argument, NULL, 'V'},
                                                 {"help", no_argument, NULL, 'h'},
                                                 {NULL, 0, NULL, 0}};
    int option;
    while ((option = getopt_long(argc, argv, "T:Vh", long_options, NULL)) != -1) {
        if (option == 'h') {
            fputs(help, stdout);
            return false;
        }
        *outcome = take_option(option, o);
        if (*outcome != OUTCOME_OK) {
            return false;
        }
    }
    if (optind == argc) {
        *outcome = cli_usage("call", "HOST is missing");
    } else if (!cli_read_target(argv[optind], &o->host, &o->call.client.port)) {
        *outcome = cli_usage("call", "HOST[:PORT] is expected, not \"%.80s\"", argv[optind]);
    } else if (o->script != NULL && optind + 1 < argc) {
        *outcome = cli_usage("call", "\"%.80s\" is left over", argv[optind + 1]);
    } else if (o->script == NULL && optind + 1 == argc) {
        *outcome = cli_usage("call", "METHOD, or --script, is missing");
    }
    return *outcome == OUTCOME_OK;
}

// ---- scripts ------------------------------------------------------------------------------------

// "NAME=VALUE": JSON where it is, else a text.
static bool take_param(json_t *params, const char *word) {
    const char *sign = strchr(word, '=');
    if (sign == NULL || sign == word) {
        return false;
    }
    char *name = util_format("%.*s", (int)(sign - word), word);
    json_t *value = json_loads(sign + 1, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
    if (value == NULL) {
        value = json_string(sign + 1);
    }
    const bool ok =
        json_object_get(params, name) == NULL && json_object_set(params, name, value) == 0;
    json_decref(value);
    free(name);
    return ok;
}

static struct call_script *one_call(char **words, enum outcome *outcome, char **error) {
    json_t *params = json_object();
    json_t *method = json_string(words[0]);
    struct call_script *script = NULL;
    for (size_t i = 1; words[i] != NULL && *outcome == OUTCOME_OK; i++) {
        if (!take_param(params, words[i])) {
            *outcome = cli_usage("call", "NAME=VALUE is expected, once for a name, not \"%.80s\"",
                                 words[i]);
        }
    }
    if (*outcome == OUTCOME_OK && method == NULL) {
        *outcome = cli_usage("call", "METHOD is not UTF-8");
    } else if (*outcome == OUTCOME_OK) {
        json_t *steps = json_pack("[{s:O, s:O}]", "call", method, "params", params);
        script = call_script_create(steps, error);
        json_decref(steps);
    }
    json_decref(params);
    json_decref(method);
    return script;
}

static struct call_script *read_script(const char *path, char **error) {
    struct buffer text = {0};
    struct call_script *script = NULL;
    if (file_read(path, FILE_LIMIT, &text, error)) {
        script = call_script_read((const char *)text.data, text.size, error);
        if (script == NULL) {
            char *where = util_format("%s: %s", file_shown_name(path), *error);
            free(*error);
            *error = where;
        }
    }
    buffer_free(&text);
    return script;
}

static void print(void *context, const char *text, size_t size) {
    (void)context;
    fwrite(text, 1, size, stdout);
    fflush(stdout);
}

enum outcome cli_call(int argc, char **argv) {
    struct options o = {.call = {.write = print}};
    enum outcome outcome = OUTCOME_OK;
    char *error = NULL;
    if (!read_options(argc, argv, &o, &outcome)) {
        free(o.host);
        return outcome;
    }
    o.call.client.host = o.host;
    o.call.colour = cli_colour() != 0;
    o.call.ascii = isatty(STDOUT_FILENO) != 0;
    struct call_script *script = o.script != NULL ? read_script(o.script, &error)
                                                  : one_call(argv + optind + 1, &outcome, &error);
    if (script != NULL) {
        outcome = call_run(script, &o.call, &error);
    } else if (outcome == OUTCOME_OK) {
        outcome = OUTCOME_USAGE;
    }
    if (error != NULL) {
        cli_fail(outcome, "%s", error);
        free(error);
    }
    call_script_free(script);
    free(o.host);
    return outcome;
}
