// Proof model (b): a birth-death population, the M/M/1 queue. Customers are rows that come and go
// per lane; every draw is keyed by the customer's number, so that what cannot affect a customer
// leaves its draws alone. A wide block is stepped lane by lane (gather, run, scatter).
//
// Mean number in the system at load rho < 1: rho / (1 - rho). Source: Kleinrock, Queueing Systems
// I, Wiley 1975, section 3.2.
#include "model/model_fixture.h"

#include "model/state_inside.h"

enum { SERVER = 0, CUSTOMER, LANES = 32, CUSTOMERS_MAX = 4000, WAITING_MAX = 300 };
enum { ARRIVALS = 0, SERVICES, TURNED_AWAY, NEXT_NUMBER, NEXT_ARRIVAL, AREA, SERVED };
enum { NUMBER = 0, ARRIVED, LEAVES };
enum { PURPOSE_ARRIVAL = 0, PURPOSE_SERVICE };

static const gm_field server_fields[] = {
    [ARRIVALS] = { "arrivals", "1/s", GM_PARAMETER, GM_F64, 0.5, 0.0, 1e3, "rate" },
    [SERVICES] = { "services", "1/s", GM_PARAMETER, GM_F64, 1.0, 1e-3, 1e3, "rate" },
    [TURNED_AWAY] = { "turned_away", "1", GM_INPUT, GM_I32, 0.0, 0.0, 1e9,
                      "every such customer is sent home, 0 for none" },
    [NEXT_NUMBER] = { "next_number", "1", GM_STATE, GM_I32, 0.0, 0.0, 2e9, "of a customer" },
    [NEXT_ARRIVAL] = { "next_arrival", "s", GM_STATE, GM_F64, 0.0, 0.0, 1e12, "when" },
    [AREA] = { "area", "s", GM_STATE, GM_F64, 0.0, 0.0, 1e15, "integral of the number over time" },
    [SERVED] = { "served", "1", GM_STATE, GM_I32, 0.0, 0.0, 2e9, "customers" },
};
static const gm_field customer_fields[] = {
    [NUMBER] = { "number", "1", GM_STATE, GM_I32, 0.0, 0.0, 2e9, "counts arrivals" },
    [ARRIVED] = { "arrived", "s", GM_STATE, GM_F64, 0.0, 0.0, 1e12, "when" },
    [LEAVES] = { "leaves", "s", GM_STATE, GM_F64, 0.0, 0.0, 1e12, "end of service; 0: waits" },
};
static const gm_class server_class = { .name = "server",
                                       .doc = "who serves",
                                       .fields = server_fields,
                                       .field_count =
                                           sizeof server_fields / sizeof *server_fields };
static const gm_class customer_class = {
    .name = "customer",
    .doc = "who waits or is served",
    .fields = customer_fields,
    .field_count = sizeof customer_fields / sizeof *customer_fields,
    .capacity = WAITING_MAX,
};

/// Hidden per lane: what each customer drew, for the test to compare.
typedef struct drawn {
    double gap[CUSTOMERS_MAX], service[CUSTOMERS_MAX];
} drawn;

static gm_status build_queue(gm_model *model, const gm_config *config, gm_error *error)
{
    (void)config;
    gm_status status = gm_model_class(model, SERVER, &server_class, error);
    if (status == GM_OK) {
        status = gm_model_class(model, CUSTOMER, &customer_class, error);
    }
    if (status == GM_OK) {
        status = gm_model_element(model, SERVER, "desk", NULL, error);
    }
    gm_model_hidden(model, sizeof(drawn));
    gm_model_scratch(model, gm_block_lane_size(model));
    return status;
}

/// One lane, while somebody runs it.
typedef struct desk {
    gm_block *block; // of width 1
    const gm_step *step;
    drawn *log;
} desk;

static double *f64_of(const desk *at, size_t class_number, size_t field)
{
    return gm_column(at->block, class_number, field);
}

static int32_t *i32_of(const desk *at, size_t class_number, size_t field)
{
    return gm_column(at->block, class_number, field);
}

static double draw(const desk *at, int32_t number, uint32_t purpose)
{
    gm_draw key = { .lane = at->block->first_lane,
                    .element = (uint32_t)number,
                    .purpose = purpose };
    double drawn_value = gm_random_exponential(at->step->random, key);
    if (number < CUSTOMERS_MAX) {
        (purpose == PURPOSE_ARRIVAL ? at->log->gap : at->log->service)[number] = drawn_value;
    }
    return drawn_value;
}

/// The row of the customer who is served, or waits longest; SIZE_MAX when nobody is there.
static size_t first_in_line(const desk *at)
{
    const int32_t *number = i32_of(at, CUSTOMER, NUMBER);
    size_t first = SIZE_MAX;
    for (size_t row = 0; row < gm_rows_count(at->block, CUSTOMER, 0); row++) {
        first = first == SIZE_MAX || number[row] < number[first] ? row : first;
    }
    return first;
}

/// The head of the line starts to be served when the desk is free.
static void call_next(const desk *at, double now_s)
{
    size_t row = first_in_line(at);
    double *leaves = f64_of(at, CUSTOMER, LEAVES);
    if (row != SIZE_MAX && leaves[row] == 0.0) {
        int32_t number = i32_of(at, CUSTOMER, NUMBER)[row];
        leaves[row] = now_s + draw(at, number, PURPOSE_SERVICE) / *f64_of(at, SERVER, SERVICES);
    }
}

static bool arrive(const desk *at, double now_s)
{
    int32_t number = (*i32_of(at, SERVER, NEXT_NUMBER))++;
    int32_t turned_away = *i32_of(at, SERVER, TURNED_AWAY);
    *f64_of(at, SERVER, NEXT_ARRIVAL) =
        now_s + draw(at, number + 1, PURPOSE_ARRIVAL) / *f64_of(at, SERVER, ARRIVALS);
    if (turned_away > 0 && number % turned_away == 0) {
        return true;
    }
    uint32_t row;
    if (!gm_rows_add(at->block, CUSTOMER, 0, &row)) {
        return false;
    }
    i32_of(at, CUSTOMER, NUMBER)[row] = number;
    f64_of(at, CUSTOMER, ARRIVED)[row] = now_s;
    call_next(at, now_s);
    return true;
}

static void leave(const desk *at, double now_s)
{
    gm_rows_remove(at->block, CUSTOMER, 0, (uint32_t)first_in_line(at));
    (*i32_of(at, SERVER, SERVED))++;
    call_next(at, now_s);
}

/// @return false when the line is longer than there is room for
static bool run_desk(const desk *at, int64_t until_ns)
{
    double now_s = (double)*at->block->time_ns * 1e-9, until_s = (double)until_ns * 1e-9;
    double *next_arrival = f64_of(at, SERVER, NEXT_ARRIVAL);
    if (*next_arrival == 0.0) {
        *next_arrival = now_s + draw(at, 0, PURPOSE_ARRIVAL) / *f64_of(at, SERVER, ARRIVALS);
    }
    while (now_s < until_s) {
        size_t row = first_in_line(at);
        double leaves_s = row == SIZE_MAX ? INFINITY : f64_of(at, CUSTOMER, LEAVES)[row];
        double next_s = fmin(fmin(*next_arrival, leaves_s), until_s);
        *f64_of(at, SERVER, AREA) +=
            (next_s - now_s) * (double)gm_rows_count(at->block, CUSTOMER, 0);
        now_s = next_s;
        if (now_s < until_s && now_s == leaves_s) {
            leave(at, now_s);
        } else if (now_s < until_s && !arrive(at, now_s)) {
            return false;
        }
    }
    *at->block->time_ns = until_ns;
    return true;
}

static gm_status advance_queue(const gm_model *model, gm_block *block, int64_t until_ns,
                               gm_step *step)
{
    (void)model;
    for (int lane = 0; lane < block->width; lane++) {
        if ((block->lanes >> lane & 1) == 0 || block->time_ns[lane] >= until_ns) {
            continue;
        }
        gm_block single;
        gm_block_gather(block, lane, step->scratch, &single);
        desk at = { &single, step, (drawn *)(void *)single.hidden };
        if (!run_desk(&at, until_ns)) {
            step->failed |= (uint8_t)(1u << lane);
            gm_error_set(step->error, GM_LIMIT, "more than %d customers wait", WAITING_MAX);
            continue;
        }
        gm_block_scatter(&single, block, lane);
    }
    return GM_OK;
}

static const gm_domain queue = { .name = "queue",
                                 .summary = "M/M/1",
                                 .source = "Kleinrock 1975",
                                 .schema = 1,
                                 .build = build_queue,
                                 .advance = advance_queue };

/// Whether the 99 % interval of the mean number over lanes holds the exact value.
static bool holds_exact_mean(uint64_t seed, double rho)
{
    enum { WARM_UP_S = 200, END_S = 2200 };
    trial made = open_trial(&queue, (trial_options){ .lanes = LANES, .seed = seed });
    fill_lanes(made.state, ref_of(SERVER, ARRIVALS, 0), rho);
    double before[LANES], after[LANES], mean = 0.0, square = 0.0;
    advance_state(made.state, WARM_UP_S * second_ns, NULL);
    read_lanes(made.state, ref_of(SERVER, AREA, 0), before);
    advance_state(made.state, END_S * second_ns, NULL);
    read_lanes(made.state, ref_of(SERVER, AREA, 0), after);
    for (size_t lane = 0; lane < LANES; lane++) {
        double number = (after[lane] - before[lane]) / (END_S - WARM_UP_S);
        mean += number / LANES;
        square += number * number / LANES;
    }
    double error = sqrt((square - mean * mean) / (LANES - 1));
    close_trial(&made);
    const double student_99 = 2.744; // two-sided, 31 degrees of freedom
    return fabs(mean - rho / (1.0 - rho)) <= student_99 * error;
}

static void mean_number_is_rho_over_one_minus_rho(void **state)
{
    (void)state;
    int held = 0;
    for (uint64_t seed = 1; seed <= 100; seed++) {
        held += holds_exact_mean(seed, 0.5);
    }
    printf("M/M/1 at load 0.5: the 99 %% interval holds the exact mean in %d of 100 seeds\n", held);
    assert_true(held >= 97);
}

static void width_and_workers_leave_rows_alone(void **state)
{
    (void)state;
    trial wide = open_trial(&queue, (trial_options){ .lanes = 13, .width = 8, .seed = 3 });
    trial narrow = open_trial(&queue, (trial_options){ .lanes = 13, .width = 1, .seed = 3 });
    gm_workers *workers = NULL;
    assert_int_equal(gm_workers_create(3, &workers, NULL), GM_OK);
    for (int step = 1; step <= 20; step++) {
        advance_state(wide.state, step * 11 * second_ns, workers);
        advance_state(narrow.state, step * 11 * second_ns, NULL);
        assert_true(gm_state_hash(wide.state) == gm_state_hash(narrow.state));
    }
    gm_workers_close(workers);
    close_trial(&wide);
    close_trial(&narrow);
}

/// What the customers of one lane drew.
static void read_log(const gm_state *state, size_t lane, drawn *log)
{
    const gm_model *model = gm_layout_model(gm_state_layout(state), 0);
    enum { COLUMNS = 10 };
    assert_int_equal(gm_model_column_count(model), COLUMNS);
    void *columns[COLUMNS], *copies[COLUMNS + GM_SPAN_COLUMNS];
    gm_block block;
    gm_block_place place = { 0, lane / GM_BLOCK_LANES };
    assert_true(gm_block_view(state, place, columns, copies, &block));
    memcpy(log, block.hidden + lane % GM_BLOCK_LANES * gm_model_hidden_size(model), sizeof *log);
    gm_block_view_close(state, 0, copies);
}

static void an_intervention_leaves_the_draws_of_others_alone(void **state)
{
    (void)state;
    enum { THIRD = 3 };
    trial made = open_trial(&queue, (trial_options){ .lanes = LANES, .seed = 5 });
    advance_state(made.state, 500 * second_ns, NULL);
    double first[LANES], served[2][LANES];
    read_lanes(made.state, ref_of(SERVER, NEXT_NUMBER, 0), first);
    gm_state *fork = NULL;
    gm_error error = { 0 };
    must(gm_state_fork(made.state, &fork, &error), &error);
    fill_lanes(fork, ref_of(SERVER, TURNED_AWAY, 0), THIRD);
    advance_state(made.state, 4000 * second_ns, NULL);
    advance_state(fork, 4000 * second_ns, NULL);
    read_lanes(made.state, ref_of(SERVER, SERVED, 0), served[0]);
    read_lanes(fork, ref_of(SERVER, SERVED, 0), served[1]);
    static drawn as_is, what_if;
    for (size_t lane = 0; lane < LANES; lane++) {
        assert_true(served[1][lane] < 0.8 * served[0][lane]); // the intervention did something
        read_log(made.state, lane, &as_is);
        read_log(fork, lane, &what_if);
        assert_memory_equal(as_is.gap, what_if.gap, sizeof as_is.gap);
        for (size_t number = 0; number < (size_t)served[1][lane]; number++) {
            bool sent_home = number >= (size_t)first[lane] && number % THIRD == 0;
            assert_true(what_if.service[number] == (sent_home ? 0.0 : as_is.service[number]));
        }
    }
    gm_state_close(fork);
    close_trial(&made);
}

static void the_gate_shows_rows_as_number_and_mean(void **state)
{
    (void)state;
    trial made = open_trial(&queue, (trial_options){ .lanes = 9, .seed = 5 });
    advance_state(made.state, 100 * second_ns, NULL);
    double count[9], mean[9];
    read_lanes(made.state, (gm_ref){ 0, CUSTOMER, GM_ROW_COUNT, GM_ROWS }, count);
    read_lanes(made.state, (gm_ref){ 0, CUSTOMER, NUMBER, GM_ROWS }, mean);
    double next[9], served[9];
    read_lanes(made.state, ref_of(SERVER, NEXT_NUMBER, 0), next);
    read_lanes(made.state, ref_of(SERVER, SERVED, 0), served);
    for (size_t lane = 0; lane < 9; lane++) {
        assert_close(count[lane], next[lane] - served[lane], 0.0);
        // those who are here are the last that came: first in, first out
        double expected = count[lane] > 0.0 ? (served[lane] + next[lane] - 1.0) / 2.0 : 0.0;
        assert_close(mean[lane], expected, 1e-9);
    }
    gm_error error = { 0 };
    gm_ref rows = { 0, CUSTOMER, NUMBER, GM_ROWS }, row = { 0, CUSTOMER, NUMBER, 0 };
    assert_int_equal(gm_state_write(made.state, rows, mean, &error), GM_INVALID);
    assert_int_equal(gm_state_read(made.state, row, mean, &error), GM_NOT_FOUND);
    close_trial(&made);
}

static void a_full_population_fails_its_lane_alone(void **state)
{
    (void)state;
    trial made = open_trial(&queue, (trial_options){ .lanes = 9, .seed = 5 });
    double arrivals[9];
    for (size_t lane = 0; lane < 9; lane++) {
        arrivals[lane] = lane == 4 ? 50.0 : 0.5;
    }
    write_lanes(made.state, ref_of(SERVER, ARRIVALS, 0), arrivals);
    advance_state(made.state, 100 * second_ns, NULL);
    assert_int_equal(gm_state_lanes_left(made.state), 8);
    assert_true(gm_state_lane_failed(made.state, 4));
    for (uint32_t lane = 0; lane < 9; lane++) {
        gm_state_fail_lane(made.state, lane);
    }
    gm_error error = { 0 };
    assert_int_equal(gm_state_advance(made.state, 0, 200 * second_ns, NULL, &error), GM_NUMERIC);
    assert_non_null(strstr(error.text, "no lane is left"));
    close_trial(&made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mean_number_is_rho_over_one_minus_rho),
        cmocka_unit_test(width_and_workers_leave_rows_alone),
        cmocka_unit_test(an_intervention_leaves_the_draws_of_others_alone),
        cmocka_unit_test(the_gate_shows_rows_as_number_and_mean),
        cmocka_unit_test(a_full_population_fails_its_lane_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
