// What a forecast's scores mean, in numbers that can be judged.

import type { Score } from './api';

/** Fewer truths say little about how good forecasts are. */
export const fewest_judged = 30;
// Off by less is what a finite number of lanes and truths does by itself.
const share_slack = 0.04;

export interface Band {
    promised: number;
    held: number | null;
    width: number | null;
    /** Surely off what it promised, by more than matters. */
    off: boolean;
}

export interface Skill {
    /** Share of the error of "nothing changes" that the forecast avoids; below 0 it does harm. */
    gain: number | null;
    worse: boolean;
    bands: [Band, Band];
    /** Share of the lanes' own CRPS that recalibration took off. */
    repaired: number | null;
}

function gainOver(own: number | null, rival: number | null): number | null {
    return own === null || rival === null || rival === 0 ? null : 1 - own / rival;
}

function bandOf(promised: number, held: number | null, width: number | null, count: number): Band {
    const chance = 2 * Math.sqrt((promised * (1 - promised)) / Math.max(count, 1));
    const off = count >= fewest_judged && held !== null && Math.abs(held - promised) > share_slack + chance;
    return { promised, held, width, off };
}

export function skillOf(score: Score): Skill {
    const gain = gainOver(score.rmse, score.persistence_rmse);
    return {
        gain,
        worse: score.count >= fewest_judged && gain !== null && gain < 0,
        bands: [
            bandOf(0.5, score.coverage50, score.width50, score.count),
            bandOf(0.9, score.coverage90, score.width90, score.count),
        ],
        repaired: gainOver(score.crps, score.raw_crps),
    };
}
