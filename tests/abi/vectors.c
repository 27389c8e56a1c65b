// Runs the lines of a table of vectors: salt and key in hexadecimal, share in parts per million, the two buckets, and
// whether it is on; separated by tabs. Prints `C: N of M`.
//
//     vectors FILE

#include "check.h"

// The salt as JSON writes it.
static void quote(char *to, const char *bytes, size_t len) {
    for (size_t i = 0; i < len; i++) {
        unsigned char byte = (unsigned char)bytes[i];
        if (byte < 0x20 || byte == '"' || byte == '\\' || byte == 0x7f) to += sprintf(to, "\\u%04x", byte);
        else *to++ = (char)byte;
    }
    *to = 0;
}

static bool holds(const char *salt, size_t salt_len, const char *key, size_t key_len, uint32_t ppm, uint32_t bucket,
                  uint32_t variant_bucket, bool on) {
    uint32_t rollout = 0, variant = 0;
    if (rollgate_bucket(salt, salt_len, key, key_len, &rollout, &variant) != ROLLGATE_STATUS_OK) return false;
    if (rollout != bucket || variant != variant_bucket) return false;
    char *quoted = (char *)malloc(6 * salt_len + 1), *plan = (char *)malloc(6 * salt_len + 200);
    quote(quoted, salt, salt_len);
    int plan_len = sprintf(plan,
                           "{\"version\":1,\"name\":\"vectors\",\"flags\":{\"F\":{\"bucketing\":{\"salt\":\"%s\"},"
                           "\"share\":\"%u.%04u%%\"}}}",
                           quoted, ppm / 10000, ppm % 10000);
    rollgate_engine_handle engine = {0};
    CHECK_OK(rollgate_engine_from_json(plan, (size_t)plan_len, NULL, NULL, &engine));
    rollgate_flag_handle flag = {0};
    rollgate_evaluation answer;
    bool is_on, in_batch;
    const size_t offsets[] = {0, key_len};
    bool is_right = rollgate_flag(engine, "F", &flag) == ROLLGATE_STATUS_OK;
    is_on = rollgate_flag_is_on(flag, key, key_len);
    is_right &= is_on == on && rollgate_is_on(engine, "F", 1, key, key_len, !on) == on;
    is_right &= rollgate_is_on_batch(flag, key, offsets, 1, &in_batch) == ROLLGATE_STATUS_OK && in_batch == on;
    is_right &= rollgate_evaluate_n(engine, "F", 1, NULL, 0, key, key_len, &answer) == ROLLGATE_STATUS_OK;
    is_right &= answer.is_on == on && answer.share_ppm == ppm && (!answer.has_bucket || answer.bucket == bucket);
    CHECK_OK(rollgate_engine_close(engine));
    free(quoted);
    free(plan);
    return is_right;
}

int main(int argc, char **argv) {
    FILE *file = argc == 2 ? fopen(argv[1], "r") : NULL;
    if (file == NULL) {
        fprintf(stderr, "usage: vectors FILE, which can be read\n");
        return 2;
    }
    static char line[1 << 20], salt[1 << 18], key[1 << 18];
    unsigned right = 0, all = 0;
    while (fgets(line, sizeof line, file) != NULL) {
        char *field[6], *rest = line;
        for (int i = 0; i < 6; i++) {
            field[i] = rest;
            rest += strcspn(rest, "\t\n");
            if (*rest != 0) *rest++ = 0;
        }
        size_t salt_len = unhex(field[0], salt), key_len = unhex(field[1], key);
        uint32_t number[4];
        for (int i = 0; i < 4; i++) number[i] = (uint32_t)strtoul(field[2 + i], NULL, 10);
        all++;
        if (holds(salt, salt_len, key, key_len, number[0], number[1], number[2], number[3] != 0)) right++;
        else fprintf(stderr, "line %u does not hold\n", all);
    }
    fclose(file);
    printf("C: %u of %u\n", right, all);
    return right == all && all > 0 && check_failed == 0 ? 0 : 1;
}
