// SPDX-License-Identifier: Apache-2.0
// Visibility of the public functions: the shared library hides everything else.
#ifndef CMRP_EXPORT_H
#define CMRP_EXPORT_H

#if defined(__GNUC__)
#define CMRP_API __attribute__((visibility("default")))
#else
#define CMRP_API
#endif

#ifdef __cplusplus
#define CMRP_BEGIN_DECLS extern "C" {
#define CMRP_END_DECLS   }
#else
#define CMRP_BEGIN_DECLS
#define CMRP_END_DECLS
#endif

#endif
