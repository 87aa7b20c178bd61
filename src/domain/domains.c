// The registry: what domains.def lists, in its order.
#include "domain/domains.h"

static const gm_domain *const domains[] = {
#define GM_DOMAIN(name) &gm_##name,
#include "domain/domains.def"
#undef GM_DOMAIN
};

const gm_domain *const *gm_domains(size_t *count)
{
    *count = sizeof domains / sizeof *domains;
    return domains;
}
