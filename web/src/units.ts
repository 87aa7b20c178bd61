// From SI to what people read. The engine's units are UDUNITS spellings; a unit without a row here is shown as it is.

export interface Display {
    unit: string;
    scale: number;
    /** Added after scaling; 0 for differences and spreads. */
    offset: number;
}

interface Rule {
    unit: string;
    scale: number;
    offset?: number;
    /** The rule is for magnitudes from here on (in SI), e.g. bar rather than kPa. */
    from?: number;
}

// The last rule whose `from` is reached wins.
const rules: Record<string, Rule[]> = {
    K: [{ unit: '°C', scale: 1, offset: -273.15 }],
    Pa: [
        { unit: 'Pa', scale: 1 },
        { unit: 'kPa', scale: 1e-3, from: 1e3 },
        { unit: 'bar', scale: 1e-5, from: 1e6 },
    ],
    'm3/s': [{ unit: 'L/s', scale: 1e3 }],
    'm3 s-1': [{ unit: 'L/s', scale: 1e3 }],
    W: [
        { unit: 'W', scale: 1 },
        { unit: 'kW', scale: 1e-3, from: 1e4 },
        { unit: 'MW', scale: 1e-6, from: 1e7 },
    ],
    J: [
        { unit: 'J', scale: 1 },
        { unit: 'kJ', scale: 1e-3, from: 1e4 },
        { unit: 'MJ', scale: 1e-6, from: 1e7 },
    ],
    V: [
        { unit: 'V', scale: 1 },
        { unit: 'kV', scale: 1e-3, from: 1e4 },
    ],
    rad: [{ unit: '°', scale: 180 / Math.PI }],
    'rad/s': [{ unit: 'rpm', scale: 30 / Math.PI }],
    'kg/m3': [
        { unit: 'mg/L', scale: 1e3 },
        { unit: 'kg/m³', scale: 1, from: 10 },
    ],
    s: [
        { unit: 's', scale: 1 },
        { unit: 'min', scale: 1 / 60, from: 300 },
        { unit: 'h', scale: 1 / 3600, from: 7200 },
    ],
    m3: [{ unit: 'm³', scale: 1 }],
    m2: [
        { unit: 'cm²', scale: 1e4 },
        { unit: 'm²', scale: 1, from: 0.1 },
    ],
    '1': [{ unit: '', scale: 1 }],
};

// Units that mean the same are written alike by people: exponents become superscripts.
const superscripts: Record<string, string> = { '-': '⁻', '0': '⁰', '1': '¹', '2': '²', '3': '³', '4': '⁴' };

function pretty(unit: string): string {
    return unit
        .replace(/([A-Za-z])\^?(-?[0-4])(?![0-9])/g, (_, letter: string, power: string) =>
            letter + [...power].map((c) => superscripts[c] ?? c).join(''))
        .replace(/\*/g, '·');
}

/**
 * How a value of `unit` is displayed.
 * @param magnitude a typical size in SI: it chooses between kPa and bar, W and kW
 * @param si        true leaves SI as it is
 */
export function displayOf(unit: string, magnitude: number | null, si: boolean): Display {
    const found = si ? undefined : rules[unit];
    if (found === undefined) {
        return { unit: unit === '1' ? '' : pretty(unit), scale: 1, offset: 0 };
    }
    const size = Math.abs(magnitude ?? 0);
    let chosen = found[0] as Rule;
    for (const rule of found) {
        if (size >= (rule.from ?? 0)) {
            chosen = rule;
        }
    }
    return { unit: chosen.unit, scale: chosen.scale, offset: chosen.offset ?? 0 };
}

/** The same unit for spreads, innovations and differences: scaled, never shifted. */
export function asDifference(display: Display): Display {
    return { ...display, offset: 0 };
}

export function convert(value: number | null | undefined, display: Display): number | null {
    return value === null || value === undefined || !Number.isFinite(value)
        ? null
        : value * display.scale + display.offset;
}

/** A displayed value back in SI, for what a person typed. */
export function toSi(value: number, display: Display): number {
    return (value - display.offset) / display.scale;
}
