// `gemel validate`: every reference case of this build, computed again.
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "cli/command.h"
#include "study/validation.h"

enum { FOLDER_SIZE = 1024 };

enum { REFERENCE, JSON, OPTIONS };

static const gm_option options[OPTIONS] = {
    [REFERENCE] = { "reference", "DIR", "reference data [../shared/data, if it is there]" },
    [JSON] = { "json", NULL, "print as JSON" },
};

static const char *const relation_words[] = { [GM_NEAR] = "near",
                                              [GM_AT_MOST] = "at most",
                                              [GM_AT_LEAST] = "at least",
                                              [GM_REPORTED] = "reported" };

static const char *verdict(const gm_validation_report *report, gm_status status)
{
    return status != GM_OK                       ? "failed"
           : report->skipped                     ? "skipped"
           : gm_validation_report_passes(report) ? "pass"
                                                 : "fail";
}

static json_t *number_json(double value)
{
    return value - value == 0.0 ? json_real(value) : json_null();
}

static json_t *report_json(const gm_validation_case *validation, const gm_validation_report *report,
                           gm_status status, const gm_error *error)
{
    json_t *numbers = json_array();
    for (size_t index = 0; index < report->count; index++) {
        const gm_validation_number *number = &report->numbers[index];
        json_array_append_new(
            numbers,
            json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:b}", "what", number->what, "unit",
                      number->unit, "relation", relation_words[number->relation], "expected",
                      number_json(number->expected), "got", number_json(number->got), "tolerance",
                      number_json(number->tolerance), "pass", gm_validation_passes(number)));
    }
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:o}", "case", validation->name, "domain",
                     validation->domain, "source", validation->source, "result",
                     verdict(report, status), "reason",
                     status != GM_OK   ? error->text
                     : report->skipped ? "no reference data"
                                       : "",
                     "numbers", numbers);
}

static void print_report(const gm_validation_case *validation, const gm_validation_report *report,
                         gm_status status, const gm_error *error)
{
    printf("%s: %s\n  source: %s\n", validation->domain, validation->name, validation->source);
    if (status != GM_OK) {
        printf("  failed: %s\n", error->text);
    } else if (report->skipped) {
        printf("  skipped: no reference data\n");
    }
    for (size_t index = 0; index < report->count; index++) {
        const gm_validation_number *number = &report->numbers[index];
        if (index == 0) {
            printf("  %-44s %-9s %14s %14s %11s %-6s\n", "", "", "expected", "got", "tolerance",
                   "unit");
        }
        printf("  %-44s %-9s", number->what, relation_words[number->relation]);
        if (number->relation == GM_REPORTED) {
            printf(" %14s %14.7g %11s %-6s\n", "", number->got, "", number->unit);
        } else if (number->relation == GM_NEAR) {
            printf(" %14.7g %14.7g %11.2g %-6s %s\n", number->expected, number->got,
                   number->tolerance, number->unit, gm_validation_passes(number) ? "pass" : "FAIL");
        } else {
            printf(" %14.7g %14.7g %11s %-6s %s\n", number->expected, number->got, "", number->unit,
                   gm_validation_passes(number) ? "pass" : "FAIL");
        }
    }
    printf("\n");
}

static gm_status no_such_domain(const char *name, gm_error *error)
{
    size_t count = 0;
    const gm_validation_case *const *cases = gm_validations(&count);
    const char *names[256];
    count = count < sizeof names / sizeof *names ? count : sizeof names / sizeof *names;
    for (size_t index = 0; index < count; index++) {
        names[index] = cases[index]->domain;
    }
    const char *near = gm_text_nearest(name, names, count);
    return near != NULL ? gm_error_set(error, GM_NOT_FOUND,
                                       "no case of domain '%s'; did you mean '%s'?", name, near)
                        : gm_error_set(error, GM_NOT_FOUND, "no case of domain '%s'", name);
}

/// The folder given, or the one beside the checkout; NULL when there is none.
static gm_status find_reference(const gm_arguments *arguments, const char **folder, gm_error *error)
{
    static const char *const usual = "../shared/data";
    *folder = arguments->values[REFERENCE];
    if (*folder != NULL && access(*folder, R_OK | X_OK) != 0) {
        return gm_error_set(error, GM_INVALID, "--reference '%s': no such folder", *folder);
    }
    if (*folder == NULL && access(usual, R_OK | X_OK) == 0) {
        *folder = usual;
    }
    return GM_OK;
}

/// @param all_pass  out
static gm_status run_all(const gm_arguments *arguments, const gm_validation_context *context,
                         bool *all_pass, gm_error *error)
{
    const char *domain = arguments->word_count > 0 ? arguments->words[0] : NULL;
    size_t count = 0, chosen = 0, passed = 0, skipped = 0;
    const gm_validation_case *const *cases = gm_validations(&count);
    json_t *list = gm_option_given(arguments, JSON) ? json_array() : NULL;
    gm_validation_report *report = gm_memory_new(1, sizeof *report);
    gm_progress progress = gm_progress_start("validate");
    for (size_t index = 0; report != NULL && index < count; index++) {
        if (domain != NULL && strcmp(cases[index]->domain, domain) != 0) {
            continue;
        }
        gm_error why = { 0 };
        gm_status status = gm_validation_run(cases[index], context, report, &why);
        chosen++;
        skipped += status == GM_OK && report->skipped;
        passed += status == GM_OK && !report->skipped && gm_validation_report_passes(report);
        gm_progress_end(&progress);
        if (list != NULL) {
            json_array_append_new(list, report_json(cases[index], report, status, &why));
        } else {
            print_report(cases[index], report, status, &why);
        }
        gm_progress_show(&progress, (double)(index + 1) / (double)count);
    }
    gm_progress_end(&progress);
    gm_memory_free(report);
    *all_pass = passed + skipped == chosen;
    if (chosen == 0) {
        json_decref(list);
        return no_such_domain(domain != NULL ? domain : "", error);
    }
    if (list != NULL) {
        json_dumpf(list, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(12));
        printf("\n");
        json_decref(list);
    } else {
        printf("%zu of %zu cases pass, %zu skipped\n", passed, chosen, skipped);
    }
    return GM_OK;
}

static int run(const gm_arguments *arguments)
{
    gm_error error = { 0 };
    gm_units *units = NULL;
    gm_validation_context context = { 0 };
    bool all_pass = false;
    gm_status status = find_reference(arguments, &context.reference, &error);
    if (status == GM_OK) {
        status = gm_units_read(&units, &error);
        context.units = units;
    }
    if (status == GM_OK) {
        status = run_all(arguments, &context, &all_pass, &error);
    }
    gm_units_close(units);
    if (status != GM_OK) {
        return gm_cli_fail(arguments, gm_exit_of(status), &error);
    }
    int code = gm_cli_finish(arguments);
    return code == GM_EXIT_DONE && !all_pass ? GM_EXIT_NO : code;
}

const gm_command gm_command_validate = {
    .name = "validate",
    .summary = "compute every published reference case again",
    .words = "[DOMAIN]",
    .words_max = 1,
    .about = "For each case: what was expected, what came out, how far apart they may be, and "
             "where the numbers\n"
             "come from. Exit code 1 when one fails. Cases that need the reference data are "
             "skipped without them.",
    .examples = "  gemel validate\n  gemel validate thermal --json\n"
                "  gemel validate --reference /srv/reference\n",
    .options = options,
    .option_count = OPTIONS,
    .run = run,
};
