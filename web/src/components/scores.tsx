// How good the forecasts were once the truth arrived: against the simplest rival, that nothing changes; whether the
// bands held what they promised; and how sharp they were, so that wide bands cannot pass for good ones.

import type { Score } from '../api';
import { durationText, figureText, nothing, percentText, shortName } from '../format';
import { trustedAt, weightText } from '../hypotheses';
import { skillOf, type Band } from '../skill';
import { chartOnly, displayFor, forecasts, hypotheses, knownAddress, scores, values } from '../store';
import { asDifference, convert } from '../units';
import { ShareBar, severalHypotheses } from './weights';

function unitOf(field: string): string {
    return (
        values.value.get(knownAddress(field))?.unit ?? forecasts.value.find((one) => one.field === field)?.unit ?? '1'
    );
}

function signedPercent(share: number | null): string {
    return share === null ? nothing : percentText(share).replace('-', '−');
}

function Coverage({ band: { promised, held, off } }: { band: Band }) {
    return (
        <td class={off ? 'bad' : ''}>
            {held === null ? null : (
                <span class="meter" aria-hidden="true" style={{ '--promised': `${100 * promised}%` }}>
                    <i style={{ width: `${100 * held}%` }} />
                </span>
            )}
            {percentText(held)}
        </td>
    );
}

/** Whom the forecast of this lead trusts. */
function Trusted({ score }: { score: Score }) {
    const shares = trustedAt(hypotheses.value, score.field, score.horizon_s);
    const [best] = shares;
    return (
        <td class="text" data-testid={`trusts-${score.horizon_s}`}>
            {best === undefined ? nothing : (
                <>
                    <ShareBar shares={shares} />
                    {best.name} {weightText(best.weight)}
                </>
            )}
        </td>
    );
}

function ScoreRow({ score }: { score: Score }) {
    const address = knownAddress(score.field);
    const display = asDifference(displayFor(address, unitOf(score.field)));
    const { gain, worse, bands, repaired } = skillOf(score);
    const figure = (value: number | null) => figureText(convert(value, display));
    return (
        <tr>
            <th scope="row">
                <button type="button" class="link" title={`Chart ${score.field}`} onClick={() => chartOnly(address)}>
                    {shortName(score.field)}
                </button>
            </th>
            <td>{durationText(score.horizon_s)}</td>
            {severalHypotheses() ? <Trusted score={score} /> : null}
            <td title={`bias ${figure(score.bias)} ${display.unit}`}>
                <b>{figure(score.rmse)}</b>
            </td>
            <td class="quiet-text">{figure(score.persistence_rmse)}</td>
            <td class="unit">{display.unit}</td>
            <td class={worse ? 'bad' : ''}>{signedPercent(gain)}</td>
            <td title={`recalibration took off ${signedPercent(repaired)}; fair ${figure(score.crps_fair)}`}>
                {figure(score.crps)}
            </td>
            {bands.map((band) => (
                <Coverage key={band.promised} band={band} />
            ))}
            {bands.map(({ promised, width }) => (
                <td key={promised}>{figure(width)}</td>
            ))}
            <td class="quiet-text">{score.count}</td>
        </tr>
    );
}

interface Column {
    name: string;
    meaning?: string;
    text?: boolean;
    there?: () => boolean;
}

const columns: Column[] = [
    { name: 'field' },
    { name: 'ahead' },
    { name: 'trusts', meaning: 'the hypotheses that the newest forecast follows', text: true, there: severalHypotheses },
    { name: 'RMSE', meaning: "root mean square error of the forecast's mean" },
    { name: 'unchanged', meaning: 'the same if nothing had changed' },
    { name: '' },
    { name: 'better by', meaning: "share of the rival's error that the forecast avoids" },
    { name: 'CRPS', meaning: 'continuous ranked probability score' },
    { name: 'in 50 %', meaning: 'share of readings inside the 50 % band and the noise; half is right' },
    { name: 'in 90 %', meaning: 'share of readings inside the 90 % band and the noise; 90 % is right' },
    { name: 'width 50', meaning: 'mean width of the 50 % band: of bands that hold, the narrower is the better' },
    { name: 'width 90', meaning: 'mean width of the 90 % band' },
    { name: 'judged', meaning: 'forecasts whose truth came' },
];

export function Scores() {
    return (
        <section class="panel scores" aria-labelledby="scores-title">
            <h2 id="scores-title">Forecast scores</h2>
            {scores.value.length === 0 ? (
                <p class="note">No forecast has met its truth yet.</p>
            ) : (
                <div class="scroll" tabIndex={0} role="region" aria-labelledby="scores-title">
                    <table>
                        <thead>
                            <tr>
                                {columns.filter(({ there }) => there?.() ?? true).map(({ name, meaning, text }) => (
                                    <th key={name} scope="col" class={text ? 'text' : ''} title={meaning}>{name}</th>
                                ))}
                            </tr>
                        </thead>
                        <tbody>
                            {scores.value.map((score) => (
                                <ScoreRow key={`${score.field} ${score.horizon_s}`} score={score} />
                            ))}
                        </tbody>
                    </table>
                </div>
            )}
        </section>
    );
}
