// A trail of recent values, the newest at the right; no axes: the number beside it says how much.

interface Props {
    trail: readonly number[];
    width?: number;
    height?: number;
    /** A trail that moves less than this is drawn flat: noise in the last digit is no news. */
    least: number;
    label: string;
}

export function Sparkline({ trail, width = 72, height = 22, least, label }: Props) {
    if (trail.length < 2) {
        return <svg class="spark" width={width} height={height} aria-hidden="true" />;
    }
    const low = Math.min(...trail);
    const high = Math.max(...trail);
    const range = Math.max(high - low, least, Number.MIN_VALUE);
    const middle = (low + high) / 2;
    const x = (index: number) => 1 + (index * (width - 5)) / (trail.length - 1);
    const y = (value: number) => height / 2 - ((value - middle) / range) * (height - 6);
    const points = trail.map((value, index) => `${x(index).toFixed(1)},${y(value).toFixed(1)}`).join(' ');
    const last = trail.length - 1;
    return (
        <svg class="spark" width={width} height={height} viewBox={`0 0 ${width} ${height}`} role="img" aria-label={label}>
            <polyline points={points} />
            <circle cx={x(last)} cy={y(trail[last] as number)} r="2" />
        </svg>
    );
}
