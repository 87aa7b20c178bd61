// The plan's colours and places, without a browser.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

globalThis.document = { baseURI: 'http://127.0.0.1/' };

async function load(name) {
    const { outputFiles } = await build({
        entryPoints: [fileURLToPath(new URL(`../src/${name}.ts`, import.meta.url))],
        bundle: true,
        write: false,
        format: 'esm',
    });
    return import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString('base64')}`);
}

const { rampOf, stepOf, rangeOf, limitsOf, steps } = await load('colourscale');
const { arrangeNetwork, nearest, elementOf, addressOf, around, middleOf } = await load('network');
const { questions, choiceOf } = await load('questions');

const linear = (byte) => (byte / 255 <= 0.04045 ? byte / 255 / 12.92 : ((byte / 255 + 0.055) / 1.055) ** 2.4);

function labOf(hex) {
    const [r, g, b] = [1, 3, 5].map((at) => linear(parseInt(hex.slice(at, at + 2), 16)));
    const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
    const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
    const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
    return [0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s, 1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
        0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s];
}

const apart = (a, b) => Math.hypot(...a.map((value, axis) => value - b[axis]));

for (const dark of [false, true]) {
    test(`lightness_orders_a_sequential_ramp_${dark ? 'dark' : 'light'}`, () => {
        const light = rampOf('sequential', dark).map((hex) => labOf(hex)[0]);
        const signs = light.slice(1).map((value, at) => Math.sign(value - light[at]));
        assert.ok(signs.every((sign) => sign === (dark ? 1 : -1)));
    });

    test(`steps_of_a_ramp_look_alike_${dark ? 'dark' : 'light'}`, () => {
        for (const ramp of ['sequential', 'diverging']) {
            const labs = rampOf(ramp, dark).map(labOf);
            const sizes = labs.slice(1).map((lab, at) => apart(lab, labs[at]));
            const sorted = [...sizes].sort((a, b) => a - b);
            assert.ok(sorted[sorted.length - 1] < 2 * sorted[0], `${ramp}: ${sorted[0]} to ${sorted[sorted.length - 1]}`);
        }
    });

    test(`both_sides_of_zero_differ_for_colour_blind_eyes_${dark ? 'dark' : 'light'}`, () => {
        const labs = rampOf('diverging', dark).map(labOf);
        // yellow against blue is what nearly everybody tells apart
        assert.ok(labs[steps - 1][2] - labs[0][2] > 0.15);
        assert.ok(labs.slice(1).every((lab, at) => at < 1 || lab[2] > labs[0][2] - 0.08));
    });
}

test('wild_values_do_not_take_all_colours', () => {
    const values = [...Array.from({ length: 98 }, (_, at) => at), 1e9, -1e9];
    const { low, high } = rangeOf(values);
    assert.ok(low >= 0 && high <= 97, `${low} to ${high}`);
    assert.equal(rangeOf([NaN, NaN]), null);
});

test('limits_have_room_and_are_even_about_zero', () => {
    const flat = limitsOf([300, 300, 300], 'sequential');
    assert.ok(flat.high > flat.low);
    const about = limitsOf([-1, 3], 'diverging');
    assert.equal(about.low, -about.high);
});

test('every_value_has_a_step_and_nothing_has_none', () => {
    assert.deepEqual([-5, 0, 10, 99].map((value) => stepOf(value, 0, 10)), [0, 0, steps - 1, steps - 1]);
    assert.equal(stepOf(NaN, 0, 1), -1);
    assert.equal(stepOf(5, 0, 10), (steps - 1) / 2);
});

const kinds = [
    { name: 'node', shape: 'point', count: 5, fields: [{ name: 'level', unit: 'm', role: 'state' }] },
    { name: 'way', shape: 'line', count: 2, fields: [{ name: 'flow', unit: '1', role: 'output' }] },
];
const places = [[0, 0], [100, 0], [100, 100], [0, 100], [50, 50]];
const net = arrangeNetwork('net', kinds, [
    ...places.map(([x, y], at) => ({ class: 'node', name: `n${at}`, points: [[x, y, 0]] })),
    { class: 'node', name: 'nowhere', points: null },
    { class: 'way', name: 'n1', points: [[0, 0, 0], [50, 20, 0], [100, 0, 0]] },
    { class: 'way', name: 'w2', points: [[100, 100, 0], [0, 100, 0]] },
]);

test('a_dot_wins_over_the_line_that_ends_in_it', () => {
    assert.equal(net.names[nearest(net, 2, 1, 10)], 'n0');
    assert.equal(net.names[nearest(net, 50, 97, 10)], 'w2');
    assert.equal(nearest(net, 50, 75, 10), null);
});

test('names_may_collide_between_classes', () => {
    assert.equal(elementOf(net, 'net/node/n1/level'), 1);
    assert.equal(elementOf(net, 'net/way/n1/flow'), 5);
    assert.equal(elementOf(net, 'net/n1/flow'), 5);
    assert.equal(elementOf(net, 'net/node/nowhere/level'), null);
    assert.equal(elementOf(net, 'other/node/n1/level'), null);
    assert.equal(addressOf(net, 5, 'flow'), 'net/way/n1/flow');
});

test('the_nearest_are_compared_where_there_are_too_many', () => {
    const near = around(net, 0, new Set(['node']), 2);
    assert.deepEqual(near.map((element) => net.names[element]), ['n0', 'n4']);
    const middle = middleOf(net, 5);
    assert.ok(Math.abs(middle.x - 50) < 1e-9 && Math.abs(middle.y - 20) < 1e-9);
});

test('too_few_places_are_no_plan', () => {
    assert.equal(arrangeNetwork('net', kinds, [{ class: 'node', name: 'a', points: [[0, 0, 0]] }]), null);
});

test('a_ready_question_fits_what_the_element_does_now', () => {
    const pump = (now) => questions.find(({ field, kind, when }) => field === 'status' && (kind ?? 'pump') === 'pump' && (when?.(now) ?? true));
    assert.match(pump(1).asks, /trips/);
    assert.match(pump(0).asks, /starts/);
    assert.equal(choiceOf('status').words[0], 'closed');
    assert.equal(choiceOf('flow'), undefined);
});
