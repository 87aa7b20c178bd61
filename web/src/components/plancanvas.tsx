// The plan's picture and the ways to move it: drag, wheel, pinch, buttons, keys.

import { effect, useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { colours, onScheme } from '../chart';
import { rampOf } from '../colourscale';
import { numberText, spreadText } from '../format';
import { className, elementOf, middleOf, nearest, type Network } from '../network';
import { drawNetwork, drawOverlay, fitted, kept, toPlan, toScreen, type Frame, type Inks, type View } from '../plandraw';
import {
    accused, answered, columns, least_told, paint, pick, picked, sensed, shut, suspicions, type Paint,
} from '../planstate';
import { planSeen } from '../planfeed';
import { sensors } from '../store';
import { asDifference, convert } from '../units';

const reach_px = 11;
const finger_px = 20;
const still_px = 4; // a press that moves less is a click
const zoom_step = 1.4;
const pan_px = 60;
const most_ranked = 5;
const near_scale = 6; // found elements are shown from at most this many whole plans away

/** What others may do with the view. */
export interface Camera {
    zoom: (factor: number) => void;
    fit: () => void;
    show: (element: number) => void;
}

function inksOf(shown: Paint | null): Inks {
    const named = colours();
    const style = getComputedStyle(document.documentElement);
    const dark = window.matchMedia('(prefers-color-scheme: dark)').matches;
    return {
        ground: style.getPropertyValue('--plan').trim(),
        none: style.getPropertyValue('--unknown').trim(),
        accent: style.getPropertyValue('--accent').trim(),
        ink: named.ink,
        alarm: named.alarm,
        ramp: rampOf(shown?.ramp ?? 'sequential', dark),
    };
}

function frameOf(canvas: HTMLCanvasElement): Frame | null {
    const { clientWidth: width, clientHeight: height } = canvas;
    const context = canvas.getContext('2d');
    if (context === null || width === 0 || height === 0) {
        return null;
    }
    const ratio = window.devicePixelRatio;
    const [wide, high] = [Math.round(width * ratio), Math.round(height * ratio)];
    if (canvas.width !== wide || canvas.height !== high) {
        canvas.width = wide;
        canvas.height = high;
    }
    context.setTransform(wide / width, 0, 0, high / height, 0, 0);
    return { context, width, height };
}

/** The value of an element as the plan has it, in words. */
function valueText(net: Network, element: number): string {
    const shown = paint.value;
    const value = shown?.values[element];
    if (shown === null || value === undefined || Number.isNaN(value)) {
        return '';
    }
    const here = columns.value;
    const spread = shown.kind === 'now' && here?.net === net && here.columns.mean === shown.values
        ? convert(here.columns.spread[element], asDifference(shown.display)) : null;
    const sign = shown.kind === 'what-if' && value > 0 ? '+' : '';
    const about = spread === null || spread === 0 ? '' : ` ± ${spreadText(spread)}`;
    return `${sign}${numberText(convert(value, shown.display), spread)}${about} ${shown.display.unit}`;
}

function Tip({ net, element, at }: { net: Network; element: number; at: { x: number; y: number; left: boolean } }) {
    const names = sensed.value.get(element) ?? [];
    const closed = shut.value?.net === net && shut.value.marks[element] === 1;
    const value = valueText(net, element);
    return (
        <div class={at.left ? 'plan-tip left' : 'plan-tip'} style={{ left: `${at.x}px`, top: `${at.y}px` }} data-testid="plan-tip">
            <b>{net.names[element]}</b> <small>{className(net, element)}{closed ? ', closed' : ''}</small>
            {value === '' ? null : <p>{value} <em>{paint.value?.title}</em></p>}
            {names.length === 0 ? null : <p class="note">◇ {names.join(', ')}</p>}
        </div>
    );
}

function ranked(net: Network): number[] {
    const suspicion = accused.value === null ? undefined : suspicions.value.get(accused.value);
    const likely = (suspicion?.suspects ?? []).filter(({ probability }) => probability >= least_told);
    const found = likely.map(({ address }) => elementOf(net, address ?? ''));
    return found.filter((one): one is number => one !== null).slice(0, most_ranked);
}

export function PlanCanvas({ net, hold }: { net: Network; hold: (camera: Camera | null) => void }) {
    const box = useRef<HTMLDivElement>(null);
    const below = useRef<HTMLCanvasElement>(null);
    const above = useRef<HTMLCanvasElement>(null);
    const pointed = useSignal<number | null>(null);
    const tip = useSignal<{ x: number; y: number; left: boolean } | null>(null);
    const keyed = useSignal(false);

    useEffect(() => {
        const [at, base, over] = [box.current, below.current, above.current] as [HTMLDivElement, HTMLCanvasElement, HTMLCanvasElement];
        let view: View | null = null;
        let inks: Inks | null = null;
        let inksFor = '';
        let stale = { base: true, over: true };
        let frame = 0;
        const room = () => ({ width: at.clientWidth, height: at.clientHeight });

        const draw = () => {
            frame = 0;
            const shown = paint.peek();
            const sheet = frameOf(base);
            const overlay = frameOf(over);
            if (shown === null || sheet === null || overlay === null) {
                return;
            }
            if (inks === null || inksFor !== shown.ramp) {
                inks = inksOf(shown);
                inksFor = shown.ramp;
            }
            view ??= fitted(net.box, sheet);
            if (stale.base) {
                drawNetwork(sheet, net, view, shown, inks, shut.peek()?.net === net ? (shut.peek()?.marks ?? null) : null);
                base.dataset.drawn = String(Number(base.dataset.drawn ?? 0) + 1);
            }
            drawOverlay(overlay, net, view, shown, inks, {
                sensed: sensed.peek().keys(),
                pointed: pointed.peek(),
                picked: picked.peek(),
                subject: answered.peek()?.net === net ? (answered.peek()?.subject ?? null) : null,
                ranked: ranked(net),
                cross: keyed.peek(),
            });
            stale = { base: false, over: false };
        };
        const wake = (what: 'base' | 'over') => {
            stale[what] = true;
            frame ||= requestAnimationFrame(draw);
        };
        const look = (next: View) => {
            view = kept(next, net.box, room());
            tip.value = null;
            wake('base');
        };
        const around = (x: number, y: number, factor: number) => {
            if (view !== null) {
                const fixed = toPlan(view, room(), x, y);
                const scale = kept({ ...view, scale: view.scale * factor }, net.box, room()).scale;
                const still = view.scale / scale;
                look({ x: fixed.x + (view.x - fixed.x) * still, y: fixed.y + (view.y - fixed.y) * still, scale });
            }
        };
        const pan = (dx: number, dy: number) => {
            if (view !== null) {
                look({ ...view, x: view.x - dx / view.scale, y: view.y + dy / view.scale });
            }
        };
        const find = (x: number, y: number, reach: number): number | null => {
            if (view === null) {
                return null;
            }
            const here = toPlan(view, room(), x, y);
            return nearest(net, here.x, here.y, reach / view.scale);
        };
        const point = (element: number | null, x: number, y: number) => {
            pointed.value = element;
            tip.value = element === null ? null : { x, y, left: x > room().width / 2 };
            at.style.cursor = element === null ? '' : 'pointer';
        };
        const camera: Camera = {
            zoom: (factor) => around(room().width / 2, room().height / 2, factor),
            fit: () => look(fitted(net.box, room())),
            show: (element) => {
                const middle = middleOf(net, element);
                const near = fitted(net.box, room()).scale * Math.min(near_scale, Math.max(1, Math.sqrt(net.count) / 20));
                const { x, y } = toScreen(view ?? fitted(net.box, room()), room(), middle.x, middle.y);
                const inside = x > reach_px && y > reach_px && x < room().width - reach_px && y < room().height - reach_px;
                if (inside && (view?.scale ?? 0) >= near * 0.99) {
                    return; // it is seen already
                }
                look({ ...middle, scale: Math.max(view?.scale ?? 0, near) });
            },
        };
        hold(camera);

        const fingers = new Map<number, { x: number; y: number }>();
        let moved = 0;
        const placeOf = (event: MouseEvent) => {
            const { left, top } = at.getBoundingClientRect();
            return { x: event.clientX - left, y: event.clientY - top };
        };
        const down = (event: PointerEvent) => {
            if (event.button === 0) {
                fingers.set(event.pointerId, placeOf(event));
                moved = fingers.size > 1 ? Infinity : 0;
                keyed.value = false;
                over.setPointerCapture(event.pointerId);
            }
        };
        const move = (event: PointerEvent) => {
            const now = placeOf(event);
            const before = fingers.get(event.pointerId);
            if (before === undefined) {
                point(find(now.x, now.y, reach_px), now.x, now.y);
                return;
            }
            const [dx, dy] = [now.x - before.x, now.y - before.y];
            moved += Math.hypot(dx, dy);
            if (fingers.size === 1 && moved > still_px) {
                pan(dx, dy);
            } else if (fingers.size === 2) {
                const other = [...fingers].find(([id]) => id !== event.pointerId)?.[1] ?? now;
                const apart = (one: { x: number; y: number }) => Math.max(1, Math.hypot(one.x - other.x, one.y - other.y));
                pan(dx / 2, dy / 2);
                around((now.x + other.x) / 2, (now.y + other.y) / 2, apart(now) / apart(before));
            }
            fingers.set(event.pointerId, now);
        };
        const up = (event: PointerEvent) => {
            const was = fingers.delete(event.pointerId);
            if (was && event.type === 'pointerup' && moved <= still_px) {
                const { x, y } = placeOf(event);
                pick(find(x, y, event.pointerType === 'touch' ? finger_px : reach_px));
            }
        };
        const leave = () => point(null, 0, 0);
        const wheel = (event: WheelEvent) => {
            event.preventDefault();
            const { x, y } = placeOf(event);
            const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 30 : 1;
            around(x, y, Math.exp(-Math.max(-200, Math.min(200, event.deltaY * lines)) / 350));
        };
        const aim = () => {
            const { width, height } = room();
            keyed.value = true;
            point(find(width / 2, height / 2, 4 * reach_px), width / 2, height / 2);
        };
        const actions: Record<string, () => void> = {
            ArrowLeft: () => pan(pan_px, 0),
            ArrowRight: () => pan(-pan_px, 0),
            ArrowUp: () => pan(0, pan_px),
            ArrowDown: () => pan(0, -pan_px),
            '+': () => camera.zoom(zoom_step),
            '=': () => camera.zoom(zoom_step),
            '-': () => camera.zoom(1 / zoom_step),
            '0': camera.fit,
            Enter: () => pick(pointed.peek()),
            ' ': () => pick(pointed.peek()),
            Escape: () => pick(null),
        };
        const key = (event: KeyboardEvent) => {
            const action = event.ctrlKey || event.metaKey || event.altKey ? undefined : actions[event.key];
            if (action !== undefined) {
                event.preventDefault();
                action();
                aim();
            }
        };
        const blur = () => {
            keyed.value = false;
            leave();
        };
        over.addEventListener('pointerdown', down);
        over.addEventListener('pointermove', move);
        over.addEventListener('pointerup', up);
        over.addEventListener('pointercancel', up);
        over.addEventListener('pointerleave', leave);
        over.addEventListener('wheel', wheel, { passive: false });
        over.addEventListener('keydown', key);
        over.addEventListener('blur', blur);

        let before = room();
        const sizes = new ResizeObserver(() => {
            const now = room();
            if (view !== null && before.width > 0) {
                view = kept({ ...view, scale: (view.scale * Math.min(now.width, now.height * 2)) / Math.min(before.width, before.height * 2) }, net.box, now);
            }
            before = now;
            wake('base');
        });
        sizes.observe(at);
        const sight = new IntersectionObserver((entries) => {
            planSeen.value = entries[entries.length - 1]?.isIntersecting ?? true;
        });
        sight.observe(at);
        const stopScheme = onScheme(() => {
            inks = null;
            wake('base');
        });
        const stopBase = effect(() => {
            void [paint.value, shut.value];
            wake('base');
        });
        const stopOver = effect(() => {
            void [pointed.value, picked.value, sensed.value, sensors.value.length, answered.value, accused.value, keyed.value];
            wake('over');
        });
        return () => {
            cancelAnimationFrame(frame);
            [stopScheme, stopBase, stopOver].forEach((stop) => stop());
            sizes.disconnect();
            sight.disconnect();
            hold(null);
        };
    }, [net]);

    const element = pointed.value;
    return (
        <div class="plan-picture" ref={box}>
            <canvas ref={below} aria-hidden="true" data-testid="plan-base" />
            <canvas ref={above} tabIndex={0} role="application" data-testid="plan-canvas"
                aria-label={`Plan of ${net.system}: ${net.count} elements. Arrows move it, plus and minus zoom, zero shows all, Enter picks what is in the middle.`} />
            <div aria-live={keyed.value ? 'polite' : 'off'}>
                {element === null || tip.value === null ? null : <Tip net={net} element={element} at={tip.value} />}
            </div>
        </div>
    );
}
