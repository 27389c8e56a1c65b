// Many subjects in one call: the keys lie one behind the other, and offsets say where each begins.
#include <rollgate.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define USERS 100000

int main(void) {
    static const char plan[] = "{ \"version\": 1, \"name\": \"batch\", \"flags\": { \"NEW_RANKING\": { \"share\": \"10%\" } } }";
    rollgate_engine_handle engine;
    rollgate_flag_handle flag;
    if (rollgate_engine_from_json(plan, strlen(plan), NULL, NULL, &engine) != ROLLGATE_STATUS_OK) return 1;
    if (rollgate_flag(engine, "NEW_RANKING", &flag) != ROLLGATE_STATUS_OK) return 1;

    char *keys = (char *)malloc(USERS * 16);
    size_t *offsets = (size_t *)malloc((USERS + 1) * sizeof *offsets);
    bool *is_on = (bool *)malloc(USERS * sizeof *is_on);
    if (keys == NULL || offsets == NULL || is_on == NULL) return 1;
    offsets[0] = 0;
    for (size_t user = 0; user < USERS; user++) {
        offsets[user + 1] = offsets[user] + (size_t)sprintf(keys + offsets[user], "user-%zu", user);
    }

    rollgate_status status = rollgate_is_on_batch(flag, keys, offsets, USERS, is_on);
    size_t on = 0;
    for (size_t user = 0; status == ROLLGATE_STATUS_OK && user < USERS; user++) on += is_on[user];
    printf("NEW_RANKING is on for %zu of %d users\n", on, USERS);

    free(is_on);
    free(offsets);
    free(keys);
    rollgate_engine_close(engine);
    return on > 9500 && on < 10500 ? 0 : 1;
}
