// A store path: what an engine decided is there when the file is opened again, and a second engine on it follows.
//
//     store FOLDER
//
// The folder is empty, and the caller's to remove.

#include "check.h"

static char path[4096];

static rollgate_engine_handle open_stored(const char *plan, int64_t now) {
    rollgate_options options;
    memset(&options, 0, sizeof options);
    options.size = sizeof options;
    options.flags = ROLLGATE_OPTION_MANUAL_CLOCK;
    options.clock_unix_ms = now;
    rollgate_engine_handle engine;
    engine.id = 0;
    CHECK_OK(rollgate_engine_from_json(plan, strlen(plan), path, &options, &engine));
    return engine;
}

static void command(rollgate_engine_handle engine, const char *json) {
    CHECK_OK(rollgate_command_json(engine, json, strlen(json)));
}

// Time goes on, as it does in a program: a tick every tenth of a second.
static void pass(rollgate_engine_handle engine, int tenths) {
    for (int tick = 0; tick < tenths; tick++) {
        CHECK_OK(rollgate_clock_advance(engine, 100));
        CHECK_OK(rollgate_tick(engine));
    }
}

#define TEXT_MAX (1 << 16)

static const char *status_of(rollgate_engine_handle engine) {
    static char text[TEXT_MAX];
    size_t len = 0;
    CHECK_OK(rollgate_status_json(engine, text, sizeof text, &len));
    return text;
}

static const char *shares_of(rollgate_engine_handle engine) {
    static char text[TEXT_MAX];
    size_t len = 0;
    CHECK_OK(rollgate_shares_json(engine, text, sizeof text, &len));
    return text;
}

// The whole journal; the number of its last record.
static uint64_t journal_of(rollgate_engine_handle engine, char *text) {
    size_t len = 0;
    uint64_t last = 0;
    text[0] = 0;
    CHECK_OK(rollgate_journal_read(engine, 0, text, TEXT_MAX, &len, &last));
    return last;
}

static bool is_on(rollgate_engine_handle engine, const char *name) {
    rollgate_flag_handle flag;
    flag.id = 0;
    CHECK_OK(rollgate_flag(engine, name, &flag));
    return rollgate_flag_is_on(flag, "user-0000000042", 15);
}

#define CHECK_SAYS(text, wanted)                                                                                     \
    do {                                                                                                             \
        const char *check_said = (text);                                                                             \
        if (strstr(check_said, wanted) == NULL) {                                                                    \
            fprintf(stderr, "%s:%d: %s is not in: %s\n", __FILE__, __LINE__, wanted, check_said);                    \
            check_fail();                                                                                            \
        }                                                                                                            \
    } while (0)

static char before[TEXT_MAX], after[TEXT_MAX];

static void what_was_decided_is_there_again(void) {
    rollgate_engine_handle engine = open_stored(CHECK_ROLLOUT, CHECK_NOW);
    CHECK_SAYS(status_of(engine), "\"role\":\"leader\"");
    CHECK(!is_on(engine, "NEW"));
    command(engine, "{\"command\":\"start\",\"by\":\"ann\"}");
    pass(engine, 10);
    CHECK_SAYS(shares_of(engine), "\"NEW\":1.0");
    CHECK(is_on(engine, "NEW") && is_on(engine, "FULL"));
    const char *set = "{\"NEW\":0,\"FULL\":0.25}";
    CHECK_OK(rollgate_set_shares_json(engine, set, strlen(set), "ann", "less for now"));
    uint64_t records = journal_of(engine, before);
    CHECK(records >= 3);
    CHECK_SAYS(before, "less for now");
    CHECK_OK(rollgate_engine_close(engine));

    engine = open_stored(CHECK_ROLLOUT, CHECK_NOW + 60000);
    CHECK_SAYS(shares_of(engine), "\"NEW\":0.0");
    CHECK_SAYS(shares_of(engine), "\"FULL\":0.25");
    CHECK_SAYS(status_of(engine), "\"status\":\"running\"");
    CHECK(!is_on(engine, "NEW"));
    // All records of before, as they were; there may be more by now.
    CHECK(journal_of(engine, after) >= records);
    CHECK(strncmp(after, before, strlen(before)) == 0);
    CHECK_OK(rollgate_engine_close(engine));
}

static void second_engine_follows_and_takes_over(void) {
    rollgate_engine_handle leader = open_stored(CHECK_ROLLOUT, CHECK_NOW + 120000);
    rollgate_engine_handle follower = open_stored(CHECK_ROLLOUT, CHECK_NOW + 120000);
    pass(leader, 1);
    pass(follower, 1);
    CHECK_SAYS(status_of(leader), "\"role\":\"leader\"");
    CHECK_SAYS(status_of(follower), "\"role\":\"follower\"");
    CHECK_SAYS(shares_of(follower), "\"FULL\":0.25");

    const char *set = "{\"FULL\":0.125}";
    CHECK_OK(rollgate_set_shares_json(leader, set, strlen(set), "ann", "still less"));
    pass(follower, 3);
    CHECK_SAYS(shares_of(follower), "\"FULL\":0.125");
    CHECK(journal_of(leader, before) == journal_of(follower, after));
    CHECK(strcmp(before, after) == 0);

    // A command to the one that follows is one of the rollout.
    set = "{\"FULL\":0}";
    CHECK_OK(rollgate_set_shares_json(follower, set, strlen(set), "bob", "none"));
    pass(leader, 3);
    CHECK_SAYS(shares_of(leader), "\"FULL\":0.0");
    CHECK(!is_on(leader, "FULL"));

    // Closing gives the lease back.
    CHECK_OK(rollgate_engine_close(leader));
    pass(follower, 20);
    CHECK_SAYS(status_of(follower), "\"role\":\"leader\"");
    CHECK_OK(rollgate_engine_close(follower));
}

// A file that is something else is told of, and stays as it is.
static void file_that_is_no_store_is_refused(const char *folder) {
    char other[4096], said[512];
    snprintf(other, sizeof other, "%s/other.db", folder);
    FILE *file = fopen(other, "wb");
    CHECK(file != NULL);
    if (file == NULL) return;
    for (int line = 0; line < 200; line++) fputs("this is a text and no store\n", file);
    fclose(file);
    rollgate_engine_handle engine;
    engine.id = 42;
    rollgate_status status = rollgate_engine_from_json(CHECK_PLAN, strlen(CHECK_PLAN), other, NULL, &engine);
    CHECK(status == ROLLGATE_STATUS_STORE_DAMAGED);
    rollgate_error_message(said, sizeof said);
    CHECK_SAYS(said, "other.db");
    CHECK(engine.id == 42);
    file = fopen(other, "rb");
    char line[64] = "";
    CHECK(file != NULL && fgets(line, sizeof line, file) != NULL && strcmp(line, "this is a text and no store\n") == 0);
    if (file != NULL) fclose(file);
}

int main(int argc, char **argv) {
    if (argc != 2) return 2;
    snprintf(path, sizeof path, "%s/rollout.db", argv[1]);
    what_was_decided_is_there_again();
    second_engine_follows_and_takes_over();
    file_that_is_no_store_is_refused(argv[1]);
    return check_end("store");
}
