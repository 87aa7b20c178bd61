// A local filter with its own radius and inflation; local_untended.h.
#include "assim/local_untended.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/arena.h"

enum { PAIRS = 1024, RADIUS_INTERVAL = 20 }; // updates between looks at the radius

static const double first_share = 1.0 / 20.0; // of the reach: the radius before any is found
static const double worth_a_change = 0.05;    // relative: less is not worth new lists

struct gm_local_untended {
    gm_local_places places;
    size_t lanes, worker_count;
    double radius; // of what follows
    gm_localisation *where;
    gm_local_filter *filter;
    gm_radius_pairs pairs;
    uint32_t *row_of; // [measurements localised]: their row in the analysis
};

/// Lists and filter of another radius take the place of those there are.
static gm_status change_radius(gm_local_untended *u, double radius, gm_error *error)
{
    gm_localisation *where = NULL;
    gm_local_filter *filter = NULL;
    const gm_local_places *at = &u->places;
    gm_taper taper = gm_default_taper(radius);
    gm_status status = at->points != NULL
                           ? gm_localisation_by_points(at->values, at->points, taper, &where, error)
                           : gm_localisation_by_hops(at->values, at->nodes, taper, &where, error);
    if (status == GM_OK) {
        status = gm_local_filter_create(where, u->lanes, u->worker_count, &filter, error);
    }
    if (status != GM_OK) {
        gm_localisation_close(where);
        return status;
    }
    gm_local_filter_close(u->filter);
    gm_localisation_close(u->where);
    u->where = where;
    u->filter = filter;
    u->radius = radius;
    return GM_OK;
}

static gm_status choose_pairs(gm_local_untended *u, gm_error *error)
{
    const gm_local_places *at = &u->places;
    const gm_random random = gm_random_for(0, "local pairs"); // which pairs matters to nobody
    u->pairs = (gm_radius_pairs){ .pairs = gm_memory_new(PAIRS, sizeof *u->pairs.pairs),
                                  .count = PAIRS,
                                  .reach = at->reach };
    u->row_of = gm_memory_new(at->values->measurement_count, sizeof *u->row_of);
    uint32_t *work = NULL;
    if (at->nodes != NULL) {
        work = gm_memory_new(2 * gm_network_node_count(at->nodes->network), sizeof *work);
    }
    if (u->pairs.pairs == NULL || u->row_of == NULL || (at->nodes != NULL && work == NULL)) {
        gm_memory_free(work);
        return gm_error_set(error, GM_MEMORY, "no memory for an untended local filter");
    }
    if (at->points != NULL) {
        gm_radius_draw_pairs(at->values, at->points, random, &u->pairs);
    } else {
        gm_radius_draw_pairs_by_hops(at->values, at->nodes, random, work, &u->pairs);
    }
    gm_memory_free(work);
    return GM_OK;
}

gm_status gm_local_untended_create(const gm_local_places *places, size_t lanes, size_t worker_count,
                                   gm_local_untended **untended, gm_error *error)
{
    if ((places->points == NULL) == (places->nodes == NULL) || !(places->reach > 0.0) ||
        !isfinite(places->reach)) {
        return gm_error_set(
            error, GM_INVALID,
            "a local filter needs points or nodes, and a reach above 0: %g is given",
            places->reach);
    }
    gm_local_untended *u = gm_memory_new(1, sizeof *u);
    if (u == NULL) {
        return gm_error_set(error, GM_MEMORY, "no memory for an untended local filter");
    }
    u->places = *places;
    u->lanes = lanes;
    u->worker_count = worker_count;
    gm_status status = change_radius(u, first_share * places->reach, error);
    status = status == GM_OK ? choose_pairs(u, error) : status;
    if (status != GM_OK) {
        gm_local_untended_close(u);
        return status;
    }
    *untended = u;
    return GM_OK;
}

void gm_local_untended_close(gm_local_untended *untended)
{
    if (untended != NULL) {
        gm_local_filter_close(untended->filter);
        gm_localisation_close(untended->where);
        gm_memory_free(untended->pairs.pairs);
        gm_memory_free(untended->row_of);
        gm_memory_free(untended);
    }
}

/// Which row of the analysis each localised measurement is.
static gm_status find_rows(gm_local_untended *u, const gm_local_step *step, gm_error *error)
{
    size_t known = u->places.values->measurement_count, count = step->analysis->measurement_count;
    const uint32_t *which = step->options.which;
    memset(u->row_of, 0xff, known * sizeof *u->row_of); // GM_RADIUS_ABSENT
    for (size_t row = 0; row < count; row++) {
        size_t number = which == NULL ? row : which[row];
        if (number >= known) {
            return gm_error_set(error, GM_INVALID, "measurement %zu of %zu that were localised",
                                number, known);
        }
        u->row_of[number] = (uint32_t)row;
    }
    return GM_OK;
}

gm_status gm_local_untended_update(gm_local_untended *untended, const gm_local_step *step,
                                   gm_error *error)
{
    const gm_analysis *analysis = step->analysis;
    gm_status status = gm_local_filter_check(untended->filter, analysis, &step->options, error);
    status = status == GM_OK ? find_rows(untended, step, error) : status;
    if (status != GM_OK) {
        return status;
    }
    gm_local_memory learned = *step->memory;
    gm_radius_take(&learned.correlations, analysis, &untended->pairs, untended->row_of);
    double reach = untended->places.reach;
    if (learned.analyses % RADIUS_INTERVAL == 0) {
        double known = learned.radius > 0.0 ? learned.radius : first_share * reach;
        double found = gm_radius_estimate(&learned.correlations, analysis->lanes, reach, known);
        bool changes = learned.radius == 0.0 || fabs(found - known) > worth_a_change * known;
        learned.radius = changes ? found : known;
    }
    learned.analyses++;
    if (learned.radius != untended->radius) {
        status = change_radius(untended, learned.radius, error);
        if (status != GM_OK) {
            return status;
        }
    }
    gm_local_options options = step->options;
    if (!step->steady) {
        options.before *= gm_local_inflation_take(&learned.inflation, analysis);
    }
    status = gm_local_filter_update(untended->filter, analysis, &options, step->innovations, error);
    if (status == GM_OK) {
        *step->memory = learned;
    }
    return status;
}

const gm_localisation *gm_local_untended_where(const gm_local_untended *untended)
{
    return untended->where;
}
