// SPDX-License-Identifier: Apache-2.0
#include "control/client.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "json/json.h"

enum { READ_SIZE = 64 * 1024, ANSWER_LIMIT = 256 * 1024 * 1024 };

struct control_client {
    int descriptor;
    unsigned seconds;
    char *path;
    struct buffer in;
};

static uint64_t milliseconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

struct control_client *control_client_connect(const char *path, unsigned seconds, char **error) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) {
        *error = util_format("control socket %s: the path is too long", path);
        return NULL;
    }
    const int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    memcpy(address.sun_path, path, strlen(path));
    // Where many are waiting to be let in, connecting waits, too.
    const struct timeval patience = {.tv_sec = (time_t)seconds};
    if (descriptor < 0 ||
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) != 0 ||
        connect(descriptor, (struct sockaddr *)&address, sizeof address) != 0) {
        *error = util_format("control socket %s: %s%s", path, strerror(errno),
                             errno == ENOENT         ? " (is a server running with --control?)"
                             : errno == ECONNREFUSED ? " (its server has ended)"
                                                     : "");
        if (descriptor >= 0) {
            close(descriptor);
        }
        return NULL;
    }
    struct control_client *client = util_alloc(sizeof *client);
    client->descriptor = descriptor;
    client->seconds = seconds;
    client->path = util_strdup(path);
    return client;
}

void control_client_close(struct control_client *client) {
    if (client != NULL) {
        close(client->descriptor);
        buffer_free(&client->in);
        free(client->path);
        free(client);
    }
}

// Waits until the socket is ready; NULL, or why it will not be.
static const char *wait_for(const struct control_client *client, short events, uint64_t until) {
    struct pollfd poll_one = {.fd = client->descriptor, .events = events};
    for (;;) {
        const uint64_t now = milliseconds();
        const int ready = now < until ? poll(&poll_one, 1, (int)(until - now)) : 0;
        if (ready > 0) {
            return NULL;
        }
        if (ready == 0) {
            return "the server does not answer";
        }
        if (errno != EINTR) {
            return strerror(errno);
        }
    }
}

static const char *send_all(const struct control_client *client, const char *text, size_t size,
                            uint64_t until) {
    while (size > 0) {
        const char *reason = wait_for(client, POLLOUT, until);
        const ssize_t n =
            reason == NULL ? send(client->descriptor, text, size, MSG_NOSIGNAL | MSG_DONTWAIT) : 0;
        if (reason != NULL) {
            return reason;
        }
        if (n < 0 && errno != EINTR && errno != EAGAIN) {
            return strerror(errno);
        }
        text += n > 0 ? n : 0;
        size -= n > 0 ? (size_t)n : 0;
    }
    return NULL;
}

// A line into `in`, which held none; *size without its newline.
static const char *receive_line(struct control_client *client, uint64_t until, size_t *size) {
    for (size_t searched = 0;;) {
        const uint8_t *end = client->in.size > searched ? memchr(client->in.data + searched, '\n',
                                                                 client->in.size - searched)
                                                        : NULL;
        if (end != NULL) {
            *size = (size_t)(end - client->in.data);
            return NULL;
        }
        searched = client->in.size;
        const char *reason = client->in.size > ANSWER_LIMIT ? "the answer has no end"
                                                            : wait_for(client, POLLIN, until);
        if (reason != NULL) {
            return reason;
        }
        buffer_reserve(&client->in, READ_SIZE);
        const ssize_t n =
            recv(client->descriptor, client->in.data + client->in.size, READ_SIZE, MSG_DONTWAIT);
        if (n == 0) {
            return "the server hung up";
        }
        if (n < 0 && errno != EINTR && errno != EAGAIN) {
            return strerror(errno);
        }
        client->in.size += n > 0 ? (size_t)n : 0;
    }
}

json_t *control_client_ask(struct control_client *client, const json_t *request, char **error) {
    const uint64_t until = milliseconds() + (uint64_t)client->seconds * 1000;
    struct buffer line = {0};
    char *text = json_dumps(request, JSON_COMPACT);
    size_t size = 0;
    json_t *answer = NULL;
    buffer_printf(&line, "%s\n", text);
    free(text);
    const char *reason = send_all(client, (const char *)line.data, line.size, until);
    buffer_free(&line);
    buffer_clear(&client->in);
    // A server that hangs up while it is being asked may have said why.
    const char *silence = receive_line(client, until, &size);
    if (silence == NULL) {
        char *wrong = NULL;
        answer = json_parse((const char *)client->in.data, size, &wrong);
        if (!json_is_object(answer)) {
            *error = util_format("control socket %s: the answer is no object%s%s", client->path,
                                 wrong != NULL ? ": " : "", wrong != NULL ? wrong : "");
            json_decref(answer);
            answer = NULL;
        }
        free(wrong);
    } else {
        *error =
            util_format("control socket %s: %s", client->path, reason != NULL ? reason : silence);
    }
    return answer;
}
