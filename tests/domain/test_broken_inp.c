// Broken network files: each is refused with the place where it is broken and a word that says what
// is wrong.
#include "domain/inp_fixture.h"

#define NET                                                                                        \
    "[JUNCTIONS]\na 10 1\nb 20 2\nc 5\n[RESERVOIRS]\nr 50\n[TANKS]\nt 30 2 1 5 10\n[PIPES]\n"      \
    "p1 r a 100 200 100\np2 a b 100 200 100\np3 b c 100 200 100\np4 t c 10 200 100\n"
#define LONG_NAME                                                                                  \
    "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"                             \
    "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"                             \
    "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"                             \
    "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"

// line 0: the error is of the whole file
static const struct {
    const char *text;
    unsigned line, column;
    const char *word;
} cases[] = {
    { "", 0, 0, "at least two nodes" },
    { "no section at all\n", 0, 0, "at least two nodes" },
    { "[TITLE]\nonly words\n", 0, 0, "at least two nodes" },
    { "[JUNCTIONS]\na\nb\n", 0, 0, "needs a reservoir or a tank" },
    { "[RESERVOIRS]\nr 1\n", 0, 0, "at least two nodes, this one has 1" },
    { "[PIPES]\np a b\n[JUNCTIONS]\na\nb\n", 2, 3, "node 'a' is not declared above" },
    { NET "[JUNCTIONS]\na 1\n", 15, 1, "node 'a' is declared twice, first in line 2" },
    { NET "[JUNCTIONS]\nr 1\n", 15, 1, "node 'r' is declared twice, first in line 6" },
    { NET "[JUNCTIONS]\nd ten\n", 15, 3, "expected a number for the elevation, got 'ten'" },
    { NET "[JUNCTIONS]\nd 1e999\n", 15, 3, "expected a number for the elevation" },
    { NET "[JUNCTIONS]\nd nan\n", 15, 3, "expected a number" },
    { NET "[JUNCTIONS]\nd 0x10\n", 15, 3, "expected a number" },
    { NET "[JUNCTIONS]\nd 1,5\n", 15, 3, "got '1,5'" },
    { NET "[JUNCTIONS]\nd 1 2x\n", 15, 5, "expected a number for the demand, got '2x'" },
    { NET "[JUNCTIONS]\nd 1 2 dya\n[PIPES]\nq a d\n[PATTERNS]\nday 1\n", 15, 7,
      "pattern 'dya' is not declared; did you mean 'day'?" },
    { NET "[JUNCTIONS]\nd 1\n", 15, 1, "'d' is a junction without a link" },
    { NET "[JUNCTIONS]\n\"\" 1\n", 15, 1, "a name is empty" },
    { NET "[JUNCTIONS]\n" LONG_NAME " 1\n", 15, 1, "a name of 256 bytes" },
    { NET "[RESERVOIRS]\ns\n", 15, 2, "the line ends too early: expected a name and a head" },
    { NET "[RESERVOIRS]\ns high\n", 15, 3, "expected a number for the head" },
    { NET "[RESERVOIRS]\ns 1 hd\n", 15, 5, "pattern 'hd' is not declared" },
    { NET "[TANKS]\ns 1 2 3 4\n", 15, 10, "expected a tank's name" },
    { NET "[TANKS]\ns 1 2 x 4 5\n", 15, 7, "expected a number for the minimum level" },
    { NET "[TANKS]\ns 1 -2 1 4 5\n", 15, 5, "the initial level must not be negative" },
    { NET "[TANKS]\ns 1 2 1 4 -5\n", 15, 11, "the diameter must not be negative" },
    { NET "[TANKS]\ns 1 2 1 4 5 -1\n", 15, 13, "the minimum volume must not be negative" },
    { NET "[TANKS]\ns 1 2 1 4 5 0 shap\n", 15, 15, "curve 'shap' is not declared" },
    { NET "[TANKS]\ns 1 2 1 4 5 0 * maybe\n", 15, 17, "expected YES or NO for the overflow" },
    { NET "[TANKS]\ns 1 5 1 4 5\n", 15, 1,
      "'s' has an initial level outside its minimum and maximum" },
    { NET "[TANKS]\ns 1 0.5 1 4 5\n", 15, 1, "'s' has an initial level outside" },
    { NET "[TANKS]\ns 1 5 6 4 5\n", 15, 1, "a minimum level above its maximum" },
    { NET "[TANKS]\ns 1 2 1 4 5 0 g\n[CURVES]\ng 0 0\ng 3 9\n", 15, 1,
      "levels beyond its volume curve" },
    { NET "[TANKS]\ns 1 2 1 4 5 0 g\n[CURVES]\ng 2 0\ng 5 9\n", 15, 1,
      "levels beyond its volume curve" },
    { NET "[TANKS]\ns 1 2 2 2 5 0 g\n[CURVES]\ng 2 0\n", 15, 1, "volume curve of one point" },
    { NET "[TANKS]\ns 1 2 1 4 5 0 g\n[CURVES]\ng 0 10\ng 5 9\n", 15, 1, "volume curve that falls" },
    { NET "[PIPES]\np1 a c\n", 15, 1, "link 'p1' is declared twice, first in line 10" },
    { NET "[PIPES]\nq\n", 15, 2, "expected a link's name and its two nodes" },
    { NET "[PIPES]\nq a\n", 15, 4, "expected a link's name and its two nodes" },
    { NET "[PIPES]\nq a z\n", 15, 5, "node 'z' is not declared above" },
    { NET "[JUNCTIONS]\nJ112\nJ2\n[PIPES]\nq J12 a\n", 18, 3,
      "node 'J12' is not declared above; did you mean 'J112'?" },
    { NET "[PIPES]\nq a a\n", 15, 5, "begins and ends at the same node" },
    { NET "[PIPES]\nq a b long\n", 15, 7, "expected a number for the length" },
    { NET "[PIPES]\nq a b -5\n", 15, 7, "the length must be above 0" },
    { NET "[PIPES]\nq a b 0\n", 15, 7, "the length must be above 0" },
    { NET "[PIPES]\nq a b 5 -2\n", 15, 9, "the diameter must be above 0" },
    { NET "[PIPES]\nq a b 5 2 0\n", 15, 11, "the roughness must be above 0" },
    { NET "[PIPES]\nq a b 5 2 -100\n", 15, 11, "the roughness must be above 0" },
    { NET "[PIPES]\nq a b 5 2 1 -1\n", 15, 13,
      "the minor loss (or OPEN, CLOSED, CV) must not be negative" },
    { NET "[PIPES]\nq a b 5 2 1 Opne\n", 15, 13, "got 'Opne'" },
    { NET "[PIPES]\nq a b 5 2 1 CV 0\n", 15, 13, "got 'CV'" },
    { NET "[PIPES]\nq a b 5 2 1 0 Half\n", 15, 15, "expected OPEN, CLOSED or CV, got 'Half'" },
    { NET "[PUMPS]\nu r\n", 15, 4, "expected a link's name and its two nodes" },
    { NET "[PUMPS]\nu r a\n", 15, 1, "'u' is a pump without a head curve or a power" },
    { NET "[PUMPS]\nu r a SPEED 1\n", 15, 1, "'u' is a pump without a head curve" },
    { NET "[PUMPS]\nu r a HEAD\n", 15, 11, "a value behind HEAD" },
    { NET "[PUMPS]\nu r a HEAD lift\n", 15, 12, "curve 'lift' is not declared" },
    { NET "[PUMPS]\nu r a POWER 0\n", 15, 13, "the power must be above 0" },
    { NET "[PUMPS]\nu r a POWER ten\n", 15, 13, "expected a number for the power" },
    { NET "[PUMPS]\nu r a POWER 1 SPEED -1\n", 15, 21, "the speed must not be negative" },
    { NET "[PUMPS]\nu r a POWER 1 PATTERN on\n", 15, 23, "pattern 'on' is not declared" },
    { NET "[PUMPS]\nu r a CURVE 1\n", 15, 7, "expected HEAD, POWER, SPEED or PATTERN" },
    { NET "[PUMPS]\nu r a 1 2 3\n", 15, 7, "expected a pump's power, or head and flow" },
    { NET "[PUMPS]\nu r a HEAD g\n[CURVES]\ng 0 10\ng 5 12\n", 17, 1,
      "curve 'g' is no head curve for pump 'u'" },
    { NET "[PUMPS]\nu r a HEAD g\n[CURVES]\ng 0 10\ng 5 12\ng 10 1\n", 17, 1, "no head curve" },
    { NET "[PUMPS]\nu r a HEAD g\n[CURVES]\ng 0 10\n", 17, 1, "no head curve" },
    { NET "[PUMPS]\nu r a 100 0\n", 15, 7, "no head curve" },
    { NET "[VALVES]\nv a b 10\n", 15, 9,
      "expected a valve's name, its two nodes, diameter, kind and setting" },
    { NET "[VALVES]\nv a b 10 PRW 5\n", 15, 10, "'PRW' is no kind of valve" },
    { NET "[VALVES]\nv a b 0 PRV 5\n", 15, 7, "the diameter must be above 0" },
    { NET "[VALVES]\nv a b 10 PRV five\n", 15, 14, "expected a number for the setting" },
    { NET "[VALVES]\nv a b 10 PRV 5 -1\n", 15, 16, "the minor loss must not be negative" },
    { NET "[VALVES]\nv a b 10 GPV\n", 15, 13, "a GPV's curve" },
    { NET "[VALVES]\nv a b 10 GPV g\n", 15, 14, "curve 'g' is not declared" },
    { NET "[VALVES]\nv a b 10 GPV g\n[CURVES]\ng 0 0\n", 15, 1, "a curve of one point" },
    { NET "[VALVES]\nv a b 10 PCV 50 0 g\n", 15, 19, "curve 'g' is not declared" },
    { NET "[VALVES]\nv r b 10 PRV 5\n", 15, 1, "'v' is a PRV, PSV or FCV at a tank or reservoir" },
    { NET "[VALVES]\nv a t 10 FCV 5\n", 15, 1, "'v' is a PRV, PSV or FCV at a tank" },
    { NET "[VALVES]\nv a b 10 PRV 5\nx a c 9 TCV 1\nw c b 10 PRV 5\n", 17, 1,
      "valves 'v' and 'w' meet" },
    { NET "[VALVES]\nv a b 10 PRV 5\nx a c 9 TCV 1\nw b c 10 PRV 5\n", 17, 1,
      "valves 'v' and 'w' meet" },
    { NET "[VALVES]\nv a b 10 PSV 5\nx a c 9 TCV 1\nw a c 10 PSV 5\n", 17, 1,
      "valves 'v' and 'w' meet" },
    { NET "[VALVES]\nv b c 10 PSV 5\nx a c 9 TCV 1\nw a b 10 PRV 5\n", 17, 1,
      "valves 'v' and 'w' meet" },
    { NET "[VALVES]\nv a b 10 FCV 5\nx a c 9 TCV 1\nw b c 10 PSV 5\n", 17, 1,
      "valves 'v' and 'w' meet" },
    { NET "[VALVES]\nv b c 10 FCV 5\nx a c 9 TCV 1\nw a b 10 PRV 5\n", 17, 1,
      "valves 'v' and 'w' meet" },
    { NET "[PATTERNS]\nday\n", 15, 4, "a pattern's name and its factors" },
    { NET "[PATTERNS]\nday 1 2 x\n", 15, 9, "expected a number for a pattern's factor, got 'x'" },
    { NET "[PATTERNS]\n\"\" 1\n", 15, 1, "a name is empty" },
    { NET "[CURVES]\ng 1\n", 15, 4, "a curve's name, x and y" },
    { NET "[CURVES]\ng x 1\n", 15, 3, "expected a number for x" },
    { NET "[CURVES]\ng 1 y\n", 15, 5, "expected a number for y" },
    { NET "[CURVES]\ng 1 1\ng 1 2\n", 16, 3, "x of curve 'g' must increase, got 1 after 1" },
    { NET "[CURVES]\ng 1 1\ng 0.5 2\n", 16, 3, "must increase" },
    { NET "[DEMANDS]\na\n", 15, 2, "a junction and its demand" },
    { NET "[DEMANDS]\nz 1\n", 15, 1, "node 'z' is not declared above" },
    { NET "[DEMANDS]\na many\n", 15, 3, "expected a number for the demand" },
    { NET "[DEMANDS]\na 1 night\n", 15, 5, "pattern 'night' is not declared" },
    { NET "[EMITTERS]\na\n", 15, 2, "a junction and its emitter's coefficient" },
    { NET "[EMITTERS]\nz 1\n", 15, 1, "node 'z'" },
    { NET "[EMITTERS]\na -1\n", 15, 3, "must not be negative" },
    { NET "[LEAKAGE]\np1 1\n", 15, 5, "a pipe, the area of its holes" },
    { NET "[LEAKAGE]\nq 1 1\n", 15, 1, "link 'q' is not declared above" },
    { NET "[LEAKAGE]\np1 -1 1\n", 15, 4, "the leak area must not be negative" },
    { NET "[LEAKAGE]\np1 1 -1\n", 15, 6, "growth must not be negative" },
    { NET "[STATUS]\np1\n", 15, 3, "a link and OPEN, CLOSED or a setting" },
    { NET "[STATUS]\nq Open\n", 15, 1, "link 'q' is not declared above" },
    { NET "[STATUS]\np1 Opened?\np1 -2\n", 16, 4, "must not be negative" },
    { NET "[STATUS]\np1 Shut\n", 15, 4,
      "expected a number for the setting (or OPEN, CLOSED), got 'Shut'" },
    { NET "[PIPES]\nq a b 1 1 1 CV\n[STATUS]\nq Closed\n", 17, 1, "it has a check valve" },
    { NET "[VALVES]\nv a b 1 GPV g\n[STATUS]\nv 5\n", 17, 3, "expected OPEN or CLOSED for a GPV" },
    { NET "[CONTROLS]\nLINK p1 OPEN\n", 15, 13, "LINK name setting IF NODE name BELOW level" },
    { NET "[CONTROLS]\nLINK q OPEN AT TIME 5\n", 15, 6, "link 'q' is not declared above" },
    { NET "[CONTROLS]\nLINK p1 AJAR AT TIME 5\n", 15, 9,
      "expected a number for the setting (or OPEN, CLOSED), got 'AJAR'" },
    { NET "[CONTROLS]\nLINK p1 -1 AT TIME 5\n", 15, 9, "must not be negative" },
    { NET "[CONTROLS]\nLINK p1 OPEN AT TIME noon\n", 15, 22, "expected a time" },
    { NET "[CONTROLS]\nLINK p1 OPEN AT TIME 1:xx\n", 15, 22, "expected a time" },
    { NET "[CONTROLS]\nLINK p1 OPEN AT CLOCKTIME 14 PM\n", 15, 27, "expected a time" },
    { NET "[CONTROLS]\nLINK p1 OPEN AT TIME DISABLED\n", 15, 22, "expected a time" },
    { NET "[CONTROLS]\nLINK p1 OPEN AT TIME 1e9\n", 15, 22, "a time of more than" },
    { NET "[CONTROLS]\nLINK p1 OPEN IF NODE t BELOW\n", 15, 29,
      "expected LINK name setting IF NODE" },
    { NET "[CONTROLS]\nLINK p1 OPEN IF NODE z BELOW 5\n", 15, 22,
      "node 'z' is not declared above" },
    { NET "[CONTROLS]\nLINK p1 OPEN IF NODE t UNDER 5\n", 15, 24, "expected BELOW or ABOVE" },
    { NET "[CONTROLS]\nLINK p1 OPEN IF NODE t BELOW five\n", 15, 30,
      "expected a number for the level or pressure" },
    { NET "[PIPES]\nq a b 1 1 1 CV\n[CONTROLS]\nLINK q OPEN AT TIME 5\n", 17, 6,
      "it has a check valve" },
    { NET "[VALVES]\nv a b 1 GPV g\n[CONTROLS]\nLINK v 5 AT TIME 5\n", 17, 8,
      "expected OPEN or CLOSED for a GPV" },
    { NET "[RULES]\nRULE\n", 15, 1, "expected RULE and a name" },
    { NET "[RULES]\nIF TANK t LEVEL < 1\n", 15, 1, "IF cannot stand here" },
    { NET "[RULES]\nRULE 1\nWHEN TANK t LEVEL < 1\n", 16, 1, "got 'WHEN'" },
    { NET "[RULES]\nRULE 1\nTHEN LINK p1 STATUS IS OPEN\n", 16, 1, "THEN cannot stand here" },
    { NET "[RULES]\nRULE 1\nIF TANK t LEVEL <\n", 16, 18, "a value is missing" },
    { NET "[RULES]\nRULE 1\nIF TANK t LEVEL\n", 16, 1, "expected IF, AND or OR" },
    { NET "[RULES]\nRULE 1\nIF WELL t LEVEL < 1\n", 16, 4, "expected SYSTEM, NODE" },
    { NET "[RULES]\nRULE 1\nIF TANK z LEVEL < 1\n", 16, 9, "node 'z' is not declared above" },
    { NET "[RULES]\nRULE 1\nIF TANK t COLOUR < 1\n", 16, 11,
      "expected DEMAND, HEAD, LEVEL, PRESSURE, FILLTIME or DRAINTIME, got 'COLOUR'" },
    { NET "[RULES]\nRULE 1\nIF LINK p1 LEVEL < 1\n", 16, 12, "expected FLOW, STATUS or SETTING" },
    { NET "[RULES]\nRULE 1\nIF SYSTEM PRESSURE < 1\n", 16, 11,
      "expected DEMAND, TIME or CLOCKTIME" },
    { NET "[RULES]\nRULE 1\nIF NODE a FILLTIME < 1\n", 16, 9, "FILLTIME is asked of tanks only" },
    { NET "[RULES]\nRULE 1\nIF TANK t LEVEL ~ 1\n", 16, 17, "expected =, <>" },
    { NET "[RULES]\nRULE 1\nIF TANK t LEVEL < low\n", 16, 19, "expected a number for the value" },
    { NET "[RULES]\nRULE 1\nIF TANK t LEVEL IS OPEN\n", 16, 20, "values of STATUS" },
    { NET "[RULES]\nRULE 1\nIF LINK p1 STATUS IS AJAR\n", 16, 22,
      "the status (or OPEN, CLOSED, ACTIVE), got 'AJAR'" },
    { NET "[RULES]\nRULE 1\nIF SYSTEM CLOCKTIME = 25 PM\n", 16, 23, "expected a time" },
    { NET "[RULES]\nRULE 1\nIF SYSTEM TIME > 1\nTHEN LINK p1 STATUS OPEN\n", 17, 1,
      "expected THEN, ELSE or AND" },
    { NET "[RULES]\nRULE 1\nIF SYSTEM TIME > 1\nTHEN LINK q STATUS IS OPEN\n", 17, 11,
      "link 'q' is not declared above" },
    { NET "[RULES]\nRULE 1\nIF SYSTEM TIME > 1\nTHEN LINK p1 STATUS IS AJAR\n", 17, 24,
      "expected a number for the setting (or OPEN, CLOSED)" },
    { NET "[RULES]\nRULE 1\nIF SYSTEM TIME > 1\nTHEN LINK p1 SETTING IS -1\n", 17, 25,
      "must not be negative" },
    { NET "[RULES]\nRULE 1\nIF SYSTEM TIME > 1\nTHEN LINK p1 STATUS IS OPEN\nOR LINK p2 STATUS IS "
          "OPEN\n",
      18, 1, "OR cannot stand here" },
    { NET "[RULES]\nRULE 1\nIF SYSTEM TIME > 1\nTHEN LINK p1 STATUS IS OPEN\nPRIORITY\n", 18, 9,
      "PRIORITY and a number" },
    { NET "[RULES]\nRULE 1\nIF SYSTEM TIME > 1\nTHEN LINK p1 STATUS IS OPEN\nPRIORITY high\n", 18,
      10, "expected a number for the priority" },
    { NET "[RULES]\nRULE 1\nIF SYSTEM TIME > 1\nTHEN LINK p1 STATUS IS OPEN\nPRIORITY 1\nELSE LINK "
          "p1 STATUS IS OPEN\n",
      19, 1, "ELSE cannot stand here" },
    { NET
      "[PIPES]\nq a b 1 1 1 CV\n[RULES]\nRULE 1\nIF SYSTEM TIME > 1\nTHEN LINK q STATUS IS OPEN\n",
      19, 11, "it has a check valve" },
    { NET
      "[VALVES]\nv a b 1 GPV g\n[RULES]\nRULE 1\nIF SYSTEM TIME > 1\nTHEN LINK v SETTING IS 3\n",
      19, 24, "expected OPEN or CLOSED for a GPV" },
    { NET "[OPTIONS]\nUNITS GPS\n", 15, 7, "'GPS' is no unit of flow" },
    { NET "[OPTIONS]\nHEADLOSS X-Y\n", 15, 10, "expected H-W, D-W or C-M" },
    { NET "[OPTIONS]\nPRESSURE ATM\n", 15, 10, "expected PSI, KPA, METERS, BAR, FEET or EXPONENT" },
    { NET "[OPTIONS]\nACURACY 0.1\n", 15, 1,
      "'ACURACY' is no option of EPANET; did you mean 'ACCURACY'?" },
    { NET "[OPTIONS]\nACCURACY high\n", 15, 10, "expected a number for this option" },
    { NET "[OPTIONS]\nACCURACY 0\n", 15, 10, "must be above 0" },
    { NET "[OPTIONS]\nTRIALS -3\n", 15, 8, "must be above 0" },
    { NET "[OPTIONS]\nUNBALANCED MAYBE\n", 15, 12, "expected STOP or CONTINUE" },
    { NET "[OPTIONS]\nUNBALANCED CONTINUE some\n", 15, 21, "expected a number of trials" },
    { NET "[OPTIONS]\nDEMAND MODEL ABC\n", 15, 14, "expected DDA or PDA" },
    { NET "[OPTIONS]\nBACKFLOW ALLOWED PERHAPS\n", 15, 18, "expected YES or NO" },
    { NET "[OPTIONS]\nREQUIRED PRESSURE 0.05\n", 15, 19, "at least 0.1 above the minimum one" },
    { NET "[OPTIONS]\nREQUIRED PRESSURE 10\nMINIMUM PRESSURE 20\n", 16, 18,
      "at least 0.1 below the required one" },
    { NET "[OPTIONS]\nQUALITY TRACE z\n", 15, 15, "node 'z' is not declared above" },
    { NET "[OPTIONS]\nHYDRAULICS KEEP file\n", 15, 12, "expected USE or SAVE" },
    { NET "[TIMES]\nDURATION\n", 15, 9, "what is timed, and a time" },
    { NET "[TIMES]\nDURATION forever\n", 15, 10, "expected a time" },
    { NET "[TIMES]\nDURATION -5\n", 15, 10, "expected a time" },
    { NET "[TIMES]\nDURATION 1:2:3:4\n", 15, 10, "expected a time" },
    { NET "[TIMES]\nDURATION 1e12\n", 15, 10, "a time of more than" },
    { NET "[TIMES]\nLENGTH 5\n", 15, 1, "expected DURATION" },
    { NET "[TIMES]\nPATTERN STEP 5\n", 15, 9, "expected TIMESTEP or START" },
    { NET "[TIMES]\nSTATISTIC MEDIAN\n", 15, 11, "expected NONE, AVERAGE" },
    { NET "[ENERGY]\nGLOBAL PRICE\n", 15, 13, "GLOBAL or PUMP and its name" },
    { NET "[ENERGY]\nLOCAL PRICE 5\n", 15, 1, "expected GLOBAL, PUMP or DEMAND CHARGE" },
    { NET "[ENERGY]\nGLOBAL COLOUR 5\n", 15, 8, "expected PRICE, PATTERN or EFFICIENCY" },
    { NET "[ENERGY]\nGLOBAL PRICE -5\n", 15, 14, "the price must not be negative" },
    { NET "[ENERGY]\nGLOBAL EFFIC 0\n", 15, 14, "the efficiency must be above 0" },
    { NET "[ENERGY]\nGLOBAL PATTERN peak\n", 15, 16, "pattern 'peak' is not declared" },
    { NET "[ENERGY]\nPUMP q PRICE 5\n", 15, 6, "link 'q' is not declared above" },
    { NET "[ENERGY]\nPUMP p1 PRICE 5\n", 15, 6, "'p1' is no pump" },
    { NET "[ENERGY]\nDEMAND CHARGE -1\n", 15, 15, "must not be negative" },
};

static void broken_networks_are_refused_with_their_place(void **state)
{
    (void)state;
    size_t missed = 0;
    for (size_t index = 0; index < sizeof cases / sizeof *cases; index++) {
        gm_model *model = NULL;
        gm_error error = { 0 };
        gm_status status = try_inp(cases[index].text, "{}", &model, &error);
        char place[40] = "net.inp: ";
        if (cases[index].line > 0) {
            snprintf(place, sizeof place, "net.inp:%u:%u: ", cases[index].line,
                     cases[index].column);
        }
        bool fits = status == GM_INVALID && strstr(error.text, place) == error.text &&
                    strstr(error.text, cases[index].word) != NULL;
        if (!fits) {
            print_error("case %zu, expected %s%s, got %s\n", index, place, cases[index].word,
                        error.text);
            missed++;
        }
        gm_model_close(model);
    }
    assert_int_equal(missed, 0);
}

static void a_nul_byte_is_refused_outside_comments(void **state)
{
    (void)state;
    static const char text[] = "[TITLE]\n;\0\n[JUNCTIONS]\na\0b 1\n";
    gm_config file = inp_file(text, sizeof text - 1);
    gm_error error = { 0 };
    water_plan plan;
    gm_water_plan_default(&plan, inp_arena, NULL);
    assert_int_equal(gm_water_inp_read(&file, &plan, &error), GM_INVALID);
    assert_string_equal(error.text,
                        "net.inp:4:2: a byte NUL: expected a text file in EPANET's format");
}

static void neither_a_map_nor_a_list_is_a_network_file(void **state)
{
    (void)state;
    gm_model *model = NULL;
    gm_error error = { 0 };
    assert_int_equal(try_inp(NULL, "{network: x.inp}", &model, &error), GM_INVALID);
    assert_non_null(strstr(error.text, "expected a network file, got a value"));
}

static void limits_are_named(void **state)
{
    (void)state;
    gm_string text = { 0 };
    gm_string_format(&text, "%s[STATUS]\n", NET);
    for (int line = 0; line < 1001; line++) {
        gm_string_format(&text, "p1 p4 Open\n");
    }
    gm_model *model = NULL;
    gm_error error = { 0 };
    assert_int_equal(try_inp(text.data, "{}", &model, &error), GM_INVALID);
    assert_non_null(strstr(error.text, "net.inp:1015:1: more than 1000 ranges"));
    gm_string_free(&text);
    gm_string_format(&text, "%s[RULES]\nRULE 1\nIF SYSTEM TIME > 1\n", NET);
    for (int line = 0; line < WATER_PREMISES_MAX; line++) {
        gm_string_format(&text, "AND SYSTEM TIME > 1\n");
    }
    assert_int_equal(try_inp(text.data, "{}", &model, &error), GM_INVALID);
    assert_non_null(strstr(error.text, "more than 256 premises in one rule"));
    gm_string_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(broken_networks_are_refused_with_their_place),
        cmocka_unit_test(a_nul_byte_is_refused_outside_comments),
        cmocka_unit_test(neither_a_map_nor_a_list_is_a_network_file),
        cmocka_unit_test(limits_are_named),
    };
    return cmocka_run_group_tests(tests, open_inp, close_inp);
}
