// Units, numbers and sentences, without a browser.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

async function load(name) {
    const { outputFiles } = await build({
        entryPoints: [fileURLToPath(new URL(`../src/${name}.ts`, import.meta.url))],
        bundle: true,
        write: false,
        format: 'esm',
    });
    return import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString('base64')}`);
}

const { displayOf, asDifference, convert, toSi } = await load('units');
const text = await load('format');
const { answer } = await load('answer');
const { sharesOf, trustedAt, verdictOf, weightText } = await load('hypotheses');
const { judge, normalised } = await load('innovations');
const { accusationOf } = await load('suspects');
const { behind, extendTrace, openGaps, traceOf } = await load('traces');
const { skillOf } = await load('skill');

test('kelvin_is_shown_as_degrees_and_its_differences_are_not_shifted', () => {
    const display = displayOf('K', 300, false);
    assert.equal(display.unit, '°C');
    assert.ok(Math.abs(convert(300, display) - 26.85) < 1e-9);
    assert.equal(convert(1.5, asDifference(display)), 1.5);
    assert.equal(displayOf('K', 300, true).unit, 'K');
});

test('what_is_typed_comes_back_in_si', () => {
    for (const [unit, size] of [['K', 300], ['Pa', 2e5], ['m3/s', 0.01], ['W', 5e4], ['W/K', 0.7]]) {
        const display = displayOf(unit, size, false);
        assert.ok(Math.abs(toSi(convert(size, display), display) / size - 1) < 1e-12, unit);
    }
});

test('size_chooses_the_unit', () => {
    assert.equal(displayOf('Pa', 2e5, false).unit, 'kPa');
    assert.equal(displayOf('Pa', 3e6, false).unit, 'bar');
    assert.equal(displayOf('m3/s', 0.01, false).unit, 'L/s');
    assert.equal(displayOf('kg m-2 s-1', 1, false).unit, 'kg m⁻² s⁻¹');
});

test('a_number_has_the_digits_its_spread_gives_meaning_to', () => {
    assert.equal(text.numberText(26.93321, 0.12), '26.93');
    assert.equal(text.numberText(-0.5, 0.1), '−0.50');
    assert.equal(text.numberText(-0.0001, 0.1), '0.00');
    assert.equal(text.numberText(1234567, 0.001), '1234567');
    assert.equal(text.numberText(1.5e-7), '1.500×10⁻⁷');
    assert.equal(text.numberText(null), '–');
    assert.equal(text.numberText(Number.NaN), '–');
    assert.equal(text.spreadText(0.03), '0.030');
});

test('a_left_out_class_names_the_same_field', () => {
    assert.ok(text.sameField('box/air/temperature', 'box/node/air/temperature'));
    assert.ok(!text.sameField('box/air/temperature', 'box/node/heater/temperature'));
    assert.ok(!text.sameField('box/a/air/temperature', 'box/b/air/temperature'));
});

test('durations_are_short', () => {
    assert.deepEqual([0.5, 3, 90, 1800, 7200, 1e6].map(text.durationText), ['0.5 s', '3 s', '1.5 min', '30 min', '2 h', '12 d']);
});

const outcome = (mean, q05, q95) => ({
    address: 'box/node/air/temperature',
    unit: 'K',
    times_s: [0, 900, 1800],
    difference: { mean, q05, q95 },
});

test('an_answer_says_how_much_and_how_sure', () => {
    const display = displayOf('K', 300, false);
    assert.equal(
        answer(outcome([0, -2, -4.2], [0, -2.3, -4.6], [0, -1.8, -3.9]), display),
        'air temperature is 4.20 °C lower after 30 min (90 %: 3.90 to 4.60).',
    );
    assert.match(answer(outcome([0, 0, 0], [0, 0, 0], [0, 0, 0]), display), /is the same after 30 min/);
    assert.match(answer(outcome([0, 0.1, 0.1], [0, -1, -1], [0, 1, 1]), display), /not clearly different/);
    assert.match(
        answer(outcome([0, 3, 1], [0, 2.5, 0.5], [0, 3.5, 1.5]), display),
        /higher after 30 min .* At most it is 3\.00 °C higher, after 15 min\./,
    );
});

const score = (changes) => ({
    field: 'box/air/temperature', horizon_s: 600, count: 400, rmse: 0.2, bias: 0, persistence_rmse: 0.8, crps: 0.09,
    crps_fair: 0.09, coverage50: 0.5, coverage90: 0.9, width50: 0.2, width90: 0.5, raw_crps: 0.1, raw_coverage50: 0.3,
    raw_coverage90: 0.6, ...changes,
});

test('skill_is_the_part_of_the_rivals_error_that_is_avoided', () => {
    const { gain, worse, repaired } = skillOf(score({}));
    assert.ok(Math.abs(gain - 0.75) < 1e-12);
    assert.ok(Math.abs(repaired - 0.1) < 1e-12);
    assert.equal(worse, false);
    assert.equal(skillOf(score({ rmse: 0.9 })).worse, true);
    assert.equal(skillOf(score({ rmse: 0.9, count: 3 })).worse, false);
    assert.equal(skillOf(score({ persistence_rmse: null })).gain, null);
});

test('a_band_is_off_when_chance_cannot_explain_it', () => {
    const off = (changes) => skillOf(score(changes)).bands.map((band) => band.off);
    assert.deepEqual(off({}), [false, false]);
    assert.deepEqual(off({ coverage50: 0.35, coverage90: 0.99 }), [true, true]);
    assert.deepEqual(off({ coverage50: 0.35, coverage90: 0.75, count: 8 }), [false, false]);
    assert.deepEqual(off({ coverage50: null, coverage90: null }), [false, false]);
});

const three = ['as known', 'drifting', 'unknown input'];

test('the_verdict_names_what_is_believed_and_says_when_nothing_is_decided', () => {
    assert.equal(verdictOf(three, [0.01, 0.02, 0.97]), 'An unknown input explains best what is measured (97 %).');
    assert.equal(verdictOf(three, [1, 0, 0]), 'The model as it is known explains best what is measured (100 %).');
    assert.equal(verdictOf(three, [0.45, 0.05, 0.5]),
        'Not decided: an unknown input (50 %) or the model as it is known (45 %).');
    assert.equal(verdictOf(['another', 'as known'], [0.9, 0.1]), 'Another explains best what is measured (90 %).');
    assert.equal(verdictOf(['as known'], [1]), '');
});

test('nearly_all_is_not_all_and_nearly_nothing_is_something', () => {
    assert.deepEqual([1, 0.9999, 0.97, 0.5, 0.0001, 0].map(weightText), ['100 %', '> 99 %', '97 %', '50 %', '< 1 %', '0 %']);
    assert.deepEqual(sharesOf(three, [0.2, null, 0.8]).map(({ index }) => index), [2, 0, 1]);
});

test('a_lead_trusts_somebody_only_where_there_is_a_choice', () => {
    const forecasts = [{ field: 'a', leads: [{ lead_s: 60, weights: [0.1, 0.2, 0.7] }] }];
    assert.equal(trustedAt({ names: three, groups: [], forecasts }, 'a', 60)[0].name, 'unknown input');
    assert.deepEqual(trustedAt({ names: three, groups: [], forecasts }, 'a', 600), []);
    assert.deepEqual(trustedAt({ names: ['as known'], groups: [], forecasts }, 'a', 60), []);
    assert.deepEqual(trustedAt(null, 'a', 60), []);
});

test('innovations_are_divided_by_what_was_expected_of_them', () => {
    const trace = { time: [1, 2, 3, 4], columns: [[1, -3, 2, null], [0.5, 1, null, 1]] };
    assert.deepEqual(normalised(trace), [2, -3, null, null]);
    assert.equal(judge([1, 2, 3]), null);
    const found = judge([...Array(19).fill(1), -3]);
    assert.equal(found.outside, 0.05);
    assert.equal(found.mean, 0.8);
});

test('a_trace_keeps_what_is_new_and_forgets_the_oldest', () => {
    for (let time = 0; time < 5000; time++) {
        extendTrace('long', time, [time, -time]);
        extendTrace('long', time, [0, 0]); // told twice
    }
    const { time, columns } = traceOf('long', 2);
    assert.ok(time.length <= 4000 && time.length > 3000);
    assert.equal(time[time.length - 1], 4999);
    assert.deepEqual(columns.map((column) => column[column.length - 1]), [4999, -4999]);
    assert.equal(columns[0].length, time.length);
    extendTrace('long', null, [1, 1]);
    assert.equal(traceOf('long', 2).time.length, time.length);
    assert.deepEqual(traceOf('never', 2), { time: [], columns: [[], []] });
});

test('history_stands_before_what_the_page_saw', () => {
    const past = { time: [1, 2, 3], columns: [[10, 20, 30]] };
    assert.deepEqual(behind(past, { time: [3, 4], columns: [[31, 41]] }), { time: [1, 2, 3, 4], columns: [[10, 20, 30, 41]] });
    assert.deepEqual(behind(past, { time: [], columns: [[]] }), past);
    assert.deepEqual(behind({ time: [], columns: [] }, past), past, 'nothing is kept');
    assert.deepEqual(behind(past, { time: [2, 3], columns: [[21, 31]] }), past, 'nothing is newer');
    assert.deepEqual(behind({ time: [], columns: [] }, { time: [], columns: [[]] }), { time: [], columns: [[]] });
});

test('nothing_is_drawn_across_a_time_of_which_nothing_is_known', () => {
    const stopped = { time: [0, 3, 6, 100, 103], columns: [[1, 2, 3, 4, 5], [6, 7, 8, 9, 10]] };
    const opened = { time: [0, 3, 6, 9, 100, 103], columns: [[1, 2, 3, null, 4, 5], [6, 7, 8, null, 9, 10]] };
    assert.deepEqual(openGaps(stopped), opened);
    const whole = { time: [0, 3, 6], columns: [[1, 2, 3]] };
    assert.equal(openGaps(whole), whole);
    // the server was away between what it kept and what the page saw
    assert.deepEqual(behind({ time: [0, 10, 20], columns: [[1, 1, 1]] }, { time: [900, 903, 906], columns: [[2, 2, 2]] }),
        { time: [0, 10, 20, 30, 900, 903, 906], columns: [[1, 1, 1, null, 2, 2, 2]] });
    // rows of long ago are thinned: that is no gap
    const thinned = { time: [0, 600, 1200], columns: [[1, 1, 1]] };
    const seen = { time: [1210, 1213, 1216, 1219], columns: [[2, 2, 2, 2]] };
    assert.deepEqual(behind(thinned, seen).columns, [[1, 1, 1, 2, 2, 2, 2]]);
});

test('what_no_hypothesis_moves_is_held', () => {
    assert.deepEqual([0, 0.0163, null].map(text.doubtText), ['held', '± 0.016', '± –']);
});

test('each_suspect_is_accused_of_what_its_kind_does', () => {
    const said = (suspect) => {
        const { who, what, title } = accusationOf(
            { address: null, partner: null, probability: 0.5, unit: 'K', since: null, ...suspect }, '', false);
        return [who, what, title];
    };
    const sensor = 't2';
    assert.deepEqual(said({ sensor, kind: 'bias', size: -0.3 }), ['t2', 'is off', 'readings of t2, −0.300 °C']);
    assert.deepEqual(said({ sensor, kind: 'drift', size: 1 / 3600, unit: 'K/s' }), ['t2', 'drifts', 'readings of t2, 1.00 °C an hour']);
    assert.deepEqual(said({ sensor, kind: 'stuck', size: 294.25 }), ['t2', 'is stuck', 'readings of t2, at 21.10 °C']);
    assert.deepEqual(said({ sensor, kind: 'noise', size: 3, unit: '1' }), ['t2', 'scatters more', 'readings of t2, 3.00 times']);
    assert.deepEqual(said({ sensor, partner: 't3', kind: 'swapped', size: null }), ['t2 and t3', 'are swapped', 't2 and t3']);
    assert.deepEqual(said({ sensor, size: 1 }), ['t2', 'reads wrong', 'readings of t2, 1.00 °C']);
    assert.deepEqual(said({ address: 'town/pipe/P1/leak_area', sensor: null, kind: 'plant', size: 0.0018, unit: 'm2' }),
        ['pipe P1', 'leak area', 'town/pipe/P1/leak_area, 18.0 cm²']);
    assert.notEqual(accusationOf({ address: null, sensor, kind: 'bias', size: 1, unit: 'K', since: null }, '', false).key,
        accusationOf({ address: null, sensor, kind: 'drift', size: 1, unit: 'K/s', since: null }, '', false).key);
});
