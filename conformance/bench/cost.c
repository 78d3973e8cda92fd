// SPDX-License-Identifier: Apache-2.0
// bench-cost COMMAND…: runs a program without its output and prints its processor seconds, a tab,
// and its peak resident memory in kilobytes; exits as it does. A program of its own, because what a
// process occupied before it became another program counts as that one's peak: a script would
// measure its own interpreter.
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static double seconds(struct timeval time) {
    return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

int main(int argc, char **argv) {
    struct rusage usage;
    int status;
    const pid_t child = argc > 1 ? fork() : -1;
    if (child == 0) {
        const int nothing = open("/dev/null", O_WRONLY);
        if (nothing >= 0 && dup2(nothing, STDOUT_FILENO) >= 0) {
            execvp(argv[1], argv + 1);
        }
        perror(argv[1]);
        _exit(127);
    }
    if (child < 0 || wait4(child, &status, 0, &usage) != child || !WIFEXITED(status)) {
        fputs("bench-cost: the command does not run or does not end by itself\n", stderr);
        return 127;
    }
    printf("%.6f\t%ld\n", seconds(usage.ru_utime) + seconds(usage.ru_stime), usage.ru_maxrss);
    return WEXITSTATUS(status);
}
