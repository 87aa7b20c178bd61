// A domain with everything that a state can hold, for tests: columns of four types, an output, a
// population, hidden data, migration. Each step fills bins and takes in a job.
#ifndef GEMEL_TESTS_MODEL_STORE_DOMAIN_H
#define GEMEL_TESTS_MODEL_STORE_DOMAIN_H

#include <gemel/model.h>
#include <string.h>

#include "base/arena.h"

enum { STORE_BIN = 0, STORE_JOB, STORE_JOBS_MAX = 20, STORE_COLUMNS = 7 };
enum { BIN_SIZE = 0, BIN_MODE, BIN_COUNT, BIN_LEVEL, BIN_DOUBLE };
enum { JOB_WORTH = 0, JOB_KIND };

static const gm_field bin_fields[] = {
    [BIN_SIZE] = { "size", "m3", GM_PARAMETER, GM_F32, 2.0, 0.0, 100.0, "how much goes in" },
    [BIN_MODE] = { "mode", "1", GM_INPUT, GM_U8, 1.0, 0.0, 9.0, "how fast it fills" },
    [BIN_COUNT] = { "count", "1", GM_STATE, GM_I32, 0.0, -1e9, 1e9, "how often it was filled" },
    [BIN_LEVEL] = { "level", "m3", GM_STATE, GM_F64, 0.5, -1e3, 1e3, "how much is in" },
    [BIN_DOUBLE] = { "double", "m3", GM_OUTPUT, GM_F64, 0.0, -1e4, 1e4, "twice the level" },
};
static const gm_field job_fields[] = {
    [JOB_WORTH] = { "worth", "EUR", GM_STATE, GM_F64, 0.0, -1e6, 1e6, "what it brings" },
    [JOB_KIND] = { "kind", "1", GM_STATE, GM_U8, 0.0, 0.0, 9.0, "which kind" },
};
static const gm_class bin_class = {
    .name = "bin", .doc = "a bin", .fields = bin_fields, .field_count = 5
};
static const gm_class job_class = { .name = "job",
                                    .doc = "a job",
                                    .fields = job_fields,
                                    .field_count = 2,
                                    .capacity = STORE_JOBS_MAX };

/// Hidden per lane: how many steps it lived, and how much hidden data was brought over.
typedef struct store_diary {
    uint64_t steps, moves;
} store_diary;

/// `{bins: [a, b, c]}`
static gm_status store_build(gm_model *model, const gm_config *config, gm_error *error)
{
    gm_status status = gm_model_class(model, STORE_BIN, &bin_class, error);
    if (status == GM_OK) {
        status = gm_model_class(model, STORE_JOB, &job_class, error);
    }
    const gm_config *bins = gm_config_get(config, "bins");
    for (size_t index = 0; status == GM_OK && index < bins->count; index++) {
        size_t element = 0;
        const double place[1][3] = { { (double)index, 0.0, 0.0 } };
        status = gm_model_element(model, STORE_BIN, bins->children[index].text, &element, error);
        if (status == GM_OK) {
            status = gm_model_initial(model, STORE_BIN, BIN_LEVEL, element,
                                      0.25 * (double)(element + 1), error);
        }
        if (status == GM_OK) {
            status = gm_model_geometry(model, STORE_BIN, element, place, 1, error);
        }
        if (status == GM_OK && element == 1) {
            status = gm_model_role(model, STORE_BIN, BIN_SIZE, element, GM_INPUT, error);
        }
    }
    gm_model_hidden(model, sizeof(store_diary));
    return status;
}

static store_diary *store_diary_of(const gm_block *block, size_t lane)
{
    return (store_diary *)(void *)(block->hidden + lane * gm_model_hidden_size(block->model));
}

static void store_step(gm_block *block, size_t lane, const gm_step *step)
{
    size_t width = (size_t)block->width, bins = gm_model_element_count(block->model, STORE_BIN);
    const float *size = gm_column(block, STORE_BIN, BIN_SIZE);
    const uint8_t *mode = gm_column(block, STORE_BIN, BIN_MODE);
    int32_t *count = gm_column(block, STORE_BIN, BIN_COUNT);
    double *level = gm_column(block, STORE_BIN, BIN_LEVEL);
    for (size_t bin = 0; bin < bins; bin++) {
        gm_draw draw = { .lane = block->first_lane + (uint32_t)lane,
                         .element = (uint32_t)bin,
                         .occurrence = (uint64_t)block->time_ns[lane] };
        size_t at = bin * width + lane;
        level[at] += mode[at] * gm_random_uniform(step->random, draw);
        if (level[at] > (double)size[at]) {
            level[at] = 0.0;
            count[at]++;
        }
    }
    uint32_t row;
    if (gm_rows_add(block, STORE_JOB, (int)lane, &row)) {
        ((double *)gm_column(block, STORE_JOB, JOB_WORTH))[row * width + lane] = level[lane];
        ((uint8_t *)gm_column(block, STORE_JOB, JOB_KIND))[row * width + lane] = (uint8_t)(row % 9);
    } else {
        gm_rows_remove(block, STORE_JOB, (int)lane,
                       (block->first_lane + (uint32_t)lane) % STORE_JOBS_MAX);
    }
    store_diary_of(block, lane)->steps++;
}

/// One step a second.
static gm_status store_advance(const gm_model *model, gm_block *block, int64_t until_ns,
                               gm_step *step)
{
    (void)model;
    for (int lane = 0; lane < block->width; lane++) {
        while ((block->lanes >> lane & 1) != 0 && block->time_ns[lane] < until_ns) {
            block->time_ns[lane] += 1000000000;
            store_step(block, (size_t)lane, step);
        }
    }
    return GM_OK;
}

static void store_observe(const gm_model *model, gm_block *block, const gm_wanted *wanted)
{
    (void)wanted;
    const double *level = gm_column(block, STORE_BIN, BIN_LEVEL);
    double *twice = gm_column(block, STORE_BIN, BIN_DOUBLE);
    size_t count = gm_model_element_count(model, STORE_BIN) * (size_t)block->width;
    for (size_t index = 0; twice != NULL && index < count; index++) {
        twice[index] = 2.0 * level[index];
    }
}

/// A bin holds no more than its size.
static void store_changed(const gm_model *model, gm_block *block)
{
    const float *size = gm_column(block, STORE_BIN, BIN_SIZE);
    double *level = gm_column(block, STORE_BIN, BIN_LEVEL);
    size_t count = gm_model_element_count(model, STORE_BIN) * (size_t)block->width;
    for (size_t index = 0; index < count; index++) {
        level[index] = level[index] > (double)size[index] ? (double)size[index] : level[index];
    }
}

static gm_status store_migrate(const gm_model *from, const gm_block *old, const gm_model *to,
                               gm_block *block, gm_error *error)
{
    (void)from;
    (void)to;
    (void)error;
    for (size_t lane = 0; lane < (size_t)block->width; lane++) {
        store_diary *diary = store_diary_of(block, lane);
        *diary = old != NULL ? *store_diary_of(old, lane) : (store_diary){ 0 };
        diary->moves++;
    }
    return GM_OK;
}

static const gm_domain store_domain = { .name = "store",
                                        .summary = "bins and jobs",
                                        .source = "this test",
                                        .schema = 1,
                                        .build = store_build,
                                        .advance = store_advance,
                                        .observe = store_observe,
                                        .changed = store_changed,
                                        .migrate = store_migrate };

#endif
