// Plays the script of a story on a plan, and compares status and scorecard with the book, byte for byte.
//
//     doors FOLDER

#include "check.h"

// The text of a file, without a line break at its end.
static char *text_of(const char *folder, const char *name) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        perror(path);
        exit(2);
    }
    char *text = (char *)malloc(1 << 20);
    size_t len = fread(text, 1, (1 << 20) - 1, file);
    fclose(file);
    while (len > 0 && text[len - 1] == '\n') len--;
    text[len] = 0;
    return text;
}

static rollgate_metric_handle metric(rollgate_engine_handle engine, const char *name) {
    rollgate_metric_handle found = {0};
    CHECK_OK(rollgate_metric(engine, name, &found));
    return found;
}

static void play(rollgate_engine_handle engine, char *line) {
    char *field[4], *rest = line;
    for (int i = 0; i < 4; i++) {
        field[i] = rest;
        rest += strcspn(rest, "\t");
        if (*rest != 0) *rest++ = 0;
    }
    if (strcmp(field[0], "command") == 0) {
        // What is refused is part of the story.
        rollgate_status status = rollgate_command_json(engine, field[1], strlen(field[1]));
        CHECK(status == ROLLGATE_STATUS_OK || status == ROLLGATE_STATUS_REFUSED);
    } else if (strcmp(field[0], "advance") == 0) {
        for (long turn = strtol(field[2], NULL, 10); turn > 0; turn--) {
            CHECK_OK(rollgate_clock_advance(engine, strtoull(field[1], NULL, 10)));
            CHECK_OK(rollgate_tick(engine));
        }
    } else if (strcmp(field[0], "record") == 0) {
        CHECK_OK(rollgate_metric_record_for(metric(engine, field[1]), field[2], strlen(field[2]), strtod(field[3], NULL)));
    } else if (strcmp(field[0], "outcomes") == 0) {
        uint64_t trues = strtoull(field[2], NULL, 10), total = strtoull(field[3], NULL, 10);
        CHECK_OK(rollgate_metric_record_outcomes(metric(engine, field[1]), trues, total));
    } else if (strcmp(field[0], "count") == 0) {
        CHECK_OK(rollgate_metric_count(metric(engine, field[1]), strtoull(field[2], NULL, 10)));
    } else {
        CHECK(strcmp(field[0], "a known word") == 0);
    }
}

static void compare(const char *name, const char *said, const char *wanted) {
    if (strcmp(said, wanted) != 0) fprintf(stderr, "%s\n  said   %s\n  wanted %s\n", name, said, wanted);
    CHECK(strcmp(said, wanted) == 0);
}

int main(int argc, char **argv) {
    if (argc != 2) return 2;
    char path[4096];
    snprintf(path, sizeof path, "%s/plan.yaml", argv[1]);
    rollgate_options options = {0};
    options.size = sizeof options;
    options.flags = ROLLGATE_OPTION_MANUAL_CLOCK;
    options.clock_unix_ms = 1772442000000;
    rollgate_engine_handle engine = {0};
    CHECK_OK(rollgate_engine_open(path, NULL, &options, &engine));
    char *script = text_of(argv[1], "script.txt");
    for (char *line = script, *end; line != NULL; line = end) {
        end = strchr(line, '\n');
        if (end != NULL) *end++ = 0;
        play(engine, line);
    }
    static char said[1 << 20];
    size_t len = 0;
    CHECK_OK(rollgate_status_json(engine, said, sizeof said, &len));
    compare("status", said, text_of(argv[1], "status.json"));
    CHECK_OK(rollgate_scorecard(engine, ROLLGATE_FORMAT_JSON, said, sizeof said, &len));
    compare("scorecard", said, text_of(argv[1], "scorecard.json"));
    CHECK_OK(rollgate_engine_close(engine));
    printf("C: status and scorecard are those of the book\n");
    return check_failed == 0 ? 0 : 1;
}
