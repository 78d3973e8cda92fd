// SPDX-License-Identifier: Apache-2.0
// From octets to octets by the codec alone: decoded, then written again.
#ifndef SUITE_TEST_TRANSCODE_H
#define SUITE_TEST_TRANSCODE_H

#include "json/json.h"

// Decodes octets, which must be valid, and writes what they hold to the writer. Returns whether the
// writer took it all; the reason stands in the writer's error.
bool transcode(const struct json_selector *how, cmrp_view octets, cmrp_writer *writer);

#endif
