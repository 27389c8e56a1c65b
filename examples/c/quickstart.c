// The least there is: a plan, a flag, a metric, and a rollback that happens by itself.
#include <rollgate.h>

#include <stdio.h>
#include <string.h>

static const char PLAN[] =
    "{ \"version\": 1, \"name\": \"quick\","
    "  \"flags\": { \"NEW_SEARCH\": {} },"
    "  \"metrics\": { \"crashes\": { \"kind\": \"event\", \"unit\": \"count\", \"good\": \"down\" } },"
    "  \"phases\": [ { \"id\": \"all\", \"duration\": \"1h\","
    "    \"steps\": [ { \"set\": { \"NEW_SEARCH\": \"25%\" } } ],"
    "    \"gates\": { \"time\": { \"phase_for\": \"1h\" } },"
    "    \"triggers\": { \"crashed\": {"
    "      \"when\": { \"metric\": \"crashes\", \"stat\": \"count\", \"over\": \"1h\", \"above\": 2 },"
    "      \"rollback\": { \"to\": \"zero\" } } } } ] }";

static const char START[] = "{\"command\":\"start\",\"by\":\"on_call\"}";

static int failed(const char *what) {
    char why[1024];
    rollgate_error_message(why, sizeof why);
    fprintf(stderr, "%s: %s\n", what, why);
    return 1;
}

static int count_on(rollgate_flag_handle flag) {
    int on = 0;
    for (int user = 0; user < 1000; user++) {
        char key[16];
        int len = snprintf(key, sizeof key, "user-%d", user);
        on += rollgate_flag_is_on(flag, key, (size_t)len);
    }
    return on;
}

int main(void) {
    rollgate_engine_handle engine;
    rollgate_flag_handle flag;
    rollgate_metric_handle crashes;
    if (rollgate_engine_from_json(PLAN, strlen(PLAN), NULL, NULL, &engine) != ROLLGATE_STATUS_OK) return failed("plan");
    if (rollgate_flag(engine, "NEW_SEARCH", &flag) != ROLLGATE_STATUS_OK) return failed("flag");
    if (rollgate_metric(engine, "crashes", &crashes) != ROLLGATE_STATUS_OK) return failed("metric");
    if (rollgate_command_json(engine, START, strlen(START)) != ROLLGATE_STATUS_OK) return failed("start");
    if (rollgate_tick(engine) != ROLLGATE_STATUS_OK) return failed("tick");
    int before = count_on(flag);
    // Three crashes within an hour: the rollback has happened when the call returns.
    if (rollgate_metric_count(crashes, 3) != ROLLGATE_STATUS_OK) return failed("count");
    int after = count_on(flag);
    printf("NEW_SEARCH is on for %d of 1000 users, and for %d after three crashes\n", before, after);
    if (rollgate_engine_close(engine) != ROLLGATE_STATUS_OK) return failed("close");
    return before > 200 && before < 300 && after == 0 ? 0 : 1;
}
