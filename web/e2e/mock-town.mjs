// The town behind the stand-in: a network of pipes on streets that are not quite straight, fed from a source and a tank,
// made anew from the same draws each time. Flows follow head linearly, which no pipe does; the page cannot tell.

const cycle_s = 10;
const lanes = 64;
const kept = 400;
const gravity = 9810; // Pa for a metre of water

function generator(seed) {
    let state = seed;
    return () => {
        state = (state * 1664525 + 1013904223) >>> 0;
        return (state + 0.5) / 4294967296;
    };
}

const normal = (uniform) => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());

const field = (name, unit, role, doc = '') => ({ name, unit, role, type: 'f64', min: 0, max: 1e9, doc });

const node_fields = [
    field('head', 'm', 'output'), field('pressure', 'Pa', 'output', 'over the ground'), field('demand', 'm3/s', 'input'),
    field('elevation', 'm', 'parameter'),
];
const link_fields = [
    field('flow', 'm3/s', 'output', 'from first to last'), field('velocity', 'm/s', 'output'), field('status', '1', 'input'),
];
const classes = [
    { name: 'junction', doc: 'where pipes meet', shape: 'point', fields: node_fields },
    { name: 'reservoir', doc: 'a source of fixed head', shape: 'point', fields: node_fields.slice(0, 2) },
    { name: 'tank', doc: 'water stored high', shape: 'point', fields: [...node_fields.slice(0, 2), field('level', 'm', 'state')] },
    { name: 'pipe', doc: 'a pipe', shape: 'line', fields: [...link_fields, field('roughness', '1', 'parameter'),
        field('leak_area', 'm2', 'parameter', 'of all holes'), field('diameter', 'm', 'parameter')] },
    { name: 'pump', doc: 'lifts water', shape: 'line', fields: link_fields },
];

/** Streets: a jittered grid, some of its edges left out, one corner cut off. */
function layOut(columns, rows) {
    const uniform = generator(42);
    const nodes = [];
    const links = [];
    const at = new Map();
    for (let row = 0; row < rows; row++) {
        for (let column = 0; column < columns; column++) {
            if (column + row < 2 || column + (rows - 1 - row) < 1) {
                continue;
            }
            at.set(`${column} ${row}`, nodes.length);
            const [x, y] = [100 * column + 44 * (uniform() - 0.5), 90 * row + 40 * (uniform() - 0.5)];
            nodes.push({ kind: 'junction', name: `J${nodes.length + 1}`, x, y, elevation: 20 + 9 * Math.sin(x / 250) + 6 * Math.cos(y / 200),
                demand: 0.0004 + 0.0012 * uniform() });
        }
    }
    const join = (kind, name, from, to, conductance) => {
        const [a, b] = [nodes[from], nodes[to]];
        const bend = kind === 'pipe' && uniform() < 0.25
            ? [[(a.x + b.x) / 2 + 24 * (uniform() - 0.5), (a.y + b.y) / 2 + 24 * (uniform() - 0.5), 0]] : [];
        links.push({ kind, name, from, to, conductance, points: [[a.x, a.y, 0], ...bend, [b.x, b.y, 0]],
            open: 1, roughness: 90 + 50 * uniform(), diameter: 0.1 + 0.2 * uniform() });
    };
    for (const [key, from] of at) {
        const [column, row] = key.split(' ').map(Number);
        for (const to of [at.get(`${column + 1} ${row}`), at.get(`${column} ${row + 1}`)]) {
            if (to !== undefined && uniform() < 0.86) {
                join('pipe', `P${links.length + 1}`, from, to, 0.0016 * (0.5 + uniform()));
            }
        }
    }
    const beside = (kind, name, near, dx, dy, head) => {
        nodes.push({ kind, name, x: nodes[near].x + dx, y: nodes[near].y + dy, elevation: head - 4, head });
        return nodes.length - 1;
    };
    const first = 0;
    const last = [...at.values()].pop();
    join('pump', 'PU1', beside('reservoir', 'R1', first, -90, -40, 78), first, 0.02);
    join('pipe', 'PT1', beside('tank', 'T1', last, 70, 60, 74), last, 0.01);
    links[Math.floor(links.length / 2)].open = 0;
    return { nodes, links };
}

/** Heads at which what flows in is what is drawn; conjugate gradients. */
function solve({ nodes, links }, drawn) {
    const fixed = (node) => nodes[node].head !== undefined;
    const heads = nodes.map(({ head }) => head ?? 76);
    const apply = (x) => {
        const out = new Float64Array(nodes.length);
        for (const { from, to, conductance, open } of links) {
            const flow = conductance * (open || 1e-6) * (x[from] - x[to]);
            out[from] += flow;
            out[to] -= flow;
        }
        return out.map((value, node) => (fixed(node) ? 0 : value + 1e-9 * x[node]));
    };
    const dot = (a, b) => a.reduce((sum, value, at) => sum + value * b[at], 0);
    const lifted = apply(heads);
    let rest = Float64Array.from(nodes, (_, node) => (fixed(node) ? 0 : -drawn[node] - lifted[node]));
    let way = rest.slice();
    let size = dot(rest, rest);
    for (let pass = 0; pass < 600 && size > 1e-16; pass++) {
        const pushed = apply(way);
        const step = size / dot(way, pushed);
        way.forEach((value, node) => (heads[node] += step * value));
        rest = rest.map((value, node) => value - step * pushed[node]);
        const next = dot(rest, rest);
        way = way.map((value, node) => rest[node] + (next / size) * value);
        size = next;
    }
    return heads;
}

const quantiles = (mean, spread) => ({ mean, spread, q05: mean - 1.645 * spread, q25: mean - 0.674 * spread, q50: mean,
    q75: mean + 0.674 * spread, q95: mean + 1.645 * spread });

const seconds = (text) => {
    const [, count, unit] = /^\+?\s*([\d.]+)\s*(s|min|h|d)$/.exec(text) ?? [];
    return Number(count) * { s: 1, min: 60, h: 3600, d: 86400 }[unit];
};

class Refusal extends Error {
    status = 400;
}

/** @param columns, rows  streets each way: 8 by 8 make about 60 junctions */
export function makeTown(speed, { columns = 8, rows = 8 } = {}) {
    const net = layOut(columns, rows);
    const { nodes, links } = net;
    const uniform = generator(5);
    const demands = nodes.map(({ demand = 0 }) => (demand * 60) / nodes.length);
    const calm = solve(net, demands);
    const start = Math.floor(Date.now() / 1000 / cycle_s) * cycle_s - cycle_s * 60;
    const junctions = nodes.filter(({ kind }) => kind === 'junction');
    const measured = junctions.filter((_, at) => at % Math.ceil(junctions.length / 9) === 3);
    const metered = links[7];
    const record = [];
    let cycle = 0;
    let rate = 1;
    let event = null;

    const now = () => start + cycle * cycle_s;
    const iso = (time) => new Date(time * 1000).toISOString();
    const headAt = (node, drawn = rate) => (nodes[node].head ?? 78 - (78 - calm[node]) * drawn);
    const pressureAt = (node, drawn) => Math.max(0, headAt(node, drawn) - nodes[node].elevation) * gravity;
    const away = nodes.map((one) => Math.min(...measured.map((other) => Math.hypot(one.x - other.x, one.y - other.y))));
    const spreadAt = (node) => nodes[node].head === undefined ? 600 + 22 * away[node] : 0;
    const flowOf = ({ from, to, conductance, open }, drawn = rate) => conductance * open * (headAt(from, drawn) - headAt(to, drawn));

    const readers = {
        head: (one, at) => [headAt(at), spreadAt(at) / gravity], pressure: (one, at) => [pressureAt(at), spreadAt(at)],
        demand: (one) => [one.demand * rate, 0.1 * one.demand], elevation: (one) => [one.elevation, 0],
        level: (one) => [one.head - one.elevation, 0.01], flow: (one) => [flowOf(one), 0.04 * Math.abs(flowOf(one)) + 1e-5],
        velocity: (one) => [Math.abs(flowOf(one)) / 0.03, 0.01], status: (one) => [one.open, 0],
        roughness: (one) => [one.roughness, 6], leak_area: () => [0, 0], diameter: (one) => [one.diameter, 0],
    };
    const all = new Map(classes.map(({ name }) => [name, []]));
    nodes.forEach((one, at) => all.get(one.kind).push({ one, at, points: [[one.x, one.y, one.elevation]] }));
    links.forEach((one, at) => all.get(one.kind).push({ one, at, points: one.points }));

    function valuesOf(pattern) {
        const [system, kind, element, wanted] = pattern.split('/');
        const matches = (part, name) => part === '*' || part === name || (part.endsWith('*') && name.startsWith(part.slice(0, -1)));
        const found = [];
        for (const { name, fields } of classes.filter((one) => matches(system, 'town') && matches(kind, one.name))) {
            const shown = fields.filter((one) => matches(wanted, one.name));
            for (const { one, at } of all.get(name).filter((each) => matches(element, each.one.name))) {
                for (const { name: own, unit, role } of shown) {
                    found.push({ address: `town/${name}/${one.name}/${own}`, unit, role, ...quantiles(...readers[own](one, at)) });
                }
            }
        }
        return found;
    }

    /** What one more draw at a link's ends does to every head, per m3/s. */
    function response(link) {
        const more = nodes.map((_, node) => (node === link.from || node === link.to ? 0.5 : 0));
        const flat = { nodes: nodes.map((one) => ({ ...one, head: one.head === undefined ? undefined : 0 })), links };
        return solve(flat, more);
    }

    function effectOf(set) {
        const [address, change] = Object.entries(set)[0];
        const [, kind, name, wanted] = address.split('/');
        const link = links.find((one) => one.kind === kind && one.name === name);
        if (link === undefined || !['leak_area', 'status'].includes(wanted)) {
            throw new Refusal(`1:9: '${address}' matches nothing that can be set`);
        }
        const [, amount, unit] = /^(-?[\d.]+)\s*(\S*)$/.exec(String(change.add ?? change.to)) ?? [];
        if (wanted === 'leak_area' && (unit !== 'cm2' || !(Number(amount) > 0))) {
            throw new Refusal(`1:40: '${change.add}' is out of range: expected at least 0 m2`);
        }
        const flow = wanted === 'leak_area' ? 0.7 * Number(amount) * 1e-4 * Math.sqrt(19.6 * 50) : Math.abs(flowOf(link));
        return { heads: response(link), flow, link };
    }

    function ask({ set, for: span, fields = [], points = 120 }) {
        const { heads, flow, link } = effectOf(set);
        const horizon_s = seconds(span);
        const times_s = Array.from({ length: points + 1 }, (_, at) => (horizon_s * at) / points);
        const wanted = fields.flatMap(valuesOf).filter(({ role }) => role === 'output' || role === 'state');
        const number = new Map([...nodes, ...links].map((one, at) => [`${one.kind}/${one.name}`, at]));
        const outcomes = wanted.map(({ address, unit, mean, spread }) => {
            const [, kind, name, own] = address.split('/');
            const at = number.get(`${kind}/${name}`);
            const scale = own === 'pressure' ? gravity : own === 'head' ? 1 : 0;
            const shift = scale > 0 ? 0.05 * heads[at] * flow * scale : kind === link.kind && name === link.name ? flow : 0;
            const grown = times_s.map((time) => shift * (time === 0 ? 0 : 1 - 0.5 * Math.exp(-time / 1200)));
            const band = (means, spreads) => ({ mean: means, q05: means.map((one, k) => one - 1.645 * spreads[k]), q95: means.map((one, k) => one + 1.645 * spreads[k]) });
            const base = times_s.map((time) => mean * (1 + 0.01 * Math.sin(time / 2000)));
            const wide = times_s.map((time) => spread * (1 + time / 7200));
            return { address, unit, times_s, base: band(base, wide), what_if: band(base.map((one, k) => one + grown[k]), wide),
                difference: band(grown, grown.map((one) => 0.08 * Math.abs(one))) };
        });
        return { name: null, from: iso(now()), horizon_s, fields: outcomes };
    }

    const sensors = [
        ...measured.map((one) => ({ name: `p-${one.name}`, address: `town/junction/${one.name}/pressure`, unit: 'Pa', noise: 800 })),
        { name: `q-${metered.name}`, address: `town/pipe/${metered.name}/flow`, unit: 'm3/s', noise: 1e-4 },
    ];
    const reading = ({ address, noise }) => {
        const [{ mean, spread }] = valuesOf(address);
        const value = mean + noise * normal(uniform);
        return { time: iso(now()), value, estimate: mean, spread, innovation: value - mean, quality: 'good' };
    };
    const recorded = sensors.map(({ address }) => address);

    const town = {
        iso,
        now,
        start,
        cycle: () => cycle,
        period_ms: Math.max(200, (cycle_s * 1000) / speed),
        step() {
            cycle++;
            rate = 1 + 0.25 * Math.sin(now() / 900);
            const values = recorded.map((address) => valuesOf(address)[0]);
            record.push({ time: now(), values: new Map(values.map((value) => [value.address, value])) });
            record.splice(0, record.length - kept);
            const told = [{ type: 'cycle', time: iso(now()), cycle, lanes_left: lanes,
                values: values.map(({ role: _role, ...value }) => value),
                sensors: sensors.map((sensor) => ({ name: sensor.name, ...reading(sensor) })), parameters: [] }];
            if (cycle === 61) {
                event = { id: 1, kind: 'innovation', subject: sensors[4].name, start: iso(now()), end: null, size: -9000, unit: 'Pa',
                    text: `${sensors[4].name} reads 9 kPa below what the network should show.` };
                told.push({ type: 'event', event });
            }
            return told;
        },
        world: () => ({
            name: 'town', about: 'A network of pipes that follows its gauges', cycle_s, lanes, lanes_left: lanes, time: iso(now()),
            mode: 'live', systems: ['town'], groups: [['town']], scenarios: [], sensors: sensors.map(({ name }) => name),
            forecast: { fields: [recorded[0]], leads_s: [600], every_s: 60 }, branches: ['live'], version: 'stand-in',
        }),
        systems: () => [{ name: 'town', domain: 'water', summary: 'A water network', group: 0,
            classes: classes.map((kind) => ({ ...kind, population: false, count: all.get(kind.name).length })) }],
        elements: (system, kind, offset, limit) => {
            const list = all.get(kind) ?? [];
            return { total: list.length, elements: list.slice(offset, offset + limit).map(({ one, points }, index) => ({
                class: kind, name: one.name, index: offset + index, points, roles: {} })) };
        },
        values: (pattern) => valuesOf(pattern),
        sensors: () => sensors.map((sensor) => ({ kind: 'observation', every_s: cycle_s, accepted: cycle, rejected: 0, ...sensor, last: reading(sensor) })),
        parameters: () => [],
        events: () => (event === null ? [] : [event]),
        suspects: (id) => String(id) !== '1' || event === null ? null : { event: 1, evaluated: iso(now()), samples: 64,
            none: 0.01, suspects: links.slice(10, 22).map(({ name }, at) => ({ address: `town/pipe/${name}/leak_area`, probability: 0.41 * 0.6 ** at,
                size: 0.0018, unit: 'm2', since: event.start })).concat({ address: null, sensor: sensors[4].name,
                probability: 0.002, size: -9000, unit: 'Pa', since: event.start }) },
        forecasts: () => [],
        scores: () => [],
        history: (address, sensor, from) => {
            const wanted = sensor === null ? address : sensors.find(({ name }) => name === sensor)?.address;
            if (!recorded.includes(wanted)) {
                return null;
            }
            const rows = record.filter(({ time }) => !(time < from)).map(({ time, values }) => [time, values.get(wanted)]);
            return { address: wanted, unit: rows[0]?.[1].unit ?? '1', columns: ['time', 'mean', 'spread'],
                rows: rows.map(([time, { mean, spread }]) => [iso(time), mean, sensor === null ? spread : 'good']) };
        },
        ask,
    };
    for (let at = 0; at < 60; at++) {
        town.step();
    }
    return town;
}
