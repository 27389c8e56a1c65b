// Runs the book of evaluations: lines between tabs, of which `plan PATH` opens a plan and `case` asks a flag of it: the
// flag, the key (`-` where there is none), the attributes as JSON, then what is to come out: `on` (1, 0, or d for the
// caller's default), the reason or the error, and the variant (`-` where none is asked for). Keys and JSON are hexadecimal.
//
//     book FILE

#include "check.h"

static const char *why(const rollgate_evaluation *answer) {
    switch (answer->reason) {
    case ROLLGATE_REASON_STATIC: return "STATIC";
    case ROLLGATE_REASON_SPLIT: return "SPLIT";
    case ROLLGATE_REASON_TARGETING_MATCH: return "TARGETING_MATCH";
    case ROLLGATE_REASON_DISABLED: return "DISABLED";
    default: break;
    }
    switch (answer->error) {
    case ROLLGATE_STATUS_FLAG_NOT_FOUND: return "FLAG_NOT_FOUND";
    case ROLLGATE_STATUS_PARSE_ERROR: return "PARSE_ERROR";
    case ROLLGATE_STATUS_TYPE_MISMATCH: return "TYPE_MISMATCH";
    case ROLLGATE_STATUS_TARGETING_KEY_MISSING: return "TARGETING_KEY_MISSING";
    default: return "?";
    }
}

static bool holds(rollgate_engine_handle engine, char **field) {
    static char key[1 << 16], context[1 << 16];
    bool has_key = strcmp(field[2], "-") != 0;
    size_t key_len = has_key ? unhex(field[2], key) : 0, context_len = unhex(field[3], context);
    rollgate_evaluation answer;
    rollgate_status status = rollgate_evaluate_n(engine, field[1], strlen(field[1]), context, context_len,
                                                 has_key ? key : NULL, key_len, &answer);
    // An unknown flag is a status; its answer is the caller's default all the same.
    if (status == ROLLGATE_STATUS_FLAG_NOT_FOUND) return *field[4] == 'd' && strcmp(field[5], "FLAG_NOT_FOUND") == 0;
    if (status != ROLLGATE_STATUS_OK) return false;
    bool is_right = answer.is_default == (*field[4] == 'd') && answer.is_on == (*field[4] == '1');
    is_right &= strcmp(why(&answer), field[5]) == 0;
    return is_right && (strcmp(field[6], "-") == 0 || strcmp(answer.variant, field[6]) == 0);
}

int main(int argc, char **argv) {
    FILE *file = argc == 2 ? fopen(argv[1], "r") : NULL;
    if (file == NULL) return 2;
    static char line[1 << 18];
    rollgate_engine_handle engine = {0};
    unsigned right = 0, all = 0;
    while (fgets(line, sizeof line, file) != NULL) {
        char *field[7], *rest = line;
        for (int i = 0; i < 7; i++) {
            field[i] = rest;
            rest += strcspn(rest, "\t\n");
            if (*rest != 0) *rest++ = 0;
        }
        if (strcmp(field[0], "plan") == 0) {
            if (engine.id != 0) CHECK_OK(rollgate_engine_close(engine));
            CHECK_OK(rollgate_engine_open(field[1], NULL, NULL, &engine));
            continue;
        }
        all++;
        if (holds(engine, field)) right++;
        else fprintf(stderr, "case %u does not hold: %s, %s, %s\n", all, field[1], field[4], field[5]);
    }
    fclose(file);
    CHECK_OK(rollgate_engine_close(engine));
    printf("C: %u of %u evaluations\n", right, all);
    return right == all && all > 50 && check_failed == 0 ? 0 : 1;
}
