import { render } from 'preact';
import { App } from './app';
import { startLook } from './ui/look';
import './styles/tokens.css';
import './styles/base.css';
import './styles/shell.css';
import './styles/feed.css';
import './styles/cases.css';
import './styles/devices.css';
import './styles/cameras.css';
import './styles/chart.css';
import './styles/desk.css';
import './styles/keys.css';
import './styles/map.css';

startLook();
render(<App />, document.getElementById('app') as HTMLElement);
