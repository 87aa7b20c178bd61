// A uPlot chart as a component: made once it has a width, kept to its box, redrawn in the reader's colours.

import { useEffect, useRef } from 'preact/hooks';
import type uPlot from 'uplot';
import { makeChart, onScheme, type Layout } from '../chart';

interface Props {
    height: number;
    label: string;
    /** Called for a new chart, also after a change of colours: options are read anew. */
    layout: () => Omit<Layout, 'width' | 'height'>;
    data: () => uPlot.AlignedData;
    /** Gets the chart, to put new data into, and null when it is gone. */
    hold?: (chart: uPlot | null) => void;
    /** The chart is made anew when one of these changes. */
    anew: unknown[];
}

const least_width = 200;

export function Canvas({ height, label, layout, data, hold, anew }: Props) {
    const box = useRef<HTMLDivElement>(null);
    useEffect(() => {
        const at = box.current as HTMLDivElement;
        let chart: uPlot | null = null;
        const width = () => Math.max(least_width, Math.floor(at.clientWidth));
        const make = () => {
            chart?.destroy();
            chart = makeChart(at, { ...layout(), width: width(), height }, data());
            hold?.(chart);
        };
        make();
        const sizes = new ResizeObserver(() => {
            if (chart !== null && chart.width !== width()) {
                chart.setSize({ width: width(), height });
            }
        });
        sizes.observe(at);
        const stop = onScheme(make);
        return () => {
            stop();
            sizes.disconnect();
            hold?.(null);
            chart?.destroy();
        };
    }, [height, ...anew]);
    return <div class="canvas" ref={box} role="img" aria-label={label} />;
}
