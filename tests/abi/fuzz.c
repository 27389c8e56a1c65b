// Random call sequences: valid, stale, null, foreign and wrong-kind handles, wrong lengths, bytes that are no UTF-8, and
// engines that are closed while others use them. Nothing is expected of the answers; the process has to live, and the
// sanitizers and valgrind have to stay silent.
//
//     fuzz SEED SEQUENCES THREADS
//
// Every key, text and buffer is a block of exactly its size, so that one byte too many is found.

#include <inttypes.h>
#include <pthread.h>

#include "check.h"

#define SHARED 6
#define OLD 64

static uint64_t engines[SHARED]; // What all threads use and close.
static uint64_t old_handles[OLD]; // Handles of any kind, most of them stale.
static uint64_t seed, sequences, calls, live; // `live`: handles that were given out to be used.
static unsigned long long threads_count;

struct dice {
    uint64_t state;
};

static uint64_t roll(struct dice *dice) { // xorshift64* (Vigna 2016)
    dice->state ^= dice->state >> 12;
    dice->state ^= dice->state << 25;
    dice->state ^= dice->state >> 27;
    return dice->state * UINT64_C(2685821657736338717);
}

static uint64_t below(struct dice *dice, uint64_t end) { return roll(dice) % end; }

static uint64_t load(const uint64_t *word) { return __atomic_load_n(word, __ATOMIC_SEQ_CST); }

static void keep(struct dice *dice, uint64_t handle) {
    __atomic_store_n(&old_handles[below(dice, OLD)], handle, __ATOMIC_SEQ_CST);
}

// A handle that may be anything.
static uint64_t odd_handle(struct dice *dice) {
    switch (below(dice, 5)) {
    case 0: return 0;
    case 1: return roll(dice);
    case 2: return load(&engines[below(dice, SHARED)]) ^ (UINT64_C(1) << below(dice, 64));
    default: return load(&old_handles[below(dice, OLD)]);
    }
}

static rollgate_engine_handle some_engine(struct dice *dice) {
    rollgate_engine_handle engine;
    engine.id = below(dice, 8) == 0 ? odd_handle(dice) : load(&engines[below(dice, SHARED)]);
    return engine;
}

// Text in a block of its own: `given` is the length that is passed, which is wrong where that can be told.
struct text {
    char *ptr;
    size_t len, given;
};

static const char *const WORDS[] = {
    "A_HALF_SPLIT", "A_FLAG_WITH_A_LONG_NAME", "NEW", "HALF", "FULL", "LISTED", "RULED", "OFF", "SIZE", "COLOUR", "SHAPE", "latency", "errors", "heap", "crashes",
    "nps", "tester", "user-1", "user-00000000007", "user-1234567890123456", "", "nobody", "{\"age\":17}", "{\"age\":[]}", "{", "[1]",
    "{\"targetingKey\":\"t\",\"age\":30}", "{\"HALF\":0.5}", "{\"HALF\":7}", "{\"FULL\":1.0,\"NEW\":0}", "\xff\xfe", "\xc3",
    "{\"command\":\"start\",\"by\":\"on_call\"}", "{\"command\":\"pause\",\"by\":\"on_call\"}",
    "{\"command\":\"resume\",\"by\":\"on_call\"}", "{\"command\":\"stop\",\"by\":\"on_call\",\"reason\":\"r\"}",
    "{\"command\":\"retry\",\"by\":\"on_call\"}", "{\"command\":\"decide\",\"choice\":\"go\",\"by\":\"a\",\"rationale\":\"r\"}",
    "{\"command\":\"annotate\",\"by\":\"a\",\"text\":\"t\"}", "{\"command\":7}",
};

static struct text some_text(struct dice *dice) {
    struct text text;
    const char *word = WORDS[below(dice, sizeof WORDS / sizeof *WORDS)];
    text.len = below(dice, 3) == 0 ? below(dice, below(dice, 2) ? 20 : 300) : strlen(word);
    text.ptr = (char *)malloc(text.len + 1);
    for (size_t i = 0; i < text.len; i++) text.ptr[i] = i < strlen(word) ? word[i] : (char)roll(dice);
    text.ptr[text.len] = 0;
    // A block without the NUL, where the length is what counts.
    char *exact = (char *)malloc(text.len == 0 ? 1 : text.len);
    memcpy(exact, text.ptr, text.len);
    free(text.ptr);
    text.ptr = exact;
    text.given = text.len;
    switch (below(dice, 24)) {
    case 0: text.given = below(dice, text.len + 1); break;
    case 1: text.given = SIZE_MAX - below(dice, 3); break;
    case 2:
        free(text.ptr);
        text.ptr = NULL;
        text.given = below(dice, 2) * text.len;
        break;
    default: break;
    }
    return text;
}

// NUL-terminated, or NULL.
static char *some_string(struct dice *dice) {
    if (below(dice, 20) == 0) return NULL;
    struct text text = some_text(dice);
    char *string = (char *)malloc(text.len + 1);
    if (text.ptr != NULL) memcpy(string, text.ptr, text.len);
    else memset(string, 'x', text.len);
    string[text.len] = 0;
    free(text.ptr);
    return string;
}

static rollgate_flag_handle some_flag(struct dice *dice) {
    rollgate_flag_handle flag;
    flag.id = 0;
    if (below(dice, 6) == 0 || rollgate_flag(some_engine(dice), WORDS[below(dice, 12)], &flag) != ROLLGATE_STATUS_OK) {
        flag.id = odd_handle(dice);
    } else {
        keep(dice, flag.id);
        __atomic_add_fetch(&live, 1, __ATOMIC_RELAXED);
    }
    return flag;
}

static rollgate_metric_handle some_metric(struct dice *dice) {
    rollgate_metric_handle metric;
    metric.id = 0;
    const char *name = WORDS[11 + below(dice, 6)];
    if (below(dice, 6) == 0 || rollgate_metric(some_engine(dice), name, &metric) != ROLLGATE_STATUS_OK) {
        metric.id = odd_handle(dice);
    } else {
        keep(dice, metric.id);
        __atomic_add_fetch(&live, 1, __ATOMIC_RELAXED);
    }
    return metric;
}

static void on_event(void *user_data, const char *record, size_t len) {
    if (record[0] != '{' || record[len] != 0) abort();
    struct dice dice = {(uint64_t)(uintptr_t)user_data | 1};
    rollgate_is_on_str(some_engine(&dice), "HALF", record, false);
    if (len % 7 == 0) {
        size_t needed;
        rollgate_status_json(some_engine(&dice), NULL, 0, &needed);
    }
}

static void reopen(struct dice *dice) {
    uint64_t *slot = &engines[below(dice, SHARED)];
    rollgate_options options = {sizeof options, ROLLGATE_OPTION_MANUAL_CLOCK, CHECK_NOW};
    rollgate_engine_handle engine = {0}, before;
    static const char *const PLANS[] = {
        CHECK_PLAN, CHECK_ROLLOUT, "{\"version\":1,\"name\":\"small\",\"flags\":{\"HALF\":{\"share\":\"50%\"},"
        "\"A_HALF_SPLIT\":{\"share\":\"50%\"}}}"};
    const char *plan = PLANS[below(dice, 3)];
    if (rollgate_engine_from_json(plan, strlen(plan), NULL, &options, &engine) != ROLLGATE_STATUS_OK) abort();
    if (below(dice, 2) == 0) rollgate_on_event(engine, on_event, (void *)(uintptr_t)roll(dice));
    before.id = __atomic_exchange_n(slot, engine.id, __ATOMIC_SEQ_CST);
    keep(dice, before.id);
    rollgate_engine_close(before);
}

static void ask(struct dice *dice) {
    struct text name = some_text(dice), key = some_text(dice), context = some_text(dice);
    char *one = some_string(dice), *two = some_string(dice), *three = some_string(dice);
    bool fallback = below(dice, 2), truth;
    double number;
    rollgate_evaluation answer;
    size_t capacity = below(dice, 80), len;
    char *buf = below(dice, 8) == 0 ? NULL : (char *)malloc(capacity == 0 ? 1 : capacity);
    switch (below(dice, 16)) {
    case 0: rollgate_flag_is_on(some_flag(dice), key.ptr, key.given); break;
    case 1: rollgate_flag_is_on_str(some_flag(dice), one); break;
    case 2: rollgate_flag_is_on_counted(some_flag(dice), key.ptr, key.given); break;
    case 3: rollgate_is_on(some_engine(dice), name.ptr, name.given, key.ptr, key.given, fallback); break;
    case 4: rollgate_is_on_str(some_engine(dice), one, two, fallback); break;
    case 5: rollgate_evaluate(some_engine(dice), one, two, three, &answer); break;
    case 6:
        rollgate_evaluate_n(some_engine(dice), name.ptr, name.given, context.ptr, context.given, key.ptr, key.given, &answer);
        break;
    case 7:
        rollgate_evaluate_json(some_engine(dice), name.ptr, name.given, context.ptr, context.given, key.ptr, key.given, buf,
                               capacity, &len);
        break;
    case 8:
        rollgate_evaluate_boolean(some_engine(dice), name.ptr, name.given, NULL, 0, key.ptr, key.given, fallback, &truth);
        break;
    case 9:
        rollgate_evaluate_number(some_engine(dice), name.ptr, name.given, context.ptr, context.given, key.ptr, key.given, 1,
                                 &number);
        break;
    case 10:
        rollgate_evaluate_string(some_engine(dice), name.ptr, name.given, NULL, 0, key.ptr, key.given, one, buf, capacity,
                                 &len);
        break;
    case 11:
        rollgate_evaluate_value_json(some_engine(dice), name.ptr, name.given, context.ptr, context.given, key.ptr, key.given,
                                     one, buf, capacity, &len);
        break;
    case 12: {
        // Offsets that rise, or do not; never beyond the keys.
        size_t n = below(dice, 5), offsets[6];
        size_t room = key.ptr == NULL ? 0 : key.len;
        bool *on = (bool *)malloc(n == 0 ? 1 : n);
        for (size_t i = 0; i <= n; i++) offsets[i] = below(dice, 4) == 0 ? below(dice, room + 1) : room * i / (n + 1);
        rollgate_is_on_batch(some_flag(dice), key.ptr, below(dice, 16) == 0 ? NULL : offsets, n, below(dice, 16) == 0 ? NULL : on);
        free(on);
        break;
    }
    case 13: {
        uint64_t bits[2], on, off;
        rollgate_all_on(some_engine(dice), key.ptr, key.given, bits, below(dice, 3));
        rollgate_flag_exposures(some_flag(dice), &on, &off);
        break;
    }
    case 14: {
        rollgate_flag_handle flag;
        if (rollgate_flag_n(some_engine(dice), name.ptr, name.given, &flag) == ROLLGATE_STATUS_OK) keep(dice, flag.id);
        rollgate_flag_count(some_engine(dice), &len);
        rollgate_flag_name(some_engine(dice), below(dice, 12), buf, capacity, &len);
        break;
    }
    default: {
        uint32_t rollout, variant;
        rollgate_bucket(name.ptr, name.given, key.ptr, key.given, &rollout, &variant);
        rollgate_error_message(buf, capacity);
        rollgate_status_name((uint32_t)below(dice, 1000));
        rollgate_abi_version();
        break;
    }
    }
    free(name.ptr);
    free(key.ptr);
    free(context.ptr);
    free(one);
    free(two);
    free(three);
    free(buf);
}

static void record(struct dice *dice) {
    static const double VALUES[] = {0, 1, -1, 12.5, 1e300, -1e300, 1e-300, 0.0 / 1.0};
    struct text key = some_text(dice);
    double value = VALUES[below(dice, sizeof VALUES / sizeof *VALUES)];
    if (below(dice, 16) == 0) value = strtod(below(dice, 2) ? "nan" : "inf", NULL);
    uint64_t some = below(dice, 20), all = below(dice, 8) == 0 ? roll(dice) : below(dice, 20);
    switch (below(dice, 8)) {
    case 0: rollgate_metric_record(some_metric(dice), value); break;
    case 1: rollgate_metric_record_many(some_metric(dice), value, all); break;
    case 2: rollgate_metric_record_for(some_metric(dice), key.ptr, key.given, value); break;
    case 3: rollgate_metric_record_outcome(some_metric(dice), below(dice, 2)); break;
    case 4: rollgate_metric_record_outcomes(some_metric(dice), some, all); break;
    case 5: rollgate_metric_record_outcomes_for(some_metric(dice), key.ptr, key.given, some, all); break;
    case 6: rollgate_metric_count(some_metric(dice), some); break;
    default: rollgate_metric_record_points(some_metric(dice), value); break;
    }
    free(key.ptr);
}

static void steer(struct dice *dice) {
    struct text json = some_text(dice), id = some_text(dice);
    char *by = some_string(dice), *reason = some_string(dice);
    size_t capacity = below(dice, 2) == 0 ? below(dice, 80) : 4096, len;
    char *buf = below(dice, 8) == 0 ? NULL : (char *)malloc(capacity == 0 ? 1 : capacity);
    uint64_t number;
    rollgate_metric_handle metric;
    switch (below(dice, 14)) {
    case 0: rollgate_command_json(some_engine(dice), json.ptr, json.given); break;
    case 1: rollgate_set_shares_json(some_engine(dice), json.ptr, json.given, by, reason); break;
    case 2: rollgate_shares_json(some_engine(dice), buf, capacity, &len); break;
    case 3: rollgate_status_json(some_engine(dice), buf, capacity, &len); break;
    case 4: rollgate_scorecard(some_engine(dice), (uint32_t)below(dice, 4), buf, capacity, &len); break;
    case 5: rollgate_scorecard_of(some_engine(dice), (uint32_t)below(dice, 5), (uint32_t)below(dice, 4), buf, capacity, &len); break;
    case 6: rollgate_journal_read(some_engine(dice), below(dice, 6), buf, capacity, &len, &number); break;
    case 7: rollgate_alert_open(some_engine(dice), (uint32_t)below(dice, 4), id.ptr, id.given); break;
    case 8: rollgate_alert_close(some_engine(dice), id.ptr, id.given); break;
    case 9: rollgate_alerts_watch(some_engine(dice)); break;
    case 10: rollgate_next_wakeup(some_engine(dice), &number); break;
    case 11:
        rollgate_clock_advance(some_engine(dice), below(dice, 100000));
        rollgate_tick(some_engine(dice));
        break;
    case 12: rollgate_metric_n(some_engine(dice), id.ptr, id.given, &metric); break;
    default:
        if (below(dice, 16) == 0) rollgate_ticker_start(some_engine(dice));
        if (below(dice, 16) == 0) rollgate_ticker_stop(some_engine(dice));
        rollgate_on_event(some_engine(dice), below(dice, 2) ? on_event : NULL, (void *)(uintptr_t)roll(dice));
        break;
    }
    free(json.ptr);
    free(id.ptr);
    free(by);
    free(reason);
    free(buf);
}

// A panic that was caught is a bug all the same, also where the call gave its default.
static void check_no_panic(void) {
    char said[512];
    rollgate_error_message(said, sizeof said);
    if (strstr(said, " panicked: ") == NULL) return;
    fprintf(stderr, "%s\n", said);
    exit(1);
}

static void *run(void *argument) {
    struct dice dice = {(seed + (uint64_t)(uintptr_t)argument) * UINT64_C(0x9e3779b97f4a7c15) | 1};
    for (;;) {
        if (__atomic_add_fetch(&calls, 1, __ATOMIC_SEQ_CST) > sequences) return NULL;
        for (uint64_t left = 1 + below(&dice, 5); left > 0; left--) {
            uint64_t what = below(&dice, 200);
            if (what < 3) reopen(&dice);
            else if (what == 3) rollgate_engine_close(some_engine(&dice));
            else if (what < 20) steer(&dice);
            else if (what < 80) record(&dice);
            else ask(&dice);
            check_no_panic();
        }
    }
}

int main(int argc, char **argv) {
    if (argc != 4) {
        fprintf(stderr, "usage: fuzz SEED SEQUENCES THREADS\n");
        return 2;
    }
    seed = strtoull(argv[1], NULL, 10);
    sequences = strtoull(argv[2], NULL, 10);
    threads_count = strtoull(argv[3], NULL, 10);
    struct dice dice = {seed | 1};
    for (int i = 0; i < 4 * SHARED; i++) reopen(&dice);
    pthread_t threads[64];
    if (threads_count > 64) threads_count = 64;
    for (uintptr_t i = 0; i < threads_count; i++) {
        if (pthread_create(&threads[i], NULL, run, (void *)(i + 1)) != 0) abort();
    }
    for (uintptr_t i = 0; i < threads_count; i++) pthread_join(threads[i], NULL);
    for (int i = 0; i < SHARED; i++) {
        rollgate_engine_handle engine = {engines[i]};
        rollgate_engine_close(engine);
    }
    printf("fuzz: seed %" PRIu64 ", %" PRIu64 " sequences in %llu threads, %" PRIu64 " handles that were live: alive\n", seed,
           sequences, threads_count, live);
    return live > sequences / 20 ? 0 : 1; // Where most handles are stale, little is tried.
}
