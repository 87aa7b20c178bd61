// The tables of all domains; domains.def lists them, gm_domains (gemel/model.h) hands them out.
#ifndef GEMEL_DOMAIN_DOMAINS_H
#define GEMEL_DOMAIN_DOMAINS_H

#include <gemel/model.h>

#define GM_DOMAIN(name) extern const gm_domain gm_##name;
#include "domain/domains.def"
#undef GM_DOMAIN

#endif
