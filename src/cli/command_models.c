// `gemel models`: the domains of this build, and what their tables hold.
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"

enum { JSON, OPTIONS };

static const gm_option options[OPTIONS] = {
    [JSON] = { "json", NULL, "print as JSON" },
};

static json_t *domain_json(const gm_domain *domain)
{
    return json_pack("{s:s, s:s, s:s, s:I}", "name", domain->name, "summary", domain->summary,
                     "source", domain->source, "schema", (json_int_t)domain->schema);
}

static json_t *number(double value)
{
    return value - value == 0.0 ? json_real(value) : json_null();
}

static json_t *class_json(const gm_model *model, size_t number_of_class)
{
    const gm_class *declared = gm_model_class_at(model, number_of_class);
    json_t *fields = json_array();
    for (size_t index = 0; index < declared->field_count; index++) {
        const gm_field *field = &declared->fields[index];
        json_array_append_new(
            fields, json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:s}", "name", field->name,
                              "role", gm_role_name(field->role), "type", gm_type_name(field->type),
                              "unit", field->unit, "initial", number(field->initial), "min",
                              number(field->min), "max", number(field->max), "doc", field->doc));
    }
    size_t elements = gm_model_element_count(model, number_of_class);
    return json_pack("{s:s, s:s, s:I, s:o}", "class", declared->name, "doc",
                     declared->doc != NULL ? declared->doc : "", "elements", (json_int_t)elements,
                     "fields", fields);
}

static json_t *world_json(const gm_world *world)
{
    json_t *systems = json_array();
    for (size_t index = 0; index < world->system_count; index++) {
        const gm_world_system *system = &world->systems[index];
        json_t *classes = json_array();
        for (size_t at = 0; at < gm_model_class_count(system->model); at++) {
            json_array_append_new(classes, class_json(system->model, at));
        }
        json_array_append_new(systems, json_pack("{s:s, s:o, s:o}", "system", system->name, "model",
                                                 domain_json(system->domain), "classes", classes));
    }
    return systems;
}

static json_t *domains_json(void)
{
    size_t count = 0;
    const gm_domain *const *domains = gm_domains(&count);
    json_t *list = json_array();
    for (size_t index = 0; index < count; index++) {
        json_array_append_new(list, domain_json(domains[index]));
    }
    return list;
}

static void print_json(json_t *owned)
{
    json_dumpf(owned, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(12));
    printf("\n");
    json_decref(owned);
}

static void print_domain(const gm_domain *domain)
{
    printf("%s: %s\n\nsource: %s\n", domain->name, domain->summary, domain->source);
    printf("\nA world that uses it lists its classes and fields: gemel models WORLD\n");
}

static void print_world(const gm_world *world)
{
    for (size_t index = 0; index < world->system_count; index++) {
        const gm_world_system *system = &world->systems[index];
        printf("%s%s: %s (%s)\n", index > 0 ? "\n" : "", system->name, system->domain->name,
               system->domain->summary);
        for (size_t at = 0; at < gm_model_class_count(system->model); at++) {
            const gm_class *declared = gm_model_class_at(system->model, at);
            printf("\n  %s, %s: %zu\n", declared->name, declared->doc != NULL ? declared->doc : "",
                   gm_model_element_count(system->model, at));
            for (size_t field = 0; field < declared->field_count; field++) {
                const gm_field *row = &declared->fields[field];
                printf("    %-16s %-10s %-9s %s\n", row->name, row->unit, gm_role_name(row->role),
                       row->doc);
            }
        }
    }
}

static void print_all(void)
{
    size_t count = 0;
    const gm_domain *const *domains = gm_domains(&count);
    for (size_t index = 0; index < count; index++) {
        printf("%-12s %s\n", domains[index]->name, domains[index]->summary);
    }
}

static gm_status show_world(const char *path, bool json, gm_error *error)
{
    gm_world *world = NULL;
    gm_status status = gm_cli_world(path, &world, error);
    if (status == GM_OK && json) {
        print_json(world_json(world));
    } else if (status == GM_OK) {
        print_world(world);
    }
    gm_world_close(world);
    return status;
}

static int run(const gm_arguments *arguments)
{
    bool json = gm_option_given(arguments, JSON);
    gm_error error = { 0 };
    gm_status status = GM_OK;
    if (arguments->word_count == 0 && json) {
        print_json(domains_json());
    } else if (arguments->word_count == 0) {
        print_all();
    } else if (access(arguments->words[0], F_OK) == 0) {
        status = show_world(arguments->words[0], json, &error);
    } else {
        size_t count = 0;
        const gm_domain *const *domains = gm_domains(&count);
        const gm_domain *domain = NULL;
        status = gm_domain_find(domains, count, arguments->words[0], &domain, &error);
        if (status == GM_OK && json) {
            print_json(domain_json(domain));
        } else if (status == GM_OK) {
            print_domain(domain);
        }
    }
    return status == GM_OK ? gm_cli_finish(arguments)
                           : gm_cli_fail(arguments, gm_exit_of(status), &error);
}

const gm_command gm_command_models = {
    .name = "models",
    .summary = "list the kinds of systems, and what their tables hold",
    .words = "[NAME|WORLD]",
    .words_max = 1,
    .about = "Without a word: every domain of this build. With a name: what it is and where its "
             "equations come from.\n"
             "With a world file: the classes and fields of its systems, with units and roles.",
    .examples = "  gemel models\n  gemel models thermal\n  gemel models "
                "examples/incubator/world.yaml --json\n",
    .options = options,
    .option_count = OPTIONS,
    .run = run,
};
