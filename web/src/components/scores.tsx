// How good the forecasts were once the truth arrived, against the simplest rival: that nothing changes.

import type { Score } from '../api';
import { durationText, figureText, nothing, percentText, shortName } from '../format';
import { chartOnly, displayFor, forecasts, knownAddress, scores, values } from '../store';
import { asDifference, convert } from '../units';

const fewest_judged = 30; // fewer say little about how good forecasts are

function unitOf(field: string): string {
    return (
        values.value.get(knownAddress(field))?.unit ?? forecasts.value.find((one) => one.field === field)?.unit ?? '1'
    );
}

function ScoreRow({ score }: { score: Score }) {
    const address = knownAddress(score.field);
    const display = asDifference(displayFor(address, unitOf(score.field)));
    const { rmse, persistence_rmse: rival, coverage90: hits } = score;
    const skill = rmse === null || rival === null || rival === 0 ? null : 1 - rmse / rival;
    const known = score.count >= fewest_judged;
    const off = known && hits !== null && (hits < 0.8 || hits > 0.98);
    const worse = known && skill !== null && skill < 0;
    return (
        <tr>
            <th scope="row">
                <button type="button" class="link" title={`Chart ${score.field}`} onClick={() => chartOnly(address)}>
                    {shortName(score.field)}
                </button>
            </th>
            <td>{durationText(score.horizon_s)}</td>
            <td>
                <b>{figureText(convert(rmse, display))}</b>
            </td>
            <td class="quiet-text">{figureText(convert(rival, display))}</td>
            <td class="unit">{display.unit}</td>
            <td class={worse ? 'bad' : ''}>
                {skill === null ? nothing : percentText(skill).replace('-', '−')}
            </td>
            <td>{figureText(convert(score.crps, display))}</td>
            <td class={off ? 'bad' : ''}>
                {hits === null ? null : (
                    <span class="meter" aria-hidden="true">
                        <i style={{ width: `${100 * hits}%` }} />
                    </span>
                )}
                {percentText(hits)}
            </td>
            <td class="quiet-text">{score.count}</td>
        </tr>
    );
}

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
                                <th scope="col">field</th>
                                <th scope="col">ahead</th>
                                <th scope="col" title="root mean square error of the forecast's mean">RMSE</th>
                                <th scope="col" title="the same if nothing had changed">unchanged</th>
                                <th scope="col" />
                                <th scope="col" title="share of the rival's error that the forecast avoids">better by</th>
                                <th scope="col" title="continuous ranked probability score">CRPS</th>
                                <th scope="col" title="share of truths inside the 90 % band; 90 % is right">in band</th>
                                <th scope="col">judged</th>
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
