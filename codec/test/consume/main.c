// SPDX-License-Identifier: Apache-2.0
// Writes a batch with one command, reads it again and prints its name.
#include <cmrp/cmrp.h>

#include <stdio.h>

int main(void) {
    static const uint8_t name[] = {'t', 0, 'e', 0, 's', 0, 't', 0, 0, 0};
    uint8_t octets[64];
    cmrp_error error = {0};
    cmrp_writer writer;
    cmrp_batch_writer batch_writer;
    cmrp_batch_command command = {.type = CMRP_CLUSREG_CREATE_KEY, .name = {name, sizeof name}};
    cmrp_writer_init(&writer, octets, sizeof octets, &error, "consume");
    if (!cmrp_batch_writer_open(&batch_writer, &writer, CMRP_BATCH_STRICT) ||
        !cmrp_batch_put(&batch_writer, &command) ||
        !cmrp_batch_writer_close(&batch_writer, (cmrp_view){NULL, 0})) {
        return 1;
    }
    cmrp_batch batch;
    cmrp_view text;
    if (!cmrp_batch_open(&batch, (cmrp_view){octets, writer.size}, 0, CMRP_BATCH_STRICT, &error) ||
        !cmrp_batch_next(&batch, &command) || !cmrp_batch_name_text(&command, &text) ||
        text.size != sizeof name - 2) {
        return 1;
    }
    if (strcmp(CMRP_VERSION_STRING, PACKAGE_VERSION) != 0 ||
        strcmp(CMRP_VERSION_STRING, PKGCONFIG_VERSION) != 0) {
        fprintf(stderr, "versions differ: %s, %s, %s\n", CMRP_VERSION_STRING, PACKAGE_VERSION,
                PKGCONFIG_VERSION);
        return 1;
    }
    printf("%s %s\n", CMRP_VERSION_STRING, cmrp_batch_type_name(command.type));
    return cmrp_method_numbered(CMRP_INTERFACE_3, 113) == NULL;
}
