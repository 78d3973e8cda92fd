// SPDX-License-Identifier: Apache-2.0
#include "guest.h"
int main(void) {
    return 1;
}
