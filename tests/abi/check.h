// What the C tests share: checks that say where they failed, and a plan.
#ifndef ROLLGATE_TESTS_CHECK_H
#define ROLLGATE_TESTS_CHECK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rollgate.h"

static int check_failed = 0;

// Counts a failure; many of them are one.
static inline void check_fail(void) {
    if (++check_failed >= 20) {
        fprintf(stderr, "and so on\n");
        exit(1);
    }
}

#define CHECK(condition)                                                                                             \
    do {                                                                                                             \
        if (!(condition)) {                                                                                          \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                                  \
            check_fail();                                                                                            \
        }                                                                                                            \
    } while (0)

#define CHECK_STATUS(wanted, call)                                                                                   \
    do {                                                                                                             \
        rollgate_status check_found = (call);                                                                        \
        if (check_found != (rollgate_status)(wanted)) {                                                              \
            char check_text[512];                                                                                    \
            rollgate_error_message(check_text, sizeof check_text);                                                   \
            fprintf(stderr, "%s:%d: status %u, not %u: %s\n", __FILE__, __LINE__, (unsigned)check_found,             \
                    (unsigned)(wanted), check_text);                                                                 \
            check_fail();                                                                                            \
        }                                                                                                            \
    } while (0)

#define CHECK_OK(call) CHECK_STATUS(ROLLGATE_STATUS_OK, call)

// Hexadecimal to bytes; how many.
static inline size_t unhex(const char *hex, char *bytes) {
    size_t len = strlen(hex) / 2;
    for (size_t i = 0; i < len; i++) {
        char two[3] = {hex[2 * i], hex[2 * i + 1], 0};
        bytes[i] = (char)strtoul(two, NULL, 16);
    }
    return len;
}

// Ends the program's main.
static inline int check_end(const char *name) {
    if (check_failed != 0) {
        fprintf(stderr, "%s: %d checks failed\n", name, check_failed);
        return 1;
    }
    printf("%s: ok\n", name);
    return 0;
}

#define CHECK_METRICS                                                                                                \
    "\"metrics\":{"                                                                                                  \
    "\"latency\":{\"kind\":\"distribution\",\"unit\":\"ms\",\"good\":\"down\",\"arms\":[\"NEW\"]},"                  \
    "\"errors\":{\"kind\":\"ratio\",\"unit\":\"%\",\"good\":\"down\"},"                                              \
    "\"heap\":{\"kind\":\"gauge\",\"unit\":\"MB\",\"good\":\"down\"},"                                               \
    "\"crashes\":{\"kind\":\"event\",\"unit\":\"count\",\"good\":\"down\"},"                                         \
    "\"nps\":{\"kind\":\"score\",\"unit\":\"points\",\"good\":\"up\"}}"

// Flags of every shape, and metrics of every kind.
#define CHECK_PLAN                                                                                                   \
    "{\"version\":1,\"name\":\"abi\","                                                                               \
    "\"flags\":{"                                                                                                    \
    "\"NEW\":{},"                                                                                                    \
    "\"HALF\":{\"share\":\"50%\"},"                                                                                  \
    "\"FULL\":{\"share\":\"100%\"},"                                                                                 \
    "\"LISTED\":{\"share\":\"0%\",\"always_on\":[\"tester\"]},"                                                      \
    "\"RULED\":{\"share\":\"100%\",\"rules\":[{\"when\":{\"attribute\":\"age\",\"below\":18},\"serve\":false}]},"    \
    "\"OFF\":{\"enabled\":false,\"share\":\"100%\"},"                                                                \
    "\"SIZE\":{\"share\":\"100%\",\"variants\":{\"small\":{\"value\":10,\"share\":\"100%\"},"                        \
    "\"large\":{\"value\":20}}},"                                                                                   \
    "\"COLOUR\":{\"share\":\"100%\",\"variants\":{\"red\":{\"value\":\"rot\",\"share\":\"100%\"},"                   \
    "\"blue\":{\"value\":\"blau\"}}},"                                                                               \
    "\"SHAPE\":{\"share\":\"100%\",\"variants\":{\"round\":{\"value\":{\"r\":1},\"share\":\"100%\"},"                \
    "\"square\":{\"value\":{\"a\":2}}}},"                                                                            \
    "\"A_HALF_SPLIT\":{\"share\":\"50%\"},\"A_FLAG_WITH_A_LONG_NAME\":{\"share\":\"50%\"}},"                         \
    CHECK_METRICS "}"

// A phase that turns two flags on, and a trigger that turns them off.
#define CHECK_ROLLOUT                                                                                                \
    "{\"version\":1,\"name\":\"rollout\",\"flags\":{\"NEW\":{},\"FULL\":{}}," CHECK_METRICS                          \
    ",\"phases\":[{\"id\":\"first\",\"duration\":\"1h\","                                                            \
    "\"steps\":[{\"set\":{\"NEW\":\"100%\",\"FULL\":\"100%\"}}],"                                                    \
    "\"gates\":{\"time\":{\"phase_for\":\"1h\"}},"                                                                   \
    "\"triggers\":{\"crashed\":{\"when\":{\"metric\":\"crashes\",\"stat\":\"count\",\"over\":\"1h\",\"above\":2},"   \
    "\"rollback\":{\"to\":\"zero\"}}}}]}"

// 2026-01-01T00:00:00Z.
#define CHECK_NOW INT64_C(1767225600000)

// An engine on a plan, on a clock that the test moves.
static inline rollgate_engine_handle check_open(const char *plan) {
    rollgate_options options;
    memset(&options, 0, sizeof options);
    options.size = sizeof options;
    options.flags = ROLLGATE_OPTION_MANUAL_CLOCK;
    options.clock_unix_ms = CHECK_NOW;
    rollgate_engine_handle engine;
    engine.id = 0;
    CHECK_OK(rollgate_engine_from_json(plan, strlen(plan), NULL, &options, &engine));
    return engine;
}

static inline rollgate_engine_handle check_engine(void) { return check_open(CHECK_PLAN); }

#endif
