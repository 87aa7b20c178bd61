// The heated box behind the stand-in: heater and air as two nodes, a thermostat, a lid that opens now and then, and an
// "estimate" that is the truth with a plausible error. It imitates what a twin publishes, not how it finds it.

const cycle_s = 3;
const lanes = 64;
const past_s = 2400; // already there at the start
const most_kept = 20_000;
const kelvin = 273.15;
const truth = { capacity_heater: 250, capacity_air: 690, heater_air: 0.9, air_room: 0.7, power: 18.7 };
const air = 'box/node/air/temperature';
const heater = 'box/node/heater/temperature';
const room = 'box/node/room/temperature';
const power = 'box/node/heater/power';
const loss = 'box/path/air-room/conductance';
const extra = 'box/node/air/power'; // unknown
const hypotheses = ['as known', 'drifting', 'unknown input'];
const lid_every_s = 1500;
const lid_open_s = 150;

/** The same draws on every run: a test that fails must fail again. */
function generator(seed) {
    let state = seed;
    const uniform = () => {
        state = (state * 1664525 + 1013904223) >>> 0;
        return (state + 0.5) / 4294967296;
    };
    return () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
}

function move(state, p, roomK, watts, span_s) {
    const flow = p.heater_air * (state.heater - state.air);
    state.heater += (span_s * (watts - flow)) / p.capacity_heater;
    state.air += (span_s * (flow - p.air_room * (state.air - roomK))) / p.capacity_air;
}

const quantiles = (mean, spread) => ({ mean, spread, q05: mean - 1.645 * spread, q25: mean - 0.674 * spread, q50: mean,
    q75: mean + 0.674 * spread, q95: mean + 1.645 * spread });

function bands(rows) {
    const sorted = rows.map((row) => [...row].sort((a, b) => a - b));
    const at = (share) => sorted.map((row) => row[Math.round(share * (row.length - 1))]);
    return { mean: rows.map((row) => row.reduce((sum, x) => sum + x, 0) / row.length), q05: at(0.05), q95: at(0.95) };
}

const seconds = (text) => {
    const [, count, unit] = /^\+?\s*([\d.]+)\s*(s|min|h|d)$/.exec(text) ?? [];
    return Number(count) * { s: 1, min: 60, h: 3600, d: 86400 }[unit];
};

const scenarios = [
    { name: 'lid-open', about: 'the lid is taken off', horizon_s: 1800, set: { [loss]: { at: '+5 min', times: 4 } } },
    { name: 'heater-fails', about: 'the heater gives no more heat', horizon_s: 1800, set: { [power]: { at: '+1 min', to: 0 } } },
];

export function makeBox(speed) {
    const normal = generator(7);
    const start = Math.floor(Date.now() / 1000 / cycle_s) * cycle_s - past_s;
    const state = { heater: 300, air: 297 };
    const record = []; // one row a cycle: time, values, measurements
    const events = [];
    let forecast = null;
    let cycle = 0;
    let on = true;
    let error = 0;
    let openEvent = null;
    let doubt = 0.05;

    const iso = (time) => new Date(time * 1000).toISOString();
    const last = () => record[record.length - 1];
    const now = () => last()?.time ?? start;
    const roomAt = (time) => kelvin + 21 + 0.6 * Math.sin(time / 2000);

    function advance() {
        const time = start + cycle * cycle_s;
        const since = cycle * cycle_s;
        const open = since > 600 && since % lid_every_s < lid_open_s;
        const roomK = roomAt(time);
        on = state.air > kelvin + 36 ? false : state.air < kelvin + 34 ? true : on;
        move(state, { ...truth, air_room: truth.air_room * (open ? 4 : 1) }, roomK, on ? truth.power : 0, cycle_s);
        error = 0.97 * error + 0.012 * normal();
        const learned = Math.exp(-since / 1500);
        const spread = 0.03 + 0.15 * Math.exp(-since / 120) + (open ? 0.04 : 0);
        const estimate = {
            [air]: quantiles(state.air + error + (open ? 0.15 : 0), spread),
            [heater]: quantiles(state.heater + 4 * error, 4 * spread),
            [room]: quantiles(roomK, 0.02),
            [power]: quantiles(on ? truth.power : 0, 0),
            [extra]: quantiles(0.4 * Math.sin(since / 200) - (open ? 9 : 0), 0.5 + (open ? 1 : 0)),
            [loss]: quantiles(0.7 + 0.12 * learned + 0.004 * Math.sin(since / 300), 0.018 + 0.12 * learned),
        };
        const measured = { t2: state.air + 0.1 * normal(), room: roomK + 0.1 * normal(), heat: on ? truth.power : 0 };
        // what is not as known weighs more the longer the lid is open, and less again when it is closed
        doubt = open ? Math.min(0.97, doubt + 0.08) : Math.max(0.05, doubt - 0.03);
        record.push({ time, estimate, measured, doubt });
        if (record.length > most_kept) {
            record.shift();
        }
        cycle++;
        return { time, open };
    }

    function watch(time, open) {
        const told = [];
        if (open && openEvent === null) {
            openEvent = {
                id: events.length + 1, kind: 'innovation', subject: 't2', start: iso(time), end: null, size: -1.2, unit: 'K',
                text: 't2 reads 1.2 K below what the box should show: heat is lost that the model does not know of.',
            };
            events.unshift(openEvent);
            told.push({ type: 'event', event: openEvent });
        } else if (!open && openEvent !== null) {
            openEvent.end = iso(time);
            told.push({ type: 'event', event: openEvent });
            openEvent = null;
        }
        return told;
    }

    /** Every lane ahead from now, with its own parameters; `changes` is a what-if. */
    function run(horizon_s, points, changes) {
        const draw = generator(11); // common random numbers: both futures have the same lanes
        const times = Array.from({ length: points }, (_, at) => (horizon_s * at) / Math.max(1, points - 1));
        const rows = { [air]: times.map(() => []), [heater]: times.map(() => []) };
        const { estimate } = last();
        for (let lane = 0; lane < lanes; lane++) {
            const lost = estimate[loss].mean + estimate[loss].spread * draw();
            const own = { air: estimate[air].mean + estimate[air].spread * draw(), heater: estimate[heater].mean };
            let warm = on;
            let time = 0;
            times.forEach((until, at) => {
                for (; time < until; time += cycle_s) {
                    warm = own.air > kelvin + 36 ? false : own.air < kelvin + 34 ? true : warm;
                    const p = { ...truth, air_room: lost };
                    const inputs = { [power]: warm ? truth.power : 0, [loss]: p.air_room };
                    for (const [address, change] of Object.entries(changes)) {
                        const from = seconds(change.at ?? '0 s');
                        const to = change.for === undefined ? Infinity : from + seconds(change.for);
                        if (time >= from && time < to) {
                            inputs[address] = change.times !== undefined ? inputs[address] * change.times
                                : change.add !== undefined ? inputs[address] + change.add : change.to;
                        }
                    }
                    move(own, { ...p, air_room: inputs[loss] }, roomAt(now() + time), inputs[power], cycle_s);
                }
                rows[air][at].push(own.air);
                rows[heater][at].push(own.heater);
            });
        }
        return { times, rows };
    }

    function issue() {
        const leads = [60, 600, 1800];
        const { times, rows } = run(1800, 31, {});
        const values = rows[air];
        const row = (lead_s) => {
            const at = times.indexOf(lead_s);
            const { mean, q05, q95 } = bands([values[at]]);
            return { time: iso(now() + lead_s), lead_s, mean: mean[0], spread: (q95[0] - q05[0]) / 3.29, q05: q05[0],
                q25: 0.6 * mean[0] + 0.4 * q05[0], q50: mean[0], q75: 0.6 * mean[0] + 0.4 * q95[0], q95: q95[0] };
        };
        forecast = { issued: iso(now()), field: air, unit: 'K', rows: leads.map(row) };
        return { type: 'forecast', forecast };
    }

    const unitOf = (address) => (address === power || address === extra ? 'W' : address === loss ? 'W/K' : 'K');
    const sensorOf = { t2: air, room, heat: power };
    const biasOf = (name) => (name === 't2' ? { bias: 0.04, bias_spread: 0.015 } : {});
    const weights = (share) => [1 - share, 0.2 * share, 0.8 * share];
    const believed = () => ({
        names: hypotheses,
        groups: [{ systems: ['box'], weights: weights(doubt) }],
        forecasts: forecast === null ? [] : [{ field: air, leads: [60, 600, 1800].map((lead_s, at) => (
            { lead_s, weights: weights([0.9, 0.3, 0.02][at]) })) }],
    });

    const box = {
        iso,
        now,
        start,
        cycle: () => cycle,
        period_ms: Math.max(100, (cycle_s * 1000) / speed),
        step() {
            const { time, open } = advance();
            const { estimate, measured } = last();
            const brief = (address) => ({ address, unit: unitOf(address), ...estimate[address] });
            const messages = [{
                type: 'cycle', time: iso(time), cycle, lanes_left: lanes,
                values: [air, heater, room].map(brief),
                sensors: Object.entries(measured).map(([name, value]) => ({
                    name, time: iso(time), value, estimate: estimate[sensorOf[name]].mean,
                    innovation: name === 't2' ? value - estimate[air].mean : null, ...biasOf(name),
                })),
                parameters: [{ ...brief(loss), kind: 'parameter' }, { ...brief(extra), kind: 'input' }],
                hypotheses: believed(),
            }];
            messages.push(...watch(time, open));
            if (cycle % 20 === 0) {
                messages.push(issue());
            }
            return messages;
        },
        world: () => ({
            name: 'incubator', about: 'A heated box that follows its sensors', cycle_s, lanes, lanes_left: lanes,
            time: iso(now()), mode: 'live', systems: ['box'], groups: [['box']],
            scenarios: scenarios.map(({ name, about, horizon_s }) => ({ name, about, horizon_s })),
            forecast: { fields: [air], leads_s: [60, 600, 1800], every_s: 60 },
            sensors: Object.keys(sensorOf), branches: ['live'], version: 'stand-in',
        }),
        systems: () => [{
            name: 'box', domain: 'thermal', summary: 'Lumped thermal network', group: 'box', classes: [
                { name: 'node', doc: 'something that holds heat', count: 3, population: false, shape: null, fields: [
                    { name: 'temperature', unit: 'K', role: 'state' }, { name: 'power', unit: 'W', role: 'input' },
                    { name: 'capacity', unit: 'J/K', role: 'parameter' }] },
                { name: 'path', doc: 'a way heat takes', count: 2, population: false, shape: null, fields: [
                    { name: 'conductance', unit: 'W/K', role: 'parameter' }] },
            ],
        }],
        values: () => {
            const fixed = (address, unit, role, mean) => ({ address, unit, role, ...quantiles(mean, 0) });
            const { estimate } = last();
            const known = (address, role) => ({ address, unit: unitOf(address), role, ...estimate[address] });
            return [
                known(heater, 'state'), known(air, 'state'), known(room, 'input'), known(power, 'input'), known(extra, 'input'),
                fixed('box/node/heater/capacity', 'J/K', 'parameter', 250), fixed('box/node/air/capacity', 'J/K', 'parameter', 690),
                fixed('box/path/heater-air/conductance', 'W/K', 'parameter', 0.9), known(loss, 'parameter'),
            ];
        },
        sensors: () => Object.entries(sensorOf).map(([name, address]) => {
            const { time, measured, estimate } = last();
            return {
                name, address, unit: unitOf(address), kind: name === 't2' ? 'observation' : 'driver',
                noise: name === 'heat' ? null : 0.1, every_s: cycle_s, accepted: cycle, rejected: 0,
                bias: null, bias_spread: null, ...biasOf(name),
                last: { time: iso(time), value: measured[name], estimate: estimate[address].mean,
                    spread: estimate[address].spread, innovation: name === 't2' ? measured[name] - estimate[address].mean : null,
                    quality: 'good' },
            };
        }),
        parameters: () => [
            { address: loss, unit: 'W/K', kind: 'parameter', initial: 0.82, initial_spread: 0.14, ...last().estimate[loss] },
            { address: extra, unit: 'W', kind: 'input', initial: 0, initial_spread: null, ...last().estimate[extra] },
        ],
        hypotheses: believed,
        events: () => events,
        forecasts: () => (forecast === null ? [] : [forecast]),
        scores: () => [60, 600, 1800].map((horizon_s, at) => ({
            field: air, horizon_s, count: Math.max(0, Math.floor((cycle * cycle_s - horizon_s) / 60)),
            rmse: [0.06, 0.17, 0.31][at], bias: 0.01, persistence_rmse: [0.21, 0.98, 1.84][at],
            crps: [0.03, 0.1, 0.18][at], crps_fair: [0.03, 0.1, 0.18][at], coverage50: [0.52, 0.49, 0.46][at], coverage90: [0.92, 0.9, 0.87][at],
            width50: [0.05, 0.2, 0.4][at], width90: [0.12, 0.5, 1][at],
            raw_crps: [0.03, 0.1, 0.2][at], raw_coverage50: [0.52, 0.45, 0.4][at], raw_coverage90: [0.92, 0.85, 0.8][at],
        })),
        history: (address, sensor, from) => {
            const rows = record.filter(({ time }) => !(time < from));
            if (sensor !== null) {
                return sensorOf[sensor] === undefined ? null : { address: sensorOf[sensor], unit: unitOf(sensorOf[sensor]),
                    columns: ['time', 'value', 'quality'], rows: rows.map(({ time, measured }) => [iso(time), measured[sensor], 'good']) };
            }
            return last().estimate[address] === undefined ? null : { address, unit: unitOf(address), columns: ['time', 'mean', 'spread'],
                rows: rows.map(({ time, estimate }) => [iso(time), estimate[address].mean, estimate[address].spread]) };
        },
        /** What is kept beside that: of something learned, or without an address the weights. */
        keeps: (address, from) => {
            const rows = record.filter(({ time }) => !(time < from) && time % 12 === 0);
            const summary = ['mean', 'spread', 'q05', 'q25', 'q50', 'q75', 'q95'];
            return address === null
                ? { address: 'box', unit: '1', columns: ['time', ...hypotheses], recorded: true,
                    rows: rows.map(({ time, doubt: then }) => [iso(time), ...weights(then)]) }
                : { address, unit: unitOf(address), columns: ['time', ...summary], recorded: true,
                    rows: rows.map(({ time, estimate }) => [iso(time), ...summary.map((name) => estimate[address][name])]) };
        },
        ask: ({ name = null, set, for: span, fields = [air], points = 120 }) => {
            const known = scenarios.find((scenario) => scenario.name === name);
            if (name !== null && known === undefined) {
                return null;
            }
            const horizon_s = known?.horizon_s ?? seconds(span);
            const base = run(horizon_s, points, {});
            const other = run(horizon_s, points, known?.set ?? set);
            return { name, from: iso(now()), horizon_s, fields: fields.filter((field) => base.rows[field]).map((address) => ({
                address, unit: 'K', times_s: base.times, base: bands(base.rows[address]), what_if: bands(other.rows[address]),
                difference: bands(base.rows[address].map((row, at) => row.map((x, lane) => other.rows[address][at][lane] - x))),
            })) };
        },
    };
    for (let at = 0; at < past_s / cycle_s; at++) {
        box.step();
    }
    return box;
}
