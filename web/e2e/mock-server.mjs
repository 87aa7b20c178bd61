// A stand-in for gemel: serves docs/api.md for a heated box or a town that exist only here, so that the page can be worked
// on and tested without the engine. Time runs `speed` times faster than the clock.
//   node e2e/mock-server.mjs [port] [speed] [box|town]        then `npm run dev`, or open the port for the built page

import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import { dirname, extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { WebSocketServer } from 'ws';
import { makeBox } from './mock-box.mjs';
import { makeTown } from './mock-town.mjs';

const dist = join(dirname(fileURLToPath(import.meta.url)), '..', 'dist');
const types = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml' };
const largest_body = 1 << 20;
const most_values = 10_000;
const most_compared = 1000;

class Wrong extends Error {
    constructor(status, text) {
        super(text);
        this.status = status;
    }
}

async function bodyOf(request) {
    let text = '';
    for await (const chunk of request) {
        text += chunk;
        if (text.length > largest_body) {
            throw new Wrong(413, 'the request is too long');
        }
    }
    try {
        return JSON.parse(text);
    } catch {
        throw new Wrong(400, 'the request is not JSON');
    }
}

const matches = (pattern, address) => {
    const wanted = pattern.split('/');
    const parts = address.split('/');
    const short = wanted.length === 3 ? [parts[0], ...parts.slice(2)] : parts;
    return wanted.length === short.length && wanted.every((part, at) =>
        part === short[at] || (part.endsWith('*') && short[at].startsWith(part.slice(0, -1))));
};

function branchTable(box) {
    const branches = [
        { name: 'live', parent: null, made: box.iso(box.start), own_bytes: 41_984, reached_bytes: 41_984, note: '' },
    ];
    return {
        list: () => branches.map((branch) => ({ time: box.iso(box.now()), ...branch })),
        fork: ({ name, from = 'live', note = '' }) => {
            if (branches.some((branch) => branch.name === name)) {
                throw new Wrong(409, `there is a branch "${name}" already`);
            }
            const time = box.iso(box.now());
            branches.push({ name, parent: from, made: time, time, own_bytes: 512, reached_bytes: 41_984, note });
            return { name, time, own_bytes: 512, elapsed_us: 38 };
        },
        remove: (name) => {
            const at = branches.findIndex((branch) => branch.name === name);
            if (at < 1) {
                throw new Wrong(at === 0 ? 400 : 404, at === 0 ? 'live cannot be deleted' : `no branch "${name}"`);
            }
            branches.splice(at, 1);
        },
    };
}

function get(box, branches, path, query) {
    const simple = {
        world: () => box.world(),
        systems: () => box.systems(),
        sensors: () => box.sensors(),
        scores: () => box.scores(),
        events: () => box.events(),
        parameters: () => box.parameters(),
        hypotheses: () => box.hypotheses?.() ?? { names: ['as known'], groups: [], forecasts: [] },
        branches: () => branches.list(),
        health: () => ({ status: 'ok', time: box.iso(box.now()), lag_s: 0, cycles: box.cycle() }),
    };
    if (simple[path] !== undefined) {
        return simple[path]();
    }
    if (path === 'values') {
        const pattern = query.get('address') ?? '';
        const values = box.values(pattern).filter(({ address }) => matches(pattern, address));
        if (values.length > most_values) {
            throw new Wrong(413, `more than ${most_values} addresses`);
        }
        if (values.length === 0) {
            throw new Wrong(404, `nothing matches "${query.get('address')}"`);
        }
        return { time: box.iso(box.now()), branch: 'live', values };
    }
    if (path === 'history') {
        const from = Date.parse(query.get('from') ?? '') / 1000;
        const history = query.get('learned') ?? query.get('hypotheses')
            ? box.keeps?.(query.get('learned'), from) ?? { columns: ['time'], rows: [], recorded: false }
            : box.history(query.get('address'), query.get('sensor'), from);
        if (history === null) {
            throw new Wrong(404, 'that is not recorded');
        }
        return history;
    }
    if (path === 'forecasts') {
        const field = query.get('field');
        return field === null ? box.forecasts() : box.forecasts().find((one) => one.field === field);
    }
    const [, system] = /^systems\/([^/]+)\/elements$/.exec(path) ?? [];
    if (system !== undefined && box.elements !== undefined) {
        return box.elements(system, query.get('class'), Number(query.get('offset') ?? 0), Number(query.get('limit') ?? 1000));
    }
    const suspects = path === 'suspects' ? box.suspects?.(query.get('event')) : null;
    if (suspects) {
        return suspects;
    }
    throw new Wrong(404, `there is no /api/v1/${path}`);
}

async function answer(box, branches, request, url) {
    const path = url.pathname.replace(/^\/api\/v1\//, '');
    if (request.method === 'GET') {
        return [200, get(box, branches, path, url.searchParams)];
    }
    if (request.method === 'POST' && path === 'branches') {
        return [201, branches.fork(await bodyOf(request))];
    }
    if (request.method === 'DELETE' && path.startsWith('branches/')) {
        branches.remove(decodeURIComponent(path.slice('branches/'.length)));
        return [204, null];
    }
    if (request.method === 'POST' && path === 'scenarios/run') {
        const result = box.ask(await bodyOf(request));
        if (result === null) {
            throw new Wrong(404, 'there is no such scenario');
        }
        if (result.fields.length > most_compared) {
            throw new Wrong(413, `a what-if compares at most ${most_compared} addresses`);
        }
        return [200, result];
    }
    throw new Wrong(405, `${request.method} is not known here`);
}

async function page(pathname) {
    const file = normalize(pathname === '/' ? '/index.html' : pathname);
    try {
        return [200, types[extname(file)] ?? 'application/octet-stream', await readFile(join(dist, file))];
    } catch {
        return [404, 'text/plain', 'not found'];
    }
}

/** Starts the stand-in on 127.0.0.1.
 * @returns {Promise<{url: string, tell: (message: object) => void, drop: () => void, close: () => Promise<void>}>} */
export async function startMock({ port = 0, speed = 10, live = true, world = 'box', size = {} } = {}) {
    const box = world === 'town' ? makeTown(speed, size) : makeBox(speed);
    const branches = branchTable(box);
    const server = createServer(async (request, response) => {
        const url = new URL(request.url, 'http://127.0.0.1');
        if (!url.pathname.startsWith('/api/v1/')) {
            const [status, type, bytes] = await page(url.pathname);
            response.writeHead(status, { 'Content-Type': type }).end(bytes);
            return;
        }
        try {
            const [status, data] = await answer(box, branches, request, url);
            response.writeHead(status, { 'Content-Type': 'application/json' }).end(data === null ? '' : JSON.stringify(data));
        } catch (problem) {
            const body = JSON.stringify({ error: { status: 'invalid', text: problem.message } });
            response.writeHead(problem.status ?? 500, { 'Content-Type': 'application/json' }).end(body);
        }
    });
    // without `live` every upgrade is refused, as by a proxy that knows no WebSocket
    const sockets = new WebSocketServer({ server, path: live ? '/api/v1/live' : '/nowhere' });
    const tell = (message) => {
        const text = JSON.stringify(message);
        sockets.clients.forEach((client) => client.send(text));
    };
    const timer = setInterval(() => box.step().forEach(tell), box.period_ms);
    await new Promise((done) => server.listen(port, '127.0.0.1', done));
    return {
        url: `http://127.0.0.1:${server.address().port}/`,
        tell,
        drop: () => sockets.clients.forEach((client) => client.terminate()),
        close: async () => {
            clearInterval(timer);
            sockets.clients.forEach((client) => client.terminate());
            server.closeAllConnections?.();
            await new Promise((done) => server.close(done)); // closing twice is fine
        },
    };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
    const [, , port = 8080, speed = 1, world = 'box'] = process.argv;
    const mock = await startMock({ port: Number(port), speed: Number(speed), world });
    console.log(`the stand-in serves ${mock.url}`);
}
