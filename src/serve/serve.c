// Routes: which request is answered by whom, and where: on the event loop, or by one of the two
// errand threads.
#include "serve/serve.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/require.h"
#include "serve/errands.h"
#include "serve/json_out.h"
#include "serve/live_feed.h"
#include "serve/page.h"
#include "serve/serve_call.h"

enum { SMALL_BODY = 256 << 10 }; // bytes that the loop itself may parse

static const char api[] = "/api/v1/";
static const char live_path[] = "/api/v1/live";

typedef enum route_pace {
    PACE_QUICK = 1, // on the event loop
    PACE_BY_SIZE,   // on the event loop while the body is small
    PACE_ERRAND,    // may wait for a lock or the disk
    PACE_LENGTHY,   // runs models
} route_pace;

typedef struct route {
    gm_http_method method;
    const char *pattern; // behind the prefix; NAME stands for one part
    gm_serve_handler *handle;
    route_pace pace;
} route;

static const route routes[] = {
    { GM_HTTP_GET, "world", gm_answer_world, PACE_ERRAND },
    { GM_HTTP_GET, "systems", gm_answer_systems, PACE_QUICK },
    { GM_HTTP_GET, "systems/NAME/elements", gm_answer_elements, PACE_ERRAND },
    { GM_HTTP_GET, "sensors", gm_answer_sensors, PACE_QUICK },
    { GM_HTTP_GET, "values", gm_answer_values, PACE_ERRAND },
    { GM_HTTP_GET, "history", gm_answer_history, PACE_ERRAND },
    { GM_HTTP_GET, "forecasts", gm_answer_forecasts, PACE_QUICK },
    { GM_HTTP_GET, "scores", gm_answer_scores, PACE_QUICK },
    { GM_HTTP_GET, "events", gm_answer_events, PACE_QUICK },
    { GM_HTTP_GET, "suspects", gm_answer_suspects, PACE_QUICK },
    { GM_HTTP_GET, "parameters", gm_answer_parameters, PACE_ERRAND },
    { GM_HTTP_GET, "hypotheses", gm_answer_hypotheses, PACE_ERRAND },
    { GM_HTTP_GET, "branches", gm_answer_branches, PACE_ERRAND },
    { GM_HTTP_POST, "branches", gm_make_branch, PACE_ERRAND },
    { GM_HTTP_DELETE, "branches/NAME", gm_drop_branch, PACE_ERRAND },
    { GM_HTTP_POST, "branches/NAME/advance", gm_advance_branch, PACE_LENGTHY },
    { GM_HTTP_POST, "branches/NAME/set", gm_set_in_branch, PACE_ERRAND },
    { GM_HTTP_POST, "scenarios/run", gm_run_scenario, PACE_LENGTHY },
    { GM_HTTP_POST, "samples", gm_take_samples, PACE_BY_SIZE },
    { GM_HTTP_GET, "health", gm_answer_health, PACE_QUICK },
};
enum { ROUTES = sizeof routes / sizeof routes[0] };

struct gm_serve {
    gm_twin *twin;
    gm_workers *workers;
    gm_errands *errands;
    gm_feed *feed;
    gm_http_server *http;
};

// ---- answers ----

int gm_serve_http_status(gm_status status)
{
    static const int codes[] = {
        [GM_OK] = 200,    [GM_INVALID] = 400, [GM_NOT_FOUND] = 404,   [GM_EXISTS] = 409,
        [GM_LIMIT] = 413, [GM_MEMORY] = 500,  [GM_NUMERIC] = 422,     [GM_IO] = 500,
        [GM_BUSY] = 503,  [GM_CORRUPT] = 500, [GM_UNSUPPORTED] = 501, [GM_CANCELLED] = 503,
    };
    return status < sizeof codes / sizeof codes[0] ? codes[status] : 500;
}

static void refuse_with(gm_http_exchange *exchange, int code, const char *name, const char *text,
                        const char *allow)
{
    static const char sorry[] =
        "{\"error\":{\"status\":\"memory\",\"text\":\"no memory for the answer\"}}";
    gm_string out = { 0 };
    gm_out_begin(&out, '{');
    gm_out_key(&out, "error");
    gm_out_begin(&out, '{');
    gm_out_key_text(&out, "status", name);
    gm_out_key_text(&out, "text", text);
    gm_out_end(&out, '}');
    gm_out_end(&out, '}');
    gm_http_answer(exchange, &(gm_http_reply){ .status = code,
                                               .type = "application/json",
                                               .bytes = out.failed ? sorry : out.data,
                                               .size = out.failed ? sizeof sorry - 1 : out.size,
                                               .allow = allow });
    gm_string_free(&out);
}

void gm_serve_refuse(gm_http_exchange *exchange, gm_status status, const char *text)
{
    refuse_with(exchange, gm_serve_http_status(status), gm_status_name(status), text, NULL);
}

/// Runs the handler of a call, answers and frees it.
static void run_call(gm_serve_call *call, gm_serve_handler *handle)
{
    gm_error error = { 0 };
    gm_status status = handle(call, &error);
    if (status != GM_OK) {
        gm_serve_refuse(call->exchange, status, error.text);
    } else if (call->out.failed) {
        gm_serve_refuse(call->exchange, GM_MEMORY, "no memory for the answer");
    } else if (!call->answered) {
        gm_http_answer(call->exchange, &(gm_http_reply){ .status = call->status,
                                                         .type = "application/json",
                                                         .bytes = call->out.data,
                                                         .size = call->out.size });
    }
    gm_string_free(&call->out);
    gm_memory_free(call);
}

// ---- routing ----

/// Whether a path is of a pattern; what stands for NAME is copied.
static bool path_matches(const char *path, const char *pattern, char name[GM_NAME_MAX])
{
    while (*pattern != '\0') {
        size_t pattern_size = strcspn(pattern, "/"), size = strcspn(path, "/");
        bool any = pattern_size == 4 && memcmp(pattern, "NAME", 4) == 0;
        if (any ? size == 0 || size >= GM_NAME_MAX
                : size != pattern_size || memcmp(path, pattern, size) != 0) {
            return false;
        }
        if (any) {
            memcpy(name, path, size);
            name[size] = '\0';
        }
        pattern += pattern_size;
        path += size;
        if (*pattern != *path) {
            return false;
        }
        pattern += *pattern == '/';
        path += *path == '/';
    }
    return *path == '\0';
}

static void refuse_path(gm_http_exchange *exchange, const char *path)
{
    const char *known[ROUTES];
    char text[512];
    for (size_t k = 0; k < ROUTES; k++) {
        known[k] = routes[k].pattern;
    }
    const char *near = gm_text_nearest(path, known, ROUTES);
    snprintf(text, sizeof text, "there is no %s%.200s%s%s%s; docs/api.md lists what there is", api,
             path, near != NULL ? "; did you mean " : "", near != NULL ? api : "",
             near != NULL ? near : "");
    refuse_with(exchange, 404, "not-found", text, NULL);
}

/// The methods that a path takes, for a person and the Allow header.
static const char *allowed_methods(const char *path)
{
    char name[GM_NAME_MAX];
    bool taken[GM_HTTP_METHODS] = { false };
    for (size_t k = 0; k < ROUTES; k++) {
        taken[routes[k].method] |= path_matches(path, routes[k].pattern, name);
    }
    if (taken[GM_HTTP_GET]) {
        return taken[GM_HTTP_POST] ? "GET, HEAD, POST" : "GET, HEAD";
    }
    return taken[GM_HTTP_POST] ? "POST" : taken[GM_HTTP_DELETE] ? "DELETE" : NULL;
}

typedef struct errand_call {
    gm_serve_call *call;
    gm_serve_handler *handle;
} errand_call;

static gm_status say_cancelled(gm_serve_call *call, gm_error *error)
{
    (void)call;
    return gm_error_set(error, GM_CANCELLED, "shutting down");
}

static void run_errand(void *context, bool cancelled)
{
    errand_call *errand = context;
    run_call(errand->call, cancelled ? say_cancelled : errand->handle);
    gm_memory_free(errand);
}

static void start_call(gm_serve *serve, gm_serve_call *call, const route *to)
{
    bool quick = to->pace == PACE_QUICK ||
                 (to->pace == PACE_BY_SIZE && call->request->body_size <= SMALL_BODY);
    if (quick) {
        run_call(call, to->handle);
        return;
    }
    call->workers = to->pace == PACE_LENGTHY ? serve->workers : NULL;
    errand_call *errand = gm_memory_new(1, sizeof *errand);
    gm_status status = GM_MEMORY;
    if (errand != NULL) {
        *errand = (errand_call){ call, to->handle };
        status = gm_errands_add(serve->errands,
                                (gm_errand){ run_errand, errand, to->pace == PACE_LENGTHY });
    }
    if (status != GM_OK) {
        gm_serve_refuse(call->exchange, status,
                        "too much is being asked at the moment; try again later");
        gm_memory_free(errand);
        gm_memory_free(call);
    }
}

static void serve_api(gm_serve *serve, gm_http_exchange *exchange)
{
    const gm_http_request *request = gm_http_exchange_request(exchange);
    const char *path = request->path + sizeof api - 1;
    gm_http_method method = request->method == GM_HTTP_HEAD ? GM_HTTP_GET : request->method;
    gm_serve_call *call = gm_memory_new(1, sizeof *call);
    if (call == NULL) {
        gm_serve_refuse(exchange, GM_MEMORY, "no memory for the request");
        return;
    }
    *call = (gm_serve_call){ .twin = serve->twin,
                             .world = gm_twin_world(serve->twin),
                             .exchange = exchange,
                             .request = request,
                             .status = 200 };
    for (size_t k = 0; k < ROUTES; k++) {
        if (routes[k].method == method && path_matches(path, routes[k].pattern, call->name)) {
            start_call(serve, call, &routes[k]);
            return;
        }
    }
    gm_memory_free(call);
    const char *allow = allowed_methods(path);
    if (allow != NULL) {
        char text[128];
        snprintf(text, sizeof text, "this path takes %s, not %s", allow,
                 gm_http_method_name(request->method));
        refuse_with(exchange, 405, "unsupported", text, allow);
    } else {
        refuse_path(exchange, path);
    }
}

/// The page's build names what is in assets/ by what is in it: another content has another path.
static bool named_by_content(const char *path)
{
    return strncmp(path, "/assets/", 8) == 0;
}

static void serve_page(gm_http_exchange *exchange)
{
    const gm_http_request *request = gm_http_exchange_request(exchange);
    const char *path = strcmp(request->path, "/") == 0 ? "/index.html" : request->path;
    char etag[GM_HTTP_ETAG_MAX + 1];
    if (request->method != GM_HTTP_GET && request->method != GM_HTTP_HEAD) {
        refuse_with(exchange, 405, "unsupported", "the page is only for reading", "GET, HEAD");
        return;
    }
    for (size_t k = 0; k < gm_page_file_count; k++) {
        const gm_page_file *file = &gm_page_files[k];
        if (strcmp(file->path, path) == 0) {
            snprintf(etag, sizeof etag, "\"%s\"", file->etag);
            gm_http_answer(exchange, &(gm_http_reply){ .status = 200,
                                                       .type = file->type,
                                                       .bytes = file->bytes,
                                                       .size = file->size,
                                                       .etag = etag,
                                                       .lasting = true,
                                                       .unchanging = named_by_content(path) });
            return;
        }
    }
    refuse_with(exchange, 404, "not-found",
                gm_page_file_count > 0
                    ? "there is no such file of the page"
                    : "this program was built without the page; the interface is under /api/v1",
                NULL);
}

static void on_request(void *context, gm_http_exchange *exchange)
{
    const char *path = gm_http_exchange_request(exchange)->path;
    if (strncmp(path, api, sizeof api - 1) == 0) {
        serve_api(context, exchange);
    } else {
        serve_page(exchange);
    }
}

static void on_clients(void *context, size_t count)
{
    gm_serve *serve = context;
    gm_feed_clients(serve->feed, count);
}

// ---- life ----

gm_serve_options gm_default_serve_options(void)
{
    return (gm_serve_options){ .address = "127.0.0.1", .port = 8080, .threads = 1 };
}

gm_status gm_serve_start(gm_twin *twin, const gm_serve_options *options, gm_serve **serve,
                         gm_error *error)
{
    gm_serve *made = gm_memory_new(1, sizeof *made);
    if (made == NULL) {
        return gm_error_set(error, GM_MEMORY, "no memory for the server");
    }
    made->twin = twin;
    gm_status status = gm_workers_create(options->threads, &made->workers, error);
    if (status == GM_OK) {
        status = gm_errands_create(&made->errands, error);
    }
    if (status == GM_OK) {
        status = gm_feed_create(twin, &made->feed, error);
    }
    if (status == GM_OK) {
        gm_http_options http = gm_http_default_options();
        http.address = options->address;
        http.port = options->port;
        http.log = options->log;
        http.context = made;
        http.request = on_request;
        http.clients = on_clients;
        http.live_path = live_path;
        status = gm_http_server_create(&http, &made->http, error);
    }
    if (status == GM_OK) {
        status = gm_feed_start(made->feed, made->http, error);
    }
    if (status != GM_OK) {
        gm_serve_stop(made);
        return status;
    }
    gm_log_write(options->log, GM_LOG_DEBUG, "serve", "http://%s:%u", options->address,
                 (unsigned)gm_http_server_port(made->http));
    *serve = made;
    return GM_OK;
}

void gm_serve_stop(gm_serve *serve)
{
    if (serve == NULL) {
        return;
    }
    if (serve->feed != NULL) {
        gm_feed_stop(serve->feed);
    }
    if (serve->errands != NULL) {
        gm_errands_finish(serve->errands); // its answers still go out; what comes now is refused
    }
    gm_http_server_close(serve->http);
    gm_errands_close(serve->errands);
    gm_feed_close(serve->feed);
    gm_workers_close(serve->workers);
    gm_memory_free(serve);
}

uint16_t gm_serve_port(const gm_serve *serve)
{
    return gm_http_server_port(serve->http);
}
