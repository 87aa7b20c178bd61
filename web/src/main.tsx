import { effect } from '@preact/signals';
import { render } from 'preact';
import { App } from './app';
import { goLive } from './live';
import { followPlan } from './planfeed';
import { world } from './store';
import './base.css';
import './panels.css';
import './answers.css';
import './layout.css';
import './plan.css';
import './estimation.css';

render(<App />, document.getElementById('page') as HTMLElement);
goLive();
followPlan();
effect(() => {
    document.title = world.value === null ? 'gemel' : `${world.value.name} · gemel`;
});
