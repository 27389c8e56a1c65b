// What calls through the C ABI cost, as a program finds them that loads the library with dlopen. Prints one JSON object a
// line: nanoseconds of the thread's CPU time, least and median of many chunks, and blocks allocated a call.
//
//     bench LIBRARY
//
// Keys of 16 bytes, a share of 10 %, 1,000 flags. Built with -rdynamic, so that the library's allocations are counted too.

#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "rollgate.h"

#define CHUNKS 301
#define CALLS 20000
#define KEYS 1024
#define FLAGS 1000

// ---- allocations, of this program and of the library: glibc's own functions stand behind these

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *block, size_t size);
static __thread uint64_t allocated;

void *malloc(size_t size) {
    allocated++;
    return __libc_malloc(size);
}
void *calloc(size_t count, size_t size) {
    allocated++;
    return __libc_calloc(count, size);
}
void *realloc(void *block, size_t size) {
    allocated++;
    return __libc_realloc(block, size);
}

// ---- the library

static uint32_t (*abi_version)(void);
static bool (*flag_is_on)(rollgate_flag_handle, const char *, size_t);
static bool (*is_on)(rollgate_engine_handle, const char *, size_t, const char *, size_t, bool);
static rollgate_status (*is_on_batch)(rollgate_flag_handle, const char *, const size_t *, size_t, bool *);
static rollgate_status (*from_json)(const char *, size_t, const char *, const rollgate_options *, rollgate_engine_handle *);
static rollgate_status (*find_flag)(rollgate_engine_handle, const char *, rollgate_flag_handle *);
static rollgate_status (*close_engine)(rollgate_engine_handle);

static void *symbol(void *library, const char *name) {
    void *found = dlsym(library, name);
    if (found == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        exit(1);
    }
    return found;
}
#define BIND(pointer, name) (*(void **)&(pointer) = symbol(library, name))

// ---- what is measured

static rollgate_engine_handle engine;
static rollgate_flag_handle flag;
static char keys[KEYS * 16 + 1];
static size_t offsets[KEYS + 1];
static bool answers[KEYS];
static char names[FLAGS][16];
static volatile uint64_t sink;

static uint64_t noop(void) {
    uint64_t sum = 0;
    for (int i = 0; i < CALLS; i++) sum += abi_version();
    return sum;
}
static uint64_t handle(void) {
    uint64_t sum = 0;
    for (int i = 0; i < CALLS; i++) sum += flag_is_on(flag, keys + (i % KEYS) * 16, 16);
    return sum;
}
static uint64_t by_name(void) {
    uint64_t sum = 0;
    for (int i = 0; i < CALLS; i++) sum += is_on(engine, names[500], 15, keys + (i % KEYS) * 16, 16, false);
    return sum;
}
static uint64_t by_name_of_many(void) {
    uint64_t sum = 0;
    for (int i = 0; i < CALLS; i++) sum += is_on(engine, names[i * 7 % FLAGS], 15, keys + (i % KEYS) * 16, 16, false);
    return sum;
}
static uint64_t batch(void) {
    for (int i = 0; i < CALLS / KEYS; i++) is_on_batch(flag, keys, offsets, KEYS, answers);
    return answers[7];
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static int ascending(const void *one, const void *two) {
    double difference = *(const double *)one - *(const double *)two;
    return (difference > 0) - (difference < 0);
}

struct run {
    const char *name;
    uint64_t (*call)(void);
    double calls;
    double ns[CHUNKS];
    double allocs;
};

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: bench LIBRARY\n");
        return 2;
    }
    void *library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        return 1;
    }
    BIND(abi_version, "rollgate_abi_version");
    BIND(flag_is_on, "rollgate_flag_is_on");
    BIND(is_on, "rollgate_is_on");
    BIND(is_on_batch, "rollgate_is_on_batch");
    BIND(from_json, "rollgate_engine_from_json");
    BIND(find_flag, "rollgate_flag");
    BIND(close_engine, "rollgate_engine_close");

    char *plan = malloc(FLAGS * 64 + 64);
    size_t len = (size_t)sprintf(plan, "{\"version\":1,\"name\":\"bench\",\"flags\":{");
    for (int i = 0; i < FLAGS; i++) {
        sprintf(names[i], "bench_flag_%04d", i);
        len += (size_t)sprintf(plan + len, "%s\"%s\":{\"share\":\"10%%\"}", i == 0 ? "" : ",", names[i]);
    }
    len += (size_t)sprintf(plan + len, "}}");
    if (from_json(plan, len, NULL, NULL, &engine) != 0 || find_flag(engine, names[500], &flag) != 0) {
        fprintf(stderr, "the plan does not open\n");
        return 1;
    }
    free(plan);
    for (int i = 0; i < KEYS; i++) sprintf(keys + i * 16, "user-%011d", i * 7919);
    for (int i = 0; i <= KEYS; i++) offsets[i] = (size_t)i * 16;

    static struct run runs[] = {
        {"c/noop", noop, CALLS, {0}, 0},
        {"c/handle", handle, CALLS, {0}, 0},
        {"c/by_name", by_name, CALLS, {0}, 0},
        {"c/by_name_of_many", by_name_of_many, CALLS, {0}, 0},
        {"c/batch", batch, (CALLS / KEYS) * KEYS, {0}, 0},
    };
    const int all = sizeof runs / sizeof *runs;
    for (int i = 0; i < all; i++) sink = runs[i].call(); // Warm.
    // In turn, so that a noisy moment falls on all of them.
    for (int chunk = 0; chunk < CHUNKS; chunk++) {
        for (int i = 0; i < all; i++) {
            uint64_t before = allocated;
            double from = now();
            sink = runs[i].call();
            runs[i].ns[chunk] = (now() - from) / runs[i].calls;
            runs[i].allocs += (double)(allocated - before) / runs[i].calls / CHUNKS;
        }
    }
    for (int i = 0; i < all; i++) {
        qsort(runs[i].ns, CHUNKS, sizeof(double), ascending);
        printf("{\"name\":\"%s\",\"ns_min\":%.3f,\"ns_median\":%.3f,\"allocs\":%.3f}\n", runs[i].name, runs[i].ns[0],
               runs[i].ns[CHUNKS / 2], runs[i].allocs);
    }
    return close_engine(engine) == 0 ? 0 : 1;
}
