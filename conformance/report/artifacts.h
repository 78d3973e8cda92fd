// SPDX-License-Identifier: Apache-2.0
// A folder with what reproduces each failing case, one folder for each.
//
// A folder that is not cmrp's is never written into: it must be new, be empty, or hold the mark
// file, which lists what was made there; that is removed first. Names are made of ids so that they
// stay within the folder, and files are only made anew.
#ifndef REPORT_ARTIFACTS_H
#define REPORT_ARTIFACTS_H

#include "report/judgement.h"
#include "report/report.h"

struct artifacts;

// Makes or takes the folder. On failure *error is set (free it) and NULL is returned. Free with
// artifacts_close, which is allowed NULL.
struct artifacts *artifacts_open(const char *path, char **error);
void artifacts_close(struct artifacts *artifacts);

// The folder of an id, into which the files that follow go. On failure *error is set (free it).
bool artifacts_folder(struct artifacts *artifacts, const char *id, char **error);
// A file in it; `name` is one of ARTIFACT_FILES. A failed write leaves no half file behind.
bool artifacts_file(struct artifacts *artifacts, const char *name, cmrp_view content, char **error);

// What a folder may hold, and what README.txt says of it.
#define ARTIFACT_FILES(X)                                                                          \
    X("README.txt", "this text")                                                                   \
    X("case.json", "the case and its verdict")                                                     \
    X("vector.json", "the vector, as it stands in its file")                                       \
    X("octets.bin", "the vector's octets")                                                         \
    X("octets.hex", "the same in hex")                                                             \
    X("octets.pcap", "the same in a capture")                                                      \
    X("request.jsonl", "hello and the request, as the testee got them")                            \
    X("answer.txt", "the answer: JSON, hex, or the words of an error")                             \
    X("answer.bin", "the octets of the answer")                                                    \
    X("stderr.txt", "what the testee wrote to standard error meanwhile, its last lines")           \
    X("findings.json", "the findings")                                                             \
    X("wrong.bin", "octets of the stub or PDU of the first finding")                               \
    X("wrong.hex", "the same in hex")                                                              \
    X("wrong.txt", "the same decoded")                                                             \
    X("connection.pcap", "the packets of the connection of the first finding up to it")

// Every FAIL, CRASH and TIMEOUT. `request` appends the lines that the testee is sent for a case, or
// returns false when there are none; it may be NULL. On failure *error is set (free it).
typedef bool artifacts_request(const struct suite_case *c, struct buffer *lines);
bool artifacts_of_run(struct artifacts *artifacts, const struct report *report,
                      artifacts_request *request, char **error);

// Every FAIL of a judgement; `path` is that of the capture, as it was given.
bool artifacts_of_judgement(struct artifacts *artifacts, const struct judgement *judgement,
                            const char *path, char **error);

// For README.txt: the list of the files that are in the folder, a line each.
void artifacts_list(const struct artifacts *artifacts, struct buffer *out);

#endif
