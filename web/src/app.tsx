// The page: what stands where.

import { Branches } from './components/branches';
import { Charts } from './components/fieldchart';
import { Estimation } from './components/estimation';
import { Events } from './components/events';
import { Header } from './components/header';
import { Parameters } from './components/parameters';
import { Plan } from './components/plan';
import { Scores } from './components/scores';
import { Sensors } from './components/sensors';
import { Values } from './components/values';
import { WhatIf } from './components/whatif';
import { connection, world } from './store';

export function App() {
    const away = connection.value === 'offline';
    return (
        <>
            <Header />
            {away ? (
                <p class="banner" role="alert">
                    The server does not answer. What is shown is the last that was known.
                </p>
            ) : null}
            {(world.value?.warnings ?? []).length === 0 ? null : (
                <details class="banner warnings">
                    <summary>{world.value?.warnings?.length} warnings about this world</summary>
                    <ul>{world.value?.warnings?.map((text) => <li key={text}>{text}</li>)}</ul>
                </details>
            )}
            {world.value === null ? (
                <p class="waiting" role="status">Waiting for the twin …</p>
            ) : (
                <main>
                    <div class="side">
                        <Values />
                        <Events />
                    </div>
                    <div class="stage">
                        <Plan />
                        <Charts />
                        <WhatIf />
                        <Estimation />
                        <div class="tables">
                            <Sensors />
                            <Parameters />
                            <Scores />
                            <Branches />
                        </div>
                    </div>
                </main>
            )}
            <footer>
                gemel {world.value?.version ?? ''} · bands hold 90 % of the lanes · times are UTC
            </footer>
        </>
    );
}
