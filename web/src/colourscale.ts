// Colours for numbers: steps that look alike in OKLab (Ottosson 2020, https://bottosson.github.io/posts/oklab),
// lightness always rising or falling, hues between yellow and blue: readable for colour-blind eyes and in grey.

export type Ramp = 'sequential' | 'diverging';

export const steps = 31; // odd: a diverging ramp has a middle

type Lab = [number, number, number];

/** Lightness 0..1, chroma, hue in degrees. */
const polar = (lightness: number, chroma: number, hue: number): Lab => {
    const angle = (hue * Math.PI) / 180;
    return [lightness, chroma * Math.cos(angle), chroma * Math.sin(angle)];
};

// What is far along the scale stands out most from the ground, light or dark.
const stops: Record<'light' | 'dark', Record<Ramp, Lab[]>> = {
    light: {
        sequential: [
            polar(0.87, 0.13, 98), polar(0.73, 0.13, 148), polar(0.59, 0.1, 205), polar(0.45, 0.12, 262),
            polar(0.31, 0.14, 295),
        ],
        diverging: [polar(0.4, 0.16, 260), polar(0.63, 0.12, 248), polar(0.87, 0.01, 240), polar(0.66, 0.14, 52), polar(0.43, 0.13, 38)],
    },
    dark: {
        sequential: [
            polar(0.38, 0.15, 295), polar(0.51, 0.12, 262), polar(0.64, 0.1, 215), polar(0.77, 0.13, 155),
            polar(0.9, 0.15, 102),
        ],
        diverging: [polar(0.82, 0.11, 235), polar(0.6, 0.14, 252), polar(0.38, 0.012, 240), polar(0.62, 0.14, 48), polar(0.84, 0.12, 70)],
    },
};

const gamma = (linear: number) => (linear <= 0.0031308 ? 12.92 * linear : 1.055 * linear ** (1 / 2.4) - 0.055);

function hexOf([lightness, a, b]: Lab): string {
    const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
    const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
    const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
    const channels = [
        4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
        -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
        -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
    ];
    const bytes = channels.map((one) => Math.round(255 * gamma(Math.max(0, Math.min(1, one)))));
    return `#${bytes.map((byte) => byte.toString(16).padStart(2, '0')).join('')}`;
}

/** The ramp's colours from low to high. */
export function rampOf(ramp: Ramp, dark: boolean): string[] {
    const points = stops[dark ? 'dark' : 'light'][ramp];
    return Array.from({ length: steps }, (_, at) => {
        const place = (at / (steps - 1)) * (points.length - 1);
        const index = Math.min(points.length - 2, Math.floor(place));
        const share = place - index;
        const from = points[index] as Lab;
        const to = points[index + 1] as Lab;
        return hexOf(from.map((value, axis) => value + share * ((to[axis] as number) - value)) as Lab);
    });
}

/** Which colour a value has; -1 where there is none. */
export function stepOf(value: number, low: number, high: number): number {
    if (!Number.isFinite(value)) {
        return -1;
    }
    const share = high > low ? (value - low) / (high - low) : 0.5;
    return Math.max(0, Math.min(steps - 1, Math.floor(share * steps)));
}

const outliers = 0.02; // on each side: a few wild values must not take all of the colours

/** From the 2nd to the 98th percentile of what exists; null where nothing does. */
export function rangeOf(values: ArrayLike<number>): { low: number; high: number } | null {
    const known = Array.from(values).filter(Number.isFinite).sort((a, b) => a - b);
    if (known.length === 0) {
        return null;
    }
    const at = (share: number) => known[Math.round(share * (known.length - 1))] as number;
    return { low: at(outliers), high: at(1 - outliers) };
}

/** Limits with room between them, alike on both sides of zero where the ramp has a middle. */
export function limitsOf(values: ArrayLike<number>, ramp: Ramp): { low: number; high: number } {
    const range = rangeOf(values) ?? { low: 0, high: 1 };
    if (ramp === 'diverging') {
        const size = Math.max(Math.abs(range.low), Math.abs(range.high)) || 1e-9;
        return { low: -size, high: size };
    }
    // values that stand still deserve one colour, not noise stretched over all of them
    const least = 1e-3 * Math.max(Math.abs(range.low), Math.abs(range.high)) || 1e-9;
    const short = least - (range.high - range.low);
    return short > 0 ? { low: range.low - short / 2, high: range.high + short / 2 } : range;
}
