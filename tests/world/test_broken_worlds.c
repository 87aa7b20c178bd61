// Broken world files: each is refused with the place where it is broken and a word that says what
// is wrong.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "world/world_fixture.h"
#include "world/world_units.h"
#include "world/yaml.h"

#define HEAD                                                                                       \
    "world: w\nsystems: {box: {model: thermal, nodes: {air: {capacity: 690 J/K}, room: {fixed: "   \
    "true}}, paths: {air-room: {conductance: 0.7 W/K}}}}\n"
#define TANKS "world: w\nsystems: {a: {model: tank}, b: {model: tank}}\n"

static const memory_file files[] = {
    { "good.csv", "id,level\na,1 m\nb,2 kg\n" },
    { "twice.csv", "id\na\na\n" },
    { "empty.csv", "" },
    { "ragged.csv", "id,level\na,1\nb\n" },
    { "binary.csv", "id,level\na,\377\n" },
    { "quote.csv", "id,level\n\"a,1\n" },
    { "blank.csv", "id,level\n,1\n" },
    { 0 },
};

static const struct {
    const char *text;
    unsigned line, column;
    const char *word;
} cases[] = {
    { "", 1, 1, "nothing" },
    { "\n\n# only a comment\n", 1, 1, "nothing" },
    { "world: [a, b\n", 2, 1, "YAML" },
    { "world: w\nworld: v\nsystems: {box: {model: thermal, nodes: {ai"
      "r: {capacity: 690 J/K}, room: {fixed: true}}, paths: {air-ro"
      "om: {conductance: 0.7 W/K}}}}\n",
      2, 1, "twice" },
    { "world: w\nsystems: {box: {model: tank}, box: {model: tank}}\n", 2, 31, "twice" },
    { "world: &a w\nsystems: {box: {model: thermal, nodes: {air: {ca"
      "pacity: 690 J/K}, room: {fixed: true}}, paths: {air-room: {c"
      "onductance: 0.7 W/K}}}}\n",
      1, 8, "anchor" },
    { "world: w\nsystems: *b\n", 2, 10, "alias" },
    { "world: w\nrecord: {a: *x}\n", 2, 13, "alias" },
    { "world: !!str w\nsystems: {box: {model: thermal, nodes: {air: "
      "{capacity: 690 J/K}, room: {fixed: true}}, paths: {air-room:"
      " {conductance: 0.7 W/K}}}}\n",
      1, 8, "tag" },
    { "world: !x {a: b}\n", 1, 8, "tag" },
    { "world: ! [a]\n", 1, 8, "tag" },
    { HEAD "--- \nworld: v\n", 3, 1, "second document" },
    { "world: w\n? [a, b]\n: c\n", 2, 3, "key" },
    { "world: w\n? {a: b}\n: c\n", 2, 3, "key" },
    { "world: w\n: c\n", 2, 1, "key" },
    { "world: w\n\011cycle: 1 s\n", 2, 1, "YAML" },
    { "world: w\n  cycle: 1 s\n", 2, 8, "YAML" },
    { "world: \"\\q\"\n", 1, 9, "YAML" },
    { "world: w\001\n", 1, 9, "YAML" },
    { "world: w\nabout: 'it\377'\n", 2, 11, "UTF-8" },
    { "world: w\nabout: \303\251\303(\n", 2, 9, "UTF-8" },
    { "- a\n- b\n", 1, 1, "map" },
    { "world\n", 1, 1, "map" },
    { "42\n", 1, 1, "map" },
    { "{{{\n", 1, 2, "key" },
    { "world: {a: b]\n", 1, 13, "YAML" },
    { "{}\n", 1, 1, "world" },
    { "systems: {box: {model: thermal, nodes: {air: {capacity: 690 "
      "J/K}, room: {fixed: true}}, paths: {air-room: {conductance: "
      "0.7 W/K}}}}\n",
      1, 1, "world" },
    { "world: w\n", 1, 1, "systems" },
    { "world: \nsystems: {box: {model: thermal, nodes: {air: {capaci"
      "ty: 690 J/K}, room: {fixed: true}}, paths: {air-room: {condu"
      "ctance: 0.7 W/K}}}}\n",
      1, 7, "text" },
    { "world: [a]\nsystems: {box: {model: thermal, nodes: {air: {cap"
      "acity: 690 J/K}, room: {fixed: true}}, paths: {air-room: {co"
      "nductance: 0.7 W/K}}}}\n",
      1, 8, "text" },
    { "world: {a: b}\nsystems: {box: {model: thermal, nodes: {air: {"
      "capacity: 690 J/K}, room: {fixed: true}}, paths: {air-room: "
      "{conductance: 0.7 W/K}}}}\n",
      1, 8, "text" },
    { HEAD "sensor: {}\n", 3, 1, "did you mean 'sensors'?" },
    { HEAD "cicle: 3 s\n", 3, 1, "did you mean 'cycle'?" },
    { HEAD "quux: 1\n", 3, 1, "expected one of" },
    { HEAD "cycle: 3 m\n", 3, 8, "m" },
    { HEAD "cycle: 3 sec s\n", 3, 8, "sec" },
    { HEAD "cycle: 0 s\n", 3, 8, "above zero" },
    { HEAD "cycle: -1 s\n", 3, 8, "above zero" },
    { HEAD "cycle: fast\n", 3, 8, "duration" },
    { HEAD "cycle: [1 s]\n", 3, 8, "list" },
    { HEAD "cycle: 1e300 s\n", 3, 8, "292 years" },
    { HEAD "cycle: nan s\n", 3, 8, "duration" },
    { HEAD "late budget: 0 %\n", 3, 14, "above zero" },
    { HEAD "late budget: 130 %\n", 3, 14, "at most 100 %" },
    { HEAD "late budget: 3 s\n", 3, 14, "s" },
    { HEAD "late budged: 3 %\n", 3, 1, "did you mean 'late budget'?" },
    { HEAD "lanes: 0\n", 3, 8, "1 to" },
    { HEAD "lanes: -3\n", 3, 8, "1 to" },
    { HEAD "lanes: 1.5\n", 3, 8, "whole" },
    { HEAD "lanes: many\n", 3, 8, "whole" },
    { HEAD "lanes: 99999999\n", 3, 8, "range" },
    { HEAD "lanes: 99999999999999999999999\n", 3, 8, "whole" },
    { HEAD "seed: -1\n", 3, 7, "range" },
    { HEAD "zone: Europe/Berlon\n", 3, 7, "zone" },
    { HEAD "zone: ../../etc/passwd\n", 3, 7, "zone" },
    { HEAD "start: yesterday\n", 3, 8, "2026" },
    { HEAD "start: 2026-02-30\n", 3, 8, "2026" },
    { HEAD "lateness: -1 s\n", 3, 11, "lateness" },
    { HEAD "about: {a: 1}\n", 3, 8, "text" },
    { "world: w\nsystems: [a]\n", 2, 10, "map of systems" },
    { "world: w\nsystems: {}\n", 2, 10, "1 to" },
    { "world: w\nsystems: \n", 2, 9, "map of systems" },
    { "world: w\nsystems: {a: tank}\n", 2, 14, "model" },
    { "world: w\nsystems: {a: {}}\n", 2, 14, "model" },
    { "world: w\nsystems: {a: {model: tnak}}\n", 2, 22, "did you mean 'tank'?" },
    { "world: w\nsystems: {a: {model: thermall}}\n", 2, 22, "did you mean 'thermal'?" },
    { "world: w\nsystems: {a: {model: [tank]}}\n", 2, 22, "text" },
    { "world: w\nsystems: {a/b: {model: tank}}\n", 2, 11, "name" },
    { "world: w\nsystems: {\"a b\": {model: tank}}\n", 2, 11, "name" },
    { "world: w\nsystems: {\"*\": {model: tank}}\n", 2, 11, "name" },
    { "world: w\nsystems: {xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
      "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
      "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
      "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
      "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
      "xxxxxxxxxxxxxxxxxxx: {model: tank}}\n",
      2, 11, "255" },
    { "world: w\nsystems: {a: {model: tank, levl: 1 m}}\n", 2, 28, "did you mean 'level'?" },
    { "world: w\nsystems: {a: {model: tank, level: 1 kg}}\n", 2, 35, "kg" },
    { "world: w\nsystems: {a: {model: tank, level: 1 metre per}}\n", 2, 35, "metre per" },
    { "world: w\nsystems: {a: {model: tank, level: high}}\n", 2, 35, "number" },
    { "world: w\nsystems: {a: {model: tank, level: {}}}\n", 2, 35, "number" },
    { "world: w\nsystems: {b: {model: thermal, nodes: {air: {capacity: -690 J/K}}}}\n", 2, 55,
      "capacity" },
    { "world: w\nsystems: {b: {model: thermal, nodes: {air: {capacity: 0}}}}\n", 2, 55,
      "out of range" },
    { "world: w\nsystems: {b: {model: thermal, nodes: {air: {capacity: 1e999 J/K}}}}\n", 2, 55,
      "capacity" },
    { "world: w\nsystems: {b: {model: thermal, nodes: {air: {}}}}\n", 2, 44, "capacity" },
    { "world: w\nsystems: {b: {model: thermal, nodes: {air: {capacity: 690 W/K}}}}\n", 2, 55,
      "W/K" },
    { "world: w\nsystems: {b: {model: thermal, nodes: {air: {capacit"
      "y: 690 mmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmm"
      "mmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmm"
      "mmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmm"
      "mmmmmmmmmmmmmmmmmmmmmmmmmmm}}}}\n",
      2, 55, "shorter" },
    { "world: w\nsystems: {b: {model: thermal, nodes: {air: {capacit"
      "y: 1}, air: {capacity: 1}}}}\n",
      2, 59, "twice" },
    { "world: w\nsystems: {b: {model: thermal, nodes: {air: {capacit"
      "y: 1}}, paths: {air-rom: {conductance: 1}}}}\n",
      2, 68, "unknown node" },
    { "world: w\nsystems: {b: {model: thermal}}\n", 2, 14, "nodes" },
    { "world: w\nsystems: {b: {model: thermal, nodes: [air]}}\n", 2, 38, "map of nodes" },
    { "world: w\nsystems: {a: {model: tank, integrator: {metod: rk4}}}\n", 2, 41,
      "did you mean 'method'?" },
    { "world: w\nsystems: {a: {model: tank, integrator: {method: euler}}}\n", 2, 49, "rk4" },
    { TANKS "links: [a]\n", 3, 8, "map" },
    { TANKS "links: {a/inflow2: b/drain}\n", 3, 9, "inflow" },
    { TANKS "links: {c/inflow: b/drain}\n", 3, 9, "system" },
    { TANKS "links: {a/inflow: b/drian}\n", 3, 19, "did you mean 'drain'?" },
    { TANKS "links: {a/inflow: b}\n", 3, 19, "address" },
    { TANKS "links: {a/inflow: b//drain}\n", 3, 19, "address" },
    { TANKS "links: {a/inflow: \"*/drain\"}\n", 3, 19, "2 values" },
    { TANKS "links: {a/level: b/level}\n", 3, 9, "input" },
    { TANKS "links: {a/drain: b/drain}\n", 3, 9, "input" },
    { TANKS "links: {a/inflow: b/level}\n", 3, 9, "m" },
    { TANKS "links: {a/inflow: {from: b/drain, delay: true}}\n", 3, 35,
      "expected one of from, delayed" },
    { TANKS "links: {a/inflow: {from: b/drain, delayed: yes}}\n", 3, 44, "true or false" },
    { TANKS "links: {a/inflow: {delayed: true}}\n", 3, 19, "from" },
    { TANKS "links: {a/inflow: {from: b/drain, scale: 2 m}}\n", 3, 42, "m" },
    { TANKS "links: {a/inflow: {from: b/drain, offset: 2 kg}}\n", 3, 43, "kg" },
    { TANKS "links:\n  a/inflow: b/drain\n  b/inflow: a/drain\n", 5, 3, "loop" },
    { TANKS "links: {a/inflow: a/drain}\n", 3, 9, "loop" },
    { TANKS "links: {a/inflow: b/drain}\ndrivers:\n  a/inflow: hold\n", 5, 3, "fed twice" },
    { HEAD "profiles: [p]\n", 3, 11, "map" },
    { HEAD "profiles: {p: {}}\n", 3, 15, "day" },
    { HEAD "profiles: {p: {unit: wat, day: {\"00:00\": 1}}}\n", 3, 22, "wat" },
    { HEAD "profiles: {p: {unit: W, day: {}}}\n", 3, 30, "times" },
    { HEAD "profiles: {p: {unit: W, day: {\"25:00\": 1}}}\n", 3, 31, "time of day" },
    { HEAD "profiles: {p: {unit: W, day: {6: 1}}}\n", 3, 31, "time of day" },
    { HEAD "profiles: {p: {unit: W, day: {\"06:00\": 1, \"05:00\": 1}}}\n", 3, 43, "later" },
    { HEAD "profiles: {p: {unit: W, day: {\"06:00\": 1 m}}}\n", 3, 40, "m" },
    { HEAD "profiles: {p: {unit: W, weekday: {\"00:00\": 1}}}\n", 3, 15, "day" },
    { HEAD "profiles: {p: {unit: W, daily: {\"00:00\": 1}}}\n", 3, 25, "daily" },
    { HEAD "profiles: {p: {unit: W, interpolate: cubic, day: {\"00:00\": 1}}}\n", 3, 38, "step" },
    { HEAD "profiles: {p: {unit: W, day: {\"00:00\": 1}, holidays: [2026-12-25]}}\n", 3, 15,
      "holiday" },
    { HEAD "profiles: {p: {unit: W, day: {\"00:00\": 1}, holiday: {\"00:00\""
           ": 1}, holidays: [christmas]}}\n",
      3, 78, "date" },
    { HEAD "profiles: {p: {unit: W, zone: Mars/Olympus, day: {\"00:00\": 1}}}\n", 3, 31, "Mars" },
    { HEAD "sensors: [t]\n", 3, 10, "map" },
    { HEAD "sensors: {t: {}}\n", 3, 14, "field" },
    { HEAD "sensors: {t: {field: box/air/temprature, noise: 1 K}}\n", 3, 22,
      "did you mean 'temperature'?" },
    { HEAD "sensors: {t: {field: box/aer/temperature, noise: 1 K}}\n", 3, 22,
      "did you mean 'air'?" },
    { HEAD "sensors: {t: {field: bax/air/temperature, noise: 1 K}}\n", 3, 22,
      "did you mean 'box'?" },
    { HEAD "sensors: {t: {field: box/nude/air/temperature, noise: 1 K}}\n", 3, 22,
      "did you mean 'node'?" },
    { HEAD "sensors: {t: {field: box/*/temperature, noise: 1 K}}\n", 3, 22, "2 values" },
    { HEAD "sensors: {t: {field: box/air/temperature}}\n", 3, 14, "noise" },
    { HEAD "sensors: {t: {field: box/air/temperature, noise: 0 K}}\n", 3, 50, "above zero" },
    { HEAD "sensors: {t: {field: box/air/temperature, noise: -1 K}}\n", 3, 50, "above zero" },
    { HEAD "sensors: {t: {field: box/air/temperature, noise: 1 W}}\n", 3, 50, "W" },
    { HEAD "sensors: {t: {field: box/air/temperature, noise: 1 K, unit: degX}}\n", 3, 61, "degX" },
    { HEAD "sensors: {t: {field: box/air/temperature, noise: 1 K, unit: Pa}}\n", 3, 61, "Pa" },
    { HEAD "sensors: {t: {field: box/air/temperature, noise: 1 K, from: htpp}}\n", 3, 61,
      "did you mean 'http'?" },
    { HEAD "sensors: {t: {field: box/air/temperature, noise: 1 K, range: [1]}}\n", 3, 62,
      "[min, max]" },
    { HEAD "sensors: {t: {field: box/air/temperature, noise: 1 K, range: [5, 1]}}\n", 3, 62,
      "below" },
    { HEAD "sensors: {t: {field: box/air/temperature, noise: 1 K, range: 5}}\n", 3, 62, "list" },
    { HEAD "sensors: {t: {field: box/air/temperature, noise: 1 K, every: 0 s}}\n", 3, 62,
      "above zero" },
    { HEAD "sensors: {t: {field: box/air/temperature, noise: 1 K, every: 3 K}}\n", 3, 62, "K" },
    { HEAD "sensors: {t: {field: box/air/temperature, noise: 1 K, columns: []}}\n", 3, 64,
      "columns" },
    { HEAD "sensors: {t: {field: box/air/temperature, noise: 1 K, columns: [{}]}}\n", 3, 65,
      "text" },
    { HEAD "sensors: {t: {field: box/air/temperature, noise: 1 K, ahead: hold}}\n", 3, 55,
      "input" },
    { HEAD "sensors: {t: {field: box/air/temperature, noise: 1 K, nois: 1 K}}\n", 3, 55,
      "did you mean 'noise'?" },
    { HEAD "sensors: {t: {field: box/air/power, unit: W, scale: 125 W}}\n", 3, 53, "leave out" },
    { HEAD "sensors: {t: {field: box/air/power, scale: 125 K}}\n", 3, 44, "K" },
    { HEAD "sensors: {t: {field: box/air/power, scale: 0}}\n", 3, 44, "zero" },
    { HEAD "sensors: {t: {field: box/air/power, ahead: hodl}}\n", 3, 44, "did you mean 'hold'?" },
    { HEAD "sensors: {t: {field: box/air/power, ahead: {profile: p}}}\n", 3, 54, "profile" },
    { HEAD "profiles: {p: {unit: W, day: {\"00:00\": 1}}, deg: {unit: degC"
           ", day: {\"00:00\": 1}}}\nsensors: {t: {field: box/air/power, ah"
           "ead: {profile: deg}}}\n",
      4, 54, "degC" },
    { HEAD "sensors: {t: {field: box/air/power, ahead: {stochastic: {spread: 1 W}}}}\n", 3, 57,
      "time" },
    { HEAD "sensors: {t: {field: box/air/power, ahead: {stochastic: {spr"
           "ead: 20 %, time: 1 min}}}}\n",
      3, 66, "W" },
    { HEAD "sensors: {t: {field: box/air/power, ahead: {}}}\n", 3, 44, "one of" },
    { HEAD "sensors:\n  t: {field: box/air/power}\n  u: {field: box/air/power}\n", 5, 3,
      "fed twice" },
    { HEAD "sensors: {\"t 2\": {field: box/air/power}}\n", 3, 11, "name" },
    { HEAD "drivers: hold\n", 3, 10, "map" },
    { HEAD "drivers: {box/air/temperature: hold}\n", 3, 11, "input" },
    { HEAD "drivers: {\"box/*/conductance\": hold}\n", 3, 11, "no input" },
    { HEAD "drivers: {box/air/power: known}\n", 3, 26, "sensor" },
    { HEAD "drivers: {box/air/power: {profile: q}}\n", 3, 36, "profile" },
    { HEAD "profiles: {p: {unit: W, day: {\"00:00\": 1}}, deg: {unit: degC"
           ", day: {\"00:00\": 1}}}\ndrivers: {box/air/power: {past: {profi"
           "le: p}, profile: p}}\n",
      4, 47, "profile" },
    { HEAD "estimate: [a]\n", 3, 11, "map" },
    { HEAD "estimate: {state: [a]}\n", 3, 12, "did you mean 'states'?" },
    { HEAD "estimate: {states: [box/room/temperature]}\n", 3, 21, "state" },
    { HEAD "estimate: {states: [box/air/capacity]}\n", 3, 21, "state" },
    { HEAD "estimate: {states: [box/*/conductance]}\n", 3, 21, "no state" },
    { HEAD "estimate: {parameters: {box/air/temperature: {spread: 1 K}}}\n", 3, 25, "parameter" },
    { HEAD "estimate: {parameters: {box/air/capacity: {}}}\n", 3, 43, "spread" },
    { HEAD "estimate: {parameters: {box/air/capacity: 20 %}}\n", 3, 43, "map" },
    { HEAD "estimate: {parameters: {box/air/capacity: {spread: -5 %}}}\n", 3, 52, "zero or more" },
    { HEAD "estimate: {parameters: {box/air/capacity: {spread: 5 W}}}\n", 3, 52, "W" },
    { HEAD "estimate: {parameters: {box/air/capacity: {spread: 5 %, within: 9}}}\n", 3, 65,
      "list" },
    { HEAD "estimate: {parameters: {box/air/capacity: {spread: 5 %, within: [9]}}}\n", 3, 65,
      "1 values" },
    { HEAD "estimate: {parameters: {box/air/capacity: {spread: 5 %, within: [1 W, 2]}}}\n", 3, 66,
      "W" },
    { HEAD "estimate: {parameters: {box/air/capacity: {spread: 5 %, within: [1, 2]}}}\n", 3, 65,
      "not between" },
    { HEAD "estimate: {parameters: {box/air/capacity: {spread: 5 %, drift: 5 %}}}\n", 3, 64,
      "/day" },
    { HEAD "estimate: {parameters: {box/air/capacity: {spread: 5 %, drift: 5 %/K}}}\n", 3, 64,
      "K" },
    { HEAD "estimate: {inflation: 0.5}\n", 3, 23, "out of range" },
    { HEAD "estimate: {inflation: adapted}\n", 3, 23, "number" },
    { TANKS "links: {b/inflow: a/drain}\nestimate: {filter: {a: local, b: serial}}\n", 4, 34,
      "share one filter" },
    { HEAD "estimate: {noise: learnt}\n", 3, 19, "did you mean 'learned'?" },
    { HEAD "estimate: {filter: locl}\n", 3, 20, "did you mean 'local'?" },
    { HEAD "estimate: {filter: [local]}\n", 3, 20, "a list" },
    { HEAD "estimate: {filter: {bix: local}}\n", 3, 21, "did you mean 'box'?" },
    { HEAD "estimate: {filter: {box: lokal}}\n", 3, 26, "did you mean 'local'?" },
    { HEAD "estimate: {filter: {kind: local, radios: 3 m}}\n", 3, 34, "did you mean 'radius'?" },
    { HEAD "estimate: {filter: {kind: local, radius: 3 K}}\n", 3, 42, "K" },
    { HEAD "estimate: {filter: {kind: local, radius: 3 m, hops: 2}}\n", 3, 47, "already" },
    { HEAD "estimate: {filter: {kind: local, jitter: 1}}\n", 3, 34, "particles" },
    { HEAD "estimate: {filter: {box: {kind: serial, hops: 1}}}\n", 3, 41, "local" },
    { HEAD "estimate: {filter: {box: {radius: 3 m}}}\n", 3, 26, "kind" },
    { HEAD "estimate: {parameters: {box/air/capacity: {spread: 5 %, floor: 1 J/K}}}\n", 3, 64,
      "percent" },
    { HEAD "estimate: {states: {box/air/temperature: {floor: -1 K}}}\n", 3, 50, "zero or more" },
    { HEAD "estimate: {states: {box/air/temperature: {floor: 1 %}}}\n", 3, 50, "unit" },
    { HEAD "record: {box/*/temperature: 3 K}\n", 3, 29, "K" },
    { HEAD "record: {box/*/humidity: 3 s}\n", 3, 10, "humidity" },
    { HEAD "record: [box/air/temperature]\n", 3, 9, "map" },
    { HEAD "forecast: {every: 1 min, at: [1 min]}\n", 3, 11, "fields" },
    { HEAD "forecast: {fields: [box/air/temperature]}\n", 3, 11, "at" },
    { HEAD "forecast: {fields: [], at: [1 min]}\n", 3, 20, "address" },
    { HEAD "forecast: {fields: [box/air/temperature], at: []}\n", 3, 47, "durations" },
    { HEAD "forecast: {fields: [box/air/temperature], at: [-1 min]}\n", 3, 48, "above zero" },
    { HEAD "forecast: {fields: [box/air], at: [1 min]}\n", 3, 21, "air" },
    { HEAD "replay: {}\n", 3, 9, "time" },
    { HEAD "replay: {time: {column: t, unit: h}}\n", 3, 34, "iso" },
    { HEAD "replay: {time: {column: t, unit: s}, separator: \"|\"}\n", 3, 49, "offered" },
    { HEAD "scenarios: {x: {set: {}}}\n", 3, 16, "for" },
    { HEAD "scenarios: {x: go}\n", 3, 16, "map" },
    { HEAD "scenarios: {x: {for: 1 h, set: {box/air/tempeature: 300 K}}}\n", 3, 33,
      "did you mean 'temperature'?" },
    { HEAD "scenarios: {x: {for: 1 h, set: {box/air/temperature: 300 W}}}\n", 3, 54, "W" },
    { HEAD "scenarios: {x: {for: 1 h, set: {box/air/temperature: -5 K}}}\n", 3, 54,
      "out of range" },
    { HEAD "scenarios: {x: {for: 1 h, set: {box/air-room/flow: 3 W}}}\n", 3, 33, "output" },
    { HEAD "scenarios: {x: {for: 1 h, set: {box/air/power: {at: 1 min}}}}\n", 3, 48, "trip" },
    { HEAD "scenarios: {x: {for: 1 h, set: {box/air/power: {to: 1 W, times: 2}}}}\n", 3, 58,
      "one of" },
    { HEAD "scenarios: {x: {for: 1 h, set: {box/air/power: {at: -1 min, to: 1 W}}}}\n", 3, 53,
      "before" },
    { HEAD "scenarios: {x: {for: 1 h, set: {box/air/power: {at: 2 h, to: 1 W}}}}\n", 3, 48, "end" },
    { HEAD "scenarios: {x: {for: 1 h, set: {box/air/power: {untl: 2 h, to: 1 W}}}}\n", 3, 49,
      "untl" },
    { HEAD "scenarios: {x: {for: 1 h, set: {box/air/power: {ramp: {to: 1 W}}}}}\n", 3, 55, "over" },
    { HEAD "scenarios: {x: {for: 1 h, set: {box/air/power: {ramp: {to: 1"
           " W, over: 5 min}, for: 1 min}}}}\n",
      3, 84, "shorter" },
    { HEAD "scenarios: {x: {for: 1 h, set: {box/air/power: {trip: false}}}}\n", 3, 55, "true" },
    { HEAD "scenarios: {x: {for: 1 h, set: {box/air/capacity: {trip: true}}}}\n", 3, 58, "zero" },
    { HEAD "scenarios: {x: {for: 1 h, set: {box/air/power: []}}}\n", 3, 48, "none" },
    { HEAD "scenarios: {x: {for: 1 h, set: {box/air/power: {to: 1 W, every: 1 min}}}}\n", 3, 48,
      "for" },
    { HEAD "scenarios: {x: {for: 1 h, set: {box/air/power: {to: 1 W, eve"
           "ry: 1 min, for: 2 min}}}}\n",
      3, 65, "longer" },
    { "world: w\nsystems: {each: good.csv, a: {model: tank, level: $level}}\n", 2, 51, "$level" },
    { "world: w\nsystems: {a: {each: missing.csv, model: tank}}\n", 2, 21, "missing.csv" },
    { "world: w\nsystems: {each: [a], a: {model: tank}}\n", 2, 17, "text" },
    { "world: w\nsystems: {each: good.csv, $idd: {model: tank}}\n", 2, 27, "did you mean 'id'?" },
    { "world: w\nsystems: {each: good.csv, $id: {model: \"$\"}}\n", 2, 40, "$$" },
    { "world: w\nsystems: {each: good.csv, $id: {model: tank, level: \"${id\"}}\n", 2, 53, "$$" },
};

static const struct {
    const char *text, *place, *word;
} table_cases[] = {
    { "world: w\nsystems: {each: twice.csv, $id: {model: tank}}\n", "twice.csv:3:1", "twice" },
    { "world: w\nsystems: {each: empty.csv, $id: {model: tank}}\n", "empty.csv", "empty" },
    { "world: w\nsystems: {each: ragged.csv, $id: {model: tank}}\n", "ragged.csv:3", "cells" },
    { "world: w\nsystems: {each: binary.csv, $id: {model: tank}}\n", "binary.csv:2", "UTF-8" },
    { "world: w\nsystems: {each: good.csv, $id: {model: tank, level: $level}}\n", "good.csv:3:3",
      "kg" },
    { "world: w\nsystems: {each: good.csv, $id: {model: $level}}\n", "good.csv:2:3", "1 m" },
    { "world: w\nsystems: {each: quote.csv, $id: {model: tank}}\n", "quote.csv:2", "quote" },
    { "world: w\nsystems: {each: blank.csv, $id: {model: tank}}\n", "blank.csv:2", "empty name" },
};

// Complaints about a refused world; NULL when it was refused as expected.
static const char *check(const char *bytes, size_t size, const char *place, const char *word,
                         gm_error *error)
{
    gm_world *world = NULL;
    *error = (gm_error){ 0 };
    gm_status status = read_world_bytes(units, bytes, size, files, &world, error);
    if (status == GM_OK) {
        gm_world_close(world);
        return "was not refused";
    }
    if (world != NULL || error->status != status) {
        return "left something behind";
    }
    if (strncmp(error->text, place, strlen(place)) != 0) {
        return "names another place";
    }
    return strstr(error->text, word) != NULL ? NULL : "lacks the word";
}

static void every_broken_world_names_its_place(void **state)
{
    (void)state;
    size_t count = sizeof cases / sizeof *cases, wrong = 0;
    assert_true(count >= 100);
    for (size_t index = 0; index < count; index++) {
        char place[64];
        gm_error error;
        snprintf(place, sizeof place, "w.yaml:%u:%u: ", cases[index].line, cases[index].column);
        const char *text = cases[index].text;
        const char *complaint = check(text, strlen(text), place, cases[index].word, &error);
        if (complaint != NULL) {
            wrong++;
            print_error("%s\n  %s: expected %s... %s\n  got %s\n\n", text, complaint, place,
                        cases[index].word, error.text);
        }
    }
    assert_int_equal(wrong, 0);
}

static void errors_in_tables_point_into_them(void **state)
{
    (void)state;
    size_t wrong = 0;
    for (size_t index = 0; index < sizeof table_cases / sizeof *table_cases; index++) {
        gm_error error;
        const char *text = table_cases[index].text;
        const char *complaint =
            check(text, strlen(text), table_cases[index].place, table_cases[index].word, &error);
        if (complaint != NULL) {
            wrong++;
            print_error("%s  %s: expected %s... %s\n  got %s\n\n", text, complaint,
                        table_cases[index].place, table_cases[index].word, error.text);
        }
    }
    assert_int_equal(wrong, 0);
}

// `count` times `piece` between two ends; the caller's.
static char *repeated(const char *before, const char *piece, size_t count, const char *after)
{
    size_t size = strlen(piece), at = strlen(before);
    char *text = malloc(at + size * count + strlen(after) + 1);
    assert_non_null(text);
    memcpy(text, before, at);
    for (size_t index = 0; index < count; index++, at += size) {
        memcpy(text + at, piece, size);
    }
    memcpy(text + at, after, strlen(after) + 1);
    return text;
}

static void refuse(char *text, size_t size, const char *place, const char *word)
{
    gm_error error;
    const char *complaint = check(text, size, place, word, &error);
    free(text);
    if (complaint != NULL) {
        fail_msg("%s: expected %s... %s, got %s", complaint, place, word, error.text);
    }
}

static void refuse_text(char *text, const char *place, const char *word)
{
    refuse(text, strlen(text), place, word);
}

static void long_lines_are_told_shortly(void **state)
{
    (void)state;
    refuse_text(repeated("world: w\ncycle: ", "x", 1000000, "\n"), "w.yaml:2:8: ", "duration");
    refuse_text(repeated("world: w\n", "x", 1000000, ": 1\n"), "w.yaml:", "YAML");
    refuse_text(repeated("world: ", "w", 1000000, "\n"), "w.yaml:1:8: ", "255");
    refuse_text(repeated("world: w\ncycle: ", "9", 1000000, " s\n"), "w.yaml:2:8: ", "duration");
    refuse_text(repeated("", "y", 1000000, ""), "w.yaml:1:1: ", "map");
    refuse_text(repeated("world: w\n\"", "k", 1000000, "\": 1\n"), "w.yaml:", "YAML");
    refuse_text(repeated("world: w\n? \"", "k", 1000000, "\"\n: 1\n"), "w.yaml:2:3: ", "key");
}

static void deep_nesting_ends_at_its_limit(void **state)
{
    (void)state;
    refuse_text(repeated("world: ", "[", 1000000, ""), "w.yaml:1:71: ", "deeper than 64");
    refuse_text(repeated("world: ", "{a: ", 100000, ""), "w.yaml:1:260: ", "deeper than 64");
    refuse_text(repeated("", "- ", 100000, ""), "w.yaml:1:129: ", "deeper than 64");
    refuse_text(repeated("", "? ", 100000, ""), "w.yaml:1:3: ", "key");
}

static void alias_bombs_do_not_go_off(void **state)
{
    (void)state;
    char *text = repeated("", "", 0,
                          "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
                          "b: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]\n"
                          "c: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b, *b]\n");
    refuse_text(text, "w.yaml:1:4: ", "anchor");
    refuse_text(repeated("", "", 0, "a: [*a, *a]\n"), "w.yaml:1:5: ", "alias");
    refuse_text(repeated("", "", 0, "<<: *a\n"), "w.yaml:1:5: ", "alias");
}

static void bytes_that_are_no_text_are_refused(void **state)
{
    (void)state;
    refuse(repeated("world: w", "_", 1, "\n"), 0, "w.yaml:1:1: ", "nothing");
    char *nul = repeated("world: w\nabout: x", "_", 1, "\n");
    nul[17] = '\0';
    refuse(nul, 19, "w.yaml:2:9: ", "0x00");
    refuse_text(repeated("\177ELF\002\001\001\003", "\200", 1000, ""), "w.yaml:1:9: ", "UTF-8");
    refuse_text(repeated("\376\377", "w", 10, ""), "w.yaml:1:1: ", "UTF-8");
    refuse_text(repeated("\337", "", 0, ""), "w.yaml:1:1: ", "UTF-8");
    char *random = repeated("", "_", 4096, "");
    uint32_t seed = 7;
    for (size_t index = 0; index < 4096; index++) {
        seed = seed * 1664525 + 1013904223;
        random[index] = (char)(seed >> 24);
    }
    refuse(random, 4096, "w.yaml:1:", "UTF-8");
}

static void many_values_end_at_their_limit(void **state)
{
    (void)state;
    refuse_text(repeated("[", "0,", GM_YAML_NODES_MAX + 1, "]"), "w.yaml:1:", "more than 5000000");
    static char rows[9 + 2 * 40000];
    memcpy(rows, "id\n", 3);
    for (size_t at = 3; at + 2 < sizeof rows; at += 2) { // the last byte stays NUL
        rows[at] = 'a';
        rows[at + 1] = '\n';
    }
    const memory_file bomb[] = { { "rows.csv", rows }, { 0 } };
    const char *text = "world: w\n"
                       "a: {each: rows.csv, b: {each: rows.csv, c: {each: rows.csv, d: 1}}}\n";
    gm_world *world = NULL;
    gm_error error = { 0 };
    assert_int_not_equal(read_world_bytes(units, text, strlen(text), bomb, &world, &error), GM_OK);
}

static void every_prefix_is_refused_or_read(void **state)
{
    (void)state;
    const char *text =
        HEAD "sensors: {t: {field: box/air/temperature, noise: 1 K, unit: degC}}\n"
             "scenarios: {x: {for: 1 h, set: {box/air/power: {at: 1 min, to: 1 W}}}}\n";
    for (size_t size = 0; size <= strlen(text); size++) {
        gm_world *world = NULL;
        gm_error error = { 0 };
        gm_status status = read_world_bytes(units, text, size, NULL, &world, &error);
        assert_true((status == GM_OK) == (world != NULL));
        assert_true((status == GM_OK) == (error.text[0] == '\0'));
        gm_world_close(world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_broken_world_names_its_place),
        cmocka_unit_test(errors_in_tables_point_into_them),
        cmocka_unit_test(long_lines_are_told_shortly),
        cmocka_unit_test(deep_nesting_ends_at_its_limit),
        cmocka_unit_test(alias_bombs_do_not_go_off),
        cmocka_unit_test(bytes_that_are_no_text_are_refused),
        cmocka_unit_test(many_values_end_at_their_limit),
        cmocka_unit_test(every_prefix_is_refused_or_read),
    };
    return cmocka_run_group_tests(tests, read_units, close_units);
}
