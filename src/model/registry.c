// The registry's checks: a domain's table is complete or it is refused; names of roles and types.
#include <gemel/model.h>
#include <string.h>

#include "base/text.h"

size_t gm_type_size(gm_type type)
{
    static const size_t sizes[] = { [GM_F64] = 8, [GM_F32] = 4, [GM_I32] = 4, [GM_U8] = 1 };
    return sizes[type];
}

const char *gm_role_name(gm_role role)
{
    static const char *const names[] = { "none", "parameter", "input", "state", "output" };
    return names[role];
}

const char *gm_type_name(gm_type type)
{
    static const char *const names[] = { "f64", "f32", "i32", "u8" };
    return names[type];
}

static bool is_blank(const char *text)
{
    return text == NULL || text[0] == '\0';
}

gm_status gm_domain_check(const gm_domain *domain, gm_error *error)
{
    if (is_blank(domain->name)) {
        return gm_error_set(error, GM_INVALID, "a domain without a name");
    }
    const char *missing = is_blank(domain->summary)  ? "a summary"
                          : is_blank(domain->source) ? "a source"
                          : domain->schema == 0      ? "a schema version"
                          : domain->build == NULL    ? "build"
                                                     : NULL;
    if (missing != NULL) {
        return gm_error_set(error, GM_INVALID, "domain '%s' lacks %s", domain->name, missing);
    }
    if ((domain->rate == NULL) == (domain->advance == NULL)) {
        return gm_error_set(error, GM_INVALID, "domain '%s' must give either rate or advance",
                            domain->name);
    }
    if (domain->tickless && domain->advance == NULL) {
        return gm_error_set(error, GM_INVALID, "domain '%s' is tickless but does not step itself",
                            domain->name);
    }
    if (is_blank(domain->file_key) != is_blank(domain->file_suffix)) {
        return gm_error_set(error, GM_INVALID,
                            "domain '%s' must give file_key and file_suffix, or neither",
                            domain->name);
    }
    if (domain->jacobian != NULL && domain->rate == NULL) {
        return gm_error_set(error, GM_INVALID, "domain '%s' gives a jacobian without a rate",
                            domain->name);
    }
    return GM_OK;
}

gm_status gm_domain_find(const gm_domain *const *domains, size_t count, const char *name,
                         const gm_domain **domain, gm_error *error)
{
    const char *names[GM_DOMAINS_MAX];
    if (count > GM_DOMAINS_MAX) {
        return gm_error_set(error, GM_LIMIT, "more than %d domains", GM_DOMAINS_MAX);
    }
    for (size_t index = 0; index < count; index++) {
        if (strcmp(domains[index]->name, name) == 0) {
            *domain = domains[index];
            return GM_OK;
        }
        names[index] = domains[index]->name;
    }
    const char *nearest = gm_text_nearest(name, names, count);
    return gm_error_set(error, GM_NOT_FOUND, "there is no domain '%s'%s%s%s", name,
                        nearest ? "; did you mean '" : "", nearest ? nearest : "",
                        nearest ? "'?" : "");
}
