// How the estimate comes about: which hypothesis is believed, what was learned, how readings met expectations.

import type { ComponentType } from 'preact';
import { useState } from 'preact/hooks';
import { parameters } from '../store';
import { Innovations, observers } from './innovations';
import { Learned } from './learned';
import { Weights, severalHypotheses } from './weights';

const views: { name: string; there: () => boolean; View: ComponentType }[] = [
    { name: 'Hypotheses', there: severalHypotheses, View: Weights },
    { name: 'Learned', there: () => parameters.value.length > 0, View: Learned },
    { name: 'Innovations', there: () => observers().length > 0, View: Innovations },
];

export function Estimation() {
    const [picked, setPicked] = useState('');
    const there = views.filter((view) => view.there());
    const shown = there.find(({ name }) => name === picked) ?? there[0];
    if (shown === undefined) {
        return null;
    }
    const { View } = shown;
    return (
        <section class="panel estimation" aria-labelledby="estimation-title">
            <div class="headed">
                <h2 id="estimation-title">Estimation</h2>
                <div class="tabs" role="group" aria-label="Views of the estimation">
                    {there.map(({ name }) => (
                        <button key={name} type="button" class="quiet" aria-pressed={name === shown.name}
                            data-testid={`view-${name.toLowerCase()}`} onClick={() => setPicked(name)}>{name}</button>
                    ))}
                </div>
            </div>
            <View />
        </section>
    );
}
