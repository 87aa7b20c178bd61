// Fuzzes network files: whatever the bytes, a network whose tables point into each other, or an
// error that says why.
#include "base/require.h"
#include "domain/water/water_plan.h"

static void require_pattern(const water_plan *plan, uint32_t pattern)
{
    GM_REQUIRE(pattern == WATER_NONE || pattern < plan->pattern_count);
}

static void require_nodes(const water_plan *plan)
{
    for (size_t index = 0; index < plan->node_count; index++) {
        const water_node *node = &plan->nodes[index];
        GM_REQUIRE(gm_water_find_node(plan, node->name) == index);
        require_pattern(plan, node->pattern);
        GM_REQUIRE(node->volume_curve == WATER_NONE || node->volume_curve < plan->curve_count);
        GM_REQUIRE((node->kind == WATER_JUNCTION) == (node->demands != NULL));
        for (const water_category *at = node->demands; at != NULL; at = at->next) {
            require_pattern(plan, at->pattern);
        }
    }
}

static void require_links(const water_plan *plan)
{
    for (size_t index = 0; index < plan->link_count; index++) {
        const water_link *link = &plan->links[index];
        GM_REQUIRE(gm_water_find_link(plan, link->name) == index);
        GM_REQUIRE(link->from < plan->node_count && link->to < plan->node_count);
        GM_REQUIRE(link->from != link->to);
        GM_REQUIRE((link->kind == WATER_VALVE) == (link->valve != WATER_NO_VALVE));
        GM_REQUIRE(link->kind == WATER_PUMP || link->diameter_m >= 0.0);
        GM_REQUIRE(link->valve != WATER_GPV || link->curve < plan->curve_count);
        require_pattern(plan, link->speed_pattern);
        GM_REQUIRE(link->status <= WATER_ACTIVE);
    }
}

static void require_orders(const water_plan *plan)
{
    for (size_t index = 0; index < plan->control_count; index++) {
        const water_control *control = &plan->controls[index];
        GM_REQUIRE(control->link < plan->link_count);
        GM_REQUIRE(control->has_status != control->has_setting);
        GM_REQUIRE(control->kind > WATER_ABOVE || control->node < plan->node_count);
    }
    for (size_t index = 0; index < plan->rule_count; index++) {
        const water_rule *rule = &plan->rules[index];
        GM_REQUIRE(rule->then_count + rule->otherwise_count > 0);
        for (size_t at = 0; at < rule->then_count; at++) {
            GM_REQUIRE(rule->then[at].link < plan->link_count);
        }
        for (size_t at = 0; at < rule->premise_count; at++) {
            const water_premise *premise = &rule->premises[at];
            size_t count = premise->subject == WATER_NODE ? plan->node_count : plan->link_count;
            GM_REQUIRE(premise->subject == WATER_SYSTEM || premise->index < count);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    gm_arena *arena = gm_arena_create(0);
    char *text = gm_arena_new(arena, size + 1, 1);
    water_plan *plan = gm_arena_new(arena, 1, sizeof *plan);
    GM_REQUIRE(arena != NULL && text != NULL && plan != NULL);
    for (size_t index = 0; index < size; index++) {
        text[index] = (char)bytes[index];
    }
    gm_config file = { .kind = GM_CONFIG_FILE,
                       .text = text,
                       .size = size,
                       .place = { .file = "f.inp", .line = 1, .column = 1 } };
    gm_error error = { 0 };
    gm_water_plan_default(plan, arena, NULL);
    gm_status status = gm_water_inp_read(&file, plan, &error);
    GM_REQUIRE(status == GM_OK || (error.status == status && error.text[0] != '\0'));
    if (status == GM_OK) {
        require_nodes(plan);
        require_links(plan);
        require_orders(plan);
        GM_REQUIRE(plan->step_s > 0 && plan->rule_step_s > 0 && plan->pattern_step_s > 0);
    }
    gm_arena_close(arena);
    return 0;
}
