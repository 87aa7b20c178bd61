// Elements that the world file takes out of a network, and what goes with them: controls and rules
// that name them. The tables close up behind.
#include <stdio.h>
#include <string.h>

#include "domain/water/overlay_parts.h"

enum { NAMED_MAX = 8 }; // links that an error names

// Links that still hang on a removed node are named.
static gm_status check_removed_nodes(const water_plan *plan, gm_place place, gm_error *error)
{
    char names[NAMED_MAX * 48] = "";
    const water_node *node = NULL;
    size_t count = 0;
    for (size_t index = 0; index < plan->link_count; index++) {
        const water_link *link = &plan->links[index];
        const water_node *from = &plan->nodes[link->from], *to = &plan->nodes[link->to];
        const water_node *gone = from->removed ? from : to->removed ? to : NULL;
        if (link->removed || gone == NULL || (node != NULL && gone != node)) {
            continue;
        }
        node = gone;
        if (count++ < NAMED_MAX) {
            size_t used = strlen(names);
            snprintf(names + used, sizeof names - used, "%s'%.40s'", used > 0 ? ", " : "",
                     link->name);
        }
    }
    if (node == NULL) {
        return GM_OK;
    }
    return gm_error_at(error, GM_INVALID, place,
                       "'%.60s' cannot be removed: links are still on it (%s%s)", node->name, names,
                       count > NAMED_MAX ? ", ..." : "");
}

static bool names_removed(const water_plan *plan, const water_rule *rule)
{
    bool removed = false;
    for (size_t at = 0; at < rule->premise_count; at++) {
        const water_premise *premise = &rule->premises[at];
        removed = removed ||
                  (premise->subject == WATER_NODE && plan->nodes[premise->index].removed) ||
                  (premise->subject == WATER_LINK && plan->links[premise->index].removed);
    }
    for (size_t at = 0; at < rule->then_count; at++) {
        removed = removed || plan->links[rule->then[at].link].removed;
    }
    for (size_t at = 0; at < rule->otherwise_count; at++) {
        removed = removed || plan->links[rule->otherwise[at].link].removed;
    }
    return removed;
}

static void drop_orders(water_plan *plan)
{
    size_t kept = 0;
    for (size_t index = 0; index < plan->control_count; index++) {
        const water_control *control = &plan->controls[index];
        bool removed = plan->links[control->link].removed ||
                       (control->node != WATER_NONE && plan->nodes[control->node].removed);
        if (removed) {
            gm_water_warn(plan, control->place,
                          "this control of '%.60s' is not used: what it names "
                          "was removed",
                          plan->links[control->link].name);
        } else {
            plan->controls[kept++] = *control;
        }
    }
    plan->control_count = kept;
    kept = 0;
    for (size_t index = 0; index < plan->rule_count; index++) {
        const water_rule *rule = &plan->rules[index];
        if (names_removed(plan, rule)) {
            gm_water_warn(plan, rule->place, "rule '%.60s' is not used: what it names was removed",
                          rule->name);
        } else {
            plan->rules[kept++] = *rule;
        }
    }
    plan->rule_count = kept;
}

// Where rows go: node[old] and link[old] are their new numbers.
typedef struct moves {
    uint32_t *node, *link;
} moves;

static gm_status close_up(water_plan *plan, moves *to, gm_error *error)
{
    size_t node_count = 0, link_count = 0;
    to->node = gm_arena_new(plan->arena, plan->node_count, sizeof *to->node);
    to->link = gm_arena_new(plan->arena, plan->link_count, sizeof *to->link);
    bool fits = to->node != NULL && to->link != NULL;
    size_t nodes = fits ? plan->node_count : 0, links = fits ? plan->link_count : 0;
    plan->node_names = plan->link_names = (water_names){ 0 };
    for (size_t index = 0; index < nodes && fits; index++) {
        to->node[index] = (uint32_t)node_count;
        if (!plan->nodes[index].removed) {
            plan->nodes[node_count] = plan->nodes[index];
            fits = gm_water_names_add(&plan->node_names, gm_water_nodes_of(plan),
                                      (uint32_t)node_count++, plan->arena);
        }
    }
    for (size_t index = 0; index < links && fits; index++) {
        to->link[index] = (uint32_t)link_count;
        if (!plan->links[index].removed) {
            plan->links[link_count] = plan->links[index];
            fits = gm_water_names_add(&plan->link_names, gm_water_links_of(plan),
                                      (uint32_t)link_count++, plan->arena);
        }
    }
    plan->node_count = node_count;
    plan->link_count = link_count;
    return fits ? GM_OK : gm_error_set(error, GM_MEMORY, "no memory for the network");
}

static void renumber(water_plan *plan, const moves *to)
{
    for (size_t index = 0; index < plan->link_count; index++) {
        plan->links[index].from = to->node[plan->links[index].from];
        plan->links[index].to = to->node[plan->links[index].to];
    }
    for (size_t index = 0; index < plan->control_count; index++) {
        water_control *control = &plan->controls[index];
        control->link = to->link[control->link];
        control->node = control->node == WATER_NONE ? WATER_NONE : to->node[control->node];
    }
    for (size_t index = 0; index < plan->rule_count; index++) {
        water_rule *rule = &plan->rules[index];
        for (size_t at = 0; at < rule->premise_count; at++) {
            water_premise *premise = &rule->premises[at];
            if (premise->subject != WATER_SYSTEM) {
                premise->index = premise->subject == WATER_NODE ? to->node[premise->index]
                                                                : to->link[premise->index];
            }
        }
        for (size_t at = 0; at < rule->then_count; at++) {
            rule->then[at].link = to->link[rule->then[at].link];
        }
        for (size_t at = 0; at < rule->otherwise_count; at++) {
            rule->otherwise[at].link = to->link[rule->otherwise[at].link];
        }
    }
}

gm_status gm_overlay_remove(const overlay *in, const gm_config *list)
{
    water_plan *plan = in->plan;
    gm_status status = gm_config_is(list, GM_CONFIG_LIST, "a list such as [pipe/P12]", in->error);
    for (size_t index = 0; status == GM_OK && index < list->count; index++) {
        overlay_element element;
        status = gm_overlay_find(in, &list->children[index], &element);
        if (status == GM_OK && element.is_link) {
            plan->links[element.index].removed = true;
        } else if (status == GM_OK) {
            plan->nodes[element.index].removed = true;
        }
    }
    if (status == GM_OK) {
        status = check_removed_nodes(plan, list->place, in->error);
    }
    if (status != GM_OK) {
        return status;
    }
    moves to = { 0 };
    drop_orders(plan);
    status = close_up(plan, &to, in->error);
    if (status == GM_OK) {
        renumber(plan, &to);
    }
    return status;
}
