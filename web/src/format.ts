// Numbers, times, durations and addresses as text.

const minus = '\u2212';
const powers = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];
export const nothing = '–';

function exponentText(value: number, digits: number): string {
    const [mantissa = '', exponent = ''] = value.toExponential(digits - 1).split('e');
    const raised = [...exponent.replace('+', '')].map((c) => (c === '-' ? '⁻' : powers[Number(c)])).join('');
    return `${mantissa}\u00d710${raised}`;
}

/**
 * A number with as many decimals as its spread gives meaning to (two digits of the spread);
 * without a spread, four significant digits.
 */
export function numberText(value: number | null | undefined, spread?: number | null): string {
    if (value === null || value === undefined || !Number.isFinite(value)) {
        return nothing;
    }
    const size = Math.abs(value);
    if (size !== 0 && (size >= 1e7 || size < 1e-4)) {
        return exponentText(value, 4).replace('-', minus);
    }
    const known = spread !== null && spread !== undefined && Number.isFinite(spread) && spread > 0;
    const decimals = known
        ? 1 - Math.floor(Math.log10(spread as number))
        : size === 0 ? 0 : 3 - Math.floor(Math.log10(size));
    // six digits in all are plenty on a screen, whatever the spread says
    const most = 5 - Math.floor(Math.log10(Math.max(size, 1)));
    const text = value.toFixed(Math.max(0, Math.min(decimals, most, 6)));
    return (/^-0\.?0*$/.test(text) ? text.slice(1) : text).replace('-', minus);
}

/** Three significant digits: for spreads, errors and sizes, which have no spread of their own. */
export function figureText(value: number | null | undefined): string {
    return numberText(value, value === null || value === undefined ? null : Math.abs(value) / 10);
}

/** Two significant digits: as many decimals as numberText gives the value it belongs to. */
export function spreadText(spread: number | null | undefined): string {
    return numberText(spread, spread);
}

/** The spread of something learned; none where the hypothesis that is believed does not let it move. */
export function doubtText(spread: number | null | undefined): string {
    return spread === 0 ? 'held' : `± ${spreadText(spread)}`;
}

export function signedText(value: number | null | undefined, spread?: number | null): string {
    const text = numberText(value, spread);
    return value !== null && value !== undefined && value > 0 ? `+${text}` : text;
}

const pad = (value: number) => String(value).padStart(2, '0');

/** World times are UTC throughout: a twin's data, events and files then agree wherever one reads them. */
export function clockText(time_s: number | null): string {
    if (time_s === null) {
        return nothing;
    }
    const at = new Date(time_s * 1000);
    return `${pad(at.getUTCHours())}:${pad(at.getUTCMinutes())}:${pad(at.getUTCSeconds())}`;
}

export function dateText(time_s: number | null): string {
    return time_s === null ? nothing : new Date(time_s * 1000).toISOString().slice(0, 10);
}

/** The clock alone for a time on the reference's day, else date and clock. */
export function momentText(time_s: number | null, reference_s: number | null): string {
    if (time_s === null) {
        return nothing;
    }
    const sameDay = reference_s !== null && dateText(time_s) === dateText(reference_s);
    return sameDay ? clockText(time_s) : `${dateText(time_s).slice(5)} ${clockText(time_s).slice(0, 5)}`;
}

const spans: [number, string][] = [
    [86400, 'd'],
    [3600, 'h'],
    [60, 'min'],
    [1, 's'],
];

export function durationText(span_s: number | null | undefined): string {
    if (span_s === null || span_s === undefined || !Number.isFinite(span_s)) {
        return nothing;
    }
    const size = Math.abs(span_s);
    const sign = span_s < 0 ? minus : '';
    if (size < 1) {
        return `${sign}${Number(size.toFixed(1))} s`;
    }
    for (const [unit_s, unit] of spans) {
        if (size >= unit_s) {
            const count = size / unit_s;
            return `${sign}${Number(count.toFixed(count < 10 ? 1 : 0))} ${unit}`;
        }
    }
    return '0 s';
}

export function bytesText(bytes: number | null | undefined): string {
    if (bytes === null || bytes === undefined) {
        return nothing;
    }
    const steps = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
    let size = bytes;
    let step = 0;
    while (size >= 1024 && step < steps.length - 1) {
        size /= 1024;
        step++;
    }
    return `${step === 0 ? size : size.toFixed(1)} ${steps[step]}`;
}

export function percentText(share: number | null | undefined): string {
    return share === null || share === undefined ? nothing : `${Math.round(share * 100)} %`;
}

export interface Address {
    system: string;
    className: string;
    element: string;
    field: string;
}

/** `system/class/element/field`; an element's own name may hold slashes. */
export function parseAddress(address: string): Address {
    const parts = address.split('/');
    return {
        system: parts[0] ?? '',
        className: parts.length > 3 ? (parts[1] ?? '') : '',
        element: parts.slice(parts.length > 3 ? 2 : 1, -1).join('/'),
        field: parts[parts.length - 1] ?? '',
    };
}

/** "air temperature": how a field is called in a sentence. */
export function shortName(address: string): string {
    const { element, field } = parseAddress(address);
    return `${element} ${field.replace(/_/g, ' ')}`;
}

/** True where the two name one field: one of them may have left the class out. */
export function sameField(a: string, b: string): boolean {
    if (a === b) {
        return true;
    }
    const left = parseAddress(a);
    const right = parseAddress(b);
    const classes = left.className === '' || right.className === '' || left.className === right.className;
    return classes && left.system === right.system && left.element === right.element && left.field === right.field;
}
