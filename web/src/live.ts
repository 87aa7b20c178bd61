// Keeps the page in step with the twin: a WebSocket that comes back by itself, and polling while it is away.

import { api, liveAddress, seconds, type LiveMessage } from './api';
import { connection, openWorld, refresh, refreshValues, takeMessage, time_s, world } from './store';

const first_wait_ms = 500;
const longest_wait_ms = 15_000;
const slow_refresh_ms = 20_000; // what no live message carries: scores, branches, counts, values of no record
const shortest_poll_ms = 1000;

let wait_ms = first_wait_ms;
let pollTimer: number | undefined;
let connectTimer: number | undefined;
let socket: WebSocket | null = null;
let heardBefore: number | null = null;
let waiting: LiveMessage[] = [];

// A hidden tab gets no animation frames; the messages that pile up there are worth no more than the newest cycle.
const most_waiting = 50;

function deliver(): void {
    const messages = waiting;
    waiting = [];
    const newest = messages.map((message) => message.type).lastIndexOf('cycle');
    messages.forEach((message, index) => {
        if (message.type !== 'cycle' || index === newest) {
            takeMessage(message);
        }
    });
}

function receive(text: string): void {
    let message: LiveMessage;
    try {
        message = JSON.parse(text) as LiveMessage;
    } catch {
        return; // a broken message is not worth the connection: the next cycle brings all again
    }
    waiting.push(message);
    if (waiting.length === 1) {
        requestAnimationFrame(deliver);
    }
    if (waiting.length > most_waiting) {
        deliver();
    }
}

function stopPolling(): void {
    clearTimeout(pollTimer);
    pollTimer = undefined;
}

function startPolling(): void {
    if (pollTimer !== undefined) {
        return;
    }
    const poll = async () => {
        try {
            await (world.value === null ? openWorld() : refreshValues());
            const tables = [
                refresh.world, refresh.sensors, refresh.parameters, refresh.hypotheses, refresh.events, refresh.forecasts,
            ];
            await Promise.allSettled(tables.map((read) => read()));
            if (connection.value === 'offline') {
                connectSoon(first_wait_ms); // it answers again: no need to sit out a long wait
            }
            connection.value = connection.value === 'live' ? 'live' : 'polling';
        } catch {
            connection.value = 'offline';
        }
        if (pollTimer !== undefined) {
            pollTimer = window.setTimeout(poll, Math.max(shortest_poll_ms, (world.value?.cycle_s ?? 1) * 1000));
        }
    };
    pollTimer = window.setTimeout(poll, shortest_poll_ms);
}

function connect(): void {
    socket = new WebSocket(liveAddress());
    socket.onopen = () => {
        wait_ms = first_wait_ms;
        connection.value = 'live';
        stopPolling();
        // what happened while the line was down is in the tables, not in the messages to come
        void openWorld().catch(() => undefined);
    };
    socket.onmessage = (event: MessageEvent<unknown>) => {
        if (typeof event.data === 'string') {
            receive(event.data);
        }
    };
    socket.onclose = () => {
        if (connection.value === 'live') {
            connection.value = 'connecting';
        }
        startPolling();
        connectSoon(wait_ms);
        wait_ms = Math.min(2 * wait_ms, longest_wait_ms);
    };
}

/** Opens a line that is down; a little chance keeps many pages from coming back in the same instant. */
function connectSoon(within_ms: number): void {
    if (socket !== null && socket.readyState !== WebSocket.CLOSED) {
        return;
    }
    clearTimeout(connectTimer);
    connectTimer = window.setTimeout(connect, within_ms * (0.75 + Math.random() / 2));
}

/** A line that died in its sleep looks open: then the server's time goes on while no message comes. */
async function mistrust(): Promise<void> {
    const heard = time_s.value;
    if (connection.value === 'live' && heard === heardBefore) {
        const told = seconds((await api.world()).time);
        if (told !== null && heard !== null && told > heard + (world.value?.cycle_s ?? 0) && time_s.value === heard) {
            socket?.close();
        }
    }
    heardBefore = heard;
}

export function goLive(): void {
    connect();
    window.setInterval(() => {
        if (connection.value !== 'offline' && document.visibilityState === 'visible') {
            const tables = [refresh.scores, refresh.branches, refresh.sensors, refresh.parameters, refreshValues, mistrust];
            void Promise.allSettled(tables.map((read) => read()));
        }
    }, slow_refresh_ms);
}
