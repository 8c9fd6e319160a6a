import { connect } from './connect.mjs';
import { desk } from './desk.mjs';
import { feed } from './feed.mjs';
import { figures } from './figures.mjs';
import { fleet } from './fleet.mjs';
import { map } from './map.mjs';
import { shift } from './shift.mjs';
import { cameras } from './cameras.mjs';
import { register } from './register.mjs';
import { trace } from './trace.mjs';
import { unseal } from './unseal.mjs';
import { worker } from './worker.mjs';

// What the stand-in knows of the parts of the console that have a file here. Each is a function (mock, req, res, url) that answers and
// returns true, or returns false for a path that is not its own.
export const areas = [desk, feed, figures, map, shift, connect, fleet, cameras, register, trace, unseal, worker];
