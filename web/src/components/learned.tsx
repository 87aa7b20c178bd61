// What is learned, over time: parameters and unknown inputs with their 90 % bands, and what was known before.

import type uPlot from 'uplot';
import type { Parameter } from '../api';
import { colours, edges, faded, line } from '../chart';
import { numberText, shortName, spreadText } from '../format';
import { bandOf, displayFor, learnedKey, parameters } from '../store';
import { loadLearned, loadTrack } from '../track';
import { emptyTrace, traceOf, type Trace } from '../traces';
import { asDifference, convert, type Display } from '../units';
import { Multiples } from './multiples';
import { TraceChart } from './tracechart';

const width = 3; // columns of a trace: mean, low, high

/** What history keeps of it by itself, or of a parameter because the world file says so. */
async function pastOf({ address, kind }: Parameter, from_s: number): Promise<Trace> {
    const kept = await loadLearned(address, from_s);
    if (kept !== null || kind === 'input') {
        return kept ?? emptyTrace(width);
    }
    const { time, mean, low, high } = await loadTrack(address, from_s);
    return { time, columns: [mean, low, high] };
}

const priorOf = ({ initial = null, initial_spread = null }: Parameter) => ({ mean: initial, spread: initial_spread });

function displayOf(parameter: Parameter): Display {
    const display = displayFor(parameter.address, parameter.unit);
    return parameter.kind === 'input' ? asDifference(display) : display;
}

/** Columns: time; the prior's high, low, mean; high, low, mean: what is drawn last lies on top. */
function columnsOf(parameter: Parameter, { time, columns: [mean, low, high] }: Trace): uPlot.AlignedData {
    const display = displayOf(parameter);
    const shown = (cells: (number | null)[] = []) => cells.map((cell) => convert(cell, display));
    const prior = priorOf(parameter);
    const [priorLow, priorHigh] = bandOf(prior);
    const flat = (value: number | null) => time.map(() => convert(value, display));
    return [time, flat(priorHigh), flat(priorLow), flat(prior.mean), shown(high), shown(low), shown(mean)];
}

function layout() {
    const ink = colours();
    return {
        series: [...edges(), line('before', ink.muted, [6, 4]), ...edges(), line('now', ink.estimate)],
        bands: [
            { series: [1, 2], fill: faded(ink.muted, 0.14) },
            { series: [4, 5], fill: faded(ink.estimate, 0.24) },
        ] as uPlot.Band[],
    };
}

function LearnedChart({ parameter }: { parameter: Parameter }) {
    const key = learnedKey(parameter);
    const display = displayOf(parameter);
    const spread = convert(parameter.spread, asDifference(display));
    const name = shortName(parameter.address);
    const describe = (row: number, data: uPlot.AlignedData) => {
        const [high, low, mean] = [4, 5, 6].map((column) => data[column]?.[row] ?? null);
        const grain = high === null || low === null ? null : (Number(high) - Number(low)) / 3.29;
        const text = (cell: number | null | undefined) => numberText(cell ?? null, grain);
        return `${text(mean)} (${text(low)} to ${text(high)}) ${display.unit}`;
    };
    return (
        <TraceChart
            title={
                <>
                    {name}{' '}
                    {parameter.kind === 'input' ? <span class="tag">unknown input</span> : null}{' '}
                    <b>{numberText(convert(parameter.mean, display), spread)}</b>{' '}
                    <small>{spread === 0 ? `${display.unit}, held` : `± ${spreadText(spread)} ${display.unit}`}</small>
                </>
            }
            note={
                <>
                    <span class="key estimate">90 % band</span>
                    <span class="key prior">before anything was measured</span>
                </>
            }
            label={`${parameter.kind === 'input' ? 'what is added to ' : ''}${name} over time, with its 90 % band`}
            testid={`learned-${key}`}
            layout={layout}
            seen={() => traceOf(key, width)}
            past={(from_s) => pastOf(parameter, from_s)}
            data={(trace) => columnsOf(parameter, trace)}
            describe={describe}
            anew={[key]}
        />
    );
}

export function Learned() {
    return (
        <Multiples
            items={parameters.value}
            noun="parameters and inputs"
            each={(parameter) => <LearnedChart key={learnedKey(parameter)} parameter={parameter} />}
        >
            <span class="note">
                {parameters.value.some(({ kind }) => kind === 'input')
                    ? 'An unknown input is what acts beside all that is supplied.' : 'What the world file gave is grey.'}
            </span>
        </Multiples>
    );
}
