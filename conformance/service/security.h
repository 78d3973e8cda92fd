// SPDX-License-Identifier: Apache-2.0
// Security descriptors in self-relative form [MS-DTYP 2.4.6]: which components they have, and one
// made of the components of two. What the components say is not looked at.
#ifndef SERVICE_SECURITY_H
#define SERVICE_SECURITY_H

#include "util/buffer.h"

// SECURITY_INFORMATION: the components [MS-DTYP 2.4.7].
enum {
    SECURITY_OWNER = 1,
    SECURITY_GROUP = 2,
    SECURITY_DACL = 4,
    SECURITY_SACL = 8,
    SECURITY_COMPONENTS = 15,
};

// Whether it is whole: revision, self-relative, every SID and ACL, with its entries, inside it.
bool security_valid(cmrp_view sd);
// Appends a descriptor that has the components of `mask` from `from` and those of `rest_mask` from
// `rest` (may be NULL, then rest_mask is 0), and `mask` before `rest_mask`. Both are valid. *out
// holds neither of them.
void security_merge(struct buffer *out, cmrp_view from, uint32_t mask, const cmrp_view *rest,
                    uint32_t rest_mask);

#endif
