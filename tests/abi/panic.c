// A panic in each export: it returns PANIC or its default, and the process lives. Needs the library with `inject-panic`.
// Prints the name of every export that was tried; the caller compares them with the header.

#include "check.h"

void rollgate_inject_panic(const char *name);

#define TRY(name, wanted, call)                                                                                      \
    do {                                                                                                             \
        rollgate_inject_panic(#name);                                                                                \
        CHECK((call) == (wanted));                                                                                   \
        printf("panicked: %s\n", #name);                                                                             \
        if (strcmp(#name, "rollgate_error_message") != 0) {                                                          \
            char said[256];                                                                                          \
            rollgate_error_message(said, sizeof said);                                                               \
            CHECK(strncmp(said, #name " panicked: injected", strlen(#name " panicked: injected")) == 0);             \
        }                                                                                                            \
        CHECK(rollgate_is_on_str(engine, "FULL", "k", false));                                                       \
    } while (0)
#define STATUS(name, ...) TRY(name, ROLLGATE_STATUS_PANIC, name(__VA_ARGS__))

int main(void) {
    rollgate_engine_handle engine = check_engine(), other = {42};
    rollgate_flag_handle full, none;
    rollgate_metric_handle metric, no_metric;
    CHECK_OK(rollgate_flag(engine, "FULL", &full));
    CHECK_OK(rollgate_metric(engine, "latency", &metric));
    char buf[64], version[16];
    size_t len, offsets[] = {0, 1};
    uint64_t number, more;
    uint32_t small, smaller;
    bool truth;
    double value;
    rollgate_evaluation answer;
    strcpy(version, rollgate_version());
    CHECK(*version != 0);
    TRY(rollgate_error_message, 0, rollgate_error_message(buf, sizeof buf));
    TRY(rollgate_status_name, 0, *rollgate_status_name(100));
    TRY(rollgate_abi_version, 0, rollgate_abi_version());
    TRY(rollgate_version, 0, *rollgate_version());
    STATUS(rollgate_engine_open, "plan.yaml", NULL, NULL, &other);
    STATUS(rollgate_engine_from_json, CHECK_PLAN, strlen(CHECK_PLAN), NULL, NULL, &other);
    CHECK(other.id == 42);
    STATUS(rollgate_engine_close, engine);
    STATUS(rollgate_tick, engine);
    STATUS(rollgate_next_wakeup, engine, &number);
    STATUS(rollgate_ticker_start, engine);
    STATUS(rollgate_ticker_stop, engine);
    STATUS(rollgate_clock_advance, engine, 1);
    STATUS(rollgate_flag, engine, "FULL", &none);
    STATUS(rollgate_flag_n, engine, "FULL", 4, &none);
    TRY(rollgate_flag_is_on, false, rollgate_flag_is_on(full, "k", 1));
    TRY(rollgate_flag_is_on_str, false, rollgate_flag_is_on_str(full, "k"));
    TRY(rollgate_flag_is_on_counted, false, rollgate_flag_is_on_counted(full, "k", 1));
    STATUS(rollgate_flag_exposures, full, &number, &more);
    TRY(rollgate_is_on, false, rollgate_is_on(engine, "FULL", 4, "k", 1, false));
    TRY(rollgate_is_on_str, true, rollgate_is_on_str(engine, "NEW", "k", true));
    STATUS(rollgate_is_on_batch, full, "k", offsets, 1, &truth);
    STATUS(rollgate_flag_count, engine, &len);
    STATUS(rollgate_flag_name, engine, 0, buf, sizeof buf, &len);
    STATUS(rollgate_all_on, engine, "k", 1, &number, 1);
    STATUS(rollgate_evaluate, engine, "FULL", NULL, "k", &answer);
    STATUS(rollgate_evaluate_n, engine, "FULL", 4, NULL, 0, "k", 1, &answer);
    STATUS(rollgate_evaluate_json, engine, "FULL", 4, NULL, 0, "k", 1, buf, sizeof buf, &len);
    STATUS(rollgate_evaluate_boolean, engine, "FULL", 4, NULL, 0, "k", 1, true, &truth);
    STATUS(rollgate_evaluate_number, engine, "SIZE", 4, NULL, 0, "k", 1, 1, &value);
    STATUS(rollgate_evaluate_string, engine, "COLOUR", 6, NULL, 0, "k", 1, "", buf, sizeof buf, &len);
    STATUS(rollgate_evaluate_value_json, engine, "SHAPE", 5, NULL, 0, "k", 1, "", buf, sizeof buf, &len);
    STATUS(rollgate_metric, engine, "latency", &no_metric);
    STATUS(rollgate_metric_n, engine, "latency", 7, &no_metric);
    STATUS(rollgate_metric_record, metric, 1);
    STATUS(rollgate_metric_record_many, metric, 1, 2);
    STATUS(rollgate_metric_record_for, metric, "k", 1, 1);
    STATUS(rollgate_metric_record_outcome, metric, true);
    STATUS(rollgate_metric_record_outcomes, metric, 1, 2);
    STATUS(rollgate_metric_record_outcomes_for, metric, "k", 1, 1, 2);
    STATUS(rollgate_metric_count, metric, 1);
    STATUS(rollgate_metric_record_points, metric, 1);
    STATUS(rollgate_alerts_watch, engine);
    STATUS(rollgate_alert_open, engine, ROLLGATE_SEVERITY_INFO, "a", 1);
    STATUS(rollgate_alert_close, engine, "a", 1);
    STATUS(rollgate_command_json, engine, "{}", 2);
    STATUS(rollgate_set_shares_json, engine, "{}", 2, "ann", NULL);
    STATUS(rollgate_shares_json, engine, buf, sizeof buf, &len);
    STATUS(rollgate_status_json, engine, buf, sizeof buf, &len);
    STATUS(rollgate_scorecard, engine, ROLLGATE_FORMAT_JSON, buf, sizeof buf, &len);
    STATUS(rollgate_scorecard_of, engine, ROLLGATE_FORM_DAILY, ROLLGATE_FORMAT_JSON, buf, sizeof buf, &len);
    STATUS(rollgate_journal_read, engine, 0, buf, sizeof buf, &len, &number);
    STATUS(rollgate_on_event, engine, NULL, NULL);
    STATUS(rollgate_bucket, "s", 1, "k", 1, &small, &smaller);
    CHECK_OK(rollgate_tick(engine));
    CHECK_OK(rollgate_engine_close(engine));
    return check_end("panic");
}
