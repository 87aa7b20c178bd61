// Draws a network on a canvas. Lines and dots of one colour are one path, so that a frame costs as many strokes as there
// are colours, however many elements there are.

import type { Class } from './api';
import { stepOf, steps } from './colourscale';
import { isDot, middleOf, type Box, type Network } from './network';
import { rankOf, type Paint } from './planstate';

/** Where the reader looks: the plan's point in the middle, and pixels a unit. */
export interface View {
    x: number;
    y: number;
    scale: number;
}

export interface Frame {
    context: CanvasRenderingContext2D;
    width: number;
    height: number;
}

export interface Inks {
    ground: string;
    ink: string;
    none: string;
    accent: string;
    alarm: string;
    ramp: string[];
}

export interface Sizes {
    line: number;
    dot: number;
}

const margin_px = 28;
const most_zoom = 4000; // times the whole plan's scale
const most_nearer = 6; // times the whole plan's scale, to show an element that was looked for
const rim_px = 11;
const dash = [5, 4];
const most_haloed = 3000; // dots with a rim of the ground's colour
const dot_as_square = 1.6; // below this radius nobody sees the difference
const corner_reach = 1.3; // of a mark with corners, so that it looks as large as a dot
const thin = 0.55; // lines or dots that only carry the others

export function fitted(box: Box, { width, height }: { width: number; height: number }): View {
    const across = Math.max(box.right - box.left, 1e-9);
    const up = Math.max(box.top - box.bottom, 1e-9);
    const scale = Math.min(Math.max(width - 2 * margin_px, 20) / across, Math.max(height - 2 * margin_px, 20) / up);
    return { x: (box.left + box.right) / 2, y: (box.bottom + box.top) / 2, scale };
}

/** A view that has not lost the plan: not too far, not too near, its middle on the plan. */
export function kept(view: View, box: Box, frame: { width: number; height: number }): View {
    const whole = fitted(box, frame);
    return {
        x: Math.max(box.left, Math.min(box.right, view.x)),
        y: Math.max(box.bottom, Math.min(box.top, view.y)),
        scale: Math.max(whole.scale * 0.5, Math.min(whole.scale * most_zoom, view.scale)),
    };
}

export const toScreen = (view: View, { width, height }: { width: number; height: number }, x: number, y: number) => ({
    x: (x - view.x) * view.scale + width / 2,
    y: height / 2 - (y - view.y) * view.scale,
});

export const toPlan = (view: View, { width, height }: { width: number; height: number }, x: number, y: number) => ({
    x: (x - width / 2) / view.scale + view.x,
    y: (height / 2 - y) / view.scale + view.y,
});

/** Nearer or farther, the place at a pixel staying where it is. */
export function zoomed(
    view: View, box: Box, frame: { width: number; height: number }, at: { x: number; y: number }, factor: number,
): View {
    const still = toPlan(view, frame, at.x, at.y);
    const { scale } = kept({ ...view, scale: view.scale * factor }, box, frame);
    const share = view.scale / scale;
    return { x: still.x + (view.x - still.x) * share, y: still.y + (view.y - still.y) * share, scale };
}

/** A view in which an element can be made out: the same one where it already can. */
export function showing(view: View, net: Network, frame: { width: number; height: number }, element: number): View {
    const middle = middleOf(net, element);
    const near = fitted(net.box, frame).scale * Math.min(most_nearer, Math.max(1, Math.sqrt(net.count) / 20));
    const { x, y } = toScreen(view, frame, middle.x, middle.y);
    const inside = x > rim_px && y > rim_px && x < frame.width - rim_px && y < frame.height - rim_px;
    return inside && view.scale >= near * 0.99 ? view : { ...middle, scale: Math.max(view.scale, near) };
}

/** Sizes follow the room between neighbours; what carries the colours comes to the fore. */
export function sizesOf(net: Network, view: View, paint: Paint): Sizes {
    const room = net.spacing * view.scale;
    const line = Math.max(0.8, Math.min(4.5, room * 0.07));
    const dot = Math.max(1.1, Math.min(7, room * 0.14));
    return paint.ofLines ? { line, dot: Math.max(0.6, dot * thin) } : { line: Math.max(0.6, line * thin), dot };
}

// The order in which elements are drawn: by colour, those without a value first; dots apart from lines.
interface Order {
    paint: Paint;
    net: Network;
    lines: number[][];
    dots: number[][];
}

let order: Order | null = null;

function ordered(net: Network, paint: Paint): Order {
    if (order !== null && order.paint === paint && order.net === net) {
        return order;
    }
    const lines: number[][] = Array.from({ length: steps + 1 }, () => []);
    const dots: number[][] = Array.from({ length: steps + 1 }, () => []);
    for (let element = 0; element < net.count; element++) {
        const step = stepOf(paint.values[element] as number, paint.low, paint.high);
        (isDot(net, element) ? dots : lines)[step + 1]?.push(element);
    }
    order = { paint, net, lines, dots };
    return order;
}

function traceLine(frame: Frame, net: Network, view: View, element: number): void {
    const { context, width, height } = frame;
    const { x, y } = net;
    const from = net.start[element] as number;
    const end = net.start[element + 1] as number;
    const px = (at: number) => ((x[at] as number) - view.x) * view.scale + width / 2;
    const py = (at: number) => height / 2 - ((y[at] as number) - view.y) * view.scale;
    let left = Infinity;
    let right = -Infinity;
    let top = Infinity;
    let low = -Infinity;
    for (let at = from; at < end; at++) {
        left = Math.min(left, px(at));
        right = Math.max(right, px(at));
        top = Math.min(top, py(at));
        low = Math.max(low, py(at));
    }
    if (right < 0 || left > width || low < 0 || top > height) {
        return;
    }
    context.moveTo(px(from), py(from));
    for (let at = from + 1; at < end; at++) {
        context.lineTo(px(at), py(at));
    }
}

function drawLines(frame: Frame, net: Network, view: View, elements: number[], closed: Uint8Array | null): void {
    const { context } = frame;
    const dashed: number[] = [];
    context.beginPath();
    for (const element of elements) {
        if (closed !== null && closed[element] === 1) {
            dashed.push(element);
        } else {
            traceLine(frame, net, view, element);
        }
    }
    context.stroke();
    if (dashed.length > 0) {
        context.save();
        context.setLineDash(dash);
        context.lineCap = 'butt';
        context.beginPath();
        dashed.forEach((element) => traceLine(frame, net, view, element));
        context.stroke();
        context.restore();
    }
}

/** A mark about a point: a dot, or the corners that tell a rarer class. */
export function traceMark(context: CanvasRenderingContext2D, rank: number, x: number, y: number, size: number): void {
    const shapes = [0, 4, 3, 6, 5];
    const corners = shapes[Math.min(rank, shapes.length - 1)] as number;
    if (corners === 0) {
        context.moveTo(x + size, y);
        context.arc(x, y, size, 0, 2 * Math.PI);
        return;
    }
    const reach = size * corner_reach;
    const turn = corners === 4 ? Math.PI / 4 : -Math.PI / 2;
    for (let corner = 0; corner < corners; corner++) {
        const angle = turn + (2 * Math.PI * corner) / corners;
        const to: [number, number] = [x + reach * Math.cos(angle), y + reach * Math.sin(angle)];
        corner === 0 ? context.moveTo(...to) : context.lineTo(...to);
    }
    context.closePath();
}

export const markSize = (rank: number, sizes: Sizes) => (rank === 0 ? sizes.dot : Math.max(4, Math.min(7.5, sizes.dot * 1.5)));

function drawDots(frame: Frame, net: Network, view: View, elements: number[], ranks: number[], sizes: Sizes, grow: number) {
    const { context, width, height } = frame;
    context.beginPath();
    for (const element of elements) {
        const at = net.start[element] as number;
        const x = ((net.x[at] as number) - view.x) * view.scale + width / 2;
        const y = height / 2 - ((net.y[at] as number) - view.y) * view.scale;
        if (x < -12 || x > width + 12 || y < -12 || y > height + 12) {
            continue;
        }
        const rank = ranks[net.classOf[element] as number] as number;
        const size = markSize(rank, sizes) + grow;
        if (rank === 0 && size < dot_as_square) {
            context.rect(x - size, y - size, 2 * size, 2 * size);
        } else {
            traceMark(context, rank, x, y, size);
        }
    }
    context.fill();
}

/** Rarer classes of lines carry a mark half way, pointing from first to last. */
function drawMiddles(frame: Frame, net: Network, view: View, elements: number[], ranks: number[], sizes: Sizes): void {
    const { context } = frame;
    const size = Math.max(4, Math.min(8, sizes.line * 2.4));
    context.beginPath();
    for (const element of elements) {
        const rank = ranks[net.classOf[element] as number] as number;
        if (rank === 0) {
            continue;
        }
        const middle = middleOf(net, element);
        const { x, y } = toScreen(view, frame, middle.x, middle.y);
        const along = [middle.dx * size, -middle.dy * size] as const;
        const aside = [-along[1], along[0]] as const;
        const corner = (a: number, b: number): [number, number] => [x + a * along[0] + b * aside[0], y + a * along[1] + b * aside[1]];
        // a triangle for the commoner, a bow tie for the rarer
        const shape: [number, number][] = rank === 1
            ? [[1.1, 0], [-0.8, 0.95], [-0.8, -0.95]]
            : [[1, 0.8], [-1, -0.8], [-1, 0.8], [1, -0.8]];
        shape.forEach(([a, b], index) => (index === 0 ? context.moveTo(...corner(a, b)) : context.lineTo(...corner(a, b))));
        context.closePath();
    }
    context.fill();
    context.stroke();
}

/** The whole network in its colours. */
export function drawNetwork(
    frame: Frame, net: Network, view: View, paint: Paint, inks: Inks, closed: Uint8Array | null,
): void {
    const { context, width, height } = frame;
    const { lines, dots } = ordered(net, paint);
    const ranks = net.classes.map((kind) => rankOf(net, kind));
    const sizes = sizesOf(net, view, paint);
    const colourOf = (bin: number) => (bin === 0 ? inks.none : (inks.ramp[bin - 1] as string));
    const rare = net.classes.some(({ shape }, kind) => shape !== 'point' && (ranks[kind] as number) > 0);
    context.clearRect(0, 0, width, height);
    context.lineJoin = 'round';
    context.lineCap = 'round';
    lines.forEach((elements, bin) => {
        if (elements.length > 0) {
            context.strokeStyle = colourOf(bin);
            context.lineWidth = sizes.line;
            drawLines(frame, net, view, elements, closed);
        }
    });
    const haloed = sizes.dot > 2.5 && net.count < most_haloed;
    if (haloed) {
        context.fillStyle = inks.ground;
        dots.forEach((elements) => elements.length > 0 && drawDots(frame, net, view, elements, ranks, sizes, 1.5));
    }
    dots.forEach((elements, bin) => {
        if (elements.length > 0) {
            context.fillStyle = colourOf(bin);
            drawDots(frame, net, view, elements, ranks, sizes, 0);
        }
    });
    lines.forEach((elements, bin) => {
        if (rare && elements.length > 0) {
            context.fillStyle = colourOf(bin);
            context.strokeStyle = inks.ground;
            context.lineWidth = 1.25;
            drawMiddles(frame, net, view, elements, ranks, sizes);
        }
    });
}

/** What is laid over the network: sensors, what is pointed at, picked, asked about. */
export interface Overlay {
    sensed: Iterable<number>;
    pointed: number | null;
    picked: number | null;
    subject: number | null;
    /** The likeliest suspects, the first first. */
    ranked: number[];
    /** A reader with a keyboard points with the middle. */
    cross: boolean;
}

function ring(frame: Frame, at: { x: number; y: number }, size: number, colour: string, width: number): void {
    const { context } = frame;
    context.beginPath();
    context.arc(at.x, at.y, size, 0, 2 * Math.PI);
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.stroke();
}

/** How far a mark reaches from its middle. */
function reachOf(net: Network, element: number, sizes: Sizes): number {
    const rank = rankOf(net, net.classes[net.classOf[element] as number] as Class);
    return markSize(rank, sizes) * (rank === 0 ? 1 : corner_reach);
}

function drawSensors(frame: Frame, net: Network, view: View, inks: Inks, sizes: Sizes, sensed: Iterable<number>): void {
    const { context } = frame;
    for (const element of sensed) {
        const middle = middleOf(net, element);
        const at = toScreen(view, frame, middle.x, middle.y);
        if (isDot(net, element)) {
            ring(frame, at, Math.max(4, reachOf(net, element, sizes) + 2.5), inks.ink, 1.5);
            continue;
        }
        const size = 4.5;
        context.beginPath();
        context.moveTo(at.x, at.y - size);
        context.lineTo(at.x + size, at.y);
        context.lineTo(at.x, at.y + size);
        context.lineTo(at.x - size, at.y);
        context.closePath();
        context.fillStyle = inks.ground;
        context.fill();
        context.strokeStyle = inks.ink;
        context.lineWidth = 1.5;
        context.stroke();
    }
}

function outline(frame: Frame, net: Network, view: View, sizes: Sizes, element: number, colour: string, width: number): void {
    const { context } = frame;
    if (isDot(net, element)) {
        const at = net.start[element] as number;
        ring(frame, toScreen(view, frame, net.x[at] as number, net.y[at] as number), Math.max(6, reachOf(net, element, sizes) + 4), colour, width);
        return;
    }
    context.save();
    context.globalAlpha = 0.45;
    context.beginPath();
    traceLine(frame, net, view, element);
    context.lineCap = 'round';
    context.lineJoin = 'round';
    context.strokeStyle = colour;
    context.lineWidth = sizes.line + 4 * width;
    context.stroke();
    context.restore();
}

/** Where the question's event happens. */
function drawSubject(frame: Frame, at: { x: number; y: number }, inks: Inks): void {
    const { context } = frame;
    const size = 5;
    context.lineCap = 'round';
    for (const [colour, width] of [[inks.ground, 6], [inks.alarm, 2.75]] as const) {
        context.beginPath();
        context.moveTo(at.x - size, at.y - size);
        context.lineTo(at.x + size, at.y + size);
        context.moveTo(at.x - size, at.y + size);
        context.lineTo(at.x + size, at.y - size);
        context.strokeStyle = colour;
        context.lineWidth = width;
        context.stroke();
    }
}

function drawRank(frame: Frame, at: { x: number; y: number }, rank: number, inks: Inks): void {
    const { context } = frame;
    context.beginPath();
    context.arc(at.x, at.y, 8.5, 0, 2 * Math.PI);
    context.fillStyle = inks.ground;
    context.fill();
    context.strokeStyle = inks.alarm;
    context.lineWidth = 1.75;
    context.stroke();
    context.fillStyle = inks.ink;
    context.font = '600 10.5px system-ui, sans-serif';
    context.textAlign = 'center';
    context.textBaseline = 'middle';
    context.fillText(String(rank), at.x, at.y + 0.5);
}

export function drawOverlay(frame: Frame, net: Network, view: View, paint: Paint, inks: Inks, over: Overlay): void {
    const { context, width, height } = frame;
    const sizes = sizesOf(net, view, paint);
    const placeOf = (element: number) => {
        const middle = middleOf(net, element);
        return toScreen(view, frame, middle.x, middle.y);
    };
    context.clearRect(0, 0, width, height);
    drawSensors(frame, net, view, inks, sizes, over.sensed);
    if (over.picked !== null) {
        outline(frame, net, view, sizes, over.picked, inks.accent, 2.5);
    }
    if (over.pointed !== null && over.pointed !== over.picked) {
        outline(frame, net, view, sizes, over.pointed, inks.ink, 1.5);
    }
    if (over.subject !== null) {
        drawSubject(frame, placeOf(over.subject), inks);
    }
    over.ranked.forEach((element, index) => drawRank(frame, placeOf(element), index + 1, inks));
    if (over.cross) {
        context.beginPath();
        for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]] as const) {
            context.moveTo(width / 2 + 5 * dx, height / 2 + 5 * dy);
            context.lineTo(width / 2 + 13 * dx, height / 2 + 13 * dy);
        }
        context.strokeStyle = inks.ink;
        context.lineWidth = 1.5;
        context.stroke();
    }
}
