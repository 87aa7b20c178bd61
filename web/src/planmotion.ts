// How a reader moves the plan and points at it: drag, wheel, pinch, click, keys.

import { pick } from './planstate';

const reach_px = 11;
const finger_px = 20;
const cross_px = 44;
const still_px = 4; // a press that moves less is a click
const zoom_step = 1.4;
const pan_px = 60;
const line_px = 30; // a wheel that counts in lines
const most_wheel_px = 200;
const wheel_px = 350; // for a factor of e

/** What the picture does; places are pixels from its upper left corner. */
export interface Motions {
    room: () => { width: number; height: number };
    pan: (dx: number, dy: number) => void;
    zoom: (x: number, y: number, factor: number) => void;
    fit: () => void;
    find: (x: number, y: number, reach: number) => number | null;
    point: (element: number | null, x: number, y: number) => void;
    pointed: () => number | null;
    /** Whether the reader works by keys: then the middle of the picture points. */
    key: (on: boolean) => void;
}

interface Place {
    x: number;
    y: number;
}

function placeOf(canvas: HTMLElement, event: MouseEvent): Place {
    const { left, top } = canvas.getBoundingClientRect();
    return { x: event.clientX - left, y: event.clientY - top };
}

/** Mouse and fingers. */
export function listenToPointers(canvas: HTMLElement, motions: Motions): void {
    const fingers = new Map<number, Place>();
    let moved = 0;
    const pinch = (now: Place, before: Place, other: Place) => {
        const apart = (one: Place) => Math.max(1, Math.hypot(one.x - other.x, one.y - other.y));
        motions.pan((now.x - before.x) / 2, (now.y - before.y) / 2);
        motions.zoom((now.x + other.x) / 2, (now.y + other.y) / 2, apart(now) / apart(before));
    };
    const up = (event: PointerEvent) => {
        const was = fingers.delete(event.pointerId);
        if (was && event.type === 'pointerup' && moved <= still_px) {
            const { x, y } = placeOf(canvas, event);
            pick(motions.find(x, y, event.pointerType === 'touch' ? finger_px : reach_px));
        }
    };
    canvas.addEventListener('pointerdown', (event) => {
        if (event.button === 0) {
            fingers.set(event.pointerId, placeOf(canvas, event));
            moved = fingers.size > 1 ? Infinity : 0;
            motions.key(false);
            canvas.setPointerCapture(event.pointerId);
        }
    });
    canvas.addEventListener('pointermove', (event) => {
        const now = placeOf(canvas, event);
        const before = fingers.get(event.pointerId);
        if (before === undefined) {
            motions.point(motions.find(now.x, now.y, reach_px), now.x, now.y);
            return;
        }
        moved += Math.hypot(now.x - before.x, now.y - before.y);
        const other = [...fingers].find(([id]) => id !== event.pointerId)?.[1];
        if (other !== undefined) {
            pinch(now, before, other);
        } else if (moved > still_px) {
            motions.pan(now.x - before.x, now.y - before.y);
        }
        fingers.set(event.pointerId, now);
    });
    canvas.addEventListener('pointerup', up);
    canvas.addEventListener('pointercancel', up);
    canvas.addEventListener('pointerleave', () => motions.point(null, 0, 0));
    const turn = (event: WheelEvent) => {
        event.preventDefault();
        const { x, y } = placeOf(canvas, event);
        const delta = event.deltaY * (event.deltaMode === WheelEvent.DOM_DELTA_LINE ? line_px : 1);
        motions.zoom(x, y, Math.exp(-Math.max(-most_wheel_px, Math.min(most_wheel_px, delta)) / wheel_px));
    };
    canvas.addEventListener('wheel', turn, { passive: false });
}

export function listenToKeys(canvas: HTMLElement, motions: Motions): void {
    const middle = (): [number, number] => [motions.room().width / 2, motions.room().height / 2];
    const actions: Record<string, () => void> = {
        ArrowLeft: () => motions.pan(pan_px, 0),
        ArrowRight: () => motions.pan(-pan_px, 0),
        ArrowUp: () => motions.pan(0, pan_px),
        ArrowDown: () => motions.pan(0, -pan_px),
        '+': () => motions.zoom(...middle(), zoom_step),
        '=': () => motions.zoom(...middle(), zoom_step),
        '-': () => motions.zoom(...middle(), 1 / zoom_step),
        '0': motions.fit,
        Enter: () => pick(motions.pointed()),
        ' ': () => pick(motions.pointed()),
        Escape: () => pick(null),
    };
    canvas.addEventListener('keydown', (event) => {
        const action = event.ctrlKey || event.metaKey || event.altKey ? undefined : actions[event.key];
        if (action !== undefined) {
            event.preventDefault();
            action();
            motions.key(true);
            motions.point(motions.find(...middle(), cross_px), ...middle());
        }
    });
    canvas.addEventListener('blur', () => {
        motions.key(false);
        motions.point(null, 0, 0);
    });
}
