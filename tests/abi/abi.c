// The C ABI as a program sees it: what each function gives, and what it gives for anything wrong.
// Compiled as C11 and as C++17, with warnings as errors.

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rollgate.h"
#include "check.h"
#include "errors.h" // Frozen numbers, made from tests/spec/errors.toml.
#include "rollgate.h" // Twice does no harm.

#define TEXT(text) (text), strlen(text)

// A buffer's text, by the two calls of the header's chapter.
#define READ(text, call)                                                                                             \
    do {                                                                                                             \
        size_t len = 0, capacity = 0;                                                                                \
        char *buf = NULL;                                                                                            \
        CHECK_STATUS(ROLLGATE_STATUS_BUFFER_TOO_SMALL, call);                                                        \
        CHECK(len > 0);                                                                                              \
        capacity = len;                                                                                              \
        buf = (char *)malloc(len + 1);                                                                               \
        CHECK_STATUS(ROLLGATE_STATUS_BUFFER_TOO_SMALL, call);                                                        \
        capacity = len + 1;                                                                                          \
        CHECK_OK(call);                                                                                              \
        CHECK(strlen(buf) == len);                                                                                   \
        free(text);                                                                                                  \
        text = buf;                                                                                                  \
    } while (0)

static void versions_and_numbers(void) {
    CHECK(rollgate_abi_version() == ROLLGATE_ABI_VERSION);
    CHECK(strchr(rollgate_version(), '.') != NULL);
    for (size_t i = 0; i < sizeof errors_of_the_book / sizeof *errors_of_the_book; i++) {
        CHECK(strcmp(rollgate_status_name(errors_of_the_book[i].number), errors_of_the_book[i].name) == 0);
    }
    CHECK(strcmp(rollgate_status_name(0), "Ok") == 0 && *rollgate_status_name(7) == 0);
}

static void opening(void) {
    rollgate_engine_handle engine;
    engine.id = 42;
    CHECK_STATUS(ROLLGATE_STATUS_IO, rollgate_engine_open("/no/such/plan.yaml", NULL, NULL, &engine));
    CHECK_STATUS(ROLLGATE_STATUS_INVALID_ARGUMENT, rollgate_engine_open(NULL, NULL, NULL, &engine));
    CHECK_STATUS(ROLLGATE_STATUS_INVALID_ARGUMENT, rollgate_engine_open("p.yaml", NULL, NULL, NULL));
    CHECK_STATUS(ROLLGATE_STATUS_STORE_AWAY, rollgate_engine_from_json(TEXT(CHECK_PLAN), "/no/such/folder/rollgate.db", NULL, &engine));
    CHECK_STATUS(ROLLGATE_STATUS_INVALID_CONFIG, rollgate_engine_from_json(TEXT("{\"version\":2}"), NULL, NULL, &engine));
    char message[64];
    size_t whole = rollgate_error_message(message, sizeof message);
    CHECK(whole >= sizeof message && strlen(message) == sizeof message - 1);
    CHECK(rollgate_error_message(NULL, 0) == whole);
    CHECK_STATUS(ROLLGATE_STATUS_INVALID_ARGUMENT, rollgate_engine_from_json(TEXT("\xff"), NULL, NULL, &engine));
    CHECK_STATUS(ROLLGATE_STATUS_INVALID_ARGUMENT, rollgate_engine_from_json("{}", SIZE_MAX, NULL, NULL, &engine));
    rollgate_options options;
    memset(&options, 0, sizeof options);
    CHECK_STATUS(ROLLGATE_STATUS_INVALID_ARGUMENT, rollgate_engine_from_json(TEXT(CHECK_PLAN), NULL, &options, &engine));
    options.size = sizeof options;
    options.flags = 1u << 31;
    CHECK_STATUS(ROLLGATE_STATUS_INVALID_ARGUMENT, rollgate_engine_from_json(TEXT(CHECK_PLAN), NULL, &options, &engine));
    CHECK(engine.id == 42); // Written on OK only.
    CHECK_OK(rollgate_engine_from_json(TEXT(CHECK_PLAN), NULL, NULL, &engine));
    CHECK_STATUS(ROLLGATE_STATUS_INVALID_ARGUMENT, rollgate_clock_advance(engine, 1));
    CHECK_OK(rollgate_engine_close(engine));
    CHECK_STATUS(ROLLGATE_STATUS_INVALID_HANDLE, rollgate_engine_close(engine));
}

static void flags(void) {
    rollgate_engine_handle engine = check_engine();
    rollgate_flag_handle half = {42}, full, listed;
    CHECK_STATUS(ROLLGATE_STATUS_FLAG_NOT_FOUND, rollgate_flag(engine, "NONE", &half));
    CHECK_STATUS(ROLLGATE_STATUS_INVALID_ARGUMENT, rollgate_flag(engine, NULL, &half));
    CHECK_STATUS(ROLLGATE_STATUS_INVALID_ARGUMENT, rollgate_flag(engine, "\xff", &half));
    CHECK(half.id == 42);
    CHECK_OK(rollgate_flag(engine, "HALF", &half));
    CHECK_OK(rollgate_flag_n(engine, "FULLER", 4, &full));
    CHECK_OK(rollgate_flag(engine, "LISTED", &listed));
    int on = 0;
    for (int i = 0; i < 2000; i++) {
        char key[16];
        int len = snprintf(key, sizeof key, "user-%d", i);
        bool is_on = rollgate_flag_is_on(half, key, (size_t)len);
        on += is_on;
        CHECK(rollgate_flag_is_on_str(half, key) == is_on);
        CHECK(rollgate_is_on(engine, "HALF", 4, key, (size_t)len, false) == is_on);
        CHECK(rollgate_is_on(engine, "HALF", 4, key, (size_t)len, true) == is_on);
        CHECK(rollgate_is_on_str(engine, "HALF", key, false) == is_on);
        CHECK(rollgate_flag_is_on_counted(half, key, (size_t)len) == is_on);
    }
    CHECK(900 < on && on < 1100);
    uint64_t counted[2];
    CHECK_OK(rollgate_flag_exposures(half, &counted[0], &counted[1]));
    CHECK(counted[0] == (uint64_t)on && counted[0] + counted[1] == 2000);
    CHECK(rollgate_flag_is_on(full, NULL, 0) && !rollgate_flag_is_on(half, NULL, 0));
    CHECK(!rollgate_flag_is_on(full, NULL, 3) && !rollgate_flag_is_on(full, "k", SIZE_MAX));
    CHECK(rollgate_flag_is_on(listed, "tester", 6) && !rollgate_flag_is_on(listed, "teste", 5));
    CHECK(rollgate_is_on_str(engine, "LISTED", "tester", false));
    // The fallback: unknown, disabled, a split without a key, a stale engine.
    rollgate_engine_handle none = {0};
    for (int fallback = 0; fallback < 2; fallback++) {
        CHECK(rollgate_is_on_str(engine, "NONE", "k", fallback) == fallback);
        CHECK(rollgate_is_on_str(engine, "OFF", "k", fallback) == fallback);
        CHECK(rollgate_is_on_str(engine, "HALF", NULL, fallback) == fallback);
        CHECK(rollgate_is_on_str(engine, NULL, "k", fallback) == fallback);
        CHECK(rollgate_is_on_str(none, "FULL", "k", fallback) == fallback);
        CHECK(rollgate_is_on(engine, NULL, 4, "k", 1, fallback) == fallback);
        CHECK(!rollgate_is_on_str(engine, "NEW", "k", fallback));
    }
    size_t count = 0, len = 0;
    CHECK_OK(rollgate_flag_count(engine, &count));
    CHECK(count == 11);
    char name[8];
    CHECK_OK(rollgate_flag_name(engine, 1, name, sizeof name, &len));
    CHECK(strcmp(name, "HALF") == 0 && len == 4);
    CHECK_STATUS(ROLLGATE_STATUS_INVALID_ARGUMENT, rollgate_flag_name(engine, count, name, sizeof name, &len));
    uint64_t bits[2];
    CHECK_OK(rollgate_all_on(engine, "tester", 6, bits, 2));
    CHECK((bits[0] & 0xc) == 0xc && (bits[0] & 1) == 0 && bits[1] == 0);
    CHECK_OK(rollgate_engine_close(engine));
    CHECK(!rollgate_flag_is_on(full, "k", 1));
    CHECK_STATUS(ROLLGATE_STATUS_INVALID_HANDLE, rollgate_flag_exposures(half, &counted[0], &counted[1]));
}

// Keys and names of every length: those of usual ones are answered on a way of their own.
static void lengths(void) {
    rollgate_engine_handle engine = check_engine();
    const char *names[] = {"HALF", "A_HALF_SPLIT", "A_FLAG_WITH_A_LONG_NAME", "FULL", "OFF", "NEW", "LISTED", "RULED", "NO_SUCH_FLAG"};
    const char *text = "tester-0123456789-abcdefghijklmnopqrstuvwxyz";
    size_t on = 0, off = 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        rollgate_flag_handle flag = {0};
        rollgate_flag(engine, names[i], &flag);
        size_t name_len = strlen(names[i]);
        for (size_t begin = 0; begin < 4; begin++) {
            for (size_t len = 0; len <= 40; len++) {
                rollgate_evaluation answer;
                CHECK_OK(rollgate_evaluate_n(engine, names[i], name_len, NULL, 0, text + begin, len, &answer));
                CHECK(rollgate_flag_is_on(flag, text + begin, len) == answer.is_on);
                CHECK(rollgate_is_on(engine, names[i], name_len, text + begin, len, false) == answer.is_on);
                CHECK(rollgate_is_on(engine, names[i], name_len, text + begin, len, true) == (answer.is_on || answer.is_default));
                if (answer.is_on) on++;
                else off++;
            }
        }
        for (size_t len = 1; len <= 40; len++) {
            CHECK(!rollgate_flag_is_on(flag, NULL, len));
            CHECK(!rollgate_is_on(engine, names[i], name_len, NULL, len, false));
            CHECK(!rollgate_is_on(engine, NULL, len, text, 12, false) && rollgate_is_on(engine, NULL, len, text, 12, true));
        }
    }
    CHECK(on > 300 && off > 300);
    CHECK_OK(rollgate_engine_close(engine));
}

static void batches(void) {
    rollgate_engine_handle engine = check_engine();
    const char *names[] = {"HALF", "FULL", "RULED", "NEW"};
    const char *keys = "abbbccddddddddddddddddddddddddddddddddddd";
    const size_t offsets[] = {0, 1, 4, 4, 6, 41};
    for (size_t i = 0; i < 4; i++) {
        rollgate_flag_handle flag;
        CHECK_OK(rollgate_flag(engine, names[i], &flag));
        bool on[5];
        CHECK_OK(rollgate_is_on_batch(flag, keys, offsets, 5, on));
        for (size_t k = 0; k < 5; k++) {
            CHECK(on[k] == rollgate_flag_is_on(flag, keys + offsets[k], offsets[k + 1] - offsets[k]));
        }
        const size_t wrong[] = {0, 4, 1};
        memset(on, 7, sizeof on);
        CHECK_STATUS(ROLLGATE_STATUS_INVALID_ARGUMENT, rollgate_is_on_batch(flag, keys, wrong, 2, on));
        CHECK_STATUS(ROLLGATE_STATUS_INVALID_ARGUMENT, rollgate_is_on_batch(flag, NULL, offsets, 5, on));
        CHECK_STATUS(ROLLGATE_STATUS_INVALID_ARGUMENT, rollgate_is_on_batch(flag, keys, offsets, SIZE_MAX, on));
        unsigned char untouched;
        memcpy(&untouched, on, 1);
        CHECK(untouched == 7);
        CHECK_OK(rollgate_is_on_batch(flag, NULL, NULL, 0, NULL));
    }
    rollgate_flag_handle none = {0};
    bool one;
    CHECK_STATUS(ROLLGATE_STATUS_INVALID_HANDLE, rollgate_is_on_batch(none, keys, offsets, 1, &one));
    CHECK_OK(rollgate_engine_close(engine));
}

static void evaluations(void) {
    rollgate_engine_handle engine = check_engine();
    rollgate_evaluation answer;
    CHECK_OK(rollgate_evaluate(engine, "HALF", NULL, "user-1", &answer));
    CHECK(answer.reason == ROLLGATE_REASON_SPLIT && answer.has_bucket && answer.share_ppm == 500000);
    uint32_t rollout, variant;
    CHECK_OK(rollgate_bucket("HALF", 4, "user-1", 6, &rollout, &variant));
    CHECK(answer.bucket == rollout && answer.is_on == (rollout < 1u << 31));
    CHECK(strcmp(answer.variant, answer.is_on ? "on" : "off") == 0 && answer.error == ROLLGATE_STATUS_OK);
    CHECK_OK(rollgate_evaluate(engine, "RULED", "{\"age\":17}", "user-1", &answer));
    CHECK(!answer.is_on && answer.reason == ROLLGATE_REASON_TARGETING_MATCH);
    CHECK_OK(rollgate_evaluate_n(engine, TEXT("RULED"), TEXT("{\"age\":18}"), NULL, 0, &answer));
    CHECK(answer.is_on);
    CHECK_OK(rollgate_evaluate(engine, "HALF", NULL, NULL, &answer));
    CHECK(answer.is_default && answer.error == ROLLGATE_STATUS_TARGETING_KEY_MISSING && *answer.variant == 0);
    CHECK_OK(rollgate_evaluate(engine, "NONE", NULL, "k", &answer));
    CHECK(answer.error == ROLLGATE_STATUS_FLAG_NOT_FOUND && answer.reason == ROLLGATE_REASON_ERROR);
    CHECK_STATUS(ROLLGATE_STATUS_INVALID_CONTEXT, rollgate_evaluate(engine, "HALF", "[1]", "k", &answer));
    CHECK_STATUS(ROLLGATE_STATUS_INVALID_ARGUMENT, rollgate_evaluate(engine, "HALF", NULL, "k", NULL));
    double number = 1;
    bool truth = false;
    CHECK_OK(rollgate_evaluate_number(engine, TEXT("SIZE"), NULL, 0, TEXT("k"), 7, &number));
    CHECK(number == 10);
    CHECK_STATUS(ROLLGATE_STATUS_TYPE_MISMATCH, rollgate_evaluate_boolean(engine, TEXT("SIZE"), NULL, 0, TEXT("k"), false, &truth));
    CHECK_STATUS(ROLLGATE_STATUS_FLAG_NOT_FOUND, rollgate_evaluate_number(engine, TEXT("NONE"), NULL, 0, TEXT("k"), 7, &number));
    CHECK(number == 10);
    CHECK_OK(rollgate_evaluate_boolean(engine, TEXT("FULL"), NULL, 0, TEXT("k"), false, &truth));
    CHECK(truth);
    char *text = NULL;
    READ(text, rollgate_evaluate_string(engine, TEXT("COLOUR"), NULL, 0, TEXT("k"), "grau", buf, capacity, &len));
    CHECK(strcmp(text, "rot") == 0);
    READ(text, rollgate_evaluate_value_json(engine, TEXT("SHAPE"), NULL, 0, TEXT("k"), NULL, buf, capacity, &len));
    CHECK(strcmp(text, "{\"r\":1}") == 0);
    READ(text, rollgate_evaluate_json(engine, TEXT("SIZE"), NULL, 0, TEXT("k"), buf, capacity, &len));
    CHECK(strstr(text, "\"variant\":\"small\",\"value\":10,") != NULL);
    free(text);
    CHECK_OK(rollgate_engine_close(engine));
    CHECK_STATUS(ROLLGATE_STATUS_INVALID_HANDLE, rollgate_evaluate(engine, "HALF", NULL, "k", &answer));
}

struct seen {
    rollgate_engine_handle engine;
    int calls, rolled_back;
    bool closes;
};

// Asks the engine from inside the callback, and gives it a command once.
static void see(void *user_data, const char *record, size_t len) {
    struct seen *seen = (struct seen *)user_data;
    CHECK(strlen(record) == len && record[0] == '{' && record[len - 1] == '}');
    seen->rolled_back += strstr(record, "\"kind\":\"rolled_back\"") != NULL;
    CHECK(rollgate_is_on_str(seen->engine, "FULL", "k", false) == rollgate_is_on_str(seen->engine, "NEW", "k", false));
    size_t needed;
    CHECK_STATUS(ROLLGATE_STATUS_BUFFER_TOO_SMALL, rollgate_status_json(seen->engine, NULL, 0, &needed));
    if (seen->calls++ == 0) {
        CHECK_OK(rollgate_command_json(seen->engine, TEXT("{\"command\":\"annotate\",\"by\":\"c\",\"text\":\"from inside\"}")));
        CHECK_OK(rollgate_tick(seen->engine));
    }
    if (seen->closes) {
        CHECK_OK(rollgate_engine_close(seen->engine));
    }
}

static void rollout(void) {
    rollgate_engine_handle engine = check_open(CHECK_ROLLOUT);
    struct seen seen = {engine, 0, 0, false};
    CHECK_OK(rollgate_on_event(engine, see, &seen));
    rollgate_metric_handle latency, errors, heap, crashes, nps, none = {0};
    CHECK_OK(rollgate_metric(engine, "latency", &latency));
    CHECK_OK(rollgate_metric_n(engine, "errors", 6, &errors));
    CHECK_OK(rollgate_metric(engine, "heap", &heap));
    CHECK_OK(rollgate_metric(engine, "crashes", &crashes));
    CHECK_OK(rollgate_metric(engine, "nps", &nps));
    CHECK_STATUS(ROLLGATE_STATUS_UNKNOWN_NAME, rollgate_metric(engine, "none", &none));
    CHECK_OK(rollgate_alerts_watch(engine));
    CHECK_OK(rollgate_command_json(engine, TEXT("{\"command\":\"start\",\"by\":\"on_call\"}")));
    CHECK_OK(rollgate_tick(engine));
    CHECK(rollgate_is_on_str(engine, "NEW", "k", false));
    CHECK_OK(rollgate_metric_record(latency, 12.5));
    CHECK_OK(rollgate_metric_record_many(latency, 12.5, 10));
    CHECK_OK(rollgate_metric_record_for(latency, TEXT("user-1"), 12.5));
    CHECK_STATUS(ROLLGATE_STATUS_INVALID_ARGUMENT, rollgate_metric_record(latency, strtod("inf", NULL)));
    CHECK_STATUS(ROLLGATE_STATUS_WRONG_METRIC_KIND, rollgate_metric_record(errors, 1));
    CHECK_STATUS(ROLLGATE_STATUS_INVALID_HANDLE, rollgate_metric_record(none, 1));
    CHECK_OK(rollgate_metric_record_outcome(errors, true));
    CHECK_OK(rollgate_metric_record_outcomes(errors, 1, 10));
    CHECK_OK(rollgate_metric_record_outcomes_for(errors, TEXT("user-1"), 1, 10));
    CHECK_STATUS(ROLLGATE_STATUS_INVALID_ARGUMENT, rollgate_metric_record_outcomes(errors, 11, 10));
    CHECK_OK(rollgate_metric_record(heap, 512));
    CHECK_OK(rollgate_metric_record(nps, 9));
    CHECK_OK(rollgate_metric_record_points(nps, 34));
    CHECK_STATUS(ROLLGATE_STATUS_WRONG_METRIC_KIND, rollgate_metric_count(heap, 1));
    uint64_t wait = 0;
    CHECK_OK(rollgate_next_wakeup(engine, &wait));
    CHECK(wait > 0);
    CHECK_OK(rollgate_clock_advance(engine, wait));
    CHECK_OK(rollgate_tick(engine));
    CHECK_OK(rollgate_alert_open(engine, ROLLGATE_SEVERITY_WARNING, TEXT("a1")));
    CHECK_OK(rollgate_alert_close(engine, TEXT("a1")));
    CHECK_STATUS(ROLLGATE_STATUS_INVALID_ARGUMENT, rollgate_alert_open(engine, 3, TEXT("a1")));
    CHECK_STATUS(ROLLGATE_STATUS_INVALID_ARGUMENT, rollgate_alert_open(engine, ROLLGATE_SEVERITY_INFO, NULL, 0));
    // Three crashes: the trigger fires inside the call.
    CHECK_OK(rollgate_metric_count(crashes, 3));
    CHECK(!rollgate_is_on_str(engine, "NEW", "k", false));
    CHECK_OK(rollgate_tick(engine));
    CHECK(seen.calls > 3 && seen.rolled_back == 1);
    char *text = NULL;
    READ(text, rollgate_status_json(engine, buf, capacity, &len));
    CHECK(strstr(text, "\"rolled_back\"") != NULL);
    for (uint32_t form = ROLLGATE_FORM_PHASE; form <= ROLLGATE_FORM_FINAL; form++) {
        READ(text, rollgate_scorecard_of(engine, form, ROLLGATE_FORMAT_TEXT, buf, capacity, &len));
    }
    READ(text, rollgate_scorecard(engine, ROLLGATE_FORMAT_MARKDOWN, buf, capacity, &len));
    CHECK(strncmp(text, "## ", 3) == 0);
    READ(text, rollgate_scorecard(engine, ROLLGATE_FORMAT_JSON, buf, capacity, &len));
    CHECK(text[0] == '{');
    size_t ignored;
    CHECK_STATUS(ROLLGATE_STATUS_INVALID_ARGUMENT, rollgate_scorecard(engine, 3, NULL, 0, &ignored));
    CHECK_STATUS(ROLLGATE_STATUS_INVALID_ARGUMENT, rollgate_scorecard_of(engine, 4, 0, NULL, 0, &ignored));
    free(text);
    CHECK_OK(rollgate_on_event(engine, NULL, NULL));
    int calls = seen.calls;
    CHECK_OK(rollgate_command_json(engine, TEXT("{\"command\":\"retry\",\"by\":\"on_call\"}")));
    CHECK(seen.calls == calls);
    seen.closes = true;
    CHECK_OK(rollgate_on_event(engine, see, &seen));
    CHECK_OK(rollgate_command_json(engine, TEXT("{\"command\":\"annotate\",\"by\":\"c\",\"text\":\"the last\"}")));
    CHECK(seen.calls == calls + 1);
    CHECK_STATUS(ROLLGATE_STATUS_INVALID_HANDLE, rollgate_tick(engine));
    CHECK_STATUS(ROLLGATE_STATUS_INVALID_HANDLE, rollgate_metric_record(latency, 1));
}

static void commands_and_journal(void) {
    rollgate_engine_handle engine = check_engine();
    CHECK_OK(rollgate_set_shares_json(engine, TEXT("{\"HALF\":1,\"FULL\":0.25}"), "ann", "all of \"it\""));
    CHECK(rollgate_is_on_str(engine, "HALF", "anybody", false));
    char *text = NULL;
    READ(text, rollgate_shares_json(engine, buf, capacity, &len));
    CHECK(strstr(text, "\"HALF\":1.0,\"FULL\":0.25") != NULL);
    CHECK_STATUS(ROLLGATE_STATUS_INVALID_ARGUMENT, rollgate_set_shares_json(engine, TEXT("{\"HALF\":2}"), "ann", NULL));
    CHECK_STATUS(ROLLGATE_STATUS_INVALID_ARGUMENT, rollgate_set_shares_json(engine, TEXT("{\"HALF\":0,\"HALF\":0}"), "ann", NULL));
    CHECK_STATUS(ROLLGATE_STATUS_INVALID_ARGUMENT, rollgate_set_shares_json(engine, TEXT("{\"HALF\":0},\"by\":\"eve\""), "ann", NULL));
    CHECK_STATUS(ROLLGATE_STATUS_INVALID_ARGUMENT, rollgate_set_shares_json(engine, TEXT("{\"HALF\":0}"), NULL, NULL));
    CHECK_STATUS(ROLLGATE_STATUS_INVALID_ARGUMENT, rollgate_command_json(engine, TEXT("{\"command\":\"dance\"}")));
    CHECK_STATUS(ROLLGATE_STATUS_REFUSED, rollgate_command_json(engine, TEXT("{\"command\":\"resume\",\"by\":\"ann\"}")));
    CHECK(rollgate_is_on_str(engine, "HALF", "anybody", false)); // Nothing of it happened.
    // Page by page gives what one page gives, and each record once.
    uint64_t last = 0, end = 0;
    size_t needed = 0, lines = 0;
    CHECK_STATUS(ROLLGATE_STATUS_BUFFER_TOO_SMALL, rollgate_journal_read(engine, 0, NULL, 0, &needed, &last));
    CHECK(needed > 2 && last == 0);
    static char whole[1 << 16], page[2048];
    CHECK_OK(rollgate_journal_read(engine, 0, whole, sizeof whole, &needed, &end));
    size_t at = 0;
    for (;;) {
        size_t len = 0;
        CHECK_OK(rollgate_journal_read(engine, last, page, sizeof page, &len, &last));
        if (len == 0) break;
        CHECK(page[len - 1] == '\n' && strncmp(whole + at, page, len) == 0);
        at += len;
    }
    for (size_t i = 0; i < at; i++) lines += whole[i] == '\n';
    CHECK(at == needed && last == end && lines == end && end > 2);
    free(text);
    CHECK_OK(rollgate_engine_close(engine));
}

static void handles(void) {
    // Of another kind, of nobody, and stale once the slot is another's.
    rollgate_engine_handle engine = check_engine();
    rollgate_flag_handle full;
    rollgate_metric_handle latency;
    CHECK_OK(rollgate_flag(engine, "FULL", &full));
    CHECK_OK(rollgate_metric(engine, "latency", &latency));
    rollgate_flag_handle wrong_flags[] = {{0}, {UINT64_MAX}, {engine.id}, {latency.id}, {full.id + (1ull << 32)}};
    for (size_t i = 0; i < sizeof wrong_flags / sizeof *wrong_flags; i++) {
        CHECK(!rollgate_flag_is_on(wrong_flags[i], "k", 1));
    }
    rollgate_engine_handle wrong_engines[] = {{0}, {UINT64_MAX}, {full.id}, {1ull << 16}, {engine.id ^ 1}};
    for (size_t i = 0; i < sizeof wrong_engines / sizeof *wrong_engines; i++) {
        CHECK(!rollgate_is_on_str(wrong_engines[i], "FULL", "k", false));
        CHECK_STATUS(ROLLGATE_STATUS_INVALID_HANDLE, rollgate_tick(wrong_engines[i]));
        CHECK_STATUS(ROLLGATE_STATUS_INVALID_HANDLE, rollgate_engine_close(wrong_engines[i]));
    }
    CHECK(rollgate_flag_is_on(full, "k", 1));
    CHECK_OK(rollgate_engine_close(engine));
    rollgate_engine_handle next = check_engine();
    CHECK(next.id != engine.id && !rollgate_flag_is_on(full, "k", 1) && rollgate_is_on_str(next, "FULL", "k", false));
    CHECK_STATUS(ROLLGATE_STATUS_INVALID_HANDLE, rollgate_tick(engine));
    CHECK_OK(rollgate_engine_close(next));
}

// Handles of flags that split, asked with a key of the usual length for which they are on.
static void handles_of_splits(void) {
    enum { ROUNDS = 64 };
    rollgate_flag_handle given[ROUNDS];
    for (int round = 0; round < ROUNDS; round++) {
        rollgate_engine_handle engine = check_engine();
        rollgate_flag_handle flag;
        char key[17];
        CHECK_OK(rollgate_flag(engine, "A_HALF_SPLIT", &flag));
        for (int user = 0; user < 1000; user++) {
            snprintf(key, sizeof key, "tester-%09d", user);
            if (rollgate_flag_is_on(flag, key, 16)) break;
        }
        CHECK(rollgate_flag_is_on(flag, key, 16) && rollgate_is_on(engine, TEXT("A_HALF_SPLIT"), key, 16, false));
        // The plan's flags lie in a row of 16 cells: another bit leads out of it, or to another tag.
        for (int bit = 4; bit < 64; bit++) {
            rollgate_flag_handle other = {flag.id ^ (UINT64_C(1) << bit)};
            bool answer = true;
            size_t offsets[] = {0, 16};
            CHECK(!rollgate_flag_is_on(other, key, 16));
            CHECK_STATUS(ROLLGATE_STATUS_INVALID_HANDLE, rollgate_is_on_batch(other, key, offsets, 1, &answer));
            rollgate_engine_handle elsewhere = {engine.id ^ (UINT64_C(1) << bit)};
            CHECK(!rollgate_is_on(elsewhere, TEXT("A_HALF_SPLIT"), key, 16, false));
        }
        for (int before = 0; before < round; before++) {
            CHECK(given[before].id != flag.id && !rollgate_flag_is_on(given[before], key, 16));
        }
        given[round] = flag;
        CHECK_OK(rollgate_engine_close(engine));
        CHECK(!rollgate_flag_is_on(flag, key, 16));
        CHECK(!rollgate_is_on(engine, TEXT("A_HALF_SPLIT"), key, 16, false));
        CHECK(rollgate_is_on(engine, TEXT("A_HALF_SPLIT"), key, 16, true));
    }
}

// Kilobytes of the process that are in memory.
static long resident(void) {
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file != NULL) {
        if (fscanf(file, "%*d %ld", &pages) != 1) pages = 0;
        fclose(file);
    }
    return pages * sysconf(_SC_PAGESIZE) / 1024;
}

static void memory_stays_flat(void) {
    rollgate_metric_handle latency;
    long before = 0;
    for (int i = 0; i < 2500; i++) {
        rollgate_engine_handle engine = check_engine();
        CHECK_OK(rollgate_metric(engine, "latency", &latency));
        CHECK_OK(rollgate_metric_record(latency, 1));
        CHECK(rollgate_is_on_str(engine, "RULED", "k", false));
        CHECK_OK(rollgate_engine_close(engine));
        if (i == 500) before = resident();
    }
    CHECK(resident() - before < 4096);
}

static void in_a_child_of_fork(void) {
    rollgate_engine_handle engine = check_engine();
    rollgate_flag_handle full, ruled;
    rollgate_metric_handle latency;
    CHECK_OK(rollgate_flag(engine, "FULL", &full));
    CHECK_OK(rollgate_flag(engine, "RULED", &ruled));
    CHECK_OK(rollgate_metric(engine, "latency", &latency));
    CHECK_OK(rollgate_ticker_start(engine));
    pid_t child = fork();
    if (child == 0) {
        alarm(60); // A child that hangs is a child that failed.
        rollgate_evaluation answer;
        CHECK(rollgate_flag_is_on(full, "k", 1) && rollgate_flag_is_on(ruled, "k", 1));
        CHECK(rollgate_is_on_str(engine, "FULL", "k", false));
        CHECK_OK(rollgate_evaluate(engine, "RULED", "{\"age\":17}", "k", &answer));
        CHECK_STATUS(ROLLGATE_STATUS_INVALID_HANDLE, rollgate_tick(engine));
        CHECK_STATUS(ROLLGATE_STATUS_INVALID_HANDLE, rollgate_metric_record(latency, 1));
        rollgate_engine_handle own = check_engine();
        CHECK_OK(rollgate_tick(own));
        CHECK_OK(rollgate_ticker_start(own));
        CHECK_OK(rollgate_engine_close(own));
        CHECK_OK(rollgate_engine_close(engine));
        CHECK(!rollgate_flag_is_on(full, "k", 1));
        _exit(check_failed != 0);
    }
    int how = 0;
    CHECK(child > 0 && waitpid(child, &how, 0) == child && WIFEXITED(how) && WEXITSTATUS(how) == 0);
    CHECK_OK(rollgate_tick(engine));
    CHECK_OK(rollgate_ticker_stop(engine));
    CHECK_OK(rollgate_engine_close(engine));
}

struct race {
    rollgate_engine_handle engine;
    rollgate_flag_handle full, ruled;
    int begun;
};

static void *ask_until_closed(void *argument) {
    struct race *race = (struct race *)argument;
    __atomic_add_fetch(&race->begun, 1, __ATOMIC_SEQ_CST);
    while (rollgate_flag_is_on(race->full, "k", 1)) {
        rollgate_flag_is_on(race->ruled, "k", 1);
    }
    CHECK(!rollgate_flag_is_on(race->ruled, "k", 1));
    char message[64];
    CHECK(rollgate_error_message(message, sizeof message) == 0); // Of this thread; the main one has had some.
    return NULL;
}

static void closing_while_others_ask(void) {
    for (int round = 0; round < 20; round++) {
        struct race race;
        race.engine = check_engine();
        race.begun = 0;
        CHECK_OK(rollgate_flag(race.engine, "FULL", &race.full));
        CHECK_OK(rollgate_flag(race.engine, "RULED", &race.ruled));
        pthread_t threads[3];
        for (int i = 0; i < 3; i++) CHECK(pthread_create(&threads[i], NULL, ask_until_closed, &race) == 0);
        while (__atomic_load_n(&race.begun, __ATOMIC_SEQ_CST) < 3) {
        }
        CHECK_OK(rollgate_engine_close(race.engine));
        for (int i = 0; i < 3; i++) CHECK(pthread_join(threads[i], NULL) == 0);
    }
}

// What readers of one engine ask while its slot, cells and names go to another: that one has the flag on for nearly all.
struct reuse {
    uint64_t engine, flag;
    int is_over;
};

static void *ask_for_off(void *argument) {
    struct reuse *reuse = (struct reuse *)argument;
    char key[17];
    for (unsigned user = 0; !__atomic_load_n(&reuse->is_over, __ATOMIC_SEQ_CST); user++) {
        rollgate_engine_handle engine = {__atomic_load_n(&reuse->engine, __ATOMIC_SEQ_CST)};
        rollgate_flag_handle flag = {__atomic_load_n(&reuse->flag, __ATOMIC_SEQ_CST)};
        snprintf(key, sizeof key, "tester-%09u", user % 1000);
        for (int again = 0; again < 50; again++) {
            CHECK(!rollgate_flag_is_on(flag, key, 16));
            CHECK(!rollgate_is_on(engine, TEXT("A_HALF_SPLIT"), key, 16, false));
        }
    }
    return NULL;
}

static void reuse_while_others_ask(void) {
    // The second has its flag at another place, too.
    const char *off = "{\"version\":1,\"name\":\"off\",\"flags\":{\"A_HALF_SPLIT\":{},\"SECOND_FLAG\":{\"share\":\"99%\"}}}";
    const char *on = "{\"version\":1,\"name\":\"on\",\"flags\":{\"FIRST_FLAG\":{\"share\":\"99%\"},\"A_HALF_SPLIT\":{\"share\":\"99%\"}}}";
    struct reuse reuse = {0, 0, 0};
    pthread_t threads[2];
    for (int i = 0; i < 2; i++) CHECK(pthread_create(&threads[i], NULL, ask_for_off, &reuse) == 0);
    for (int round = 0; round < 1000; round++) {
        rollgate_engine_handle engine = check_open(off), next;
        rollgate_flag_handle flag;
        CHECK_OK(rollgate_flag(engine, "A_HALF_SPLIT", &flag));
        __atomic_store_n(&reuse.engine, engine.id, __ATOMIC_SEQ_CST);
        __atomic_store_n(&reuse.flag, flag.id, __ATOMIC_SEQ_CST);
        CHECK_OK(rollgate_engine_close(engine));
        next = check_open(on);
        CHECK((next.id & 0xffff) == (engine.id & 0xffff)); // The same slot: nobody else opens one here.
        CHECK_OK(rollgate_flag(next, "A_HALF_SPLIT", &flag));
        CHECK((uint32_t)flag.id - (uint32_t)__atomic_load_n(&reuse.flag, __ATOMIC_SEQ_CST) == 1); // And the same cells.
        CHECK_OK(rollgate_engine_close(next));
    }
    __atomic_store_n(&reuse.is_over, 1, __ATOMIC_SEQ_CST);
    for (int i = 0; i < 2; i++) CHECK(pthread_join(threads[i], NULL) == 0);
}

int main(void) {
    versions_and_numbers();
    opening();
    flags();
    lengths();
    batches();
    evaluations();
    rollout();
    commands_and_journal();
    handles();
    handles_of_splits();
    closing_while_others_ask();
    reuse_while_others_ask();
    in_a_child_of_fork();
    memory_stays_flat();
    return check_end("abi");
}
