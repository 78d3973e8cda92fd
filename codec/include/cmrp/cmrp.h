// SPDX-License-Identifier: Apache-2.0
// Everything that libcmrp offers.
#ifndef CMRP_CMRP_H
#define CMRP_CMRP_H

#include "cmrp/batch.h"
#include "cmrp/bytes.h"
#include "cmrp/change.h"
#include "cmrp/epm.h"
#include "cmrp/method.h"
#include "cmrp/ndr.h"
#include "cmrp/payload.h"
#include "cmrp/pdu.h"
#include "cmrp/pdu_cl.h"
#include "cmrp/status.h"
#include "cmrp/version.h"

#endif
