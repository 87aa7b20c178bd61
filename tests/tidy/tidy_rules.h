// The rules that the tree keeps, each a function over the whole tree.
#ifndef GEMEL_TESTS_TIDY_RULES_H
#define GEMEL_TESTS_TIDY_RULES_H

#include "tidy/tidy_source.h"

typedef struct tidy_report {
    const char *rule; // the rule that is being checked
    size_t count;     // findings so far
    bool quiet;       // count them only
    char last[400];   // the latest finding: "path:line: what is wrong"
} tidy_report;

typedef struct tidy_rule {
    const char *name; // the law, as a test is named
    void (*check)(const tidy_tree *tree, tidy_report *report);
} tidy_rule;

extern const tidy_rule tidy_rules[];
extern const size_t tidy_rule_count;

#endif
