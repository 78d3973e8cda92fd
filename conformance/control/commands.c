// SPDX-License-Identifier: Apache-2.0
// The table of commands, and answers.
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/parts.h"
#include "show/show.h"
#include "util/text.h"
#include "json/json.h"

static json_t *status_command(struct request *r) {
    if (r->control->status == NULL) {
        return answer_refused(CLUSTER_ERROR_INVALID_PARAMETER, "there is no server to tell of");
    }
    return answer_result(r->control->status(r->control->context));
}

static json_t *stop_command(struct request *r) {
    if (r->control->stop == NULL) {
        return answer_refused(CLUSTER_ERROR_INVALID_PARAMETER, "there is no server to stop");
    }
    r->control->stop(r->control->context);
    return answer_result(json_object());
}

static const struct {
    struct control_command command;
    request_handler *run;
} commands[] = {
    {{"status", "", "what the server holds: connections, handles, calls", 0, 0}, status_command},
    {{"list", "[KIND]...", "objects and their states", 0, 16}, object_list},
    {{"show", "KIND NAME\ncluster", "an object with its properties", 1, 2}, object_show},
    {{"online", "group|resource NAME", "bring it online", 2, 2}, object_online},
    {{"offline", "group|resource NAME", "take it offline", 2, 2}, object_offline},
    {{"fail", "group|resource NAME", "let it fail", 2, 2}, object_fail},
    {{"move", "group NAME [NODE]\nresource NAME GROUP", "to another node, or group", 2, 3},
     object_move},
    {{"node", "up|down|pause|resume NAME", "what happens to nodes", 2, 2}, object_node},
    {{"state", "KIND NAME STATE", "set a state: up, online, failed, …", 3, 3}, object_state},
    {{"create",
      "group|node|network|resource-type NAME\nresource NAME GROUP TYPE\ninterface NAME NODE "
      "NETWORK",
      "add an object", 2, 4},
     object_create},
    {{"delete", "KIND NAME [force]", "remove an object; force: with what it holds", 2, 3},
     object_delete},
    {{"rename", "KIND NAME NEW\ncluster NEW", "give it another name", 2, 3}, object_rename},
    {{"depend", "RESOURCE ON", "make a resource depend on another", 2, 2}, object_depend},
    {{"undepend", "RESOURCE ON", "undo that", 2, 2}, object_undepend},
    {{"owner", "add|remove RESOURCE NODE", "possible owners of a resource", 3, 3}, object_owner},
    {{"property",
      "[private] KIND NAME PROPERTY [VALUE [text]]\n[private] cluster PROPERTY [VALUE [text]]",
      "set a property, or remove it; digits are a number", 2, 6},
     object_property},
    {{"registry",
      "tree [KEY]\nget KEY [VALUE]\nset KEY VALUE TYPE [DATA]...\ndelete KEY VALUE\n"
      "create-key KEY\ndelete-key KEY",
      "the cluster registry", 1, CONTROL_WORDS},
     registry_command},
    {{"batch", "KEY FILE", "execute a batch: JSON of `cmrp decode -T json`", 1, 1},
     registry_execute},
    {{"stop", "", "end the server", 0, 0}, stop_command},
};

enum { COMMANDS = sizeof commands / sizeof *commands };

const struct control_command *control_command_at(size_t index) {
    return index < COMMANDS ? &commands[index].command : NULL;
}

// ---- answers ------------------------------------------------------------------------------------

json_t *text_json(const char *text) {
    json_t *value = json_string(text);
    if (value == NULL) {
        struct buffer safe = {0};
        text_make_safe(&safe, text, strlen(text));
        value = json_string(buffer_text(&safe));
        buffer_free(&safe);
    }
    return value;
}

json_t *answer_result(json_t *result) {
    return json_pack("{s:o}", "result", result);
}

__attribute__((format(printf, 3, 0))) static json_t *
answer_error(const char *kind, uint32_t code, const char *format, va_list args) {
    char message[2048];
    vsnprintf(message, sizeof message, format, args);
    json_t *error = json_object();
    json_object_set_new(error, "kind", json_string(kind));
    json_object_set_new(error, "message", text_json(message));
    if (code != 0) {
        json_object_set_new(error, "code", json_integer(code));
    }
    if (code != 0 && show_win32(code) != NULL) {
        json_object_set_new(error, "name", json_string(show_win32(code)));
    }
    return json_pack("{s:o}", "error", error);
}

json_t *answer_usage(const char *format, ...) {
    va_list args;
    va_start(args, format);
    json_t *answer = answer_error("usage", 0, format, args);
    va_end(args);
    return answer;
}

json_t *answer_refused(uint32_t code, const char *format, ...) {
    va_list args;
    va_start(args, format);
    json_t *answer = answer_error("refused", code, format, args);
    va_end(args);
    return answer;
}

json_t *answer_code(const struct request *r, uint32_t code, json_t *result) {
    if (code == 0) {
        return answer_result(result);
    }
    struct buffer text = {0};
    struct buffer reason = {0};
    buffer_printf(&text, "%s", r->command->name);
    for (size_t i = 0; i < r->count; i++) {
        const bool quoted = r->words[i][0] == '\0' || strpbrk(r->words[i], " \t\"'") != NULL;
        buffer_printf(&text, quoted ? " \"%s\"" : " %s", r->words[i]);
    }
    show_code(&reason, code, false);
    json_t *answer = answer_refused(code, "%.500s: %s", buffer_text(&text), buffer_text(&reason));
    buffer_free(&text);
    buffer_free(&reason);
    json_decref(result);
    return answer;
}

// ---- requests -----------------------------------------------------------------------------------

static json_t *unknown_command(const char *name) {
    struct buffer text = {0};
    for (size_t i = 0; i < COMMANDS; i++) {
        buffer_printf(&text, "%s%s", i > 0 ? ", " : "", commands[i].command.name);
    }
    json_t *answer = answer_usage("no command \"%.100s\"; commands: %s", name, buffer_text(&text));
    buffer_free(&text);
    return answer;
}

// "usage: move group NAME NODE, or move resource NAME GROUP"
static json_t *wrong_words(const struct control_command *command) {
    struct buffer text = {0};
    const char *form = command->words;
    do {
        const size_t size = strcspn(form, "\n");
        buffer_printf(&text, "%s%s%s%.*s", text.size > 0 ? ", or " : "", command->name,
                      size > 0 ? " " : "", (int)size, form);
        form += size + (form[size] != '\0');
    } while (*form != '\0');
    json_t *answer = answer_usage("usage: %s", buffer_text(&text));
    buffer_free(&text);
    return answer;
}

static json_t *perform(struct request *r, const json_t *words) {
    size_t index;
    json_t *word;
    json_array_foreach(words, index, word) {
        if (!json_is_string(word) || strlen(json_string_value(word)) != json_string_length(word)) {
            return answer_usage("word %zu of \"command\" is no text, or has a NUL", index + 1);
        }
        if (index > 0) {
            r->words[r->count++] = json_string_value(word);
        }
    }
    const char *name = json_string_value(json_array_get(words, 0));
    for (size_t i = 0; i < COMMANDS; i++) {
        r->command = &commands[i].command;
        if (strcmp(name, r->command->name) == 0) {
            return r->count < r->command->least || r->count > r->command->most
                       ? wrong_words(r->command)
                       : commands[i].run(r);
        }
    }
    return unknown_command(name);
}

json_t *control_perform(const struct control *control, const json_t *request) {
    struct request r = {.control = control, .json = request};
    const json_t *words = json_object_get(request, "command");
    const size_t size = json_array_size(words);
    const char *key;
    json_t *value;
    json_t *answer = NULL;
    json_object_foreach((json_t *)request, key, value) {
        if (strcmp(key, "command") != 0 && strcmp(key, "batch") != 0 && strcmp(key, "id") != 0) {
            answer = answer_usage("unknown key \"%.100s\"; keys: id, command, batch", key);
            break;
        }
    }
    if (answer == NULL && (size == 0 || size > CONTROL_WORDS)) {
        answer = answer_usage("a request is an object with \"command\", an array of 1 to %d words",
                              CONTROL_WORDS);
    } else if (answer == NULL) {
        answer = perform(&r, words);
    }
    json_t *id = json_object_get(request, "id");
    if (id != NULL) {
        json_object_set(answer, "id", id);
    }
    return answer;
}

json_t *control_perform_line(const struct control *control, const char *line, size_t size) {
    char *error = NULL;
    json_t *request = json_parse(line, size, &error);
    json_t *answer =
        request != NULL ? control_perform(control, request) : answer_usage("no JSON: %s", error);
    free(error);
    json_decref(request);
    return answer;
}
