// The page in a real browser. GEMEL_URL names a running gemel of any world that moves and has a scenario; without it the
// stand-in serves the built page (run `npm run build` before). GEMEL_SCREENSHOT names a PNG to write.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openBrowser } from './browser.mjs';
import { startMock } from './mock-server.mjs';

const patience_ms = 60_000; // a world may publish no more than a few cycles a minute
const given = process.env.GEMEL_URL;
const screenshot = process.env.GEMEL_SCREENSHOT;
const withStandIn = { skip: given ? 'only against the stand-in' : false };

let mock, browser, page;
const complaints = [];
const strangers = [];

before(async () => {
    mock = given ? null : await startMock({ speed: 10 });
    const url = given ?? mock.url;
    browser = await openBrowser();
    page = await browser.newPage({ viewport: { width: 1440, height: 1180 }, colorScheme: 'light' });
    page.setDefaultTimeout(patience_ms);
    page.on('pageerror', (error) => complaints.push(String(error)));
    // a server without suspects answers 404, which the browser writes down
    page.on('console', (line) => line.type() === 'error' && !line.location().url.includes('/suspects') && complaints.push(line.text()));
    page.on('request', (request) => {
        const origin = new URL(request.url()).origin;
        if (origin !== new URL(url).origin && !request.url().startsWith('data:')) {
            strangers.push(request.url());
        }
    });
    await page.goto(url);
});

after(async () => {
    await browser?.close();
    await mock?.close();
});

const values = () =>
    page.$$eval('[data-testid^="value-"]', (cells) =>
        Object.fromEntries(cells.map((cell) => [cell.dataset.testid, cell.textContent])));

/** How many pixels of each canvas within `scope` have the colour that the style sheet calls `name`. */
function pixels(scope, name) {
    return page.locator(scope).evaluate((at, wanted) => {
        const colour = getComputedStyle(document.documentElement).getPropertyValue(`--${wanted}`).trim();
        const [red, green, blue] = [1, 3, 5].map((from) => parseInt(colour.slice(from, from + 2), 16));
        return [...at.querySelectorAll('canvas')].map((canvas) => {
            const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
            let count = 0;
            for (let i = 0; i < data.length; i += 4) {
                const near = (channel, value) => Math.abs(data[i + channel] - value) < 12;
                count += near(0, red) && near(1, green) && near(2, blue) && data[i + 3] > 200 ? 1 : 0;
            }
            return count;
        });
    }, name);
}

async function eventually(what, condition) {
    const end = Date.now() + patience_ms;
    while (Date.now() < end) {
        if (await condition()) {
            return;
        }
        await page.waitForTimeout(200);
    }
    assert.fail(`${what} did not happen within ${patience_ms / 1000} s`);
}

test('the_page_connects_and_names_its_world', async () => {
    await page.locator('[data-testid="connection"][data-state="live"]').waitFor();
    await page.locator('[data-testid^="value-"]').first().waitFor();
    assert.notEqual(await page.locator('h1').textContent(), 'gemel');
});

test('numbers_move', async () => {
    const before = await values();
    const time = await page.getByTestId('time').textContent();
    await eventually('a new value', async () => {
        const now = await values();
        return Object.keys(before).some((name) => before[name] !== now[name]);
    });
    await eventually('a later time', async () => (await page.getByTestId('time').textContent()) !== time);
});

test('a_click_on_a_value_charts_it', async () => {
    const card = page.locator('[data-testid^="card-"]').first();
    const address = (await card.getAttribute('data-testid')).slice('card-'.length);
    await card.click();
    await page.getByTestId('window').selectOption({ index: 0 }); // a world that just started has little past
    const chart = `[data-testid="chart-${address}"]`;
    await page.locator(`${chart} canvas`).waitFor();
    await eventually('an estimate on the chart', async () => (await pixels(chart, 'estimate'))[0] > 20);
});

test('a_what_if_draws_both_futures_and_says_the_difference', async () => {
    await page.locator('[data-testid^="whatif-run-"]').first().click();
    const result = page.getByTestId('whatif-result');
    await result.waitFor();
    assert.match(await result.textContent(), /(lower|higher|not clearly different|the same) after \d/);
    const scope = '[data-testid="whatif-result"]';
    await eventually('both futures', async () => {
        const [base] = await pixels(scope, 'estimate');
        const [other] = await pixels(scope, 'what-if');
        const [, apart] = await pixels(scope, 'difference');
        return base > 20 && other > 20 && apart > 20;
    });
    if (screenshot) {
        await page.setViewportSize({ width: 1440, height: 1560 });
        await page.evaluate(() => scrollTo(0, 0));
        await page.screenshot({ path: screenshot });
    }
});

test('an_own_question_is_answered', withStandIn, async () => {
    await page.getByTestId('whatif-address').selectOption('box/node/heater/power');
    await page.getByLabel('how').selectOption('to');
    await page.getByTestId('whatif-value').fill('0');
    await page.getByTestId('whatif-run').click();
    const told = page.locator('[data-testid="whatif-result"] .sentences');
    await eventually('the answer', async () => (await told.textContent()).startsWith('box/node/heater/power = 0 W:'));
    assert.match(await told.textContent(), /air temperature is \d.* °C lower after 30 min/);
});

test('scores_tell_skill_coverage_and_sharpness', withStandIn, async () => {
    const row = page.locator('.scores tbody tr').first();
    await row.waitFor();
    assert.match(await row.innerText(), /71 %[^]*0\.0300[^]*52 %[^]*92 %[^]*0\.0500[^]*0\.120/);
});

/** How many pixels within `scope` show a hypothesis' colour, faded as the chart does it. */
function shareOfColour(scope, name) {
    return page.locator(scope).evaluate((at, wanted) => {
        const hex = getComputedStyle(document.documentElement).getPropertyValue(`--${wanted}`).trim();
        const ground = getComputedStyle(document.documentElement).getPropertyValue('--panel').trim();
        const part = (colour, from) => parseInt(colour.slice(from, from + 2), 16);
        const mixed = [1, 3, 5].map((from) => 0.85 * part(hex, from) + 0.15 * part(ground, from));
        const canvas = at.querySelector('canvas');
        const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
        let count = 0;
        for (let i = 0; i < data.length; i += 4) {
            const share = data[i + 3] / 255;
            const seen = [0, 1, 2].map((channel) => share * data[i + channel] + (1 - share) * part(ground, 1 + 2 * channel));
            count += seen.every((value, channel) => Math.abs(value - mixed[channel]) < 14) ? 1 : 0;
        }
        return count / (canvas.width * canvas.height);
    }, name);
}

test('readings_are_held_against_what_was_expected_of_them', async (context) => {
    const view = page.getByTestId('view-innovations');
    if (await view.count() === 0) {
        context.skip('a world that observes nothing');
        return;
    }
    await view.click();
    const chart = page.locator('[data-testid^="innovations-"]').first();
    await chart.locator('canvas').waitFor();
    const scope = `[data-testid="${await chart.getAttribute('data-testid')}"]`;
    await eventually('a dot', async () => (await pixels(scope, 'estimate'))[0] > 5);
});

test('hypotheses_are_weighed_over_time_and_in_words', withStandIn, async () => {
    await page.getByTestId('view-hypotheses').click();
    const scope = '[data-testid="weights"]';
    await page.locator(`${scope} canvas`).waitFor();
    assert.match(await page.getByTestId('verdict').textContent(),
        /^(The model as it is known|An unknown input) explains best what is measured \(\d+ %\)\.$|^Not decided: /);
    const shown = await page.locator('[data-testid^="weight-"]').allTextContents();
    assert.equal(shown.length, 3);
    const sum = shown.reduce((all, share) => all + Number(share.replace(/[^\d]/g, '')), 0);
    assert.ok(Math.abs(sum - 100) <= 2, `shares sum up to ${sum} %`);
    await eventually('the shares of two hypotheses', async () =>
        (await shareOfColour(scope, 'hypothesis-1')) > 0.01 && (await shareOfColour(scope, 'hypothesis-3')) > 0.005);
});

test('a_chart_of_the_estimation_says_what_is_under_the_cursor', withStandIn, async () => {
    const chart = page.getByTestId('weights');
    const before = await chart.boundingBox();
    await chart.locator('.u-over').hover();
    await eventually('the shares at a time', async () =>
        /UTC.*as known \d+ %.*unknown input \d+ %/.test(await chart.locator('.legend').textContent()));
    assert.deepEqual(await chart.boundingBox(), before, 'nothing jumps');
    await page.mouse.move(0, 0);
});

test('each_lead_says_whom_it_trusts', withStandIn, async () => {
    await page.locator('[data-testid="trusts-60"] .shares').waitFor();
    assert.match(await page.getByTestId('trusts-60').textContent(), /unknown input 72 %/);
    assert.match(await page.getByTestId('trusts-1800').textContent(), /as known 98 %/);
});

test('what_is_learned_is_drawn_with_its_band', withStandIn, async () => {
    await page.getByTestId('view-learned').click();
    const parameter = '[data-testid="learned-box/path/air-room/conductance"]';
    const input = '[data-testid="learned-added box/node/air/power"]';
    await eventually('both lines', async () =>
        (await pixels(parameter, 'estimate'))[0] > 20 && (await pixels(input, 'estimate'))[0] > 20);
    assert.match(await page.locator(`${input} h3`).textContent(), /unknown input.*W/);
    assert.match(await page.getByTestId('parameter-added box/node/air/power').textContent(), /\d ± \d/);
});

/** How many seconds before the page's time the left edge of a chart's data lies. */
async function reachOf(at, chart) {
    const { width, height } = await chart.locator('.u-over').boundingBox();
    await chart.locator('.u-over').hover({ position: { x: 0.02 * width, y: height / 2 } });
    const legend = chart.locator('.legend .under');
    await legend.waitFor();
    const clock = (text) => {
        const [, hours, minutes, rest] = /(\d+):(\d+):(\d+)/.exec(text);
        return 3600 * Number(hours) + 60 * Number(minutes) + Number(rest);
    };
    const reach = clock(await at.getByTestId('time').textContent()) - clock(await legend.textContent());
    return (reach + 86400) % 86400;
}

test('a_page_that_is_opened_anew_shows_what_was_thought_before', withStandIn, async () => {
    const other = await browser.newPage({ viewport: { width: 1440, height: 1180 } });
    try {
        await other.goto(mock.url);
        await other.getByTestId('view-hypotheses').click();
        const weights = other.getByTestId('weights');
        await eventually('weights of half an hour', async () => (await reachOf(other, weights)) > 1200);
        assert.match(await weights.locator('.legend').textContent(), /as known \d+ %.*unknown input \d+ %/);
        await other.getByTestId('view-learned').click();
        for (const key of ['box/path/air-room/conductance', 'added box/node/air/power']) {
            await eventually(`${key} of half an hour`, async () =>
                (await reachOf(other, other.getByTestId(`learned-${key}`))) > 1200);
        }
    } finally {
        await other.close();
    }
});

test('innovations_are_drawn_against_what_is_expected', withStandIn, async () => {
    await page.getByTestId('view-innovations').click();
    const chart = '[data-testid="innovations-t2"]';
    await eventually('dots', async () => (await pixels(chart, 'estimate'))[0] > 20);
    await eventually('how many lie outside', async () =>
        /\d+ % beyond ±2 \(5 % is right\), mean/.test(await page.locator(`${chart} .legend`).textContent()));
    await page.getByRole('button', { name: 'as measured' }).click();
    await eventually('dots in the unit', async () => (await pixels(chart, 'estimate'))[0] > 20);
    assert.match(await page.locator(`${chart} h3`).textContent(), /t2\s+°C/);
    assert.equal(await page.locator('[data-testid="innovations-heat"]').count(), 0, 'what drives has no innovations');
});

test('a_bias_stands_beside_its_sensor', withStandIn, async () => {
    assert.match(await page.getByTestId('bias-t2').textContent(), /\+0\.040 ± 0\.015/);
    assert.equal(await page.getByTestId('bias-room').textContent(), '–');
});

test('where_nothing_is_doubted_no_hypotheses_are_shown', withStandIn, async () => {
    const town = await startMock({ speed: 10, world: 'town' });
    const other = await browser.newPage();
    try {
        await other.goto(town.url);
        await other.locator('.scores, .sensors tbody tr').first().waitFor();
        assert.equal(await other.getByTestId('view-hypotheses').count(), 0);
        assert.equal(await other.locator('[data-testid^="trusts-"]').count(), 0);
    } finally {
        await other.close();
        await town.close();
    }
});

test('a_branch_is_forked_and_deleted', withStandIn, async () => {
    await page.getByTestId('fork-name').fill('trial');
    await page.getByTestId('fork').click();
    const row = page.getByTestId('branch-trial');
    await row.waitFor();
    await row.getByRole('button', { name: 'Delete branch trial' }).click();
    await row.getByRole('button', { name: 'delete it' }).click();
    await row.waitFor({ state: 'detached' });
});

test('si_units_are_one_click_away', withStandIn, async () => {
    const air = page.getByTestId('value-box/node/air/temperature');
    const celsius = Number(await air.textContent());
    await page.getByTestId('units').click();
    await eventually('kelvin', async () => Math.abs(Number(await air.textContent()) - celsius - 273.15) < 3);
    await page.getByTestId('units').click();
});

test('a_lost_connection_comes_back', withStandIn, async () => {
    mock.drop();
    await page.locator('[data-testid="connection"]:not([data-state="live"])').waitFor();
    await page.locator('[data-testid="connection"][data-state="live"]').waitFor();
});

test('without_a_live_line_the_page_polls', withStandIn, async () => {
    const silent = await startMock({ speed: 10, live: false });
    const other = await browser.newPage();
    try {
        await other.goto(silent.url);
        await other.locator('[data-testid="connection"][data-state="polling"]').waitFor();
        const time = other.getByTestId('time');
        const first = await time.textContent();
        await other.waitForFunction((before) =>
            document.querySelector('[data-testid="time"]').textContent !== before, first);
        await silent.close();
        await other.locator('[data-testid="connection"][data-state="offline"]').waitFor();
        await other.getByRole('alert').waitFor();
    } finally {
        await other.close();
        await silent.close();
    }
});

test('nothing_is_asked_of_other_places_and_nothing_complains', () => {
    assert.deepEqual(strangers, []);
    assert.deepEqual(complaints, []);
});
