// SPDX-License-Identifier: Apache-2.0
// The bare loop that replay is compared with: bench-packets FILE reads every packet and nothing
// else, and prints how many there are.
#include <pcap/pcap.h>
#include <stdio.h>

int main(int argc, char **argv) {
    char error[PCAP_ERRBUF_SIZE] = "usage: bench-packets FILE";
    pcap_t *capture = argc == 2 ? pcap_open_offline(argv[1], error) : NULL;
    struct pcap_pkthdr *header;
    const unsigned char *data;
    unsigned long packets = 0;
    unsigned long octets = 0;
    if (capture == NULL) {
        fprintf(stderr, "bench-packets: %s\n", error);
        return 2;
    }
    while (pcap_next_ex(capture, &header, &data) == 1) {
        packets++;
        octets += header->caplen;
    }
    pcap_close(capture);
    printf("%lu packets, %lu octets\n", packets, octets);
    return 0;
}
