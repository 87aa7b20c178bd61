// The plan in a real browser. GEMEL_URL names a running gemel: where its world has a plan, the tests that hold for any
// network run against it. GEMEL_PLAN_SCREENSHOT names a PNG to write.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openBrowser } from './browser.mjs';
import { startMock } from './mock-server.mjs';

const patience_ms = 60_000;
const margin_px = 28; // the plan's own
const given = process.env.GEMEL_URL;
const screenshot = process.env.GEMEL_PLAN_SCREENSHOT;

let mock, browser, page, url;
let elements = []; // as the server places them
let hasPlan = true;
const complaints = [];
const asked = [];

const read = async (path) => (await fetch(new URL(`api/v1/${path}`, url))).json();

async function readElements() {
    for (const { name, classes } of await read('systems')) {
        for (const { name: kind, shape, fields } of classes.filter((one) => one.shape)) {
            const told = await read(`systems/${name}/elements?class=${kind}&limit=100000`);
            elements.push(...told.elements.map((one) => ({ ...one, system: name, shape, fields: fields.map((field) => field.name) })));
        }
    }
    elements = elements.filter(({ points }) => points !== null);
}

before(async () => {
    mock = given ? null : await startMock({ speed: 10, world: 'town' });
    url = given ?? mock.url;
    browser = await openBrowser();
    await readElements();
    hasPlan = new Set(elements.map(({ points }) => points[0].slice(0, 2).join(' '))).size >= 4;
    page = await browser.newPage({ viewport: { width: 1440, height: 1100 }, colorScheme: 'light' });
    page.setDefaultTimeout(patience_ms);
    page.on('pageerror', (error) => complaints.push(String(error)));
    // a server without suspects answers 404, which the browser writes down
    page.on('console', (line) => line.type() === 'error' && !line.location().url.includes('/suspects') && complaints.push(line.text()));
    page.on('request', (request) => request.url().includes('/api/v1/') && asked.push({ at: Date.now(), url: decodeURIComponent(request.url()) }));
    await page.goto(url);
});

after(async () => {
    await browser?.close();
    await mock?.close();
});

/** A law of the plan; `standIn` where only the stand-in's network shows it, `needs` a field that lines must have. */
function planTest(name, law, { standIn = false, needs = null } = {}) {
    test(name, async (t) => {
        const missing = !hasPlan ? 'this world has no plan'
            : standIn && given ? 'only against the stand-in'
            : needs !== null && someLine(needs) === undefined ? `no line has a ${needs}` : null;
        if (missing !== null) {
            t.skip(missing);
            return;
        }
        await law();
    });
}

async function eventually(what, condition) {
    const end = Date.now() + patience_ms;
    while (Date.now() < end) {
        if (await condition()) {
            return;
        }
        await page.waitForTimeout(100);
    }
    assert.fail(`${what} did not happen within ${patience_ms / 1000} s`);
}

/** How many of the picture's pixels have one of the legend's colours, and how many of those colours there are. */
const coloured = (on = page) => on.evaluate(() => {
    const canvas = document.querySelector('[data-testid="plan-base"]');
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    const ramp = new Set([...document.querySelectorAll('.plan-scale rect')].map((rect) => parseInt(rect.getAttribute('fill').slice(1), 16)));
    const seen = new Set();
    let count = 0;
    for (let at = 0; at < data.length; at += 4) {
        const colour = (data[at] << 16) | (data[at + 1] << 8) | data[at + 2];
        if (data[at + 3] === 255 && ramp.has(colour)) {
            count++;
            seen.add(colour);
        }
    }
    return { count, colours: seen.size };
});

const picture = () => page.getByTestId('plan-base').evaluate((canvas) => canvas.toDataURL());

/** Where an element is on the screen once all of the plan is shown. */
async function screenOf(points) {
    await page.getByTestId('plan-fit').click();
    const frame = await page.getByTestId('plan-canvas').boundingBox();
    const system = elements.find((one) => one.points === points)?.system;
    const all = elements.filter((one) => one.system === system).flatMap((one) => one.points);
    const [xs, ys] = [0, 1].map((axis) => all.map((point) => point[axis]));
    const [left, right, low, top] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
    const scale = Math.min((frame.width - 2 * margin_px) / (right - left), (frame.height - 2 * margin_px) / (top - low));
    const at = points.length === 1 ? points[0] : [0, 1].map((axis) => 0.5 * (points[0][axis] + points[1][axis]));
    return {
        x: frame.x + frame.width / 2 + (at[0] - (left + right) / 2) * scale,
        y: frame.y + frame.height / 2 - (at[1] - (low + top) / 2) * scale,
    };
}

/** The longest piece of a line with the field: easy to hit. */
function someLine(field) {
    const length = ({ points: [a, b] }) => Math.hypot(a[0] - b[0], a[1] - b[1]);
    return elements.filter((one) => one.shape === 'line' && one.fields.includes(field)).sort((a, b) => length(b) - length(a))[0];
}

planTest('the_plan_draws_the_network_in_colours', async () => {
    await page.getByTestId('plan-canvas').waitFor();
    await eventually('a coloured network', async () => {
        const { count, colours } = await coloured();
        return count > 200 && colours > 3;
    });
    assert.notEqual(await page.getByTestId('plan-low').textContent(), await page.getByTestId('plan-high').textContent());
});

planTest('another_field_is_another_picture', async () => {
    const before = await picture();
    const title = await page.getByTestId('plan-title').textContent();
    const other = (await page.getByTestId('plan-field').locator('option').allTextContents()).find((text) => text !== title && /flow|head/.test(text));
    await page.getByTestId('plan-field').selectOption({ label: other });
    await eventually('another picture', async () => (await picture()) !== before && (await coloured()).count > 100);
    assert.equal(await page.getByTestId('plan-title').textContent(), other.replace(/ \(.*/, ''));
    await page.getByTestId('plan-spread').click();
    assert.match(await page.getByTestId('plan-title').textContent(), /^spread of /);
    await page.getByTestId('plan-mean').click();
    await page.getByTestId('plan-field').selectOption({ label: title });
    await eventually('the first again', async () => (await page.getByTestId('plan-title').textContent()) === title);
});

planTest('limits_of_the_colours_can_be_fixed', async () => {
    const high = Number((await page.getByTestId('plan-high').textContent()).replace('−', '-'));
    await page.getByTestId('plan-fix').check();
    const before = await picture();
    await page.getByTestId('plan-high').fill(String(high + 3 * Math.abs(high)));
    await page.getByTestId('plan-high').press('Enter');
    await eventually('paler colours', async () => (await picture()) !== before);
    await page.getByTestId('plan-fix').uncheck();
});

planTest('pointing_at_an_element_tells_its_name_and_value', async () => {
    const dot = elements.find((one) => one.shape === 'point' && one.points[0][0] > elements[0].points[0][0]) ?? elements[0];
    const { x, y } = await screenOf(dot.points);
    await page.mouse.move(x, y);
    const tip = page.getByTestId('plan-tip');
    await tip.waitFor();
    assert.match(await tip.textContent(), new RegExp(`^${dot.name} ${dot.class}`));
    assert.match(await tip.textContent(), /\d/);
});

planTest('a_burst_is_asked_of_a_pipe_and_shown', async () => {
    const line = someLine('leak_area');
    const { x, y } = await screenOf(line.points);
    await page.mouse.click(x, y);
    const card = page.getByTestId('plan-card');
    await card.getByRole('heading', { name: `${line.name} ${line.class}` }).waitFor();
    await eventually('its fields', async () => /\d/.test(await card.getByTestId('plan-field-flow').textContent()));
    const before = await picture();
    await page.getByTestId('plan-ask-leak_area').click();
    await page.getByTestId('plan-answer').waitFor();
    assert.match(await page.getByTestId('plan-answer').locator('.sentences').textContent(), /bursts:.*after 2 h/);
    assert.equal(await page.getByTestId('plan-worst').locator('li').count(), 10);
    await eventually('differences on the plan', async () => (await picture()) !== before && (await coloured()).count > 200);
    if (screenshot) {
        await page.screenshot({ path: screenshot });
    }
}, { needs: 'leak_area' });

planTest('the_slider_goes_through_the_horizon', async () => {
    const end = await picture();
    await page.getByTestId('plan-moment').fill('0');
    await eventually('the start', async () => (await picture()) !== end);
    await page.getByTestId('plan-play').click();
    await eventually('it plays', async () => Number(await page.getByTestId('plan-moment').inputValue()) > 1);
    const first = page.getByTestId('plan-worst').locator('button').first();
    await first.click();
    const name = (await first.locator('.what').textContent()).split(' ')[0];
    await page.getByTestId('plan-card').getByRole('heading', { name }).waitFor();
    await page.getByTestId('plan-answer').getByText(`/${name}/`).waitFor();
    await page.getByTestId('plan-now').click();
    await page.getByTestId('plan-answer').waitFor({ state: 'detached' });
}, { needs: 'leak_area' });

planTest('a_refused_question_says_why', async () => {
    await page.getByTestId('plan-find').fill(someLine('leak_area').name);
    await page.getByTestId('plan-find').press('Enter');
    await page.getByTestId('plan-amount').fill('-3e9');
    await page.getByTestId('plan-ask-leak_area').click();
    const told = page.getByTestId('plan-trouble');
    await told.waitFor();
    assert.match(await told.textContent(), /-3e9|-3000000000|out of range|bounds/);
    complaints.splice(0); // the browser writes a refusal down
}, { standIn: true });

planTest('the_plan_is_worked_by_keys', async () => {
    await page.keyboard.press('Escape');
    await page.getByTestId('plan-canvas').focus();
    await page.keyboard.press('0');
    await page.keyboard.press('Escape');
    await page.getByTestId('plan-card').waitFor({ state: 'detached' });
    const whole = await picture();
    for (const key of ['+', '+', 'ArrowLeft', 'ArrowUp', '-']) {
        await page.keyboard.press(key);
    }
    await eventually('another view', async () => (await picture()) !== whole);
    const tip = page.getByTestId('plan-tip');
    for (let step = 0; step < 40 && (await tip.count()) === 0; step++) {
        await page.keyboard.press(step % 3 === 0 ? 'ArrowUp' : 'ArrowLeft');
        await page.waitForTimeout(50);
    }
    await page.keyboard.press('Enter');
    await page.getByTestId('plan-card').waitFor();
    await page.keyboard.press('Escape');
    await page.getByTestId('plan-card').waitFor({ state: 'detached' });
});

planTest('suspects_are_ranked_and_shown', async () => {
    const list = page.getByTestId('suspects').locator('li');
    await list.first().waitFor();
    assert.match(await list.first().textContent(), /pipe .*41 %/);
    await page.getByTestId('suspects-show').click();
    await eventually('probabilities', async () => (await page.getByTestId('plan-title').textContent()) === 'probability');
    await page.getByTestId('plan-card').waitFor();
    await page.getByRole('button', { name: 'back to now' }).click();
    await eventually('the field again', async () => (await page.getByTestId('plan-title').textContent()) !== 'probability');
}, { standIn: true });

planTest('suspects_are_asked_for_again_when_an_event_says_more', async () => {
    const count = () => asked.filter((one) => one.url.includes('/suspects')).length;
    const before = count();
    await eventually('the usual look', async () => count() > before); // the next one is ten seconds away
    const usual = count();
    const [event] = await (await fetch(new URL('api/v1/events', url))).json();
    mock.tell({ type: 'event', event: { ...event, text: `${event.text} It leaks.` } });
    await page.waitForTimeout(3000);
    assert.equal(count(), usual + 1);
}, { standIn: true });

planTest('values_are_asked_for_once_a_second_at_most', async () => {
    await page.keyboard.press('Escape');
    await page.waitForTimeout(1500);
    const from = Date.now();
    await page.waitForTimeout(5000);
    const count = asked.filter((one) => one.at >= from && /\/values\?/.test(one.url)).length;
    assert.ok(count >= 1 && count <= 6, `${count} requests in 5 s`);
});

planTest('a_narrow_screen_scrolls_one_way_only', async () => {
    const phone = await browser.newPage({ viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, hasTouch: true, colorScheme: 'dark' });
    try {
        phone.setDefaultTimeout(patience_ms);
        await phone.goto(url);
        await phone.getByTestId('plan-canvas').waitFor();
        await phone.waitForFunction(() => document.querySelectorAll('.plan-scale rect').length > 0);
        await phone.getByTestId('plan-find').fill((someLine('leak_area') ?? elements[0]).name);
        await phone.getByTestId('plan-find').press('Enter');
        await phone.getByTestId('plan-card').waitFor();
        const [wide, room] = await phone.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
        assert.ok(wide <= room, `${wide} > ${room}`);
        if (screenshot) {
            await phone.screenshot({ path: screenshot.replace(/\.png$/, '-narrow.png'), fullPage: true });
        }
    } finally {
        await phone.close();
    }
});

planTest('a_network_beyond_the_limits_is_asked_for_in_parts', async () => {
    const large = await startMock({ speed: 10, world: 'town', size: { columns: 110, rows: 100 } });
    const other = await browser.newPage({ viewport: { width: 1200, height: 900 } });
    let refused = 0;
    other.on('response', (answer) => (refused += answer.status() === 413 ? 1 : 0));
    try {
        other.setDefaultTimeout(patience_ms);
        await other.goto(large.url);
        await other.getByTestId('plan-find').fill('P9000');
        await other.getByTestId('plan-find').press('Enter');
        await eventually('colours', async () => (await coloured(other)).count > 100);
        await other.getByTestId('plan-ask-leak_area').click();
        await other.getByTestId('plan-answer').waitFor();
        assert.ok(refused <= 3, `${refused} requests were too large`); // each kind is tried whole once
    } finally {
        await other.close();
        await large.close();
    }
}, { standIn: true });

test('the_plan_does_not_complain', () => {
    assert.deepEqual(complaints, []);
});
