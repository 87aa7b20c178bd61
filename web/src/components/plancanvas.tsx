// The plan's picture and the ways to move it: drag, wheel, pinch, buttons, keys.

import { effect, useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { colours, onScheme } from '../chart';
import { rampOf } from '../colourscale';
import { numberText, spreadText } from '../format';
import { className, elementOf, nearest, type Network } from '../network';
import {
    drawNetwork, drawOverlay, fitted, kept, showing, toPlan, zoomed, type Frame, type Inks, type View,
} from '../plandraw';
import { listenToKeys, listenToPointers, type Motions } from '../planmotion';
import {
    accused, answered, columns, least_told, paint, picked, sensed, shut, suspicions, type Paint,
} from '../planstate';
import { planSeen } from '../planfeed';
import { sensors } from '../store';
import { asDifference, convert } from '../units';

const most_ranked = 5;

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
        const look = (next: View | null) => {
            view = next === null ? null : kept(next, net.box, room());
            tip.value = null;
            wake('base');
        };
        const motions: Motions = {
            room,
            pan: (dx, dy) => look(view && { ...view, x: view.x - dx / view.scale, y: view.y + dy / view.scale }),
            zoom: (x, y, factor) => look(view && zoomed(view, net.box, room(), { x, y }, factor)),
            fit: () => look(fitted(net.box, room())),
            find: (x, y, reach) => {
                const here = view === null ? null : toPlan(view, room(), x, y);
                return view === null || here === null ? null : nearest(net, here.x, here.y, reach / view.scale);
            },
            point: (element, x, y) => {
                pointed.value = element;
                tip.value = element === null ? null : { x, y, left: x > room().width / 2 };
                at.style.cursor = element === null ? '' : 'pointer';
            },
            pointed: () => pointed.peek(),
            key: (on) => (keyed.value = on),
        };
        hold({
            zoom: (factor) => motions.zoom(room().width / 2, room().height / 2, factor),
            fit: motions.fit,
            show: (element) => look(showing(view ?? fitted(net.box, room()), net, room(), element)),
        });
        listenToPointers(over, motions);
        listenToKeys(over, motions);

        let before = room();
        const sizes = new ResizeObserver(() => {
            const now = room();
            if (view !== null && before.width > 0) {
                const grown = fitted(net.box, now).scale / fitted(net.box, before).scale;
                view = kept({ ...view, scale: view.scale * grown }, net.box, now);
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
