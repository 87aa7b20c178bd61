// A system as it lies on a plan: its elements' points in flat arrays, and a grid to find them by place.

import { api, type Class, type System } from './api';

export interface Box {
    left: number;
    right: number;
    bottom: number;
    top: number;
}

export interface Network {
    system: string;
    /** Classes with a place; an element's class is a number into them. */
    classes: Class[];
    count: number;
    names: string[];
    classOf: Uint8Array;
    /** Element e has the points start[e] .. start[e + 1] - 1; one of them alone makes it a dot. */
    start: Uint32Array;
    x: Float64Array;
    y: Float64Array;
    numbers: Map<string, number>;
    box: Box;
    /** A typical distance between neighbours: it sizes what is drawn. */
    spacing: number;
    grid: Grid;
}

interface Grid {
    size: number;
    columns: number;
    rows: number;
    cells: (number[] | undefined)[];
}

const page_size = 20_000;
const most_elements = 200_000; // drawn; a larger system needs another picture than every element
const least_places = 4; // fewer say less than the list of values does
const most_classes = 255;

const keyOf = (kind: string, name: string) => `${kind}/${name}`;

export const isDot = (net: Network, element: number) =>
    (net.start[element + 1] as number) - (net.start[element] as number) === 1;

export const className = (net: Network, element: number) => (net.classes[net.classOf[element] as number] as Class).name;

export function addressOf(net: Network, element: number, field: string): string {
    return `${net.system}/${className(net, element)}/${net.names[element]}/${field}`;
}

/** The number of the element that an address names, with or without its class; null where it has no place. */
export function elementOf(net: Network, address: string): number | null {
    const parts = address.split('/');
    if (parts[0] !== net.system || parts.length < 3) {
        return null;
    }
    if (parts.length > 3) {
        return net.numbers.get(keyOf(parts[1] as string, parts.slice(2, -1).join('/'))) ?? null;
    }
    const [, name = '', field = ''] = parts;
    for (const kind of net.classes) {
        const found = net.numbers.get(keyOf(kind.name, name));
        if (found !== undefined && kind.fields.some((one) => one.name === field)) {
            return found;
        }
    }
    return null;
}

/** Where an element is pointed at: a dot itself, a line half way along. */
export function middleOf(net: Network, element: number): { x: number; y: number; dx: number; dy: number } {
    const from = net.start[element] as number;
    const end = net.start[element + 1] as number;
    const { x, y } = net;
    let whole = 0;
    for (let at = from + 1; at < end; at++) {
        whole += Math.hypot(x[at]! - x[at - 1]!, y[at]! - y[at - 1]!);
    }
    let left = whole / 2;
    for (let at = from + 1; at < end; at++) {
        const dx = x[at]! - x[at - 1]!;
        const dy = y[at]! - y[at - 1]!;
        const length = Math.hypot(dx, dy);
        if (length > 0 && left <= length) {
            const share = left / length;
            return { x: x[at - 1]! + share * dx, y: y[at - 1]! + share * dy, dx: dx / length, dy: dy / length };
        }
        left -= length;
    }
    return { x: x[from]!, y: y[from]!, dx: 1, dy: 0 };
}

function boxOf(x: Float64Array, y: Float64Array): Box {
    const box = { left: Infinity, right: -Infinity, bottom: Infinity, top: -Infinity };
    for (let at = 0; at < x.length; at++) {
        box.left = Math.min(box.left, x[at]!);
        box.right = Math.max(box.right, x[at]!);
        box.bottom = Math.min(box.bottom, y[at]!);
        box.top = Math.max(box.top, y[at]!);
    }
    return box;
}

const cellOf = ({ size, columns, rows }: Grid, box: Box, x: number, y: number): [number, number] => [
    Math.max(0, Math.min(columns - 1, Math.floor((x - box.left) / size))),
    Math.max(0, Math.min(rows - 1, Math.floor((y - box.bottom) / size))),
];

function makeGrid(box: Box, count: number): Grid {
    const width = Math.max(box.right - box.left, 1e-9);
    const height = Math.max(box.top - box.bottom, 1e-9);
    const size = Math.max(Math.sqrt((width * height) / Math.max(count, 1)), Math.max(width, height) / 2000);
    return { size, columns: Math.ceil(width / size), rows: Math.ceil(height / size), cells: [] };
}

function fillGrid(net: Network): void {
    const { grid, box, x, y } = net;
    const put = (element: number, px: number, py: number) => {
        const [column, row] = cellOf(grid, box, px, py);
        const cell = (grid.cells[row * grid.columns + column] ??= []);
        if (cell[cell.length - 1] !== element) {
            cell.push(element);
        }
    };
    for (let element = 0; element < net.count; element++) {
        const from = net.start[element] as number;
        put(element, x[from]!, y[from]!);
        for (let at = from + 1; at < (net.start[element + 1] as number); at++) {
            // steps of half a cell leave none out but corners, and those are in reach of a neighbour
            const dx = x[at]! - x[at - 1]!;
            const dy = y[at]! - y[at - 1]!;
            const steps = Math.max(1, Math.ceil((2 * Math.hypot(dx, dy)) / grid.size));
            for (let step = 1; step <= steps; step++) {
                put(element, x[at - 1]! + (dx * step) / steps, y[at - 1]! + (dy * step) / steps);
            }
        }
    }
}

function distance(net: Network, element: number, px: number, py: number): number {
    const { x, y } = net;
    const from = net.start[element] as number;
    let least = Math.hypot(x[from]! - px, y[from]! - py);
    for (let at = from + 1; at < (net.start[element + 1] as number); at++) {
        const dx = x[at]! - x[at - 1]!;
        const dy = y[at]! - y[at - 1]!;
        const along = ((px - x[at - 1]!) * dx + (py - y[at - 1]!) * dy) / (dx * dx + dy * dy || 1);
        const share = Math.max(0, Math.min(1, along));
        least = Math.min(least, Math.hypot(x[at - 1]! + share * dx - px, y[at - 1]! + share * dy - py));
    }
    return least;
}

/** The nearest element within reach; a dot wins over the lines that end in it. */
export function nearest(net: Network, px: number, py: number, reach: number): number | null {
    const { grid, box } = net;
    const [left, low] = cellOf(grid, box, px - reach - grid.size, py - reach - grid.size);
    const [right, high] = cellOf(grid, box, px + reach + grid.size, py + reach + grid.size);
    let found: number | null = null;
    let least = reach;
    for (let row = low; row <= high; row++) {
        for (let column = left; column <= right; column++) {
            for (const element of grid.cells[row * grid.columns + column] ?? []) {
                const away = distance(net, element, px, py) - (isDot(net, element) ? reach / 3 : 0);
                if (away < least) {
                    least = away;
                    found = element;
                }
            }
        }
    }
    return found;
}

/** Elements of some classes by their distance from one of them, at most `most`. */
export function around(net: Network, centre: number, classes: Set<string>, most: number): number[] {
    const { x, y } = middleOf(net, centre);
    const reached: { element: number; away: number }[] = [];
    for (let element = 0; element < net.count; element++) {
        if (classes.has(className(net, element))) {
            const at = middleOf(net, element);
            reached.push({ element, away: Math.hypot(at.x - x, at.y - y) });
        }
    }
    return reached.sort((a, b) => a.away - b.away).slice(0, most).map(({ element }) => element);
}

/** Arranges elements as the server tells them. Null where there is too little of a plan. */
export function arrangeNetwork(
    system: string,
    classes: Class[],
    elements: { class: string; name: string; points: [number, number, number][] | null }[],
): Network | null {
    const placed = elements.filter(({ points }) => points !== null && points.length > 0);
    const numbers = new Map(classes.map((kind, at) => [kind.name, at]));
    const total = placed.reduce((sum, { points }) => sum + (points?.length ?? 0), 0);
    const x = new Float64Array(total);
    const y = new Float64Array(total);
    const start = new Uint32Array(placed.length + 1);
    const places = new Set<string>();
    let at = 0;
    placed.forEach(({ points }, element) => {
        for (const point of points ?? []) {
            x[at] = point[0];
            y[at] = point[1];
            at++;
        }
        start[element + 1] = at;
        if (places.size < least_places) {
            places.add(`${points?.[0]?.[0]} ${points?.[0]?.[1]}`);
        }
    });
    if (places.size < least_places) {
        return null;
    }
    const box = boxOf(x, y);
    const dots = placed.filter(({ points }) => points?.length === 1).length;
    const area = Math.max((box.right - box.left) * (box.top - box.bottom), 1e-12);
    const net: Network = {
        system,
        classes,
        count: placed.length,
        names: placed.map(({ name }) => name),
        classOf: Uint8Array.from(placed, (one) => numbers.get(one.class) ?? 0),
        start,
        x,
        y,
        numbers: new Map(placed.map((one, element) => [keyOf(one.class, one.name), element])),
        box,
        spacing: Math.sqrt(area / Math.max(dots || placed.length, 1)),
        grid: makeGrid(box, placed.length),
    };
    fillGrid(net);
    return net;
}

/** Reads the places of a system's elements; null for a system without a plan. */
export async function loadNetwork(system: System): Promise<Network | null> {
    const classes = system.classes
        .filter(({ shape, population, count }) => shape && population !== true && count > 0)
        .slice(0, most_classes);
    const expected = classes.reduce((sum, { count }) => sum + count, 0);
    if (expected < least_places || expected > most_elements) {
        return null;
    }
    const elements = [];
    for (const kind of classes) {
        for (let offset = 0; offset < kind.count; offset += page_size) {
            elements.push(...(await api.elements(system.name, kind.name, offset, page_size)).elements);
        }
    }
    return arrangeNetwork(system.name, classes, elements);
}
