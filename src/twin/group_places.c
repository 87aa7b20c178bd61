// The local filter in the live twin: where the elements of a group stand, and who is moved by what.
//
// States are moved by local transforms (assim/local_filter.h), of a given radius or of one that is
// found from the lanes (assim/local_untended.h). Unknown inputs, sensors' biases and parameters ask
// for gains of their own: each is taken serially by the measurements near its element, their error
// variance divided by the same weights. What stands nowhere (a parameter of the whole plant, an
// adopted change) is moved by all measurements in full.
//
// Distances are metres between positions, an element's being the mean of its points; or, where the
// radius is given in hops or positions are missing, hops along joins and links.
#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "num/statistics.h"
#include "twin/group_filter.h"

static const uint32_t everywhere = (uint32_t)GM_LOCALISATION_EVERYWHERE;
// reaches whose third, the longest radius that is found, spans the group; and whose 64th, the
// shortest, is a hop: what is joined acts on each other whatever a few lanes say
static const double widest = 3.0, hops_least = 64.0;

struct gm_group_places {
    size_t lanes, state_count, hypothesis_count;
    uint32_t *first;       // [system_count]: number of the group's first element in each system
    size_t element_count;  // of the group
    uint32_t *batch_of;    // [element_count]: everywhere when it plays no part, or stands nowhere
    uint32_t *value_batch; // [state_count + measurement_count]: of states, then of sensors
    uint32_t *number_of;   // [sensor_count of the world]: which of the localised measurements it is
    double (*spots)[3];    // [batch_count + measurement_count], m
    uint32_t *nodes_of;    // [batch_count + measurement_count], elements
    gm_network *network;   // NULL: by positions
    gm_local_values values;
    gm_local_points points;
    gm_local_nodes nodes;
    gm_localisation *where;                // of a given radius
    gm_local_filter *filter;               // of a given radius
    gm_local_untended **untended;          // [hypothesis_count]; NULL: the radius is given
    double *rows;                          // [state_count + measurement_count][lanes]
    uint32_t *which;                       // [measurement_count]
    uint32_t *index_of;                    // [measurement_count]: its first place in the analysis
    double *near;                          // [measurement_count][lanes] predictions
    double *measured, *variance, *caution; // [measurement_count] of near ones
};

// ---- elements ----

static const double (*points_of(const gm_world *world, gm_ref ref, size_t *count))[3]
{
    return gm_model_points(world->systems[ref.system].model, ref.class_number, ref.element, count);
}

static bool has_position(const gm_world *world, gm_ref ref)
{
    size_t count = 0;
    return points_of(world, ref, &count) != NULL && count > 0;
}

bool gm_group_has_positions(const gm_world *world, size_t group)
{
    for (size_t index = 0; index < world->estimate_count; index++) {
        const gm_world_estimate *estimate = &world->estimates[index];
        if (estimate->kind == GM_ESTIMATE_STATE &&
            world->systems[estimate->ref.system].group == group &&
            !has_position(world, estimate->ref)) {
            return false;
        }
    }
    for (size_t index = 0; index < world->sensor_count; index++) {
        const gm_world_sensor *sensor = &world->sensors[index];
        if (!sensor->is_driver && world->systems[sensor->ref.system].group == group &&
            !has_position(world, sensor->ref)) {
            return false;
        }
    }
    return true;
}

bool gm_group_has_distances(const gm_world *world, size_t group)
{
    bool joined = true;
    for (size_t system = 0; system < world->system_count; system++) {
        size_t count = 0;
        gm_model_join_list(world->systems[system].model, &count);
        joined = joined && (world->systems[system].group != group || count > 0);
    }
    return joined || gm_group_has_positions(world, group);
}

/// Mean of its points.
static void position_of(const gm_world *world, gm_ref ref, double at[3])
{
    size_t count = 0;
    const double(*points)[3] = points_of(world, ref, &count);
    memset(at, 0, 3 * sizeof *at);
    for (size_t point = 0; point < count; point++) {
        for (size_t axis = 0; axis < 3; axis++) {
            at[axis] += points[point][axis] / (double)count;
        }
    }
}

/// Numbers the elements of a group's systems, class by class.
static uint32_t element_number(const gm_world *world, const gm_group_places *places, gm_ref ref)
{
    const gm_model *model = world->systems[ref.system].model;
    size_t number = places->first[ref.system] + ref.element;
    for (uint32_t before = 0; before < ref.class_number; before++) {
        number += gm_model_element_count(model, before);
    }
    return (uint32_t)number;
}

static gm_status no_memory(gm_error *error)
{
    return gm_error_set(error, GM_MEMORY, "no memory for a local filter");
}

/// An array of the twin's, which goes with it.
static void *array_of(const gm_twin *twin, size_t count, size_t size)
{
    return gm_arena_new(twin->arena, count > 0 ? count : 1, size);
}

static gm_status number_elements(const gm_twin *twin, size_t group, gm_group_places *places,
                                 gm_error *error)
{
    const gm_world *world = twin->world;
    places->first = array_of(twin, world->system_count, sizeof *places->first);
    if (places->first == NULL) {
        return no_memory(error);
    }
    for (size_t system = 0; system < world->system_count; system++) {
        const gm_model *model = world->systems[system].model;
        places->first[system] = (uint32_t)places->element_count;
        for (size_t each = 0;
             world->systems[system].group == group && each < gm_model_class_count(model); each++) {
            places->element_count += gm_model_element_count(model, each);
        }
    }
    if (places->element_count > GM_NETWORK_COUNT_MAX) {
        return gm_error_set(error, GM_LIMIT, "more than %d elements for a local filter",
                            GM_NETWORK_COUNT_MAX);
    }
    return GM_OK;
}

// ---- hops ----

typedef struct edges {
    uint32_t (*ends)[2];
    size_t count, capacity;
} edges;

static bool add_edge(edges *of, uint32_t a, uint32_t b)
{
    void *grown = a == b ? of->ends
                         : gm_memory_grow(of->ends, &of->capacity, of->count + 1, sizeof *of->ends);
    if (a == b) {
        return true;
    }
    if (grown == NULL) {
        return false;
    }
    of->ends = grown;
    of->ends[of->count][0] = a;
    of->ends[of->count++][1] = b;
    return true;
}

/// Joins within the group's systems, links between them.
static gm_status join_elements(const gm_world *world, size_t group, gm_group_places *places,
                               gm_error *error)
{
    edges all = { 0 };
    bool done = true;
    for (uint32_t system = 0; done && system < world->system_count; system++) {
        size_t count = 0;
        const gm_join *joins = gm_model_join_list(world->systems[system].model, &count);
        bool own = joins != NULL && world->systems[system].group == group;
        for (size_t index = 0; done && own && index < count; index++) {
            const gm_join *join = &joins[index];
            const gm_ref a = { .system = system,
                               .class_number = join->class_a,
                               .element = join->element_a };
            const gm_ref b = { .system = system,
                               .class_number = join->class_b,
                               .element = join->element_b };
            done =
                add_edge(&all, element_number(world, places, a), element_number(world, places, b));
        }
    }
    for (size_t index = 0; done && index < world->link_count; index++) {
        const gm_world_link *link = &world->links[index];
        if (world->systems[link->from.system].group == group) {
            done = add_edge(&all, element_number(world, places, link->from),
                            element_number(world, places, link->to));
        }
    }
    gm_status status =
        done ? gm_network_create(places->element_count, all.count, (const uint32_t(*)[2])all.ends,
                                 &places->network, error)
             : no_memory(error);
    gm_memory_free(all.ends);
    return status;
}

/// Hops from an element to the furthest that it reaches.
static gm_status hops_across(const gm_group_places *places, uint32_t from, double *reach,
                             gm_error *error)
{
    uint32_t *hops = gm_memory_new(2 * places->element_count, sizeof *hops);
    if (hops == NULL) {
        return no_memory(error);
    }
    const gm_network_sources source = { .nodes = &from, .count = 1 };
    *reach = gm_network_hops(places->network, &source, hops, hops + places->element_count);
    gm_memory_free(hops);
    return GM_OK;
}

/// The diagonal of the box around all batches.
static double metres_across(const gm_group_places *places)
{
    double sum = 0.0;
    for (size_t axis = 0; axis < 3; axis++) {
        double low = INFINITY, high = -INFINITY;
        for (size_t batch = 0; batch < places->values.batch_count; batch++) {
            low = fmin(low, places->spots[batch][axis]);
            high = fmax(high, places->spots[batch][axis]);
        }
        sum += high > low ? (high - low) * (high - low) : 0.0;
    }
    return sqrt(sum);
}

// ---- who stands where ----

static bool stands(const gm_world *world, const gm_group_places *places, gm_ref ref)
{
    size_t count = 0;
    if (places->network == NULL) {
        return has_position(world, ref);
    }
    gm_network_incident(places->network, element_number(world, places, ref), &count);
    return count > 0;
}

/// Element and position of a batch or measurement.
static void put(const gm_world *world, gm_group_places *places, size_t at, gm_ref ref)
{
    position_of(world, ref, places->spots[at]);
    places->nodes_of[at] =
        stands(world, places, ref) ? element_number(world, places, ref) : everywhere;
}

/// The batch of an element, a new one if it plays a part for the first time.
static uint32_t batch_at(const gm_world *world, gm_group_places *places, gm_ref ref)
{
    if (!stands(world, places, ref)) {
        return everywhere;
    }
    uint32_t *batch = &places->batch_of[element_number(world, places, ref)];
    if (*batch == everywhere) {
        *batch = (uint32_t)places->values.batch_count;
        put(world, places, places->values.batch_count++, ref);
    }
    return *batch;
}

static gm_status place_all(const gm_twin *twin, size_t group, gm_group_places *places,
                           gm_error *error)
{
    const gm_world *world = twin->world;
    const gm_cell_plan *plan = &twin->estimator.cells[twin->estimator.first_cell[group]];
    size_t states = plan->state_count, sensors = plan->sensor_count;
    size_t spots = plan->count + 2 * sensors;
    places->batch_of = array_of(twin, places->element_count, sizeof *places->batch_of);
    places->value_batch = array_of(twin, states + sensors, sizeof *places->value_batch);
    places->number_of = array_of(twin, world->sensor_count, sizeof *places->number_of);
    places->spots = array_of(twin, spots, sizeof *places->spots);
    places->nodes_of = array_of(twin, spots, sizeof *places->nodes_of);
    if (places->batch_of == NULL || places->value_batch == NULL || places->number_of == NULL ||
        places->spots == NULL || places->nodes_of == NULL) {
        return no_memory(error);
    }
    memset(places->batch_of, 0xff, places->element_count * sizeof *places->batch_of);
    places->state_count = states;
    for (size_t row = 0; row < plan->count; row++) {
        uint32_t batch = batch_at(world, places, world->estimates[plan->estimates[row]].ref);
        if (row < states) {
            places->value_batch[row] = batch;
        }
    }
    for (size_t number = 0; number < sensors; number++) {
        uint32_t sensor = plan->sensors[number];
        places->number_of[sensor] = (uint32_t)number;
        places->value_batch[states + number] = batch_at(world, places, world->sensors[sensor].ref);
    }
    for (size_t number = 0; number < sensors; number++) {
        gm_ref ref = world->sensors[plan->sensors[number]].ref;
        put(world, places, places->values.batch_count + number, ref);
    }
    places->values.value_count = states + sensors;
    places->values.measurement_count = sensors;
    places->values.batch_of = places->value_batch;
    places->points = (gm_local_points){ .dimensions = 3,
                                        .batches = places->spots[0],
                                        .measurements = places->spots[places->values.batch_count] };
    places->nodes =
        (gm_local_nodes){ .network = places->network,
                          .batches = places->nodes_of,
                          .measurements = places->nodes_of + places->values.batch_count };
    return GM_OK;
}

// ---- creation ----

static size_t worker_count(const gm_twin *twin)
{
    return twin->workers != NULL ? twin->options.threads : 1;
}

static gm_status create_fixed(const gm_twin *twin, double radius, gm_group_places *places,
                              gm_error *error)
{
    gm_taper taper = gm_default_taper(radius);
    gm_status status = places->network == NULL
                           ? gm_localisation_by_points(&places->values, &places->points, taper,
                                                       &places->where, error)
                           : gm_localisation_by_hops(&places->values, &places->nodes, taper,
                                                     &places->where, error);
    return status == GM_OK ? gm_local_filter_create(places->where, places->lanes,
                                                    worker_count(twin), &places->filter, error)
                           : status;
}

static gm_status create_untended(const gm_twin *twin, gm_group_places *places, gm_error *error)
{
    bool by_hops = places->network != NULL;
    double reach = by_hops ? hops_least : widest * metres_across(places);
    gm_status status = GM_OK;
    if (by_hops && places->values.batch_count > 0) {
        status = hops_across(places, places->nodes_of[0], &reach, error);
        reach = fmax(widest * reach, hops_least);
    }
    const gm_local_places all = { .values = &places->values,
                                  .points = by_hops ? NULL : &places->points,
                                  .nodes = by_hops ? &places->nodes : NULL,
                                  .reach = reach > 0.0 ? reach : 1.0 };
    places->untended = array_of(twin, places->hypothesis_count, sizeof(gm_local_untended *));
    if (status == GM_OK && places->untended == NULL) {
        return no_memory(error);
    }
    for (size_t each = 0; status == GM_OK && each < places->hypothesis_count; each++) {
        status = gm_local_untended_create(&all, places->lanes, worker_count(twin),
                                          &places->untended[each], error);
    }
    return status;
}

static gm_status create_rooms(const gm_twin *twin, gm_group_places *places, gm_error *error)
{
    size_t sensors = twin->estimator.sensor_room, lanes = places->lanes;
    places->rows = array_of(twin, places->values.value_count * lanes, sizeof(double));
    places->which = array_of(twin, sensors, sizeof *places->which);
    places->index_of = array_of(twin, places->values.measurement_count, sizeof *places->index_of);
    places->near = array_of(twin, sensors * lanes, sizeof(double));
    places->measured = array_of(twin, sensors, sizeof(double));
    places->variance = array_of(twin, sensors, sizeof(double));
    places->caution = array_of(twin, sensors, sizeof(double));
    bool done = places->rows != NULL && places->which != NULL && places->index_of != NULL &&
                places->near != NULL && places->measured != NULL && places->variance != NULL &&
                places->caution != NULL;
    return done ? GM_OK : no_memory(error);
}

/// By positions where there are any, unless hops are asked for.
static gm_status choose_distances(const gm_twin *twin, size_t group, const gm_world_filter *options,
                                  gm_group_places *places, gm_error *error)
{
    const gm_world *world = twin->world;
    if (options->radius_hops == 0.0 && gm_group_has_positions(world, group)) {
        return GM_OK;
    }
    if (options->radius_m > 0.0) {
        return gm_error_set(error, GM_INVALID,
                            "filter: a radius in metres needs positions of all that is estimated "
                            "or measured; give `hops`, or no radius");
    }
    gm_status status = join_elements(world, group, places, error);
    if (status == GM_OK && gm_network_link_count(places->network) == 0) {
        status = gm_error_set(error, GM_INVALID,
                              "filter: a local filter needs distances, and the systems have "
                              "neither positions nor joins");
    }
    return status;
}

gm_status gm_group_places_create(gm_twin *twin, size_t group, const gm_world_filter *options,
                                 gm_group_places **places, gm_error *error)
{
    gm_group_places *made = array_of(twin, 1, sizeof *made);
    if (made == NULL) {
        return no_memory(error);
    }
    *places = made; // what is made so far is closed with the twin
    made->lanes = twin->distinct;
    made->hypothesis_count = twin->world->hypothesis_count;
    double radius = fmax(options->radius_m, options->radius_hops);
    gm_status status = number_elements(twin, group, made, error);
    if (status == GM_OK) {
        status = choose_distances(twin, group, options, made, error);
    }
    if (status == GM_OK) {
        status = place_all(twin, group, made, error);
    }
    if (status == GM_OK && made->values.measurement_count > 0) {
        status = radius > 0.0 ? create_fixed(twin, radius, made, error)
                              : create_untended(twin, made, error);
    }
    return status == GM_OK ? create_rooms(twin, made, error) : status;
}

void gm_group_places_close(gm_group_places *places)
{
    if (places == NULL) {
        return;
    }
    for (size_t each = 0; places->untended != NULL && each < places->hypothesis_count; each++) {
        gm_local_untended_close(places->untended[each]);
    }
    gm_local_filter_close(places->filter);
    gm_localisation_close(places->where);
    gm_network_close(places->network);
}

// ---- lanes that are left ----

/// A row of the lanes that are left as one of all lanes: those that failed stand at the mean, and
/// the others so far apart that the variance stays.
static void widen(const double *from, size_t left, double *to, size_t lanes)
{
    double mean = left < lanes ? gm_mean(from, left) : 0.0;
    double scale = left < lanes ? sqrt((double)(lanes - 1) / (double)(left - 1)) : 1.0;
    for (size_t lane = 0; lane < lanes; lane++) {
        to[lane] = lane >= left   ? mean
                   : left < lanes ? mean + scale * (from[lane] - mean)
                                  : from[lane];
    }
}

/// And back.
static void narrow(const double *from, size_t lanes, double *to, size_t left)
{
    double mean = left < lanes ? gm_mean(from, lanes) : 0.0;
    double scale = left < lanes ? sqrt((double)(left - 1) / (double)(lanes - 1)) : 1.0;
    for (size_t lane = 0; lane < left; lane++) {
        to[lane] = left < lanes ? mean + scale * (from[lane] - mean) : from[lane];
    }
}

// ---- states ----

/// Reads states, and predictions behind them, so that they are moved as well.
static void take_rows(const gm_group_step *step, gm_group_places *places)
{
    const gm_analysis *analysis = step->analysis;
    size_t left = analysis->lanes, lanes = places->lanes;
    memset(places->rows, 0, places->values.value_count * lanes * sizeof *places->rows);
    memset(places->index_of, 0xff, places->values.measurement_count * sizeof *places->index_of);
    for (size_t row = 0; row < places->state_count; row++) {
        widen(analysis->values + row * left, left, places->rows + row * lanes, lanes);
    }
    for (size_t index = analysis->measurement_count; index-- > 0;) {
        size_t number = places->number_of[step->entries[index]->sample.sensor];
        places->index_of[number] = (uint32_t)index;
        widen(analysis->predictions + index * left, left,
              places->rows + (places->state_count + number) * lanes, lanes);
    }
}

/// Sensors that speak of one time more than once do so in several updates.
/// @param first  of the measurements, in their order
/// @return behind the last of this update
static size_t gather_run(const gm_group_step *step, gm_group_places *places, size_t first)
{
    size_t end = first;
    for (; end < step->analysis->measurement_count; end++) {
        uint32_t number = places->number_of[step->entries[end]->sample.sensor];
        if (end > first && number <= places->which[end - first - 1]) {
            break;
        }
        places->which[end - first] = number;
        memcpy(places->near + (end - first) * places->lanes,
               places->rows + (places->state_count + number) * places->lanes,
               places->lanes * sizeof *places->near);
    }
    return end;
}

static gm_status move_states(gm_twin *twin, const gm_group_step *step, gm_group_places *places,
                             gm_error *error)
{
    const gm_analysis *analysis = step->analysis;
    gm_status status = GM_OK;
    size_t end = 0;
    for (size_t first = 0; status == GM_OK && first < analysis->measurement_count; first = end) {
        end = gather_run(step, places, first);
        const gm_analysis run = { .lanes = places->lanes,
                                  .values = places->rows,
                                  .value_count = places->values.value_count,
                                  .predictions = places->near,
                                  .measurement_count = end - first,
                                  .measured = analysis->measured + first,
                                  .variance = analysis->variance + first,
                                  .gate = analysis->gate };
        gm_local_options options = gm_default_local_options();
        options.which = places->which;
        options.workers = twin->workers;
        if (places->untended == NULL) {
            status = gm_local_filter_update(places->filter, &run, &options, NULL, error);
            continue;
        }
        const gm_local_step untended = { .analysis = &run,
                                         .options = options,
                                         .steady = !twin->world->inflation_adapts, // states walk
                                         .memory = gm_filter_local_memory(twin, step->cell,
                                                                          step->hypothesis) };
        status = gm_local_untended_update(places->untended[step->hypothesis], &untended, error);
    }
    return status;
}

// ---- what is taken serially ----

/// The measurements that count at a batch, as they count there.
/// @return how many
static size_t gather_near(const gm_group_step *step, gm_group_places *places, uint32_t batch)
{
    const gm_analysis *all = step->analysis;
    size_t lanes = all->lanes, listed = 0, count = 0;
    const gm_localisation *where = places->untended != NULL
                                       ? gm_local_untended_where(places->untended[step->hypothesis])
                                       : places->where;
    const gm_nearby *list = gm_localisation_nearby(where, batch, &listed);
    for (size_t at = 0; at < listed; at++) {
        uint32_t number = list[at].measurement;
        for (size_t index = places->index_of[number];
             index < all->measurement_count &&
             places->number_of[step->entries[index]->sample.sensor] == number;
             index++) {
            memcpy(places->near + count * lanes, all->predictions + index * lanes,
                   lanes * sizeof *places->near);
            places->measured[count] = all->measured[index];
            places->variance[count] = all->variance[index] / (double)list[at].weight;
            places->caution[count++] = all->caution != NULL ? all->caution[index] : 1.0;
        }
    }
    return count;
}

/// Rows of one batch. @param rows  of the analysis, no others
static gm_status move_rows(const gm_group_step *step, gm_group_places *places, gm_analysis *rows,
                           uint32_t batch, gm_error *error)
{
    rows->predictions = places->near;
    if (batch != everywhere) {
        rows->measurement_count = gather_near(step, places, batch);
        rows->measured = places->measured;
        rows->variance = places->variance;
        rows->caution = places->caution;
    } else {
        memcpy(places->near, step->analysis->predictions,
               rows->measurement_count * rows->lanes * sizeof *places->near);
    }
    return gm_square_root_update(rows, NULL, error);
}

static uint32_t batch_of_row(const gm_twin *twin, const gm_group_step *step,
                             const gm_group_places *places, size_t row)
{
    size_t number = gm_group_row_estimate(twin, step, row);
    if (number == GM_NO_INDEX) {
        return everywhere;
    }
    gm_ref ref = twin->world->estimates[number].ref;
    return places->batch_of[element_number(twin->world, places, ref)];
}

static gm_status move_others(const gm_twin *twin, const gm_group_step *step,
                             gm_group_places *places, gm_error *error)
{
    const gm_analysis *all = step->analysis;
    gm_status status = GM_OK;
    size_t end = 0;
    for (size_t first = places->state_count; status == GM_OK && first < all->value_count;
         first = end) {
        uint32_t batch = batch_of_row(twin, step, places, first);
        for (end = first + 1;
             end < all->value_count && batch_of_row(twin, step, places, end) == batch; end++) {
        }
        gm_analysis rows = gm_group_rows_from(all, first);
        rows.value_count = end - first;
        size_t cautious = rows.cautious_from;
        rows.cautious_from = cautious < rows.value_count ? cautious : rows.value_count;
        size_t behind = cautious - rows.cautious_from; // of the doubted ones
        rows.doubted = rows.doubted > behind ? rows.doubted - behind : 0;
        status = move_rows(step, places, &rows, batch, error);
    }
    return status;
}

gm_status gm_group_places_update(gm_twin *twin, const gm_group_step *step, gm_error *error)
{
    gm_group_places *places = twin->filters->groups[step->group].places;
    const gm_analysis *all = step->analysis;
    size_t left = all->lanes, lanes = places->lanes;
    gm_status status = gm_analysis_check(all, error);
    if (status != GM_OK) {
        return status;
    }
    gm_group_take_innovations(step);
    take_rows(step, places);
    status = move_states(twin, step, places, error);
    if (status == GM_OK) {
        status = move_others(twin, step, places, error);
    }
    for (size_t row = 0; status == GM_OK && row < places->state_count; row++) {
        narrow(places->rows + row * lanes, lanes, all->values + row * left, left);
    }
    for (size_t index = 0; status == GM_OK && index < all->measurement_count; index++) {
        size_t number = places->number_of[step->entries[index]->sample.sensor];
        narrow(places->rows + (places->state_count + number) * lanes, lanes,
               all->predictions + index * left, left);
    }
    return status;
}
