// SPDX-License-Identifier: Apache-2.0
#include "capture/excerpt.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture/source.h"

struct end {
    char host[INET6_ADDRSTRLEN];
    unsigned port;
};

// "192.0.2.1:135" or "[2001:db8::1]:135".
static bool parse_end(const char *text, struct end *end) {
    const char *colon = strrchr(text, ':');
    const bool brackets = *text == '[';
    uint8_t address[16];
    char *rest;
    if (colon == NULL) {
        return false;
    }
    const char *host = text + brackets;
    const size_t n = (size_t)(colon - host) - (brackets ? 1 : 0);
    if (n == 0 || n >= sizeof end->host) {
        return false;
    }
    memcpy(end->host, host, n);
    end->host[n] = '\0';
    const unsigned long port = strtoul(colon + 1, &rest, 10);
    end->port = (unsigned)port;
    return colon[1] >= '0' && colon[1] <= '9' && *rest == '\0' && port <= UINT16_MAX &&
           inet_pton(brackets ? AF_INET6 : AF_INET, end->host, address) == 1;
}

static bool make_filter(pcap_t *pcap, const struct excerpt *e, struct bpf_program *filter) {
    struct end a;
    struct end b;
    char plain[512];
    char tagged[1100];
    if (!parse_end(e->client, &a) || !parse_end(e->server, &b)) {
        return false;
    }
    snprintf(plain, sizeof plain,
             "(src host %s and src port %u and dst host %s and dst port %u) or "
             "(src host %s and src port %u and dst host %s and dst port %u)",
             a.host, a.port, b.host, b.port, b.host, b.port, a.host, a.port);
    snprintf(tagged, sizeof tagged, "%s or (vlan and (%s))", plain, plain);
    // Link types without VLAN tags refuse the first form.
    return pcap_compile(pcap, filter, tagged, 1, PCAP_NETMASK_UNKNOWN) == 0 ||
           pcap_compile(pcap, filter, plain, 1, PCAP_NETMASK_UNKNOWN) == 0;
}

// The packets that match, frames being counted among all.
static bool copy_packets(pcap_t *pcap, const struct excerpt *e, const struct bpf_program *filter,
                         pcap_dumper_t *to) {
    struct pcap_pkthdr *header;
    const u_char *data;
    uint64_t taken = 0;
    uint64_t octets = 0;
    uint64_t behind = 0;
    for (uint64_t frame = 1; pcap_next_ex(pcap, &header, &data) == 1; frame++) {
        if (pcap_offline_filter(filter, header, data) == 0) {
            continue;
        }
        behind += frame > e->last;
        octets += header->caplen;
        if (behind > e->more) {
            break;
        }
        if (octets > e->limit) {
            return false;
        }
        pcap_dump((u_char *)to, header, data);
        taken++;
    }
    return taken > 0;
}

// Copies into memory.
static bool excerpt_of(pcap_t *pcap, const struct excerpt *e, uint8_t **octets, size_t *size) {
    struct bpf_program filter;
    char *memory = NULL;
    size_t n = 0;
    bool ok = false;
    if (!make_filter(pcap, e, &filter)) {
        return false;
    }
    FILE *stream = open_memstream(&memory, &n);
    pcap_dumper_t *to = stream != NULL ? pcap_dump_fopen(pcap, stream) : NULL;
    if (to != NULL) {
        ok = copy_packets(pcap, e, &filter, to) && pcap_dump_flush(to) == 0;
        pcap_dump_close(to); // which closes the stream
    } else if (stream != NULL) {
        fclose(stream);
    }
    pcap_freecode(&filter);
    if (ok) {
        *octets = (uint8_t *)memory;
        *size = n;
    } else {
        free(memory);
    }
    return ok;
}

bool capture_excerpt(const char *path, const struct excerpt *excerpt, uint8_t **octets,
                     size_t *size) {
    char reason[PCAP_ERRBUF_SIZE];
    struct stat status;
    bool ok = false;
    const int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0 || fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) {
        if (descriptor >= 0) {
            close(descriptor);
        }
        return false; // a pipe has been read already
    }
    struct source *source = source_create(descriptor, NULL, 0);
    FILE *stream = source != NULL ? source_open(source) : NULL;
    pcap_t *pcap =
        stream != NULL
            ? pcap_fopen_offline_with_tstamp_precision(stream, PCAP_TSTAMP_PRECISION_NANO, reason)
            : NULL;
    if (pcap != NULL) {
        ok = excerpt_of(pcap, excerpt, octets, size);
        pcap_close(pcap); // and the stream
    } else if (stream != NULL) {
        fclose(stream);
    }
    if (source != NULL) {
        source_destroy(source);
    }
    close(descriptor);
    return ok;
}
