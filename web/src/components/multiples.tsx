// Several small charts side by side, a few at a time.

import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';

const at_a_time = 4;

interface Props<T> {
    items: T[];
    /** What they are, for those who turn pages: "sensors". */
    noun: string;
    each: (item: T) => ComponentChildren;
    /** Stands at the left of the line above. */
    children?: ComponentChildren;
}

export function Multiples<T>({ items, noun, each, children }: Props<T>) {
    const [wanted, setFirst] = useState(0);
    const first = wanted < items.length ? wanted : 0;
    const end = Math.min(first + at_a_time, items.length);
    return (
        <>
            <div class="pages">
                {children}
                {items.length <= at_a_time ? null : (
                    <span class="turn">
                        <button type="button" class="quiet" disabled={first === 0} aria-label={`${noun} before these`}
                            onClick={() => setFirst(Math.max(0, first - at_a_time))}>‹</button>
                        <span class="note" role="status">{first + 1} to {end} of {items.length} {noun}</span>
                        <button type="button" class="quiet" disabled={end === items.length} aria-label={`${noun} after these`}
                            onClick={() => setFirst(first + at_a_time)}>›</button>
                    </span>
                )}
            </div>
            <div class="multiples">{items.slice(first, end).map(each)}</div>
        </>
    );
}
