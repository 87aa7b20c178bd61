// Running reference cases and judging their numbers.
#include "study/validation.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/require.h"

#define GM_VALIDATION(name) extern const gm_validation_case gm_validation_##name;
#include "study/validations.def"
#undef GM_VALIDATION

static const gm_validation_case *const cases[] = {
#define GM_VALIDATION(name) &gm_validation_##name,
#include "study/validations.def"
#undef GM_VALIDATION
};

const gm_validation_case *const *gm_validations(size_t *count)
{
    *count = sizeof cases / sizeof *cases;
    return cases;
}

gm_status gm_validation_run(const gm_validation_case *validation,
                            const gm_validation_context *context, gm_validation_report *report,
                            gm_error *error)
{
    *report = (gm_validation_report){ 0 };
    if (validation->needs_reference && context->reference == NULL) {
        report->skipped = true;
        return GM_OK;
    }
    return validation->run(context, report, error);
}

void gm_validation_add(gm_validation_report *report, const gm_validation_number *number)
{
    GM_REQUIRE(report->count < GM_VALIDATION_NUMBERS_MAX);
    report->numbers[report->count++] = *number;
}

bool gm_validation_passes(const gm_validation_number *number)
{
    switch (number->relation) {
    case GM_NEAR:
        return fabs(number->got - number->expected) <= number->tolerance;
    case GM_AT_MOST:
        return number->got <= number->expected;
    case GM_AT_LEAST:
        return number->got >= number->expected;
    case GM_REPORTED:
        return true;
    case GM_RELATION_NONE:
        break;
    }
    return false;
}

bool gm_validation_report_passes(const gm_validation_report *report)
{
    for (size_t index = 0; index < report->count; index++) {
        if (!gm_validation_passes(&report->numbers[index])) {
            return false;
        }
    }
    return report->skipped || report->count > 0;
}

gm_status gm_validation_world(const gm_validation_context *context, const char *name,
                              const char *text, gm_world **world, gm_error *error)
{
    gm_world_options options = { .units = context->units };
    options.domains = gm_domains(&options.domain_count);
    return gm_world_read(name, text, strlen(text), &options, world, error);
}

gm_status gm_validation_file(const gm_validation_context *context, const char *name, void **bytes,
                             size_t *size, gm_error *error)
{
    char path[GM_VALIDATION_PATH_SIZE];
    GM_REQUIRE(context->reference != NULL);
    int length = snprintf(path, sizeof path, "%s/%s", context->reference, name);
    return length < (int)sizeof path ? gm_file_read(path, bytes, size, error)
                                     : gm_error_set(error, GM_LIMIT, "'%s': a path too long", name);
}
