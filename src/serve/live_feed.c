// The cycle's thread only leaves marks; a thread of the feed's own looks at the published state and
// writes the messages, at most ten cycles a second and none when nobody listens. The last cycle of
// a run is always told.
#include "serve/live_feed.h"

#include <math.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/calendar.h"
#include "serve/json_out.h"
#include "serve/serve_call.h"
#include "twin/kept_series.h"

enum {
    FEED_VALUES_MAX = 1000, // addresses in a message
    FEED_EVENTS_MAX = 64,   // waiting; the oldest is dropped, GET /events has them all
    SLOT_CYCLE = 1,
    SLOT_FORECASTS = 2, // and on, one a field
};

static const int64_t pause_ns = GM_SECOND_NS / 10;

struct gm_feed {
    gm_twin *twin;
    const gm_world *world;
    gm_http_server *server;
    gm_ref *refs; // [value_count + learned_count] values, then what is learned
    size_t value_count, learned_count;
    size_t learned[FEED_VALUES_MAX]; // numbers of estimates
    pthread_t thread;
    bool started;
    gm_string out;

    pthread_mutex_t lock; // guards what follows
    pthread_cond_t changed;
    size_t clients;
    bool ending, cycle_due, forecast_due;
    gm_twin_event events[FEED_EVENTS_MAX];
    size_t event_first, event_count;
};

// ---- what is fed ----

static bool same_ref(gm_ref a, gm_ref b)
{
    return a.system == b.system && a.class_number == b.class_number && a.field == b.field &&
           a.element == b.element;
}

static void add_value(gm_feed *feed, gm_ref ref)
{
    for (size_t k = 0; k < feed->value_count; k++) {
        if (same_ref(feed->refs[k], ref)) {
            return;
        }
    }
    if (feed->value_count < FEED_VALUES_MAX) {
        feed->refs[feed->value_count++] = ref;
    }
}

static void choose_values(gm_feed *feed)
{
    const gm_world *world = feed->world;
    for (size_t k = 0; k < world->forecast.ref_count; k++) {
        add_value(feed, world->forecast.refs[k]);
    }
    for (size_t k = 0; k < world->estimate_count; k++) {
        if (world->estimates[k].kind != GM_ESTIMATE_PARAMETER) { // those are told apart
            add_value(feed, world->estimates[k].ref);
        }
    }
    for (size_t k = 0; k < world->record_count; k++) {
        add_value(feed, world->records[k].ref);
    }
    for (size_t k = 0; k < world->estimate_count && feed->learned_count < FEED_VALUES_MAX; k++) {
        if (gm_is_learned(&world->estimates[k])) {
            feed->refs[feed->value_count + feed->learned_count] = world->estimates[k].ref;
            feed->learned[feed->learned_count++] = k;
        }
    }
}

// ---- messages ----

static void send_out(gm_feed *feed, uint32_t slot)
{
    if (!feed->out.failed) {
        // too much at once: the clients ask for what they missed
        (void)gm_http_broadcast(feed->server, slot, feed->out.data, feed->out.size);
    }
    feed->out.failed = false;
}

static void write_values(gm_feed *feed, const gm_twin_view *view, const double *values)
{
    gm_string *out = &feed->out;
    size_t lanes = gm_state_lanes(view->state);
    gm_out_key(out, "values");
    gm_out_begin(out, '[');
    for (size_t k = 0; k < feed->value_count; k++) {
        gm_summary summary;
        gm_summarise(view->state, values + k * lanes, &summary);
        gm_out_begin(out, '{');
        gm_out_address(out, feed->world, feed->refs[k]);
        gm_out_summary(out, &summary);
        gm_out_end(out, '}');
    }
    gm_out_end(out, ']');
}

/// @param values  [learned_count][lanes], what stands at the addresses of what is learned
static gm_status write_learned(gm_feed *feed, const gm_twin_view *view, double *values)
{
    gm_string *out = &feed->out;
    gm_status status = GM_OK;
    gm_out_key(out, "parameters");
    gm_out_begin(out, '[');
    for (size_t k = 0; status == GM_OK && k < feed->learned_count; k++) {
        double *own = values + k * gm_state_lanes(view->state);
        gm_summary summary;
        status = gm_learned_lanes(feed->twin, view, feed->learned[k], own, NULL);
        gm_summarise(view->state, own, &summary);
        gm_out_begin(out, '{');
        gm_out_learned(out, feed->world, feed->learned[k], &summary);
        gm_out_end(out, '}');
    }
    gm_out_end(out, ']');
    return status;
}

static void write_sensors(gm_feed *feed)
{
    gm_string *out = &feed->out;
    size_t count =
        feed->world->sensor_count < FEED_VALUES_MAX ? feed->world->sensor_count : FEED_VALUES_MAX;
    gm_out_key(out, "sensors");
    gm_out_begin(out, '[');
    for (size_t k = 0; k < count; k++) {
        gm_sensor_status last;
        gm_twin_sensor(feed->twin, k, &last);
        if (last.time_ns == INT64_MIN) {
            continue;
        }
        gm_out_begin(out, '{');
        gm_out_key_text(out, "name", feed->world->sensors[k].name);
        gm_out_key_time(out, "time", last.time_ns);
        gm_out_key_number(out, "value", last.value);
        gm_out_key_number(out, "estimate", last.estimate);
        gm_out_key_number(out, "spread", last.spread);
        gm_out_key_number(out, "innovation", last.innovation);
        gm_out_key_text(out, "quality", last.quality);
        if (!isnan(last.bias)) {
            gm_out_key_number(out, "bias", last.bias);
            gm_out_key_number(out, "bias_spread", last.bias_spread);
        }
        gm_out_end(out, '}');
    }
    gm_out_end(out, ']');
}

/// Where the world names several.
static gm_status write_hypotheses(gm_feed *feed)
{
    if (feed->world->hypothesis_count == 1) {
        return GM_OK;
    }
    gm_out_key(&feed->out, "hypotheses");
    return gm_out_hypotheses(&feed->out, feed->twin, FEED_VALUES_MAX, NULL);
}

/// The message of a cycle; on any error it is not fit to be sent.
static gm_status write_cycle(gm_feed *feed, const gm_twin_view *view)
{
    double *values = NULL;
    gm_string *out = &feed->out;
    gm_status status =
        gm_read_lanes(view, feed->refs, feed->value_count + feed->learned_count, &values, NULL);
    if (status == GM_OK) {
        gm_out_begin(out, '{');
        gm_out_key_text(out, "type", "cycle");
        gm_out_key_time(out, "time", view->time_ns);
        gm_out_key_count(out, "cycle", view->cycle);
        gm_out_key_count(out, "lanes_left", gm_state_lanes_left(view->state));
        write_values(feed, view, values);
        write_sensors(feed);
        status =
            write_learned(feed, view, values + feed->value_count * gm_state_lanes(view->state));
    }
    if (status == GM_OK) {
        status = write_hypotheses(feed);
    }
    gm_out_end(out, '}');
    gm_memory_free(values);
    return status;
}

static void send_cycle(gm_feed *feed)
{
    gm_twin_view view;
    feed->out.size = 0;
    if (gm_twin_look(feed->twin, NULL, &view, NULL) != GM_OK) {
        return;
    }
    if (write_cycle(feed, &view) == GM_OK) {
        send_out(feed, SLOT_CYCLE);
    }
    gm_twin_look_away(feed->twin, &view);
}

static void send_forecasts(gm_feed *feed)
{
    for (size_t field = 0; field < feed->world->forecast.ref_count && field < FEED_VALUES_MAX;
         field++) {
        feed->out.size = 0;
        gm_out_begin(&feed->out, '{');
        gm_out_key_text(&feed->out, "type", "forecast");
        gm_out_key(&feed->out, "forecast");
        if (gm_out_forecast(&feed->out, feed->twin, field, NULL) == GM_OK) {
            gm_out_end(&feed->out, '}');
            send_out(feed, SLOT_FORECASTS + (uint32_t)field);
        }
    }
}

static void send_event(gm_feed *feed, const gm_twin_event *event)
{
    feed->out.size = 0;
    gm_out_begin(&feed->out, '{');
    gm_out_key_text(&feed->out, "type", "event");
    gm_out_key(&feed->out, "event");
    gm_out_event(&feed->out, event);
    gm_out_end(&feed->out, '}');
    send_out(feed, 0);
}

// ---- the thread ----

/// Under the lock: sleeps for the pause between cycles, or until the end.
static void rest(gm_feed *feed, int64_t until_ns)
{
    struct timespec until = { .tv_sec = until_ns / GM_SECOND_NS,
                              .tv_nsec = until_ns % GM_SECOND_NS };
    while (!feed->ending && gm_clock_monotonic_ns() < until_ns) {
        pthread_cond_timedwait(&feed->changed, &feed->lock, &until);
    }
}

static void *run_feed(void *argument)
{
    gm_feed *feed = argument;
    pthread_mutex_lock(&feed->lock);
    while (!feed->ending) {
        if (!feed->cycle_due && !feed->forecast_due && feed->event_count == 0) {
            pthread_cond_wait(&feed->changed, &feed->lock);
            continue;
        }
        int64_t start_ns = gm_clock_monotonic_ns();
        bool cycle = feed->cycle_due, forecast = feed->forecast_due;
        feed->cycle_due = feed->forecast_due = false;
        while (feed->event_count > 0) {
            gm_twin_event event = feed->events[feed->event_first];
            feed->event_first = (feed->event_first + 1) % FEED_EVENTS_MAX;
            feed->event_count--;
            pthread_mutex_unlock(&feed->lock);
            send_event(feed, &event);
            pthread_mutex_lock(&feed->lock);
        }
        pthread_mutex_unlock(&feed->lock);
        if (cycle) {
            send_cycle(feed);
        }
        if (forecast) {
            send_forecasts(feed);
        }
        pthread_mutex_lock(&feed->lock);
        rest(feed, start_ns + pause_ns);
    }
    pthread_mutex_unlock(&feed->lock);
    return NULL;
}

/// Under the lock.
static void keep_event(gm_feed *feed, const gm_twin_event *event)
{
    if (feed->event_count == FEED_EVENTS_MAX) {
        feed->event_first = (feed->event_first + 1) % FEED_EVENTS_MAX;
        feed->event_count--;
    }
    feed->events[(feed->event_first + feed->event_count++) % FEED_EVENTS_MAX] = *event;
}

static void on_update(void *context, const gm_twin_update *update)
{
    gm_feed *feed = context;
    pthread_mutex_lock(&feed->lock);
    if (feed->clients > 0) {
        feed->cycle_due |= update->kind == GM_UPDATE_CYCLE;
        feed->forecast_due |= update->kind == GM_UPDATE_FORECAST;
        if (update->kind == GM_UPDATE_EVENT) {
            keep_event(feed, update->event);
        }
        pthread_cond_signal(&feed->changed);
    }
    pthread_mutex_unlock(&feed->lock);
}

void gm_feed_clients(gm_feed *feed, size_t count)
{
    pthread_mutex_lock(&feed->lock);
    if (count > feed->clients) {
        feed->cycle_due = feed->forecast_due = true;
        pthread_cond_signal(&feed->changed);
    }
    feed->clients = count;
    pthread_mutex_unlock(&feed->lock);
}

gm_status gm_feed_create(gm_twin *twin, gm_feed **feed, gm_error *error)
{
    pthread_condattr_t monotonic;
    gm_feed *made = gm_memory_new(1, sizeof *made);
    if (made != NULL) {
        made->refs = gm_memory_new((size_t)2 * FEED_VALUES_MAX, sizeof *made->refs);
    }
    if (made == NULL || made->refs == NULL) {
        gm_memory_free(made);
        return gm_error_set(error, GM_MEMORY, "no memory for the live feed");
    }
    made->twin = twin;
    made->world = gm_twin_world(twin);
    choose_values(made);
    pthread_mutex_init(&made->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&made->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    *feed = made;
    return GM_OK;
}

gm_status gm_feed_start(gm_feed *feed, gm_http_server *server, gm_error *error)
{
    feed->server = server;
    int failure = pthread_create(&feed->thread, NULL, run_feed, feed);
    if (failure != 0) {
        return gm_error_set(error, GM_IO, "no thread for the live feed: %s", strerror(failure));
    }
    feed->started = true;
    gm_twin_listen(feed->twin, on_update, feed);
    return GM_OK;
}

void gm_feed_stop(gm_feed *feed)
{
    if (!feed->started) {
        return;
    }
    gm_twin_listen(feed->twin, NULL, NULL);
    pthread_mutex_lock(&feed->lock);
    feed->ending = true;
    pthread_cond_signal(&feed->changed);
    pthread_mutex_unlock(&feed->lock);
    pthread_join(feed->thread, NULL);
    feed->started = false;
}

void gm_feed_close(gm_feed *feed)
{
    if (feed != NULL) {
        gm_feed_stop(feed);
        pthread_cond_destroy(&feed->changed);
        pthread_mutex_destroy(&feed->lock);
        gm_string_free(&feed->out);
        gm_memory_free(feed->refs);
        gm_memory_free(feed);
    }
}
