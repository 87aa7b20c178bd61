import { render } from 'preact';
import { App } from './app';
import { goLive } from './live';
import './base.css';
import './panels.css';

render(<App />, document.getElementById('page') as HTMLElement);
goLive();
